"""A store with all CRDs and nothing else, made once and copied for every control plane."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix_gitops import tools
from tests.proof.judge import tool, version

if TYPE_CHECKING:
    from tests.proof.cluster.client import Client

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_STORE, _KINDS = "etcd", "kinds.json"
_SECONDS = 120
_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """`store` is a data folder of etcd; `kinds` are the kinds that it adds, as (apiVersion, kind)."""

    store: Path
    kinds: tuple[tuple[str, str], ...]


def make_seed(crds: Path) -> Seed:
    """The seed of a folder of CRDs: kept from a former run by the same programs, else made (some 25 s).

    A seed is only kept after the server said of every CRD that it is established.
    """
    documents = [d for file in sorted(crds.glob("*.yaml")) for d in _documents(file.read_text())]
    assert documents, f"no CRDs in {crds}"
    kept = tools.cache_dir() / "proof" / "crds" / _key(documents)
    if not kept.is_dir():
        _make(documents, kept)
    kinds = json.loads((kept / _KINDS).read_text())
    return Seed(store=kept / _STORE, kinds=tuple((api_version, kind) for api_version, kind in kinds))


def _documents(text: str) -> Iterator[str]:
    return (d for d in text.split("\n---\n") if "kind: CustomResourceDefinition" in d)


def _key(documents: list[str]) -> str:
    """Of everything that makes the store what it is."""
    known = hashlib.sha256()
    for name in ("etcd", "kube-apiserver"):
        known.update(f"{name} {version(name)} {tool(name).stat().st_size}\n".encode())
    for document in documents:
        known.update(document.encode())
    return known.hexdigest()[:16]


def _make(documents: list[str], kept: Path) -> None:
    from tests.proof.cluster.control_plane import running

    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as name:
        with running(Path(name) / "run", controllers=False) as cluster:
            kinds = _install(cluster.client, documents)
        made = Path(name) / "made"
        made.mkdir()
        (cluster.folder / "etcd").replace(made / _STORE)
        (made / _KINDS).write_text(json.dumps(kinds))
        made.replace(kept)


def _install(client: Client, documents: list[str]) -> list[tuple[str, str]]:
    """Install CRDs and wait until all are established; the kinds that they add."""

    def install(document: str) -> dict[str, Any]:
        # The server reads YAML itself, and faster than we would.
        strict = {"fieldValidation": "Strict"}
        answer = client.request("POST", _CRDS, document.encode(), query=strict, content_type="application/yaml")
        assert answer.status == 201, answer
        return answer.body

    with ThreadPoolExecutor(_THREADS) as pool:
        crds = list(pool.map(install, documents))
    for crd in crds:
        path = f"{_CRDS}/{crd['metadata']['name']}"
        client.wait(f"established: {path}", functools.partial(_established, client, path), _SECONDS)
    return sorted(
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    )


def _established(client: Client, path: str) -> bool:
    conditions = client.request("GET", path).body["status"].get("conditions") or ()
    held = {c["type"] for c in conditions if c["status"] == "True"}
    return held >= {"Established", "NamesAccepted"}
