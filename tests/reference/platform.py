"""The repository's own environments, compiled in memory once a session, and what stands in them.

All is read back from the bytes that would be written: objects as a cluster gets them, collector configs out of the
ConfigMaps that pods mount, rules out of the PrometheusRules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from phoenix_gitops import emitters
from phoenix_gitops.back import Tools, compile_environment
from phoenix_gitops.diagnostics import has_errors
from phoenix_gitops.emit import Stage
from phoenix_gitops.front import Front, run_front
from phoenix_gitops.templating import Renderer

ROOT = Path(__file__).resolve().parents[2]

Body = Mapping[str, Any]


def read(text: str | bytes) -> Any:
    """What a YAML 1.1 reader makes of a text; libyaml's, which is ten times as fast."""
    return yaml.load(text, yaml.CSafeLoader)


@dataclass(frozen=True)
class Output:
    """What one environment compiles to: objects by path under `generated/`."""

    files: Mapping[str, Body] = field(repr=False)

    @cached_property
    def objects(self) -> tuple[Body, ...]:
        """Everything that a cluster gets."""
        return tuple(body for path, body in self.files.items() if not path.startswith("_proof/"))

    @cached_property
    def clusters(self) -> tuple[Output, ...]:
        """What each cluster gets that runs collectors."""
        names = sorted({path.split("/")[1] for path in self.files if not path.startswith("_proof/")})
        parts = (Output({p: b for p, b in self.files.items() if p.split("/")[1] == name}) for name in names)
        return tuple(part for part in parts if any(part.of_kind("DaemonSet")))

    def of_kind(self, kind: str) -> Iterator[Body]:
        """The objects of a kind."""
        return (body for body in self.objects if body["kind"] == kind)

    def one(self, kind: str, name: str, namespace: str = "") -> Body:
        """The only object of a kind and name."""
        (found,) = (
            body
            for body in self.of_kind(kind)
            if body["metadata"]["name"] == name and namespace in ("", body["metadata"].get("namespace"))
        )
        return found

    def container(self, kind: str, name: str) -> Body:
        """The container of a workload that has just one."""
        (container,) = self.one(kind, name)["spec"]["template"]["spec"]["containers"]
        return container

    def collector(self, kind: str, name: str) -> Body:
        """The config that a workload's collector reads: out of the ConfigMap that its pods mount."""
        workload = self.one(kind, name)
        pod = workload["spec"]["template"]["spec"]
        (volume,) = (volume for volume in pod["volumes"] if "configMap" in volume)
        mounted = self.one("ConfigMap", volume["configMap"]["name"], workload["metadata"]["namespace"])
        (text,) = mounted["data"].values()
        return read(text)

    @cached_property
    def agent(self) -> Body:
        """The config of the collector on each node."""
        return self.collector("DaemonSet", "agent")

    @cached_property
    def gateway(self) -> Body:
        """The config of the platform's gateway."""
        return self.collector("Deployment", "gateway")

    @cached_property
    def groups(self) -> tuple[Body, ...]:
        """Every rule group."""
        return tuple(group for rule in self.of_kind("PrometheusRule") for group in rule["spec"]["groups"])

    def records(self, name: str, **labels: str) -> tuple[Body, ...]:
        """The rules that record a name, with these labels among theirs."""
        return tuple(
            rule
            for group in self.groups
            for rule in group["rules"]
            if rule.get("record") == name and labels.items() <= rule.get("labels", {}).items()
        )

    def record(self, name: str, **labels: str) -> str:
        """The expression of the only rule that records a name."""
        (found,) = self.records(name, **labels)
        return str(found["expr"])

    def alerts(self, name: str, **labels: str) -> tuple[Body, ...]:
        """The alerts of a name, with these labels among theirs."""
        return tuple(
            rule
            for group in self.groups
            for rule in group["rules"]
            if rule.get("alert") == name and labels.items() <= rule.get("labels", {}).items()
        )

    def alert(self, name: str, **labels: str) -> Body:
        """The only alert of a name."""
        (found,) = self.alerts(name, **labels)
        return found


@cache
def front() -> Front:
    """The repository's policies, checked."""
    found = run_front(ROOT)
    assert not has_errors(found.diagnostics), found.diagnostics
    return found


@cache
def output(environment: str) -> Output:
    """An environment of the repository, compiled."""
    return compiled(front(), environment)


def compiled(front: Front, environment: str) -> Output:
    """An environment of checked policies, compiled."""
    assert front.world is not None
    assert front.policies is not None
    stage = Stage(front.world, environment, emitters.load([]).value, Renderer.of_repository(front.root).render)
    result = compile_environment(stage, front.policies, Tools(schemas=None, cache=None))
    assert result.ok, result.diagnostics
    return Output({file.path: read(file.content) for file in result.files})
