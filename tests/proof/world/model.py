"""What must come out, computed from the policies' own text and from what was sent; nothing of the compiler is used."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable

import yaml

from tests.proof.judge import ROOT
from tests.proof.world.load import Process, Workload
from tests.proof.world.places import Object

_PRESETS = ROOT / "phoenix_gitops" / "presets" / "pipelines"
_SECONDS = {"s": 1, "m": 60}
_OF_SCRAPING = 5
"""`up`, and what `scrape_` says: duration, samples before and after relabelling, new series."""


@functools.cache
def policy(path: str) -> Object:
    """The `spec` of a policy of the repository."""
    loaded: Object = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["spec"]
    return loaded


def _preset(name: str) -> Object:
    return policy(str((_PRESETS / f"{name}.yaml").relative_to(ROOT)))


def quota(tenant: str, resource: str) -> int:
    """What a tenant's policy grants."""
    return int(policy(f"policies/tenants/{tenant}/tenant.yaml")["quotas"][resource])


def scrape_seconds(environment: str) -> int:
    """The environment's scrape interval; a policy that says nothing has the default."""
    text = policy(f"environments/{environment}.yaml").get("telemetry", {}).get("scrapeInterval", "15s")
    return int(text[:-1]) * _SECONDS[text[-1]]


def series(workloads: Iterable[Workload], scraped: int) -> int:
    """Active series in the exact pipeline of a tenant, one of whose pods is scraped for `scraped` series if any.

    Each service instance also has one series that says what is known of it, as Prometheus' exporters do, and a scraped
    target has five more on how the scraping went.
    """
    sent = list(workloads)
    of_processes = len({process.executable for process in _processes(sent)})
    orders = sum(workload.routes for workload in sent)
    return orders + of_processes + len(sent) + (scraped + _OF_SCRAPING + 1 if scraped else 0)


def priority(process: Process) -> str:
    """The class of a process: the first whose pattern is its whole name."""
    classification = _preset("edge")["classification"]
    for rule in classification["classes"]:
        if re.fullmatch(rule["match"], process.executable):
            return str(rule["name"])
    return str(classification["default"])


def shown_in_full(workloads: Iterable[Workload]) -> Counter[str]:
    """Memory by executable: those of one name are one, as their numbers are dropped."""
    found: Counter[str] = Counter()
    for process in _processes(workloads):
        found[process.executable] += process.memory
    return found


def shown_in_optimized(workloads: Iterable[Workload]) -> tuple[Counter[str], Counter[str]]:
    """Memory by executable or by the name of what is rolled up, and the processes behind each roll-up."""
    spec = _preset("optimized")
    rolled, kept = spec["rollup"], spec["keep"]
    memory: Counter[str] = Counter()
    behind: Counter[str] = Counter()
    for process in _processes(workloads):
        class_ = priority(process)
        if class_ in rolled["match"]["classes"] and not any(_meets(process, one) for one in rolled["unless"]):
            into = rolled["into"].replace("{class}", class_)
            memory[into] += process.memory
            behind[into] += 1
        elif any(_meets(process, one) for one in kept):
            memory[process.executable] += process.memory
    return memory, behind


def _meets(process: Process, condition: Object) -> bool:
    if "classes" in condition:
        return priority(process) in condition["classes"]
    return re.fullmatch(condition["executables"], process.executable) is not None


def _processes(workloads: Iterable[Workload]) -> Iterable[Process]:
    return (process for workload in workloads for process in workload.processes)
