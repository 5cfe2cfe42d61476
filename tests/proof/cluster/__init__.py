"""A Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager on the loopback address.

How tests use it (`tests/proof/conftest.py` offers the fixtures):

- `seed: Seed`, once a session: a store that holds all CRDs and nothing else. A control plane that began as a copy of it
  runs inside `with running(folder, seed=seed, version="1.34") as cluster`, and emulates that minor.
- `cluster: Cluster`, once a session: such a control plane of the server's own minor, for tests that share one.
  Give your objects names and namespaces of their own there.
- `cluster.client: Client` is the administrator (group `system:masters`). `client.impersonating("ann", "checkout-devs")`
  is somebody else; what comes back is what RBAC says of her.
- `client.apply(body)` applies an object server-side as Argo CD does: manager `argocd-controller`, forced, strict
  validation. `client.create`, `get`, `delete`, `patch`, `request` are what they say. All return an `Answer`: `ok`,
  `status`, `body`, `reason`, `message`, `causes`, `warnings`. A refusal is an answer, never an exception.
- `client.wait(what, check)` polls until `check()` is true; at its deadline it raises with what the logs say last.

No node runs here, and no scheduler: pods are made and admitted, and stay pending.
"""

from __future__ import annotations

from tests.proof.cluster.client import Answer, Client, Ref
from tests.proof.cluster.control_plane import Cluster, running
from tests.proof.cluster.seed import Seed, make_seed

__all__ = ["Answer", "Client", "Cluster", "Ref", "Seed", "make_seed", "running"]
