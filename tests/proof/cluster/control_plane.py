"""Start and stop of a control plane."""

from __future__ import annotations

import functools
import json
import re
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.proof.cluster.client import Client, _Server
from tests.proof.cluster.process import Process, started, wait_until
from tests.proof.cluster.seed import Seed
from tests.proof.judge import free_ports, tool

CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "horizontal-pod-autoscaler-controller",
    "namespace-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "validatingadmissionpolicy-status-controller",
)
"""Those whose work our objects meet. The garbage collector is left out: it would watch all of some 200 kinds."""

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A control plane that runs."""

    client: Client
    version: str
    """The minor that it emulates, as `1.34`."""
    folder: Path
    """Its data, keys and logs; `kubeconfig` there is the administrator's."""


@contextmanager
def running(
    folder: Path, *, seed: Seed | None = None, version: str = "", controllers: bool = True
) -> Iterator[Cluster]:
    """A control plane in a folder of its own, from the seed or from nothing.

    `version` is the Kubernetes minor to emulate, as `1.34`; without it the server is what it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if seed is not None:
            shutil.copytree(seed.store, folder / "etcd")
            stack.callback(shutil.rmtree, folder / "etcd")
        etcd, store = stack.enter_context(_etcd(folder))
        server, client = stack.enter_context(_api_server(folder, store, version))
        processes = [etcd, server]
        wait_until("ready", lambda: _ready(client), processes)
        if controllers:
            processes.append(stack.enter_context(_controllers(folder, version)))
        client.server.processes = tuple(processes)
        if seed is not None:
            wait_until("serving all CRDs", lambda: all(client.resource(*kind) for kind in seed.kinds), processes)
        wait_until("there: the namespace default", lambda: _exists(client, "/api/v1/namespaces/default"), processes)
        yield Cluster(client=client, version=version or _own_version(client), folder=folder)


@contextmanager
def _etcd(folder: Path) -> Iterator[tuple[Process, str]]:
    client, peer = (f"http://{_HOST}:{port}" for port in free_ports(2))
    command: list[str | Path] = [tool("etcd"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"]
    command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}"]
    # A copy of a seed has another address than the seed had; it is the only member of its cluster.
    command += [f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
    with started("etcd", command, folder / "etcd.log") as process:
        yield process, client


@contextmanager
def _api_server(folder: Path, store: str, version: str) -> Iterator[tuple[Process, Client]]:
    (port,) = free_ports(1)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    certificates = folder / "certificates"
    # The server makes its certificate and key before it reads the key of service accounts: one key serves as both.
    key = certificates / "apiserver.key"
    command: list[str | Path] = [tool("kube-apiserver"), f"--bind-address={_HOST}", f"--secure-port={port}"]
    command += [f"--advertise-address={_HOST}", "--endpoint-reconciler-type=none", f"--etcd-servers={store}"]
    command += [f"--cert-dir={certificates}", f"--token-auth-file={folder / 'tokens.csv'}"]
    command += ["--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}"]
    command += [f"--service-account-signing-key-file={key}", "--authorization-mode=RBAC", "--profiling=false"]
    # As in real clusters, where node agents run: whether a pod may be privileged is Pod Security's business.
    command += ["--allow-privileged"]
    command += [f"--emulated-version={version}"] if version else []
    with started("kube-apiserver", command, folder / "kube-apiserver.log", at_once=True) as process:
        wait_until("certified", lambda: key.is_file() and key.stat().st_size > 0, [process])
        tls = ssl.create_default_context(cafile=certificates / "apiserver.crt")
        _write_kubeconfig(folder, port, token)
        server = _Server(_HOST, port, token, tls)
        try:
            yield process, Client(server)
        finally:
            server.close()


@contextmanager
def _controllers(folder: Path, version: str) -> Iterator[Process]:
    certificates = folder / "certificates"
    command: list[str | Path] = [tool("kube-controller-manager"), f"--kubeconfig={folder / 'kubeconfig'}"]
    command += [f"--controllers={','.join(CONTROLLERS)}", "--leader-elect=false", "--secure-port=0"]
    command += [f"--service-account-private-key-file={certificates / 'apiserver.key'}"]
    command += [f"--root-ca-file={certificates / 'apiserver.crt'}", "--profiling=false"]
    command += ["--kube-api-qps=500", "--kube-api-burst=1000", "--horizontal-pod-autoscaler-sync-period=1s"]
    command += [f"--emulated-version={version}"] if version else []
    with started("kube-controller-manager", command, folder / "kube-controller-manager.log", at_once=True) as process:
        yield process


def emulated(minor: str) -> str:
    """The minor that stands for a cluster of this one: itself, or the nearest that the server can emulate."""
    low, high = _range()
    return _dotted(min(max(_numbers(minor), low), high))


@functools.cache
def _range() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The lowest and the highest minor that the server can emulate, by its own account."""
    said = subprocess.run([tool("kube-apiserver"), "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = re.search(r"--emulated-version.*?kube=([0-9.]+)\.\.([0-9.]+)\(", said, re.DOTALL)
    assert found, "kube-apiserver does not say what it can emulate"
    return _numbers(found[1]), _numbers(found[2])


def _numbers(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _write_kubeconfig(folder: Path, port: int, token: str) -> None:
    """The administrator's kubeconfig; JSON is YAML."""
    cluster = {
        "server": f"https://{_HOST}:{port}",
        "certificate-authority": str(folder / "certificates" / "apiserver.crt"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))


def _ready(client: Client) -> bool:
    return _exists(client, "/readyz")


def _exists(client: Client, path: str) -> bool:
    try:
        return client.request("GET", path).ok
    except OSError:
        return False


def _own_version(client: Client) -> str:
    said = client.request("GET", "/version").body
    return f"{said['major']}.{said['minor']}"
