"""The template linter: an allow-list on Jinja's syntax tree, run before a template is compiled.

Templates come with a stranger's pull request. What is allowed cannot call, compute, import or loop beyond
the values it is given; what is printed goes through `| yaml`, alone where a YAML value or key stands.
"""

from __future__ import annotations

import re

from jinja2 import Environment, TemplateSyntaxError, nodes

from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span

MAX_BYTES = 32_768
"""A template's size; ours have less than 4 KiB."""
MAX_LOOPS = 20
MAX_LOOP_DEPTH = 2
MAX_DEPTH = 8
"""Blocks within blocks, and terms within an expression."""

_RESERVED = re.compile("[\ue000\ue001]")
_EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.Getattr, nodes.Compare, nodes.Test),
    *(nodes.And, nodes.Or, nodes.Not),
)
_TESTS = frozenset(("defined", "none"))
_MAY_PRECEDE = frozenset((" ", "\n", "[", "{", ","))
_MAY_FOLLOW = frozenset((" ", "\n", "]", "}", ",", ":"))
_NO_NAMES = frozenset(("loop", "self", "super", "varargs", "kwargs", "caller"))

_HELP = (
    "a template holds literal YAML, `{{ name | yaml }}`, `{% if %}` and `{% for x in name %}`; "
    "compute anything else in the emitter, or use an override"
)
_HELP_FILTER = "write `{{ name | yaml }}`: the filter quotes whatever needs it"
_HELP_GLUED = "let the expression be the whole value or key, without quotes; join text in the policy or emitter"

_NAMES: dict[type[nodes.Node], str] = {
    nodes.Call: "a call",
    nodes.Macro: "a macro",
    nodes.CallBlock: "a call block",
    nodes.FilterBlock: "a filter block",
    nodes.Assign: "`set`",
    nodes.AssignBlock: "`set`",
    nodes.With: "`with`",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`import`",
    nodes.Extends: "`extends`",
    nodes.Block: "`block`",
    nodes.Getitem: "a subscript",
    nodes.CondExpr: "an inline `if`",
    nodes.Concat: "joined text",
    nodes.List: "a list",
    nodes.Tuple: "a tuple",
    nodes.Dict: "a mapping",
    nodes.Slice: "a slice",
    nodes.Scope: "`autoescape`",
}


def lint(source: str, file: str, environment: Environment) -> Outcome[nodes.Template | None]:
    """The syntax tree of a template, or every fault that keeps it from being compiled.

    `file` is the path shown to the user, such as `templates/ingest/service.yaml.j2`.
    """
    linter = _Linter(source, file)
    tree = linter.parse(environment)
    if tree is not None:
        linter.body(tree.body, 0, ())
    return Outcome(None if linter.faults else tree, tuple(linter.faults))


def line_span(file: str, source: str, line: int) -> Span:
    """The text of one line of a template, without its indentation."""
    lines = source.split("\n")
    line = min(max(line, 1), len(lines))
    text = lines[line - 1].rstrip()
    start = len(text) - len(text.lstrip()) + 1
    return Span(file, line, start, line, max(len(text) + 1, start + 1))


class _Linter:
    """One pass over one template; faults gather in `faults`."""

    def __init__(self, source: str, file: str) -> None:
        self._source = source
        self._file = file
        self._loops = 0
        self.faults: list[Diagnostic] = []

    def parse(self, environment: Environment) -> nodes.Template | None:
        """The tree, unless the template is too large or no Jinja."""
        if len(self._source.encode()) > MAX_BYTES:
            self._fault("PHX605", 1, f"more than {MAX_BYTES} bytes", "split what it renders")
            return None
        if found := _RESERVED.search(self._source):
            line = self._source.count("\n", 0, found.start()) + 1
            self._fault("PHX602", line, f"the reserved character U+{ord(found[0]):04X}", "remove it")
            return None
        try:
            return environment.parse(self._source)
        except TemplateSyntaxError as error:
            # The first sentence names the fault, further ones guess at its cause.
            text = (error.message or "syntax error").partition(". ")[0].rstrip(".")
            self._fault("PHX601", error.lineno, f"not a Jinja template: {text[:1].lower()}{text[1:]}", _HELP)
        except RecursionError:
            self._fault("PHX605", 1, "expressions or blocks nested too deep", _HELP)
        return None

    def body(self, items: list[nodes.Node], depth: int, loops: tuple[str, ...]) -> None:
        """Statements at a depth of blocks, inside loops with these variables."""
        for node in items:
            if depth > MAX_DEPTH:
                self._fault("PHX605", node.lineno, f"more than {MAX_DEPTH} blocks within one another", _HELP)
                return
            if isinstance(node, nodes.Output):
                self._output(node)
            elif isinstance(node, nodes.If):
                self._expression(node.test, 0)
                for part in (node.body, node.elif_, node.else_):
                    self.body(list(part), depth + 1, loops)
            elif isinstance(node, nodes.For):
                self._for(node, depth, loops)
            else:
                self._refuse(node)

    def _for(self, node: nodes.For, depth: int, loops: tuple[str, ...]) -> None:
        """Loops go over given values only, an inner one over a part of the outer one's item.

        So the rounds of all loops together never exceed the size of the values times the number of loops.
        """
        self._loops += 1
        if self._loops > MAX_LOOPS:
            self._fault("PHX605", node.lineno, f"more than {MAX_LOOPS} loops", _HELP)
        elif len(loops) >= MAX_LOOP_DEPTH:
            self._fault("PHX605", node.lineno, f"more than {MAX_LOOP_DEPTH} loops within one another", _HELP)
        elif node.recursive or node.test is not None or not isinstance(node.target, nodes.Name):
            self._fault("PHX602", node.lineno, "a loop that is not a plain `for x in name`", _HELP)
        elif not (root := _root(node.iter)):
            self._fault("PHX602", node.lineno, "a loop over something else than a name", _HELP)
        elif loops and (root != loops[-1] or isinstance(node.iter, nodes.Name)):
            what = f"an inner loop that does not go over a part of `{loops[-1]}`"
            self._fault("PHX602", node.lineno, what, f"loop over an attribute, such as `{loops[-1]}.ports`")
        else:
            self._expression(node.iter, 0)
            self._expression(node.target, 0)
            self.body(list(node.body), depth + 1, (*loops, node.target.name))
            self.body(list(node.else_), depth + 1, loops)

    def _output(self, output: nodes.Output) -> None:
        for position, node in enumerate(output.nodes):
            if isinstance(node, nodes.TemplateData):
                continue
            printed = _printed(node)
            if printed is None:
                self._fault("PHX603", node.lineno, "an expression without `| yaml`", _HELP_FILTER)
                continue
            if _glued(output.nodes, position):
                self._fault("PHX604", node.lineno, "an expression glued to other text", _HELP_GLUED)
            self._expression(printed, 0)

    def _expression(self, node: nodes.Node, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._fault("PHX605", node.lineno, f"an expression nested more than {MAX_DEPTH} deep", _HELP)
        elif not isinstance(node, _EXPRESSIONS):
            self._refuse(node)
        elif fault := _expression_fault(node):
            self._fault("PHX602", node.lineno, fault, _HELP)
        else:
            for child in node.iter_child_nodes():
                self._expression(child.expr if isinstance(child, nodes.Operand) else child, depth + 1)

    def _refuse(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Filter):
            name = f"the filter `{node.name}`"
        elif isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
            name = "arithmetic"
        else:
            name = _NAMES.get(type(node), "this construct")
        # Jinja wraps `autoescape` in a node that stands on no line.
        line = node.lineno or next((child.lineno for child in node.iter_child_nodes()), 1)
        self._fault("PHX602", line, name, _HELP)

    def _fault(self, code: str, line: int, what: str, help_text: str) -> None:
        span = line_span(self._file, self._source, line)
        message = what if code == "PHX601" else f"not allowed in a template: {what}"
        self.faults.append(Diagnostic(code=code, message=message, primary=Label(span), help=help_text))


def _printed(node: nodes.Expr) -> nodes.Expr | None:
    """What goes through an outermost `| yaml` without arguments; None if that filter is missing."""
    return node.node if isinstance(node, nodes.Filter) and node.name == "yaml" and not _arguments(node) else None


def _arguments(node: nodes.Filter | nodes.Test) -> bool:
    return bool(node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)


def _glued(siblings: list[nodes.Expr], position: int) -> bool:
    """Whether an expression touches text or another expression; what a block ends in is seen after rendering."""
    if position:
        before = siblings[position - 1]
        if not isinstance(before, nodes.TemplateData) or before.data[-1:] not in _MAY_PRECEDE:
            return True
    after = siblings[position + 1] if position + 1 < len(siblings) else None
    return isinstance(after, nodes.TemplateData) and after.data[:1] not in _MAY_FOLLOW


def _root(node: nodes.Node) -> str:
    """The name that `a`, `a.b` or `a.b.c` begins with; empty for anything else."""
    for _ in range(2):
        if isinstance(node, nodes.Getattr):
            node = node.node
    return node.name if isinstance(node, nodes.Name) else ""


def _expression_fault(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name) and (node.name in _NO_NAMES or node.name.startswith("_")):
        return f"the name `{node.name}`"
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        return f"the attribute `{node.attr}`"
    if isinstance(node, nodes.Test) and (node.name not in _TESTS or _arguments(node)):
        return f"the test `{node.name}`"
    return ""
