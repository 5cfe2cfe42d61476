"""The comment on a pull request: what both workflows run, against a server that answers as GitHub does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from phoenix_gitops import scaffold
from phoenix_gitops.diff_report import MARKER
from tests.e2e.github.server import LONGEST, READER, WRITER, served

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "github"
OURS = "<!-- phoenix: what changes in meaning -->"


@pytest.fixture
def github():
    with served() as state:
        yield state


def program(workflow, job, key):
    """The last step's program of a job."""
    step = yaml.safe_load(workflow)["jobs"][job]["steps"][-1]
    return step["with"][key] if key == "script" else step[key]


@pytest.fixture
def post(github, tmp_path):
    """Runs what `phoenix init` writes, in a folder with a report, as the token's bearer."""
    text = scaffold.files("mine", "https://git.example.com/mine.git")[".github/workflows/phoenix.yml"]
    script = program(text, "comment", "run")

    def run(report, token=WRITER):
        (tmp_path / "diff.md").write_text(report, encoding="utf-8")
        environ = {
            "PATH": f"{HERE}:/usr/local/bin:/usr/bin:/bin",
            "GH_TOKEN": token,
            "COMMENTS": "repos/org/repo/issues/5/comments",
            "GITHUB_API": github.address,
        }
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def answer(github, tmp_path):
    """Runs the script of `.github/workflows/comment.yml` after a run for a head, as the token's bearer."""
    file = tmp_path / "script.js"
    file.write_text(program((ROOT / ".github/workflows/comment.yml").read_text(), "comment", "script"))

    def run(owner="org", sha="abc", conclusion="success", token=WRITER):
        payload = {
            "id": 7,
            "head_sha": sha,
            "head_branch": "change",
            "head_repository": {"owner": {"login": owner}},
            "conclusion": conclusion,
            "html_url": "https://git.example.com/run/7",
        }
        context = {"payload": {"workflow_run": payload}, "repo": {"owner": "org", "repo": "repo"}}
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TOKEN": token,
            "GITHUB_API": github.address,
            "CONTEXT": json.dumps(context),
        }
        command = ["node", str(HERE / "script.js"), str(file)]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    return run


def crowd(github, count=70):
    for number in range(count):
        github.comment("ann", f"{MARKER if number % 2 else OURS} so said I, number {number}")


def test_one_comment_is_posted_and_then_updated(github, post):
    assert post(f"{MARKER}\nfirst").returncode == 0
    assert post(f"{MARKER}\nsecond").returncode == 0
    assert github.of_bot() == [f"{MARKER}\nsecond"]
    assert github.written == [
        "POST /repos/org/repo/issues/5/comments",
        "PATCH /repos/org/repo/issues/comments/1000",
    ]


def test_the_comment_is_found_on_a_later_page_and_nobody_elses_is_touched(github, post):
    crowd(github)
    github.comment("github-actions[bot]", "a report of another workflow")
    github.comment("github-actions[bot]", f"{MARKER}\nold")
    assert post(f"{MARKER}\nnew").returncode == 0
    assert github.written == ["PATCH /repos/org/repo/issues/comments/1071"]
    assert github.of_bot() == ["a report of another workflow", f"{MARKER}\nnew"]


def test_a_forks_token_cannot_write_so_that_job_is_left_out_for_forks(github, post):
    said = post(f"{MARKER}\nfirst", READER)
    assert said.returncode == 1
    assert "Resource not accessible by integration (HTTP 403)" in said.stderr
    assert github.comments == []
    text = scaffold.files("mine", "https://git.example.com/mine.git")[".github/workflows/phoenix.yml"]
    condition = yaml.safe_load(text)["jobs"]["comment"]["if"]
    assert condition == "always() && github.event.pull_request.head.repo.full_name == github.repository"


def pull(number=5, owner="org", sha="abc"):
    return {"number": number, "label": f"{owner}:change", "head": {"sha": sha}}


def test_our_own_comment_is_posted_and_updated_across_pages(github, answer):
    crowd(github)
    github.pulls = [pull()]
    github.report = {"diff.txt": "nothing changes in meaning\n"}
    assert answer().returncode == 0
    github.report = {"diff.txt": "1 object: 0 added, 1 changed, 0 removed\n"}
    assert answer(conclusion="failure").returncode == 0
    assert github.of_bot() == [
        f"{OURS}\nChecks failed; the run says which. [Run](https://git.example.com/run/7)\n\n"
        "```text\n1 object: 0 added, 1 changed, 0 removed\n\n```"
    ]
    assert [one.partition(" ")[0] for one in github.written] == ["POST", "PATCH"]


def test_a_forks_pull_request_is_found_by_its_head_and_answered_by_the_second_run(github, answer):
    github.pulls = [pull(4, "org"), pull(5, "stranger", "old"), pull(5, "stranger")]
    github.report = {"diff.txt": "from afar\n"}
    assert answer("stranger").returncode == 0
    assert github.written == ["POST /repos/org/repo/issues/5/comments"]
    refused = answer("stranger", token=READER)
    assert (refused.returncode, refused.stderr) == (
        1,
        "PATCH /repos/org/repo/issues/comments/1000: 403 Resource not accessible by integration\n",
    )


@pytest.mark.parametrize(
    ("sha", "report", "said"),
    [
        ("other", {"diff.txt": "x"}, "notice: no open pull request has this head any more\n"),
        ("abc", None, "notice: the run left no report\n"),
        ("abc", {"else.txt": "x"}, "notice: the report holds no diff, or one that is too large\n"),
        ("abc", {"diff.txt": "x" * 20_000_001}, "notice: the report holds no diff, or one that is too large\n"),
    ],
)
def test_what_cannot_be_said_is_noticed_and_nothing_is_written(github, answer, sha, report, said):
    github.pulls, github.report = [pull(sha=sha)], report
    done = answer()
    assert (done.returncode, done.stdout, github.written) == (0, said, [])


def test_a_strangers_text_stays_in_its_fence_and_fits(github, answer):
    github.pulls = [pull()]
    github.report = {
        "diff.txt": "````\n@everyone [x](y)\u202e\x1b[31m\n" + "z" * 99 + "\n" * 2 + ("y" * 99 + "\n") * 700
    }
    assert answer().returncode == 0
    (body,) = github.of_bot()
    assert len(body) < LONGEST
    fence = body.splitlines()[3]
    assert fence == "`````text"
    # Whole lines are kept, and those that are left out counted.
    kept = body.count("y" * 99 + "\n")
    assert 590 < kept < 600
    assert body.endswith(f"y\n... and {700 - kept} more lines: the run's report has them\n`````")
    assert body.count("`````") == 2
    assert "\u202e" not in body
    assert "\x1b" not in body
