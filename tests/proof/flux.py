"""Flux's own kustomize-controller over a compiled tree: what a person applies once, and all that follows from it.

No source-controller runs here: trees are served on the loopback address, and the GitRepository's status says which one
is the latest, as that controller would. One API server plays the cluster that Flux runs in and the one that it reaches
by a kubeconfig. No node runs either: pods are said to be ready, so that workloads become healthy.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.proof.cluster import Client, Cluster, Ref
from tests.proof.cluster.client import Object
from tests.proof.cluster.process import started
from tests.proof.judge import free_ports, tool

MANAGER = "kustomize-controller"
HOME = "flux-system"
_API = "kustomize.toolkit.fluxcd.io/v1"
_SOURCE = "source.toolkit.fluxcd.io/v1"
_SECONDS = 90
_READY = {"type": "Ready", "status": "True"}


@dataclass(slots=True)
class Flux:
    """A cluster in which Flux keeps one environment equal to the tree that was published last."""

    client: Client
    served: Path
    address: str
    root: str
    """The name of the environment's GitRepository and of its root Kustomization."""
    published: int = 0
    asked: int = 0
    tree: Path = field(default_factory=Path)

    def bootstrap(self, tree: Path, folder: str) -> None:
        """What a person does once: apply the GitRepository and the root, which are files of the tree."""
        for kind in ("gitrepository", "kustomization"):
            body = _read(tree / folder / HOME / f"{kind}-{self.root}.yaml")
            answer = self.client.apply(body, manager="kubectl")
            assert answer.ok, answer

    def publish(self, tree: Path) -> str:
        """Make a tree the latest; its revision."""
        self.published += 1
        self.tree = tree
        content = _packed(tree)
        name = f"{self.published}.tar.gz"
        (self.served / name).write_bytes(content)
        revision = f"env/prod@sha1:{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"
        artifact = {
            "url": f"{self.address}/{name}",
            "path": name,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "revision": revision,
            "size": len(content),
            "lastUpdateTime": "2026-11-24T00:00:00Z",
        }
        at = Ref(_SOURCE, "GitRepository", HOME, self.root)
        answer = self.client.patch(at, {"status": {"artifact": artifact}}, subresource="status")
        assert answer.ok, answer
        return revision

    def kustomization(self, name: str) -> Object:
        answer = self.client.get(Ref(_API, "Kustomization", HOME, name))
        return answer.body if answer.ok else {}

    def said(self, name: str) -> str:
        """What a Kustomization says of its last attempt, with its reason; empty as long as it says nothing."""
        found = [c for c in self.kustomization(name).get("status", {}).get("conditions", ()) if c["type"] == "Ready"]
        return f"{found[0]['status']} {found[0]['reason']}: {found[0]['message']}" if found else ""

    def ready(self, names: frozenset[str], revision: str) -> None:
        """Wait until these Kustomizations have applied a revision, and all that they brought is healthy."""

        def done() -> bool:
            self._run_pods()
            return all(self._applied(name, revision) for name in names)

        try:
            self.client.wait(f"ready at {revision}: {sorted(names)}", done, _SECONDS)
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *(f"{n}: {self.said(n)}" for n in sorted(names))])) from None

    def refuses(self, name: str, revision: str) -> str:
        """Wait until a Kustomization has failed at a revision; what it says."""

        def failed() -> bool:
            attempted = self.kustomization(name).get("status", {}).get("lastAttemptedRevision")
            return attempted == revision and self.said(name).startswith("False ReconciliationFailed")

        self.client.wait(f"failed: {name}", failed, _SECONDS)
        return self.said(name)

    def again(self, name: str) -> None:
        """Ask for another look, as `flux reconcile` does, rather than wait for the interval."""
        self.asked += 1
        asked = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": str(self.asked)}}}
        assert self.client.patch(Ref(_API, "Kustomization", HOME, name), asked).ok

    def _applied(self, name: str, revision: str) -> bool:
        status = self.kustomization(name).get("status", {})
        return status.get("lastAppliedRevision") == revision and self.said(name).startswith("True")

    def _run_pods(self) -> None:
        """Play the nodes: every pod that was admitted runs and is ready."""
        for pod in self.client.list("v1", "Pod").body["items"]:
            if not any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ())):
                status = {"phase": "Running", "conditions": [_READY, {"type": "ContainersReady", "status": "True"}]}
                metadata = pod["metadata"]
                at = Ref("v1", "Pod", metadata["namespace"], metadata["name"])
                self.client.patch(at, {"status": status}, subresource="status")


@contextmanager
def reconciling(cluster: Cluster, folder: Path, root: str, kubeconfigs: Mapping[str, str]) -> Iterator[Flux]:
    """Flux in a cluster; `kubeconfigs` are Secrets, by name and key, that lead to the same cluster."""
    folder.mkdir(parents=True, exist_ok=True)
    served = folder / "served"
    served.mkdir()
    assert cluster.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}).ok
    for name, key in kubeconfigs.items():
        assert cluster.client.create(_secret(name, key, cluster)).ok
    metrics, health = free_ports(2)
    command: list[str | Path] = [tool("kustomize-controller"), "--watch-all-namespaces", "--events-addr="]
    command += [f"--metrics-addr=127.0.0.1:{metrics}", f"--health-addr=127.0.0.1:{health}"]
    command += ["--requeue-dependency=1s", "--log-encoding=console"]
    log = folder / "kustomize-controller.log"
    with (
        _serving(served) as address,
        _environment(KUBECONFIG=str(cluster.folder / "kubeconfig"), RUNTIME_NAMESPACE=HOME),
        started("kustomize-controller", command, log, at_once=True) as process,
    ):
        client = cluster.client
        before = client.server.processes
        client.server.processes = (*before, process)
        try:
            yield Flux(client=client, served=served, address=address, root=root)
        finally:
            client.server.processes = before


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The folder over HTTP; its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _secret(name: str, key: str, cluster: Cluster) -> Object:
    """A Secret with a kubeconfig that needs no other file."""
    config = json.loads((cluster.folder / "kubeconfig").read_text())
    server = config["clusters"][0]["cluster"]
    authority = Path(server.pop("certificate-authority")).read_bytes()
    server["certificate-authority-data"] = base64.b64encode(authority).decode()
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {key: json.dumps(config)}}


def _packed(tree: Path) -> bytes:
    """The tree as source-controller packs a repository, its root folder `generated`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            archive.add(path, Path("generated") / path.relative_to(tree))
    return packed.getvalue()


def _read(path: Path) -> Object:
    body: Object = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return body
