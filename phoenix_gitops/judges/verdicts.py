"""What judges say, read back as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.document import Path

Load = Callable[[str], Any]
"""The plain data of a file that is judged, by its path; None where it is not YAML."""


REFUSED, TEST_FAILED, NOT_RUNNING, BROKEN_POLICY = "PHX780", "PHX781", "PHX782", "PHX783"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a judge has against one file."""

    code: str
    file: str
    """As the judge was given it: relative to the folder of all that is judged."""
    message: str
    """The judge's words in one line."""
    about: str = ""
    """What it is about, such as ``the alert `CheckoutDown` ``; empty for the whole file."""
    at: Path = ()
    """The path in the file's data, as far as it is told."""
    line: int = 0
    """The line in the file, 0 where it is not told."""
    policy: tuple[str, str] | None = None
    """Kind and name of the policy that is not kept, where it is known beforehand."""
    said: tuple[str, ...] = ()
    """The further lines of what the judge said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one question to a judge."""

    took: int = 0
    """How many of what it was asked about it accepts."""
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    failure: str = ""
    """Why there is no verdict: the judge crashed, hung, or said what nobody understands."""
    said: tuple[str, ...] = ()
    """The last lines of what a judge without a verdict said."""

    @property
    def given(self) -> bool:
        """Whether there is a verdict."""
        return not self.failure


def tail(text: str, lines: int = 8) -> tuple[str, ...]:
    """The last lines of what a program said, without empty ones."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-lines:]


def failed(why: str, said: str) -> Verdict:
    """No verdict."""
    return Verdict(failure=why, said=tail(said))


def place_of_rule(data: Any, group: str, number: int | None, name: str, inner: Path = ()) -> Path:  # noqa: ANN401
    """Where a rule stands in a rule file: by its number from 1, else by its name; its group if there is none."""
    groups = data.get("groups") if isinstance(data, dict) else None
    for i, candidate in enumerate(groups if isinstance(groups, list) else ()):
        if not isinstance(candidate, dict) or candidate.get("name") != group:
            continue
        rules = candidate.get("rules")
        for j, rule in enumerate(rules if isinstance(rules, list) else ()):
            if j + 1 == number or (number is None and name in _names(rule)):
                return ("groups", i, "rules", j, *inner)
        return ("groups", i)
    return ()


def _names(rule: object) -> tuple[object, ...]:
    return (rule.get("alert"), rule.get("record")) if isinstance(rule, dict) else ()


def rule_named(data: Any, at: Path, name: str) -> str:  # noqa: ANN401 -- plain data of any shape
    """A rule in words, by its path."""
    rule = data
    for step in at[:4]:
        rule = rule[step]
    kinds = [kind for kind in ("alert", "record") if isinstance(rule, dict) and kind in rule]
    return f"the {kinds[0] if kinds else 'rule'} `{name}`"


def sections(said: str, head: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    """Each file that a head names, and the lines without empty ones that were said of it."""
    file, lines = "", list[str]()
    for line in said.splitlines():
        found = head.fullmatch(line)
        if found is None:
            lines += [line.rstrip()] if line.strip() else []
            continue
        if file:
            yield file, lines
        file, lines = found["file"].strip(), []
    if file:
        yield file, lines


def counted(files: Sequence[str], took: set[str], found: Sequence[Refusal], code: int, said: str) -> Verdict:
    """The verdict, if each file has one and the exit status says the same."""
    refused = {refusal.file for refusal in found}
    if took | refused != set(files) or bool(refused) != bool(code):
        return failed(f"ended with status {code}, and not each of {len(files)} files has a verdict", said)
    return Verdict(took=len(took - refused), refused=len(refused), refusals=tuple(found))


def failed_tests(
    file: str, lines: Sequence[str], expected: re.Pattern[str], expressions: str, load: Load
) -> Iterator[Refusal]:
    """The failed expectations of one file: each begins with a line that `expected` matches."""
    faults: list[tuple[re.Match[str] | None, list[str]]] = []
    for line in lines:
        head = expected.fullmatch(line)
        if head is not None or not faults:
            faults.append((head, [] if head else [line.strip()]))
        else:
            faults[-1][1].append(line.strip())
    for head, said in faults:
        if head is not None:
            what = f"alert `{head['alert']}`" if head["alert"] else f"expression `{head['expr']}`"
            at = _expectation(load(file), head, expressions)
            about = f"the {what} at {head['time']}"
            words, _, got = " ".join(said).partition(" got:")
            compared = (f"expected {words.removeprefix('exp:').strip(' ,')}", f"got {got.strip()}") if got else said
            yield Refusal(
                code=TEST_FAILED, file=file, message="is not as expected", about=about, at=at, said=tuple(compared)
            )
        elif len(faults) == 1:
            yield Refusal(code=TEST_FAILED, file=file, message=said[-1], said=tuple(said[:-1]))


_PART = re.compile("([0-9]+)(ms|[smhdwy])")
_MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}


def _milliseconds(duration: str) -> int:
    """A duration, however it is written: `120s` is `2m` and `2m0s`."""
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(duration))


def _expectation(data: object, told: re.Match[str], expressions: str) -> Path:
    """Where a test file says what was expected."""
    section, key, value = (
        ("alert_rule_test", "alertname", told["alert"]) if told["alert"] else (expressions, "expr", told["expr"])
    )
    near: Path = ()
    tests = data.get("tests") if isinstance(data, dict) else None
    for i, test in enumerate(tests if isinstance(tests, list) else ()):
        items = test.get(section) if isinstance(test, dict) else None
        for j, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict) and item.get(key) == value:
                if _milliseconds(str(item.get("eval_time", ""))) == _milliseconds(told["time"]):
                    return ("tests", i, section, j)
                near = near or ("tests", i, section, j)
    return near
