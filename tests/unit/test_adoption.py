"""Beside what exists: how much of each component is compiled, what others run, names that cannot change."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from phoenix_gitops.__main__ import run
from phoenix_gitops.artifact import Unit
from phoenix_gitops.cli.session import stages
from phoenix_gitops.emit import summarise
from phoenix_gitops.front import run_front
from phoenix_gitops.model.naming import Names, ObjectNames
from phoenix_gitops.provenance import influence

CASE = Path(__file__).parents[1] / "cases" / "good" / "brownfield"
LIVE = "environments/live.yaml"


@pytest.fixture
def root(tmp_path):
    shutil.copytree(CASE, tmp_path / "r", ignore=shutil.ignore_patterns("expected"))
    return tmp_path / "r"


def compiled(root, *arguments):
    assert run(["compile", "-q", "-C", str(root), *arguments]) == 0
    generated = root / "generated"
    return {
        path.relative_to(generated).as_posix(): yaml.safe_load(path.read_text())
        for path in generated.rglob("*.yaml")
        if "_proof" not in path.parts
    }


def change(root, file, before, after):
    text = (root / file).read_text()
    assert before in text
    (root / file).write_text(text.replace(before, after))


def git(root, *arguments):
    subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True)


def commit(root):
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "state")


def diff(root, capsys, *arguments):
    """Exit code and what it says, on both streams."""
    capsys.readouterr()
    code = run(["diff", "-C", str(root), "-e", "live", *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


# --- how much is compiled -------------------------------------------------------------------------------------------


def test_what_is_only_configured_brings_no_workload_namespace_right_or_wall(root):
    lab = {path: body for path, body in compiled(root).items() if path.startswith("lab/")}
    assert {body["kind"] for body in lab.values()} == {"ConfigMap", "PodMonitor", "PrometheusRule"}
    config = lab["lab/lab/ingest/obs-collectors/configmap-otel-gateway-cm.yaml"]
    assert "immutable" not in config
    assert list(config["data"]) == ["relay"]


def test_the_config_for_others_is_the_one_that_we_would_run(root):
    foreign = compiled(root)["lab/lab/ingest/obs-collectors/configmap-otel-gateway-cm.yaml"]["data"]["relay"]
    change(root, "environments/lab.yaml", "ingest: {manage: config}", "ingest: {manage: full}")
    own = compiled(root)["lab/lab/ingest/obs-collectors/configmap-otel-gateway.yaml"]["data"]["config.yaml"]
    assert foreign == own


def test_a_name_of_a_config_for_others_stays_when_the_config_changes(root):
    path = "lab/lab/ingest/obs-collectors/configmap-otel-gateway-cm.yaml"
    before = compiled(root)[path]
    larger = "{cpuRequest: '1', memoryRequest: 2Gi, cpuLimit: '1', memoryLimit: 2Gi}"
    change(root, "environments/lab.yaml", "  components:", f"  gateway: {{resources: {larger}}}\n  components:")
    after = compiled(root)[path]
    assert before["metadata"] == after["metadata"]
    assert before["data"] != after["data"]


def test_what_is_none_is_no_folder_no_application_and_no_project(root):
    before = compiled(root)
    assert any("/tenancy/" in path for path in before if path.startswith("live/"))
    change(root, "environments/live.yaml", "  pipelines:", "  components: {rules: {manage: none}}\n  pipelines:")
    after = compiled(root)
    gone = before.keys() - after.keys()
    assert gone == {
        *(path for path in before if path.startswith("live/live/rules/")),
        "live/management/gitops/argocd/application-obs-rules-live-live.yaml",
        "live/management/gitops/argocd/appproject-live-rules.yaml",
    }


def test_kept_components_do_not_go_with_their_application(root):
    path = "live/management/gitops/argocd/application-obs-rules-live-live.yaml"
    assert compiled(root)[path]["metadata"]["finalizers"]
    change(root, "environments/live.yaml", "  pipelines:", "  sync: {keep: [rules]}\n  pipelines:")
    kept = compiled(root)[path]
    assert "finalizers" not in kept["metadata"]
    assert kept["spec"]["syncPolicy"]["automated"]["prune"] is False


def test_the_contract_says_what_others_owe(root, capsys):
    assert run(["show", "contract", "-C", str(root), "--format", "json"]) == 0
    terms = {(t["of"], t["what"], t["value"]) for t in json.loads(capsys.readouterr().out)["terms"]}
    gateway, agent = "Deployment obs-collectors/otel-gateway", "DaemonSet obs-node-agents/otel-agent"
    assert {
        ("Application of rules", "applies", "generated/lab/lab/rules, with its subfolders, server-side"),
        ("Namespace cart", "bears", "policy.phoenix.io/tenant=cart, policy.phoenix.io/state=active"),
        ("Namespace monitoring-rules", "is", "there before the rules"),
        (gateway, "reads", "ConfigMap otel-gateway-cm, key relay; starts anew with it"),
        (gateway, "is selected by", "app=otel-gateway, team=observability"),
        (gateway, "is reached by", "Service otel-gateway on 4317, 4318"),
        (gateway, "may", "get, list, watch namespaces, pods"),
        (agent, "mounts", "/ of the node at /hostfs, read-only"),
        (agent, "sees", "the node's processes (hostPID)"),
        (agent, "has", "K8S_NODE_NAME from spec.nodeName"),
    } <= terms
    assert {of.split()[0] for of, _, _ in terms} == {"Application", "DaemonSet", "Deployment", "Namespace"}
    assert run(["show", "contract", "-C", str(root), "-e", "live", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["terms"] == [], "all of it is compiled"


# --- handing over ---------------------------------------------------------------------------------------------------


def test_a_component_is_handed_over_in_two_steps(root, capsys):
    commit(root)
    give_up = ("  pipelines: [full", "  components: {ingest: {manage: config}}\n  pipelines: [full")
    change(root, LIVE, *give_up)
    code, said = diff(root, capsys, "HEAD", "--fail-on", "destructive")
    assert code == 1
    assert "error[PHX533]: component `ingest` of environment `live` goes from `full` to `config`" in said
    assert "publish `sync: {keep: [ingest]}` first" in said
    assert "the change is destructive" in said
    code, said = diff(root, capsys, "HEAD", "--remove", "ingest")
    assert (code, "PHX533" in said) == (0, False)
    change(root, LIVE, *reversed(give_up))
    change(root, LIVE, "  pipelines: [full", "  sync: {keep: [ingest]}\n  pipelines: [full")
    assert diff(root, capsys, "HEAD")[0] == 0
    commit(root)
    change(root, LIVE, *give_up)
    code, said = diff(root, capsys, "HEAD")
    assert (code, "PHX533" in said) == (0, False)


def test_more_of_a_component_is_no_loss(root, capsys):
    commit(root)
    change(root, "environments/lab.yaml", "ingest: {manage: config}", "ingest: {manage: full}")
    capsys.readouterr()
    assert run(["diff", "-C", str(root), "HEAD"]) == 0


# --- conventions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("nameKey: app,", "nameKey: application,", "must be replaced"),
        ("gateway: otel-gateway", "gateway: otel-gw", "otel-gateway"),
        ('gatewayNamespace: "{prefix}-collectors"', "gatewayNamespace: elsewhere", "obs-collectors"),
        ("rulesNamespace: monitoring-rules", "rulesNamespace: elsewhere", "monitoring-rules"),
    ],
)
def test_a_convention_that_changes_later_is_destructive(root, capsys, before, after, told):
    commit(root)
    change(root, "phoenix.yaml", before, after)
    code, said = diff(root, capsys, "HEAD", "--fail-on", "destructive")
    assert code == 1
    assert "the change is destructive" in said
    assert told in said


def test_selectors_and_peers_agree_whatever_the_label_is_called(root):
    objects = compiled(root).values()
    deployment = next(o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == "otel-gateway")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selector = {"app": "otel-gateway", "team": "observability"}
    assert deployment["spec"]["selector"]["matchLabels"] == selector
    assert selector.items() <= labels.items()
    services = [o for o in objects if o["kind"] == "Service" and o["metadata"]["namespace"] == "obs-collectors"]
    assert [s["spec"]["selector"] for s in services] == [selector, selector]
    text = str([o for o in objects if o["kind"] in ("NetworkPolicy", "PodMonitor")])
    # Prometheus' own label is a fact of the cluster, not a convention of ours.
    assert "app.kubernetes.io/name': 'prometheus'" in text
    assert "app.kubernetes.io/name': 'gateway'" not in text


def test_alerts_bear_the_labels_of_routes_and_keep_their_own(root):
    rules = compiled(root)["live/live/rules/monitoring-rules/prometheusrule-platform-alerts.yaml"]
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert alerts
    for alert in alerts:
        assert {"env": "live", "k8s_cluster": "live", "team": "observability"}.items() <= alert["labels"].items()
        assert alert["labels"]["component"] == "phoenix"


def test_names_of_our_own_are_short_and_yours_are_what_you_say():
    yours = ObjectNames(application="a-{environment}-{cluster}-{component}")
    assert Names(yours, "p", "e" * 40).application("c" * 40, "ingest") == f"a-{'e' * 40}-{'c' * 40}-ingest"
    assert len(Names(ObjectNames(), "p", "e" * 40).application("c" * 40, "ingest")) == 53
    assert Names(ObjectNames(gateway="gw"), "p", "e").gateway_headless == "gw-headless"


# --- every field counts ---------------------------------------------------------------------------------------------

NOTHING = {
    "conventions.names.config": "moves what others run, in `lab`",
    "conventions.names.configKey": "moves what others run, in `lab`",
    # Without `namespace` they are refused (PHX534); those of the store show that they count.
    "external.broker.podLabels": "has no namespace here",
    "external.broker.podPort": "has no namespace here",
    # A second destination is refused (PHX508).
    **dict.fromkeys((f"export.{i}.{kind}" for i in range(3) for kind in ("kafka", "metricsStore")), "has another"),
}


def moved(environment, cluster):
    front = run_front(CASE)
    (stage,) = stages(front, [environment])[0]
    outputs = {unit: stage.emit_unit(unit) for unit in stage.units()}
    summary = summarise(outputs.values())
    units = [Unit(environment, cluster, part) for part in ("ingest", "rules")]
    units.append(Unit(environment, "management", "gitops"))
    found: set[str] = set()
    tried: set[str] = set()
    for unit in units:
        output = outputs.get(unit) or stage.emit_unit(unit, summary)
        keys = [("Platform", "brownfield"), ("Environment", environment), ("Pipeline", "stored")]
        known = influence(stage, front.policies, output, summary, keys)
        tried |= {".".join(map(str, field.path)) for field in known.fields}
        found |= {".".join(map(str, field.path)) for fields in known.moves.values() for field in fields}
    return tried, found


def test_every_field_of_what_others_run_changes_the_output():
    tried, found = moved("live", "live")
    wanted = {path for path in tried if path.startswith(("spec.external.", "spec.conventions."))}
    wanted |= {path for path in tried if "metricsStore" in path or "kafka" in path}
    assert len(wanted) > 40
    assert sorted({path.removeprefix("spec.") for path in wanted - found} - set(NOTHING)) == []
    for part in ("podLabels", "podPort"):
        assert any(path.startswith(f"spec.external.metricsStore.{part}") for path in found)
    assert {"spec.conventions.names.config", "spec.conventions.names.configKey"} <= moved("lab", "lab")[1]


# --- a part of the product ------------------------------------------------------------------------------------------


def test_only_rules_and_collectors(root, capsys):
    before = compiled(root, "--only", "rules,collectors")
    assert {path.split("/")[2] for path in before} == {"ingest", "rules"}
    assert run(["compile", "-q", "-C", str(root), "--only", "rules,collectors", "--check"]) == 0
    capsys.readouterr()
    assert run(["compile", "-C", str(root), "--check"]) == 1
    assert len(compiled(root)) > len(before)
    assert compiled(root, "--only", "rules,collectors").keys() > before.keys(), "files of others stay"


@pytest.mark.parametrize(
    ("word", "told"), [("colectors", "did you mean 'collectors'?"), ("quux", "there are: gitops, tenancy")]
)
def test_a_component_that_is_not_there(root, capsys, word, told):
    assert run(["compile", "-C", str(root), "--only", word]) == 2
    assert told in capsys.readouterr().err
