"""Templates fix the shape of an object, values fill it: template and values to one Kubernetes object.

`{{ value | yaml }}` does not print the value: it sets it aside and prints a marker. The text is parsed with the
markers in it, once for all objects of one shape, and the values are then put where the markers stand. So a
value cannot change the structure around it, whatever it holds.

A value None leaves out the key or list item where it stands; `{% if %}` leaves out larger parts. A fault of a
template is raised as `TemplateError`, which carries diagnostics: emitters let it pass, the pipeline reports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Template, Undefined, UndefinedError, meta, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from phoenix_gitops.diagnostics import Diagnostic, Label, ordered
from phoenix_gitops.shape import FillError, ShapeError, fill, marker, shape
from phoenix_gitops.template_files import Source, TemplateFiles
from phoenix_gitops.template_lint import line_span, lint

MAX_TEXT = 1_048_576
"""Characters that one template may render to; an object of 1 MiB is too large for any cluster."""

_SLOTS = "\ue000"
_LINE = re.compile("\ue001([0-9]+)\ue001")


class TemplateError(Exception):
    """A template cannot be used as it is: a mistake in a file of the user's, told by `diagnostics`."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(f"{d.code} {d.message}" for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


class NotPlainError(TypeError):
    """An emitter gave a template something else than plain data: a bug of ours."""


class _Marker(str):
    """What the `yaml` filter prints; nothing else may be printed."""

    __slots__ = ()


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without anything that calls, computes or reaches into Python objects."""

    def getattr(self, obj: object, attribute: str) -> object:
        """`a.b` is the key `b` of a mapping, and nothing else."""
        if isinstance(obj, Undefined):
            str(obj)  # raises, and names what is undefined
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)


def environment() -> ImmutableSandboxedEnvironment:
    """The Jinja environment of all templates: the filter `yaml`, the tests `defined` and `none`, nothing more."""
    env = _Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,
        finalize=_only_markers,
    )
    env.globals.clear()
    env.filters = {"yaml": _set_aside}
    env.tests = {name: env.tests[name] for name in ("defined", "none")}
    return env


@dataclass(frozen=True, slots=True)
class _Compiled:
    source: Source
    template: Template
    names: frozenset[str]


class Renderer:
    """Renders templates by name: the user's own first, then packs', then the built-in ones.

    A template is read, linted and compiled at its first use. Nothing is written, and no file outside the
    given folders is read.
    """

    def __init__(self, files: TemplateFiles) -> None:
        self._files = files
        self._environment = environment()
        self._compiled: dict[str, _Compiled] = {}

    @classmethod
    def of_repository(cls, root: Path, packs: Sequence[tuple[str, Path]] = ()) -> Renderer:
        """The renderer of a repository: its `templates/`, template packs by name, the built-in templates."""
        return cls(TemplateFiles.of_repository(root, packs))

    def render(self, template: str, /, **values: object) -> dict[str, Any]:
        """The object that `template` (relative to `templates/`) gives with these values; it is the caller's.

        Values are plain data; tuples become lists and subclasses of str plain strings. Raises TemplateError for
        a fault in the template, TypeError for a value that is no plain data, LookupError for no such template.
        """
        compiled = self._compiled.get(template) or self._compile(template)
        slots: list[object] = []
        text = self._text(compiled, values, slots)
        try:
            body = fill(shape(text), slots)
        except ShapeError as error:
            line = self._lines(compiled, values).of_line(error.line)
            help_text = "a template renders one plain YAML mapping, in which each expression is a whole value or key"
            self._fail(
                compiled.source, "PHX608", line, f"the template renders unusable YAML: {error.message}", help_text
            )
        except FillError as error:
            line = self._lines(compiled, values).of_slot(error.index)
            help_text = "keys are texts, and each stands once"
            self._fail(compiled.source, "PHX607", line, f"the template makes {error.message}", help_text)
        if not _is_object(body):
            self._fail(
                compiled.source,
                "PHX609",
                1,
                "the template gives no Kubernetes object",
                "give it `apiVersion`, `kind` and `metadata.name`, each a text",
            )
        return body

    def names(self, template: str) -> frozenset[str]:
        """The values that a template reads."""
        return (self._compiled.get(template) or self._compile(template)).names

    def check(self) -> tuple[Diagnostic, ...]:
        """Faults of the user's own templates, used or not."""
        found: list[Diagnostic] = []
        for item in self._files.user_templates():
            if isinstance(item, Diagnostic):
                found.append(item)
            else:
                found.extend(lint(item.text, item.file, self._environment).diagnostics)
        return ordered(found)

    def _compile(self, name: str) -> _Compiled:
        source = self._files.read(name)
        if isinstance(source, Diagnostic):
            raise TemplateError([source])
        checked = lint(source.text, source.file, self._environment)
        if checked.value is None:
            raise TemplateError(checked.diagnostics)
        compiled = _Compiled(
            source, self._template(checked.value, source), frozenset(meta.find_undeclared_variables(checked.value))
        )
        self._compiled[name] = compiled
        return compiled

    def _template(self, tree: nodes.Template, source: Source) -> Template:
        code = self._environment.compile(tree, source.file, source.file)
        return Template.from_code(self._environment, code, {})

    def _text(self, compiled: _Compiled, values: Mapping[str, object], slots: list[object]) -> str:
        """The rendered text, with a marker for each value that is now in `slots`."""
        context = compiled.template.new_context({**values, _SLOTS: slots}, shared=True)
        chunks: list[str] = []
        size = 0
        try:
            for chunk in compiled.template.root_render_func(context):
                size += len(chunk)
                chunks.append(chunk)
                if size > MAX_TEXT:
                    break
        except UndefinedError as error:
            self._undefined(compiled, values, error)
        except NotPlainError:
            raise
        except TypeError as error:
            line = _line_of(compiled, error.__traceback__)
            what = f"the template compares or loops over what it cannot: {error}"
            self._fail(compiled.source, "PHX607", line, what, "test the value first, or loop over a list")
        if size > MAX_TEXT:
            what = f"the template renders more than {MAX_TEXT} characters"
            self._fail(compiled.source, "PHX605", 1, what, "shorten what its loops repeat")
        return "".join(chunks)

    def _lines(self, compiled: _Compiled, values: Mapping[str, object]) -> _Lines:
        """Renders once more with the template's line numbers in the text: only to report a fault."""
        tree = lint(compiled.source.text, compiled.source.file, self._environment).value
        assert tree is not None, "it was compiled before"
        for output in tree.find_all(nodes.Output):
            output.nodes = [piece for node in output.nodes for piece in _numbered(node)]
        numbered = _Compiled(compiled.source, self._template(tree, compiled.source), compiled.names)
        return _Lines(self._text(numbered, values, []))

    def _undefined(self, compiled: _Compiled, values: Mapping[str, object], error: UndefinedError) -> NoReturn:
        line = _line_of(compiled, error.__traceback__)
        name = str(error).split("'")[-2] if "'" in str(error) else ""
        known = sorted(values)
        close = get_close_matches(name, known, 1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        listed = ", ".join(f"`{n}`" for n in known) or "none"
        help_text = f"{hint}this template is given: {listed}"
        self._fail(compiled.source, "PHX606", line, f"the template reads `{name}`, which is not defined", help_text)

    def _fail(self, source: Source, code: str, line: int, message: str, help_text: str) -> NoReturn:
        span = line_span(source.file, source.text, line)
        raise TemplateError([Diagnostic(code=code, message=message, primary=Label(span), help=help_text)])


class _Lines:
    """Where the lines and slots of a rendered text stand in the template."""

    def __init__(self, numbered: str) -> None:
        self._lines = numbered.split("\n")

    def of_line(self, line: int) -> int:
        """The template's line that rendered this line of the text, counted from 0."""
        for text in reversed(self._lines[: line + 1]):
            if found := _LINE.search(text):
                return int(found[1])
        return 1

    def of_slot(self, index: int) -> int:
        """The template's line that printed this slot."""
        place = next((i for i, text in enumerate(self._lines) if marker(index) in text), 0)
        before = self._lines[place].partition(marker(index))[0]
        found = _LINE.findall(before)
        return int(found[-1]) if found else self.of_line(place)


def _numbered(node: nodes.Expr) -> Iterator[nodes.Expr]:
    """A part of an output with its line number before it, literal text line by line."""
    if not isinstance(node, nodes.TemplateData):
        yield nodes.TemplateData(f"\ue001{node.lineno}\ue001", lineno=node.lineno)
        yield node
        return
    for line, text in enumerate(node.data.splitlines(keepends=True), node.lineno):
        yield nodes.TemplateData(f"\ue001{line}\ue001{text}", lineno=line)


def _line_of(compiled: _Compiled, traceback: TracebackType | None) -> int:
    """The template's line in which an exception left the template."""
    line = 1
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == compiled.source.file:
            line = compiled.template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


@pass_context
def _set_aside(context: Context, value: object) -> _Marker:
    """The filter `yaml`: keeps a copy of the value for the slot whose marker it prints."""
    slots: list[object] = context.parent[_SLOTS]
    slots.append(_plain(value))
    return _Marker(marker(len(slots) - 1))


def _only_markers(value: object) -> _Marker:
    """Jinja's last step before printing; the linter already refused everything but `| yaml`."""
    if type(value) is not _Marker:
        raise AssertionError(f"a template printed {value!r} past the filter")
    return value


def _plain(value: object) -> object:
    """A copy of a value as plain data, which shares nothing with it."""
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool or kind is float:
        return value
    if isinstance(value, dict | Mapping):
        if any(not isinstance(key, str) for key in value):
            raise NotPlainError(f"a mapping with keys that are no text: {value!r}")
        return {str.__str__(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Undefined):
        str(value)  # raises, and names what is undefined
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain.__str__(value) if plain is str else plain(value)
    raise NotPlainError(f"no plain data: {value!r}")


def _is_object(body: Mapping[str, Any]) -> bool:
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return all(isinstance(text, str) and text for text in (body.get("apiVersion"), body.get("kind"), name))
