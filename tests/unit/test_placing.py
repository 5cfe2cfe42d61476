"""Where in a patch or a template's text the cause of a value stands."""

from __future__ import annotations

import pytest

from phoenix_gitops.placing import patch_path, template_line

BODY = {
    "metadata": {"labels": {"a": "1"}},
    "spec": {
        "containers": [
            {"name": "side", "image": "s:1"},
            {"name": "main", "image": "m:2", "args": ["-x", "-y"]},
        ]
    },
}


@pytest.mark.parametrize(
    ("patch", "at", "found"),
    [
        ({"metadata": {"labels": {"a": "1", "b": "2"}}}, ("metadata", "labels", "a"), ("metadata", "labels", "a")),
        (
            {"spec": {"containers": [{"name": "main", "image": "m:2", "x": 1}]}},
            ("spec", "containers", 1, "image"),
            ("spec", "containers", 0, "image"),
        ),
        (
            {"spec": {"containers": [{"name": "main", "x": 1, "args": ["-y", "-z"]}]}},
            ("spec", "containers", 1, "args", 1),
            ("spec", "containers", 0, "args", 0),
        ),
        # Another item of the list, or nothing there: as far as the patch goes.
        (
            {"spec": {"containers": [{"name": "main", "x": 1, "image": "m:2"}], "y": 1}},
            ("spec", "containers", 0, "image"),
            ("spec", "containers"),
        ),
        ({"spec": {"x": 1}, "metadata": {"x": 1}}, ("data", "a"), ()),
        # Where only one thing is patched, it is that.
        ({"spec": {"template": {"replicas": 3}}}, ("metadata", "labels"), ("spec", "template", "replicas")),
        ({"spec": {"replicas": None}}, ("spec",), ("spec", "replicas")),
    ],
)
def test_patch_path(patch, at, found):
    assert patch_path(patch, BODY, at) == found


TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ name | yaml }}
  labels: {{ labels | yaml }}
# a comment with name: inside
spec:
{% if replicas is not none %}
  replicas: {{ replicas | yaml }}
{% endif %}
  template:
    spec:
      containers:
      - name: first
        "image": a:1
      - name: second
        image: {{ image | yaml }}
        ports:
          - - containerPort: 1
            - containerPort: 2
      volumes: []
  selector: {}
"""


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ((), 1),
        (("kind",), 2),
        (("metadata", "name"), 4),
        (("metadata", "labels", "app"), 5),
        (("metadata", "annotations", "x"), 3),
        (("spec", "replicas"), 9),
        (("spec", "template", "spec", "containers", 0, "image"), 15),
        (("spec", "template", "spec", "containers", 1, "image"), 17),
        (("spec", "template", "spec", "containers", 1, "name"), 16),
        (("spec", "template", "spec", "containers", 1, "ports", 0, 1), 20),
        (("spec", "template", "spec", "containers", 2, "image"), 13),
        (("spec", "template", "spec", "volumes", 0), 21),
        (("spec", "selector", "matchLabels"), 22),
        (("spec", "name"), 7),
    ],
)
def test_template_line(at, line):
    assert template_line(TEMPLATE, at) == line
