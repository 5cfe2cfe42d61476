"""What our compiler writes into collector configs by itself: leaves that an import need not carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.builder import Builder
from phoenix_gitops.collector.chain import processors
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.relay import tenant_gateway
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.versions import V0_159
from phoenix_gitops.importing.collectors.ledger import told
from phoenix_gitops.importing.drafts import Draft
from phoenix_gitops.model.pipeline import PipelineSpec
from phoenix_gitops.world import World

Known = Mapping[tuple[str, str], frozenset[str]]
"""For a section and a component's newest type, what it says: `path=value`, for leaves and for items of lists."""


def made_by_us(world: World, drafts: Sequence[Draft]) -> Known:
    """What the compiler writes for the repository's environments, and for drafts."""
    found: dict[tuple[str, str], set[str]] = {("service", ""): set()}
    for config in _configs(world, drafts):
        for section, kind in ((kind.value, kind) for kind in Kind):
            for title, settings in config.get(section, {}).items():
                type_ = title.partition("/")[0]
                newest = V0_159.renamed(kind, type_) or type_
                found.setdefault((section, newest), set()).update(_said(settings, ""))
        service = {key: value for key, value in config.get("service", {}).items() if key != "pipelines"}
        found["service", ""].update(_said(service, ""))
    return {key: frozenset(said) for key, said in found.items()}


def _configs(world: World, drafts: Sequence[Draft]) -> Iterator[dict[str, Any]]:
    for name in world.environments:
        env = world.environment(name)
        yield agent(env)[0]
        yield gateway(env)[0]
        yield tenant_gateway(env, "a", env.environment.spec.gateway)[0]
    for draft in drafts:
        try:
            spec = msgspec.convert(dict(draft.spec), PipelineSpec)
        except msgspec.ValidationError:
            # The compiler refuses it, and says why.
            continue
        builder = Builder("1Gi")
        processors(builder, draft.name.replace("-", "_"), spec, {}, [], whole=spec.stage == "edge")
        yield builder.build()


def _said(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 (plain data)
    if isinstance(value, dict):
        yield f"{path}={told(value)}"
        for key, inner in value.items():
            yield from _said(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, path)
    else:
        yield f"{path}={told(value)}"
