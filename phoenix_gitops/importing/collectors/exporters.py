"""Exporters as the exports of a Pipeline. A key in clear text is never copied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from phoenix_gitops.diagnostics import Diagnostic, Label, Severity
from phoenix_gitops.importing.collectors.chain import as_duration, literal
from phoenix_gitops.importing.collectors.ledger import Ledger
from phoenix_gitops.importing.drafts import slug
from phoenix_gitops.importing.reading import Node

Secrets = Mapping[str, Mapping[str, str]]
"""The `secretRef` of each variable that our own gateways have."""
CLEAR: Final = "PHX825"
_REFERENCE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET: Final = re.compile(
    r"password|passwd|token|secret|api[-_]?key|licen[cs]e|credential|authorization|bearer", re.I
)
_DONE_ANYWAY: Final = (
    ("sending_queue", "enabled", "true"),
    ("sending_queue", "sizer", "requests"),
    ("retry_on_failure", "enabled", "true"),
)
_ENDPOINT: Final = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[^ ]*)?")
_NAMESPACE: Final = re.compile("[a-z_][a-z0-9_]*")


def secrets(ledger: Ledger, node: Node, key: str = "") -> None:
    """Tells every secret that stands in clear text below a node; after that nobody reads it."""
    if isinstance(node.value, dict):
        for name, inner in node.value.items():
            secrets(ledger, inner, "headers" if key == "headers" and name.lower() != "content-type" else name)
    elif isinstance(node.value, list):
        for inner in node.value:
            secrets(ledger, inner, key)
    elif node.value and (key == "headers" or _SECRET.search(key)) and not key.endswith(("_file", "_from")):
        if _REFERENCE.fullmatch(node.value) or node.value in {"true", "false", "0"}:
            return
        ledger.refuse(node, in_clear(node))


def in_clear(node: Node) -> Diagnostic:
    """The warning about a secret in clear text; it does not show it."""
    return Diagnostic(
        code=CLEAR,
        message="a secret stands here in clear text, and is not carried over",
        primary=Label(node.span),
        help="make a Secret of it, name that in `secretRef` of the export, and change it: it was in a file",
        severity=Severity.WARNING,
    )


def export(ledger: Ledger, type_: str, title: str, node: Node, known: Secrets) -> dict[str, Any] | None:
    """What an exporter is as an export without its name, by its newest name; None where it cannot be one.

    `known` says in which Secret the key of a variable is.
    """
    if type_ == "prometheus":
        return _prometheus(ledger, node)
    return _otlp(ledger, title, node, known) if type_ == "otlp_http" else None


def alias(ledger: Ledger, node: Node) -> str | None:
    """The former name of the pipeline, which our own exporters show."""
    found = node.text("const_labels", "pipeline_alias")
    if not found:
        return None
    ledger.carry(node.get("const_labels", "pipeline_alias"))
    return found


def _prometheus(ledger: Ledger, node: Node) -> dict[str, Any] | None:
    port, namespace = node.text("endpoint").rpartition(":")[2], node.text("namespace")
    if not port.isdigit() or not _NAMESPACE.fullmatch(namespace):
        return None
    found: dict[str, Any] = {"port": int(port), "namespace": namespace}
    ledger.carry(node.get("endpoint"), node.get("namespace"))
    if as_duration(node.text("metric_expiration")):
        found["expiration"] = node.text("metric_expiration")
        ledger.carry(node.get("metric_expiration"))
    return {"prometheus": found}


def _otlp(ledger: Ledger, title: str, node: Node, known: Secrets) -> dict[str, Any] | None:
    endpoint = literal(node.text("endpoint")) or ""
    if not _ENDPOINT.fullmatch(endpoint):
        return None
    ledger.carry(node.get("endpoint"))
    # What an exporter does that is told nothing, where a Pipeline's export does something else.
    found: dict[str, Any] = {"endpoint": endpoint, "queue": {"size": 1000, "consumers": 10}}
    if node.text("compression") in {"gzip", "none", "zstd"}:
        found["compression"] = node.text("compression")
        ledger.carry(node.get("compression"))
    queue = _figures(ledger, node, "sending_queue", (("queue_size", "size"), ("num_consumers", "consumers")))
    found["queue"] |= queue
    waits = (("initial_interval", "initial"), ("max_interval", "max"), ("max_elapsed_time", "elapsed"))
    retry = {"initial": "5s", "max": "30s", "elapsed": "5m"}
    for name, key in waits:
        if as_duration(node.text("retry_on_failure", name)):
            retry[key] = node.text("retry_on_failure", name)
            ledger.carry(node.get("retry_on_failure", name))
    found["retry"] = retry
    for section, key, said in _DONE_ANYWAY:
        ledger.carry(node.get(section, key) if node.text(section, key) == said else None)
    headers = [(name, each) for name, each in node.entries("headers").items() if not ledger.knows(each)]
    for name, each in headers[:1]:
        reference = _REFERENCE.fullmatch(each.value) if isinstance(each.value, str) else None
        if reference is not None and reference[1] in known:
            found |= {"header": name, "secretRef": dict(known[reference[1]])}
            ledger.carry(each)
        elif reference is not None:
            variable = slug(reference[1].replace("_", "-"))
            found |= {"header": name, "secretRef": {"name": variable, "key": "key"}}
            what = (
                f"header `{name}` of `{title}` comes from key `key` of Secret `{variable}`, not from `{reference[1]}`"
            )
            ledger.change(each, what, "make that Secret in the gateway's namespace, or name another in `secretRef`")
    return {"otlpHttp": found}


def _figures(ledger: Ledger, node: Node, section: str, names: tuple[tuple[str, str], ...]) -> dict[str, int]:
    found = {}
    for name, key in names:
        if node.text(section, name).isdigit() and int(node.text(section, name)) > 0:
            found[key] = int(node.text(section, name))
            ledger.carry(node.get(section, name))
    return found


def masked(texts: Mapping[str, str], notes: Iterable[Diagnostic]) -> dict[str, str]:
    """Texts of files as they may be shown: stars where secrets stand in clear text."""
    found = dict(texts)
    for note in notes:
        if note.code == CLEAR and note.primary is not None and note.primary.span.file in found:
            span = note.primary.span
            lines = found[span.file].split("\n")
            # A text of several lines has no end that is known: what is deeper than its key goes too.
            for at in range(span.line - 1, max(span.end_line, span.line)):
                start = span.col - 1 if at == span.line - 1 else 0
                lines[at] = lines[at][:start] + "*" * len(lines[at][start:])
            found[span.file] = "\n".join(lines)
    return found
