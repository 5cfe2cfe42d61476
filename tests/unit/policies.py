"""Policies for unit tests: text in, documents out, through the real loader."""

from __future__ import annotations

import textwrap

from phoenix_gitops.document import Document
from phoenix_gitops.source import parse

HEAD = "apiVersion: policy.phoenix.io/v1alpha1\n"


def document(text: str, file: str = "policies/test.yaml") -> Document:
    """One document; the test's text must be sound YAML."""
    outcome = parse(file, (HEAD + textwrap.dedent(text)).encode())
    assert outcome.value is not None, outcome.diagnostics
    assert not outcome.diagnostics
    return outcome.value


def tenant(name: str, spec: str = "class: shared\nidentity: {namespaces: [a]}", file: str = "") -> Document:
    """A tenant of a name with this spec."""
    body = textwrap.indent(textwrap.dedent(spec), "  ")
    text = f"kind: Tenant\nmetadata: {{name: {name}, owner: team}}\nspec:\n{body}\n"
    return document(text, file or f"policies/tenants/{name}.yaml")
