"""What a change of the policies restarts: the pods of nobody else, and for a shared tenant none at all.

A pod is restarted when its template changes, and only then: what it mounts is immutable and bears a hash in its name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_gitops.__main__ import run
from phoenix_gitops.rules.tenants import shard
from phoenix_gitops.tools import cache_dir

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "tests" / "cases" / "good" / "small"
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate"),
}
TENANT = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {{name: {name}, owner: team-{name}}}
spec:
  class: {class_}
  identity: {{namespaces: [{namespaces}]}}
  environmentSelector: {{matchLabels: {{class: {of}}}}}
  costCenter: CC-1099
  quotas: {{activeSeries: {series}, ingestRate: 100}}
  access: {{viewers: [{name}-devs], editors: [{name}-{editors}]}}
"""
CLUSTERS = ("prod-eu/eu-central-1", "prod-eu/eu-west-1", "prod-us/us-east-1", "prod-us/us-west-2")
"""The clusters that `TENANT` is in."""

Tree = Mapping[str, bytes]


@dataclass(frozen=True)
class Checkout:
    """Policies that are edited, and the tree that they compile to."""

    root: Path

    def compile(self) -> Tree:
        assert run(["compile", "-q", "-C", str(self.root)]) == 0
        base = self.root / "generated"
        return {path.relative_to(base).as_posix(): path.read_bytes() for path in base.rglob("*") if path.is_file()}

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, (path, old)
        self.write(path, text.replace(old, new))

    def tenant(self, name: str = "acme", **fields: Any) -> None:
        """Write a tenant's policy."""
        values = {"class_": "shared", "of": "prod", "namespaces": name, "series": 1000, "editors": "leads"} | fields
        self.write(f"policies/tenants/{name}/tenant.yaml", TENANT.format(name=name, **values))


def checkout_of(source: Path, target: Path, *folders: str) -> Checkout:
    for folder in folders:
        shutil.copytree(source / folder, target / folder)
    shutil.copyfile(source / "phoenix.yaml", target / "phoenix.yaml")
    return Checkout(target)


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Results of other runs are out of reach; the tools that set-up installed are not."""
    folder, installed = tmp_path_factory.mktemp("cache"), cache_dir() / "tools"
    if installed.is_dir():
        (folder / "tools").symlink_to(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOENIX_CACHE", str(folder))
        yield


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Tree]:
    """The reference platform's policies without its guardrails, two tenants more, and what they compile to."""
    root = tmp_path_factory.mktemp("platform")
    checkout = checkout_of(ROOT, root, "environments", "policies")
    shutil.rmtree(root / "policies" / "guardrails")
    checkout.tenant()
    checkout.tenant("zeta", series=7)
    return checkout, checkout.compile()


@pytest.fixture
def reference(tmp_path: Path, platform: tuple[Checkout, Tree]) -> Iterator[tuple[Checkout, Tree]]:
    """The same, and its policies are as they were when the test is over."""
    root = platform[0].root
    for folder in ("policies", "environments"):
        shutil.copytree(root / folder, tmp_path / folder)
    yield platform
    for folder in ("policies", "environments"):
        shutil.rmtree(root / folder)
        (tmp_path / folder).rename(root / folder)


def templates(tree: Tree) -> dict[str, object]:
    """The pod template of each workload, and the data of each immutable ConfigMap, by path."""
    found: dict[str, object] = {}
    for path, content in tree.items():
        kind = re.match(rb"(?:#.*\n)?apiVersion: .*\nkind: (\w+)\n", content)
        if kind is None or kind[1].decode() not in {*TEMPLATES, "ConfigMap"}:
            continue
        body = yaml.load(content, yaml.CSafeLoader)
        if body["kind"] in TEMPLATES:
            outer, inner = TEMPLATES[body["kind"]]
            found[path] = body[outer][inner]
        elif body.get("immutable"):
            found[path] = body["data"]
    return found


def restarted(before: Tree, after: Tree) -> list[str]:
    """The workloads and configs that were there and are another now, or are gone."""
    was, now = templates(before), templates(after)
    assert any("deployment-gateway" in path for path in was)
    assert any("daemonset-agent" in path for path in was)
    return [path for path in sorted(was) if now.get(path) != was[path]]


def touched(before: Tree, after: Tree) -> set[str]:
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def shard_files(name: str) -> set[str]:
    """The files of a shared tenant's shard in every cluster that it is in: the object, and what judges read."""
    file = f"tenants-{shard(name):02}.yaml"
    return {
        path
        for cluster in CLUSTERS
        for path in (
            f"{cluster}/rules/phoenix-rules/prometheusrule-{file}",
            f"_proof/{cluster}/rules/{file}",
            f"_proof/{cluster}/tests/{file}",
        )
    }


def index_files() -> set[str]:
    """What lists the tenants of a cluster by name: who is told of their alerts where they say nothing themselves."""
    return {f"{cluster}/rules/monitoring/alertmanagerconfig-phoenix-tenants.yaml" for cluster in CLUSTERS}


def marks(*namespaces: str) -> set[str]:
    return {f"{cluster}/tenancy/namespace-{namespace}.yaml" for cluster in CLUSTERS for namespace in namespaces}


SHARED = {
    "added": ("nova", {}, {"nova"}),
    "quota": ("acme", {"series": 2000}, set()),
    "editors": ("acme", {"editors": "chiefs"}, set()),
    "namespaces": ("acme", {"namespaces": "acme, acme-batch"}, {"acme-batch"}),
}


@pytest.mark.parametrize(("name", "fields", "namespaces"), SHARED.values(), ids=SHARED)
def test_a_shared_tenant_changes_its_shard_and_its_own_objects_and_no_pod(
    reference: tuple[Checkout, Tree], name: str, fields: Mapping[str, Any], namespaces: set[str]
) -> None:
    checkout, before = reference
    checkout.tenant(name, **fields)
    after = checkout.compile()
    assert restarted(before, after) == []
    of_shard = shard_files(name) if name == "nova" or "series" in fields else set()
    of_index = index_files() if name == "nova" else set()
    assert touched(before, after) == marks(*namespaces) | of_shard | of_index


def test_retiring_a_shared_tenant_takes_its_lines_out_of_its_shard_and_restarts_no_pod(
    reference: tuple[Checkout, Tree],
) -> None:
    checkout, before = reference
    checkout.replace("policies/tenants/acme/tenant.yaml", "spec:\n", "spec:\n  state: retired\n")
    after = checkout.compile()
    assert restarted(before, after) == []
    assert touched(before, after) == marks("acme") | shard_files("acme") | index_files()
    for path in marks("acme"):
        assert b"policy.phoenix.io/tenant:" in before[path]
        assert b"policy.phoenix.io/tenant:" not in after[path]


@pytest.mark.parametrize("class_", ["namespace", "dedicated"])
def test_a_tenant_with_an_own_gateway_restarts_nobody_else(reference: tuple[Checkout, Tree], class_: str) -> None:
    checkout, before = reference
    checkout.tenant("nova", class_=class_)
    after = checkout.compile()
    assert restarted(before, after) == []
    new = {path for path in templates(after) if path not in before}
    assert {Path(path).parts[-2] for path in new} == {"nova"}
    assert len(new) == 2 * len(CLUSTERS)


def test_a_shared_tenant_that_gets_an_own_gateway_restarts_nobody(reference: tuple[Checkout, Tree]) -> None:
    checkout, before = reference
    checkout.tenant(class_="namespace")
    assert restarted(before, checkout.compile()) == []


RULES = {
    "a tenant's rule": ("policies/tenants/cart/rules/cart.yaml", "[10m]", "[15m]"),
    "a tenant's SLO": ("policies/tenants/cart/slos/cart-api.yaml", "objective: 0.99", "objective: 0.98"),
    "the platform's SLO": ("policies/slos/latency.yaml", "value: 100", "value: 120"),
    "the control law": ("policies/control/production.yaml", "mode: advisory", "mode: shadow"),
    "a budget": ("environments/base-prod.yaml", "activeSeries: 6000000", "activeSeries: 6100000"),
}


@pytest.mark.parametrize(("path", "old", "new"), RULES.values(), ids=RULES)
def test_a_change_of_rules_restarts_no_pod(reference: tuple[Checkout, Tree], path: str, old: str, new: str) -> None:
    checkout, before = reference
    checkout.replace(path, old, new)
    after = checkout.compile()
    assert restarted(before, after) == []
    assert {Path(one).parts[-3] for one in touched(before, after) if not one.startswith("_proof")} == {"rules"}


def test_guardrails_change_no_file(reference: tuple[Checkout, Tree]) -> None:
    checkout, before = reference
    shutil.copytree(ROOT / "policies" / "guardrails", checkout.root / "policies" / "guardrails")
    assert touched(before, checkout.compile()) == set()
    checkout.replace("policies/guardrails/quotas.cue", '"quota-sum-exceeds-budget"', '"more-is-promised-than-bought"')
    assert touched(before, checkout.compile()) == set()


def test_a_change_of_what_runs_is_seen(reference: tuple[Checkout, Tree]) -> None:
    """Or the tests above would see nothing."""
    checkout, before = reference
    checkout.replace("environments/base-prod.yaml", "memoryLimit: 512Mi", "memoryLimit: 640Mi")
    found = restarted(before, checkout.compile())
    assert {Path(path).name for path in found} == {"configmap-agent.yaml", "daemonset-agent.yaml"}
    assert len(found) == 2 * len(CLUSTERS)


EDITS = st.tuples(
    st.sampled_from(["a", "b", "c", "d"]),
    st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {"series": st.integers(1, 10**6), "editors": st.sampled_from(["leads", "chiefs"]), "batch": st.booleans()}
        ),
    ),
)
"""A shared tenant, and what its file says now; None where it has none."""


def known(tree: Tree) -> set[str]:
    """The tenants whose namespaces are marked."""
    named = (re.fullmatch(r"main/main/tenancy/namespace-([a-z]+)\.yaml", path) for path in tree)
    return {found[1] for found in named if found}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, min_size=1, max_size=4))
def test_no_sequence_of_edits_of_shared_tenants_restarts_a_pod(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, Mapping[str, Any] | None]]
) -> None:
    checkout = checkout_of(SMALL, tmp_path_factory.mktemp("small"), "environments", "policies")
    before = checkout.compile()
    for name, fields in edits:
        if fields is None:
            shutil.rmtree(checkout.root / "policies" / "tenants" / name, ignore_errors=True)
        else:
            namespaces = f"{name}, {name}-batch" if fields["batch"] else name
            said = {"series": fields["series"], "editors": fields["editors"]}
            checkout.tenant(name, of="dev", namespaces=namespaces, **said)
        after = checkout.compile()
        assert (name in known(after)) == (fields is not None)
        assert restarted(before, after) == []
        mine = re.compile(rf"_proof/.*/tenants-{shard(name):02}\.yaml|.*/namespace-{name}(-batch)?\.yaml")
        objects = re.compile(rf".*/prometheusrule-tenants-{shard(name):02}\.yaml")
        assert all(mine.fullmatch(path) or objects.fullmatch(path) for path in touched(before, after))
        before = after
