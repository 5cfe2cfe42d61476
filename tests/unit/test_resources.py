"""Built-in data are found in a checkout and in a wheel, and their absence is said."""

from pathlib import Path

import pytest

from phoenix_gitops import resources

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_uses_its_own_folders() -> None:
    assert resources.templates_dir() == ROOT / "templates"
    assert resources.schemas_dir() == ROOT / "schemas"
    assert resources.presets_dir() == ROOT / "phoenix_gitops" / "presets"


def test_a_wheel_carries_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "phoenix_gitops"
    (package / "_data" / "templates").mkdir(parents=True)
    (package.parent / "templates").mkdir()  # somebody else's, beside the package
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resources.templates_dir() == package / "_data" / "templates"
    assert resources.presets_dir() == package / "presets"
    with pytest.raises(FileNotFoundError, match=r"phoenix-gitops lacks its folder schemas/"):
        resources.schemas_dir()
