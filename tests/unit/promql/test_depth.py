"""Expressions come from strangers: a deep one is refused, whatever makes it deep, and never ends the process."""

from __future__ import annotations

import pytest

from phoenix_gitops.catalogue import of
from phoenix_gitops.promql.check import check_expression
from phoenix_gitops.promql.syntax import MAX_DEPTH, PromQLError, parse, value_type

DEEP = [
    "({}1{})".format("(" * 1_900, ")" * 1_900),
    "1" + "^1" * 1_900,
    "up" + "+up" * 1_300,
    "-(" * 1_300 + "1" + ")" * 1_300,
    "abs(" * 700 + "up" + ")" * 700,
    "sum(" * 700 + "up" + ")" * 700,
    "rate(" * 200 + "up" + "[5m:1m])" * 200,
]


@pytest.mark.parametrize("text", DEEP, ids=["parens", "powers", "sums", "minus", "calls", "aggregates", "subqueries"])
def test_deep_expressions_are_refused(text: str) -> None:
    with pytest.raises(PromQLError, match=f"nested deeper than {MAX_DEPTH} levels"):
        parse(text)


def test_the_deepest_that_is_taken_can_be_checked() -> None:
    text = "up" + "+up" * (MAX_DEPTH - 1)
    assert value_type(parse(text)) == "vector"
    assert {finding.code for finding in check_expression(text, of(()))} == {"PHX653"}
    with pytest.raises(PromQLError):
        parse(f"{text}+up")
