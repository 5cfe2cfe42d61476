"""The graph of a config: components that are defined and used, connectors on both ends, order, no cycles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.collector.findings import Finding, join
from phoenix_gitops.collector.table import Kind

Config = Mapping[str, Any]

_ROLES = (Kind.RECEIVER, Kind.PROCESSOR, Kind.EXPORTER)


def check_graph(config: Config) -> list[Finding]:
    """The faults of references, connectors, order and cycles."""
    pipelines: Mapping[str, Any] = config.get("service", {}).get("pipelines", {})
    return [
        *_defined(config, pipelines),
        *_used(config, pipelines),
        *_connected(config, pipelines),
        *(finding for name, body in pipelines.items() for finding in _order(name, body)),
        *_cycles(config, pipelines),
    ]


def _names(config: Config, kind: Kind) -> set[str]:
    return set(config.get(kind.value) or {})


def _members(pipelines: Mapping[str, Any], role: Kind) -> set[str]:
    return {name for body in pipelines.values() for name in body.get(role.value, [])}


def _defined(config: Config, pipelines: Mapping[str, Any]) -> Iterator[Finding]:
    connectors = _names(config, Kind.CONNECTOR)
    for pipeline, body in pipelines.items():
        path = join("service.pipelines", pipeline)
        for role in _ROLES:
            known = _names(config, role) | (connectors if role is not Kind.PROCESSOR else set())
            members = body.get(role.value, [])
            yield from (_reference(config, join(path, role), name, role) for name in members if name not in known)
            yield from (
                Finding("PHX633", join(path, role), f"`{name}` is listed twice in `{pipeline}`")
                for name in sorted({name for name in members if members.count(name) > 1})
            )
        for role in (Kind.RECEIVER, Kind.EXPORTER):
            if not body.get(role.value):
                yield Finding("PHX633", path, f"pipeline `{pipeline}` has no {role.value}")
    for name in config.get("service", {}).get("extensions", []):
        if name not in _names(config, Kind.EXTENSION):
            yield _reference(config, "service.extensions", name, Kind.EXTENSION)


def _reference(config: Config, path: str, name: str, role: Kind) -> Finding:
    elsewhere = [kind.value for kind in Kind if name in _names(config, kind)]
    if elsewhere:
        message = f"`{name}` is one of the {elsewhere[0]} and cannot stand among the {role.value}"
        return Finding("PHX634", path, message)
    return Finding("PHX633", path, f"`{name}` is not defined under `{role.value}`")


def _used(config: Config, pipelines: Mapping[str, Any]) -> Iterator[Finding]:
    used = {role: _members(pipelines, role) for role in _ROLES}
    used[Kind.EXTENSION] = set(config.get("service", {}).get("extensions", []))
    for role, names in used.items():
        for name in sorted(_names(config, role) - names):
            yield Finding("PHX633", join(role, name), f"`{name}` is defined but not used")


def _connected(config: Config, pipelines: Mapping[str, Any]) -> Iterator[Finding]:
    sources, sinks = _members(pipelines, Kind.EXPORTER), _members(pipelines, Kind.RECEIVER)
    for name in sorted(_names(config, Kind.CONNECTOR)):
        missing = [end for end, members in (("exporter", sources), ("receiver", sinks)) if name not in members]
        if missing:
            what = " or ".join(missing)
            yield Finding("PHX634", join(Kind.CONNECTOR, name), f"no pipeline has connector `{name}` as {what}")


def _order(pipeline: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    processors = [name.partition("/")[0] for name in body.get("processors", [])]
    path = join("service.pipelines", pipeline, "processors")
    if processors[:1] != ["memory_limiter"]:
        yield Finding("PHX636", path, f"`memory_limiter` is not the first processor of `{pipeline}`")
    if "batch" in processors[:-1]:
        yield Finding("PHX636", path, f"`batch` is not the last processor of `{pipeline}`")


def _cycles(config: Config, pipelines: Mapping[str, Any]) -> Iterator[Finding]:
    """One finding for each pipeline that feeds itself through connectors."""
    connectors = _names(config, Kind.CONNECTOR)
    after = {
        name: {
            other
            for other, target in pipelines.items()
            if connectors & set(body.get("exporters", [])) & set(target.get("receivers", []))
        }
        for name, body in pipelines.items()
    }
    for name in sorted(after):
        reached: set[str] = set()
        frontier = after[name]
        while frontier:
            reached |= frontier
            frontier = {far for near in frontier for far in after[near]} - reached
        if name in reached:
            yield Finding("PHX635", join("service.pipelines", name), f"pipeline `{name}` feeds itself")
