"""The 43 defects that were found in what Phoenix was run with, and what shows that each cannot happen.

A defect names cases of `tests/cases/bad` that are refused, tests (node ids) that show what is emitted instead, or the
later capability that alone could have it. `test_defects.py` reads this table; `docs/defects.md` is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN = "tests/defects"
REFERENCE = "tests/reference"
COLLECTOR = "tests/unit/collector"
INGEST = "tests/unit/emitters/test_ingest.py"
TENANCY = "tests/unit/emitters/test_tenancy.py"
GITOPS = "tests/unit/emitters/test_gitops.py"
PLANTED = "tests/unit/verify/test_faults.py::test_a_planted_fault_is_refused"
SEMANTICS = "tests/proof/test_rule_semantics.py"
JUDGES = "tests/proof/test_rules_judges.py"
CHECKED = f"{COLLECTOR}/test_check.py"
BOOTS = "tests/proof/test_collectors.py::test_the_collector_takes_every_config_and_boots_from_it"

CAPABILITIES = {
    "actuator": "a service that carries out the control law",
    "backup": "backups and restore drills",
    "benchmark": "load generators, scenarios and validators",
    "storage": "the time series database",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One of the 43. With `later`, what is shown is the part of it that could happen today."""

    number: int
    title: str
    cases: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    later: str = ""
    why: str = ""


DEFECTS = (
    Defect(
        number=1,
        title="keys that the collector does not know",
        tests=(
            f"{OWN}/test_configs.py::test_no_config_has_what_its_version_does_not_know",
            f"{CHECKED}::test_a_former_name_is_refused_with_todays",
            BOOTS,
        ),
    ),
    Defect(
        number=2,
        title="bare `${VAR}` and `${1}`",
        tests=(
            f"{OWN}/test_configs.py::test_every_dollar_is_a_reference_or_doubled",
            f"{CHECKED}::test_bare_dollars_are_not",
        ),
    ),
    Defect(
        number=3,
        title="filters the wrong way round: critical dropped",
        tests=(
            f"{REFERENCE}/test_pipelines.py::test_each_pipeline_shows_what_it_is_said_to",
            f"{COLLECTOR}/test_chain.py::test_drop_goes_and_keep_wins_over_it",
            "tests/proof/test_collector_interpreter.py::test_the_collector_and_the_interpreter_agree",
        ),
    ),
    Defect(
        number=4,
        title="a roll-up that does not sum, and the same series twice",
        cases=("PHX648-rollup-would-lie",),
        tests=(
            f"{REFERENCE}/test_pipelines.py::test_what_is_rolled_up_is_summed_and_not_lost",
            f"{COLLECTOR}/test_chain.py::test_sums_before_and_after_are_equal",
        ),
    ),
    Defect(
        number=5,
        title="components that are used and not defined",
        tests=(
            f"{OWN}/test_configs.py::test_what_is_used_is_there",
            f"{CHECKED}::test_a_fault_is_found_where_it_stands",
            BOOTS,
        ),
    ),
    Defect(
        number=6,
        title="a queue whose storage is no extension: validates, fails at start",
        tests=(
            f"{OWN}/test_configs.py::test_what_is_used_is_there",
            f"{CHECKED}::test_a_fault_is_found_where_it_stands",
            BOOTS,
        ),
    ),
    Defect(
        number=7,
        title="spike above limit, largest batch below batch, giving up before the first retry",
        cases=("PHX637-collector-figures",),
    ),
    Defect(
        number=8,
        title="two listeners on one port",
        cases=("PHX640-port-clash",),
        tests=(f"{OWN}/test_configs.py::test_two_listeners_of_a_pod_never_share_a_port", BOOTS),
    ),
    Defect(
        number=9,
        title="`GOMEMLIMIT` without a unit",
        tests=(
            f"{OWN}/test_configs.py::test_no_go_limit_lacks_its_unit",
            f"{INGEST}::test_go_and_the_memory_limiter_follow_one_figure",
        ),
    ),
    Defect(
        number=10,
        title="the value of any one series taken for a count",
        tests=(
            f"{SEMANTICS}::test_active_series_are_counted_once_a_pipeline",
            f"{REFERENCE}/test_rules.py::test_the_series_of_a_pipeline_are_counted_where_it_is_scraped",
        ),
    ),
    Defect(
        number=11,
        title="labels and values that drift: queries that match nothing",
        cases=("PHX658-unknown-label", "PHX677-impossible-label-value"),
        tests=(
            f"{OWN}/test_rules.py::test_every_pipeline_that_a_rule_names_is_scraped_under_that_name",
            "tests/unit/promql/test_values.py::test_values_follow_records",
            f"{OWN}/test_rules.py::test_what_a_rule_reads_of_ours_is_recorded_here",
        ),
    ),
    Defect(
        number=12,
        title="variables set under other names than are read, hosts that do not exist",
        tests=(
            f"{OWN}/test_configs.py::test_what_a_config_reads_its_pod_sets_and_nothing_else",
            f"{OWN}/test_configs.py::test_what_a_collector_sends_to_is_a_service_of_ours",
        ),
    ),
    Defect(
        number=13,
        title="a control document that its reader reads by other names",
        later="actuator",
        why="the law is rules; there is no such document yet",
    ),
    Defect(
        number=14,
        title="metrics that cannot be scraped, and nobody told",
        tests=(
            f"{OWN}/test_rules.py::test_a_pipeline_that_falls_silent_is_told",
            f"{INGEST}::test_monitors_scrape_each_pod_and_every_metrics_port",
        ),
    ),
    Defect(
        number=15,
        title="`rate()` of a gauge, latency from sizes, series from names",
        cases=("PHX654-wrong-metric-type",),
        tests=(
            f"{OWN}/test_rules.py::test_our_own_rules_have_no_finding",
            f"{SEMANTICS}::test_a_falling_gauge_shows_a_fall",
            f"{REFERENCE}/test_rules.py::test_latency_is_a_quantile_of_durations",
        ),
    ),
    Defect(
        number=16,
        title="template text in a recording rule's label: one judge accepts it, the other does not",
        cases=("PHX206-template-in-a-label",),
        tests=(
            f"{OWN}/test_rules.py::test_no_recording_rule_holds_a_template",
            f"{JUDGES}::test_promtool_accepts_every_rule_file",
            f"{JUDGES}::test_vmalert_accepts_every_rule_file",
        ),
    ),
    Defect(number=17, title="a rule that is not PromQL", cases=("PHX652-not-promql",)),
    Defect(
        number=18,
        title="an alert that fires for ever",
        cases=("PHX661-alert-never-fires", "PHX662-burns-within-budget"),
        tests=(f"{SEMANTICS}::test_the_reference_alerts_fire_and_stay_silent",),
    ),
    Defect(
        number=19,
        title="no number, division by nothing, one name with several meanings",
        cases=("PHX657-recorded-twice", "PHX660-reserved-name"),
        tests=(
            f"{SEMANTICS}::test_a_flat_series_has_the_z_score_0_and_a_jump_a_high_one",
            f"{SEMANTICS}::test_without_a_baseline_there_is_no_ratio_not_even_nan",
            f"{OWN}/test_rules.py::test_a_series_is_recorded_by_one_rule",
        ),
    ),
    Defect(
        number=20,
        title="names that nothing emits",
        cases=("PHX653-unknown-metric",),
        tests=(
            f"{OWN}/test_rules.py::test_our_own_rules_have_no_finding",
            f"{COLLECTOR}/test_configs.py::test_the_collectors_own_metrics_have_a_port_and_names_of_their_own",
            BOOTS,
        ),
    ),
    Defect(
        number=21,
        title="thresholds baked in",
        tests=(
            f"{OWN}/test_numbers.py::test_every_number_in_a_rule_is_said_by_a_policy_or_has_a_name",
            f"{OWN}/test_numbers.py::test_every_range_in_a_rule_is_said_by_a_policy_or_has_a_name",
            "tests/test_provenance.py::test_every_policy_field_changes_the_output",
        ),
    ),
    Defect(
        number=22,
        title="a severity that nothing can reach",
        tests=(
            f"{REFERENCE}/test_pipelines.py::test_every_risk_and_severity_is_reached",
            f"{OWN}/test_configs.py::test_every_condition_holds_for_some_processes_and_not_for_others",
        ),
    ),
    Defect(
        number=23,
        title="switches without effect",
        tests=(
            "tests/test_provenance.py::test_every_policy_field_changes_the_output",
            f"{REFERENCE}/test_pipelines.py::test_exports_are_off_in_dev",
        ),
    ),
    Defect(
        number=24,
        title="probes of what is not there",
        cases=("PHX723-dangling-probe-port",),
        tests=(f"{INGEST}::test_probes_ask_a_port_that_the_config_serves",),
    ),
    Defect(
        number=25,
        title="custom kinds in the core group, unknown kinds let through",
        cases=("PHX675-kind-not-allowed",),
        tests=(f"{PLANTED}[a custom kind in the core group]", f"{PLANTED}[a misspelt kind]"),
    ),
    Defect(
        number=26,
        title="kustomizations that do not build",
        tests=(f"{OWN}/test_tree.py::test_reconciled_folders_hold_objects_alone",),
    ),
    Defect(
        number=27,
        title="charts without templates: nothing is rendered",
        tests=(
            f"{OWN}/test_tree.py::test_every_application_has_objects_to_apply",
            f"{INGEST}::test_what_a_cluster_gets",
        ),
    ),
    Defect(
        number=28,
        title="names that a prefix changes, addresses that it does not",
        tests=(f"{OWN}/test_tree.py::test_another_prefix_moves_names_and_addresses_together",),
    ),
    Defect(
        number=29,
        title="network policies that select nothing or shut exports in",
        cases=("PHX742-selects-nothing", "PHX647-export-unreachable"),
        tests=(
            f"{INGEST}::test_traffic_passes_just_where_it_is_declared",
            f"{INGEST}::test_exports_leave_only_for_declared_destinations",
        ),
    ),
    Defect(
        number=30,
        title="files of Git that a running service writes",
        tests=(
            f"{OWN}/test_configs.py::test_every_path_that_is_named_is_mounted",
            f"{GITOPS}::test_replicas_belong_to_the_autoscaler_where_there_is_one",
        ),
    ),
    Defect(
        number=31,
        title="one address scraped for several replicas",
        tests=(f"{OWN}/test_tree.py::test_pods_are_scraped_one_by_one",),
    ),
    Defect(
        number=32,
        title="routes that rewrite paths away, replicas without a shared store",
        tests=(f"{OWN}/test_tree.py::test_nothing_stands_in_for_what_one_address_cannot_give",),
        later="storage",
        why="routes and databases come with it; today there are none to be wrong",
    ),
    Defect(
        number=33,
        title="secrets in Git",
        cases=("PHX721-secret-in-git",),
        tests=(
            f"{OWN}/test_tree.py::test_no_secret_is_in_the_tree",
            f"{PLANTED}[a Secret with data]",
            f"{INGEST}::test_keys_of_exports_come_by_reference",
        ),
    ),
    Defect(
        number=34,
        title="output that differs from run to run",
        tests=(f"{OWN}/test_tree.py::test_two_compiles_are_byte_identical",),
    ),
    Defect(
        number=35,
        title="images that move, several versions of the collector at once",
        cases=("PHX630-unknown-collector-version", "PHX722-floating-image"),
        tests=(f"{OWN}/test_configs.py::test_one_image_runs_by_digest",),
    ),
    Defect(
        number=36,
        title="rights over everything, groups of the API that are gone",
        cases=("PHX729-rights-too-broad", "PHX702-api-version-not-served"),
        tests=(
            f"{INGEST}::test_no_role_may_write_or_read_secrets",
            f"{TENANCY}::test_no_rule_has_a_wildcard",
            f"{PLANTED}[a group that was emptied]",
        ),
    ),
    Defect(
        number=37,
        title="times that do not fit together",
        cases=(
            *("PHX655-range-too-short", "PHX666-control-bands", "PHX667-control-times"),
            "PHX648-rollup-would-lie",
        ),
        later="backup",
        why="schedules against recovery points; scrapes, ranges, holds and batches are checked today",
    ),
    Defect(
        number=38,
        title="a load that cannot reach the thresholds that it tests",
        later="benchmark",
        why="nothing generates load yet",
    ),
    Defect(
        number=39,
        title="conditions that nothing meets",
        cases=("PHX644-unknown-priority-class", "PHX645-dead-condition"),
        tests=(f"{OWN}/test_configs.py::test_every_condition_holds_for_some_processes_and_not_for_others",),
    ),
    Defect(
        number=40,
        title="claims that nobody ran",
        tests=(
            f"{OWN}/test_defects.py::test_the_page_says_what_the_table_says",
            f"{REFERENCE}/test_items.py::test_the_page_says_what_the_table_says",
            "tests/test_docs.py::test_command_blocks_do_what_the_page_says",
        ),
    ),
    Defect(
        number=41,
        title="a config that is not mounted",
        cases=("PHX719-dangling-volume-mount",),
        tests=(f"{OWN}/test_configs.py::test_every_path_that_is_named_is_mounted",),
    ),
    Defect(
        number=42,
        title="shipped examples that their own schema refuses, checks skipped by file name",
        tests=(
            f"{OWN}/test_tree.py::test_what_is_shipped_is_checked_like_any_other",
            f"{OWN}/test_tree.py::test_no_file_is_spared_for_its_name",
        ),
    ),
    Defect(
        number=43,
        title="a judge that lacks a feature takes what is right for wrong",
        tests=(
            f"{OWN}/test_tree.py::test_scrape_configs_go_to_collectors_and_never_to_promtool",
            f"{COLLECTOR}/test_configs.py::test_pods_are_scraped_on_the_own_node_only",
        ),
    ),
)
