"""The report of a change as people read it: within its bounds, dangers first, nothing of a stranger's is markup."""

from __future__ import annotations

import json
import re

import pytest

from phoenix_gitops.approvals import Approver
from phoenix_gitops.diff import TreeDiff, compare
from phoenix_gitops.diff_fields import ABSENT, compare_values
from phoenix_gitops.diff_json import as_json
from phoenix_gitops.diff_report import LIMIT, MARKER, Review, markdown, text
from phoenix_gitops.meaning import effects
from phoenix_gitops.meaning.base import Aspect, Effect, Where, grouped


def effect(what: str, sign: str = "+", aspect: Aspect = Aspect.ACCESS, cluster: str = "eu", **rest: str) -> Effect:
    return Effect(aspect=aspect, sign=sign, text=what, where=Where("prod", cluster, "shop"), **rest)


def review(*effects: Effect, approvers: tuple[Approver, ...] | None = None) -> Review:
    return Review(TreeDiff(), grouped(effects), approvers)


def test_text_has_a_heading_an_aspect_and_places_with_their_notes() -> None:
    shown = text(
        review(
            effect("Deployment `a` restarts", "~", Aspect.PODS, note="2 pods"),
            effect("Deployment `a` restarts", "~", Aspect.PODS, "us", note="2 pods"),
            effect("Deployment `a` restarts", "~", Aspect.PODS, "ap", note="9 pods"),
            effect("x is stuck", "!", Aspect.REPLACED, plan="do it so"),
        )
    )
    assert shown == (
        "nothing changes in meaning\n"
        "\nmust be replaced\n  ! x is stuck\n      in prod/eu/shop\n      plan: do it so\n"
        "\npods\n  ~ Deployment `a` restarts\n"
        "      in prod/ap/shop: 9 pods\n      in prod/eu/shop, prod/us/shop: 2 pods\n"
    )


def test_forty_places_are_a_line() -> None:
    shown = text(review(*(effect("it", cluster=f"c{n:02}") for n in range(40))))
    assert shown.count("  + it\n") == 1
    assert "prod/c07/shop and 32 more\n" in shown


def test_dangers_stand_in_color() -> None:
    shown = text(review(effect("stuck", "!"), effect("more")), color=True)
    assert "\x1b[1;31m  ! stuck\x1b[0m" in shown
    assert "\x1b[32m  + more\x1b[0m" in shown


def test_markdown_puts_dangers_first_and_folds_the_rest() -> None:
    report = markdown(
        review(effect("`a` may get secrets", "!"), effect("`b` may get pods"), effect("gone", "-", Aspect.ALERTS))
    )
    assert report.startswith(f"{MARKER}\n**nothing")
    assert (
        "> [!WARNING]\n> Look at these before you merge:\n> - <code>a</code> may get secrets in prod/eu/shop\n"
        in report
    )
    assert "<details><summary>access: 1 +, 1 !</summary>" in report
    assert "- &plus; <code>b</code> may get pods in prod/eu/shop\n" in report
    assert report.index("WARNING") < report.index("<details>")


@pytest.mark.parametrize("limit", [LIMIT, 20_000, 6_000])
def test_markdown_keeps_its_bound_whatever_comes(limit: int) -> None:
    evil = "<&\"'|`*_" * 60
    old = {f"prod/c{n}/x/f.yaml": f"kind: Namespace\nmetadata: {{name: n{n}}}\n".encode() for n in range(2000)}
    found = grouped(effect(f"{n} `{evil}`", sign, aspect) for n in range(300) for sign in "!+" for aspect in Aspect)
    asked = tuple(Approver(f"team-{n}", (evil, "more")) for n in range(500))
    report = markdown(Review(compare(old, {}), found, asked), limit=limit)
    assert len(report) <= limit
    for heading in ("[!CAUTION]", "[!WARNING]", "Needs the approval of", "| environment |"):
        assert heading in report
    assert "not shown._ _`phoenix diff` shows all._" in report.replace("\n", "")


def test_what_found_no_room_is_counted() -> None:
    found = [effect(f"right {n:04} {'x' * 300}") for n in range(400)]
    report = markdown(review(*found), limit=20_000)
    shown = report.count("- &plus; right")
    assert 10 < shown < 400
    assert f"{400 - shown} effects and 0 not shown" in report


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a `b` c", "a <code>b</code> c"),
        ("get *", "get \\*"),
        ("@team #1 <b>", "\\@team \\#1 &lt;b&gt;"),
        ("`a` `b", "<code>`a` `b in prod/eu/shop</code>"),
        ("`<b>|`", "<code>&lt;b&gt;&#124;</code>"),
    ],
)
def test_nothing_in_an_effect_is_markup(said: str, shown: str) -> None:
    assert f"- &plus; {shown}" in markdown(review(effect(said)))


def test_approvers_are_listed_with_their_reasons() -> None:
    asked = (Approver("team-a", ("owns `x`", "`y` is raised")),)
    assert "needs the approval of\n  team-a\n      owns `x`\n      `y` is raised\n" in text(review(approvers=asked))
    assert "- <code>team-a</code>: owns <code>x</code>, and 1 more reason\n" in markdown(review(approvers=asked))
    assert "needs nobody's approval\n" in text(review(approvers=()))
    assert "approv" not in text(review()) + markdown(review())


def test_json_carries_effects_and_approvers() -> None:
    data = json.loads(as_json(review(effect("it", note="n", plan="p"), approvers=(Approver("a", ("why",)),))))
    place = {"environment": "prod", "cluster": "eu", "namespace": "shop", "text": "it", "note": "n"}
    assert data["effects"] == [
        {
            "about": "access",
            "sign": "+",
            "text": "it",
            "plan": "p",
            "gained": False,
            "vanishes": False,
            "places": [place],
        }
    ]
    assert data["approvers"] == [{"owner": "a", "reasons": ["why"]}]
    assert "approvers" not in json.loads(as_json(review()))


def test_lists_of_nameless_maps_are_compared_item_by_item() -> None:
    a, b, c = ({"namespace": name, "server": "s"} for name in "abc")
    found = [(f.path, f.old, f.new) for f in compare_values({"d": [a, b]}, {"d": [a, c, b]})]
    assert found == [("d[]", ABSENT, c)]
    order = list(compare_values({"d": [a, b]}, {"d": [b, c, a]}))
    assert [f.path for f in order] == ["d[]", "d (order)"]


def test_a_huge_change_keeps_its_counts_its_dangers_and_says_what_is_folded() -> None:
    """40 clusters, 500 tenants, each changed in its own way; the destructive part is small beside it."""
    old, new = {}, {}
    for c in range(40):
        for t in (*range(c, 500, 40), *range((c + 1) % 40, 500, 40)):
            path = f"prod-{c % 4}/c{c:02}/tenancy/t{t}/resourcequota-q.yaml"
            head = f"apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: q\n  namespace: t{t}\nspec:\n  hard:\n"
            old[path] = f"{head}    pods: {t + 1}\n".encode()
            new[path] = f"{head}    pods: {2 * t + 2}\n".encode()
        gone = f"prod-{c % 4}/c{c:02}/tenancy/gone/namespace-gone{c}.yaml"
        old[gone] = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: gone{c}\n".encode()
    diff = compare(old, new)
    found = effects(diff, old, new)
    report = markdown(Review(diff, found))
    assert LIMIT // 2 < len(report) <= LIMIT
    assert "**1040 objects: 0 added, 1000 changed, 40 removed; in 4 environments, 40 clusters" in report
    assert "; 40 deletions of data or whole workloads**" in report
    for c in range(40):
        assert f"> - Namespace <code>gone{c}</code> in <code>prod-{c % 4}/c{c:02}</code>\n" in report
    for e in range(4):
        assert f"| <code>prod-{e}</code> | 0 | 250 | 10 |\n" in report
    # Each tenant's figures differ, so no two are one group: those shown, whole or short, and those not are all.
    assert len(diff.groups) == 500 + 40
    shown = len(re.findall(r"^(?:- |<details><summary>)(?:~|\\~|&minus;) (?:Namespace|Resource)", report, re.MULTILINE))
    sentence = r"_Too long for a comment: ([0-9]+) groups without their fields, ([0-9]+) effects and ([0-9]+) not shown"
    ((short, left, hidden),) = re.findall(sentence, report)
    assert shown + int(hidden) == len(diff.groups)
    assert report.count("\n- ~ <code>q</code>: pods") + int(left) == len(found)
    assert report.count("<details><summary>") == 1 + shown - int(short)
