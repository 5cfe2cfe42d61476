"""Pipelines of a config as drafts: which run on nodes, which in the gateway, and what belongs to which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from phoenix_gitops.collector.names import secret_variable
from phoenix_gitops.collector.table import Kind
from phoenix_gitops.collector.versions import V0_159
from phoenix_gitops.importing.collectors.chain import Chain
from phoenix_gitops.importing.collectors.configs import Config, components
from phoenix_gitops.importing.collectors.exporters import Secrets, alias, export, secrets
from phoenix_gitops.importing.collectors.known import made_by_us
from phoenix_gitops.importing.collectors.ledger import Ledger
from phoenix_gitops.importing.collectors.receivers import inputs
from phoenix_gitops.importing.drafts import WHOLE, Draft, Taken, slug
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.importing.rules import Aim
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.world import World

_SECTIONS: Final = {kind.value: kind for kind in Kind}
_OLD_TYPES: Final = {(Kind.EXPORTER, "otlp"): "otlp_grpc"}
_BRANCH: Final = frozenset({"memory_limiter", "cumulative_to_delta", "batch"})


@dataclass(frozen=True, slots=True)
class _Way:
    """A pipeline of the config; components by id."""

    name: str
    node: Node
    receivers: tuple[str, ...]
    processors: tuple[str, ...]
    exporters: tuple[str, ...]


@dataclass(slots=True)
class Drafting:
    """Drafts of one config, and the ledger of its leaves."""

    config: Config
    world: World
    aim: Aim
    memory: int | None
    names: set[str]
    ledger: Ledger = field(default_factory=Ledger)

    def run(self) -> list[Draft]:
        """The drafts; after it, the ledger has an entry for every leaf."""
        node = self.config.node
        for _, _, settings in components(node):
            secrets(self.ledger, settings)
        ways = list(self._ways())
        folded = {way.name: above for way in ways if (above := self._above(way, ways)) is not None}
        drafts = [*self._edge(ways), *(self._branch(way, ways, folded) for way in ways if self._is_branch(way, folded))]
        found = [draft for draft in drafts if draft is not None]
        self._settle(ways, found)
        return found

    def _kind_of(self, section: str, title: str) -> str:
        """The newest name of a component's type."""
        type_, kind = title.partition("/")[0], _SECTIONS[section]
        return _OLD_TYPES.get((kind, type_)) or V0_159.renamed(kind, type_) or type_

    def _ways(self) -> Iterator[_Way]:
        for title, node in self.config.node.entries("service", "pipelines").items():
            signal = title.partition("/")[0]
            if signal != "metrics":
                self.ledger.leave(node, f"pipeline `{title}`", "a Pipeline carries metrics, no other signal")
                continue
            parts = [tuple(n.value for n in node.items(key) if isinstance(n.value, str)) for key in _Way.__slots__[2:]]
            self.ledger.carry(node)
            yield _Way(title.partition("/")[2] or self.config.name, node, *parts)

    def _above(self, way: _Way, ways: Sequence[_Way]) -> _Way | None:
        """The pipeline whose branch to one backend this is: it does nothing but send differences."""
        types = {self._kind_of("processors", each) for each in way.processors}
        if not types <= _BRANCH or "cumulative_to_delta" not in types or len(way.receivers) != 1:
            return None
        above = [each for each in ways if way.receivers[0] in each.exporters]
        return above[0] if len(above) == 1 and self._is_end(above[0]) else None

    def _is_end(self, way: _Way) -> bool:
        return any(title in self.config.node.entries("exporters") and not self._to_us(title) for title in way.exporters)

    def _to_us(self, title: str) -> bool:
        """Whether an exporter sends to other collectors: that an edge pipeline does by itself."""
        return self._kind_of("exporters", title) == "load_balancing"

    def _is_branch(self, way: _Way, folded: Mapping[str, _Way]) -> bool:
        return way.name not in folded and self._is_end(way)

    def _edge(self, ways: Sequence[_Way]) -> list[Draft | None]:
        senders = [way for way in ways if any(map(self._to_us, way.exporters))]
        intakes = [way for way in ways if way not in senders and any(map(self._is_receiver, way.receivers))]
        own = [title for way in (*senders, *intakes) for title in way.receivers if self._is_receiver(title)]
        if not senders and not {"host_metrics", "prometheus"} & {self._kind_of("receivers", t) for t in own}:
            return []
        found: dict[str, Any] = {}
        for title in dict.fromkeys(own):
            node = self.config.node.entries("receivers")[title]
            for key, value in inputs(self.ledger, self._kind_of("receivers", title), title, node).items():
                found[key] = {**found.get(key, {}), **value}
        carriers = senders or [way for way in intakes if not self._is_end(way)]
        chain = self._chain([title for way in carriers for title in way.processors])
        spec: dict[str, Any] = {"stage": "edge", **({"inputs": found} if found else {})}
        spec |= chain.finished()
        if chain.classification is None:
            others = self._chain([title for way in ways for title in way.processors if way not in carriers])
            chain = others if others.classification is not None else chain
        if chain.classification is not None and chain.classification["classes"]:
            spec["classification"] = chain.classification
        # An edge pipeline's batch has no largest size.
        spec.get("batch", {}).pop("max", None)
        way = (carriers or intakes)[0]
        return [self._draft(way, spec)] if found else []

    def _is_receiver(self, title: str) -> bool:
        return title in self.config.node.entries("receivers")

    def _chain(self, titles: Sequence[str]) -> Chain:
        redacted = [frozenset(policy.spec.redact) for policy in self._security()]
        everywhere = frozenset.intersection(*redacted) if redacted else frozenset()
        chain = Chain(self.ledger, self.memory, everywhere, frozenset(self.world.environments))
        for title in titles:
            node = self.config.node.entries("processors").get(title)
            if node is not None:
                chain.read(self._kind_of("processors", title), title, node)
        return chain

    def _secrets(self) -> Secrets:
        return {
            secret_variable(pipeline, export.name): {"name": ref.name, "key": ref.key}
            for pipeline, policy in self.world.of_kind(Pipeline)
            for export in policy.spec.export
            if export.otlp_http is not None and (ref := export.otlp_http.secret_ref) is not None
        }

    def _security(self) -> list[Any]:
        return [self.world.environment(name).security for name in self.world.environments]

    def _branch(self, way: _Way, ways: Sequence[_Way], folded: Mapping[str, _Way]) -> Draft | None:
        chain = self._chain(way.processors)
        spec = chain.finished()
        exports, former = self._exports(way, way.name, delta=chain.differences)
        for other in ways:
            if folded.get(other.name) == way:
                self._chain(other.processors)
                more, _ = self._exports(other, way.name, delta=True)
                exports += more
        if not exports:
            return None
        if former is not None:
            spec["alias"] = former
        return self._draft(way, {**spec, "export": exports})

    def _exports(self, way: _Way, prefix: str, *, delta: bool) -> tuple[list[dict[str, Any]], str | None]:
        found: list[dict[str, Any]] = []
        former: str | None = None
        for title in way.exporters:
            node = self.config.node.entries("exporters").get(title)
            type_ = self._kind_of("exporters", title)
            body = export(self.ledger, type_, title, node, self._secrets()) if node is not None else None
            if node is None or body is None:
                continue
            if delta and "otlpHttp" in body:
                body["otlpHttp"]["delta"] = True
            elif delta:
                what = f"`{title}` shows counters as they are, not as differences"
                self.ledger.change(way.node, what, "only an export to a backend that asks for it has `delta`")
            name = slug(title.partition("/")[2].removeprefix(f"{prefix}_")) or slug(type_)
            taken = {each["name"] for each in found}
            found.append({"name": name if name not in taken else slug(title), **body})
            former = alias(self.ledger, node) or former
        return found, former

    def _draft(self, way: _Way, spec: dict[str, Any]) -> Draft:
        name = slug(re.sub("^pipeline_", "", way.name)) or "imported"
        while name in self.names:
            name += "-2"
        self.names.add(name)
        ordered: dict[str, Any] = {key: spec[key] for key in _ORDER if key in spec}
        return Draft(
            kind="Pipeline",
            name=name,
            owner=self.aim.owner,
            spec=ordered,
            file=f"policies/pipelines/{name}.yaml",
            sources={WHOLE: way.node.span},
        )

    def _settle(self, ways: Sequence[_Way], drafts: Sequence[Draft]) -> None:
        """Whatever was not entered so far is ours, or is told."""
        used = {title for way in ways for title in (*way.receivers, *way.processors, *way.exporters)}
        ours = made_by_us(self.world, drafts)
        node = self.config.node
        for section, title, settings in components(node):
            type_ = self._kind_of(section, title)
            if section == "connectors" and type_ in {"forward", "routing"}:
                self._connector(title, settings, type_)
            elif section != "extensions" and title not in used and not self.ledger.knows(settings):
                self.ledger.leave(settings, f"`{title}`", "no pipeline of metrics uses it")
            elif self.ledger.is_part(settings, said := ours.get((section, type_), frozenset())):
                self.ledger.settle(settings, title, said)
            elif not self.ledger.knows(settings):
                self.ledger.leave(settings, f"`{title}`", f"no policy has such {_NAMES[section]}")
        for key, inner in node.entries("service").items():
            if key != "pipelines":
                self.ledger.settle(inner, "service", ours["service", ""], key)
        for key, inner in node.entries().items():
            if key not in {*_NAMES, "service"}:
                self.ledger.leave(inner, f"`{key}`", "it is no section of a collector's config")

    def _connector(self, title: str, node: Node, type_: str) -> None:
        if type_ == "forward" or node.value in ({}, None):
            self.ledger.carry(node)
        else:
            why = "every pipeline of the gateway gets all data; which of them is read, a ControlPolicy says"
            self.ledger.leave(node, f"`{title}`", why)


_NAMES: Final = {
    "receivers": "an input",
    "processors": "a step",
    "exporters": "an export",
    "connectors": "a connection",
    "extensions": "an extension",
}
_ORDER: Final = (
    *("stage", "alias", "inputs", "classification", "rollup", "keep", "drop", "attributes"),
    *("batch", "memory", "export"),
)


def take(config: Config, world: World, aim: Aim, names: set[str]) -> Taken:
    """The Pipelines of a config; `names` grows by theirs."""
    drafting = Drafting(config, world, aim, config.memory or aim.memory, names)
    drafts = drafting.run()
    return Taken(tuple(drafts), tuple(drafting.ledger.notes))
