"""Guardrails against the real cue: values, places, refusals, limits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops import tools
from phoenix_gitops.constraints import ConstraintInput, GuardrailFile, Verdict, Violation, run
from phoenix_gitops.cue_process import Limits
from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Span

HEAD = "package guardrails\n\ninput: _\n\n"
OBJECTS = HEAD + 'violations: always: {path: ["Environment", input.name], message: "no"}\n'


@pytest.fixture(scope="module")
def cue() -> Path:
    tool = tools.require("cue")
    assert tool.value is not None, tool.diagnostics
    return tool.value.path


def judge(cue: Path, *texts: str, data: dict[str, Any] | None = None, limits: Limits | None = None) -> Outcome[Verdict]:
    files = [GuardrailFile(file=f"policies/guardrails/{n}.cue", text=text) for n, text in enumerate(texts)]
    return run(files, [ConstraintInput(id="e", data=data or {"name": "e"})], cue=cue, limits=limits)


def only(outcome: Outcome[Verdict]) -> Diagnostic:
    (diagnostic,) = outcome.diagnostics
    assert outcome.value.unjudged == frozenset({"e"})
    return diagnostic


def place(diagnostic: Diagnostic) -> str:
    assert diagnostic.primary is not None
    return str(diagnostic.primary.span)


def test_violations_come_by_input_then_guardrail_then_name(cue: Path) -> None:
    two = HEAD + 'violations: {z: {path: ["A", "b", 0, "c"], message: " m "}, a: {path: ["A", "b"], message: "n"}}\n'
    files = [GuardrailFile(file="b.cue", text=two), GuardrailFile(file="a.cue", text=OBJECTS)]
    inputs = [ConstraintInput(id=name, data={"name": name}) for name in ("two", "one")]
    outcome = run(files, inputs, cue=cue)
    assert outcome.diagnostics == ()
    assert [(v.input, v.span.file, v.name, v.path, v.message) for v in outcome.value.violations] == [
        (name, *rest)
        for name in ("two", "one")
        for rest in [
            ("a.cue", "always", ("Environment", name), "no"),
            ("b.cue", "a", ("A", "b"), "n"),
            ("b.cue", "z", ("A", "b", 0, "c"), "m"),
        ]
    ]


@pytest.mark.parametrize(
    ("rule", "name", "span"),
    [
        ('violations: plain: {path: ["A", "b"], message: "m"}', "plain", (5, 13, 18)),
        ('violations: "é quoted": {path: ["A", "b"], message: "m"}', "é quoted", (5, 13, 23)),
        ('violations: twice: path: ["A", "b"]\nviolations: twice: message: "m"', "twice", (5, 13, 18)),
        (
            '_x: "ü"\nviolations: {\n\tif input.name != "" for n in ["k"] {\n\t\t"\\(n)-\\(_x)-y": {\n'
            '\t\t\tpath: ["A", "b"]\n\t\t\tmessage: "m"\n\t\t}\n\t}\n}',
            "k-ü-y",
            (8, 3, 17),
        ),
        ("violations: {/* */", "", ()),
    ][:-1],
    ids=["word", "quoted", "in two places", "computed"],
)
def test_the_name_is_found_where_it_stands(cue: Path, rule: str, name: str, span: tuple[int, int, int]) -> None:
    outcome = judge(cue, HEAD + rule + "\n")
    assert outcome.diagnostics == ()
    (violation,) = outcome.value.violations
    assert violation.name == name
    line, col, end = span
    assert violation.span == Span("policies/guardrails/0.cue", line, col, line, end)


def test_both_places_are_in_the_diagnostic() -> None:
    rule = Span("policies/guardrails/a.cue", 5, 3, 5, 9)
    violation = Violation(input="e", span=rule, name="n", path=("Tenant", "cart", "spec"), message="said")
    policy = Label(Span("policies/tenants/cart/tenant.yaml", 4, 1, 4, 5))
    diagnostic = violation.diagnostic(policy)
    assert (diagnostic.code, diagnostic.message, diagnostic.primary) == ("PHX401", "said", policy)
    assert diagnostic.secondary == (Label(rule, "guardrail `n`"),)


def test_a_policy_that_does_not_exist_is_the_guardrails_fault() -> None:
    rule = Span("policies/guardrails/a.cue", 5, 3, 5, 9)
    violation = Violation(input="e", span=rule, name="n", path=("Tenant", "cart", "spec"), message="said")
    diagnostic = violation.diagnostic(None)
    assert diagnostic.code == "PHX409"
    assert diagnostic.message == "guardrail `n` blames `Tenant/cart`, which is no policy of this repository"
    assert diagnostic.primary is not None
    assert diagnostic.primary.span == rule


def test_text_of_the_input_is_data(cue: Path) -> None:
    nasty = 'x"}\\(1+1)\n}\u2028{{ $é 🎈'
    rule = HEAD + 'violations: n: {path: ["A", input.name], message: "m"}\n'
    outcome = judge(cue, rule, data={"name": nasty, 'k"\\(0)': None})
    assert outcome.diagnostics == ()
    assert outcome.value.violations[0].path == ("A", nasty)


def test_no_guardrail_or_no_input_needs_no_cue() -> None:
    nowhere = Path("/nonexistent/cue")
    assert run([], [ConstraintInput(id="e", data={})], cue=nowhere) == Outcome(Verdict())
    assert run([GuardrailFile(file="a.cue", text=OBJECTS)], [], cue=nowhere) == Outcome(Verdict())


@pytest.mark.parametrize(
    ("text", "code", "at", "message"),
    [
        ("input: _\nviolations: {}\n", "PHX402", "1:1", "guardrail does not begin with a package clause"),
        ("package _\nviolations: {}\n", "PHX402", "1:1", "guardrail does not begin with a package clause"),
        (HEAD + "violations: {\n", "PHX402", "5:14", "guardrail cannot be evaluated: expected '}', found 'EOF'"),
        (
            HEAD + 'violations: {}\nx: "abc\n',
            "PHX402",
            "6:4",
            "string or interpolation does not end, or nests too deep",
        ),
        (
            HEAD + "violations: {if inptu.a {}}\n",
            "PHX402",
            "5:17",
            'guardrail cannot be evaluated: reference "inptu" not found',
        ),
        (
            HEAD + 'violations: {if input.é.b {n: {path: ["A", "b"], message: "m"}}}\n',
            "PHX405",
            "5:23",
            "guardrail cannot be evaluated: undefined field: é",
        ),
        (
            HEAD + 'violations: n: {path: ["A", "b"], message: input.name & 3}\n',
            "PHX405",
            "5:44",
            'guardrail cannot be evaluated: `violations.n.message`: conflicting values 3 and "e" (mismatched types int '
            "and string)",
        ),
        (
            HEAD + 'violations: n: {path: ["A", "b"], message: string}\n',
            "PHX405",
            "5:44",
            "guardrail cannot be evaluated: `violations.n.message`: incomplete value string",
        ),
        (HEAD + 'violation: n: {path: ["A", "b"], message: "m"}\n', "PHX407", "1:1", ""),
        (HEAD + "violations: n: 5\n", "PHX406", "5:13", "violation `n` is no struct"),
        (HEAD + 'violations: n: {path: ["A", "b"]}\n', "PHX406", "5:13", "violation `n` has no `message`"),
        (
            HEAD + 'violations: n: {path: ["A", "b"], message: " "}\n',
            "PHX406",
            "5:13",
            "violation `n` has no `message`",
        ),
        (
            HEAD + 'violations: n: {path: ["A", "b"], message: "a\\nb"}\n',
            "PHX406",
            "5:13",
            "violation `n` has a `message` that is not one line of at most 500 characters",
        ),
        (
            HEAD + 'violations: n: {path: "A/b", message: "m"}\n',
            "PHX406",
            "5:13",
            "violation `n` has no `path` of names and list indices",
        ),
        (
            HEAD + 'violations: n: {path: ["A", "b", true], message: "m"}\n',
            "PHX406",
            "5:13",
            "violation `n` has no `path` of names and list indices",
        ),
        (
            HEAD + 'violations: n: {path: ["A", 1], message: "m"}\n',
            "PHX406",
            "5:13",
            "violation `n` has a `path` that does not begin with a kind and a name",
        ),
        (
            HEAD + 'violations: n: {path: ["A", "b"], message: "m", severity: 1}\n',
            "PHX406",
            "5:13",
            "violation `n` has a field `severity`",
        ),
        (HEAD + "// " + "x" * 131072, "PHX408", "1:1", "guardrail file is larger than 128 KiB"),
    ],
)
def test_faults_of_a_guardrail(cue: Path, text: str, code: str, at: str, message: str) -> None:
    diagnostic = only(judge(cue, text))
    assert diagnostic.code == code
    assert place(diagnostic) == f"policies/guardrails/0.cue:{at}"
    assert diagnostic.message == (message or "guardrail never fills `violations`, so it can object to nothing")
    assert diagnostic.help


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('import "tool/exec"', "tool/exec"),
        ('import "tool/file"', "tool/file"),
        ('import "tool/http"', "tool/http"),
        ('import (\n\t"list"\n\th "tool/http"\n)', "tool/http"),
        ('import "list", import e "tool/exec"', "tool/exec"),
        ('import "example.com/evil@v0"', '"example.com/evil@v0"'),
        ('import "text/template"', "text/template"),
        ('import "\\u0074ool/exec"', '"\\u0074ool/exec"'),
        ('// list\nimport #"tool/exec"#', '#"tool/exec"#'),
    ],
)
def test_imports_that_do_more_than_compute_are_refused(cue: Path, lines: str, named: str) -> None:
    diagnostic = only(judge(cue, f"package guardrails\n{lines}\ninput: _\nviolations: {{}}\n"))
    assert (diagnostic.code, diagnostic.message) == ("PHX403", f"guardrail imports `{named}`")
    assert diagnostic.primary is not None
    assert diagnostic.help.startswith("guardrails may import `list`, `math`")


@pytest.mark.parametrize(
    "package", ["list", "math", "math/bits", "net", "path", "regexp", "strconv", "strings", "struct", "time"]
)
def test_allowed_imports_exist(cue: Path, package: str) -> None:
    text = f'package guardrails\nimport p "{package}"\ninput: _\n_p: p\n' + OBJECTS.removeprefix(HEAD)
    outcome = judge(cue, text)
    assert outcome.diagnostics == ()
    assert [v.name for v in outcome.value.violations] == ["always"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            '@extern(embed)\npackage guardrails\ninput: _\nviolations: {}\nx: _ @embed(file="../../etc/passwd")\n',
            [("1:1", "@extern"), ("5:6", "@embed")],
        ),
        ("@if(never)\npackage guardrails\nviolations: {}\n", [("1:1", "@if")]),
        ("package guardrails\ninput: _ @tag(name)\nviolations: {}\n@", [("2:10", "@tag"), ("4:1", "@")]),
    ],
)
def test_attributes_are_refused(cue: Path, text: str, named: list[tuple[str, str]]) -> None:
    outcome = judge(cue, text)
    assert [(d.code, place(d).partition(":")[2], d.message) for d in outcome.diagnostics] == [
        ("PHX404", at, f"guardrail has the attribute `{name}`") for at, name in named
    ]
    assert outcome.value == Verdict(unjudged=frozenset({"e"}))


def test_an_at_sign_in_text_is_no_attribute(cue: Path) -> None:
    rule = 'violations: n: {path: ["A", "b"], message: "a@b \\("@") // @if(x)"} // @tag(x)\n'
    outcome = judge(cue, HEAD + rule)
    assert outcome.diagnostics == ()
    assert outcome.value.violations[0].message == "a@b @ // @if(x)"


def test_a_fault_in_one_hides_nothing_of_the_others(cue: Path) -> None:
    unknown = HEAD + "violations: {if nowhere.a {}}\n"
    absent = HEAD + 'violations: n: {path: ["A", input.absent], message: "m"}\n'
    outcome = judge(cue, unknown, OBJECTS, absent, HEAD + "violations: {\n")
    assert [(place(d), d.code) for d in outcome.diagnostics] == [
        ("policies/guardrails/0.cue:5:17", "PHX402"),
        ("policies/guardrails/2.cue:5:35", "PHX405"),
        ("policies/guardrails/3.cue:5:14", "PHX402"),
    ]
    assert [v.span.file for v in outcome.value.violations] == ["policies/guardrails/1.cue"]


def test_a_fault_for_one_input_leaves_the_others_judged(cue: Path) -> None:
    rule = HEAD + 'violations: n: {path: ["A", input.name], message: input.extra}\n'
    inputs = [
        ConstraintInput(id="good", data={"name": "g", "extra": "x"}),
        ConstraintInput(id="bad", data={"name": "b"}),
    ]
    outcome = run([GuardrailFile(file="a.cue", text=rule)], inputs, cue=cue)
    assert outcome.value.unjudged == frozenset({"bad"})
    assert [v.input for v in outcome.value.violations] == ["good"]
    assert [d.code for d in outcome.diagnostics] == ["PHX405"]


BOMBS = {
    "loops": (
        'package guardrails\nimport "list"\ninput: _\nviolations: {for a in list.Range(0, 100000, 1) for b in '
        'list.Range(0, 100000, 1) if a*b == 77777777777 {"x\\(a)-\\(b)": {path: ["E", "e"], message: "m"}}}\n'
    ),
    "doubling text": HEAD
    + "".join(f"_t{n}: _t{n - 1} + _t{n - 1}\n" for n in range(1, 40))
    + '_t0: "0123456789abcdef"\nviolations: n: {path: ["E", "e"], message: _t39}\n',
    "doubling lists": HEAD
    + "".join(f"_t{n}: [for x in _t{n - 1} {{x}}, for x in _t{n - 1} {{x}}]\n" for n in range(1, 40))
    + '_t0: ["x"]\nviolations: n: {path: _t39, message: "m"}\n',
    "doubling structs": HEAD
    + "".join(f"#T{n}: {{a: #T{n - 1}, b: #T{n - 1}}}\n" for n in range(1, 40))
    + '#T0: {x: 1}\nviolations: n: {path: ["E", "e"], message: "m", t: #T39}\n',
    "endless recursion": HEAD
    + '#F: {n: int, out: (#F & {"n": n + 1}).out}\n'
    + 'violations: n: {path: ["E", "e"], message: "\\((#F & {n: 1}).out)"}\n',
    "deep nesting": HEAD + "violations: {}\nx: " + "[" * 60000 + "]" * 60000 + "\n",
    "deep value": HEAD + 'violations: n: {path: ["E", "e"], message: ' + "[" * 3000 + "]" * 3000 + "}\n",
    "deep interpolation": HEAD + 'violations: {}\nx: "' + '\\("' * 20000 + '")' * 20000 + '"\n',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs_end_and_are_named(cue: Path, bomb: str) -> None:
    """Whatever it is, it ends soon with a diagnostic at its own file, and the guardrail beside it is judged."""
    limits = Limits(seconds=1.5, memory=256, output=4)
    began = time.monotonic()
    outcome = judge(cue, OBJECTS, bomb, limits=limits)
    assert time.monotonic() - began < 6 * limits.seconds
    assert outcome.diagnostics
    assert {d.primary.span.file for d in outcome.diagnostics if d.primary} == {"policies/guardrails/1.cue"}
    assert {d.code for d in outcome.diagnostics} <= {"PHX402", "PHX405", "PHX406", "PHX408"}
    assert [v.name for v in outcome.value.violations] == ["always"]
    assert outcome.value.unjudged == frozenset({"e"})


def test_time_is_limited(cue: Path) -> None:
    diagnostic = only(judge(cue, BOMBS["loops"], limits=Limits(seconds=1)))
    assert (diagnostic.code, diagnostic.message) == ("PHX408", "guardrail did not finish within 1 s")


def test_memory_is_limited(cue: Path) -> None:
    diagnostic = only(judge(cue, BOMBS["doubling lists"], limits=Limits(seconds=60, memory=64)))
    assert (diagnostic.code, diagnostic.message) == ("PHX408", "guardrail needs more than 64 MiB of memory")


def test_output_is_limited(cue: Path) -> None:
    text = (
        'package guardrails\nimport "strings"\ninput: _\n'
        'violations: n: {path: ["E", "e"], message: strings.Repeat("x", 1000000) + strings.Repeat("y", 1000000)}\n'
    )
    diagnostic = only(judge(cue, text, limits=Limits(output=1)))
    assert (diagnostic.code, diagnostic.message) == ("PHX408", "guardrail has more than 1 MiB to say")


def test_nothing_of_our_environment_is_seen(cue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = tmp_path / "cue"
    seen = tmp_path / "seen"
    spy.write_text(f'#!/bin/sh\n{{ env; pwd; }} > {seen}\nexec {cue} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("CUE_EXPERIMENT", "nonsense")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    outcome = judge(spy, OBJECTS)
    assert [v.name for v in outcome.value.violations] == ["always"]
    lines = seen.read_text().splitlines()
    *environment, folder = [line for line in lines if not line.startswith(("_=", "OLDPWD="))]
    values = dict(line.split("=", 1) for line in environment)
    assert set(values) == {
        "HOME",
        "TMPDIR",
        "CUE_CACHE_DIR",
        "CUE_CONFIG_DIR",
        "CUE_REGISTRY",
        "GOMAXPROCS",
        "GOMEMLIMIT",
        "GOTRACEBACK",
        "LC_ALL",
        "NO_COLOR",
        "PWD",
    }
    assert values["CUE_REGISTRY"] == "none"
    assert values["HOME"] == folder == values["PWD"]
    assert not Path(folder).exists()


def test_many_inputs_are_judged_in_batches(cue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phoenix_gitops.constraints._BATCH_BYTES", 30)
    inputs = [ConstraintInput(id=f"e{n}", data={"name": f"e{n}"}) for n in range(5)]
    outcome = run([GuardrailFile(file="a.cue", text=OBJECTS)], inputs, cue=cue)
    assert [(v.input, v.path) for v in outcome.value.violations] == [
        (f"e{n}", ("Environment", f"e{n}")) for n in range(5)
    ]


def test_a_cue_that_fails_without_a_word_is_a_fault_of_every_guardrail(tmp_path: Path) -> None:
    broken = tmp_path / "cue"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    outcome = judge(broken, OBJECTS, OBJECTS)
    assert [(d.code, place(d)) for d in outcome.diagnostics] == [
        ("PHX402", "policies/guardrails/0.cue:1:1"),
        ("PHX402", "policies/guardrails/1.cue:1:1"),
    ]
    assert outcome.value == Verdict(unjudged=frozenset({"e"}))


def test_the_same_text_gives_the_same_outcome(cue: Path) -> None:
    rule = HEAD + 'violations: {for n in input.names {"\\(n)": {path: ["T", n], message: "m"}}}\n'
    data = {"name": "e", "names": [f"t{n}" for n in range(50)]}
    assert judge(cue, rule, OBJECTS, data=data) == judge(cue, rule, OBJECTS, data=data)
