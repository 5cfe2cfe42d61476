"""Every collector config that we emit, before the collector: it validates each, boots from each, and is well."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix_gitops.collector.agent import agent
from phoenix_gitops.collector.check import check_config
from phoenix_gitops.collector.gateway import gateway
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import CollectorError, local, running, validate
from tests.proof.collectors import binary
from tests.proof.judge import GENERATED, ROOT, Judge
from tests.unit.collector.scopes import environment

pytestmark = pytest.mark.proof

CASES = ROOT / "tests" / "cases" / "good"
TREES = (GENERATED, *sorted(CASES.glob("*/expected")))
PROCESSES = 2
HOST = {
    "stat /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory",
    "invalid root_path: stat /hostfs: no such file or directory",
    "directory must exist: stat /var/lib/otelcol: no such file or directory",
}
"""All that a collector may miss in the exact bytes, on a machine that is no node of a cluster."""


def config_files(tree: Path) -> list[Path]:
    return sorted(tree.glob("_proof/*/*/collectors/*.yaml"))


@functools.cache
def parsed(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)


def version_of(file: Path) -> str:
    """The collector that runs a config: the tag of the image in the cluster's workloads."""
    *_, environment_name, cluster, _, _ = file.parts
    ingest = file.parents[4] / environment_name / cluster / "ingest"
    if any(ingest.glob("**/configmap-*")) and not any(ingest.glob("**/deployment-*")):
        # Others run it: the version is the platform's, as in its other environments.
        ingest = file.parents[4]
    tags = {
        parsed(workload)["spec"]["template"]["spec"]["containers"][0]["image"].partition("@")[0].rpartition(":")[2]
        for kind in ("daemonset", "deployment")
        for workload in ingest.glob(f"**/{kind}-*.yaml")
    }
    (tag,) = tags
    return str(tag)


def emitted() -> dict[str, tuple[str, Any]]:
    """Each config once, by the first file that holds it, with its collector's version."""
    found: dict[str, tuple[str, Any]] = {}
    seen = set()
    for tree in TREES:
        for file in config_files(tree):
            version, text = version_of(file), json.dumps(parsed(file), sort_keys=True)
            if (version, text) not in seen:
                seen.add((version, text))
                found[str(file.relative_to(ROOT))] = version, parsed(file)
    # What no committed environment switches on.
    found["all exports"] = "0.159.0", sound()
    return found


def test_every_environment_and_case_has_configs() -> None:
    for tree in TREES:
        clusters = {path.relative_to(tree) for path in tree.glob("*/*/ingest")}
        assert clusters
        assert {file.parents[1].relative_to(tree / "_proof") for file in config_files(tree)} == {
            path.parent for path in clusters
        }


def test_every_version_that_has_a_table_runs_something() -> None:
    assert {version for version, _ in emitted().values()} == set(VERSIONS)


def test_the_collector_takes_every_config_and_boots_from_it(tmp_path: Path, judge: Judge) -> None:
    configs = emitted()

    def boot(numbered: tuple[int, tuple[str, tuple[str, Any]]]) -> str:
        number, (name, (version, config)) = numbered
        folder = tmp_path / str(number)
        folder.mkdir()
        here = local(config, folder)
        verdict = validate(binary(version), here.write(), here.environ)
        if not verdict.ok:
            return f"{name}: {verdict.said}"
        try:
            with running(binary(version), here) as collector:
                return "".join(f"{name}: {line}" for line in warnings(collector.log))
        except CollectorError as error:
            return f"{name}: {error}"

    with ThreadPoolExecutor(PROCESSES) as pool:
        faults = [fault for fault in pool.map(boot, enumerate(configs.items())) if fault]
    assert faults == []
    files = sum(len(config_files(tree)) for tree in TREES)
    judge.took("otelcol", len(configs), f"configs booted (all that differ among {files} files)")


def warnings(log: Path) -> list[str]:
    """What the collector says of names and settings that it will not take for ever."""
    return [line for line in log.read_text(encoding="utf-8").splitlines() if "deprecat" in line.lower()]


def test_the_exact_bytes_lack_nothing_but_the_host(tmp_path: Path, judge: Judge) -> None:
    files = {
        (version_of(file), file.read_bytes().split(b"\n", 1)[1]): file for tree in TREES for file in config_files(tree)
    }
    for (version, _), file in files.items():
        said = validate(binary(version), file, local(parsed(file), tmp_path).environ).said
        lines = said.removeprefix("Error: ").splitlines()
        assert [line for line in lines if not any(missing in line for missing in HOST)] == [], file
    judge.took("otelcol", len(files), "files validated as they are")


def config_maps(tree: Path) -> Iterator[tuple[Path, Any]]:
    for file in sorted(tree.glob("*/*/ingest/**/configmap-*.yaml")):
        yield file, parsed(file)


def test_what_is_judged_is_what_runs() -> None:
    """Each pod mounts, byte for byte, a config that is judged here; none is judged that no pod mounts."""
    for tree in TREES:
        judged = {
            (file.parts[-4], file.parts[-3], file.read_text(encoding="utf-8").split("\n", 1)[1])
            for file in config_files(tree)
        }
        mounted = {
            (*file.relative_to(tree).parts[:2], *body["data"].values()): body for file, body in config_maps(tree)
        }
        assert set(mounted) == judged
        # What others mount has a name that stays, under their own key.
        ours = [body for body in mounted.values() if list(body["data"]) == ["config.yaml"]]
        assert all(body["immutable"] for body in ours)
        assert [body for body in mounted.values() if body not in ours and "immutable" in body] == []


Fault = Callable[[Any], object]

REFUSED: dict[str, tuple[Fault, str, str]] = {
    "unknown key": (
        lambda c: c["processors"]["batch/full"].update(send_batch_sice=1),
        "has invalid keys: send_batch_sice",
        "PHX632",
    ),
    "unknown key, nested": (
        lambda c: c["exporters"]["otlp_http/full_newrelic"]["sending_queue"].update(batcher={}),
        "has invalid keys: batcher",
        "PHX632",
    ),
    "unknown component": (
        lambda c: c["exporters"].update(jaeger={}),
        'unknown type: "jaeger"',
        "PHX631",
    ),
    "component that is not defined": (
        lambda c: c["service"]["pipelines"]["metrics/full"]["processors"].append("batch/nobody"),
        'references processor "batch/nobody" which is not configured',
        "PHX633",
    ),
    "connector without a receiver": (
        lambda c: c["service"]["pipelines"].pop("metrics/full"),
        "pipeline but not used in any supported",
        "PHX634",
    ),
    "statement of no language": (
        lambda c: c["processors"]["transform/intake_default"]["metric_statements"][0].update(
            statements=['sett(resource.attributes["a"], 1)']
        ),
        'undefined function "sett"',
        "",
    ),
    "condition of no language": (
        lambda c: c["processors"]["filter/optimized"].update(metric_conditions=["resource.attributes[ =="]),
        "condition has invalid syntax",
        "",
    ),
    "spike above the limit": (
        lambda c: c["processors"]["memory_limiter/full"].update(limit_mib=1, spike_limit_mib=2),
        "must be smaller than 'limit_mib'",
        "PHX637",
    ),
    "wrong type": (
        lambda c: c["processors"]["batch/full"].update(timeout="soon"),
        "'timeout' time: invalid duration",
        "",
    ),
}
"""Faults that `validate` sees, what it says, and the code of our own check, which knows no types and no language."""

NOT_STARTED: dict[str, tuple[Fault, str, str]] = {
    "one port twice": (
        lambda c: c["receivers"]["otlp/tenants"]["protocols"]["grpc"].update(
            endpoint=c["receivers"]["otlp/agents"]["protocols"]["grpc"]["endpoint"]
        ),
        "address already in use",
        "PHX640",
    ),
    "storage that is no extension": (
        lambda c: c["exporters"]["otlp_http/full_newrelic"]["sending_queue"].update(storage="file_storage"),
        "no storage client extension found",
        "PHX638",
    ),
}
"""Faults that only the start sees."""


def sound() -> Any:
    return copy.deepcopy(gateway(environment(spec={"exports": ["newrelic"]}))[0])


@pytest.mark.parametrize("name", REFUSED)
def test_the_collector_refuses(name: str, tmp_path: Path, judge: Judge) -> None:
    config, (fault, said, code) = sound(), REFUSED[name]
    fault(config)
    assert {code} - {""} <= {finding.code for finding in check_config(config, "0.159.0")}
    here = local(config, tmp_path)
    verdict = validate(binary("0.159.0"), here.write(), here.environ)
    assert not verdict.ok
    assert said in verdict.said
    judge.refused("otelcol", 1, "planted faults")


@pytest.mark.parametrize("name", NOT_STARTED)
def test_the_collector_does_not_start_from(name: str, tmp_path: Path, judge: Judge) -> None:
    config, (fault, said, code) = sound(), NOT_STARTED[name]
    fault(config)
    assert code in {finding.code for finding in check_config(config, "0.159.0")}
    here = local(config, tmp_path)
    assert validate(binary("0.159.0"), here.write(), here.environ).ok
    with pytest.raises(CollectorError, match=said), running(binary("0.159.0"), here):
        pass
    judge.refused("otelcol", 1, "planted faults")


def test_a_collector_that_is_not_well_is_seen(tmp_path: Path, judge: Judge) -> None:
    # Nothing of the config is wrong; its health check answers under another path.
    config = agent(environment())[0]
    config["extensions"]["health_check"]["path"] = "/elsewhere"
    here = local(config, tmp_path)
    with (
        pytest.raises(CollectorError, match="the health check does not answer"),
        running(binary("0.159.0"), here, seconds=1),
    ):
        pass
    judge.refused("otelcol", 1, "planted faults")
