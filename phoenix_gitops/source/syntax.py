"""What libyaml says of broken YAML, told to people: where it stands and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from yaml.error import MarkedYAMLError

from phoenix_gitops.source.text import Faults


@dataclass(frozen=True, slots=True)
class _Advice:
    """What a problem of libyaml means. `at_context`: its context's mark is the better place."""

    message: str
    help: str
    at_context: bool = False


_QUOTED = "while scanning a quoted scalar"
_ADVICE: dict[str, _Advice] = {
    "mapping values are not allowed in this context": _Advice(
        "a second `: ` where no mapping can begin",
        "quote the value if it contains `: `; if a key was meant, align it with its siblings",
    ),
    "could not find expected ':'": _Advice(
        "text that is no key: there is no `:` behind it",
        "write `key: value`; indent the line if it continues the value above",
        at_context=True,
    ),
    "did not find expected key": _Advice(
        "no key where one is expected",
        "align it with the keys above; quote a value as a whole: `\"'a' and b\"`",
    ),
    "did not find expected '-' indicator": _Advice(
        "no list item where one is expected", "begin it with `- `, or indent it less to end the list"
    ),
    "block sequence entries are not allowed in this context": _Advice(
        "a list item where none can begin", "begin a list on its own line; quote a value that begins with `- `"
    ),
    "did not find expected ',' or ']'": _Advice(
        "list is not closed", "separate items by `,` and close the list with `]`", at_context=True
    ),
    "did not find expected ',' or '}'": _Advice(
        "mapping is not closed", "separate entries by `,` and close the mapping with `}`", at_context=True
    ),
    "did not find expected node content": _Advice(
        "no value where one is expected", "write a value; close lists with `]` and mappings with `}`"
    ),
    "did not find expected <document start>": _Advice(
        "text behind the end of the document", "delete `...` and what follows it"
    ),
    "found unknown escape character": _Advice(
        "unknown escape in a double-quoted value", r"write `\\` for a backslash, or use 'single quotes'"
    ),
    "did not find expected alphabetic or numeric character": _Advice(
        "`*` and `&` begin an alias or anchor, which policies do not have",
        "quote the value if it begins with `*` or `&`",
        at_context=True,
    ),
    "found undefined tag handle": _Advice(
        "`!` begins a tag, which policies do not have", "quote the value if it begins with `!`"
    ),
}
_UNCLOSED_QUOTE = _Advice("quote is not closed", "close it; write a quote in 'single quotes' twice", at_context=True)
_TAB = _Advice("tab where only spaces may indent", "indent with spaces")
_RESERVED = _Advice("value begins with a reserved character", "quote the value")
_DIRECTIVE_CONTEXTS = ("while scanning a %", "while scanning a directive", "while parsing a %")


def add_syntax_fault(faults: Faults, text: str, error: MarkedYAMLError) -> None:
    """Add the fault at which libyaml gave up reading `text`."""
    problem, context = error.problem or "", error.context or ""
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, len(text)) if mark else len(text)
    if context.startswith(_DIRECTIVE_CONTEXTS) or problem == "found incompatible YAML document":
        add_directives(faults, text, 0, len(text))
        if faults.found:
            return
    advice = _advice(problem, context, text[offset : offset + 1])
    if advice is None:
        detail = ", ".join(part for part in (context, problem) if part)
        advice = _Advice(f"not valid YAML: {detail}", "")
    if advice.at_context and error.context_mark:
        offset = min(error.context_mark.index, len(text))
    code = "PHX110" if problem == "found undefined tag handle" else "PHX106"
    faults.add(code, advice.message, offset, _end_of_token(text, offset), help=advice.help)


def _advice(problem: str, context: str, char: str) -> _Advice | None:
    if context == _QUOTED and problem.startswith("found unexpected"):
        return _UNCLOSED_QUOTE
    if problem == "found character that cannot start any token":
        return _TAB if char == "\t" else _RESERVED
    if "tab character" in problem:
        return _TAB
    return _ADVICE.get(problem)


def add_directives(faults: Faults, text: str, start: int, end: int) -> None:
    """Add a fault for each line between the offsets that begins with `%`."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if text.startswith("%", start):
            help_ = "delete the line: policies are always YAML 1.2"
            faults.add("PHX111", "directives are not allowed", start, _end_of_line(text, start), help=help_)
        start = stop + 1


def _end_of_line(text: str, start: int) -> int:
    stop = text.find("\n", start)
    return len(text[:stop].rstrip()) if stop >= 0 else len(text.rstrip())


def _end_of_token(text: str, offset: int) -> int:
    """The end of the word at `offset`; one character for brackets, quotes and blanks."""
    end = offset
    while end < len(text) and (text[end].isalnum() or text[end] in "_-./"):
        end += 1
    return end if end > offset else min(offset + 1, len(text))
