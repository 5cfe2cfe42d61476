"""`phoenix import --check`: what was imported against what comes out, and nothing written."""

from __future__ import annotations

from pathlib import Path

import yaml

CASES = Path(__file__).resolve().parent.parent / "cases" / "import"
RULES = CASES / "rules.yaml"
ORIGINAL = Path(__file__).parents[1] / "unit/importing/original_collector.yaml"


def differences(said):
    return [line for line in said.err.splitlines() if "PHX827" in line]


def status(checkout):
    return checkout.git("status", "--short", "-uall")


def test_rules_that_come_out_as_they_were_are_said_so(checkout, tmp_path):
    text = RULES.read_text().replace("severity: page", "severity: critical")
    (tmp_path / "rules.yaml").write_text(text)
    before = status(checkout)
    said = checkout.phoenix("import", str(tmp_path / "rules.yaml"), "--check", "--format", "concise")
    assert status(checkout) == before
    # The one difference that is left was told: an alert without a summary gets its name as one.
    assert said.code == 1
    (only,) = differences(said)
    assert ":38:9: error[PHX827]: alert `CheckoutSlow` is not what comes out: `annotations" in only
    assert said.out.splitlines()[-1] == "6 rules, 0 objects and 0 pipelines were compared; 1 of them come out otherwise"
    document = yaml.safe_load(text)
    document["groups"][1]["rules"][2].setdefault("annotations", {})["summary"] = "Slow"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(document))
    again = checkout.phoenix("import", str(tmp_path / "rules.yaml"), "--check", "--format", "concise")
    assert (again.code, differences(again)) == (0, []), again.err
    assert again.out.splitlines()[-1].endswith("; none of them come out otherwise")


def test_a_file_that_changed_since_is_tried_as_an_edit_of_the_policy(checkout, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(ORDERS)
    assert checkout.phoenix("import", str(rules)).code == 0
    policy = (checkout.root / "policies/rules/orders.yaml").read_bytes()
    rules.write_text(ORDERS.replace("for: 10m", "for: 11m"))
    said = checkout.phoenix("import", str(rules), "--check", "--format", "concise")
    assert (said.code, differences(said)) == (0, []), said.err
    assert (checkout.root / "policies/rules/orders.yaml").read_bytes() == policy


ORDERS = """\
groups:
  - name: orders
    interval: 30s
    rules:
      - record: orders:placed:rate5m
        expr: sum by (region) (rate(orders_placed_total[5m]))
      - alert: OrdersStopped
        expr: orders:placed:rate5m == 0
        for: 10m
        labels: {severity: critical}
        annotations: {summary: 'Nobody orders'}
"""


def test_what_is_left_out_has_no_like(checkout, tmp_path):
    (tmp_path / "rules.yaml").write_text(ORDERS.replace("severity: critical", "severity: page"))
    said = checkout.phoenix("import", str(tmp_path / "rules.yaml"), "--check", "--format", "concise")
    assert said.code == 1
    (only,) = differences(said)
    assert "alert `OrdersStopped` is not what comes out: there is none" in only


def test_a_pipeline_that_nobody_runs_is_told_and_one_that_is_run_is_compared(checkout):
    ours = (
        ORIGINAL.read_text()
        .replace("metrics/pipeline_optimised", "metrics/optimized")
        .replace(", otlphttp/newrelic, otlphttp/other", "")
    )
    file = checkout.root / "collector.yaml"
    file.write_text(ours)
    said = checkout.phoenix("import", str(file), "--check", "--format", "concise")
    edge, optimized = differences(said)
    assert "pipeline `common-intake` is not what comes out: no environment runs it" in edge
    # Tags of the environment are ours; the roll-up keeps them.
    assert "pipeline `optimized` is not what comes out: `" in optimized


def test_objects_of_namespaces_are_compared_with_their_like(checkout, tmp_path):
    (tmp_path / "dump.yaml").write_text(DUMP)
    said = checkout.phoenix("import", str(tmp_path / "dump.yaml"), "--check", "--format", "concise")
    assert said.code == 1
    told = differences(said)
    assert len(told) == 2, said.err
    assert "ResourceQuota `compute` is not what comes out: " in told[0]
    assert "`spec.hard.services` is nothing instead of `10`" in told[0].replace('"10"', "10")
    assert "RoleBinding `devs` is not what comes out: " in told[1]


DUMP = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Namespace
    metadata: {name: orders}
  - apiVersion: v1
    kind: ResourceQuota
    metadata: {name: compute, namespace: orders}
    spec: {hard: {requests.cpu: "6", limits.cpu: "6", services: "10"}}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: devs, namespace: orders}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
    subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: orders-devs}]
"""


def test_check_and_print_exclude_each_other(checkout):
    said = checkout.phoenix("import", str(RULES), "--check", "--print")
    assert said.code == 2
    assert "--check and --print exclude each other" in said.err
