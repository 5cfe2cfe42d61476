"""Where collector configs stand: in files, ConfigMaps, OpenTelemetryCollectors and values of Helm charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from phoenix_gitops.diagnostics import Diagnostic, Span
from phoenix_gitops.importing.reading import Node, read

_SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions", "service")
_MEBI = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}


@dataclass(frozen=True, slots=True)
class Config:
    """A config and what stands around it."""

    node: Node
    name: str
    """What it is called, for want of better names."""
    memory: int | None = None
    """MiB that its container may use, where that is said."""


def is_config(document: Node) -> bool:
    """Whether a value is a collector's config."""
    return document.get("service", "pipelines") is not None and document.get("receivers") is not None


def find(document: Node) -> tuple[list[Config], list[Diagnostic]]:
    """The configs of a document, and what of them cannot be read."""
    kind, name = document.text("kind"), document.text("metadata", "name")
    if not kind and is_config(document):
        return [Config(document, "collector")], []
    if not kind and (config := document.get("config")) is not None and is_config(config):
        return [Config(config, "collector", _memory(document.get("resources")))], []
    if kind == "OpenTelemetryCollector":
        config = document.get("spec", "config")
        if config is None:
            return [], []
        found, faults = _opened(config)
        return [Config(one, name, _memory(document.get("spec", "resources"))) for one in found], faults
    if kind == "ConfigMap":
        opened = [_opened(value) for value in document.entries("data").values() if _may_be(value)]
        configs = [Config(one, name) for found, _ in opened for one in found]
        return configs, [fault for _, faults in opened for fault in faults]
    return [], []


def _may_be(value: Node) -> bool:
    text = value.value
    return isinstance(text, str) and "receivers:" in text and "pipelines:" in text


def _opened(value: Node) -> tuple[list[Node], list[Diagnostic]]:
    if not isinstance(value.value, str):
        return ([value] if is_config(value) else []), []
    outcome = read(value.span.file, value.value.encode())
    faults = [_moved_fault(fault, value) for fault in outcome.diagnostics]
    return [moved for node in outcome.value if is_config(moved := _moved(node, value))], faults


def _moved(node: Node, outer: Node) -> Node:
    """The value with its place in the file in which the text stands."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(inner, outer) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_moved(inner, outer) for inner in value]
    return Node(value, _placed(node.span, outer))


def _placed(span: Span, outer: Node) -> Span:
    if not outer.indent:
        return outer.span
    line, column = outer.span.line, outer.indent
    return replace(
        span,
        line=span.line + line,
        col=span.col + column,
        end_line=span.end_line + line,
        end_col=span.end_col + column,
    )


def _moved_fault(fault: Diagnostic, outer: Node) -> Diagnostic:
    if fault.primary is None:
        return fault
    return replace(fault, primary=replace(fault.primary, span=_placed(fault.primary.span, outer)))


def _memory(resources: Node | None) -> int | None:
    text = resources.text("limits", "memory") if resources is not None else ""
    return mebibytes_of(text)


def mebibytes_of(text: str) -> int | None:
    """A quantity of memory in MiB; None for what is none."""
    number, unit = text[:-2], text[-2:]
    if unit not in _MEBI or not number.isdigit():
        return None
    return int(int(number) * _MEBI[unit]) or None


def components(config: Node) -> Iterator[tuple[str, str, Node]]:
    """(section, id, settings) of every component."""
    for section in _SECTIONS[:-1]:
        for name, node in config.entries(section).items():
            yield section, name, node
