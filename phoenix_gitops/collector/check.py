"""Checks an exact collector config against the component table of its version, without running the collector.

A config that passes loads and starts: what `otelcol validate` accepts but the start refuses (a queue's storage
without its extension, a connector used on one end, two listeners on one port) is refused here as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.collector.figures import check_figures
from phoenix_gitops.collector.findings import Finding, join
from phoenix_gitops.collector.graph import check_graph
from phoenix_gitops.collector.listeners import check_listeners
from phoenix_gitops.collector.table import Keys, Kind, Table
from phoenix_gitops.collector.versions import VERSIONS

Config = Mapping[str, Any]

_KINDS = frozenset(kind.value for kind in Kind)
_REFERENCE = re.compile(r"\$\{(?:env:[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?|file:/[^{}]+)\}")


def check_config(config: Config, version: str, *, probe_port: int | None = None) -> list[Finding]:
    """The faults of a config for the collector of `version`, sorted by path.

    `config` is the document as it is written to disk. `probe_port` is the port that the pod's probes ask, if
    it has any: a `health_check` extension must listen there.
    """
    table = VERSIONS.get(version)
    if table is None:
        known = ", ".join(f"`{name}`" for name in sorted(VERSIONS))
        return [Finding("PHX630", "", f"no component table for collector version `{version}`", f"use one of {known}")]
    findings = [
        *_sections(config, table),
        *_references(config, ""),
        *check_graph(config),
        *check_figures(config),
        *check_listeners(config, probe_port),
    ]
    return sorted(findings)


def component_type(name: str) -> str:
    """The type in a component's id: `otlp` of `otlp/agents`."""
    return name.partition("/")[0]


def _sections(config: Config, table: Table) -> Iterator[Finding]:
    for section, body in config.items():
        if section == "service":
            yield from _keys(body, table.service, "service")
        elif section in _KINDS:
            for name, settings in body.items():
                yield from _component(Kind(section), name, settings, table)
        else:
            yield _unknown_key(section, "")


def _component(kind: Kind, name: str, settings: object, table: Table) -> Iterator[Finding]:
    type_ = component_type(name)
    component = table.components.get((kind, type_))
    path = join(kind, name)
    if component is None:
        today = table.renamed(kind, type_)
        elsewhere = [k.value for k in Kind if k is not kind and (k, type_) in table.components]
        advice = ""
        if today:
            advice = f"it is called `{today}` in this version"
        elif elsewhere:
            advice = f"`{type_}` belongs under `{elsewhere[0]}`"
        what = f"collector {table.version} has no `{type_}` among its {kind.value}"
        yield Finding("PHX631", path, what, advice)
        return
    yield from _keys(settings, component.keys, path)


def _keys(value: object, known: Keys, path: str) -> Iterator[Finding]:
    if known is None:
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys(item, known, join(path, index))
    elif isinstance(value, Mapping):
        for key, below in value.items():
            if key in known or "*" in known:
                yield from _keys(below, known.get(key, known.get("*")), join(path, key))
            else:
                yield _unknown_key(key, path)


def _unknown_key(key: str, path: str) -> Finding:
    place = f"`{path}`" if path else "the top of a config"
    return Finding("PHX632", join(path, key), f"unknown key `{key}` in {place}")


def _references(value: object, path: str) -> Iterator[Finding]:
    if isinstance(value, str):
        rest = _REFERENCE.sub("", value.replace("$$", ""))
        if "$" in rest:
            yield Finding(
                "PHX639",
                path,
                f"bare `$` in `{value}`",
                "write `$$` for a dollar sign, `${env:NAME}` for a variable",
            )
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, join(path, index))
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _references(below, join(path, key))
