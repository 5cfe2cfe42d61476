"""Faults of rules at their place in a policy, and at the line of another that is behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.diagnostics import Diagnostic, Label
from phoenix_gitops.document import Path
from phoenix_gitops.promql.check import Finding, offset

Locate = Callable[[PolicyRef, Path], Label | None]
"""Finds the place of a value in a policy."""


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """A finding and the value in a policy that it is about."""

    policy: PolicyRef
    path: Path
    finding: Finding
    text: str = ""
    """The expression that the value holds, as it is written; empty where it holds none."""

    def diagnostic(self, locate: Locate, cause: Locate | None = None) -> Diagnostic:
        """The fault as a user sees it; `locate` finds the value's place, `cause` that of what is behind it."""
        loss = self.finding.loss
        taken = (cause or locate)(loss.policy, loss.path) if loss is not None and loss.policy is not None else None
        return Diagnostic(
            code=self.finding.code,
            message=self.finding.message,
            primary=self._narrowed(locate(self.policy, self.path)),
            secondary=() if taken is None else (replace(taken, text="lost here"),),
            help=self.finding.help,
            severity=self.finding.severity,
        )

    def _narrowed(self, label: Label | None) -> Label | None:
        """The word that is meant, where the value is plain text on one line, so that columns can be counted."""
        at = offset(self.text, self.finding.word) if self.finding.word else None
        if label is None or at is None:
            return label
        span = label.span
        if span.line != span.end_line or span.end_col - span.col != len(self.text):
            return label
        start = span.col + at
        return Label(replace(span, col=start, end_col=start + len(self.finding.word)), label.text)
