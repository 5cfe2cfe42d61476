"""What the chosen reconciler asks of policies: facts that it needs, and settings that it has no counterpart for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from phoenix_gitops.diagnostics import Diagnostic
from phoenix_gitops.document import Path
from phoenix_gitops.model.platform import Platform
from phoenix_gitops.resolve import Key, Resolved
from phoenix_gitops.world import World

_SCP: Final = re.compile(r"([^ @:/]+@[^ :/]+):/*([^ ]+)")
"""An address as `git@host:path`, which git reads as SSH."""

_NOT_OF_FLUX: Final[tuple[tuple[Path, str, str], ...]] = (
    (("retry", "limit"), "Flux tries again until it succeeds", "leave it out"),
    (("retry", "maxBackoff"), "Flux always waits the same time, `backoff`", "leave it out"),
)
"""Settings of `sync` by path, why Flux has no use for them, and what to do."""

_REPOSITORY_URL: Final[Path] = ("spec", "repository", "url")
_OUTPUT_URL: Final[Path] = ("spec", "output", "url")


def check_reconciler(policies: Mapping[Key, Resolved], world: World) -> Iterator[Diagnostic]:
    """`PHX537` for settings that would change nothing, `PHX538` for what Flux cannot do without."""
    platform = policies["Platform", world.platform.metadata.name]
    flux = world.platform.spec.reconciler == "flux"
    other = ("spec", "argocd" if flux else "flux")
    if platform.sets(other):
        yield _idle(platform, other, f"the platform's reconciler is {'Flux' if flux else 'Argo CD'}", "remove it")
    yield from _address(platform, world.platform) if flux else ()
    for name in sorted(world.environments):
        if flux:
            yield from _of_flux(policies, world, name)
        else:
            yield from _of_argocd(policies["Environment", name], world, name)


def _of_argocd(policy: Resolved, world: World, name: str) -> Iterator[Diagnostic]:
    for i, cluster in enumerate(world.environments[name].spec.clusters):
        if cluster.kube_config is not None:
            why = "the platform's reconciler is Argo CD"
            yield _idle(policy, ("spec", "clusters", i, "kubeConfig"), why, "give Argo CD a cluster secret instead")


def _of_flux(policies: Mapping[Key, Resolved], world: World, name: str) -> Iterator[Diagnostic]:
    policy, spec = policies["Environment", name], world.environments[name].spec
    for path, why, advice in _NOT_OF_FLUX:
        if policy.sets(("spec", "sync", *path)):
            yield _idle(policy, ("spec", "sync", *path), why, advice)
    if not spec.sync.self_heal:
        advice = "leave it out; a hold in `holds` leaves a part as it is for a while"
        yield _idle(policy, ("spec", "sync", "selfHeal"), "Flux always undoes changes by hand", advice)
    for i, cluster in enumerate(spec.clusters):
        if cluster.kube_config is None and cluster.server != world.platform.spec.flux.server:
            yield Diagnostic(
                code="PHX538",
                message=f"cluster `{name}/{cluster.name}` is not the one that Flux runs in, and has no `kubeConfig`",
                primary=policy.origin(("spec", "clusters", i, "name")).value,
                help="name the Secret with its kubeconfig: `kubeConfig: {secret: NAME}`; or say in phoenix.yaml under "
                f"`spec.flux.server` that Flux runs in `{cluster.server}`",
            )


def _address(policy: Resolved, platform: Platform) -> Iterator[Diagnostic]:
    """Flux reads over HTTP, and over SSH with a key; `git@host:path` it does not know."""
    spec = platform.spec
    url, at = (spec.output.url, _OUTPUT_URL) if spec.output.mode == "repo" else (spec.repository.url, _REPOSITORY_URL)
    if url is None:
        return
    if not url.startswith(("http://", "https://", "ssh://")):
        found = _SCP.fullmatch(url)
        advice = f"write `ssh://{found[1]}/{found[2]}`" if found else "give an address of `https://` or `ssh://`"
        yield _unreadable(policy, at, f"Flux cannot read address `{url}`", advice)
    elif url.startswith("ssh://") and spec.flux.secret is None:
        advice = "name the Secret with its key in phoenix.yaml: `spec.flux.secret`"
        yield _unreadable(policy, at, f"Flux reaches `{url}` only with a key", advice)


def _idle(policy: Resolved, path: Path, why: str, advice: str) -> Diagnostic:
    return Diagnostic(
        code="PHX537",
        message=f"`{path[-1]}` would have no effect: {why}",
        primary=policy.origin(path).key,
        help=advice,
    )


def _unreadable(policy: Resolved, path: Path, message: str, advice: str) -> Diagnostic:
    return Diagnostic(code="PHX538", message=message, primary=policy.origin(path).value, help=advice)
