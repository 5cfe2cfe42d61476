"""The one YAML writer: plain data in, block-style YAML out.

Whatever it writes reads the same in YAML 1.1 readers (PyYAML, Go yaml.v2, kubectl) and 1.2 readers (ruamel,
Go yaml.v3). Equal data gives equal bytes whatever the order in which its keys were inserted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite

_FIRST_KEYS = (
    *("apiVersion", "kind", "metadata"),
    *("alert", "record", "name", "namespace", "generateName"),
    *("image", "imagePullPolicy", "command", "args"),
    *("key", "operator", "value", "valueFrom", "values", "effect"),
    *("containerPort", "port", "targetPort", "nodePort", "protocol"),
    *("mountPath", "subPath", "readOnly"),
    *("expr", "for", "keep_firing_for", "interval", "limit"),
    *("labels", "annotations"),
    *("ports", "env", "envFrom", "volumeMounts", "resources"),
    *("startupProbe", "readinessProbe", "livenessProbe", "lifecycle"),
    *("apiGroups", "resourceNames", "verbs"),
    *("receivers", "processors", "connectors", "exporters", "extensions", "service"),
    *("immutable", "type", "spec", "data", "stringData", "binaryData"),
)
_RANK = {key: rank for rank, key in enumerate(_FIRST_KEYS)}

# Characters that stand as they are inside quotes and literal blocks. A fixed set, because `str.isprintable`
# follows the Unicode tables of the running Python. Left out, and so escaped: controls, line separators,
# unusual spaces, bidirectional controls (they hide text from reviewers), private use, BOM, surrogates.
_RAW = (
    " -~\u00a1-\u00ac\u00ae-\u061b\u061d-\u167f\u1681-\u180d\u180f-\u1fff\u2010-\u2027\u2030-\u205e"
    "\u2070-\u2fff\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00-\uffef\U00010000-\U0003ffff"
)
_ESCAPED = re.compile(f'[^{_RAW}]|["\\\\]')
_SURROGATE = re.compile("[\ud800-\udfff]")

# Plain scalars by allow-list: they begin with a letter, `_`, `/` or `(`; `: ` and ` #` do not occur.
_PLAIN = re.compile(r"[A-Za-z_/(](?:[!-\"$-9;-~]|:(?=[!-~])| (?=[!-\"$-~])|(?<! )#)*")
# Digit-led ones that no reader takes for a number: quantities, durations, percentages, versions, addresses.
_PLAIN_FIGURE = re.compile(
    r"[0-9]+(?:\.[0-9]+)?(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|ns|us|ms|s|h|d|w|%)"
    r"|[0-9]+(?:\.[0-9]+){2,3}(?:/[0-9]+)?"
)
_YAML_1_1_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_SINGLE_QUOTABLE = re.compile("[ -~]+")

# First line neither blank nor indented (readers detect the indentation by it); no line ends in white space,
# which editors and hooks strip; no tab leads a line.
_LITERAL = re.compile(f"(?=[^ \t\n])(?:[{_RAW}\t]*(?<![ \t])\n(?!\t))*(?:[{_RAW}\t]*(?<![ \t]))?")

# Short strings that came by, as they are written on one line: most recur in every object of a kind.
_WRITTEN: dict[str, str] = {}
_WRITTEN_LIMIT = 32_768
_SHORT = 160
_COMMON_SIZE = 48  # Larger mappings hold data (tenants, hosts); their order is not worth remembering.
_SIMPLE_KEY_LIMIT = 1000  # Readers refuse implicit keys of more than 1,024 characters.
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # Go readers take anything beyond for a float.


def dump(data: object) -> str:
    """`data` as one YAML document that ends in a newline, without a `---` line.

    Data are dicts with string keys, lists, str, int, float, bool and None. Well-known Kubernetes keys come
    first, in the order in which people read them; the other keys are sorted.

    Raises TypeError for another type or a key that is no string, ValueError for NaN, an infinity, an integer
    beyond 64 bits or a lone surrogate.
    """
    out: list[str] = []
    if type(data) is dict and data:
        _mapping(data, "", "", out)
    elif type(data) is list and data:
        _sequence(data, "", "", out)
    else:
        out.append(f"{_scalar(data, '')}\n")
    return "".join(out)


def quoted(text: str) -> str:
    """`text` as a YAML scalar on one line, quoted where a reader could take it for something else."""
    return _WRITTEN.get(text) or _one_line(text)


def _mapping(node: dict[str, object], pad: str, lead: str, out: list[str]) -> None:
    """Writes `node` indented by `pad`; `lead` stands before its first key (`- ` in a list)."""
    keys = tuple(node)
    for key, text in _ordered(keys) if len(keys) <= _COMMON_SIZE else _in_order(keys):
        value = node[key]
        if len(text) > _SIMPLE_KEY_LIMIT:
            out.append(f"{lead}? {text}\n")
            lead, text = pad, ""  # noqa: PLW2901 -- an explicit key: its value begins a line of its own
        if type(value) is str:
            out.append(f"{lead}{text}: {_WRITTEN.get(value) or _text(value, pad)}\n")
        elif type(value) is dict and value:
            out.append(f"{lead}{text}:\n")
            deeper = pad + "  "
            _mapping(value, deeper, deeper, out)
        elif type(value) is list and value:
            out.append(f"{lead}{text}:\n")
            # As kubectl prints them: items stand under their key, not indented.
            _sequence(value, pad, pad, out)
        else:
            out.append(f"{lead}{text}: {_scalar(value, pad)}\n")
        lead = pad


def _sequence(node: list[object], pad: str, lead: str, out: list[str]) -> None:
    """Writes the items of `node`, `lead` before the first dash."""
    deeper = pad + "  "
    for item in node:
        if type(item) is dict and item:
            _mapping(item, deeper, f"{lead}- ", out)
        elif type(item) is list and item:
            _sequence(item, deeper, f"{lead}- ", out)
        else:
            out.append(f"{lead}- {_scalar(item, pad)}\n")
        lead = pad


def _in_order(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The keys of a mapping in the order in which they are written, each with its text."""
    if wrong := [key for key in keys if type(key) is not str]:
        raise TypeError(f"keys must be str: {wrong[0]!r}")
    ordered = sorted(keys, key=lambda key: (_RANK.get(key, len(_RANK)), key))
    return tuple((key, quoted(key)) for key in ordered)


_ordered = lru_cache(maxsize=8192)(_in_order)


def _scalar(value: object, pad: str) -> str:
    kind = type(value)
    if isinstance(value, str) and kind is str:
        return _WRITTEN.get(value) or _text(value, pad)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, int) and kind is int:
        if not _INT_MIN <= value <= _INT_MAX:
            raise ValueError(f"integer beyond 64 bits: {value}")
        return str(value)
    if isinstance(value, float) and kind is float:
        return _float(value)
    if kind is dict:
        return "{}"
    if kind is list:
        return "[]"
    raise TypeError(f"cannot be written as YAML: {value!r}")


def _float(value: float) -> str:
    if not isfinite(value):
        raise ValueError(f"no YAML for {value!r}")
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    # YAML 1.1 wants a dot and a signed exponent: `1e+16` would be a string.
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text


def _text(text: str, pad: str) -> str:
    """A string as plain, quoted or literal block scalar below a node that is indented by `pad`."""
    if "\n" in text and _LITERAL.fullmatch(text):
        return _literal(text, pad + "  ")
    written = _one_line(text)
    if len(text) <= _SHORT:
        if len(_WRITTEN) >= _WRITTEN_LIMIT:
            _WRITTEN.clear()
        _WRITTEN[text] = written
    return written


def _literal(text: str, pad: str) -> str:
    """A literal block; its last newline is the one that ends every line of ours."""
    lines = text.split("\n")
    chomp = "-"
    if lines[-1] == "":
        lines.pop()
        chomp = "+" if lines[-1] == "" else ""
    return f"|{chomp}\n" + "\n".join([pad + line if line else "" for line in lines])


def _one_line(text: str) -> str:
    if _PLAIN.fullmatch(text):
        if text.lower() not in _YAML_1_1_WORDS:
            return text
    elif _PLAIN_FIGURE.fullmatch(text):
        return text
    if ('"' in text or "\\" in text) and _SINGLE_QUOTABLE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    if _SURROGATE.search(text):
        raise ValueError(f"lone surrogate: {text!r}")
    return '"' + _ESCAPED.sub(_escape, text) + '"'


_SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
