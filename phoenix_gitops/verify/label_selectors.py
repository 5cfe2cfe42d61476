"""Label selectors as they are written: keys, values and operators that the API server takes."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import entries, mapping, text, texts
from phoenix_gitops.verify.choices import choice_fault
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.names import check_label_key, check_label_value, check_labels

_WITH_VALUES = ("In", "NotIn")
_OPERATORS = (*_WITH_VALUES, "Exists", "DoesNotExist")


def check_selector(selector: object, at: ObjectPath) -> Iterator[Fault]:
    """All of a `LabelSelector`; one that is absent has no faults."""
    found = mapping(selector)
    if not found:
        return
    yield from check_labels(found.get("matchLabels"), (*at, "matchLabels"))
    for index, expression in entries(found.get("matchExpressions")):
        where: ObjectPath = (*at, "matchExpressions", index)
        key, operator = text(expression.get("key")), text(expression.get("operator"))
        values = expression.get("values")
        yield from check_label_key(key, (*where, "key"))
        if operator not in _OPERATORS:
            yield choice_fault((*where, "operator"), operator, _OPERATORS)
        elif bool(values) != (operator in _WITH_VALUES):
            needs = "needs `values`" if operator in _WITH_VALUES else "takes no `values`"
            code = "PHX704" if operator in _WITH_VALUES else "PHX718"
            yield Fault(at=(*where, "values"), code=code, message=f"operator `{operator}` {needs}")
        for value in texts(values):
            yield from check_label_value(value, (*where, "values"))
