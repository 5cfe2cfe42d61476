"""What becomes of metrics on their way and who took what is lost: stage by stage, and an environment's whole way."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.catalogue import TARGET_LABELS, Loss, Metric, of
from phoenix_gitops.model.export import PrometheusExport
from phoenix_gitops.model.pipeline import Pipeline
from phoenix_gitops.model.security import SecurityPolicy
from phoenix_gitops.rules import flow, inventory
from phoenix_gitops.rules.lint import own_groups
from phoenix_gitops.rules.stages import Classified, Exported, Scraped, Selected, Stripped, Tagged, escaped
from tests.unit.rules import support

EXPORT = PrometheusExport(port=8889, namespace="out")
NOTHING = msgspec.convert({"metadata": {"name": "s", "owner": "o"}, "spec": {}}, SecurityPolicy)


def pipeline(**spec: object) -> Pipeline:
    return support.named(Pipeline, "thrifty", spec)


def redacting(*names: str) -> SecurityPolicy:
    return msgspec.convert(
        {"metadata": {"name": "strict", "owner": "o"}, "spec": {"redact": list(names)}}, SecurityPolicy
    )


def process(*labels: str, **parts: object) -> Metric:
    named = frozenset({"process.executable.name", "process.pid", "host.name", "phoenix.priority", *labels})
    return Metric(name="process.threads", type="gauge", named=named, interval_ms=15_000, source="test", **parts)


def plain(*labels: str) -> Metric:
    return Metric(name="x", type="gauge", labels=frozenset(labels), interval_ms=15_000, source="test")


def test_classes_are_those_of_the_rules_and_the_default():
    rules = {"classes": [{"name": "high", "match": "java"}], "default": "rest"}
    stage = Classified(pipeline(stage="edge", classification=rules))
    found = stage.passed(process())
    assert found.values == {"phoenix.priority": {"high", "rest"}}
    assert stage.passed(plain("a")) == plain("a")


def test_what_is_set_has_one_value_and_was_never_lost():
    lost = {"team": Loss(stage="edge", what="x")}
    stage = Tagged(pipeline(attributes={"set": {"team": "a"}}), (("env", "prod"),))
    found = stage.passed(process(lost=lost))
    assert (found.values, dict(found.lost)) == ({"env": {"prod"}, "team": {"a"}}, {})
    assert {"env", "team"} <= found.named


def test_grades_are_for_processes_only():
    graded = {"name": "risk", "grades": [{"match": {"classes": ["high"]}, "value": "0.9"}], "default": "0.1"}
    stage = Tagged(pipeline(attributes={"grade": [graded]}))
    assert stage.passed(process()).values == {"risk": {"0.1", "0.9"}}
    assert stage.passed(plain("a")) == plain("a")


def test_a_dropped_attribute_is_lost_with_its_line():
    found = Stripped(pipeline(attributes={"drop": [{"name": "x"}, {"name": "process.pid"}]}), NOTHING).passed(process())
    assert "process.pid" not in found.named
    assert found.lost["process.pid"] == Loss(
        stage="gateway",
        what="`attributes.drop` of pipeline `thrifty` takes it away",
        policy=PolicyRef("Pipeline", "thrifty"),
        path=("spec", "attributes", "drop", 1, "name"),
    )


def test_an_attribute_that_some_classes_keep_is_not_lost():
    stage = Stripped(pipeline(attributes={"drop": [{"name": "process.pid", "unless": ["high"]}]}), NOTHING)
    assert stage.passed(process()) == process()


def test_points_keep_what_only_resources_lose():
    stage = Stripped(pipeline(attributes={"drop": [{"name": "state"}], "keepOnly": ["process.pid"]}), NOTHING)
    assert "state" in stage.passed(process("state")).named


def test_keep_only_spares_who_sends_and_takes_the_class():
    found = Stripped(pipeline(attributes={"keepOnly": ["process.owner"]}), NOTHING).passed(process("process.owner"))
    assert found.named == {"process.owner", "host.name", "process.executable.name"}
    assert found.lost["phoenix.priority"].path == ("spec", "attributes", "keepOnly")
    assert Stripped(pipeline(attributes={"keepOnly": ["a"]}), NOTHING).passed(plain("b")) == plain("b")


def test_what_is_redacted_is_lost_in_either_form():
    stage = Stripped(pipeline(stage="edge"), redacting("a", "user.email"))
    found = stage.passed(plain("user_email", "b"))
    assert (found.labels, set(found.lost)) == ({"b"}, {"user_email"})
    assert found.lost["user_email"].policy == PolicyRef("SecurityPolicy", "strict")
    assert (found.lost["user_email"].stage, found.lost["user_email"].path) == ("edge", ("spec", "redact", 1))
    assert "user.email" in stage.passed(process()).lost, "senders may have put it on"


def test_who_took_it_first_is_told():
    first = Loss(stage="source", what="x")
    found = Stripped(pipeline(attributes={"drop": [{"name": "process.cgroup"}]}), NOTHING).passed(
        process(lost={"process.cgroup": first})
    )
    assert found.lost["process.cgroup"] == first


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"drop": [{"metrics": "process[.]t.*"}]}, ("spec", "drop", 0, "metrics")),
        ({"drop": [{"metrics": "x"}, {"metrics": "process.threads"}]}, ("spec", "drop", 1, "metrics")),
        ({"keep": [{"metrics": "process.cpu.time"}]}, ("spec", "keep")),
    ],
)
def test_metrics_that_go_whole_are_lost_with_their_line(spec, path):
    loss = Selected(pipeline(**spec)).passed(process())
    assert isinstance(loss, Loss)
    assert (loss.path, loss.policy) == (path, PolicyRef("Pipeline", "thrifty"))


@pytest.mark.parametrize(
    "spec",
    [
        {"drop": [{"metrics": "threads"}]},
        {"drop": [{"metrics": "process.threads", "classes": ["low"]}]},
        {"drop": [{"metrics": "process.threads", "executables": "a"}]},
        {"drop": [{"classes": ["low"]}]},
        {"drop": [{"metrics": "("}]},
        {"keep": [{"metrics": "process.threads"}], "drop": [{"metrics": "process.*"}]},
        {"keep": [{"classes": ["high"]}]},
        {"keep": [{"metrics": "x"}], "rollup": {"match": {"classes": ["low"]}, "into": "x", "by": ["host.name"]}},
    ],
)
def test_metrics_of_which_something_may_stay_are_not_lost(spec):
    assert Selected(pipeline(**spec)).passed(process()) == process()


def test_keep_is_about_processes():
    assert Selected(pipeline(keep=[{"metrics": "y"}])).passed(plain("a")) == plain("a")


def test_an_exporter_escapes_names_and_adds_its_namespace():
    stage = Exported(EXPORT, "former", (("process.threads", "process_threads"),))
    found = stage.passed(process(lost={"process.cgroup": Loss(stage="source", what="x")}))
    assert found.name == stage.renamed("process.threads") == "out_process_threads"
    assert {"process_pid", "job", "instance", "pipeline_alias"} <= found.named
    assert set(found.lost) == {"process_cgroup"}
    closed = Exported(EXPORT, None).passed(plain("a.b"))
    assert (closed.name, closed.labels) == ("out_x", {"a_b", "job", "instance"})


def test_scraping_adds_the_targets_labels_and_is_no_faster_than_the_source():
    stage = Scraped(30_000, (("phoenix_pipeline", frozenset({"full"})),))
    found = stage.passed(plain("a"))
    assert (found.labels, found.interval_ms) == (TARGET_LABELS | {"a"}, 30_000)
    assert found.values == {"phoenix_pipeline": {"full"}}
    assert stage.passed(replace(plain(), interval_ms=60_000)).interval_ms == 60_000


def test_a_catalogue_goes_through_a_stage_whole():
    stage = Selected(pipeline(drop=[{"metrics": "x"}]))
    before = of([process(), plain("a")]).plus((), {"gone": Loss(stage="edge", what="y")})
    after = before.through(stage)
    assert set(after.metrics) == {"process.threads"}
    assert {name: loss.stage for name, loss in after.lost.items()} == {"gone": "edge", "x": "gateway"}
    assert after.loss("x") is not None
    assert after.loss("process.threads") is None
    renamed = after.through(Exported(EXPORT, None))
    assert set(renamed.lost) == {"out_gone", "out_x"}


def test_the_way_of_the_presets():
    known = inventory.emitted(support.environment())
    full, thrifty = (known.get(f"phoenix_{name}_final_output_process_threads") for name in ("full", "opt"))
    assert full is not None
    assert thrifty is not None
    assert thrifty.lost["process_pid"].what == "`attributes.drop` of pipeline `optimized` takes it away"
    assert thrifty.lost["process_cgroup"].what == "`processAttributes` of pipeline `edge` does not name it"
    assert "process_command_line" in thrifty.named, "the critical class keeps it"
    assert full.values["phoenix_pipeline_strategy"] == {"full"}
    count = known.get("phoenix_opt_final_output_rollup_process_count")
    assert count is not None
    assert (count.unit, "host_name" in count.named, "process_owner" in count.named) == ("processes", True, False)


def test_a_metric_that_is_not_read_is_lost_at_the_source():
    env = support.environment()
    edge = support.pipeline("edge", inputs={"hostmetrics": {"processMetrics": ["process.threads"]}})
    known = inventory.emitted(replace(env, edge=edge))
    assert known.get("phoenix_full_final_output_process_cpu_time_seconds_total") is None
    loss = known.loss("phoenix_full_final_output_process_cpu_time_seconds_total")
    assert loss == Loss(
        stage="source",
        what="`processMetrics` of pipeline `edge` does not name it",
        policy=PolicyRef("Pipeline", "edge"),
        path=("spec", "inputs", "hostmetrics", "processMetrics"),
    )


def test_the_kubelet_and_its_containers_come_through_every_pipeline():
    known = inventory.emitted(support.environment())
    found = known.get("phoenix_opt_final_output_container_cpu_usage_seconds_total")
    assert found is not None
    assert (found.type, found.source, found.interval_ms) == ("counter", "cadvisor", 15_000)
    assert {"container", "image", "host_name", "phoenix_pipeline"} <= found.known_labels
    assert found.values["tenant_id"] == {"platform"}
    assert known.get("phoenix_opt_final_output_kubelet_running_pods") is not None
    off = support.pipeline("edge", inputs={"prometheus": {"cadvisor": False, "kubelet": False, "pods": True}})
    without = inventory.emitted(replace(support.environment(), edge=off))
    assert without.get("phoenix_opt_final_output_container_cpu_usage_seconds_total") is None


def test_what_tenants_declare_loses_what_their_pipeline_takes():
    env = replace(support.environment(), security=redacting("user.email"))
    catalog = support.named(
        type(support.catalog()),
        "orders",
        {
            "metrics": [
                {"name": f"{space}orders_total", "type": "counter", "labels": {"user_email": {}, "route": {}}}
                for space in ("phoenix_full_final_output_", "")
            ]
        },
    )
    tenant = replace(support.tenant(), catalogs=(catalog,))
    seen = inventory.seen_by(tenant, inventory.emitted(env), flow.strips(env))
    ours, own = seen.get("phoenix_full_final_output_orders_total"), seen.get("orders_total")
    assert ours is not None
    assert own is not None
    assert (ours.labels or set()) - TARGET_LABELS == {"route"}
    assert ours.lost["user_email"].what == "`redact` of security policy `strict` takes it away"
    assert (own.labels or set()) - TARGET_LABELS == {"route", "user_email"}, "it does not come through a pipeline"


def test_tenants_see_nothing_that_is_not_theirs():
    env = support.environment()
    platform = inventory.with_records(inventory.emitted(env), own_groups(env))
    seen = inventory.narrowed(platform)
    for name in ("phoenix:pipeline_active_series", "phoenix_full_final_output_container_cpu_usage_seconds_total"):
        assert platform.get(name) is not None
        assert seen.get(name) is None
        assert seen.loss(name) == flow.UNSEEN
    assert seen.get("phoenix:tenant_active_series") is not None
    assert seen.get("phoenix_full_final_output_process_threads") is not None, "tenants may send their own"
    assert seen.loss("no_such_thing") is None


def test_escaping():
    assert escaped("process.open-files:x") == "process_open_files:x"
