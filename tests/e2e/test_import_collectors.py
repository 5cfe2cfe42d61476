"""Collector configs as Pipelines, into a repository in which there may be some already."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ORIGINAL = Path(__file__).parents[1] / "unit/importing/original_collector.yaml"
# In the place of a preset, and without the exports to backends: the security policy must let these out first.
OURS = (
    ORIGINAL.read_text()
    .replace("metrics/pipeline_optimised", "metrics/optimized")
    .replace(", otlphttp/newrelic, otlphttp/other", "")
)
POLICY = "policies/pipelines/optimised.yaml"


def imported(checkout, *more, text=None):
    (checkout.root / "collector.yaml").write_text(ORIGINAL.read_text() if text is None else text)
    return checkout.phoenix("import", str(checkout.root / "collector.yaml"), "--memory", "1Gi", *more)


def test_the_original_pipelines_compile_and_no_secret_is_said(checkout):
    said = imported(checkout)
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        "  policies/pipelines/common-intake.yaml",
        f"  {POLICY}",
        "2 policies written; 22 findings say what is not as it was",
    ]
    assert said.err.count("PHX825") == 1
    assert "warning[PHX825]: a secret stands here in clear text, and is not carried over" in said.err
    assert "    headers: {x-token: ****" in said.err
    assert "hunter2" not in said.err + said.out
    assert not any("hunter2" in file.read_text() for file in (checkout.root / "policies").rglob("*.yaml"))


def test_the_imported_pipelines_compile_to_what_they_were(checkout):
    assert imported(checkout, text=OURS).code == 0
    checkout.replace("environments/main.yaml", "spec:\n", "spec:\n  edge: common-intake\n")
    said = checkout.phoenix("compile")
    assert said.code == 0, said.err
    config = next(
        yaml.safe_load(content)
        for path, content in checkout.tree().items()
        if "_proof" in str(path) and str(path).endswith("collectors/gateway.yaml")
    )
    priority = 'resource.attributes["phoenix.priority"]'
    # What was dropped is dropped, though its author meant to keep it.
    assert config["processors"]["filter/optimized"]["metric_conditions"] == [
        f'({priority} == "critical" or {priority} == "high")'
    ]
    assert config["exporters"]["prometheus/optimized_optimised"]["endpoint"] == "0.0.0.0:8889"


def test_an_update_edits_what_is_there_and_keeps_its_comments(checkout):
    assert imported(checkout).code == 0
    policy = checkout.root / POLICY
    before = policy.read_text().replace(
        "spec:\n", "# Ours since March.\nspec:\n  contract: {reductionMin: 0.1} # promised\n"
    )
    policy.write_text(before)
    again = imported(checkout, "--update")
    assert (again.code, policy.read_text()) == (0, before)
    assert again.out.splitlines()[-1].startswith("2 policies say it already; ")
    assert checkout.phoenix("fmt", "--check").code == 0

    text = ORIGINAL.read_text().replace("send_batch_size: 8192", "send_batch_size: 4096").replace(":8889", ":8899")
    refused = imported(checkout, text=text)
    assert (refused.code, policy.read_text()) == (1, before)
    assert "edit it with `--update`" in refused.err

    shown = imported(checkout, "--update", "--print", text=text)
    assert (shown.code, policy.read_text()) == (0, before)
    assert [line for line in shown.out.splitlines() if line[:1] in "+-"] == [
        f"--- {POLICY}",
        f"+++ {POLICY}",
        "-    size: 8192",
        "+    size: 4096",
        "-        port: 8889",
        "+        port: 8899",
    ]

    said = imported(checkout, "--update", text=text)
    assert said.code == 0, said.err
    assert said.out.splitlines()[0] == f"  {POLICY} (edited)"
    assert said.out.splitlines()[1].startswith("1 policy written, 1 policy says it already; ")
    assert policy.read_text() == before.replace("size: 8192", "size: 4096").replace("port: 8889", "port: 8899")
    told = "warning[PHX826]: `spec.contract` of Pipeline `optimised` is not in what is imported, and stays"
    assert (told in said.err, said.err.count("PHX826")) == (True, 1)
    assert f"--> {POLICY}:8:3" in said.err


def test_an_update_that_does_not_compile_writes_nothing(checkout):
    assert imported(checkout, text=OURS).code == 0
    policy = checkout.root / "policies/pipelines/optimized.yaml"
    before = policy.read_bytes()
    said = imported(checkout, "--update", text=OURS.replace(":8889", ":4317"))
    assert (said.code, policy.read_bytes()) == (0, before), said.err
    assert "Pipeline `optimized` is not carried over: port `4317` is taken by OTLP (PHX640)" in said.err


@pytest.mark.parametrize("size", ["2", "2G", "Gi", "-1Gi", "0Mi"])
def test_a_size_that_is_none_is_refused(checkout, size):
    said = checkout.phoenix("import", "x.yaml", f"--memory={size}")
    assert said.code == 2
    assert f"'{size}' is not as in '512Mi' or '2Gi'" in said.err


def test_what_takes_the_place_of_a_preset_is_told(checkout):
    said = imported(checkout, "--update", text=OURS)
    assert said.code == 0, said.err
    assert "Pipeline `optimized` takes the place of the preset of that name" in said.err
    assert (checkout.root / "policies/pipelines/optimized.yaml").exists()
