"""An incident with real git repositories: a hold keeps what the on-call did, and lifting it gives Git its word back."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.conftest import QUOTA, TENANT
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


def cpu(origin):
    (line,) = [row.strip() for row in ask(origin, "show", f"env/main:{QUOTA}").splitlines() if "requests.cpu" in row]
    return line.partition(": ")[2]


def publish(checkout, old, new):
    checkout.replace(TENANT, f'cpu: "{old}"', f'cpu: "{new}"')
    source = checkout.commit(f"cpu {new}")
    said = checkout.phoenix("publish")
    assert said.code == 0, said.err
    return source


def test_a_rollback_puts_the_former_tree_back_and_holds_it(checkout, live):
    first = checkout.git("rev-parse", "HEAD")
    publish(checkout, 4, 6)
    before = ask(live, "rev-parse", "env/main")
    said = checkout.phoenix("rollback", "main", "--reason", "INC-7: six are too many")
    assert said.code == 0, said.err
    assert cpu(live) == '"4"'
    tip = ask(live, "rev-parse", "env/main")
    assert ask(live, "rev-parse", "env/main~1") == before, "nothing is forced: the history goes on"
    assert f"main: env/main of origin: back to what {first[:12]} compiled to" in said.out
    assert f"1 files in {tip[:12]}" in said.out
    assert "Phoenix-Hold: INC-7: six are too many" in ask(live, "log", "-1", "--format=%B", "env/main")
    assert ask(live, "rev-parse", f"{tip}^{{tree}}") == ask(live, "rev-parse", "env/main~2^{tree}"), "byte for byte"

    checkout.replace(TENANT, 'cpu: "6"', 'cpu: "7"')
    checkout.commit("another change meanwhile")
    held = checkout.phoenix("publish")
    assert "PHX912" in held.err
    assert held.code == 0, "other environments go on, and CI stays green"
    assert "warning[PHX912]: environment `main` was rolled back on " in held.err
    assert "and is held: INC-7: six are too many" in held.err
    assert "`phoenix publish -e main --lift`" in held.err
    assert (ask(live, "rev-parse", "env/main"), cpu(live)) == (tip, '"4"')
    assert checkout.phoenix("publish", "--force").code == 0
    assert cpu(live) == '"4"', "--force is for edits by hand"

    lifted = checkout.phoenix("publish", "-e", "main", "--lift")
    assert lifted.code == 0, lifted.err
    assert cpu(live) == '"7"'
    assert "PHX912" not in checkout.phoenix("publish").err


def test_a_revert_of_the_policies_still_lifts_although_no_file_changes(checkout, live):
    publish(checkout, 4, 6)
    assert checkout.phoenix("rollback", "main", "--reason", "INC-7").code == 0
    tree = ask(live, "rev-parse", "env/main^{tree}")
    checkout.replace(TENANT, 'cpu: "6"', 'cpu: "4"')
    source = checkout.commit("back to four")
    lifted = checkout.phoenix("publish", "--lift")
    assert f"main: env/main of origin: 0 files in {ask(live, 'rev-parse', '--short=12', 'env/main')}" in lifted.out
    assert f"Phoenix-Source-Commit: {source}" in ask(live, "log", "-1", "--format=%B", "env/main")
    assert ask(live, "rev-parse", "env/main^{tree}") == tree
    again = checkout.phoenix("publish", "--lift")
    assert "nothing to commit" in again.out
    assert "PHX912" not in again.err


def test_a_second_rollback_goes_further_back_and_never_to_the_bad_tree(checkout, live):
    publish(checkout, 4, 5)
    publish(checkout, 5, 6)
    assert checkout.phoenix("rollback", "main", "--reason", "a").code == 0
    assert cpu(live) == '"5"'
    assert checkout.phoenix("rollback", "main", "--reason", "b").code == 0
    assert cpu(live) == '"4"'
    nowhere = checkout.phoenix("rollback", "main", "--reason", "c")
    assert nowhere.code == 2
    assert "error[PHX917]: there is no former tree of `main` to go back to" in nowhere.err


def test_back_to_a_commit_of_the_policies_or_of_the_branch_while_the_policies_are_broken(checkout, live):
    five = publish(checkout, 4, 5)
    tip = ask(live, "rev-parse", "env/main")
    publish(checkout, 5, 6)
    checkout.replace(TENANT, "kind: Tenant", "kind: Tennant")
    for name in (five[:8], tip[:10], tip):
        said = checkout.phoenix("rollback", "main", "--to", name, "--reason", "INC-8")
        assert said.code == 0, said.err
        assert cpu(live) == '"5"'
        assert f"back to what {five[:12]} compiled to" in said.out


def test_what_is_said_where_there_is_no_way_back(checkout, live):
    unknown = checkout.phoenix("rollback", "main", "--to", "0123456789", "--reason", "x")
    assert unknown.code == 2
    assert "PHX917" in unknown.err
    assert "error[PHX917]: nothing of `main` was published as or from `0123456789`" in unknown.err
    assert f"published were, newest first: `{checkout.git('rev-parse', '--short=12', 'HEAD')}` of " in unknown.err
    never = checkout.phoenix("rollback", "mian", "--reason", "x")
    assert "error[PHX917]: `mian` was never published: `origin` has no branch `env/mian`" in never.err
    checkout.replace("phoenix.yaml", "mode: branch", "mode: tree")
    beside = checkout.phoenix("rollback", "main", "--reason", "x")
    assert "error[PHX917]: with output mode `tree` the branch holds the policies too" in beside.err
    lines = checkout.phoenix("rollback", "main", "--reason", "a\nb")
    assert (lines.code, "say why in one line" in lines.err) == (2, True)


def test_environments_that_share_a_branch_are_rolled_back_one_by_one(pair, tmp_path):
    made = bare(tmp_path / "origin.git")
    pair.git("remote", "add", "origin", str(made))
    set_mode(pair, "mode: branch, branch: live")
    assert pair.phoenix("publish").code == 0
    pair.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    pair.commit("six")
    assert pair.phoenix("publish").code == 0
    assert pair.phoenix("rollback", "main", "--reason", "INC-9").code == 0
    pair.replace(TENANT, 'cpu: "6"', 'cpu: "7"')
    pair.commit("seven")
    said = pair.phoenix("publish")
    assert said.code == 0, said.err
    quotas = [
        ask(made, "show", f"live:{QUOTA.replace('/main/main/', f'/{name}/{name}/')}") for name in ("main", "other")
    ]
    assert ['requests.cpu: "4"' in quotas[0], 'requests.cpu: "7"' in quotas[1]] == [True, True]


def test_a_tenant_that_was_not_retired_stays_published(checkout, live):
    before = ask(live, "rev-parse", "env/main")
    source = checkout.git("rev-parse", "HEAD")
    checkout.git("rm", "--quiet", TENANT)
    refused = checkout.phoenix("diff")
    assert refused.code == 1
    assert "error[PHX518]: tenant `example` is removed, and in `HEAD` it was `active`, not `retired`" in refused.err
    assert checkout.phoenix("diff", "--remove", "example").code == 0

    checkout.commit("by mistake")
    held = checkout.phoenix("publish")
    assert held.code == 1
    assert f"tenant `example` is removed, and in `{source[:12]}` it was `active`" in held.err
    assert checkout.phoenix("publish", "--force").code == 1, "--force is for edits by hand"
    assert ask(live, "rev-parse", "env/main") == before
    meant = checkout.phoenix("publish", "--remove", "example")
    assert meant.code == 0, meant.err
    assert ask(live, "rev-parse", "env/main~1") == before
    assert checkout.phoenix("publish").code == 0


def test_a_removed_environment_is_refused_by_diff(pair):
    pair.git("rm", "--quiet", "environments/other.yaml")
    refused = pair.phoenix("diff")
    assert refused.code == 1
    assert "error[PHX519]: environment `other` of `HEAD` is removed, with all that runs in `other`" in refused.err
    assert pair.phoenix("diff", "--remove", "other").code == 0
