"""A planted fault points at the layer that set the value: override, class, base, tenant, template, or none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_gitops.__main__ import run
from phoenix_gitops.resources import templates_dir
from tests.test_cases import CASES, lay_out

BASE = CASES / "bad" / "_base"
HEAD = "apiVersion: policy.phoenix.io/v1alpha1\n"
ENVIRONMENT = (BASE / "environments" / "main.yaml").read_text()
PLATFORM = (BASE / "phoenix.yaml").read_text()
SHOP = (BASE / "policies" / "shop.yaml").read_text()
HALF_A_BYTE = "8000000000.5"


@pytest.fixture
def faults(tmp_path, capsys):
    """Lays files over the sound base and gives the errors that `validate` finds, as in its JSON."""

    def find(files: dict[str, str]) -> list[dict]:
        case = tmp_path / "case"
        for name, text in files.items():
            (case / name).parent.mkdir(parents=True, exist_ok=True)
            (case / name).write_text(text)
        root = lay_out(case, tmp_path / "repository")
        assert run(["validate", "-C", str(root), "--format", "json"]) == 1
        found = json.loads(capsys.readouterr().out)["diagnostics"]
        return [fault for fault in found if fault["severity"] == "error"]

    return find


def _line(files: dict[str, str], fault: dict) -> str:
    """`file: text` of the line that a fault points at."""
    primary = fault["primary"]
    return f"{primary['file']}: {files[primary['file']].splitlines()[primary['line'] - 1].strip()}"


def _overrides(*lines: str) -> str:
    return "  overrides:\n" + "".join(f"    {line}\n" for line in lines)


BAD_LABEL = ("- target: {kind: Service}", '  patch: {metadata: {labels: {contact: "#ops"}}}')


@pytest.mark.parametrize(("file", "text"), [("environments/main.yaml", ENVIRONMENT), ("phoenix.yaml", PLATFORM)])
def test_an_override_of_either_layer(faults, file, text):
    files = {file: text + _overrides(*BAD_LABEL)}
    (fault,) = faults(files)
    assert (fault["code"], _line(files, fault)) == ("PHX711", f"{file}: {BAD_LABEL[1].strip()}")
    assert fault["primary"]["text"] == "this override sets it"
    assert fault["notes"][-1] == "and in 3 more places", "four Services, said once"


def test_the_last_of_two_overrides_is_to_blame(faults):
    good = ("- target: {kind: Service, name: gateway}", "  patch: {metadata: {labels: {contact: ops}}}")
    files = {
        "phoenix.yaml": PLATFORM + _overrides(*good),
        "environments/main.yaml": ENVIRONMENT + _overrides(*good, *BAD_LABEL),
    }
    found = faults(files)
    assert {_line(files, fault) for fault in found} == {f"environments/main.yaml: {BAD_LABEL[1].strip()}"}


def test_an_override_that_takes_away(faults):
    line = "  patch: {spec: {template: {spec: {containers: [{name: collector, resources: {limits: null}}]}}}}"
    files = {
        "environments/main.yaml": ENVIRONMENT + _overrides("- target: {kind: Deployment, name: gateway}", line),
    }
    (fault,) = faults(files)
    assert (fault["code"], _line(files, fault)) == ("PHX728", f"environments/main.yaml: {line.strip()}")


def test_a_quota_of_the_class(faults):
    files = {
        "policies/class.yaml": f"{HEAD}kind: TenantClass\nmetadata: {{name: own, owner: platform}}\nspec:\n"
        f'  extends: namespace\n  quotas:\n    memory: "{HALF_A_BYTE}"\n',
        "policies/shop.yaml": SHOP.replace("class: namespace", "class: own"),
    }
    found = faults(files)
    assert {fault["code"] for fault in found} == {"PHX713"}
    assert {_line(files, fault) for fault in found} == {f'policies/class.yaml: memory: "{HALF_A_BYTE}"'}
    assert [label["file"] for label in found[0]["secondary"]] == ["policies/shop.yaml"], "the choice of the class"


def test_a_quota_of_one_tenant_is_not_blamed_on_another(faults):
    quota = f'  quotas: {{memory: "{HALF_A_BYTE}"}}\n'
    cart = SHOP.replace("shop", "cart")
    files = {"policies/shop.yaml": SHOP + quota, "policies/cart.yaml": cart + "  # as above\n" + quota}
    found = faults(files)
    assert {(fault["primary"]["file"], fault["primary"]["line"]) for fault in found} == {
        ("policies/cart.yaml", 8),
        ("policies/shop.yaml", 7),
    }


def test_the_base_of_an_environment(faults):
    resources = '{cpuRequest: 200m, cpuLimit: "1", memoryRequest: "400000000.5", memoryLimit: 1Gi}'
    base = ENVIRONMENT.replace("name: main, owner", "name: base, owner").replace("spec:", "spec:\n  abstract: true")
    files = {
        "environments/base.yaml": f"{base}  gateway:\n    resources: {resources}\n",
        "environments/main.yaml": f"{HEAD}kind: Environment\nmetadata: {{name: main, owner: platform}}\n"
        "spec:\n  extends: base\n",
    }
    (fault,) = faults(files)
    assert (fault["code"], fault["primary"]["file"]) == ("PHX713", "environments/base.yaml")
    assert fault["primary"]["column"] == len("    resources: {") + resources.index('"400')


def test_a_template_of_the_users(faults):
    name = "tenancy/serviceaccount.yaml.j2"
    text = (templates_dir() / name).read_text().replace("{{ namespace | yaml }}", "shops")
    files = {f"templates/{name}": text}
    (fault,) = faults(files)
    assert (fault["code"], _line(files, fault)) == ("PHX741", f"templates/{name}: namespace: shops")
    assert fault["primary"]["text"] == "your template writes it"


def test_a_template_that_changes_nothing_is_not_to_blame(faults):
    name = "ingest/deployment.yaml.j2"
    line = "  patch: {spec: {minReadySeconds: soon}}"
    files = {
        f"templates/{name}": (templates_dir() / name).read_text(),
        "environments/main.yaml": ENVIRONMENT + _overrides("- target: {kind: Deployment, name: gateway}", line),
    }
    (fault,) = faults(files)
    assert (fault["code"], _line(files, fault)) == ("PHX705", f"environments/main.yaml: {line.strip()}")


def test_an_override_of_the_object_that_takes_part(faults):
    line = "  patch: {spec: {sourceRepos: [{$patch: replace}]}}"
    files = {
        "environments/main.yaml": ENVIRONMENT + _overrides("- target: {kind: AppProject, name: main-ingest}", line),
    }
    (fault,) = faults(files)
    assert (fault["code"], _line(files, fault)) == ("PHX748", f"environments/main.yaml: {line.strip()}")


def test_without_a_cause_in_the_repository_it_is_the_owner(faults):
    name = "tenancy/limitrange.yaml.j2"
    text = (
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: shop\n  namespace: {{ namespace | yaml }}\n"
        "  labels: {{ labels | yaml }}\nautomountServiceAccountToken: false\n"
    )
    found = faults({f"templates/{name}": text})
    (clash,) = [fault for fault in found if fault["code"] == "PHX620"]
    assert (clash["primary"]["file"], clash["primary"]["line"]) == ("policies/shop.yaml", 3)


def test_the_base_is_sound(tmp_path: Path, capsys):
    assert run(["validate", "-C", str(lay_out(CASES / "bad" / "PHX700-kind-not-checked", tmp_path / "r"))]) == 0
    capsys.readouterr()


def test_many_findings_of_one_cause_all_point_at_it(faults):
    """More of them than are traced; each is confirmed, so none falls back to the owner of its object."""
    tenants = {
        f"policies/t{i}.yaml": SHOP.replace("shop", f"t{i}").replace("class: namespace", "class: own")
        for i in range(15)
    }
    head = "kind: TenantClass\nmetadata: {name: own, owner: platform}\nspec:\n  extends: namespace\n"
    quota = f'{head}  quotas:\n    memory: "{HALF_A_BYTE}"\n'
    files = {"policies/class.yaml": HEAD + quota, **tenants}
    found = faults(files)
    assert len(found) == 30, "two values of each tenant, each with the line of its class"
    assert {_line(files, fault) for fault in found} == {f'policies/class.yaml: memory: "{HALF_A_BYTE}"'}
    assert {fault["secondary"][0]["file"] for fault in found} == set(tenants)
