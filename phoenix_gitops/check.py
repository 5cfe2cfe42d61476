"""Stage check: one document against its kind's schema, and what is said of each fault.

jsonschema-rs decides; only a document that it refuses is described by jsonschema, which knows all faults and their
paths. The messages are ours: they name the field, not the schema keyword.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Label, Span
from phoenix_gitops.document import Document, Path
from phoenix_gitops.model import API_VERSION, KINDS, LATER_KINDS
from phoenix_gitops.model.base import NAME_PATTERN
from phoenix_gitops.paths import show_path
from phoenix_gitops.schemas import deref, field_names, resolved_schema, validator, written_schema
from phoenix_gitops.suggest import closest

Place = Callable[[Path, bool], Label]
"""Where a path stands: its key (True) or its value (False)."""


def check(document: Document) -> tuple[Diagnostic, ...]:
    """The faults of a document's form, as written."""
    envelope = tuple(_check_envelope(document))
    if envelope:
        return envelope
    if validator(document.kind, written=True).is_valid(document.data):
        return ()

    def place(path: Path, key: bool) -> Label:
        return Label(document.key_span(path) if key else document.value_span(path))

    return tuple(describe(document.kind, document.data, written=True, place=place))


def describe(kind: str, data: Mapping[str, Any], *, written: bool, place: Place) -> Iterator[Diagnostic]:
    """The faults of data that its kind's schema refused, each where `place` says it stands."""
    from jsonschema import Draft202012Validator

    root = written_schema(kind) if written else resolved_schema(kind)
    faults = Draft202012Validator(root).iter_errors(dict(data))
    for fault in sorted(faults, key=lambda f: [str(step) for step in f.absolute_path]):
        for meant in _deepest(fault):
            yield from _diagnose(meant, root, place)


def _deepest(fault: Any) -> Iterator[Any]:  # noqa: ANN401 - jsonschema's error has no useful type
    """The faults in the branch of a nullable field that a non-null value was meant for."""
    if fault.validator != "anyOf" or not fault.context:
        yield fault
        return
    meant = [c for c in fault.context if c.validator_value != "null"] or fault.context
    branch = meant[0].relative_schema_path[0]
    for inner in meant:
        if inner.relative_schema_path[0] == branch:
            yield from _deepest(inner)


def _diagnose(fault: Any, root: dict[str, Any], place: Place) -> Iterator[Diagnostic]:  # noqa: ANN401
    path: Path = tuple(fault.absolute_path)
    value, wanted = fault.instance, fault.validator_value
    schema = deref(fault.schema, root)
    notes = _notes(path, schema)
    match fault.validator:
        case "additionalProperties":
            yield from _unknown_fields(value, schema, path, place)
        case "required":
            for name in wanted:
                if name not in value:
                    inner = _property(schema, name, root)
                    yield Diagnostic(
                        code="PHX204",
                        message=f"missing field `{name}`" + (f" in `{_dotted(path)}`" if path else ""),
                        primary=place(path, True),
                        help=f"add `{name}:`" + (f" under `{_dotted(path)}`" if path else "") + _such_as(inner),
                        notes=_notes((*path, name), inner),
                    )
        case "type":
            yield Diagnostic(
                code="PHX203",
                message=f"`{_dotted(path)}` must be {_type_words(wanted)}, not {_type_of(value)}",
                primary=place(path, False),
                help=_type_help(wanted, value, schema),
                notes=notes,
            )
        case "enum" | "const":
            choices = [str(c) for c in ([wanted] if fault.validator == "const" else wanted) if c is not None]
            yield Diagnostic(
                code="PHX205",
                message=f"`{_dotted(path)}` cannot be {_quoted(value)}",
                primary=place(path, False),
                help=_choice_help(str(value), choices),
            )
        case _:
            yield Diagnostic(
                code="PHX206",
                message=_bounds_message(fault.validator, wanted, value, path, unit=schema.get(_UNIT)),
                primary=place(path, False),
                help=_bounds_help(fault.validator, wanted, value, schema),
                notes=notes,
            )


def _unknown_fields(
    value: Mapping[str, Any], schema: Mapping[str, Any], path: Path, place: Place
) -> Iterator[Diagnostic]:
    known = field_names(schema)
    where = f"`{_dotted(path)}`" if path else "a policy"
    for name in value:
        if name in known:
            continue
        near = closest(str(name), known)
        yield Diagnostic(
            code="PHX202",
            message=f"unknown field `{name}` in {where}",
            primary=place((*path, name), True),
            help=f"did you mean `{near}`?" if near else f"the fields here are {_listed(known)}",
        )


def _check_envelope(document: Document) -> Iterator[Diagnostic]:
    data = document.data
    for name in ("apiVersion", "kind"):
        if name not in data:
            wanted = API_VERSION if name == "apiVersion" else f"one of {_listed(sorted(KINDS))}"
            yield Diagnostic(
                code="PHX204",
                message=f"missing field `{name}`",
                primary=Label(_first_key(document)),
                help=f"write `{name}:` and {wanted}",
            )
    if "apiVersion" in data and data["apiVersion"] != API_VERSION:
        yield Diagnostic(
            code="PHX205",
            message=f"unknown apiVersion {_quoted(data['apiVersion'])}",
            primary=Label(document.value_span(("apiVersion",))),
            help=f"write `apiVersion: {API_VERSION}`",
        )
    if "kind" in data and document.kind not in KINDS:
        yield _unknown_kind(document)


def _unknown_kind(document: Document) -> Diagnostic:
    label = Label(document.value_span(("kind",)))
    if document.kind in LATER_KINDS:
        return Diagnostic(
            code="PHX207",
            message=f"kind `{document.kind}` is not compiled by this version",
            primary=label,
            help="remove the file for now: a policy without effect would promise something",
        )
    near = closest(document.kind, list(KINDS))
    return Diagnostic(
        code="PHX201",
        message=f"unknown kind {_quoted(document.data['kind'])}",
        primary=label,
        help=f"did you mean `{near}`?" if near else f"the kinds are {_listed(sorted(KINDS))}",
    )


def _first_key(document: Document) -> Span:
    return next((document.key_span((name,)) for name in document.data), document.value_span(()))


def _dotted(path: Path) -> str:
    return show_path(path) or "the policy"


def _quoted(value: object) -> str:
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _choice_help(value: str, choices: Sequence[str]) -> str:
    near = closest(value, list(choices))
    listed = f"write {'one of ' if len(choices) > 1 else ''}{_listed(choices)}"
    return f"did you mean `{near}`? {listed}" if near else listed


def _such_as(schema: Mapping[str, Any]) -> str:
    """`, for example ...`, if the field has an example."""
    examples = schema.get("examples")
    if not examples or examples[0] in ("", None, [], {}):
        return ""
    return f", for example {_quoted(examples[0])}"


def _notes(path: Path, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """What the field is for, in the words of its schema."""
    description = str(schema.get("description", ""))
    named = [str(step) for step in path if isinstance(step, str)]
    return (f"`{named[-1]}`: {description}",) if description and named else ()


def _property(schema: Mapping[str, Any], name: str, root: dict[str, Any]) -> Mapping[str, Any]:
    inner = schema.get("properties", {}).get(name)
    return deref(inner, root) if isinstance(inner, dict) else {}


def _type_help(wanted: str | Sequence[str], value: object, schema: Mapping[str, Any]) -> str:
    if "array" in wanted and isinstance(value, str | int | float):
        return f"write `[{value}]`"
    if "string" in wanted and isinstance(value, int | float):
        return f'put it in quotes: `"{json.dumps(value)}"`'
    return f"write {_type_words(wanted)}{_such_as(schema)}"


def _bounds_help(keyword: str, wanted: object, value: object, schema: Mapping[str, Any]) -> str:
    if keyword == "pattern" and wanted == NAME_PATTERN:
        proper = re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")
        rule = "a name has small letters, digits and `-`, and begins and ends with a letter or digit"
        return f"write `{proper}`: {rule}" if proper else rule
    if keyword in ("minItems", "minLength"):
        return "give at least one" if wanted == 1 else f"give at least {wanted}"
    if keyword == "pattern":
        form = _UNIT_WORDS.get(schema.get(_UNIT, ""))
        return f"write {form}" if form else f"write a value that matches the pattern{_such_as(schema)}"
    return f"write another value{_such_as(schema)}"


_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def _type_words(wanted: str | Sequence[str]) -> str:
    names = [wanted] if isinstance(wanted, str) else [w for w in wanted if w != "null"]
    return " or ".join(_TYPE_WORDS[name] for name in names)


def _type_of(value: object) -> str:
    match value:
        case bool():
            return f"`{json.dumps(value)}`"
        case int() | float():
            return f"the number `{value}`"
        case str():
            return f"the text `{value}`"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "null"


_UNIT = "x-phoenix-unit"
_UNIT_WORDS = {
    "duration": "a duration: a number and `ms`, `s`, `m`, `h`, `d`, `w` or `y`, such as `30s`",
    "quantity": "a quantity: a number, and a unit if need be, such as `500m` of cpu or `512Mi` of memory",
    "money": 'an amount: digits, with a `.` before the fraction, in quotes, such as `"0.10"`',
    "cidr": "a range of addresses, such as `10.0.0.0/8`; a single address is `10.0.0.1/32`",
}


def _bounds_message(keyword: str, wanted: object, value: object, path: Path, *, unit: str | None = None) -> str:
    name = _dotted(path)
    match keyword:
        case "pattern":
            fault = f"`{name}` cannot be {_quoted(_shortened(value))}"
            return fault if wanted == NAME_PATTERN or unit in _UNIT_WORDS else f"{fault}: it does not match `{wanted}`"
        case "minimum" | "exclusiveMinimum":
            return f"`{name}` must be {'at least' if keyword == 'minimum' else 'above'} `{wanted}`, not `{value}`"
        case "maximum" | "exclusiveMaximum":
            return f"`{name}` must be {'at most' if keyword == 'maximum' else 'below'} `{wanted}`, not `{value}`"
        case "minLength" | "minItems":
            return f"`{name}` is empty" if wanted == 1 else f"`{name}` needs at least {wanted} items"
        case "maxLength" | "maxItems":
            return f"`{name}` is longer than {wanted}"
        case _:
            return f"`{name}` breaks `{keyword}: {wanted}`"


def _shortened(value: object) -> str:
    text = re.sub(r"\s+", " ", str(value))
    return text if len(text) <= 60 else text[:57] + "..."
