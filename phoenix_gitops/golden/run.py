"""Golden data through real collectors: what is sent to them, and what their exports must show."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phoenix_gitops.collector.gateway import active_exports
from phoenix_gitops.collector.ports import AGENTS, OTLP_HTTP, TENANTS
from phoenix_gitops.golden.compare import breaches, differences
from phoenix_gitops.golden.expect import Expected, expected
from phoenix_gitops.golden.exposition import Shown, parsed, shown
from phoenix_gitops.golden.fixture import NODES
from phoenix_gitops.golden.metrics import COUNT_UNIT, READING, Kind
from phoenix_gitops.golden.otlp import request
from phoenix_gitops.golden.sink import Sink, sink
from phoenix_gitops.golden.subjects import Series, Subject
from phoenix_gitops.judges.local import LOOPBACK, local
from phoenix_gitops.judges.otelcol import Running, Start, running
from phoenix_gitops.model.export import Export, PrometheusExport
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.scope import EnvironmentScope

AGENT, GATEWAY, TENANT = "agent", "gateway", "tenant"
NODE = "golden-node"
_BATCH = "50ms"
_SECOND = 1_000_000_000
_TARGET = "target_info"
"""What an exporter says of each service by itself."""
_POLL, _ARRIVES, _SETTLES = 0.05, 10.0, 2.0


@dataclass(slots=True)
class Collectors:
    """Collectors that run: a gateway, and what sends to it."""

    env: EnvironmentScope = field(repr=False)
    urls: Mapping[str, str]
    """Where to send to, by `AGENT`, `GATEWAY` and `TENANT`."""
    gateway: Running = field(repr=False)
    _sink: Sink = field(repr=False)
    _began: int = field(default_factory=lambda: time.time_ns() - 1000 * _SECOND)
    _clock: int = 0

    def send(self, subjects: Iterable[Subject], reading: int, to: str = AGENT) -> None:
        """Sends one reading; later ones are later in time."""
        self._clock = max(self._clock + _SECOND, time.time_ns())
        body = request(subjects, reading, self._clock, self._began)
        sent = urllib.request.Request(f"{self.urls[to]}v1/metrics", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(sent, timeout=_ARRIVES):  # noqa: S310 - an address of our own
            pass

    def scraped(self, export: PrometheusExport, salt: str) -> dict[Shown, float]:
        """The series of an export that come from nodes whose names end with `salt`."""
        found = parsed(self._scrape(export))
        return {
            series: value
            for series, value in found.items()
            if series.name != f"{export.namespace}_{_TARGET}"
            and any(name == "host_name" and host.endswith(salt) for name, host in series.labels)
        }

    def arrived(self, reading: int, salt: str) -> bool:
        """Waits until every export that is scraped shows reading number `reading`; False if one never does."""
        deadline = time.monotonic() + _ARRIVES
        for pipeline in self.env.pipelines:
            for export in self._scraped_exports(pipeline):
                while not self._shows(export, reading, salt):
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(_POLL)
        return True

    def findings(
        self,
        subjects: Iterable[Subject],
        readings: int,
        salt: str,
        to: str = AGENT,
        *,
        settles: float = _SETTLES,
        contracts: bool = True,
    ) -> list[str]:
        """What the exports show after `readings` readings against what the policies say; empty if all agree within
        `settles` seconds. Contracts speak of an even mix of classes: data of another mix does without them.
        """
        sent = list(subjects)
        node = NODE if to == AGENT else None
        wanted = {
            pipeline.metadata.name: expected(self.env, pipeline, sent, node=node, readings=readings)
            for pipeline in self.env.pipelines
        }
        deadline = time.monotonic() + settles
        while True:
            lines = [
                f"pipeline {pipeline.metadata.name}, export {export.name}: {line}"
                for pipeline in self.env.pipelines
                for export in active_exports(self.env, pipeline)
                for line in self._judged(pipeline, export, wanted[pipeline.metadata.name], sent, salt)
            ]
            lines += self._broken_contracts(wanted, sent, salt) if contracts else []
            if not lines or time.monotonic() > deadline:
                return lines
            time.sleep(_POLL)

    def _judged(
        self, pipeline: Pipeline, export: Export, wanted: Expected, sent: list[Subject], salt: str
    ) -> Iterator[str]:
        kinds = _kinds(pipeline, sent)
        if export.prometheus is not None:
            constant = {} if pipeline.spec.alias is None else {"pipeline_alias": pipeline.spec.alias}
            shows = {
                shown(series, *kinds[series.metric], export.prometheus, constant): value
                for series, value in wanted.values.items()
            }
            yield from differences(shows, self.scraped(export.prometheus, salt))
        elif export.otlp_http is not None or export.metrics_store is not None:
            delta = export.otlp_http is not None and export.otlp_http.delta
            counters = wanted.grown if delta else {}
            levels = {
                series: value for series, value in wanted.values.items() if kinds[series.metric][0] is not Kind.COUNTER
            }
            rest = {} if delta else wanted.values
            yield from differences({**levels, **rest, **counters}, self._sunk(pipeline, export, salt))

    def _broken_contracts(self, wanted: Mapping[str, Expected], sent: list[Subject], salt: str) -> list[str]:
        inputs = sum(len(subject.values) for subject in sent)
        return [
            f"pipeline {pipeline.metadata.name}, export {export.name}: {line}"
            for pipeline in self.env.pipelines
            for export in active_exports(self.env, pipeline)
            if export.prometheus is not None
            for line in breaches(
                pipeline.spec.contract, wanted[pipeline.metadata.name], self.scraped(export.prometheus, salt), inputs
            )
        ]

    def _sunk(self, pipeline: Pipeline, export: Export, salt: str) -> dict[Series, float]:
        return {
            series: value
            for series, value in self._sink.state(f"/{_exporter(pipeline, export)}/").items()
            if dict(series.resource).get("host.name", "").endswith(salt)
        }

    def _scraped_exports(self, pipeline: Pipeline) -> list[PrometheusExport]:
        exports = active_exports(self.env, pipeline)
        return [export.prometheus for export in exports if export.prometheus is not None]

    def _shows(self, export: PrometheusExport, reading: int, salt: str) -> bool:
        name = f"{export.namespace}_{READING.name.replace('.', '_')}{{"
        said = "\n".join(line for line in self._scrape(export).splitlines() if line.startswith(name))
        return any(
            value == reading + 1 and ("host_name", f"{NODES[1]}{salt}") in series.labels
            for series, value in parsed(said).items()
        )

    def _scrape(self, export: PrometheusExport) -> str:
        with urllib.request.urlopen(self.gateway.url(export.port, "/metrics"), timeout=_ARRIVES) as answer:  # noqa: S310
            return str(answer.read().decode())


@contextmanager
def collectors(
    binary: Path,
    env: EnvironmentScope,
    folder: Path,
    *,
    gateway: Mapping[str, Any],
    agent: Mapping[str, Any] | None = None,
    tenant: Mapping[str, Any] | None = None,
    start: Start = subprocess.Popen,
) -> Iterator[Collectors]:
    """Collectors of emitted configs that run on this machine, one sending to the other; `folder` is theirs alone.

    Nothing is changed in the configs but addresses, and how long batches wait.
    """
    with ExitStack() as stack:
        backend = stack.enter_context(sink())
        backends = (name for name in gateway["exporters"] if name.startswith("otlp_http/"))
        to = {name: f"{backend.url}/{name.partition('/')[2]}" for name in backends}
        runs = stack.enter_context(_run(binary, gateway, folder / GATEWAY, to, start))
        urls = {GATEWAY: runs.url(OTLP_HTTP)}
        for name, config, port in ((AGENT, agent, AGENTS), (TENANT, tenant, TENANTS)):
            if config is not None:
                next_hop = dict.fromkeys(config["exporters"], f"{LOOPBACK}:{runs.ports[port]}")
                sender = stack.enter_context(_run(binary, config, folder / name, next_hop, start))
                http = env.edge.spec.inputs.otlp.http_port if name == AGENT and env.edge.spec.inputs.otlp else OTLP_HTTP
                urls[name] = sender.url(http)
        yield Collectors(env, urls, runs, backend)


@contextmanager
def _run(
    binary: Path, config: Mapping[str, Any], folder: Path, redirect: Mapping[str, str], start: Start
) -> Iterator[Running]:
    folder.mkdir(parents=True)
    here = local(config, folder, redirect=redirect, batch_timeout=_BATCH, environ={"K8S_NODE_NAME": NODE})
    with running(binary, here, start=start) as collector:
        yield collector


def _exporter(pipeline: Pipeline, export: Export) -> str:
    return f"{pipeline.metadata.name}_{export.name}"


def _kinds(pipeline: Pipeline, sent: Iterable[Subject]) -> dict[str, tuple[Kind, str]]:
    """Kind and unit of every metric that may come out."""
    found = {metric.name: (metric.kind, metric.unit) for subject in sent for metric, _ in subject.values}
    rollup = pipeline.spec.rollup
    if rollup is not None and rollup.count_metric is not None:
        found[rollup.count_metric] = (Kind.GAUGE, COUNT_UNIT)
    return found
