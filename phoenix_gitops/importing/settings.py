"""Settings of the original platform, its `.env` and its control file, as a ControlPolicy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from phoenix_gitops.diagnostics import Diagnostic, Span
from phoenix_gitops.importing.drafts import WHOLE, Draft, Taken, left
from phoenix_gitops.importing.reading import Node
from phoenix_gitops.importing.rules import Aim

PRESET = "standard"
CONTROL_FILE = "optimization_profile"
"""The key by which a control file is known."""

_VARIABLE = re.compile(r"(?:export )?([A-Z][A-Z0-9_]*)=(.*)")
_FIELDS: dict[str, tuple[str, ...]] = {
    "TARGET_OPTIMIZED_PIPELINE_TS_COUNT": ("setPoint",),
    "THRESHOLD_OPTIMIZATION_CONSERVATIVE_MAX_TS": ("profiles", "balanced"),
    "THRESHOLD_OPTIMIZATION_AGGRESSIVE_MIN_TS": ("profiles", "aggressive"),
    "HYSTERESIS_FACTOR": ("hysteresis",),
    "ADAPTIVE_CONTROLLER_INTERVAL_SECONDS": ("interval",),
    "ADAPTIVE_CONTROLLER_STABILITY_SECONDS": ("stability",),
    "PID_KP": ("pid", "kp"),
    "PID_KI": ("pid", "ki"),
    "PID_KD": ("pid", "kd"),
    "PID_INTEGRAL_LIMIT": ("pid", "integralLimit"),
    "TARGET_COST_REDUCTION_RATIO_FOR_BALANCED": ("costReductionTarget",),
}
"""Variables that have a field in a ControlPolicy; the second step of `profiles` is the profile's name."""
_THRESHOLDS: dict[str, tuple[str, ...]] = {
    "conservative_max_ts": ("profiles", "balanced"),
    "aggressive_min_ts": ("profiles", "aggressive"),
}
_WHOLE_NUMBERS = {"setPoint", "profiles"}
_SECONDS = {"interval", "stability"}
_COMMENT = ("Imported settings of the control law; an Environment uses it that names it in `spec.control`.",)


def read_env(file: str, content: bytes) -> Node:
    """The variables of a `.env` file, with the places of their values; other lines say nothing."""
    entries: dict[str, Node] = {}
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
        match = _VARIABLE.fullmatch(line.strip())
        if match is not None:
            value = match[2].split(" #")[0].strip().strip("\"'")
            entries[match[1]] = Node(value, Span(file, number, 1, number, len(match[1]) + 1))
    return Node(entries, Span(file, 1, 1, 1, 1))


def is_settings(document: Node) -> bool:
    """Whether a document is a control file or has variables of a `.env` file."""
    entries = document.entries()
    return CONTROL_FILE in entries or (bool(entries) and all(_VARIABLE.fullmatch(f"{key}=") for key in entries))


def take(documents: Sequence[Node], aim: Aim) -> Taken:
    """One ControlPolicy of all settings; what has no field in it is listed, by its name alone."""
    spec: dict[str, Any] = {}
    notes: list[Diagnostic] = []
    for document in documents:
        control = CONTROL_FILE in document.entries()
        if control:
            known, found = _THRESHOLDS, document.entries("thresholds")
            for key in sorted(document.entries().keys() - {"thresholds"}):
                notes.append(left(document.entries()[key].span, f"`{key}`", "the running system owns it, not Git"))
        else:
            known, found = _FIELDS, document.entries()
        for key, node in found.items():
            value = _value(known[key], node) if key in known else None
            if value is None:
                notes.append(left(node.span, f"`{key}`", _why(key, known)))
            else:
                _put(spec, known[key], value)
    if not spec:
        return Taken(notes=tuple(notes))
    if "profiles" in spec:
        spec["profiles"] = [{"name": name, "above": above} for name, above in sorted(spec["profiles"].items())]
    draft = Draft(
        kind="ControlPolicy",
        name="imported",
        owner=aim.owner,
        spec={"extends": PRESET, **spec},
        file="policies/control/imported.yaml",
        sources={WHOLE: documents[0].span},
        comment=_COMMENT,
    )
    return Taken((draft,), tuple(notes))


def _value(path: tuple[str, ...], node: Node) -> int | float | str | None:
    text = node.value if isinstance(node.value, str) else ""
    if re.fullmatch(r"[0-9]{1,12}([.][0-9]{1,12})?", text) is None:
        return None
    if path[0] in _WHOLE_NUMBERS or path[0] in _SECONDS:
        if not text.isdecimal():
            return None
        return f"{int(text)}s" if path[0] in _SECONDS else int(text)
    return float(text)


def _put(spec: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    if len(path) == 1:
        spec[path[0]] = value
    else:
        spec.setdefault(path[0], {})[path[1]] = value


def _why(key: str, known: dict[str, tuple[str, ...]]) -> str:
    if key in known:
        return f"its value is no number that `{'.'.join(known[key])}` of a ControlPolicy takes"
    if re.search("KEY|TOKEN|PASSWORD|SECRET", key):
        return "no policy holds a secret; an export of a Pipeline names one by reference"
    if key.endswith(("_URL", "_ENDPOINT")):
        return "addresses follow from the Environment and from the exports of its pipelines"
    return "no policy has a field for it"
