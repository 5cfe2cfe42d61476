"""References between the objects of one cluster: what is named exists, once, and selectors select."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.suggest import closest
from phoenix_gitops.verify.finding import Fault, Finding, ObjectPath, ObjectRef
from phoenix_gitops.verify.index import Index, Item
from phoenix_gitops.verify.needs import Need
from phoenix_gitops.verify.selectors import Selector
from phoenix_gitops.verify.summary import Pods, ServicePort

_ROLE_KINDS = ("Role", "ClusterRole")


def check_references(index: Index) -> Iterator[Finding]:
    """All faults between objects that concern names and selectors."""
    yield from _duplicates(index)
    for item in index.items:
        yield from _namespace(index, item)
        for need in item.summary.needs:
            yield from _need(index, item, need)
        yield from _selection(index, item)


def _duplicates(index: Index) -> Iterator[Finding]:
    first: dict[tuple[str, str, str, str], Item] = {}
    paths: dict[str, Item] = {}
    for item in (item for item in index.items if not item.summary.seed):
        summary = item.summary
        key = (summary.group, summary.kind, summary.namespace, summary.name.casefold())
        other = first.setdefault(key, item)
        if other is not item:
            yield _twice(item, other)
        elif (same := paths.setdefault(item.path.casefold(), item)) is not item:
            yield item.finding(
                Fault(
                    at=("metadata", "name"),
                    code="PHX745",
                    message=f"file `{item.path}` is also that of {same.summary.kind} `{same.summary.name}`",
                    help="rename one of the objects",
                ),
                (same.path,),
            )


def _twice(item: Item, other: Item) -> Finding:
    summary = item.summary
    where = f" in namespace `{summary.namespace}`" if summary.namespace else ""
    if summary.name == other.summary.name:
        code, what = "PHX744", "is made twice"
    else:
        code, what = "PHX745", f"and `{other.summary.name}` differ only in case"
    return item.finding(
        Fault(
            at=("metadata", "name"),
            code=code,
            message=f"{summary.kind} `{summary.name}`{where} {what}: `{other.path}` and `{item.path}`",
            help="rename one of them, or remove the policy that repeats it",
        ),
        (other.path,),
    )


def _namespace(index: Index, item: Item) -> Iterator[Finding]:
    namespace = item.summary.namespace
    if namespace and not index.exists("Namespace", "", namespace):
        yield item.finding(
            Fault(
                at=("metadata", "namespace"),
                code="PHX741",
                message=f"namespace `{namespace}` does not exist",
                help=_known(index, "Namespace", "", namespace),
            )
        )


def _need(index: Index, item: Item, need: Need) -> Iterator[Finding]:
    where = f" in namespace `{need.namespace}`" if need.namespace else ""
    if not index.exists(need.kind, need.namespace, need.name):
        code = "PHX746" if need.kind in _ROLE_KINDS else "PHX747" if need.kind == "AppProject" else "PHX740"
        yield item.finding(
            Fault(
                at=need.at,
                code=code,
                message=f"{need.kind} `{need.name}`{where} does not exist",
                help=_known(index, need.kind, need.namespace, need.name),
            )
        )
        return
    target = index.named.get(_ref(need))
    if need.kind == "ConfigMap" and target is not None:
        for key, at in need.keys:
            if key not in target.summary.keys:
                known = ", ".join(f"`{name}`" for name in sorted(target.summary.keys)) or "none"
                yield item.finding(
                    Fault(
                        at=at,
                        code="PHX740",
                        message=f"ConfigMap `{need.name}`{where} has no key `{key}`",
                        help=f"its keys: {known}",
                    ),
                    (target.path,),
                )


def _ref(need: Need) -> ObjectRef:
    return ObjectRef(need.kind, need.namespace, need.name)


def _known(index: Index, kind: str, namespace: str, name: str) -> str:
    near = closest(name, sorted(index.names.get((kind, namespace), ())))
    if near:
        return f"did you mean `{near}`?"
    return f"emit this {kind}, or declare it as external to the cluster"


_SELECTED_AT: dict[str, ObjectPath] = {
    "Service": ("spec", "selector"),
    "NetworkPolicy": ("spec", "podSelector"),
    "PodDisruptionBudget": ("spec", "selector"),
}


def _selection(index: Index, item: Item) -> Iterator[Finding]:
    summary, selector = item.summary, item.summary.selects
    if selector is None or index.external("Pod", summary.namespace, ""):
        return
    found = index.selected(summary.namespace, selector)
    if found:
        for position, port in enumerate(summary.ports):
            yield from _target_port(item, port, position, found)
    elif summary.kind != "NetworkPolicy" or _narrow_and_ours(index, summary.namespace, selector):
        yield item.finding(
            Fault(
                at=_SELECTED_AT[summary.kind],
                code="PHX742",
                message=f"{summary.kind} `{summary.name}` selects no pod in namespace `{summary.namespace}`"
                f" by `{selector}`",
                help=_nearest_labels(index, summary.namespace),
            )
        )


def _narrow_and_ours(index: Index, namespace: str, selector: Selector) -> bool:
    """Whether a policy should find pods of ours: one for the whole namespace guards foreign pods too."""
    return selector != Selector() and namespace in index.pods


def _nearest_labels(index: Index, namespace: str) -> str:
    workloads = sorted(f"{i.summary.kind} `{i.summary.name}`" for i, _ in index.pods.get(namespace, ()))
    return f"the workloads there: {', '.join(workloads[:5])}" if workloads else "no workload is emitted there"


def _target_port(item: Item, port: ServicePort, position: int, found: list[tuple[Item, Pods]]) -> Iterator[Finding]:
    for workload, pods in found:
        if any(port.target in (known.name, known.number) and port.protocol == known.protocol for known in pods.ports):
            continue
        ports = ", ".join(f"`{known.name or known.number}/{known.protocol}`" for known in pods.ports)
        yield item.finding(
            Fault(
                at=("spec", "ports", position, "targetPort"),
                code="PHX743",
                message=f"target port `{port.target}/{port.protocol}` of Service `{item.summary.name}` is none"
                f" of {workload.summary.kind} `{workload.summary.name}`",
                help=f"its ports: {ports or 'none'}",
            ),
            (workload.path,),
        )
