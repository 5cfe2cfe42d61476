"""One cluster's compiled output, for faults to be planted into, and what our verification says of it then."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path

import yaml

from phoenix_gitops.cli.session import stages
from phoenix_gitops.crds import Stream, fetch
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.facts import cluster_facts
from phoenix_gitops.front import run_front
from phoenix_gitops.verify import Checked, Facts, Finding, Schemas, check, check_cluster, items
from tests.crds import crds_folder
from tests.proof.judge import GENERATED, ROOT
from tests.proof.planted import Body

ENVIRONMENT, CLUSTER, HOME = "prod-eu", "eu-central-1", "management"
MINOR = "1.35"
"""The Kubernetes minor of that cluster's facts."""


def schemas_of(kinds: set[tuple[str, str]], folder: Path) -> Schemas:
    """Schemas of the built-in kinds, and of those custom resources among (apiVersion, kind) that have a CRD."""
    for group in sorted({api_version.partition("/")[0] for api_version, _ in kinds}):
        file = crds_folder() / f"{group}.yaml"
        wanted = {kind for api_version, kind in kinds if api_version.startswith(f"{group}/")}
        if file.is_file():
            crds = [
                crd for crd in file.read_text().split("\n---\n") if any(f"\n    kind: {k}\n" in crd for k in wanted)
            ]
            fetch([Stream("\n---\n".join(crds).encode())], folder)
    return Schemas(MINOR, folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The compiled output of one cluster and of Argo CD's, and what our verification says of it."""

    bodies: dict[str, Body]
    checked: dict[str, Checked]
    facts: dict[str, Facts]
    schemas: Schemas

    @classmethod
    def read(cls, schemas: Schemas) -> Tree:
        (stage,) = [s for s in stages(run_front(ROOT), [])[0] if s.environment == ENVIRONMENT]
        files = sorted(f for c in (CLUSTER, HOME) for f in (GENERATED / ENVIRONMENT / c).rglob("*.yaml"))
        bodies = {str(f.relative_to(GENERATED)): yaml.load(f.read_bytes(), yaml.CSafeLoader) for f in files}
        return cls(
            bodies=bodies,
            checked={path: check(body, schemas) for path, body in bodies.items()},
            facts={cluster: cluster_facts(stage, cluster) for cluster in (CLUSTER, HOME)},
            schemas=schemas,
        )

    def path(self, of: str) -> str:
        """The file of `Kind namespace/name`, where the name may end in `*`."""
        kind, _, wanted = of.partition(" ")
        found = [
            path
            for path, body in self.bodies.items()
            if body["kind"] == kind
            and fnmatch.fnmatch(
                f"{body['metadata'].get('namespace', '')}/{body['metadata']['name']}".lstrip("/"), wanted
            )
        ]
        assert len(found) == 1, (of, found)
        return found[0]

    def findings(self, path: str, body: Body) -> list[Finding]:
        """What we say of the whole cluster in which this body stands in that file."""
        cluster = path.split("/")[1]
        outcomes = {p: c for p, c in self.checked.items() if p.split("/")[1] == cluster}
        outcomes[path] = check(body, self.schemas)
        others = items((p, c) for p, c in self.checked.items() if p not in outcomes)
        delivered = others if cluster == HOME else ()
        found = check_cluster(outcomes.items(), self.facts[cluster], delivered)
        return [finding for finding in found if finding.severity is Severity.ERROR]
