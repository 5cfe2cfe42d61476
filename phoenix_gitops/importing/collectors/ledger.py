"""What became of every leaf of a config: carried over, told, or what our compiler makes by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.importing.drafts import changed, left
from phoenix_gitops.importing.reading import Node


@dataclass(slots=True)
class Ledger:
    """Nodes are entered by themselves, not by what they say: equal values stand in many places."""

    notes: list[Diagnostic] = field(default_factory=list)
    carried: list[Node] = field(default_factory=list)
    """Leaves that are in a draft; kept so that no other node takes their identity."""
    told: list[Node] = field(default_factory=list)
    known: list[Node] = field(default_factory=list)
    """Leaves that the compiler writes by itself."""
    _entered: set[int] = field(default_factory=set)

    def carry(self, *nodes: Node | None) -> None:
        """What stands below these nodes is in a draft."""
        self._enter(self.carried, nodes)

    def leave(self, node: Node, what: str, why: str, help: str = "") -> None:
        """What stands below this node is not carried over."""
        self.notes.append(left(node.span, what, why, help))
        self._enter(self.told, (node,))

    def change(self, node: Node, what: str, help: str = "") -> None:
        """What stands below this node is carried over, and differs then."""
        self.notes.append(changed(node.span, what, help))
        self._enter(self.carried, (node,))

    def refuse(self, node: Node, diagnostic: Diagnostic) -> None:
        """What stands below this node is a fault."""
        self.notes.append(diagnostic)
        self._enter(self.told, (node,))

    def knows(self, node: Node) -> bool:
        """Whether all that stands below this node was entered."""
        return all(id(leaf) in self._entered for leaf in leaves(node))

    def is_part(self, node: Node, ours: Collection[str]) -> bool:
        """Whether something below a component was entered, or the compiler writes something of it."""
        return self._is_touched(node) or _is_ours(node, ours, "")

    def _is_touched(self, node: Node) -> bool:
        return any(id(leaf) in self._entered for leaf in leaves(node))

    def settle(self, node: Node, what: str, ours: Collection[str], path: str = "") -> None:
        """Enters what is left below a component: as known if the compiler writes the same there, else as told."""
        if self.knows(node):
            return
        if f"{path}={plain(node)}" in ours:
            self._enter(self.known, (node,))
        elif isinstance(node.value, dict) and node.value:
            for key, inner in node.value.items():
                self.settle(inner, what, ours, f"{path}.{key}" if path else key)
        elif isinstance(node.value, list) and node.value:
            for inner in node.value:
                if _is_row(inner) and not self._is_touched(inner) and f"{path}={plain(inner)}" not in ours:
                    self.leave(inner, f"an item of `{path}` of `{what}`", "no policy says this")
                else:
                    self.settle(inner, what, ours, path)
        else:
            # Not what it says: that may be a secret.
            self.leave(node, f"`{path}` of `{what}`" if path else f"`{what}`", "no policy says this")

    def _enter(self, where: list[Node], nodes: Collection[Node | None]) -> None:
        for node in nodes:
            for leaf in leaves(node) if node is not None else ():
                if id(leaf) not in self._entered:
                    self._entered.add(id(leaf))
                    where.append(leaf)


def _is_row(node: Node) -> bool:
    """Whether a mapping says one thing, of which no part says anything for itself."""
    return isinstance(node.value, dict) and not any(
        isinstance(inner.value, (dict, list)) for inner in node.value.values()
    )


def _is_ours(node: Node, ours: Collection[str], path: str) -> bool:
    if f"{path}={plain(node)}" in ours:
        return True
    if isinstance(node.value, dict):
        return any(_is_ours(inner, ours, f"{path}.{key}" if path else key) for key, inner in node.value.items())
    return isinstance(node.value, list) and any(_is_ours(inner, ours, path) for inner in node.value)


def leaves(node: Node) -> Iterator[Node]:
    """The values below a node that hold no other; empty collections are such."""
    inner = list(node.value.values()) if isinstance(node.value, dict) else node.value
    if isinstance(inner, list) and inner:
        for each in inner:
            yield from leaves(each)
    else:
        yield node


def plain(node: Node) -> str:
    """A value as text by which it is compared, whatever the order of its keys."""
    return told(node.plain())


def told(value: object) -> str:
    """Plain data as text by which they are compared: scalars as YAML has them, whatever the order of keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{told(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(told, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
