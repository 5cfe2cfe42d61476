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
    declared = yaml.safe_load((checkout.root / "policies/metrics/imported.yaml").read_text())["spec"]["metrics"]
    assert declared == [
        {"name": "checkout_latency_seconds", "type": "histogram", "labels": {"region": {}}},
        {"name": "checkout_orders_total", "type": "counter", "labels": {"outcome": {}, "region": {}}},
    ]
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
    errors = re.findall(r"^error\[(.*)\]: (.*)$", said.err, re.MULTILINE)
    assert errors == [("PHX824", "there is nothing here that can be imported")]


NAMESPACES = CASES / "namespaces.yaml"
KIND = {"ResourceQuota": "resourcequota-tenant", "LimitRange": "limitrange-tenant"}


def items():
    return yaml.safe_load(NAMESPACES.read_text())["items"]


def spec_of(kind, namespace):
    (found,) = [o for o in items() if o["kind"] == kind and o["metadata"].get("namespace") == namespace]
    return found["spec"]


def compiled_spec(checkout, kind, namespace, name):
    found = [
        o
        for o in objects(checkout, kind)
        if (o["metadata"].get("namespace"), o["metadata"]["name"]) == (namespace, name)
    ]
    assert len(found) == 1, (kind, namespace, name)
    return found[0]["spec"] if "spec" in found[0] else found[0]


def test_imported_namespaces_compile_to_the_bounds_that_they_had(checkout):
    said = checkout.phoenix("import", str(NAMESPACES))
    assert said.code == 0, said.err
    assert written(checkout) == [
        "policies/tenant-classes/imported.yaml",
        *(f"policies/tenants/{name}/tenant.yaml" for name in ("billing", "scratch", "shop")),
    ]
    assert checkout.phoenix("compile").code == 0
    # What the findings name is taken out of what was imported: then the two are the same.
    billing, shop = spec_of("ResourceQuota", "billing"), spec_of("ResourceQuota", "shop")
    del billing["hard"]["services.loadbalancers"]
    billing["hard"]["limits.cpu"] = "6"
    shop["hard"]["requests.cpu"] = shop["hard"].pop("cpu")
    assert compiled_spec(checkout, "ResourceQuota", "billing", "tenant") == billing
    assert compiled_spec(checkout, "ResourceQuota", "shop", "tenant") == shop
    limits = spec_of("LimitRange", "billing")
    del limits["limits"][1], limits["limits"][0]["max"]
    assert compiled_spec(checkout, "LimitRange", "billing", "tenant") == limits
    assert compiled_spec(checkout, "LimitRange", "shop", "tenant") == spec_of("LimitRange", "shop")
    assert compiled_spec(checkout, "NetworkPolicy", "billing", "default-deny") == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    edges = compiled_spec(checkout, "NetworkPolicy", "billing", "allow-declared")
    only = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in ("billing", "shop")
    ]
    assert [rule["from"] for rule in edges["ingress"][:2]] == [only[:1], only[1:]]
    assert {"ports": [{"port": 443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]} in edges[
        "egress"
    ]
    groups = {
        o["metadata"]["name"]: [subject["name"] for subject in o["subjects"]]
        for o in objects(checkout, "RoleBinding")
        if o["metadata"]["namespace"] == "billing"
    }
    assert groups == {"tenant-viewer": ["auditors", "billing-devs"], "tenant-editor": ["billing-devs"]}
    levels = {
        o["metadata"]["name"]: o["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for o in objects(checkout, "Namespace")
    }
    assert (levels["billing"], levels["shop"], levels["scratch"]) == ("baseline", "restricted", None)


def test_what_tenants_cannot_carry_is_listed_with_its_place_and_reason(checkout):
    found = [
        (code, place.removeprefix("namespaces.yaml:"), message)
        for code, message, place in findings(checkout.phoenix("import", str(NAMESPACES), "--print"))
    ]
    lost = " is not carried over: "
    assert found == [
        ("PHX821", "4:5", f"Namespace `kube-system` with what is in it{lost}it is no tenant's"),
        ("PHX822", "15:5", "egress of namespace `shop` is open, and is denied but for declared edges"),
        ("PHX822", "15:5", "ingress of namespace `shop` is open, and is denied but for declared edges"),
        (
            "PHX821",
            "35:33",
            f"`services.loadbalancers: 1` of ResourceQuota `compute` of `billing`{lost}a Tenant has no such quota",
        ),
        ("PHX821", "54:16", f"`max` of LimitRange `defaults` of `billing`{lost}a TenantClass has no such limit"),
        (
            "PHX821",
            "55:11",
            f"the item for `PersistentVolumeClaim` of LimitRange `defaults` of `billing`{lost}a TenantClass has one, "
            "`Container`",
        ),
        (
            "PHX821",
            "83:15",
            f"a peer of NetworkPolicy `edges` of `billing`{lost}it names no namespaces by the label "
            "`kubernetes.io/metadata.name`",
        ),
        (
            "PHX821",
            "99:15",
            f"a peer of NetworkPolicy `edges` of `billing`{lost}an egress of a Tenant has a number of a TCP port",
        ),
        ("PHX821", "100:5", f"NetworkPolicy `web` of `shop`{lost}it is for some pods only"),
        ("PHX822", "114:9", "group `auditors` gets Role `tenant-viewer` in `billing` instead of ClusterRole `view`"),
        (
            "PHX822",
            "120:9",
            "group `billing-devs` gets Role `tenant-editor` in `billing` instead of ClusterRole `edit`",
        ),
        (
            "PHX821",
            "121:9",
            f"User `jo@example.com` in RoleBinding `writers` of `billing`{lost}only groups of the identity provider "
            "have rights in a Tenant",
        ),
        (
            "PHX821",
            "122:5",
            f"RoleBinding `owners` of `billing`{lost}ClusterRole `admin` is neither `view` nor `edit`",
        ),
    ]


def test_what_we_compiled_comes_back_as_it_was(checkout):
    """Objects of the tenancy component, as a cluster would show them, lead to the very same objects."""
    assert checkout.phoenix("compile").code == 0
    kinds = {"Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "RoleBinding"}
    tenancy = {name: body for name, body in checkout.tree().items() if "/tenancy/" in name and "/example/" in name}
    tenancy |= {name: body for name, body in checkout.tree().items() if name.endswith("namespace-example.yaml")}
    documents = [yaml.safe_load(body) for body in tenancy.values()]
    dump = checkout.root.parent / "dump.yaml"
    dump.write_text(yaml.safe_dump_all([document for document in documents if document["kind"] in kinds]))
    (checkout.root / "policies/tenants/example/tenant.yaml").unlink()
    said = checkout.phoenix("import", str(dump), "--owner", "team-example")
    assert (said.code, findings(said)) == (0, []), said.err
    assert checkout.phoenix("compile", "--force").code == 0
    again = checkout.tree()
    assert {name: again.get(name) for name in tenancy} == tenancy
    assert len(tenancy) >= 9


def test_a_namespace_that_the_compiler_refuses_holds_nothing_up(checkout, tmp_path):
    small = NAMESPACES.read_text().replace('cpu: "4"', "cpu: 100m")
    small = small.replace("cpu: 500m, memory: 512Mi", "cpu: 400m, memory: 512Mi")
    (tmp_path / "dump.yaml").write_text(small.replace("name: scratch", "name: argocd"))
    said = checkout.phoenix("import", str(tmp_path / "dump.yaml"))
    assert said.code == 0, said.err
    assert written(checkout) == ["policies/tenant-classes/imported.yaml", "policies/tenants/billing/tenant.yaml"]
    assert "Namespace `argocd` with what is in it is not carried over: it is no tenant's" in said.err
    assert "Tenant `shop` is not carried over: the cpu quota `100m` of tenant `shop` holds less than" in said.err
    # The edge from it goes too, and the one who had it stays.
    assert "allowFrom `shop` is not carried over: " in said.err
    billing = yaml.safe_load((checkout.root / "policies/tenants/billing/tenant.yaml").read_text())
    assert billing["spec"]["network"] == {"egress": [{"cidr": "192.0.2.0/24", "port": 443}]}


def test_openslo_becomes_slos(checkout):
    said = checkout.phoenix("import", str(CASES / "slos.yaml"))
    assert said.code == 0, said.err
    assert findings(said) == [
        (
            "PHX822",
            "the ranges of the queries of SLO `checkout-availability` are `$window` now: each window reads its own",
            "slos.yaml:12:5",
        ),
        (
            "PHX821",
            "`alertPolicies` of SLO `checkout-availability` is not carried over: alerts of an SLO follow from its "
            "window",
            "slos.yaml:30:5",
        ),
        (
            "PHX821",
            "SLO `checkout-month` is not carried over: its time window is not a single rolling one",
            "slos.yaml:59:1",
        ),
    ]
    found = {file: yaml.safe_load((checkout.root / file).read_text())["spec"] for file in written(checkout)}
    assert found == {
        "policies/metrics/imported.yaml": {
            "metrics": [
                {"name": "checkout_backlog", "type": "gauge"},
                {"name": "checkout_orders_total", "type": "counter", "labels": {"outcome": {}}},
            ]
        },
        "policies/slos/checkout-availability.yaml": {
            "service": "checkout",
            "window": "28d",
            "objective": 0.995,
            "indicator": {
                "ratio": {
                    "errors": "(sum(rate(checkout_orders_total[$window]))) - "
                    '(sum(rate(checkout_orders_total{outcome="placed"}[$window])))',
                    "total": "sum(rate(checkout_orders_total[$window]))",
                }
            },
        },
        "policies/slos/checkout-backlog.yaml": {
            "service": "checkout",
            "window": "30d",
            "objective": 0.99,
            "indicator": {"threshold": {"query": "max(checkout_backlog)", "op": "<=", "value": 100.0}},
        },
    }
    assert checkout.phoenix("compile").code == 0


def test_settings_of_the_original_platform_become_a_control_policy(checkout, tmp_path):
    env = tmp_path / ".env"
    env.write_text(
        "# control\nTARGET_OPTIMIZED_PIPELINE_TS_COUNT=18000\nHYSTERESIS_FACTOR='0.2' # sticky\n"
        "ADAPTIVE_CONTROLLER_INTERVAL_SECONDS=90\nPID_KP=0.25\nPID_KI=fast\n"
        "PROMETHEUS_URL=http://prometheus:9090\nNEW_RELIC_LICENSE_KEY_FULL=hush\nTARGET_COLLECTOR_UID=1000\n"
    )
    control = tmp_path / "control.yaml"
    control.write_text(
        "optimization_profile: balanced\nthresholds: {conservative_max_ts: 12000, aggressive_min_ts: 24000}\n"
    )
    said = checkout.phoenix("import", str(env), str(control))
    assert said.code == 0, said.err
    lost = " is not carried over: "
    assert [line.partition("[PHX821]: ")[2] for line in said.err.splitlines() if "PHX821" in line] == [
        f"`PID_KI`{lost}its value is no number that `pid.ki` of a ControlPolicy takes",
        f"`PROMETHEUS_URL`{lost}addresses follow from the Environment and from the exports of its pipelines",
        f"`NEW_RELIC_LICENSE_KEY_FULL`{lost}no policy holds a secret; an export of a Pipeline names one by reference",
        f"`TARGET_COLLECTOR_UID`{lost}no policy has a field for it",
        f"`optimization_profile`{lost}the running system owns it, not Git",
    ]
    assert "hush" not in said.err + said.out
    assert written(checkout) == ["policies/control/imported.yaml"]
    assert yaml.safe_load((checkout.root / written(checkout)[0]).read_text())["spec"] == {
        "extends": "standard",
        "setPoint": 18000,
        "hysteresis": 0.2,
        "interval": "90s",
        "pid": {"kp": 0.25},
        "profiles": [{"name": "aggressive", "above": 24000}, {"name": "balanced", "above": 12000}],
    }
