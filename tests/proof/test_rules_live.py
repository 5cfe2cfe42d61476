"""All generated rules, loaded: Prometheus and vmalert evaluate them over the last minutes, and each is healthy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.proof.cluster.process import started, wait_until
from tests.proof.judge import PROOF, free_ports, tool
from tests.proof.replay import engines, rules, story
from tests.proof.replay.engines import PROMETHEUS, VICTORIA, Engine
from tests.proof.replay.remote_write import bodies
from tests.proof.replay.rules import Group
from tests.proof.replay.series import SCRAPE, START, Series
from tests.proof.replay.story import END, Story
from tests.reference.platform import front

pytestmark = pytest.mark.proof

LIVE = 40
"""Samples before now that rules which run live can look back on."""


def count(groups: list[Group]) -> int:
    return sum(len(group["rules"]) for group in groups)


def rule_sets() -> dict[str, list[Group]]:
    """What clusters load, each set once; the name is that of the first cluster that has it."""
    found: dict[str, list[Group]] = {}
    for folder in sorted(PROOF.glob("*/*/rules")):
        groups = rules.cluster_groups(*folder.parts[-3:-1])
        if groups not in found.values():
            found["/".join(folder.parts[-3:-1])] = groups
    return found


def load(folder: Path, groups: list[Group]) -> None:
    """Put groups where both evaluators look, once a second each: what is asked is whether they can be evaluated."""
    (folder / "rules").mkdir(exist_ok=True)
    text = json.dumps({"groups": [{**group, "interval": "1s"} for group in groups]})
    (folder / "rules" / "all.yaml").write_text(text)


def lately(inputs: list[Series]) -> list[Series]:
    """The first samples of a story, as if they had been taken just now."""
    shift = int(time.time()) - START - (LIVE - 1) * SCRAPE
    return [Series(s.labels, tuple((at + shift, v) for at, v in s.samples[:LIVE])) for s in inputs if s.samples]


def health(port: int) -> list[tuple[str, str, str]]:
    """Each rule that has been evaluated: its name, its health, and its last error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/api/v1/rules")
        groups = json.loads(connection.getresponse().read())["data"]["groups"]
    except OSError:
        return []
    finally:
        connection.close()
    return [
        (rule["name"], rule["health"], rule.get("lastError", ""))
        for group in groups
        for rule in group["rules"]
        if not rule["lastEvaluation"].startswith("0001")
    ]


@contextmanager
def evaluator(folder: Path, engine: Engine) -> Iterator[int]:
    """The port of a vmalert that evaluates `folder/rules` over an engine."""
    (port,) = free_ports(1)
    command = [
        tool("vmalert"),
        f"-rule={folder}/rules/*.yaml",
        f"-datasource.url={engine.url}",
        f"-remoteWrite.url={engine.url}",
        "-remoteWrite.flushInterval=100ms",
        "-rule.evalDelay=0s",
        "-notifier.blackhole",
        f"-httpListenAddr=127.0.0.1:{port}",
    ]
    with started("vmalert", command, folder / "vmalert.log"):
        yield port


def evaluated(port: int, number: int) -> list[tuple[str, str, str]]:
    """The health of so many rules, when all have been evaluated."""
    wait_until(f"{number} rules evaluated", lambda: len(health(port)) == number, seconds=90)
    return health(port)


def test_both_evaluators_take_all_rules_of_every_cluster(judge, tmp_path):
    sets = rule_sets()
    with engines.prometheus(tmp_path) as ours, engines.victoria_metrics(tmp_path) as theirs:
        for name, groups in sets.items():
            inputs = lately(story.samples(Story(environment=name.split("/")[0]), front().world))
            for engine in (ours, theirs):
                engine.write(bodies(inputs))
            load(tmp_path, groups)
            assert ours.call("POST", "/-/reload")[0] == 200, ours.process.last_words()
            with evaluator(tmp_path, theirs) as port:
                for who, where in ((PROMETHEUS, ours.port), ("vmalert", port)):
                    found = evaluated(where, count(groups))
                    assert [rule for rule in found if rule[1:] != ("ok", "")] == [], (who, name)
                    judge.took(who, len(found), "rules loaded and healthy")


SICK = {
    "a range": ("x[5m]", "rule result is not a vector or scalar", ""),
    "sides that do not match": (
        "x * on (i) group_left () y",
        "found duplicate series for the match group",
        "duplicate",
    ),
}
"""Rules that every check of files takes, and what the evaluators say: nothing where MetricsQL knows a meaning."""


def test_what_only_evaluation_shows_is_seen(judge, tmp_path):
    inputs = [
        Series({"__name__": name, "i": "1", "j": j}, tuple((at, 1.0) for at in range(0, LIVE * SCRAPE, SCRAPE)))
        for name in "xy"
        for j in "ab"
    ]
    with engines.prometheus(tmp_path) as ours, engines.victoria_metrics(tmp_path) as theirs:
        for engine in (ours, theirs):
            engine.write(bodies(lately(inputs)))
        load(
            tmp_path,
            [{"name": name, "rules": [{"record": "a:b", "expr": sick[0]}]} for name, sick in SICK.items()],
        )
        assert ours.call("POST", "/-/reload")[0] == 200
        with evaluator(tmp_path, theirs) as port:
            for who, where, column in ((PROMETHEUS, ours.port, 1), ("vmalert", port, 2)):
                said = [error for _, _, error in sorted(evaluated(where, len(SICK)), key=lambda rule: rule[2])]
                for sick in SICK.values():
                    if sick[column]:
                        assert any(sick[column] in error for error in said), (who, said)
                        judge.refused(who, 1, "rules that cannot be evaluated")
        load(tmp_path, [{"name": "g", "rules": [{"record": "a:b", "expr": "ratee(x[5m])"}]}])
        assert ours.call("POST", "/-/reload")[0] == 500
        judge.refused(PROMETHEUS, 1, "rule files")
        status, error = theirs.query("ratee(x[5m])", END)
        assert status == 400
        assert 'unsupported function "ratee"' in error
        judge.refused(VICTORIA, 1, "expressions")


def test_a_replay_that_fails_is_seen(judge, tmp_path):
    inputs = [Series({"__name__": name, "i": "1", "j": j}, ((0, 1.0), (30, 1.0))) for name in "xy" for j in "ab"]
    with engines.victoria_metrics(tmp_path) as engine:
        engine.write(bodies(inputs))
        rule = {"record": "a:b", "expr": SICK["sides that do not match"][0]}
        with pytest.raises(AssertionError, match="duplicate"):
            rules.replay(tmp_path, [engine], [{"name": "g", "interval": "30s", "rules": [rule]}], 60)
    judge.refused("vmalert", 1, "replays of rules that cannot be evaluated")
