from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.back import Tools, compile_environment
from phoenix_gitops.emit import Stage
from phoenix_gitops.emitters import load
from phoenix_gitops.front import run_front
from phoenix_gitops.judging.stage import Judged, Request, judge
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.templating import Renderer
from tests.test_cases import CASES
from tests.unit.judging import fakes

WITHOUT_GOLDEN = frozenset({"rules", "collectors"})
RULES = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: RuleSet
metadata: {name: mine, owner: platform}
spec:
  alerts:
    - alert: Mine
      expr: sum(phoenix:tenant_active_series) > 1e6
      summary: FORBIDDEN
"""


@dataclass
class Bench:
    """A small repository, and judges that are scripts."""

    root: Path
    programs: Path
    monkeypatch: pytest.MonkeyPatch
    rules: int = 0
    tests: int = 0
    configs: int = 0
    """Rule files and collector configs of the last compile."""

    def install(self, **programs: Path) -> None:
        """Only these judges exist."""
        self.monkeypatch.setenv("PATH", "")
        self.monkeypatch.setenv("PHOENIX_CACHE", str(self.programs / "none"))
        for name in ("promtool", "vmalert", "vmalert-tool", "otelcol"):
            variable = f"PHOENIX_{name.upper().replace('-', '_')}"
            if path := programs.get(name.replace("-", "_")):
                self.monkeypatch.setenv(variable, str(path))
            else:
                self.monkeypatch.delenv(variable, raising=False)

    def install_all(self, **firsts: str) -> None:
        """All three judges; each may do something before it judges."""
        makers = {"promtool": fakes.promtool, "vmalert": fakes.vmalert, "otelcol": fakes.otelcol}
        self.install(**{name: make(self.programs, firsts.get(name, "")) for name, make in makers.items()})

    def write(self, files: Mapping[str, str]) -> None:
        """Puts files into the repository."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def judge(self, change: Callable[[RenderedFile], RenderedFile] | None = None, **request: Any) -> Judged:
        """What the judges say of what the repository compiles to, `change`d; golden data need a real collector."""
        policies = {p.relative_to(self.root).as_posix(): p.read_text() for p in sorted(self.root.rglob("*.yaml"))}
        stages, resolved, files = _compiled(self.root, tuple(p for p in policies.items() if p[0][:5] != "tests"))
        self.rules = sum("/rules/" in file.path for file in files)
        self.tests = sum("/tests/" in file.path for file in files)
        self.configs = sum("/collectors/" in file.path for file in files)
        tags = {stage.environment: stage.scope.platform.spec.catalog.collector.tag for stage in stages}
        chosen: dict[str, Any] = {"jobs": 4, "tags": tags, "subjects": WITHOUT_GOLDEN} | request
        files = [change(file) for file in files] if change else files
        return judge(Request(root=self.root, stages=stages, policies=resolved, files=files, **chosen))


_KEPT: dict[tuple[tuple[str, str], ...], tuple[list[Stage], Mapping[Key, Resolved], list[RenderedFile]]] = {}


def _compiled(
    root: Path, policies: tuple[tuple[str, str], ...]
) -> tuple[list[Stage], Mapping[Key, Resolved], list[RenderedFile]]:
    """What a repository compiles to, proof files only; equal ones are compiled once."""
    if policies not in _KEPT:
        front = run_front(root)
        assert front.world is not None, front.diagnostics
        assert front.policies is not None
        render = Renderer.of_repository(root).render
        emitters = load(front.world.platform.spec.emitters).value
        stages = [Stage(front.world, name, emitters, render) for name in sorted(front.world.environments)]
        compiled = [compile_environment(stage, front.policies, Tools(schemas=None, cache=None)) for stage in stages]
        assert all(one.ok for one in compiled), [one.diagnostics for one in compiled]
        files = [file for one in compiled for file in one.files if file.path.startswith("_proof/")]
        _KEPT[policies] = stages, front.policies, files
    return _KEPT[policies]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    shutil.copytree(CASES / "good" / "small", tmp_path / "repository", ignore=shutil.ignore_patterns("expected"))
    (tmp_path / "programs").mkdir()
    made = Bench(tmp_path / "repository", tmp_path / "programs", monkeypatch)
    made.install_all()
    return made
