"""The linter: what a template may hold, and the line and reason of everything else."""

import pytest

from phoenix_gitops.template_lint import lint
from phoenix_gitops.templating import environment

FILE = "templates/ingest/service.yaml.j2"
ENV = environment()


def faults(source: str) -> list[tuple[str, int, str]]:
    outcome = lint(source, FILE, ENV)
    assert (outcome.value is None) == bool(outcome.diagnostics)
    assert all(d.help for d in outcome.diagnostics)
    return [
        (d.code, d.primary.span.line if d.primary else 0, d.message.removeprefix("not allowed in a template: "))
        for d in outcome.diagnostics
    ]


@pytest.mark.parametrize(
    "source",
    [
        "a: 1\n",
        "a: {{ b | yaml }}\n",
        "a: {{ b.c.d | yaml }}\n",
        "a: {{ 'no' | yaml }}\n",
        "a: [{{ b | yaml }}, {{ c | yaml }}]\n",
        "a: {x: {{ b | yaml }},{{ c | yaml }}: 1}\n",
        "{{ b | yaml }}: {{ c | yaml }}  # why\n",
        "{% if a %}{% elif b.c == 1 %}{% else %}{% endif %}",
        "{% if a is defined and b is not none or not (c in d) and e not in f %}{% endif %}",
        "{% if a < 1 and b <= 2 and c > 3 and d >= 4 and e != 'x' and 1 < f < 3 %}{% endif %}",
        "{% for x in xs %}{% for y in x.ys %}{% endfor %}{% else %}a: []\n{% endfor %}",
        "{% for x in m.xs %}{% for y in x.a.b %}{{ y.z | yaml }}{% endfor %}{% endfor %}",
        "{% raw %}a: '{{ $labels.x }}'{% endraw %}{# {{ ignored }} #}",
    ],
)
def test_allowed(source: str) -> None:
    assert faults(source) == []


@pytest.mark.parametrize(
    ("source", "code", "what"),
    [
        ("{{ a }}", "PHX603", "an expression without `| yaml`"),
        ("{{ 'no' }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | yaml | upper }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | yaml ~ 'x' }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | yaml(1) }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | yaml(x=1) }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | yaml(*b) }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a if b else c }}", "PHX603", "an expression without `| yaml`"),
        ("{{ a | upper | yaml }}", "PHX602", "the filter `upper`"),
        ("{{ a | yaml | yaml }}", "PHX602", "the filter `yaml`"),
        ("{{ (a ~ b) | yaml }}", "PHX602", "joined text"),
        ("{{ (1 + 1) | yaml }}", "PHX602", "arithmetic"),
        ("{{ ('a' * 10 ** 9) | yaml }}", "PHX602", "arithmetic"),
        ("{{ (-a) | yaml }}", "PHX602", "arithmetic"),
        ("{{ f() | yaml }}", "PHX602", "a call"),
        ("{{ a.b() | yaml }}", "PHX602", "a call"),
        ("{{ a[0] | yaml }}", "PHX602", "a subscript"),
        ("{{ a['__class__'] | yaml }}", "PHX602", "a subscript"),
        ("{{ a[1:2] | yaml }}", "PHX602", "a subscript"),
        ("{{ [a] | yaml }}", "PHX602", "a list"),
        ("{{ (a, b) | yaml }}", "PHX602", "a tuple"),
        ("{{ {'a': b} | yaml }}", "PHX602", "a mapping"),
        ("{{ (a if b else c) | yaml }}", "PHX602", "an inline `if`"),
        ("{{ a.__class__ | yaml }}", "PHX602", "the attribute `__class__`"),
        ("{{ a._x.y | yaml }}", "PHX602", "the attribute `_x`"),
        ("{{ _a | yaml }}", "PHX602", "the name `_a`"),
        ("{{ self | yaml }}", "PHX602", "the name `self`"),
        ("{% for x in xs %}{{ loop.index | yaml }}{% endfor %}", "PHX602", "the name `loop`"),
        ("{% for _x in xs %}{% endfor %}", "PHX602", "the name `_x`"),
        ("{% if a is divisibleby 3 %}{% endif %}", "PHX602", "the test `divisibleby`"),
        ("{% if a is defined(*b) %}{% endif %}", "PHX602", "the test `defined`"),
        ("{% if f() %}{% endif %}", "PHX602", "a call"),
        ("{% if a == 'x' ~ b %}{% endif %}", "PHX602", "joined text"),
        ("{% if a %}{% elif a | length %}{% endif %}", "PHX602", "the filter `length`"),
        ("{% if a %}{% else %}{% set b = 1 %}{% endif %}", "PHX602", "`set`"),
        ("{% set a = 1 %}", "PHX602", "`set`"),
        ("{% set a %}x{% endset %}", "PHX602", "`set`"),
        ("{% with a = 1 %}{% endwith %}", "PHX602", "`with`"),
        ("{% macro m() %}{% endmacro %}", "PHX602", "a macro"),
        ("{% call m() %}{% endcall %}", "PHX602", "a call block"),
        ("{% filter upper %}{% endfilter %}", "PHX602", "a filter block"),
        ("{% block b %}{% endblock %}", "PHX602", "`block`"),
        ("{% extends 'x' %}", "PHX602", "`extends`"),
        ("{% include 'x' %}", "PHX602", "`include`"),
        ("{% import 'x' as y %}", "PHX602", "`import`"),
        ("{% from 'x' import y %}", "PHX602", "`import`"),
        ("{% autoescape true %}{% endautoescape %}", "PHX602", "`autoescape`"),
        ("{% for x in range(9) %}{% endfor %}", "PHX602", "a loop over something else than a name"),
        ("{% for x in 'abc' %}{% endfor %}", "PHX602", "a loop over something else than a name"),
        ("{% for x in a.b.c.d %}{% endfor %}", "PHX602", "a loop over something else than a name"),
        ("{% for x in a.b | sort %}{% endfor %}", "PHX602", "a loop over something else than a name"),
        ("{% for x in a.__b__ %}{% endfor %}", "PHX602", "the attribute `__b__`"),
        ("{% for x, y in a %}{% endfor %}", "PHX602", "a loop that is not a plain `for x in name`"),
        ("{% for x in a if x %}{% endfor %}", "PHX602", "a loop that is not a plain `for x in name`"),
        ("{% for x in a recursive %}{% endfor %}", "PHX602", "a loop that is not a plain `for x in name`"),
        (
            "{% for x in a %}{% for y in a %}{% endfor %}{% endfor %}",
            "PHX602",
            "an inner loop that does not go over a part of `x`",
        ),
        (
            "{% for x in a %}{% if x %}{% for y in x %}{% endfor %}{% endif %}{% endfor %}",
            "PHX602",
            "an inner loop that does not go over a part of `x`",
        ),
        (
            "{% for x in a %}{% for y in x.b %}{% for z in y.c %}{% endfor %}{% endfor %}{% endfor %}",
            "PHX605",
            "more than 2 loops within one another",
        ),
        ("{% for x in a %}{% endfor %}" * 21, "PHX605", "more than 20 loops"),
        ("{% if a %}" * 10 + "{% endif %}" * 10, "PHX605", "more than 8 blocks within one another"),
        ("{% if " + "not " * 10 + "a %}{% endif %}", "PHX605", "an expression nested more than 8 deep"),
        ("{{ " + "(" * 5000 + " | yaml }}", "PHX605", "expressions or blocks nested too deep"),
        ("{{ " + "not " * 8000 + "a | yaml }}", "PHX605", "expressions or blocks nested too deep"),
        ("{% if a %}" * 3000, "PHX605", "expressions or blocks nested too deep"),
        ("é" * 16_385, "PHX605", "more than 32768 bytes"),
        ("\ue000", "PHX602", "the reserved character U+E000"),
        ("\ue001", "PHX602", "the reserved character U+E001"),
    ],
)
def test_refused(source: str, code: str, what: str) -> None:
    assert faults(f"a: 1\n{source}") == [(code, 1 if code == "PHX605" and len(source) > 5000 else 2, what)]


@pytest.mark.parametrize(
    "source",
    [
        "{{ a | yaml }}-svc",
        "x-{{ a | yaml }}",
        '"{{ a | yaml }}"',
        "'{{ a | yaml }}'",
        '"x {{ a | yaml }}"',
        "!!str{{ a | yaml }}",
        "{% if a %}\nx{{ a | yaml }}{% endif %}",
    ],
)
def test_glued_expressions(source: str) -> None:
    ((code, _, what),) = faults(f"k: {source}\n")
    assert (code, what) == ("PHX604", "an expression glued to other text")


def test_two_expressions_without_a_gap() -> None:
    assert faults("a: 1\nb: {{ a | yaml }}{{ b | yaml }}\n") == [("PHX604", 2, "an expression glued to other text")]


def test_every_fault_has_its_line() -> None:
    source = "a: {{ b }}\n{% if c() %}\nd: {{ e.__f__ | yaml }}\n{% endif %}\n{% set g = 1 %}\n"
    assert [(code, line) for code, line, _ in faults(source)] == [
        ("PHX603", 1),
        ("PHX602", 2),
        ("PHX602", 3),
        ("PHX602", 5),
    ]


def test_the_span_is_the_line_without_its_indentation() -> None:
    (diagnostic,) = lint("a:\n  b: {{ c }}  \n", FILE, ENV).diagnostics
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    assert (span.file, span.line, span.col, span.end_line, span.end_col) == (FILE, 2, 3, 2, 13)


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("a: 1\n{% if %}", 2, "not a Jinja template: expected an expression, got 'end of statement block'"),
        ("a: 1\n{% nonsense %}", 2, "not a Jinja template: encountered unknown tag 'nonsense'"),
        ("\n\n{{ a | yaml", 3, "not a Jinja template: unexpected end of template"),
    ],
)
def test_syntax(source: str, line: int, message: str) -> None:
    ((code, at, told),) = faults(source)
    assert (code, at) == ("PHX601", line)
    assert told.startswith(message)
    assert not told.endswith(".")
