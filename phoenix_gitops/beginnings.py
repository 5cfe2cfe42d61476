"""New policies as a person would begin them: where the file goes, and a short text that says what to change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.document import Document
from phoenix_gitops.model.base import API_VERSION
from phoenix_gitops.source.scalars import resolve

_WORD: Final = re.compile(r"[A-Za-z0-9_./]([A-Za-z0-9_./:@%+-]*[A-Za-z0-9_./@%+-])?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./](?!.*(: | #))[ -~]*(?<![ :])")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_FLOW_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A policy that does not exist yet."""

    kind: str
    name: str
    owner: str
    spec: Mapping[str, Any]
    tenant: str = ""
    """Whose it is, for what lies in a tenant's folder."""
    head: str = ""
    """What the file's first line says."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Comments above fields, by the field's name."""
    hints: tuple[str, ...] = ()
    """Fields that a person may want next, as they would be written; shown as comments where `spec` lacks them."""

    @property
    def file(self) -> str:
        """Where it belongs, relative to the repository's root."""
        if self.kind == "Environment":
            return f"environments/{self.name}.yaml"
        if self.kind == "Account":
            return f"policies/ids/{self.name}.yaml"
        if self.kind == "Tenant":
            return f"policies/tenants/{self.name}/tenant.yaml"
        folder = f"policies/tenants/{self.tenant}" if self.tenant else "policies"
        return f"{folder}/{self.kind.lower()}s/{self.name}.yaml"

    def text(self) -> str:
        """The file."""
        lines = [f"# {self.head}"] if self.head else []
        lines += [f"apiVersion: {API_VERSION}", f"kind: {self.kind}"]
        lines += [f"metadata: {_flow({'name': self.name, 'owner': self.owner})}", "spec:"]
        lines += _mapping(self.spec, "  ", self.notes)
        lines += [f"  # {hint}" for hint in self.hints if hint.partition(":")[0] not in self.spec]
        return "\n".join(lines) + "\n"


def taken(beginning: Beginning, documents: Iterable[Document], *, alike: bool = True) -> Iterator[Diagnostic]:
    """Policies of the same kind that bear the name already or, if `alike` is asked for, nearly."""
    for document in documents:
        if document.kind != beginning.kind or document.file.startswith("preset:"):
            continue
        label = Label(document.value_span(("metadata", "name")))
        if document.name == beginning.name:
            yield Diagnostic(
                code="PHX301",
                message=f"there is a {document.kind} `{document.name}` already",
                primary=label,
                help=f"take another name, or edit `{document.file}`",
            )
        elif alike and _bare(document.name) == _bare(beginning.name):
            yield Diagnostic(
                code="PHX305",
                message=f"`{beginning.name}` is hardly another name than that of the {document.kind} `{document.name}`",
                primary=label,
                help="take a name that nobody confuses with it; `--alike` says that both are meant",
            )


def _bare(name: str) -> str:
    """What people remember of a name."""
    return name.replace("-", "").removesuffix("s")


def merged(spec: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:  # noqa: ANN401
    """The spec with one more value; a list of clusters is that of its one cluster."""
    key, *rest = path
    if not rest:
        return {**spec, key: value}
    inner = spec.get(key, {})
    if isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], dict):
        return {**spec, key: [merged(inner[0], rest, value)]}
    return {**spec, key: merged(inner if isinstance(inner, dict) else {}, rest, value)}


def _mapping(data: Mapping[str, Any], pad: str, notes: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        if key in notes:
            lines.append(f"{pad}# {notes[key]}")
        if not isinstance(value, (dict, list)):
            lines.append(f"{pad}{_word(key)}: {_plain(value)}")
        elif fits_one_line(value):
            lines.append(f"{pad}{_word(key)}: {_flow(value)}")
        else:
            lines.append(f"{pad}{_word(key)}:")
            deeper = f"{pad}  "
            lines += _mapping(value, deeper, notes) if isinstance(value, dict) else _list(value, deeper, notes)
    return lines


def _list(items: Sequence[Any], pad: str, notes: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for item in items:
        if not isinstance(item, dict) or not item or (len(item) > 1 and fits_one_line(item) and not notes):
            lines.append(f"{pad}- {_flow(item) if isinstance(item, (dict, list)) else _plain(item)}")
            continue
        first, *others = _mapping(item, f"{pad}  ", notes)
        lines += [f"{pad}- {first.lstrip()}", *others]
    return lines


def fits_one_line(value: Any) -> bool:  # noqa: ANN401
    """Whether a collection reads well on one line: short, and made of words."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return False
    return len(_flow(value)) <= _FLOW_WIDTH and all(_is_word(leaf) for leaf in _leaves(value))


def _leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_word(value: Any) -> bool:  # noqa: ANN401
    return not isinstance(value, str) or (len(value) < _FLOW_WIDTH // 2 and " " not in value and "{" not in value)


def _flow(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_word(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _word(value)


def _word(value: Any) -> str:  # noqa: ANN401
    """A scalar as it may stand anywhere."""
    if isinstance(value, str) and _WORD.fullmatch(value) and _is_text(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> str:  # noqa: ANN401
    """A scalar that is a block entry's value: an expression needs no quotes there."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _is_text(value):
        return value
    return _word(value)


def _is_text(value: str) -> bool:
    """Whether it is text to every reader without quotes; to some a day is no text."""
    return resolve(value) == value and not _DAY.match(value)
