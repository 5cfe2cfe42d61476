"""A compiled tree as its reconciler sees it: Applications or Kustomizations, the objects of each, and where they go."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import yaml

from tests.proof.cluster.client import Object, Ref

_PREFIX = "generated/"
"""What stands before the paths of Applications; `Application.path` begins below it."""
_TRACKING = "argocd.argoproj.io/tracking-id"
_READ = ("Application", "Kustomization")
"""What reconcilers read."""
_BESIDE = ("AlertmanagerConfig", "GrafanaDashboard")
"""What lies beside those who read it."""
_SHOWN = "grafana_dashboard"
"""The label by which Grafana's sidecar finds dashboards."""
_SSA = "kustomize.toolkit.fluxcd.io/ssa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One Application, or Kustomization, and the objects in its folder."""

    name: str
    server: str
    path: str
    objects: tuple[Object, ...]
    seeds: tuple[Object, ...] = ()
    """Objects that are made where they are missing, and otherwise left alone."""
    user: str = ""
    """Whom Flux impersonates to apply them; empty for the administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cluster that objects go to."""

    name: str
    minor: str
    """The Kubernetes minor of the cluster's facts."""
    applications: tuple[Application, ...]

    @property
    def home(self) -> list[str]:
        """Namespaces that are there before the first sync: where the reconciler, Alertmanager and Grafana run."""
        return sorted({body["metadata"]["namespace"] for body in self.objects() if _is_read(body)})

    @property
    def workloads(self) -> list[Ref]:
        """What controllers make pods of."""
        kinds = ("Deployment", "StatefulSet", "DaemonSet")
        return [Ref.of(body) for body in self.objects() if body["kind"] in kinds]

    def objects(self) -> Iterator[Object]:
        for application in self.applications:
            yield from application.objects


def sites(tree: Path, facts: Path) -> list[Site]:
    """Every cluster of a compiled tree, by address; `facts` is the folder of its Environments.

    Raises AssertionError for an object that belongs to no Application, or to two.
    """
    held, known = _applications(tree), _minors(facts)
    # The compiler checks the objects of a cluster that has no facts against the oldest minor of those that have.
    by_server = {server: known.get(server, ("management", _oldest(known))) for server in {a.server for a in held}}
    return [
        Site(name=name, minor=minor, applications=tuple(a for a in held if a.server == server))
        for server, (name, minor) in sorted(by_server.items())
    ]


def one_site(name: str, tree: Path, facts: Path) -> Site:
    """One cluster that plays all those of a compiled tree; raises as `sites` does."""
    return Site(
        name=name, minor=_oldest(_minors(facts)), applications=tuple(_applications(tree, _delivered_by_others(facts)))
    )


def orders(applications: Sequence[Application], seed: int) -> list[tuple[Application, ...]]:
    """Random orders of Applications, the same for the same seed: all of them, shuffled, where they are few."""
    shuffled = random.Random(seed)
    if len(applications) > 4:
        return [tuple(shuffled.sample(applications, len(applications)))]
    every = list(permutations(applications))
    shuffled.shuffle(every)
    return every


def tracked(application: Application, body: Object) -> Object:
    """The object with the annotation by which Argo CD knows again what it applied."""
    group = body["apiVersion"].rpartition("/")[0]
    metadata = body["metadata"]
    mark = f"{application.name}:{group}/{body['kind']}:{metadata.get('namespace', '')}/{metadata['name']}"
    return {**body, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), _TRACKING: mark}}}


def _applications(tree: Path, others: Collection[str] = ()) -> list[Application]:
    """The Applications of a tree; the environments of `others` have none of ours."""
    without = {"_proof", *others}
    files = {
        path: _read(path) for path in sorted(tree.rglob("*.yaml")) if path.relative_to(tree).parts[0] not in without
    }
    held = [_application(body, tree, files) for body in files.values() if body["kind"] in _READ]
    _belong(files, held)
    return sorted(held, key=lambda application: application.name)


def _is_read(body: Object) -> bool:
    """Whether somebody who runs in its namespace, and is not ours, reads an object."""
    return body["kind"] in (*_READ, *_BESIDE) or _SHOWN in body["metadata"].get("labels", {})


def _read(path: Path) -> Object:
    documents = list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))
    assert len(documents) == 1, f"{path} holds {len(documents)} documents"
    body: Object = documents[0]
    return body


def _application(body: Object, tree: Path, files: dict[Path, Object]) -> Application:
    path, server, user = _of_argo_cd(body) if body["kind"] == "Application" else _of_flux(body)
    assert path.startswith(_PREFIX), path
    folder = tree / path.removeprefix(_PREFIX)
    found = [one for file, one in files.items() if file.is_relative_to(folder)]
    assert found, f"{body['kind']} {body['metadata']['name']} watches {path}, where nothing is"
    return Application(
        name=body["metadata"]["name"],
        server=server,
        path=path,
        objects=tuple(one for one in found if not _seed(one)),
        seeds=tuple(one for one in found if _seed(one)),
        user=user,
    )


def _of_argo_cd(body: Object) -> tuple[str, str, str]:
    """Path, server and user."""
    source = body["spec"]["source"]
    assert source["directory"] == {"recurse": True}, source["path"]
    return source["path"], body["spec"]["destination"]["server"], ""


def _of_flux(body: Object) -> tuple[str, str, str]:
    spec = body["spec"]
    secret = spec.get("kubeConfig", {}).get("secretRef", {}).get("name", "")
    account = spec.get("serviceAccountName", "")
    user = f"system:serviceaccount:{body['metadata']['namespace']}:{account}" if account else ""
    return spec["path"].removeprefix("./"), secret, user


def _seed(body: Object) -> bool:
    return bool(body["metadata"].get("annotations", {}).get(_SSA) == "IfNotPresent")


def _belong(files: dict[Path, Object], applications: Iterable[Application]) -> None:
    """Every object belongs to one Application, and none is in a cluster twice."""
    owners: dict[tuple[str, Ref], list[str]] = {}
    for application in applications:
        for body in application.objects:
            owners.setdefault((application.server, Ref.of(body)), []).append(application.name)
    shared = {str(ref): names for (_, ref), names in owners.items() if len(names) > 1}
    assert not shared, f"applied by several Applications: {shared}"
    known = {id(body) for application in applications for body in (*application.objects, *application.seeds)}
    lost = [str(path) for path, body in files.items() if id(body) not in known]
    assert not lost, f"applied by no Application: {lost}"


def _minors(facts: Path) -> dict[str, tuple[str, str]]:
    """By address: name and Kubernetes minor of the clusters that Environments declare."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(facts.rglob("*.yaml")):
        policy: dict[str, Any] = yaml.safe_load(path.read_text())
        if policy["kind"] == "Environment":
            for cluster in policy["spec"].get("clusters", ()):
                found[cluster["server"]] = (cluster["name"], cluster["kubernetes"])
    return found


def _delivered_by_others(facts: Path) -> set[str]:
    """The Environments that say so: `components: {gitops: {manage: none}}`."""
    policies = [yaml.safe_load(path.read_text()) for path in sorted(facts.rglob("*.yaml"))]
    return {
        policy["metadata"]["name"]
        for policy in policies
        if policy["spec"].get("components", {}).get("gitops", {}).get("manage") == "none"
    }


def _oldest(known: dict[str, tuple[str, str]]) -> str:
    return min((minor for _, minor in known.values()), key=lambda minor: [int(part) for part in minor.split(".")])
