"""Paths that every file system holds, headers that tell whose a file is, clashes that name both policies."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from phoenix_gitops.artifact import Artifact, PolicyRef, ProofFile, RenderedFile, Unit
from phoenix_gitops.serialise import (
    check_paths,
    classify,
    object_path,
    portable,
    proof_path,
    read_header,
    render_object,
    render_proof,
)
from phoenix_gitops.tree import Ownership

UNIT = Unit("prod-eu", "main", "ingest")
CHECKOUT = PolicyRef("Tenant", "checkout")


def artifact(api: str, kind: str, name: str = "gw", namespace: str = "") -> Artifact:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    body: dict[str, Any] = {"apiVersion": api, "kind": kind, "metadata": metadata}
    return Artifact(component="ingest", policy=CHECKOUT, body=body)


@pytest.mark.parametrize(
    ("thing", "path"),
    [
        (artifact("apps/v1", "Deployment", namespace="phoenix-ingest"), "phoenix-ingest/deployment-gw.yaml"),
        (artifact("rbac.authorization.k8s.io/v1", "ClusterRole"), "clusterrole-gw.yaml"),
        (
            artifact("rbac.authorization.k8s.io/v1", "ClusterRole", "phoenix:Reader"),
            "clusterrole-phoenix_3a_52eader.yaml",
        ),
        (artifact("v1", "Service", namespace="a"), "a/service-gw.yaml"),
        (artifact("serving.knative.dev/v1", "Service", namespace="a"), "a/service.serving.knative.dev-gw.yaml"),
        (artifact("networking.istio.io/v1", "Gateway", namespace="a"), "a/gateway.networking.istio.io-gw.yaml"),
        (
            artifact("gateway.networking.k8s.io/v1", "Gateway", namespace="a"),
            "a/gateway.gateway.networking.k8s.io-gw.yaml",
        ),
        (artifact("argoproj.io/v1alpha1", "Application", namespace="argocd"), "argocd/application-gw.yaml"),
        (artifact("v1", "ConfigMap", namespace="aux"), "_61ux/configmap-gw.yaml"),
    ],
)
def test_paths_of_objects(thing: Artifact, path: str) -> None:
    assert object_path(UNIT, thing) == f"prod-eu/main/ingest/{path}"


def test_paths_of_proof_files() -> None:
    proof = ProofFile(folder="rules", name="checkout:slo", policy=CHECKOUT, body={})
    assert proof_path(UNIT, proof) == "_proof/prod-eu/main/rules/checkout_3aslo.yaml"


def test_no_environment_can_take_the_place_of_the_proofs() -> None:
    assert object_path(Unit("_proof", "main", "ingest"), artifact("v1", "Namespace")).startswith("_5fproof/")


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("checkout", "checkout"),
        ("a.b-c.0", "a.b-c.0"),
        ("a:b", "a_3ab"),
        ("a_b", "a_5fb"),
        ("A", "_41"),
        ("é", "_c3_a9"),
        (".", "_2e"),
        ("..", "_2e_2e"),
        ("../x", "_2e._2fx"),
        ("-x", "_2dx"),
        ("x.", "x_2e"),
        ("a/b", "a_2fb"),
        ("a\\b", "a_5cb"),
        ("con", "_63on"),
        ("nul.txt", "_6eul.txt"),
        ("lpt1", "_6cpt1"),
        ("console", "console"),
        ("x" * 160, "x" * 160),
    ],
)
def test_segments(name: str, segment: str) -> None:
    assert portable(name) == segment


def test_long_names_are_cut_and_stay_apart() -> None:
    one, other = portable("x" * 252 + "a"), portable("x" * 252 + "b")
    assert one != other
    assert re.fullmatch("x{142}__[0-9a-f]{16}", one)
    assert len(portable(":" * 253)) <= 160


def test_an_empty_name_is_a_bug() -> None:
    with pytest.raises(ValueError, match="an empty name"):
        portable("")


names = st.text(st.sampled_from("aAbB01.-_:/\\% é" + "con"), min_size=1, max_size=8) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1
)


@given(one=names, other=names)
def test_segments_are_portable_and_tell_names_apart(one: str, other: str) -> None:
    segment = portable(one)
    assert re.fullmatch(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?", segment)
    assert segment.partition(".")[0] not in ("con", "prn", "aux", "nul")
    assert len(segment) <= 160
    assert (segment == portable(other)) == (one == other)


def test_a_file_is_header_and_body() -> None:
    file = render_object(UNIT, artifact("v1", "Service", namespace="a"))
    header, _, body = file.content.decode().partition("\n")
    assert re.fullmatch(
        r"# Compiled by Phoenix GitOps from Tenant/checkout\. Do not edit: change the policy\. phoenix:[0-9a-f]{16}",
        header,
    )
    assert body == "apiVersion: v1\nkind: Service\nmetadata:\n  name: gw\n  namespace: a\n"
    assert (file.path, file.unit, file.policy) == ("prod-eu/main/ingest/a/service-gw.yaml", UNIT, CHECKOUT)
    assert yaml.safe_load(file.content) == artifact("v1", "Service", namespace="a").body


def test_header_tells_whose_a_file_is() -> None:
    file = render_proof(UNIT, ProofFile(folder="rules", name="a", policy=CHECKOUT, body={"groups": [{"name": "x"}]}))
    path, content = file.path, file.content
    header = read_header(path, content)
    assert header is not None
    assert (header.policy, header.intact) == ("Tenant/checkout", True)
    assert header.digest in content.decode()
    assert classify(path, content) is Ownership.INTACT

    edited = [
        content.replace(b"name: x", b"name: z"),
        content + b"\n",
        content[:-1],
        content.replace(b"Tenant/checkout", b"Tenant/cart"),
        content.replace(b"\n", b"\r\n"),
        content.replace(header.digest.encode(), b"0" * 16),
        content.replace(header.digest.encode(), header.digest.encode() + b"0"),
    ]
    assert [classify(path, other) for other in edited] == [Ownership.EDITED] * len(edited)
    assert classify("_proof/prod-eu/main/rules/b.yaml", content) is Ownership.EDITED, "a copy is not what we wrote"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"apiVersion: v1\n",
        b"# Compiled by Phoenix GitOps from Tenant/a. Do not edit: change the policy. phoenix:zz\n",
        b"# Compiled by Phoenix GitOps from Tenant/a. Do not edit: change the policy. phoenix:0123456789abcdef",
        b"\n# Compiled by Phoenix GitOps from Tenant/a. Do not edit: change the policy. phoenix:0123456789abcdef\n",
        b"\xff\xfe\x00",
    ],
)
def test_foreign_files(content: bytes) -> None:
    assert read_header("a.yaml", content) is None
    assert classify("a.yaml", content) is Ownership.FOREIGN


def test_a_policy_name_that_would_break_the_header_is_a_bug() -> None:
    thing = Artifact(component="c", policy=PolicyRef("Tenant", "a\nkind: Secret"), body=artifact("v1", "X").body)
    with pytest.raises(ValueError, match="not a policy's name"):
        render_object(UNIT, thing)


def rendered(path: str, policy: str) -> RenderedFile:
    return RenderedFile(path=path, content=b"", unit=UNIT, policy=PolicyRef("Tenant", policy))


def test_paths_that_can_stand_together() -> None:
    assert check_paths([rendered("a/b/c.yaml", "x"), rendered("a/b/d.yaml", "y"), rendered("a/c.yaml", "z")]) == ()


@pytest.mark.parametrize(
    ("one", "other", "code", "what"),
    [
        ("a/b.yaml", "a/b.yaml", "PHX620", "`a/b.yaml`"),
        ("a/b.yaml", "A/B.yaml", "PHX620", "`a/b.yaml`"),
        ("a/b", "a/b/c.yaml", "PHX621", "`a/b`, one of them as a folder,"),
        ("a/b", "A/B/c/d/e.yaml", "PHX621", "`a/b`, one of them as a folder,"),
    ],
)
def test_clashes_name_both_policies(one: str, other: str, code: str, what: str) -> None:
    files = [rendered(one, "x"), rendered(other, "y")]
    (fault,) = check_paths(files)
    assert fault.code == code
    assert {"`Tenant/x`", "`Tenant/y`"} <= set(fault.message.split())
    assert fault.message.endswith(f"both write {what} in environment `prod-eu`") or code == "PHX620"
    assert check_paths(reversed(files)) == (fault,)
