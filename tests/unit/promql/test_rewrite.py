import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.rewrite import ForeignTenantError, narrowed, windowed
from phoenix_gitops.promql.syntax import PromQLError

HELD = 'tenant_id="shop"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", f"x{{{HELD}}}"),
        ("x{}", f"x{{{HELD}}}"),
        ('x{a="b"}', f'x{{a="b",{HELD}}}'),
        ('x{a="{}",b=~"c|d"} offset 5m', f'x{{a="{{}}",b=~"c|d",{HELD}}} offset 5m'),
        ("x offset -5m", f"x{{{HELD}}} offset -5m"),
        ("sum by (a) (rate(x[5m] offset 1h))", f"sum by (a) (rate(x{{{HELD}}}[5m] offset 1h))"),
        ('{__name__=~"a.*"}', f'{{__name__=~"a.*",{HELD}}}'),
        ("max_over_time((x > 3)[1h:1m])", f"max_over_time((x{{{HELD}}} > 3)[1h:1m])"),
        ("x / on (a) group_left (b) y", f"x{{{HELD}}} / on (a) group_left (b) y{{{HELD}}}"),
        ("absent(x) or vector(1)", f"absent(x{{{HELD}}}) or vector(1)"),
        (f"x{{{HELD}}}", f"x{{{HELD}}}"),
        ('label_replace(x, "a", "( $1 )", "b", "(.*)")', f'label_replace(x{{{HELD}}}, "a", "( $1 )", "b", "(.*)")'),
    ],
)
def test_every_selector_is_held_to_the_tenant(text, expected):
    assert narrowed(text, "tenant_id", "shop") == expected


@pytest.mark.parametrize("matcher", ['="cart"', '=~"shop"', '!="cart"', '!~"cart"', '=~".*"', '=""'])
def test_no_selector_says_itself_whose_series_it_means(matcher):
    with pytest.raises(ForeignTenantError, match="tenant_id"):
        narrowed(f"sum(x) + rate(y{{tenant_id{matcher}}}[5m])", "tenant_id", "shop")


def test_one_foreign_matcher_beside_the_own_is_still_foreign():
    with pytest.raises(ForeignTenantError):
        narrowed('x{tenant_id="shop",tenant_id=~".*"}', "tenant_id", "shop")


def test_alternatives_cannot_widen_a_selector():
    with pytest.raises(PromQLError, match="joined by `or`"):
        narrowed('x{tenant_id="shop" or a="b"}', "tenant_id", "shop")


def test_long_expressions_stay_on_one_line_and_mean_the_same():
    text = "sum by (aaaaaaaaaaaaaaaaaaaaaaaaa) (rate(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb[5m])) / " * 3 + "ccc"
    result = narrowed(text, "tenant_id", "shop")
    assert "\n" not in result
    assert [s.name for s in syntax.selectors(syntax.parse(result))] == ["b" * 42] * 3 + ["ccc"]


@given(value=st.text(min_size=1).filter(lambda v: "\x00" not in v and v.isprintable()))
def test_strings_come_through(value):
    import json

    text = f'label_replace(x{{a={json.dumps(value, ensure_ascii=False)}}}, "b", "$1", "a", ".*")'
    found = next(syntax.selectors(syntax.parse(narrowed(text, "tenant_id", "shop"))))
    assert {m.label: m.value for m in found.matches} == {"a": value, "tenant_id": "shop"}


def test_a_placeholder_stays_where_it_stands_and_a_range_like_its_stand_in_too():
    text = "rate(x[$window]) / rate(y[11m7s] offset 12m7s) + rate(z[$window])"
    held = f"{{{HELD}}}"
    expected = f"rate(x{held}[$window]) / rate(y{held}[11m7s] offset 12m7s) + rate(z{held}[$window])"
    assert narrowed(text, "tenant_id", "shop") == expected


def test_the_window_is_put_in_wherever_it_stands():
    assert windowed("rate(x[$window]) / rate(y[$window] offset 1h)", "6h") == "rate(x[6h]) / rate(y[6h] offset 1h)"
