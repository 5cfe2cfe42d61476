"""Where the built-in data lie: in the wheel under `_data/`, in a checkout at the repository's root."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The built-in templates, `<capability>/<kind>.yaml.j2`."""
    return _data("templates")


def schemas_dir() -> Path:
    """The JSON Schemas of the policy kinds."""
    return _data("schemas")


def presets_dir() -> Path:
    """The built-in presets, policies like a user's; part of the package itself."""
    return _PACKAGE / "presets"


def codes_dir() -> Path:
    """The pages of the diagnostic codes, `PHXnnn.md`."""
    packaged = _PACKAGE / "_data" / "codes"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "docs" / "codes"


def in_checkout() -> bool:
    """Whether this package runs from a checkout of its own repository, which can build the programs of its tests."""
    return (_PACKAGE.parent / "scripts" / "get_tool.py").is_file()


def _data(folder: str) -> Path:
    """A data folder. A wheel has `_data/`; an editable install does not, and uses its checkout."""
    for candidate in (_PACKAGE / "_data" / folder, _PACKAGE.parent / folder):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the installation of phoenix-gitops lacks its folder {folder}/")
