"""Parts of a pod beside its containers: how it is spread, what it tolerates, its volumes."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix_gitops.verify.access import Mapping, child, entries, mapping, text
from phoenix_gitops.verify.choices import check_choices
from phoenix_gitops.verify.finding import Fault, ObjectPath
from phoenix_gitops.verify.label_selectors import check_selector
from phoenix_gitops.verify.names import check_label_key, check_label_value, dns_label_fault
from phoenix_gitops.verify.quantities import check_count, check_filled, check_quantity
from phoenix_gitops.verify.unique import check_unique


def check_spreads(pod: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """`topologySpreadConstraints`."""
    spreads = [((*at, "topologySpreadConstraints", i), s) for i, s in entries(pod.get("topologySpreadConstraints"))]
    keys = [(where, f"{s.get('topologyKey')}, {s.get('whenUnsatisfiable')}") for where, s in spreads]
    yield from check_unique(keys, "spread", "topologyKey")
    for where, spread in spreads:
        yield from check_choices(spread, where, "spread")
        yield from check_filled(spread, ("topologyKey",), where)
        yield from check_count(spread.get("maxSkew"), (*where, "maxSkew"), least=1)
        yield from check_selector(spread.get("labelSelector"), (*where, "labelSelector"))


def check_tolerations(pod: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """`tolerations`: an operator that fits the key and the value."""
    for index, toleration in entries(pod.get("tolerations")):
        where: ObjectPath = (*at, "tolerations", index)
        yield from check_choices(toleration, where, "toleration")
        key, value = text(toleration.get("key")), text(toleration.get("value"))
        exists = toleration.get("operator") == "Exists"
        if key:
            yield from check_label_key(key, (*where, "key"))
        elif not exists:
            message = "a toleration without `key` needs the operator `Exists`"
            yield Fault(at=(*where, "operator"), code="PHX706", message=message, help="it then tolerates every taint")
        if exists and value:
            yield Fault(at=(*where, "value"), code="PHX718", message="operator `Exists` takes no `value`")
        elif value:
            yield from check_label_value(value, (*where, "value"))
        if toleration.get("tolerationSeconds") is not None and toleration.get("effect") != "NoExecute":
            message = "`tolerationSeconds` needs the effect `NoExecute`"
            yield Fault(at=(*where, "effect"), code="PHX706", message=message)


def check_volumes(pod: Mapping, at: ObjectPath) -> Iterator[Fault]:
    """`volumes`: their names, and one source for each."""
    volumes = [((*at, "volumes", index), volume) for index, volume in entries(pod.get("volumes"))]
    yield from check_unique([(where, volume.get("name")) for where, volume in volumes], "volume", "name")
    for where, volume in volumes:
        name = text(volume.get("name"))
        if fault := dns_label_fault(name):
            yield Fault(at=(*where, "name"), code="PHX710", message=f"volume name `{name}` {fault}")
        yield from _check_sources(name, volume, where)
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            mode = child(volume, source).get("defaultMode")
            yield from check_count(mode, (*where, source, "defaultMode"), most=0o777)
        limit = child(volume, "emptyDir").get("sizeLimit")
        yield from check_quantity(limit, (*where, "emptyDir", "sizeLimit"), resource="storage")


def _check_sources(name: str, volume: Mapping, at: ObjectPath) -> Iterator[Fault]:
    given = sorted(field for field, value in volume.items() if field != "name" and value is not None)
    if len(given) > 1:
        listed = " and ".join(f"`{field}`" for field in given)
        yield Fault(at=at, code="PHX718", message=f"volume `{name}` has several sources: {listed}")
    for source, field in (("configMap", "name"), ("secret", "secretName"), ("hostPath", "path")):
        data = volume.get(source)
        if isinstance(data, dict) and not mapping(data).get(field):
            message = f"`{source}` of volume `{name}` does not name its `{field}`"
            yield Fault(at=(*at, source, field), code="PHX704", message=message)
