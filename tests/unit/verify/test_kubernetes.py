"""Built-in schemas: our verdict is kubernetes-validate's but for null; the cache is only used when whole."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.verify.kubernetes import BuiltinSchemas, supported_minors
from phoenix_gitops.verify.schema_cache import SchemaCache
from tests.unit.verify.samples import MINOR, Body, cluster, leaves, schemas, workload

DEPLOYMENT = ("apps", "v1", "Deployment")
VARIANTS: tuple[Any, ...] = ("x", 7, True, None, [], {}, 1.5)


def builtin_samples() -> dict[str, Body]:
    return {
        **{name: body for name, body in cluster().items() if "argoproj" not in body["apiVersion"]},
        "agent": workload("DaemonSet", "agent"),
        "store": workload("StatefulSet", "store", serviceName="store"),
    }


def kind_of(body: Body) -> tuple[str, str, str]:
    group, _, version = body["apiVersion"].rpartition("/")
    return (group, version, body["kind"])


def their_verdict(body: Body, minor: str) -> bool:
    import kubernetes_validate

    try:
        kubernetes_validate.validate(body, minor, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


def mutants() -> Iterator[tuple[str, Body]]:
    """Other types at each third leaf, and unknown fields in mappings, of every sample."""
    number = 0
    for name, body in builtin_samples().items():
        for at in leaves(body):
            if at in {("apiVersion",), ("kind",)}:
                continue
            number += 1
            if number % 5:
                continue
            mutant = copy.deepcopy(body)
            node: Any = mutant
            for step in at[:-1]:
                node = node[step]
            if isinstance(node[at[-1]], dict) and number % 2:
                node[at[-1]]["unknownField"] = "x"
            else:
                node[at[-1]] = VARIANTS[number % len(VARIANTS)]
            yield f"{name}:{'.'.join(map(str, at))}", mutant


def has_null(body: Body) -> bool:
    return None in (read(body, at) for at in leaves(body))


def read(body: Body, at: tuple[str | int, ...]) -> Any:
    node: Any = body
    for step in at:
        node = node[step]
    return node


def test_verdicts_equal_those_of_kubernetes_validate() -> None:
    schemas_ = BuiltinSchemas(MINOR)
    refused, accepted = [], []
    for name, body in [*builtin_samples().items(), *mutants()]:
        ours = schemas_.validator(kind_of(body)).is_valid(body)
        # Theirs takes null anywhere, where the API server sees no field at all, or refuses it.
        assert ours == (their_verdict(body, MINOR) and not has_null(body)), name
        (accepted if ours else refused).append(name)
    assert len(refused) >= 60, len(refused)
    assert set(builtin_samples()) <= set(accepted)


def test_every_refused_mutant_is_described_at_its_place() -> None:
    builtin = BuiltinSchemas(MINOR)
    described = 0
    for name, body in mutants():
        if builtin.validator(kind_of(body)).is_valid(body):
            continue
        where = name.partition(":")[2]
        faults = [fault for fault in schemas().check(body).faults if fault.code != "PHX730"]
        assert any(".".join(map(str, fault.at)).startswith(where) for fault in faults), (name, faults)
        assert all(fault.message.isprintable() for fault in faults)
        described += 1
    assert described >= 60


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (("spec", "selector"), "`selector` is null, not a mapping"),
        (("spec", "minReadySeconds"), "`minReadySeconds` is null, not a whole number"),
        (("spec", "template", "spec", "containers", 0, "env", 0), "`env[0]` is null, not a mapping"),
        (("metadata", "labels", "app.kubernetes.io/name"), "`app.kubernetes.io/name` is null, not a string"),
    ],
)
def test_null_is_no_value(at: tuple[str | int, ...], message: str) -> None:
    body = workload()
    read(body, at[:-1])[at[-1]] = None
    faults = [fault for fault in schemas().check(body).faults if fault.at == at]
    assert [(fault.code, fault.message, fault.help) for fault in faults] == [
        ("PHX705", message, "give it a value, or leave it out")
    ]


def test_whole_numbers_fit_their_fields() -> None:
    body = workload(replicas=2**31 - 1)
    assert schemas().check(body).faults == ()
    body["spec"]["replicas"] += 1
    assert [fault.message for fault in schemas().check(body).faults] == ["`2147483648` is above 2147483647"]


@pytest.mark.parametrize("minor", ["1.25", "1.37"])
def test_every_kind_of_the_oldest_and_newest_minor_compiles(minor: str) -> None:
    builtin = BuiltinSchemas(minor)
    for kind in sorted(builtin.kinds):
        assert not builtin.validator(kind).is_valid({"apiVersion": "x/v0", "kind": "X"}), kind
    assert len(builtin.kinds) > 100


def test_minors_are_known_in_order() -> None:
    assert supported_minors() == tuple(f"1.{minor}" for minor in range(25, 38))


def test_kinds_and_groups() -> None:
    builtin = BuiltinSchemas(MINOR)
    assert DEPLOYMENT in builtin.kinds
    assert ("", "v1", "Namespace") in builtin.kinds
    assert ("policy", "v1beta1", "PodDisruptionBudget") not in builtin.kinds
    assert ("", "v1", "Container") not in builtin.kinds
    assert {"", "apps", "rbac.authorization.k8s.io"} <= builtin.groups


def test_the_cache_is_filled_used_and_rebuilt(tmp_path: Path) -> None:
    first = BuiltinSchemas(MINOR, tmp_path)
    schema, kinds = first.schema(DEPLOYMENT), first.kinds
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("kubernetes-")
    assert folder.name.endswith(f"-{MINOR}")
    entry = folder / "deployment-apps-v1.json"
    assert BuiltinSchemas(MINOR, tmp_path).schema(DEPLOYMENT) == schema
    assert sorted(path.name for path in folder.iterdir()) == ["deployment-apps-v1.json", "kinds.json"]

    whole = entry.read_bytes()
    for damaged in (b"", whole[:-1], whole.replace(b"replicas", b"replicaz"), b"{}", b"\xff" * 80):
        entry.write_bytes(damaged)
        assert BuiltinSchemas(MINOR, tmp_path).schema(DEPLOYMENT) == schema
        assert entry.read_bytes() == whole
    (folder / "kinds.json").write_text("[]")
    assert BuiltinSchemas(MINOR, tmp_path).kinds == kinds


def test_the_cache_is_what_is_read(tmp_path: Path) -> None:
    BuiltinSchemas(MINOR, tmp_path).schema(DEPLOYMENT)
    (folder,) = tmp_path.iterdir()
    SchemaCache(folder).write("deployment-apps-v1", {"type": "object", "maxProperties": 0})
    assert not BuiltinSchemas(MINOR, tmp_path).validator(DEPLOYMENT).is_valid(workload())


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert BuiltinSchemas(MINOR, blocked).validator(DEPLOYMENT).is_valid(workload())


def test_schemas_hold_no_prose_but_the_field_that_is_called_so() -> None:
    text = json.dumps(BuiltinSchemas(MINOR).schema(("apiextensions.k8s.io", "v1", "CustomResourceDefinition")))
    assert '"description": "' not in text
    assert '"description": {' in text


def test_kubernetes_validate_is_never_imported() -> None:
    code = (
        "import sys; from phoenix_gitops.verify import Schemas, check;"
        f"s = Schemas({MINOR!r}, None); check({workload()!r}, s);"
        "print('kubernetes_validate' in sys.modules, 'jsonschema' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
