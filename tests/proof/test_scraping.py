"""What an operator makes of the emitted PodMonitors, before vmagent's strict reader of scrape configs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.proof.judge import GENERATED, Judge, tool
from tests.proof.world.scraping import scrape_configs

pytestmark = pytest.mark.proof

HERE = {"api_server": "http://127.0.0.1:1"}
PLANTED = {
    "an action that does not exist": lambda config: config["relabel_configs"].append({"action": "kep"}),
    "a field that does not exist": lambda config: config.update(honor_label=True),
    "a regular expression that does not end": lambda config: config["relabel_configs"][0].update(regex="(Failed"),
    "a time-out that is none": lambda config: config.update(scrape_timeout="soon"),
}
# The names of roles are only read when targets are looked for: the small world does.


def monitors() -> list[dict]:
    files = sorted(GENERATED.glob("*/*/*/*/podmonitor-*.yaml"))
    assert files
    return [yaml.safe_load(file.read_text()) for file in files]


def complaints(configs: list[dict], folder: Path) -> list[str]:
    """What vmagent says against scrape configs; one that it would skip is only an error in its log."""
    file = folder / "scrape.yaml"
    file.write_text(yaml.safe_dump({"scrape_configs": configs}))
    command = [tool("vmagent"), "-dryRun", f"-promscrape.config={file}", "-remoteWrite.url=http://127.0.0.1:1"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "\terror\t" in line or "\tfatal\t" in line]
    assert said or done.returncode == 0, done.stderr
    return said


def test_vmagent_takes_what_is_made_of_every_pod_monitor(tmp_path: Path, judge: Judge) -> None:
    made = [config for monitor in monitors() for config in scrape_configs(monitor, HERE)]
    # Names are those of one cluster; here are all clusters.
    named = [{**config, "job_name": f"{i}/{config['job_name']}"} for i, config in enumerate(made)]
    assert complaints(named, tmp_path) == []
    judge.took("vmagent", len(made), "endpoints of PodMonitors")


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_vmagent_refuses(plant, tmp_path: Path, judge: Judge) -> None:
    config = scrape_configs(monitors()[0], HERE)[0]
    plant(config)
    (said,) = complaints([config], tmp_path)
    assert "cannot" in said
    judge.refused("vmagent", 1, "planted faults")
