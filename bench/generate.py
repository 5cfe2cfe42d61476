"""Writes a repository of T tenants of isolation `namespace` in E environments: the work that is measured.

Each pair gives at least eight objects, one of them a collector config of about 60 lines.
"""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = "apiVersion: policy.phoenix.io/v1alpha1\n"


def write(root: Path, tenants: int, environments: int, class_: str = "namespace") -> None:
    """Write the repository into `root`."""
    _file(
        root / "phoenix.yaml",
        "kind: Platform\nmetadata: {name: bench, owner: bench}\nspec:\n  version: 0.1.0\n"
        "  repository: {url: https://git.example.com/bench.git}\n",
    )
    for number in range(environments):
        _file(root / "environments" / f"env-{number}.yaml", _environment(number))
    for number in range(tenants):
        _file(root / "policies" / "tenants" / f"tenant-{number:05}" / "tenant.yaml", tenant(number, class_))


def tenant(number: int, class_: str = "namespace", pods: int = 40) -> str:
    """One tenant's policy, without the head."""
    name = f"tenant-{number:05}"
    return (
        f"kind: Tenant\nmetadata: {{name: {name}, owner: team-{number % 97}}}\nspec:\n"
        f"  class: {class_}\n  identity: {{namespaces: [{name}]}}\n  costCenter: CC-{1000 + number % 500}\n"
        f"  quotas: {{activeSeries: {10000 + number}, ingestRate: {700 + number % 50}, "
        f'cpu: "8", memory: 16Gi, pods: {pods}}}\n'
        f"  access: {{viewers: [{name}-devs], editors: [{name}-leads]}}\n"
    )


def _environment(number: int) -> str:
    return (
        f"kind: Environment\nmetadata: {{name: env-{number}, owner: bench}}\nspec:\n  class: dev\n  control: standard\n"
        f"  clusters:\n    - name: main\n      server: https://k8s-{number}.example.com\n"
        '      kubernetes: "1.34"\n      zones: [a, b]\n      provides: {prometheusOperator: "0.93"}\n'
        "      discoveryLabels: {release: kube-prometheus}\n      dns: {}\n"
        f"      apiServer: {{ipBlocks: [10.{number}.0.1/32]}}\n      scraper: {{}}\n"
    )


def _file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + text)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
