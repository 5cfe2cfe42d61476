"""Diagnostics as values: order, and what is said once."""

from __future__ import annotations

from dataclasses import replace

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity, Span, folded, ordered

FAULT = Diagnostic(code="PHX711", message="bad label", primary=Label(Span("a.yaml", 3, 1, 3, 4)), help="mend it")


def test_faults_that_differ_in_their_notes_only_are_one():
    faults = [replace(FAULT, notes=(f"in {file}",)) for file in ("z", "b", "y")]
    (one,) = folded(faults)
    assert one == replace(FAULT, notes=("in z", "and in 2 more places"))
    assert folded(faults[:2])[0].notes[-1] == "and in 1 more place"
    assert folded([FAULT, FAULT]) == (FAULT,)


def test_what_is_no_fault_is_told_whole():
    notes = [Diagnostic(code="PHX700", message="m", notes=(kind,), severity=Severity.NOTE) for kind in ("b", "a", "b")]
    assert [one.notes for one in folded(notes)] == [("a", "b")]


def test_faults_that_differ_in_anything_else_stay():
    others = [
        replace(FAULT, message="another"),
        replace(FAULT, help="otherwise"),
        replace(FAULT, primary=Label(Span("a.yaml", 4, 1, 4, 4))),
        replace(FAULT, secondary=(Label(Span("b.yaml", 1, 1, 1, 2)),)),
    ]
    assert set(folded([FAULT, *others])) == {FAULT, *others}


def test_folding_keeps_the_order():
    faults = [replace(FAULT, primary=Label(Span(file, 1, 1, 1, 2))) for file in ("b", "a", "c")]
    assert folded(faults) == ordered(faults)
    assert [d.primary.span.file for d in folded(faults) if d.primary] == ["a", "b", "c"]
