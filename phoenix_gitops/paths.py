"""Paths into plain data as people read and write them: `spec.containers[0].image`."""

from __future__ import annotations

import re

from phoenix_gitops.document import Path

_STEP = re.compile(r"\[([0-9]+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|\.?([^.\[\]]+)")


def parse_path(text: str) -> Path:
    """A path such as `spec.containers[0].image` or `metadata.labels["app.kubernetes.io/name"]`."""
    steps: list[str | int] = []
    for index, quoted, name in _STEP.findall(text):
        steps.append(int(index) if index else re.sub(r"\\(.)", r"\1", quoted) or name)
    return tuple(steps)


def show_path(path: Path) -> str:
    """A path in the form that `parse_path` reads."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[^.\[\]\"/]+", step):
            text += f".{step}"
        else:
            escaped = re.sub(r'(["\\])', r"\\\1", step)
            text += f'["{escaped}"]'
    return text.removeprefix(".")
