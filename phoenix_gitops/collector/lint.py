"""Relations inside and between an environment's pipelines that no schema can say.

A fault names the policy and the path in it, so that the link stage can point at the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.collector.gateway import active_exports
from phoenix_gitops.collector.identity import SENDER
from phoenix_gitops.collector.ports import AGENTS, HEALTH, OTLP_GRPC, OTLP_HTTP, TELEMETRY, TENANTS
from phoenix_gitops.model.pipeline import Inputs, Pipeline, Predicate, ProcessMatch
from phoenix_gitops.model.units import milliseconds
from phoenix_gitops.scope import EnvironmentScope

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """One fault of a policy: `path` begins with `spec`."""

    policy: PolicyRef
    path: Path
    code: str
    message: str
    help: str


def lint_pipelines(env: EnvironmentScope) -> list[Fault]:
    """The faults of an environment's pipelines, by policy and path."""
    faults = [*_edge(env), *_ports(env)]
    if not env.pipelines:
        path: Path = ("spec", "pipelines")
        message = f"environment `{env.name}` has no pipelines, so its gateway has nowhere to send what it gets"
        faults.append(Fault(PolicyRef("Environment", env.name), path, "PHX643", message, "name one, such as `full`"))
    for pipeline in (env.edge, *env.pipelines):
        faults += [*_figures(pipeline), *_classes(env, pipeline), *_predicates(pipeline), *_senders(pipeline)]
    for pipeline in env.pipelines:
        faults += [*_gateway(env, pipeline)]
    return sorted(set(faults), key=lambda fault: (fault.policy, [str(part) for part in fault.path], fault.message))


def _ref(pipeline: Pipeline) -> PolicyRef:
    return PolicyRef("Pipeline", pipeline.metadata.name)


def _edge(env: EnvironmentScope) -> Iterator[Fault]:
    """What belongs to the other stage, and an agent that collects nothing."""
    ref, spec = _ref(env.edge), env.edge.spec
    if spec.inputs == Inputs():
        yield Fault(ref, ("spec", "inputs"), "PHX642", "the edge pipeline collects nothing", "name an input")
    if spec.rollup is not None:
        message = "an edge pipeline cannot roll up: the gateway's pipelines would no longer see processes"
        yield Fault(ref, ("spec", "rollup"), "PHX642", message, "roll up in a pipeline of stage `gateway`")
    if spec.export:
        message = "an edge pipeline has no exports: its output goes to the gateway"
        yield Fault(ref, ("spec", "export"), "PHX642", message, "export from a pipeline of stage `gateway`")


def _gateway(env: EnvironmentScope, pipeline: Pipeline) -> Iterator[Fault]:
    ref, spec = _ref(pipeline), pipeline.spec
    for field, used in (("inputs", spec.inputs != Inputs()), ("classification", spec.classification is not None)):
        if used:
            message = f"`{field}` has no meaning in a pipeline of stage `gateway`"
            yield Fault(ref, ("spec", field), "PHX642", message, f"move it to edge pipeline `{env.edge.metadata.name}`")
    if not any(active_exports(env, pipeline)):
        message = f"no export of pipeline `{pipeline.metadata.name}` is on in environment `{env.name}`"
        yield Fault(ref, ("spec", "export"), "PHX643", message, "add one that is not `optional`, or switch one on")
    names = [export.name for export in spec.export]
    for index, export in enumerate(spec.export):
        if export.name in names[:index]:
            message = f"there are two exports `{export.name}`"
            yield Fault(ref, ("spec", "export", index, "name"), "PHX643", message, "give each a name of its own")
        otlp = export.otlp_http
        if otlp is not None and (otlp.header is None) != (otlp.secret_ref is None):
            missing = "secretRef" if otlp.secret_ref is None else "header"
            path: Path = ("spec", "export", index, "otlpHttp")
            message = f"export `{export.name}` lacks `{missing}`: a key needs a header and a Secret"
            yield Fault(ref, path, "PHX643", message, "give both or neither")
    yield from _rollup(env, pipeline)


def _rollup(env: EnvironmentScope, pipeline: Pipeline) -> Iterator[Fault]:
    """What a roll-up needs of the edge to sum and count truly."""
    rollup, host = pipeline.spec.rollup, env.edge.spec.inputs.hostmetrics
    if rollup is None:
        return
    ref = _ref(pipeline)
    if env.edge.spec.classification is None:
        message = f"edge pipeline `{env.edge.metadata.name}` classifies nothing, so there is nothing to roll up"
        yield Fault(ref, ("spec", "rollup"), "PHX648", message, "give the edge pipeline a `classification`")
    if host is None:
        return
    if rollup.count_metric is not None and rollup.count_from not in host.process_metrics:
        message = f"processes cannot be counted by `{rollup.count_from}`, which the edge pipeline does not read"
        advice = (
            f"name one of its `processMetrics`, such as `{host.process_metrics[0]}`" if host.process_metrics else ""
        )
        yield Fault(ref, ("spec", "rollup", "countFrom"), "PHX648", message, advice)
    if "process.pid" not in host.process_attributes:
        message = "processes cannot be told apart without `process.pid`, so their counters could not be added up"
        path: Path = ("spec", "inputs", "hostmetrics", "processAttributes")
        yield Fault(_ref(env.edge), path, "PHX648", message, "read it; a pipeline that rolls up drops it by itself")
    timeout = env.edge.spec.batch.timeout
    if milliseconds(timeout) >= milliseconds(host.interval):
        message = f"batches of `{timeout}` can hold two readings of `{host.interval}`, which a roll-up would add up"
        path = ("spec", "batch", "timeout")
        yield Fault(_ref(env.edge), path, "PHX648", message, "make it shorter than `inputs.hostmetrics.interval`")


def _senders(pipeline: Pipeline) -> Iterator[Fault]:
    """Senders that could no longer be told apart: each would overwrite what the other said."""
    for index, dropped in enumerate(pipeline.spec.attributes.drop):
        if dropped.name in SENDER:
            path: Path = ("spec", "attributes", "drop", index, "name")
            message = f"without `{dropped.name}` the series of several senders would be one, and show one of them only"
            yield Fault(_ref(pipeline), path, "PHX648", message, "keep it: senders do not speak at one time")


def _figures(pipeline: Pipeline) -> Iterator[Fault]:
    ref, spec = _ref(pipeline), pipeline.spec
    if spec.memory.spike >= spec.memory.limit:
        message = f"spike `{spec.memory.spike}` is not below the limit `{spec.memory.limit}`"
        yield Fault(ref, ("spec", "memory", "spike"), "PHX637", message, "a fifth of the limit is usual")
    if spec.batch.max < spec.batch.size:
        message = f"largest batch `{spec.batch.max}` is below the batch size `{spec.batch.size}`"
        yield Fault(ref, ("spec", "batch", "max"), "PHX637", message, "raise `max`, or lower `size`")
    for index, export in enumerate(spec.export):
        if export.otlp_http is None:
            continue
        retry, path = export.otlp_http.retry, ("spec", "export", index, "otlpHttp", "retry")
        first = milliseconds(retry.initial)
        if milliseconds(retry.max) < first:
            message = f"longest wait `{retry.max}` is below the first wait `{retry.initial}`"
            yield Fault(ref, (*path, "max"), "PHX637", message, "raise `max`, or lower `initial`")
        if milliseconds(retry.elapsed) < first:
            message = f"data is given up after `{retry.elapsed}`, before the first retry at `{retry.initial}`"
            yield Fault(ref, (*path, "elapsed"), "PHX637", message, "raise `elapsed`, or lower `initial`")


def _matches(pipeline: Pipeline) -> Iterator[tuple[Path, Predicate | ProcessMatch]]:
    """Every condition of a pipeline with its path."""
    spec = pipeline.spec
    for field, predicates in (("keep", spec.keep), ("drop", spec.drop)):
        for index, predicate in enumerate(predicates):
            yield ("spec", field, index), predicate
    if spec.rollup is not None:
        yield ("spec", "rollup", "match"), spec.rollup.match
        for index, match in enumerate(spec.rollup.unless):
            yield ("spec", "rollup", "unless", index), match
    for index, graded in enumerate(spec.attributes.grade):
        for grade, value in enumerate(graded.grades):
            yield ("spec", "attributes", "grade", index, "grades", grade, "match"), value.match


def _classes(env: EnvironmentScope, pipeline: Pipeline) -> Iterator[Fault]:
    """Classes that nothing gets: a condition on one would never hold."""
    classification = env.edge.spec.classification
    known = {*(rule.name for rule in classification.classes), classification.default} if classification else set()
    listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
    spec = pipeline.spec
    uses: list[tuple[Path, list[str]]] = [((*path, "classes"), match.classes) for path, match in _matches(pipeline)]
    uses += [
        (("spec", "attributes", "drop", index, "unless"), dropped.unless)
        for index, dropped in enumerate(spec.attributes.drop)
    ]
    uses.append((("spec", "contract", "preserve"), spec.contract.preserve))
    for path, names in uses:
        for index, name in enumerate(names):
            if name not in known:
                message = f"there is no priority class `{name}`"
                yield Fault(_ref(pipeline), (*path, index), "PHX644", message, f"edge pipeline's classes: {listed}")


def _predicates(pipeline: Pipeline) -> Iterator[Fault]:
    """Conditions that hold for everything, and such that can never decide anything."""
    ref, spec = _ref(pipeline), pipeline.spec
    for path, match in _matches(pipeline):
        if match in (Predicate(), ProcessMatch()):
            yield Fault(ref, path, "PHX645", "an empty condition matches everything", "say what it matches")
    if spec.keep and spec.drop and spec.rollup is None:
        message = "`drop` can never take effect: all that is left is kept, and `keep` wins"
        yield Fault(ref, ("spec", "drop"), "PHX645", message, "leave out one of `keep` and `drop`")


def _ports(env: EnvironmentScope) -> Iterator[Fault]:
    """Two listeners of the gateway's pods on one port."""
    reserved = {OTLP_GRPC: "OTLP", OTLP_HTTP: "OTLP", AGENTS: "the agents", TENANTS: "tenants' gateways"}
    holders = {**reserved, HEALTH: "the health check", TELEMETRY: "the collector's own metrics"}
    for pipeline in env.pipelines:
        for index, export in enumerate(pipeline.spec.export):
            if export.prometheus is None or export not in tuple(active_exports(env, pipeline)):
                continue
            port = export.prometheus.port
            holder = holders.setdefault(port, f"export `{export.name}` of pipeline `{pipeline.metadata.name}`")
            if holder != f"export `{export.name}` of pipeline `{pipeline.metadata.name}`":
                path: Path = ("spec", "export", index, "prometheus", "port")
                message = f"port `{port}` is taken by {holder}"
                yield Fault(
                    _ref(pipeline), path, "PHX640", message, "choose a port that nothing else of the gateway uses"
                )
    otlp = env.edge.spec.inputs.otlp
    if otlp is None:
        return
    own = {HEALTH: "the health check", TELEMETRY: "the collector's own metrics"}
    for field, port in (("grpcPort", otlp.grpc_port), ("httpPort", otlp.http_port)):
        if port in own:
            path = ("spec", "inputs", "otlp", field)
            message = f"port `{port}` of the agent is taken by {own[port]}"
            yield Fault(_ref(env.edge), path, "PHX640", message, "choose another port")
    if otlp.grpc_port == otlp.http_port:
        path = ("spec", "inputs", "otlp", "httpPort")
        message = f"port `{otlp.http_port}` of the agent is taken by `grpcPort`"
        yield Fault(_ref(env.edge), path, "PHX640", message, "choose another port")
