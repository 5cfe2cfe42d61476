"""The cluster of the small world: its API server holds what we emit, and the pods that run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.proof.cluster import Client, Cluster, Ref
from tests.proof.world.places import EMITTED, Object, emitted

_RIGHTS_AND_PLACES = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_WAVES = {kind: i for i, kind in enumerate(_RIGHTS_AND_PLACES)}
_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Plane:
    """An API server with the namespaces, accounts and rights of the world's cluster."""

    cluster: Cluster

    @property
    def client(self) -> Client:
        """Its administrator."""
        return self.cluster.client

    def populate(self) -> int:
        """Apply what says who is who and who may what. Gives the number of objects."""
        bodies = [
            yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
            for component in ("ingest", "tenancy")
            for path in sorted((EMITTED / component).rglob("*.yaml"))
        ]
        wanted = sorted((b for b in bodies if b["kind"] in _WAVES), key=lambda b: _WAVES[b["kind"]])
        for body in wanted:
            answer = self.client.apply(body)
            assert answer.ok, answer
        return len(wanted)

    def namespace(self, name: str) -> None:
        """A namespace that somebody else made, with nothing of ours on it."""
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        answer = self.client.apply(made, manager="kubectl")
        assert answer.ok, answer

    def collector(self, address: str, *parts: str, node: str, name: str) -> None:
        """A pod from the template of an emitted workload, running at an address."""
        template = emitted(*parts)["spec"]["template"]
        namespace = emitted(*parts)["metadata"]["namespace"]
        self._run(namespace, name, address, node, template["metadata"], template["spec"])

    def workload(self, namespace: str, name: str, address: str, node: str, **metadata: Mapping[str, str]) -> None:
        """Some pod in a namespace, running at an address; `metadata` are labels and annotations."""
        secured = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container = {"name": "app", "image": "registry.example.com/app:1", "securityContext": secured}
        spec = {
            "automountServiceAccountToken": False,
            "containers": [container],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        }
        self._account(namespace)
        self._run(namespace, name, address, node, metadata, spec)

    def _account(self, namespace: str) -> None:
        """What a controller makes in every namespace; none runs here."""
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": namespace},
        }
        answer = self.client.apply(account, manager="controller")
        assert answer.ok, answer

    def _run(
        self, namespace: str, name: str, address: str, node: str, metadata: Mapping[str, Any], spec: Object
    ) -> None:
        metadata = {**metadata, "name": name, "namespace": namespace}
        answer = self.client.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, "nodeName": node}}
        )
        assert answer.ok, answer
        running = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        answer = self.client.patch(Ref("v1", "Pod", namespace, name), {"status": running}, subresource="status")
        assert answer.ok, answer

    def token(self, namespace: str, account: str) -> str:
        """A token of a service account, as its pods get it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = self.client.request("POST", path, {**request, "spec": {"expirationSeconds": _TOKEN_SECONDS}})
        assert answer.ok, answer
        return str(answer.body["status"]["token"])

    def kubeconfig(self, namespace: str, account: str) -> Path:
        """A kubeconfig of a service account."""
        config: dict[str, Any] = json.loads((self.cluster.folder / "kubeconfig").read_text(encoding="utf-8"))
        config["users"] = [{"name": "admin", "user": {"token": self.token(namespace, account)}}]
        file = self.cluster.folder / f"kubeconfig-{namespace}-{account}"
        file.write_text(json.dumps(config), encoding="utf-8")
        return file

    @property
    def server(self) -> str:
        """The address of the API server."""
        config = json.loads((self.cluster.folder / "kubeconfig").read_text(encoding="utf-8"))
        return str(config["clusters"][0]["cluster"]["server"])
