"""A reviewer's view of a change, from a real repository: what it means, what fails it, whom it asks."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import TENANT

RULES = """\
  review:
    codeOwner: "@example/{owner}"
    approvals:
      - {kinds: [Tenant], fields: [spec.quotas.*], raisedBy: 0.5, owners: [team-money]}
      - {paths: [policies/guardrails/**], owners: [team-security]}
"""


@pytest.fixture
def reviewed(checkout):
    """The checkout with rules of review, compiled and committed."""
    (checkout.root / "phoenix.yaml").write_text((checkout.root / "phoenix.yaml").read_text() + RULES)
    assert checkout.phoenix("compile").code == 0
    checkout.commit("rules")
    return checkout


def test_a_raised_quota_says_its_sum_and_asks_who_pays(reviewed):
    reviewed.replace(TENANT, 'cpu: "4"', 'cpu: "8"')
    said = reviewed.phoenix("diff", "--approvers")
    assert said.code == 0
    assert (
        "quotas\n"
        "  ~ tenant `example`: limits.cpu, requests.cpu 4 -> 8 (+100 %)\n"
        "      in main/main/example: sum of the cluster 4 -> 8\n"
    ) in said.out
    assert (
        "needs the approval of\n"
        "  team-example\n"
        "      owns Tenant `example`, which is changed\n"
        "  team-money\n"
        "      `spec.quotas.cpu` of Tenant `example` is raised from 4 to 8 (+100 %)\n"
    ) in said.out
    assert "approval" not in reviewed.phoenix("diff").out


def test_a_pull_request_does_not_take_the_rules_away_that_guard_it(reviewed):
    reviewed.replace(TENANT, 'cpu: "4"', 'cpu: "8"')
    reviewed.replace("phoenix.yaml", "owners: [team-money]", "owners: [team-example]")
    data = json.loads(reviewed.phoenix("diff", "--approvers", "--format", "json").out)
    assert [one["owner"] for one in data["approvers"]] == ["platform-team", "team-example", "team-money"]


def test_files_that_are_no_policies_have_approvers_too(reviewed):
    folder = reviewed.root / "policies/guardrails"
    folder.mkdir()
    (folder / "none.cue").write_text("package guardrails\n")
    (folder / "none.cue").unlink()
    (folder / "README.md").write_text("rules\n")
    said = reviewed.phoenix("diff", "--approvers")
    assert "  team-security\n      `policies/guardrails/README.md` differs\n" in said.out


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("viewers: [example-devs]", "viewers: [example-devs, auditors]", {"access": "access (1)"}),
        ("class: namespace", "class: shared", {"access": "access (1)"}),
        ("pods: 40", "pods: 41", {}),
    ],
)
def test_what_a_change_may_not_be_fails_it(reviewed, old, new, what):
    reviewed.replace(TENANT, old, new)
    for fatal in ("destructive", "restart", "access"):
        # A move of class in one step is an error of its own; here it is the effects that count.
        said = reviewed.phoenix("diff", "--fail-on", fatal, "--remove", "example")
        expected = what.get(fatal)
        assert said.code == (1 if expected else 0), said.out
        assert said.err == (f"the change is {expected} (--fail-on)\n" if expected else "")


def test_a_retired_tenant_keeps_its_namespace_and_a_removed_one_is_destructive(reviewed):
    reviewed.replace(TENANT, "spec:\n", "spec:\n  state: retired\n")
    said = reviewed.phoenix("diff", "--fail-on", "destructive")
    assert said.code == 0
    assert "- Deployment `tenant-gateway` goes\n      in main/main/example: 1 pod" in said.out
    assert "metrics and labels" not in said.out
    (reviewed.root / TENANT).unlink()
    said = reviewed.phoenix("diff", "--fail-on", "destructive", "--fail-on", "destructive", "--remove", "example")
    assert said.code == 1
    # The last tenant takes along what Argo CD applied it by.
    assert said.err.endswith("the change is destructive (3) (--fail-on)\n")
    deleted = said.out.partition("deletes\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split(" in ")[0] for line in deleted] == [
        "  ! AppProject `main-tenancy`",
        "  ! Application `main-main-tenancy`",
        "  ! Namespace `example`",
    ]


def test_leaving_the_namespace_class_opens_the_namespace(reviewed):
    reviewed.replace(TENANT, "class: namespace", "class: shared")
    said = reviewed.phoenix("diff").out
    assert "! all pods: no policy limits ingress and egress any more\n      in main/main/example\n" in said


def test_owners_are_written_and_held(reviewed):
    assert reviewed.phoenix("owners", "--check").code == 1
    assert reviewed.phoenix("owners").out == "written: .github/CODEOWNERS\n"
    assert reviewed.phoenix("owners", "--check").out == ".github/CODEOWNERS is up to date\n"
    text = (reviewed.root / ".github/CODEOWNERS").read_text()
    assert f"\n/{TENANT} @example/team-example\n" in text
    assert "\n* @example/platform-team\n/policies/guardrails/ @example/team-security\n" in text
    reviewed.replace(TENANT, "owner: team-example", "owner: team-cart")
    stale = reviewed.phoenix("owners", "--check")
    assert (stale.code, stale.out) == (1, "out of date: .github/CODEOWNERS; write it with `phoenix owners`\n")


def test_a_comment_has_the_marker_and_dangers_before_fields(reviewed):
    reviewed.replace(TENANT, "class: namespace", "class: shared")
    report = reviewed.phoenix("diff", "--format", "markdown", "--approvers").out
    assert report.startswith("<!-- phoenix diff -->\n**")
    order = ["> [!WARNING]", "no policy limits ingress", "Needs the approval of", "| environment |", "<summary>pods"]
    places = [report.index(part) for part in order]
    assert places == sorted(places)
    assert report.index("<summary>quotas") < report.index("NetworkPolicy <code>")


CATALOG = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: MetricCatalog
metadata: {name: example-http, owner: team-example}
spec:
  tenant: example
  metrics:
    - {name: example_requests_total, type: counter, labels: {route: {max: 9}, status: {max: 9}}}
"""
RULE_SET = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: RuleSet
metadata: {name: example-http, owner: team-example}
spec:
  tenant: example
  alerts:
    - alert: ExampleFailing
      expr: sum by (route) (rate(example_requests_total[5m])) > 5
      severity: warning
      summary: example fails
"""


@pytest.mark.parametrize("mode", ["tree", "branch"])
def test_a_label_that_vanishes_names_its_reader_and_fails_who_wants_that(reviewed, mode):
    folder = reviewed.root / "policies/tenants/example"
    (folder / "catalog.yaml").write_text(CATALOG)
    (folder / "rules.yaml").write_text(RULE_SET)
    reviewed.replace("phoenix.yaml", "mode: tree", f"mode: {mode}")
    assert reviewed.phoenix("compile").code == 0
    reviewed.commit("a rule")
    assert "metrics and labels" not in reviewed.phoenix("diff", "--fail-on", "labels").out
    reviewed.replace("policies/tenants/example/catalog.yaml", "route: {max: 9}, ", "")
    reviewed.replace("policies/tenants/example/rules.yaml", "sum by (route)", "sum by (status)")
    said = reviewed.phoenix("diff", "--fail-on", "labels", "--fail-on", "access")
    assert (said.code, said.err) == (1, "the change is a loss of metrics or labels (1) (--fail-on)\n")
    # The rule changes along: what is left unknown is who reads the label elsewhere.
    assert (
        "metrics and labels (who reads them outside of this repository, as dashboards do, is not known here)\n"
        "  - label `route` goes from metric `example_requests_total` (MetricCatalog/example-http); "
        "1 rule that read it change or go: alert `ExampleFailing` of RuleSet `example-http`\n      in main\n"
    ) in said.out
    data = json.loads(reviewed.phoenix("diff", "--format", "json").out)
    assert [one["sign"] for one in data["effects"] if one["vanishes"]] == ["-"]
    report = reviewed.phoenix("diff", "--format", "markdown").out
    assert "<summary>metrics and labels: 1 -</summary>\n\n_who reads them outside" in report


def test_an_empty_change_says_so_in_every_form(reviewed):
    assert reviewed.phoenix("diff").out == "nothing changes in meaning\n"
    assert reviewed.phoenix("diff", "--format", "markdown").out == (
        "<!-- phoenix diff -->\n**nothing changes in meaning**\n"
    )
    data = json.loads(reviewed.phoenix("diff", "--format", "json").out)
    assert (data["effects"], data["groups"], data["summary"]["changed"]) == ([], [], 0)
