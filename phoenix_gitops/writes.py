"""Plan writes: rendered files against the files that exist, to what is created, updated and deleted.

Pure: the tree was read by `files` (or from a git tree by `publish`), and `files.apply` does what is planned.
An environment is written whole or not at all; only files that carry our header are replaced or removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phoenix_gitops.artifact import RenderedFile
from phoenix_gitops.diagnostics import Diagnostic, Label, Outcome, Severity, Span, ordered
from phoenix_gitops.tree import FileState, Ownership, component_of, digest, environment_of

_SHOWN = 10
"""So many files of one fault in one environment are reported singly; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a run may touch."""

    declared: frozenset[str]
    """Every environment that the policies declare."""
    compiled: frozenset[str]
    """Those that passed and were rendered whole in this run; the trees of all others stay."""
    components: frozenset[str] = frozenset()
    """With `--only`: the components that were rendered; the files of others stay. Empty means all."""
    remove: bool = False
    """Whether trees of environments that no policy declares go. Never true while a document
    could not be read: it may have declared one."""
    held: frozenset[str] = frozenset()
    """Folders in which files that were edited by hand stay as they are, each with its last slash."""

    def holds(self, path: str) -> bool:
        """Whether a file lies in a held folder."""
        return "/".join(path.split("/")[:3]) + "/" in self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """What is to be done, each part sorted by path. Safe to apply even if the plan came with errors:
    the environments at fault are held back whole.
    """

    create: tuple[RenderedFile, ...] = ()
    update: tuple[RenderedFile, ...] = ()
    delete: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Foreign files: never written, never deleted."""
    edited: tuple[str, ...] = ()
    """Files of ours that were edited by hand and stay so, in held folders."""
    conflicts: tuple[str, ...] = ()
    """Files that held an environment back: edited by hand, or foreign and in the way."""
    held: tuple[str, ...] = ()
    """Environments whose tree stays as it is because of the conflicts."""
    existing: Mapping[str, FileState] = field(default_factory=dict, repr=False, compare=False)
    """The tree that was planned against; `apply` refuses when it has changed since."""

    @property
    def changes(self) -> int:
        """How many files the plan touches."""
        return len(self.create) + len(self.update) + len(self.delete)


def plan(
    rendered: Sequence[RenderedFile],
    existing: Mapping[str, FileState],
    scope: Scope,
    *,
    force: bool = False,
    root: str = "generated/",
) -> Outcome[WritePlan]:
    """What to write so that the tree is what was rendered.

    Args:
        rendered: the files of `scope.compiled`, in any order.
        existing: the tree by path relative to the output folder.
        scope: what the run may touch.
        force: replace and delete files of ours that were edited by hand.
        root: how the output folder is named in messages, with its slash.

    """
    planner = _Planner(existing, scope, force, root)
    trees: dict[str, list[RenderedFile]] = {name: [] for name in scope.compiled}
    for file in rendered:
        _require_home(file, scope)
        trees[file.unit.environment].append(file)
    if len({file.path.casefold() for file in rendered}) < len(rendered):
        raise ValueError("two files of one path passed `serialise.check_paths`")
    old: dict[str, list[str]] = defaultdict(list)
    for path in existing:
        old[environment_of(path)].append(path)
    if not scope.declared:
        planner.report("PHX804", "no environment is declared: there is nothing to write", _HELP_EMPTY)
    for name in sorted(trees):
        planner.compiled(name, trees[name], old[name])
    if scope.remove:
        for name in sorted(set(old) - scope.declared - {""}):
            planner.removed(name, old[name])
    return Outcome(planner.result(), ordered(planner.diagnostics))


def drift(planned: WritePlan, root: str = "generated/") -> tuple[Diagnostic, ...]:
    """What `compile --check` reports, as errors: files that a compile would touch, strays that would be applied."""
    stray = "is compiled from no policy, yet would be applied"
    found = [
        *((file.path, "is missing", _HELP_DRIFT) for file in planned.create),
        *((file.path, "is out of date", _HELP_DRIFT) for file in planned.update),
        *((path, "is no longer compiled", _HELP_DRIFT) for path in planned.delete),
        *((path, stray, _HELP_STRAY) for path in _strays(planned)),
    ]
    return tuple(
        Diagnostic(code="PHX810", message=f"`{_shown(root + path)}` {state}", primary=_at(root + path), help=advice)
        for path, state, advice in sorted(found)
    )


def _strays(planned: WritePlan) -> Iterable[str]:
    """Foreign files in a component's folder, all of which the reconciler reads."""
    ours = (*planned.unchanged, *(file.path for file in (*planned.create, *planned.update)))
    components = {tuple(path.split("/")[:3]) for path in ours if not path.startswith("_")}
    inside = (path for path in planned.kept if path.count("/") > 2 and tuple(path.split("/")[:3]) in components)
    return (path for path in inside if path.endswith(_APPLIED))


_APPLIED = (".yaml", ".yml", ".json", ".jsonnet")
"""What Argo CD reads in a folder of plain manifests; Flux reads less."""
_HELP_DRIFT = "run `phoenix compile` and commit what it writes"
_HELP_STRAY = "delete it, or keep it outside the folder: a policy or an override is the way into a cluster"
_HELP_EMPTY = "an empty tree would remove everything from the clusters: declare what it should hold"
_HELP_EDITED = "move the change into the policies (`phoenix explain FILE` names them), or drop it with `--force`"


def _require_home(file: RenderedFile, scope: Scope) -> None:
    """Paths and units come from our own code: a mismatch is a bug, not the user's mistake."""
    parts = file.path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in file.path or "\0" in file.path:
        raise ValueError(f"not a path inside the output folder: {file.path!r}")
    if environment_of(file.path) != file.unit.environment or file.unit.environment not in scope.compiled:
        raise ValueError(f"{file.path!r} was rendered for {file.unit.environment!r}")


def _shown(text: str) -> str:
    # File names that are not UTF-8 reach us as lone surrogates, which no terminal or file takes.
    return text.encode("utf-8", "replace").decode()


def _at(file: str) -> Label:
    return Label(Span(file, 1, 1, 1, 1))


def _ancestors(path: str) -> Iterable[str]:
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


class _Planner:
    """Gathers the plan, one environment at a time."""

    def __init__(self, existing: Mapping[str, FileState], scope: Scope, force: bool, root: str) -> None:
        self.existing = existing
        self.scope = scope
        self.force = force
        self.root = root
        self.diagnostics: list[Diagnostic] = []
        self._create: list[RenderedFile] = []
        self._update: list[RenderedFile] = []
        self._delete: list[str] = []
        self._unchanged: list[str] = []
        self._edited: list[str] = []
        self._conflicts: list[str] = []
        self._held: list[str] = []
        self._foreign = sorted(p for p, s in existing.items() if s.ownership is Ownership.FOREIGN)
        self._foreign_files = {path.casefold(): path for path in self._foreign}
        self._foreign_folders = {up.casefold(): path for path in self._foreign for up in _ancestors(path)}

    def report(
        self, code: str, message: str, help_: str, *, file: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        primary = _at(self.root + file) if file else None
        self.diagnostics.append(
            Diagnostic(code=code, message=_shown(message), primary=primary, help=help_, severity=severity)
        )

    def result(self) -> WritePlan:
        return WritePlan(
            create=tuple(sorted(self._create, key=lambda f: f.path)),
            update=tuple(sorted(self._update, key=lambda f: f.path)),
            delete=tuple(sorted(self._delete)),
            unchanged=tuple(sorted(self._unchanged)),
            kept=tuple(self._foreign),
            edited=tuple(sorted(self._edited)),
            conflicts=tuple(sorted(set(self._conflicts))),
            held=tuple(sorted(self._held)),
            existing=self.existing,
        )

    def compiled(self, name: str, files: list[RenderedFile], old: Sequence[str]) -> None:
        """Plan an environment that was rendered, or hold it back."""
        if not files:
            self._held.append(name)
            self.report("PHX804", f"environment `{name}` compiled to no file at all", _HELP_EMPTY)
            return
        faults = self._obstacles(name, files)
        create: list[RenderedFile] = []
        update: list[RenderedFile] = []
        unchanged: list[str] = []
        edited: list[str] = []
        for file in files:
            state = self.existing.get(file.path)
            if state is None:
                create.append(file)
            elif state.size == len(file.content) and state.digest == digest(file.content):
                unchanged.append(file.path)
            elif state.ownership is Ownership.EDITED and not self.force:
                edited.append(file.path)
            else:
                update.append(file)
        stale = self._stale({file.path for file in files}, old)
        if not self.force:
            edited += [path for path in stale if self.existing[path].ownership is Ownership.EDITED]
        kept = [path for path in edited if self.scope.holds(path)]
        edited = [path for path in edited if not self.scope.holds(path)]
        self._report_kept(kept)
        self._report_edited(name, edited)
        if faults or edited:
            self._held.append(name)
            self._conflicts += faults + edited
            return
        self._create += create
        self._update += update
        self._unchanged += unchanged
        self._edited += kept
        self._delete += [path for path in stale if path not in kept]

    def removed(self, name: str, old: Sequence[str]) -> None:
        """Plan the end of a tree whose environment no policy declares any more."""
        ours = [path for path in old if self.existing[path].ownership is not Ownership.FOREIGN]
        if not ours:
            return
        safe = (Ownership.INTACT, Ownership.CONFLICTED)
        others = sorted(path for path in old if self.existing[path].ownership not in safe)
        if others and not self.force:
            self._held.append(name)
            self._conflicts += others
            self.report(
                "PHX805",
                f"environment `{name}` is gone, but {len(others)} of {len(old)} files in "
                f"`{self.root}{name}` are not as they were compiled",
                f"look at `{self.root}{others[0]}`, then move such files away, or run with `--force`",
                file=others[0],
            )
            return
        self._delete += ours

    def _stale(self, rendered: Collection[str], old: Sequence[str]) -> list[str]:
        """Files of ours that were not rendered again, as far as the run's scope reaches."""
        only = self.scope.components
        return sorted(
            path
            for path in old
            if path not in rendered
            and self.existing[path].ownership is not Ownership.FOREIGN
            and (not only or component_of(path) in only)
        )

    def _obstacles(self, name: str, files: Sequence[RenderedFile]) -> list[str]:
        """Foreign files that stand where this environment's files must."""
        if not self._foreign:
            return []
        found: dict[str, str] = {}
        for file in files:
            folded = file.path.casefold()
            foreign = self._foreign_files.get(folded) or self._foreign_folders.get(folded)
            if foreign is None:
                hits = (self._foreign_files.get(up) for up in _ancestors(folded))
                foreign = next((hit for hit in hits if hit), None)
            if foreign is not None:
                found.setdefault(foreign, file.path)
        for foreign, path in sorted(found.items()):
            self.report(
                "PHX802",
                f"`{self.root}{foreign}` was not compiled by us and is in the way of "
                f"`{self.root}{path}` in environment `{name}`",
                "move it out of the output folder, or delete it if it is not needed",
                file=foreign,
            )
        return sorted(found)

    def _report_kept(self, paths: Sequence[str]) -> None:
        for path in sorted(paths):
            self.report(
                "PHX814",
                f"`{self.root}{path}` was edited by hand and stays so while it is held",
                "move the change into the policies before the hold is lifted",
                file=path,
                severity=Severity.NOTE,
            )

    def _report_edited(self, name: str, paths: Sequence[str]) -> None:
        shown = sorted(paths)[:_SHOWN]
        for path in shown:
            self.report("PHX801", f"`{self.root}{path}` was edited by hand", _HELP_EDITED, file=path)
        if more := len(paths) - len(shown):
            self.report("PHX801", f"{more} more files of `{name}` were edited by hand", _HELP_EDITED)
