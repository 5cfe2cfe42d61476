"""The component tables against the collectors that they describe, key by key, both ways.

A table says which keys each mapping of a config may have; `every_key.yaml` has each of them once. The collector is
shown that config, which it must take; the same with one key too many in each mapping, which it must refuse there; and
the same with a mapping in place of each plain value, which it must refuse for its type and not for its key. So every
key that we allow is known, where we are strict the collector is strict, and nothing strict hides behind a free value.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix_gitops.collector.check import check_config
from phoenix_gitops.collector.table import Keys, Kind, Table
from phoenix_gitops.collector.versions import VERSIONS
from phoenix_gitops.judges.otelcol import Verdict, local, validate
from tests.proof.collectors import binary
from tests.proof.judge import Judge, collectors

pytestmark = pytest.mark.proof

PROCESSES = 2
TOO_MUCH = "no_such_key"
NOT_KNOWN = re.compile(
    rf"invalid (?:scraper )?keys?: .*{TOO_MUCH}|field {TOO_MUCH} not found"
    # An unknown exporter of a reader is refused by a crash.
    "|panic: reflect: Key of non-map type"
)
LENIENT = {("receivers", "host_metrics")}
"""Where a collector takes keys that it does not know. Those of ours it knows: it refuses other types for them."""
KEYLESS = {"sizer", "storage"}
"""Values that the collector reads from text, into structures that have no key at all."""
ANYTHING = ("processors", "resource", "attributes", "value")
"""What may be of any type: the value of an attribute."""
Place = tuple[str | int, ...]


def whole() -> Any:
    """Every key of every component, under today's names."""
    text = (Path(__file__).parent / "every_key.yaml").read_text(encoding="utf-8")
    return json.loads(json.dumps(yaml.safe_load(text)))


def at(value: Any, place: Place) -> Any:
    return functools.reduce(lambda node, key: node[key], place, value)


@functools.cache
def every_key(version: str) -> str:
    """The config of a version, as JSON: its names for what it has, and of that the keys that its table knows."""
    table, config = VERSIONS[version], whole()
    names: dict[str, str] = {}
    for kind in Kind:
        section = config.pop(kind.value)
        for name, settings in section.items():
            type_, slash, rest = name.partition("/")
            named = table.named(kind, type_)
            if named:
                names[name] = f"{named}{slash}{rest}"
                known = table.components[kind, named].keys
                config.setdefault(kind.value, {})[names[name]] = pruned(settings, known)
    for pipeline in config["service"]["pipelines"].values():
        for members in pipeline.values():
            members[:] = [names[name] for name in members if name in names]
    config["service"] = pruned(config["service"], table.service)
    return json.dumps(config)


def pruned(value: Any, known: Keys) -> Any:
    if isinstance(value, list):
        return [pruned(item, known) for item in value]
    if isinstance(value, dict) and known is not None:
        return {k: pruned(v, known.get(k, known.get("*"))) for k, v in value.items() if k in known or "*" in known}
    return value


def described(table: Table, config: Any) -> Iterator[tuple[Place, Keys]]:
    """Each component of a config, and the service, with what the table says of its keys."""
    for kind in Kind:
        for name in config[kind.value]:
            yield (kind.value, name), table.components[kind, name.partition("/")[0]].keys
    yield ("service",), table.service


def walk(value: Any, known: Keys, place: Place) -> Iterator[tuple[Place, Keys]]:
    """Every place in a value, with what the table says of it."""
    yield place, known
    if isinstance(value, dict) and known is not None:
        for key, below in value.items():
            yield from walk(below, known.get(key, known.get("*")), (*place, key))
    elif isinstance(value, list) and known is not None:
        for index, item in enumerate(value):
            yield from walk(item, known, (*place, index))


def places(version: str) -> list[tuple[Place, Keys]]:
    config = json.loads(every_key(version))
    return [
        found
        for place, known in described(VERSIONS[version], config)
        for found in walk(at(config, place), known, place)
    ]


def verdicts(version: str, changes: list[tuple[Place, object]], folder: Path) -> list[Verdict]:
    """What the collector of a version says of every key at once, each time with one place changed."""
    here = local(json.loads(every_key(version)), folder)

    def ask(numbered: tuple[int, tuple[Place, object]]) -> Verdict:
        number, (place, value) = numbered
        file = folder / f"{number}.yaml"
        file.write_text(json.dumps(changed(here.document, place, value)), encoding="utf-8")
        return validate(binary(version), file, here.environ)

    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(ask, enumerate(changes)))


def changed(config: Any, place: Place, value: object) -> Any:
    copied = json.loads(json.dumps(config))
    if place:
        at(copied, place[:-1])[place[-1]] = value
    return copied


def flattened(known: Keys, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, below in (known or {}).items():
        yield (*path, key)
        yield from flattened(below, (*path, key))


def test_there_is_a_table_for_every_collector_and_no_other() -> None:
    assert set(VERSIONS) == set(collectors())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_key_of_the_table_is_in_the_config_that_is_judged(version: str) -> None:
    config, table = json.loads(every_key(version)), VERSIONS[version]
    wanted = {
        path
        for component in table.components.values()
        for path in flattened(component.keys, (component.kind.value, component.type))
    } | set(flattened(table.service, ("service",)))
    had = set()
    for start, known in described(table, config):
        for place, _ in walk(at(config, start), known, start):
            path = tuple(str(part) for part in place if isinstance(part, str))
            had.add(starred(table, (path[0], path[1].partition("/")[0], *path[2:]) if len(path) > 1 else path))
    assert wanted - had == set()
    assert {(c.kind.value, c.type) for c in table.components.values()} <= had


def starred(table: Table, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path as the table writes it, with `*` for keys that users choose."""
    if path[0] == "service":
        known, done = table.service, path[:1]
    else:
        known, done = table.components[Kind(path[0]), path[1]].keys, path[:2]
    for key in path[len(done) :]:
        named = key if known and key in known else "*"
        done = (*done, named)
        known = (known or {}).get(named)
    return done


@pytest.mark.parametrize("version", VERSIONS)
def test_the_collector_knows_every_key_that_the_table_allows(version: str, tmp_path: Path, judge: Judge) -> None:
    config = json.loads(every_key(version))
    assert [finding for finding in check_config(config, version) if finding.code in {"PHX631", "PHX632"}] == []
    assert verdicts(version, [((), None)], tmp_path) == [Verdict(ok=True, said="")]
    number = sum(isinstance(place[-1], str) for place, _ in places(version))
    judge.took("otelcol", number, f"keys of the table of {version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_where_the_table_is_strict_the_collector_is(version: str, tmp_path: Path, judge: Judge) -> None:
    config = json.loads(every_key(version))
    strict = [
        (*place, TOO_MUCH)
        for place, known in places(version)
        if isinstance(at(config, place), dict) and known is not None and "*" not in known
    ]
    for place in strict:
        assert "PHX632" in {finding.code for finding in check_config(changed(config, place, None), version)}
    asked = [place for place in strict if place[:-1] not in LENIENT]
    found = zip(asked, verdicts(version, [(place, "x") for place in asked], tmp_path), strict=True)
    assert [(place, v.said) for place, v in found if v.ok or not NOT_KNOWN.search(v.said)] == []
    judge.refused("otelcol", len(asked), f"keys that the table of {version} has not")


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_strict_hides_behind_a_free_value(version: str, tmp_path: Path, judge: Judge) -> None:
    free = [place for place, known in places(version) if known is None and place[:3] + place[4:] != ANYTHING]
    found = zip(free, verdicts(version, [(place, {TOO_MUCH: "x"}) for place in free], tmp_path), strict=True)
    hidden = [(place, v.said) for place, v in found if v.ok or (NOT_KNOWN.search(v.said) and place[-1] not in KEYLESS)]
    assert hidden == []
    judge.refused("otelcol", len(free), f"mappings for plain values of {version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_other_names_of_a_component(version: str, tmp_path: Path, judge: Judge) -> None:
    """The collector takes a former name and does not know a later one; we take neither, and say this version's."""
    table = VERSIONS[version]
    components = [component for component in table.components.values() if component.formerly or component.later]
    assert components
    for component in components:
        other = component.formerly or component.later
        config = json.loads(re.sub(rf'"{component.type}(?=["/])', f'"{other}', every_key(version)))
        here = local(config, tmp_path)
        verdict = validate(binary(version), here.write(), here.environ)
        assert verdict.ok == bool(component.formerly), verdict.said
        if component.later:
            assert f'unknown type: "{other}"' in verdict.said
        helps = {finding.help for finding in check_config(config, version)}
        assert f"it is called `{component.type}` in this version" in helps
    judge.took("otelcol", len(components), f"other names in {version}")
