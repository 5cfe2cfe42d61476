"""The back half of the pipeline: one environment from its world to rendered files.

emit -> override -> verify -> serialise. An environment's files are given whole or not at all: with an error there
are none, and its tree on disk stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phoenix_gitops.artifact import RenderedFile, Unit
from phoenix_gitops.blame import Blame, override_place
from phoenix_gitops.cache import UnitCache
from phoenix_gitops.collector.lint import Fault as PolicyFault
from phoenix_gitops.collector.lint import lint_pipelines
from phoenix_gitops.diagnostics import Diagnostic, has_errors, ordered
from phoenix_gitops.document import Path as FieldPath
from phoenix_gitops.emit import Stage, Summary, summarise
from phoenix_gitops.facts import cluster_facts, kubernetes_of
from phoenix_gitops.overrides import check as check_override
from phoenix_gitops.parallel import run_units
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.schemas import values_at
from phoenix_gitops.serialise import check_paths
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.unit import UnitResult, run_unit
from phoenix_gitops.verify import Schemas, check_cluster, items
from phoenix_gitops.verify.stage import unsupported

Progress = Callable[[str, int, int], None]
"""Told of work as it goes on: environment, units done, units in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What an environment gave."""

    environment: str
    clusters: int
    objects: int
    checks: int
    """Verdicts: each object against its schema and our rules, each rule expression, each collector config."""
    files: tuple[RenderedFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    seconds: float = 0.0
    """Wall time; for people, never part of the output."""

    @property
    def ok(self) -> bool:
        """Whether the environment's tree may be written."""
        return not has_errors(self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the back half is given besides the policies."""

    schemas: Path | None
    """Folder of custom resources' schemas, `schemas/crds/` of the repository."""
    cache: Path | None
    """Folder for compiled schemas; None for none."""
    units: Callable[[str], UnitCache] | None = None
    """The cache of an environment's units; None for none."""
    templates: TemplateFiles | None = None
    """Where the stage's templates are read from, to tell the user's own from ours."""
    jobs: int = 1
    """Processes that work at once."""
    loaded: dict[str, Schemas | None] = field(default_factory=dict, repr=False, compare=False)
    """Schemas by Kubernetes version, loaded once for all environments."""

    def schemas_of(self, minor: str) -> Schemas | None:
        """The schemas of a Kubernetes version, or None where there are none."""
        if minor not in self.loaded:
            known = Schemas.knows(minor)
            self.loaded[minor] = Schemas(minor, self.schemas, self.cache) if known else None
        return self.loaded[minor]


def compile_environment(
    stage: Stage, policies: Mapping[Key, Resolved], tools: Tools, progress: Progress | None = None
) -> Compiled:
    """Every file of one environment."""
    related = (
        *(_placed(fault, policies) for fault in lint_pipelines(stage.scope)),
        *_unusable_overrides(stage, policies),
    )
    if has_errors(related):
        return Compiled(
            environment=stage.environment,
            clusters=len(stage.clusters),
            objects=0,
            checks=0,
            files=(),
            diagnostics=ordered(related),
        )
    results = _results(stage, tools, progress)
    summary = summarise(results)
    for unit in stage.gitops_units:
        results.append(run_unit(stage, unit, tools.schemas_of(kubernetes_of(stage, unit.cluster)), summary))
    found = [*related, *(_located(fault, result, policies) for result in results for fault in result.diagnostics)]
    found += _unmatched_overrides(stage, policies, results)
    if not has_errors(fault for fault in found if fault.code not in _OBJECTS_ARE_WHOLE):
        found += _verify(stage, policies, results, tools, summary)
    files = tuple(sorted((file for result in results for file in result.files), key=lambda file: file.path))
    found += check_paths(files, lambda file: policies[file.policy.kind, file.policy.name].origin(_NAME).value)
    return Compiled(
        environment=stage.environment,
        clusters=len(stage.clusters),
        objects=sum(len(result.checked) for result in results),
        checks=sum(result.checks for result in results),
        files=() if has_errors(found) else files,
        diagnostics=ordered(found),
    )


_OBJECTS_ARE_WHOLE = ("PHX675",)
"""Errors of emitters after which all objects are there, so that they can be checked all the same."""

_NAME: FieldPath = ("metadata", "name")


def _results(stage: Stage, tools: Tools, progress: Progress | None) -> list[UnitResult]:
    """The results of all units but those of GitOps: those of former runs, and the others made now."""
    units = list(stage.units())
    cache = tools.units(stage.environment) if tools.units else None
    keys = {unit: cache.key(stage, unit) for unit in units} if cache else {}
    results: dict[Unit, UnitResult] = {}
    for unit, key in keys.items():
        kept = cache.get(key) if cache else None
        if kept is not None:
            results[unit] = kept
    missing = [unit for unit in units if unit not in results]
    for done, result in enumerate(run_units(stage, missing, tools, tools.jobs)):
        if progress:
            progress(stage.environment, done, len(missing))
        results[result.unit] = result
        if cache:
            cache.put(keys[result.unit], result)
    if cache:
        cache.save()
    return [results[unit] for unit in units]


def _placed(fault: PolicyFault, policies: Mapping[Key, Resolved]) -> Diagnostic:
    """A fault in a relation of policies, at the line that it names."""
    policy = policies[fault.policy.kind, fault.policy.name]
    return Diagnostic(code=fault.code, message=fault.message, primary=policy.origin(fault.path).value, help=fault.help)


def _located(fault: Diagnostic, result: UnitResult, policies: Mapping[Key, Resolved]) -> Diagnostic:
    """A fault that an emitter found without knowing lines: at the field that it is about, as far as its code says."""
    if fault.primary is not None:
        return fault
    unit = result.unit
    policy, path = _about(fault.code, unit, policies)
    origin = policy.origin(path)
    return replace(fault, primary=origin.value if path[-1] in ("name", "tag") else origin.key)


def _about(code: str, unit: Unit, policies: Mapping[Key, Resolved]) -> tuple[Resolved, FieldPath]:
    """The policy and the field that a code is about; else the tenant or cluster that was compiled for."""
    environment = policies["Environment", unit.environment]
    if code in _OF_PLATFORM:
        platform = next(policy for key, policy in policies.items() if key[0] == "Platform")
        return platform, _in_ring(_OF_PLATFORM[code], platform, environment)
    if code in _OF_ENVIRONMENT:
        return environment, _OF_ENVIRONMENT[code]
    if unit.tenant and code not in _OF_CLUSTER:
        tenant = policies["Tenant", unit.tenant]
        if code in _OF_CLASS:
            return policies["TenantClass", tenant.data["spec"]["class"]], _OF_CLASS[code]
        return tenant, _OF_TENANT.get(code, _NAME)
    for at, cluster in values_at(environment.data, ("spec", "clusters", "*", "name")):
        if cluster == unit.cluster:
            return environment, at
    return environment, _NAME


def _in_ring(path: FieldPath, platform: Resolved, environment: Resolved) -> FieldPath:
    """A field of the platform's catalog, where the environment's ring has a version of its own: that one's."""
    head, component = path[:2], path[2:]
    own = (*head, "byRing", environment.data["spec"].get("ring", ""), *component)
    return own if head == ("spec", "catalog") and platform.sets(own) else path


_OF_PLATFORM: dict[str, FieldPath] = {
    "PHX630": ("spec", "catalog", "collector", "tag"),
    "PHX674": ("spec", "output"),
}
_OF_ENVIRONMENT: dict[str, FieldPath] = {"PHX647": ("spec", "exports")}
_OF_CLUSTER = ("PHX646", "PHX650", "PHX651", "PHX670")
_OF_CLASS: dict[str, FieldPath] = {"PHX672": ("spec", "containerDefaults")}
_OF_TENANT: dict[str, FieldPath] = {
    "PHX671": ("spec", "identity", "namespaces"),
    "PHX673": ("spec", "quotas"),
}
"""Fields that codes of emitters are about."""


def _verify(
    stage: Stage,
    policies: Mapping[Key, Resolved],
    results: Sequence[UnitResult],
    tools: Tools,
    summary: Summary,
) -> list[Diagnostic]:
    """The findings on each cluster's objects, at the policy lines that caused them."""
    units = {path: result.unit for result in results for path, _ in result.checked}
    blame = Blame(stage, policies, summary, units, tools.templates)
    home = stage.home
    clusters = sorted({result.unit.cluster for result in results})
    objects = {c: [pair for r in results if r.unit.cluster == c for pair in r.checked] for c in clusters}
    diagnostics: list[Diagnostic] = []
    for cluster in clusters:
        facts = cluster_facts(stage, cluster)
        if tools.schemas_of(facts.kubernetes) is None:
            diagnostics += _unsupported(policies["Environment", stage.environment], facts.kubernetes)
            continue
        others = [pair for other in clusters if other != home for pair in objects[other]] if cluster == home else []
        findings = check_cluster(objects[cluster], facts, items(others))
        diagnostics += [blame.diagnostic(finding) for finding in findings]
    return diagnostics


def _unsupported(environment: Resolved, minor: str) -> list[Diagnostic]:
    """That a version has no schemas, at each cluster that has this version."""
    fault = unsupported(minor)
    versions = values_at(environment.data, ("spec", "clusters", "*", "kubernetes"))
    return [
        Diagnostic(code=fault.code, message=fault.message, help=fault.help, primary=environment.origin(at).value)
        for at, version in versions
        if version == minor
    ]


def _unusable_overrides(stage: Stage, policies: Mapping[Key, Resolved]) -> Iterator[Diagnostic]:
    """Faults of the overrides themselves, whatever objects they find."""
    for i, override in enumerate(stage.overrides):
        policy, path = override_place(stage, policies, i)
        for fault in check_override(override):
            place = policy.origin((*path, "patch", *fault.path)).key
            yield Diagnostic(code=fault.code, message=fault.message, primary=place, help=fault.help)


def _unmatched_overrides(
    stage: Stage, policies: Mapping[Key, Resolved], results: Sequence[UnitResult]
) -> list[Diagnostic]:
    """An environment's override that finds no object is a mistake; a platform's may mean another environment."""
    matched = frozenset[int]().union(*(result.matched for result in results))
    found = []
    for i, override in enumerate(stage.overrides):
        policy, path = override_place(stage, policies, i)
        if policy.key[0] == "Platform" or i in matched:
            continue
        found.append(
            Diagnostic(
                code="PHX615",
                message=f"the override of {override.kind} `{override.name}` finds no object",
                primary=policy.origin((*path, "target")).value,
                help=f"`phoenix show artifacts -e {stage.environment}` lists the objects",
            )
        )
    return found
