"""Label selectors: whether they match."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_gitops.verify.access import Mapping, entries, pairs, text, texts

Labels = Mapping
"""Label keys to values; other types never match."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector: every pair and every expression must hold. The empty one matches everything."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Key, operator (In, NotIn, Exists, DoesNotExist), values."""

    @classmethod
    def of(cls, data: Mapping) -> Selector:
        """A `LabelSelector` as Kubernetes writes it."""
        return cls(
            tuple(sorted(pairs(data.get("matchLabels")))),
            tuple(
                (text(e.get("key")), text(e.get("operator")), tuple(texts(e.get("values"))))
                for _, e in entries(data.get("matchExpressions"))
            ),
        )

    @classmethod
    def plain(cls, data: Mapping) -> Selector:
        """A bare mapping of labels, as a Service has."""
        return cls(tuple(sorted(pairs(data))))

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.labels) and all(
            _holds(labels, key, operator, values) for key, operator, values in self.expressions
        )

    def __str__(self) -> str:
        parts = [f"{key}={value}" for key, value in self.labels]
        parts += [f"{key} {operator} {','.join(values)}".strip() for key, operator, values in self.expressions]
        return ", ".join(parts)


def _holds(labels: Labels, key: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    return (key in labels) == (operator == "Exists")
