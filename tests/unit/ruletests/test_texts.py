"""Texts of alerts, as Go's templates show them."""

from __future__ import annotations

import pytest

from phoenix_gitops.ruletests.texts import UnreadableTemplateError, rendered

SHOWN = {
    "{{ $value }}": {1001.0: "1001", 1e6: "1e+06", 123456789.0: "1.23456789e+08", 1e-05: "1e-05", 0.1: "0.1", 0.0: "0"},
    "{{ $value | humanize }}": {1001.0: "1.001k", 0.5: "500m", 0.0: "0", 3.0: "3", 1234567.0: "1.235M"},
    "{{ $value | humanizePercentage }}": {0.9499: "94.99%", 1.0: "100%"},
    "{{ $value | humanizeDuration }}": {90.0: "1m 30s", 0.0: "0s", 90061.0: "1d 1h 1m 1s", 2.5: "2.5s", 0.25: "250ms"},
    "{{ humanize1024 $value }}": {2048.0: "2ki", 1.0: "1"},
    '{{ printf "%.2f" $value }} s': {1.005: "1.00 s"},
    "{{- .Value -}}": {7.0: "7"},
}


@pytest.mark.parametrize(
    ("text", "value", "shown"), [(t, v, s) for t, found in SHOWN.items() for v, s in found.items()]
)
def test_values(text, value, shown):
    assert rendered(text, {}, value) == shown


def test_labels_that_are_not_there_are_empty():
    assert rendered("{{ $labels.pod }}/{{ .Labels.namespace | toUpper }}!", {"pod": "a"}, 1) == "a/!"


@pytest.mark.parametrize(
    "text", ["{{ if $value }}x{{ end }}", '{{ query "up" }}', '{{ "x" | humanize }}', "{{ $value | title }}"]
)
def test_other_templates_are_not_guessed(text):
    with pytest.raises(UnreadableTemplateError):
        rendered(text, {}, 1)
