"""What is imported means, once compiled, what it meant: the same rules, and a list of all that is not the same."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

CASES = Path(__file__).resolve().parent.parent / "cases" / "import"
RULES = CASES / "rules.yaml"
FINDING = re.compile(r"^(warning|error)\[(PHX[0-9]+)\]: (.*)\n *--> (?:[^\n]*/)?([^/\n]+:[0-9]+:[0-9]+)$", re.MULTILINE)


def findings(said):
    """(code, message, place) of each finding."""
    return [(code, message, place) for _, code, message, place in FINDING.findall(said.err)]


def written(checkout):
    """The new policy files."""
    return sorted(line[3:] for line in checkout.git("status", "--short", "-uall").splitlines() if line.startswith("??"))


def objects(checkout, kind):
    for content in checkout.tree().values():
        document = yaml.safe_load(content)
        if isinstance(document, dict) and document.get("kind") == kind:
            yield document


def facts(groups, *, interval=""):
    """What groups say, whatever they are called: every rule with what it is evaluated by."""
    return sorted(
        (
            rule.get("record", ""),
            rule.get("alert", ""),
            "\n".join(line.rstrip() for line in rule["expr"].strip().splitlines()),
            rule.get("for", "0s"),
            rule.get("keep_firing_for", "0s"),
            sorted({k: str(v) for k, v in {**group.get("labels", {}), **rule.get("labels", {})}.items()}.items()),
            sorted(rule.get("annotations", {}).items()),
            group.get("interval", interval),
        )
        for group in groups
        for rule in group["rules"]
    )


def compiled_rules(checkout, prefix="ruleset-"):
    assert checkout.phoenix("compile").code == 0
    groups = [group for rule in objects(checkout, "PrometheusRule") for group in rule["spec"]["groups"]]
    return [group for group in groups if group["name"].startswith(prefix)]


def test_imported_rules_compile_to_what_they_were(checkout):
    said = checkout.phoenix("import", str(RULES), "--severity", "page=critical")
    assert said.code == 0, said.err
    assert findings(said) == [
        ("PHX822", "alert `CheckoutOrdersFail` has severity `critical` instead of `page`", "rules.yaml:19:9"),
        ("PHX822", "alert `CheckoutSlow` has no annotation `summary` and gets its name as one", "rules.yaml:38:9"),
    ]
    assert said.out.splitlines()[-1] == "4 policies written; 2 findings say what is not as it was"
    files = ["checkout-alerts-2", "checkout-alerts", "checkout-rules"]
    assert written(checkout) == ["policies/metrics/imported.yaml", *(f"policies/rules/{name}.yaml" for name in files)]
    # The two differences that were told are all there are.
    groups = yaml.safe_load(RULES.read_text())["groups"]
    groups[1]["rules"][0]["labels"]["severity"] = "critical"
    groups[1]["rules"][2]["annotations"]["summary"] = "CheckoutSlow"
    assert facts(compiled_rules(checkout)) == facts(groups, interval="30s")
    assert len(facts(groups)) == 6


def test_rules_of_a_tenant_see_its_series_only(checkout):
    said = checkout.phoenix("import", str(RULES), "--severity", "page=critical", "--tenant", "example")
    assert said.code == 0, said.err
    assert {str(Path(file).parent) for file in written(checkout)} == {
        "policies/tenants/example/metrics",
        "policies/tenants/example/rules",
    }
    rules = [rule for group in compiled_rules(checkout) for rule in group["rules"]]
    assert {rule["labels"]["tenant_id"] for rule in rules} == {"example"}
    assert all('tenant_id="example"' in rule["expr"] for rule in rules)
    # Besides that label they are what they were.
    for rule in rules:
        rule["expr"] = re.sub(r'tenant_id="example"(, )?|\{tenant_id="example"\}', "", rule["expr"]).replace("{}", "")
        del rule["labels"]["tenant_id"]
    assert [rule["expr"] for rule in rules if rule.get("record") == "checkout:orders:rate5m"] == [
        "sum by (region) (rate(checkout_orders_total[5m]))"
    ]


def test_what_rules_cannot_carry_is_listed_with_its_place_and_reason(checkout):
    said = checkout.phoenix("import", str(CASES / "rules-left.yaml"))
    assert said.code == 0, said.err
    assert findings(said) == [
        ("PHX822", "`limit` of group `search` is not carried over; its rules are", "rules-left.yaml:8:14"),
        (
            "PHX821",
            "record `slo:search:ratio` is not carried over: `slo:search:ratio` begins with `slo:`, which only the "
            "compiler records (PHX660)",
            "rules-left.yaml:10:11",
        ),
        (
            "PHX821",
            "alert `Search is down` is not carried over: a RuleSet's alerts have names of letters, digits and `_`",
            "rules-left.yaml:12:11",
        ),
        (
            "PHX821",
            "alert `SearchBroken` is not carried over: not PromQL: unclosed left parenthesis (PHX652)",
            "rules-left.yaml:15:11",
        ),
        (
            "PHX821",
            "alert `SearchQueueGrows` is not carried over: `delta()` is for gauges, `search_queue_length_total` is a "
            "counter (PHX654)",
            "rules-left.yaml:19:11",
        ),
        ("PHX821", "alert `SearchNoisy` is not carried over: its severity is `none`", "rules-left.yaml:23:11"),
        (
            "PHX821",
            "alert `SearchRouted` is not carried over: of its label `route`, `to {{ $labels.team }}`, it is a template",
            "rules-left.yaml:27:11",
        ),
        (
            "PHX821",
            "group `logs` is not carried over: `type` changes what its expressions read",
            "rules-left.yaml:35:7",
        ),
    ]
    assert [rule["alert"] for group in compiled_rules(checkout) for rule in group["rules"]] == ["SearchQueueLong"]
    catalog = (checkout.root / "policies/metrics/imported.yaml").read_text()
    assert "# search_queue: gauge, since nothing tells otherwise" in catalog
    # What only refused rules read need not be declared.
    assert [m["name"] for m in yaml.safe_load(catalog)["spec"]["metrics"]] == ["search_queue"]


def test_print_writes_nothing(checkout):
    said = checkout.phoenix("import", str(RULES), "--severity", "page=critical", "--print")
    assert (said.code, written(checkout)) == (0, [])
    kinds = [
        document["kind"]
        for document in yaml.safe_load_all(said.out.replace("# policies/", "---\n# policies/"))
        if document
    ]
    assert kinds == ["RuleSet", "RuleSet", "RuleSet", "MetricCatalog"]


def test_an_import_overwrites_nothing_and_then_writes_nothing(checkout):
    assert checkout.phoenix("import", str(RULES), "--severity", "page=critical").code == 0
    before = {file: (checkout.root / file).read_bytes() for file in written(checkout)}
    (checkout.root / "policies/rules/checkout-alerts.yaml").unlink()
    again = checkout.phoenix("import", str(RULES), "--severity", "page=critical")
    assert again.code == 1
    assert "`policies/rules/checkout-rules.yaml` exists, and an import overwrites nothing" in again.err
    assert "PHX823" in again.err
    after = {file: (checkout.root / file).read_bytes() for file in written(checkout)}
    assert after == {k: v for k, v in before.items() if k != "policies/rules/checkout-alerts.yaml"}
    elsewhere = checkout.phoenix("import", str(RULES), "--severity", "page=critical", "--to", "policies/new")
    # The folder is another, the names are not: two RuleSets of one name are refused by the compiler.
    assert (elsewhere.code, "PHX301" in elsewhere.err) == (1, True), elsewhere.err
    assert not (checkout.root / "policies/new").exists()


def test_a_repository_with_faults_of_its_own_is_not_written_to(checkout):
    checkout.replace("policies/tenants/example/tenant.yaml", "class: ", "clas: ")
    said = checkout.phoenix("import", str(RULES), "--severity", "page=critical")
    assert said.code == 1
    assert "PHX202" in said.err
    assert written(checkout) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2\nb: 3\n", ("PHX820", "not YAML: did not find expected ',' or ']'", "rules.yaml:2:2")),
        (
            "groups:\n  - name: {{ .Values.x }}\n",
            ("PHX820", "key is not text but a mapping or list", "rules.yaml:2:12"),
        ),
        ("a: &x 1\nb: *x\n", ("PHX820", "alias `*x` is not read", "rules.yaml:2:4")),
        ("a: 1\na: 2\n", ("PHX820", "duplicate key `a`", "rules.yaml:2:1")),
        ("a: !!int 1\n", ("PHX820", "tag `tag:yaml.org,2002:int` is not read", "rules.yaml:1:4")),
        ("[" * 70, ("PHX820", "nested more than 60 levels deep", "rules.yaml:1:61")),
        ('a: "\\x00"\n', ("PHX820", "value holds the character U+0000", "rules.yaml:1:4")),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(checkout, tmp_path, text, expected):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    said = checkout.phoenix("import", str(path))
    assert (said.code, findings(said), written(checkout)) == (1, [expected], [])


def test_nothing_to_import_is_an_error(checkout, monkeypatch):
    text = b"kind: Secret\nmetadata: {name: keys}\n---\nfoo: 1\n---\n- a\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    said = checkout.phoenix("import", "-")
    assert said.code == 1
    assert findings(said) == [
        ("PHX821", "Secret `keys` is not carried over: this kind is not imported", "<stdin>:1:1"),
        ("PHX821", "a document is not carried over: it has neither `kind` nor `groups`", "<stdin>:4:1"),
        ("PHX821", "a document is not carried over: it has neither `kind` nor `groups`", "<stdin>:6:1"),
    ]
    assert "error[PHX824]: there is nothing here that can be imported" in said.err
