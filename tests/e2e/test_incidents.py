"""An incident with real git repositories: a hold keeps what the on-call did, and lifting it gives Git its word back."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.conftest import QUOTA
from tests.e2e.test_publish import ask, bare, set_mode

ENVIRONMENT = "environments/main.yaml"
APPLICATION = "generated/main/management/gitops/argocd/application-main-main-tenancy.yaml"
HOLD = '  holds:\n    - {target: main/tenancy, reason: INC-7, until: "2026-12-01"}\n'


@pytest.fixture
def live(checkout, tmp_path):
    """The bare origin with the environment published to its branch."""
    made = bare(tmp_path / "origin.git")
    checkout.git("remote", "add", "origin", str(made))
    set_mode(checkout, "mode: branch")
    checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
    assert checkout.phoenix("publish").code == 0
    return made


def edit_by_hand(origin, folder, path, old, new):
    """Somebody commits to the environment's branch itself."""
    subprocess.run(["git", "clone", "--quiet", "--branch", "env/main", str(origin), str(folder)], check=True)
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new))
    for command in (["commit", "--quiet", "-a", "-m", "INC-7: more room"], ["push", "--quiet"]):
        ask(folder, *command)


def hold(checkout):
    file = checkout.root / ENVIRONMENT
    file.write_text(f"{file.read_text().rstrip()}\n{HOLD}")
    return checkout.commit("INC-7: hold")


def test_a_hold_from_the_edit_by_hand_to_its_end(checkout, live, tmp_path):
    edit_by_hand(live, tmp_path / "hand", QUOTA, 'requests.cpu: "4"', 'requests.cpu: "40"')
    refused = checkout.phoenix("publish")
    assert refused.code == 1
    assert f"error[PHX801]: `env/main:{QUOTA}` was edited by hand" in refused.err

    hold(checkout)
    held = checkout.phoenix("publish", "--now", "2026-11-30")
    assert held.code == 0, held.err
    assert f"note[PHX814]: `env/main:{QUOTA}` was edited by hand and stays so while it is held" in held.err
    assert "PHX516" not in held.err
    assert 'requests.cpu: "40"' in ask(live, "show", f"env/main:{QUOTA}")
    application = ask(live, "show", f"env/main:{APPLICATION}")
    assert "automated" not in application
    assert 'policy.phoenix.io/hold: "until 2026-12-01: INC-7"' in application

    late = checkout.phoenix("publish", "--now", "2026-12-02")
    assert late.code == 0, "a hold that is over stands in nobody's way"
    assert "warning[PHX516]: the hold of `main/tenancy` in environment `main` was to end on 2026-12-01" in late.err

    checkout.replace(ENVIRONMENT, HOLD, "")
    checkout.commit("INC-7 is over")
    assert "error[PHX801]" in checkout.phoenix("publish").err, "the edit is not lost without a word"
    lifted = checkout.phoenix("publish", "--force")
    assert lifted.code == 0, lifted.err
    assert 'requests.cpu: "4"' in ask(live, "show", f"env/main:{QUOTA}")
    assert "automated" in ask(live, "show", f"env/main:{APPLICATION}")


def test_a_day_that_is_none_is_a_usage_error(checkout):
    said = checkout.phoenix("validate", "--now", "2026-02-30")
    assert said.code == 2
    assert "'2026-02-30' is no day; write it as 2026-12-01" in said.err
