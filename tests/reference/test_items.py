"""The table of the reference platform: whole, and true."""

from __future__ import annotations

import importlib
import inspect

from tests.reference.items import CAPABILITIES, COLLECTION, CONTROL, DASHBOARDS, DELIVERY, ITEMS, PIPELINES, RULES
from tests.reference.platform import ROOT
from tests.tables import reference_page

MODULES = (COLLECTION, PIPELINES, CONTROL, RULES, DELIVERY, DASHBOARDS)


def looking() -> set[str]:
    """Every test that looks into the output, as `module.function`."""
    modules = {name: importlib.import_module(f"tests.reference.{name}") for name in MODULES}
    return {
        f"{name}.{function}"
        for name, module in modules.items()
        for function, _ in inspect.getmembers(module, inspect.isfunction)
        if function.startswith("test_")
    }


def test_all_23_are_there():
    assert [item.number for item in ITEMS] == list(range(1, 24))
    assert all(item.parts for item in ITEMS)


def test_each_part_is_found_or_has_an_owner_with_a_reason():
    for item in ITEMS:
        for part in item.parts:
            assert bool(part.found) != bool(part.later), part
            if part.later:
                assert part.later in CAPABILITIES, part
                assert part.why, part


def test_what_finds_a_part_exists_and_every_such_test_is_for_a_part():
    assert {part.found for item in ITEMS for part in item.parts if part.found} == looking()


def test_every_later_capability_is_owed_something():
    assert {part.later for item in ITEMS for part in item.parts if part.later} == set(CAPABILITIES)


def test_the_page_says_what_the_table_says():
    page = (ROOT / "docs" / "reference-platform.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `python -m tests.tables`"
