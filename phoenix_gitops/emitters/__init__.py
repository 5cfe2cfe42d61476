"""The registry of emitters: one dict; third parties' come by entry point and only if `phoenix.yaml` names them."""

from __future__ import annotations

from collections.abc import Sequence

from phoenix_gitops.diagnostics import Diagnostic, Outcome
from phoenix_gitops.emitters import ingest, rules, tenancy
from phoenix_gitops.emitters.base import Emitter

ENTRY_POINTS = "phoenix_gitops.emitters"

_BUILTIN: tuple[Emitter, ...] = (tenancy, ingest, rules)

EMITTERS: dict[str, Emitter] = {emitter.COMPONENT: emitter for emitter in _BUILTIN}


def load(names: Sequence[str]) -> Outcome[dict[str, Emitter]]:
    """The built-in emitters and the third parties' that the Platform names, in a stable order."""
    if not names:
        return Outcome(EMITTERS)
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    emitters = dict(EMITTERS)
    diagnostics = []
    for name in sorted(names):
        fault, emitter = _load_one(name, found.get(name))
        if emitter is None:
            diagnostics.append(fault)
        elif emitter.COMPONENT in emitters:
            diagnostics.append(_fault(name, f"its component `{emitter.COMPONENT}` has an emitter already"))
        else:
            emitters[emitter.COMPONENT] = emitter
    return Outcome(emitters, tuple(diagnostics))


def _load_one(name: str, point: object) -> tuple[Diagnostic, Emitter | None]:
    from importlib.metadata import EntryPoint

    if not isinstance(point, EntryPoint):
        return _fault(name, "no installed package offers it"), None
    try:
        emitter = point.load()
    except Exception as error:
        # Whatever a third party's import raises is its fault, not ours.
        return _fault(name, f"its import fails: {error}"), None
    if not all(hasattr(emitter, part) for part in ("COMPONENT", "emit", "emit_tenant")):
        return _fault(name, "it lacks `COMPONENT`, `emit` or `emit_tenant`"), None
    return _fault(name, ""), emitter


def _fault(name: str, why: str) -> Diagnostic:
    return Diagnostic(
        code="PHX690",
        message=f"emitter `{name}` cannot be used: {why}",
        help="install the package that offers it, or take it out of `emitters` in phoenix.yaml",
    )
