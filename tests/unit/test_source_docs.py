"""The pages of the 1xx codes: their YAML examples fail with just that code, and are fine when mended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phoenix_gitops.codes import CODES
from phoenix_gitops.source import parse

PAGES = Path(__file__).parents[2] / "docs" / "codes"
OURS = [code for code in CODES.values() if code.code.startswith("PHX1") and code.code != "PHX126"]
"""The loader's codes; PHX126 is what `phoenix fmt` says of sound files."""
HEADINGS = ["What it means", "Why it matters", "Wrong", "Right"]
# About bytes, sizes and files: no YAML text can show these.
WITHOUT_YAML = {101, 102, 115, 116, *range(120, 126)}


def sections(code: str) -> dict[str, str]:
    title, *parts = re.split(r"^## (.*)$", (PAGES / f"{code}.md").read_text(), flags=re.MULTILINE)
    assert title == f"# {code}: {CODES[code].slug}\n\n"
    assert parts[::2] == HEADINGS
    return dict(zip(parts[::2], parts[1::2], strict=True))


def example(section: str, language: str) -> bytes:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    return str(text).encode()


@pytest.mark.parametrize("code", [code.code for code in OURS])
def test_page(code: str) -> None:
    parts = sections(code)
    if int(code[3:]) in WITHOUT_YAML:
        assert example(parts["Wrong"], "text")
        assert example(parts["Right"], "text")
        return
    wrong, right = (parse("x.yaml", example(parts[name], "yaml")) for name in ("Wrong", "Right"))
    assert {fault.code for fault in wrong.diagnostics} == {code}
    assert right.diagnostics == ()


def test_the_table_holds_every_code_that_the_loader_says() -> None:
    folder = Path(__file__).parents[2] / "phoenix_gitops" / "source"
    said = {code for file in folder.glob("*.py") for code in re.findall(r"PHX\d{3}", file.read_text())}
    # The walk is where a guardrail that nobody would read is seen; its page stands with the guardrails.
    assert said == {code.code for code in OURS} | {"PHX407"}
