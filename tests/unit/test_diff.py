import json

import pytest
import yaml

from phoenix_gitops.diff import Action, compare
from phoenix_gitops.diff_fields import ABSENT, compare_values, read_yaml
from phoenix_gitops.diff_json import as_json as json_of
from phoenix_gitops.diff_objects import read_object
from phoenix_gitops.diff_report import MARKER, Review, summary
from phoenix_gitops.diff_report import markdown as markdown_of
from phoenix_gitops.diff_report import text as text_of


def obj(kind="Deployment", name="gateway", namespace="", version="apps/v1", tenant="", **rest):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    body = yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": metadata, **rest}, sort_keys=False)
    owner = f"Tenant/{tenant}" if tenant else "Environment/dev"
    return f"# Compiled by Phoenix GitOps from {owner}. Do not edit: change the policy. phoenix:00\n{body}".encode()


def text(diff, **options):
    return text_of(Review(diff), **options)


def markdown(diff, **options):
    return markdown_of(Review(diff), **options)


def as_json(diff):
    return json_of(Review(diff))


def at(name, environment="dev", cluster="main", component="ingest"):
    return f"{environment}/{cluster}/{component}/{name}.yaml"


def fields(old, new):
    return [(field.path, field.old, field.new) for field in compare_values(old, new)]


def test_equal_trees_say_so():
    tree = {at("a"): obj()}
    diff = compare(tree, dict(tree))
    assert not diff
    assert summary(diff) == "nothing changes in meaning"
    assert text(diff) == "nothing changes in meaning\n"
    assert markdown(diff) == f"{MARKER}\n**nothing changes in meaning**\n"
    assert json.loads(as_json(diff))["groups"] == []


def test_header_formatting_comments_and_moves_are_no_change():
    old = {at("a"): b"# Compiled by Phoenix GitOps from A/b. x\nkind: A\napiVersion: v1\nmetadata:\n  name: x\n"}
    new = {at("b"): b'# Compiled by Phoenix GitOps from A/b. y\napiVersion: "v1"\nmetadata: {name: x} # new\nkind: A\n'}
    assert not compare(old, new)


def test_added_removed_and_changed_objects_are_counted():
    old = {at("a"): obj(name="a"), at("b"): obj(name="b", spec={"replicas": 2})}
    new = {at("b"): obj(name="b", spec={"replicas": 3}), at("c", "prod", "eu", "rules"): obj(name="c")}
    diff = compare(old, new)
    assert [(c.action, c.place.name) for c in diff.changes] == [
        (Action.REMOVED, "a"),
        (Action.CHANGED, "b"),
        (Action.ADDED, "c"),
    ]
    assert (diff.environments, diff.clusters) == (("dev", "prod"), (("dev", "main"), ("prod", "eu")))
    assert diff.components == ("ingest", "rules")
    assert summary(diff) == (
        "3 objects: 1 added, 1 changed, 1 removed; in 2 environments, 2 clusters, 2 components; "
        "1 deletion of data or whole workloads"
    )
    assert diff.count(Action.ADDED, "prod") == 1
    assert diff.count(Action.ADDED, "dev") == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {}, [("a", 1, ABSENT)]),
        ({}, {"a": None}, [("a", ABSENT, None)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
        ({"a": {"b.c/d": 1}}, {"a": {"b.c/d": 2}}, [('a["b.c/d"]', 1, 2)]),
        ({"a": [1, 2, 2]}, {"a": [2, 3]}, [("a[]", 1, ABSENT), ("a[]", 2, ABSENT), ("a[]", ABSENT, 3)]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [("a (order)", ["x", "y"], ["y", "x"])]),
        ({"a": [[1], [2]]}, {"a": [[1], [3]]}, [("a[1][]", 2, ABSENT), ("a[1][]", ABSENT, 3)]),
        ({"a": [[1]]}, {"a": [[1], [2]]}, [("a", [[1]], [[1], [2]])]),
        ({"a": "x\ny"}, {"a": "x\nz"}, [("a", "x\ny", "x\nz")]),
        ({"a": "b: 1\nc: 2\n"}, {"a": "b: 1\nc: 3\n"}, [("a:c", 2, 3)]),
        ({"a": "b: 1\n# x\n"}, {"a": "b: 1\n# y\n"}, [("a", "b: 1\n# x\n", "b: 1\n# y\n")]),
    ],
)
def test_values_are_compared_field_by_field(old, new, expected):
    assert fields(old, new) == expected


def test_lists_of_named_objects_are_matched_by_name():
    old = {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]}
    new = {"containers": [{"name": "new"}, {"name": "a", "image": "x:2"}, {"name": "b", "image": "y:1"}]}
    assert fields(old, new) == [
        ("containers[name=a].image", "x:1", "x:2"),
        ("containers[name=new]", ABSENT, {"name": "new"}),
    ]


def test_rules_are_matched_by_what_they_record_or_alert():
    old = {"rules": [{"record": "a:b", "expr": "1"}, {"alert": "Down", "expr": "up == 0"}]}
    new = {"rules": [{"alert": "Down", "expr": "up < 1"}, {"record": "a:b", "expr": "1"}]}
    assert fields(old, new) == [
        ("rules[rule=Down].expr", "up == 0", "up < 1"),
        ("rules (order)", ["a:b", "Down"], ["Down", "a:b"]),
    ]


def test_names_that_repeat_are_matched_by_position():
    old = {"rules": [{"alert": "Down", "for": "1m"}, {"alert": "Down", "for": "5m"}]}
    new = {"rules": [{"alert": "Down", "for": "1m"}, {"alert": "Down", "for": "9m"}]}
    assert fields(old, new) == [("rules[1].for", "5m", "9m")]


def test_the_same_change_in_many_places_is_shown_once():
    old, new = {}, {}
    for environment in ("dev", "prod"):
        for tenant in ("checkout", "search", "pay"):
            path = f"{environment}/main/tenancy/{tenant}/quota.yaml"
            for tree, pods in ((old, 60), (new, 61)):
                labels = {"tenant": tenant, "environment": environment}
                spec = {"pods": pods, "labels": labels | ({"added": f"{tenant}-{environment}"} if pods == 61 else {})}
                tree[path] = obj("ResourceQuota", f"{tenant}-quota", tenant, "v1", tenant, spec=spec)
    diff = compare(old, new)
    assert len(diff.groups) == 1
    assert len(diff.groups[0].changes) == 6
    shown = text(diff)
    assert "~ ResourceQuota `checkout-quota` and 2 alike changed (tenancy), 6 times" in shown
    assert shown.count("spec.pods: 60 -> 61") == 1
    assert "dev/main/checkout, dev/main/pay, dev/main/search, prod/main/checkout" in shown


def test_changes_that_differ_stay_apart():
    old = {at("a", e): obj(spec={"replicas": 2}) for e in ("dev", "prod", "qa")}
    new = {at("a", e): obj(spec={"replicas": 4 if e == "prod" else 3}) for e in ("dev", "prod", "qa")}
    assert sorted(len(group.changes) for group in compare(old, new).groups) == [1, 2]


def test_deletions_of_data_come_first():
    old = {
        at("a"): obj("Namespace", "checkout", version="v1"),
        at("b"): obj("ConfigMap", "aaa", version="v1"),
        at("c"): obj("PersistentVolumeClaim", "data", "checkout", "v1"),
    }
    diff = compare(old, {})
    assert [(c.kind, c.place.name) for c in diff.deletes] == [
        ("Namespace", "checkout"),
        ("PersistentVolumeClaim", "data"),
    ]
    assert diff.groups[-1].first.kind == "ConfigMap"
    assert "2 deletions of data or whole workloads" in summary(diff)
    assert "deletes\n  ! Namespace `checkout` in dev/main\n" in text(diff)
    assert "> - Namespace <code>checkout</code> in <code>dev/main</code>" in markdown(diff)
    assert compare({}, old).deletes == ()


def config(suffix, value, stem="gateway"):
    data = {"config.yaml": f"receivers:\n  otlp: {value}\n"}
    return obj("ConfigMap", f"{stem}-{suffix}", "ingest", "v1", immutable=True, data=data)


def workload(suffix, replicas=2):
    volumes = [{"name": "config", "configMap": {"name": f"gateway-{suffix}"}}]
    return obj(namespace="ingest", spec={"replicas": replicas, "template": {"spec": {"volumes": volumes}}})


@pytest.mark.parametrize("path", ["config", "config-2"], ids=["same-file", "other-file"])
def test_a_hash_named_config_that_rolls_is_one_change(path):
    old = {at("config"): config("0123456789", 1), at("gateway"): workload("0123456789")}
    new = {at(path): config("abcdef0123", 2), at("gateway"): workload("abcdef0123")}
    diff = compare(old, new)
    assert (diff.count(Action.ADDED), diff.count(Action.REMOVED), diff.count(Action.CHANGED)) == (0, 0, 2)
    assert diff.restarts == 1
    shown = text(diff)
    assert "~ config of `gateway` changed (ingest)" in shown
    assert '~ data["config.yaml"]:receivers.otlp: 1 -> 2' in shown
    assert "rolls with the config of `gateway`" in shown
    assert "abcdef0123" not in shown
    assert "1 workload will restart" in summary(diff)


def test_rolls_in_many_environments_are_one_group_though_hashes_differ():
    old = {at("c", e): config(f"{e}000000"[:8], 1) for e in ("dev", "prod")}
    new = {at("c", e): config(f"{e}111111"[:8], 2) for e in ("dev", "prod")}
    assert [len(group.changes) for group in compare(old, new).groups] == [2]


def test_a_config_that_may_change_in_place_is_no_roll():
    old = {at("a"): obj("ConfigMap", "tenants-000000", version="v1")}
    new = {at("b"): obj("ConfigMap", "tenants-111111", version="v1")}
    diff = compare(old, new)
    assert (diff.count(Action.ADDED), diff.count(Action.REMOVED)) == (1, 1)


def test_two_candidates_for_a_roll_are_no_guess():
    old = {at("a"): config("000000", 1), at("b"): config("111111", 1)}
    new = {at("c"): config("222222", 2)}
    diff = compare(old, new)
    assert (diff.count(Action.ADDED), diff.count(Action.REMOVED)) == (1, 2)
    back = compare(new, old)
    assert (back.count(Action.ADDED), back.count(Action.REMOVED)) == (2, 1)


def test_replicas_alone_restart_nothing():
    diff = compare({at("g"): workload("0", 2)}, {at("g"): workload("0", 3)})
    assert diff.restarts == 0
    assert "~ spec.replicas: 2 -> 3" in text(diff)


def test_proof_files_are_only_counted():
    diff = compare({"_proof/dev/main/rules/a.yaml": b"a: 1"}, {"_proof/dev/main/rules/a.yaml": b"a: 2"})
    assert diff
    assert diff.changes == ()
    assert summary(diff) == "nothing changes in meaning (1 file for judges differ)"


def test_files_that_are_no_objects_are_compared_as_text():
    diff = compare({at("a"): b"\xff\x00{{"}, {at("a"): b"b"})
    assert [(c.kind, c.action) for c in diff.changes] == [("File", Action.CHANGED)]


@pytest.mark.parametrize(
    "content",
    [
        obj("Namespace", "yes", version="v1"),
        obj("Namespace", "12", version="v1"),
        obj("Namespace", "a", "b", "v1"),
        b"{apiVersion: v1, kind: Namespace, metadata: {name: a}, immutable: true}",
        b"apiVersion: v1\nkind: Namespace\nmetadata:\n  labels:\n    name: wrong\n  name: right\n",
        b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: right\nspec:\n  name: wrong\n",
    ],
)
def test_the_quick_look_and_the_parser_agree(content):
    data = yaml.safe_load(content)
    one = read_object("dev/main/x/a.yaml", content)
    assert (one.kind, one.name) == (data["kind"], str(data["metadata"]["name"]))
    assert one.namespace == data["metadata"].get("namespace", "")
    assert one.immutable == data.get("immutable", False)


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 100_000,
        "- " * 30_000,
        "a: &a [x]\nb: *a\n",
        "a: &a [x]\nb: [*a, *a]\n",
        "{" * 30_000,
        "? " * 30_000,
        "\n".join(" " * n + "a:" for n in range(2_000)),
    ],
)
def test_trees_made_to_hurt_are_text(hostile):
    assert read_yaml(hostile) is None
    assert read_yaml("a: 1") == {"a": 1}


def test_stars_in_text_are_no_aliases():
    assert read_yaml('a: "x *y"\nb: |\n  *z\n') == {"a": "x *y", "b": "*z\n"}


def big():
    old = {at(f"f{n}"): obj(name=f"name{n}", spec={"x": "a" * 400}) for n in range(400)}
    new = {at(f"f{n}"): obj(name=f"name{n}", spec={"x": f"{n}" * 300}) for n in range(400)}
    return compare(old, new)


def test_markdown_keeps_within_its_bound_and_says_what_it_left_out():
    diff = big()
    report = markdown(diff)
    assert 50_000 < len(report) <= 60_000
    assert report.startswith(f"{MARKER}\n**{summary(diff)}**")
    assert all(f"<code>name{n}</code>" in report for n in range(400))
    full = report.count("<details>")
    assert full > 0
    assert f"Too long for a comment: {400 - full} groups without their fields, 0 not shown." in report
    short = markdown(diff, limit=5_000)
    assert len(short) <= 5_000
    assert "not shown" in short
    assert markdown(compare({}, {at("a"): obj()})).count("Too long") == 0


def test_many_deletions_keep_within_the_bound_too():
    report = markdown(compare({at(f"f{n}"): obj("Namespace", f"n{n}", version="v1") for n in range(3000)}, {}))
    assert len(report) <= 60_000
    listed = report.count("> - Namespace <code>")
    assert 50 < listed < 1000
    assert f"> - and {3000 - listed} more" in report


def test_markdown_cannot_be_left_by_values():
    evil = "```\n</details><script>x</script>\n````\n"
    old, new = {at("a"): obj(data="x\ny")}, {at("a"): obj(data=evil)}
    report = markdown(compare(old, new))
    assert report.count("`````") == 2
    hostile = markdown(compare({}, {"dev|x/<b>/c/a.yaml": b"x"}))
    outside, fenced, _ = hostile.split("```")
    assert "<b>" not in outside
    assert "<b>" in fenced
    assert "dev&#124;x" in hostile


def test_control_characters_do_not_reach_the_terminal():
    diff = compare({at("a"): obj(data="a")}, {at("a"): obj(data="\x1b[31m\u202ered")})
    for report in (text(diff), markdown(diff)):
        assert "\x1b" not in report
        assert "\u202e" not in report


def test_colour_is_asked_for():
    diff = compare({at("a"): obj("Namespace", "a", version="v1")}, {})
    assert "\x1b" not in text(diff)
    painted = text(diff, color=True)
    assert "\x1b[1;31m  ! Namespace `a` in dev/main\x1b[0m" in painted
    assert "\x1b[31m- Namespace `a` removed (ingest)\x1b[0m" in painted


def test_long_values_are_cut_where_they_begin_to_differ():
    old, new = "x" * 300 + "old" + "y" * 300, "x" * 300 + "new" + "y" * 300
    shown = text(compare({at("a"): obj(data=old)}, {at("a"): obj(data=new)}))
    assert "xold" in shown
    assert "xnew" in shown
    assert "more characters" in shown


def test_long_text_is_shown_as_lines():
    old = "".join(f"line {n} of {{{{ text }}}}\n" for n in range(50))
    shown = text(compare({at("a"): obj(data=old)}, {at("a"): obj(data=old.replace("line 7 ", "line seven "))}))
    assert "-line 7 of" in shown
    assert "+line seven of" in shown
    assert "line 40" not in shown


def test_json_carries_everything():
    diff = compare({at("a"): obj(spec={"a": 1})}, {at("a"): obj(spec={"b": None})})
    data = json.loads(as_json(diff))
    assert data["summary"]["changed"] == 1
    assert data["groups"][0]["fields"] == [{"path": "spec.a", "old": 1}, {"path": "spec.b", "new": None}]
    assert data["groups"][0]["places"] == [
        {"environment": "dev", "cluster": "main", "namespace": "", "name": "gateway"}
    ]


def test_the_order_of_files_does_not_show():
    trees = {at(f"f{n}", e): obj(name=f"n{n}") for n in range(5) for e in ("a", "b")}
    assert text(compare({}, trees)) == text(compare({}, dict(reversed(trees.items()))))
