"""The nearest known word, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or None where none is near; equal likeness goes by the alphabet."""
    from difflib import SequenceMatcher

    folded = word.casefold()
    best: tuple[float, str] | None = None
    for candidate in sorted(set(candidates)):
        if candidate == word:
            continue
        likeness = SequenceMatcher(None, folded, candidate.casefold()).ratio()
        if likeness >= 0.6 and (best is None or likeness > best[0]):
            best = (likeness, candidate)
    return best[1] if best else None
