"""A small RBAC evaluator for namespaced rights: what a group may do, given Roles and RoleBindings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def may(objects: Iterable[Mapping[str, Any]], group: str, namespace: str, verb: str, resource: str) -> bool:
    """Whether a group may `verb` a `resource`, written `deployments.apps` or `pods/log`, in a namespace."""
    found = [o for o in objects if o["metadata"].get("namespace") == namespace]
    roles = {o["metadata"]["name"]: o["rules"] for o in found if o["kind"] == "Role"}
    for binding in (o for o in found if o["kind"] == "RoleBinding"):
        subjects = [s["name"] for s in binding["subjects"] if s["kind"] == "Group"]
        assert binding["roleRef"]["kind"] == "Role"
        rules = roles[binding["roleRef"]["name"]]
        if group in subjects and any(_grants(rule, verb, resource) for rule in rules):
            return True
    return False


def _grants(rule: Mapping[str, Any], verb: str, resource: str) -> bool:
    name, _, api_group = resource.partition(".")
    return all(
        "*" in allowed or wanted in allowed
        for allowed, wanted in (
            (rule["verbs"], verb),
            (rule["apiGroups"], api_group),
            (rule["resources"], name),
        )
    )
