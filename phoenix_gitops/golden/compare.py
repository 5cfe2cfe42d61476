"""Golden data against what came out: every difference is one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeVar

from phoenix_gitops.golden.expect import EXECUTABLE, Expected
from phoenix_gitops.golden.exposition import Shown
from phoenix_gitops.model.pipeline import Contract

Key = TypeVar("Key")

_CLOSE = 1e-9
_NODE = "host.name"


def differences(wanted: Mapping[Key, float], found: Mapping[Key, float]) -> list[str]:
    """What is missing, what should not be there, and what has another value; sorted."""
    lines = [f"missing: {key}" for key in wanted.keys() - found.keys()]
    lines += [f"not expected: {key}" for key in found.keys() - wanted.keys()]
    lines += [
        f"{found[key]:g} instead of {wanted[key]:g}: {key}"
        for key in wanted.keys() & found.keys()
        if not math.isclose(wanted[key], found[key], rel_tol=_CLOSE, abs_tol=_CLOSE)
    ]
    return sorted(lines)


def breaches(contract: Contract, wanted: Expected, found: Mapping[Shown, float], inputs: int) -> Iterator[str]:
    """Where what came out of `inputs` series breaks the contract of its pipeline."""
    saved = 1 - len(found) / inputs
    if saved < contract.reduction_min:
        yield f"{saved:.2f} of the series are saved, and the contract says at least {contract.reduction_min:g}"
    if saved > contract.reduction_max:
        yield f"{saved:.2f} of the series are saved, and the contract says at most {contract.reduction_max:g}"
    shown = {(labels.get(_label(_NODE), ""), labels.get(_label(EXECUTABLE), "")) for labels in _labels(found)}
    for class_ in contract.preserve:
        for node, name in sorted(wanted.named.get(class_, frozenset()) - shown):
            yield f"process {name} of {node} is of class {class_}, which is preserved, and not shown by its name"


def _labels(found: Mapping[Shown, float]) -> Iterator[dict[str, str]]:
    return (dict(series.labels) for series in found)


def _label(attribute: str) -> str:
    return attribute.replace(".", "_")
