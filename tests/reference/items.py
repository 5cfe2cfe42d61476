"""The 23 things of the platform as it has been run that must not be lost, and where each part of them is found.

A part names the test that finds its numbers in what environment `reference` compiles to, or the later capability that
will own it. `test_items.py` reads this table; `docs/reference-platform.md` is written from it.
"""

from __future__ import annotations

from dataclasses import dataclass

COLLECTION, PIPELINES = "test_collection", "test_pipelines"
CONTROL, RULES, DELIVERY = "test_control", "test_rules", "test_delivery"
DASHBOARDS = "test_dashboards"

CAPABILITIES = {
    "actuator": "a service that carries out the control law: overrides by hand, its control file, its own port",
    "anomaly": "detectors beyond the z-score, with their severities and patterns",
    "backup": "backups, their verification and restore drills",
    "benchmark": "load generators, scenarios and validators that run against a cluster",
    "finops": "reports and limits of unit costs",
    "storage": "the time series database itself: retention, its API, replicas of it",
    "tenancy-and-quotas": "limits of what a tenant may create through the platform's own services",
}
"""Capabilities that are built later, and what each will bring."""


@dataclass(frozen=True, slots=True)
class Part:
    """One fact: found by a test, or left to a later capability with a reason."""

    fact: str
    found: str = ""
    """`module.function` of a test in `tests/reference/`."""
    later: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One of the 23."""

    number: int
    title: str
    parts: tuple[Part, ...]


def found(fact: str, module: str, test: str) -> Part:
    return Part(fact, found=f"{module}.{test}")


def later(fact: str, capability: str, why: str) -> Part:
    return Part(fact, later=capability, why=why)


ITEMS = (
    Item(
        1,
        "Four pipelines",
        (
            found(
                "full 8888, optimized 8889, experimental 8890, observatory 8891, each under its own prefix, with "
                "timestamps, OpenMetrics and its expiry",
                COLLECTION,
                "test_each_pipeline_has_its_port_and_namespace",
            ),
            found("one input fans out to all of them", COLLECTION, "test_every_pipeline_gets_all_that_comes_in"),
            found(
                "the collectors' own metrics moved to 8887", COLLECTION, "test_the_collectors_own_metrics_are_on_8887"
            ),
        ),
    ),
    Item(
        2,
        "Ports",
        (
            found("OTLP on 4317 and 4318, both listening", COLLECTION, "test_otlp_is_taken_on_4317_and_4318"),
            found(
                "health on 13133, asked every 20 s",
                COLLECTION,
                "test_health_is_served_and_asked_on_13133",
            ),
            found(
                "the observer's count of series (9888): a rule counts each pipeline's scrape instead, so there is no "
                "observer, nor its health port 13134",
                RULES,
                "test_the_series_of_a_pipeline_are_counted_where_it_is_scraped",
            ),
            later("actuator 8081", "actuator", "the law is rules that people carry out; no service runs"),
            later("anomaly detector 8082", "anomaly", "z-scores are rules; no service runs"),
            later("benchmark 8083, pushgateway 9091", "benchmark", "nothing measures or pushes yet"),
            later("analytics 8080", "finops", "trends and reports over time"),
            later("Prometheus 9090", "storage", "a cluster brings its own until then"),
            later("Grafana 3000", "storage", "a cluster brings its own; dashboards reach it"),
        ),
    ),
    Item(
        3,
        "Host processes",
        (
            found(
                "read every 15 s below /hostfs, read-only, with the host's processes in sight",
                COLLECTION,
                "test_processes_are_read_every_15_s_from_the_host",
            ),
            found("five metrics", COLLECTION, "test_five_metrics_of_processes_are_read"),
            found("seven groups left out", COLLECTION, "test_seven_groups_of_processes_are_left_out"),
            found("four attributes", COLLECTION, "test_four_attributes_of_processes_are_read"),
        ),
    ),
    Item(
        4,
        "Priority classes as data",
        (
            found(
                "critical, high, medium and low by their patterns, first match first",
                COLLECTION,
                "test_processes_get_the_class_of_the_first_pattern_that_matches",
            ),
        ),
    ),
    Item(
        5,
        "What each pipeline keeps and drops, as documented",
        (
            found("the processes that each shows by name", PIPELINES, "test_each_pipeline_shows_what_it_is_said_to"),
            found("process id dropped everywhere", PIPELINES, "test_the_process_id_is_dropped_everywhere"),
            found("command line only for critical", PIPELINES, "test_the_command_line_stays_for_critical_only"),
            found("owner dropped for low", PIPELINES, "test_the_owner_is_dropped_for_low"),
            found("container dropped in optimized", PIPELINES, "test_the_container_is_dropped_in_optimized"),
            found("seven attributes kept in experimental", PIPELINES, "test_experimental_keeps_seven_attributes"),
            found("roll-ups sum what they stand for", PIPELINES, "test_what_is_rolled_up_is_summed_and_not_lost"),
            found(
                "`rollup.process.count` counts the processes behind a sum",
                PIPELINES,
                "test_the_processes_behind_a_sum_are_counted",
            ),
            found("roll up first, drop second", PIPELINES, "test_roll_up_comes_before_selection"),
            found(
                "every risk and severity is reached",
                PIPELINES,
                "test_every_risk_and_severity_is_reached",
            ),
        ),
    ),
    Item(
        6,
        "Attributes",
        (
            found("`benchmark.id`", COLLECTION, "test_all_that_nodes_collect_bears_the_benchmark"),
            found(
                "`deployment.environment` and `phoenix.pipeline.strategy`, whatever a client says",
                COLLECTION,
                "test_every_pipeline_says_its_environment_and_itself",
            ),
            found(
                "`phoenix.priority`",
                COLLECTION,
                "test_processes_get_the_class_of_the_first_pattern_that_matches",
            ),
            later(
                "values of `phoenix.optimisation_profile` and `phoenix.control.correlation_id`",
                "actuator",
                "the running profile is known while it runs, to who switches it; pipelines keep the first attribute",
            ),
        ),
    ),
    Item(
        7,
        "Memory and batches",
        (
            found(
                "memory limiter first: 1 s, 512 and 128 MiB",
                COLLECTION,
                "test_the_memory_limiter_comes_first_with_512_and_128_mib",
            ),
            found("batch last: 8192, 10 s, at most 16384", COLLECTION, "test_the_batch_comes_last_with_8192_in_10_s"),
        ),
    ),
    Item(
        8,
        "Export to New Relic",
        (
            found(
                "three pipelines with their own key, queue, retries and gzip",
                PIPELINES,
                "test_three_pipelines_export_to_new_relic_with_their_own_key_and_queue",
            ),
            found("differences on that way alone", PIPELINES, "test_only_the_export_to_new_relic_sends_differences"),
            found("off in dev", PIPELINES, "test_exports_are_off_in_dev"),
        ),
    ),
    Item(
        9,
        "The control law",
        (
            found(
                "driven by the series of the optimized pipeline",
                CONTROL,
                "test_the_law_watches_the_count_of_the_optimized_pipeline",
            ),
            found(
                "15,000 and 25,000 with hysteresis 0.1: 16,500 and 22,500",
                CONTROL,
                "test_profiles_change_at_their_thresholds_and_stick",
            ),
            found("10,000 and 20,000 in dev", CONTROL, "test_dev_changes_at_10000_and_20000"),
            found(
                "three profiles, experimental in the last alone",
                CONTROL,
                "test_there_are_three_profiles_and_only_the_last_runs_experimental",
            ),
            found("a decision every 60 s, held 120 s", CONTROL, "test_it_decides_every_60_s_and_holds_120_s"),
            found(
                "set point 20,000, gains 0.5, 0.1 and 0.05, clamp 10,000",
                CONTROL,
                "test_the_controller_has_its_gains_set_point_and_clamp",
            ),
            found("cost ratio 0.70", CONTROL, "test_the_cost_is_to_fall_by_0_70"),
            found(
                "emergency at 1,000,000 series or risk 0.7, at once",
                CONTROL,
                "test_an_explosion_calls_for_the_last_profile_at_once",
            ),
            found(
                "risk: series, 10,000 a second, anomaly",
                CONTROL,
                "test_the_risk_weighs_series_growth_and_anomaly",
            ),
            found(
                "more than 3 changes in 600 s fall back to balanced",
                CONTROL,
                "test_more_than_3_changes_in_600_s_fall_back_to_balanced",
            ),
            found("lockout of 300 s", CONTROL, "test_an_emergency_locks_the_profile_for_300_s"),
            found("who carries it out", CONTROL, "test_the_reference_law_records_and_leaves_the_deed_to_people"),
            later("override by hand for 60 to 3600 s", "actuator", "it is a call to a service"),
        ),
    ),
    Item(
        10,
        "The control file",
        (
            later(
                "its schema, a `config_version` that only grows, correlation ids that begin with `pv3ux`",
                "actuator",
                "a file that a running service writes; the compiler writes nothing that changes at run time",
            ),
        ),
    ),
    Item(
        11,
        "Prometheus",
        (
            found(
                "scraped every 15 s, evaluated every 30 s",
                RULES,
                "test_targets_are_scraped_every_15_s_and_rules_evaluated_every_30_s",
            ),
            later(
                "retention 30 d and 7 d, lifecycle API on, admin API only in dev",
                "storage",
                "settings of the database, which a cluster brings itself until then",
            ),
        ),
    ),
    Item(
        12,
        "Recorded names and alerts",
        (
            found("twelve names and `phoenix:cost_reduction_ratio`", RULES, "test_the_thirteen_names_are_recorded"),
            found("each defined once", RULES, "test_what_is_recorded_by_name_is_one_series_a_pipeline"),
            found(
                "five alerts with severity, hold and thresholds",
                RULES,
                "test_alerts_have_their_severity_hold_and_thresholds",
            ),
            found("latency of time, not of batch sizes", RULES, "test_latency_is_a_quantile_of_durations"),
        ),
    ),
    Item(
        13,
        "Objectives",
        (
            found(
                "preservation 0.98, stability 0.8, 99th percentile below 100 ms, 99.9 %",
                RULES,
                "test_the_platform_owes_what_it_owed",
            ),
            found(
                "preservation alert 0.95, 15 % saved, 50 ms, memory 0.9 of the limit",
                RULES,
                "test_alerts_have_their_severity_hold_and_thresholds",
            ),
            found("15 % and 40 % by pipeline", RULES, "test_each_pipeline_saves_what_its_contract_says"),
            found("budgets burn by the standard factors", RULES, "test_a_budget_burns_by_the_four_standard_factors"),
            found(
                "512 MB of memory, held by the limiter",
                COLLECTION,
                "test_the_memory_limiter_comes_first_with_512_and_128_mib",
            ),
            found("ready within 5 minutes", RULES, "test_a_workload_is_ready_or_restarted_within_5_minutes"),
            later("5 % in the conservative profile", "actuator", "an objective that changes with the running profile"),
        ),
    ),
    Item(
        14,
        "Benchmarks",
        (
            later(
                "scenarios, validators, load profiles, results kept 90 days, alert cooldown 300 s",
                "benchmark",
                "nothing generates load yet",
            ),
        ),
    ),
    Item(15, "Generator", (later("250 processes on 3 hosts every 15 s", "benchmark", "nothing generates load yet"),)),
    Item(
        16,
        "Resources",
        (
            found("the collector: 1 CPU, 1 GiB", DELIVERY, "test_the_collector_has_one_core_and_1_gib"),
            found(
                "production: three of 1 to 2 CPU, 2 to 4 GiB",
                DELIVERY,
                "test_production_has_three_collectors_of_twice_the_size",
            ),
            found("Go keeps below the limit, with a unit", DELIVERY, "test_go_keeps_to_four_fifths_of_the_memory"),
            found("two of three stay in a drain", DELIVERY, "test_a_drain_takes_one_collector_at_a_time"),
            found(
                "uid 10001, read-only root, no capabilities", DELIVERY, "test_the_gateway_runs_as_10001_with_no_rights"
            ),
            found(
                "restricted, but for the agents",
                DELIVERY,
                "test_only_the_agents_namespace_is_not_restricted",
            ),
            later("Prometheus and its disruption budget of 1", "storage", "comes with the database"),
            later("actuator 200m, 256 MiB", "actuator", "comes with the service"),
            later("anomaly detector 200m, 256 MiB", "anomaly", "comes with the service"),
            later("benchmark 500m, 512 MiB", "benchmark", "comes with the service"),
            later("analytics 500m, 512 MiB", "finops", "comes with the service"),
        ),
    ),
    Item(
        17,
        "Anomaly detection",
        (
            found("z-score threshold 3", RULES, "test_a_count_is_anomalous_beyond_3_deviations"),
            later(
                "window of 20, severities 3, 4 and 5, rates of change, patterns, silence of 5 minutes",
                "anomaly",
                "they are a service's detectors over six metrics",
            ),
        ),
    ),
    Item(
        18,
        "Dashboards",
        (
            found(
                "profile, count with both thresholds, series by pipeline, cost, top 5, collectors, transitions",
                DASHBOARDS,
                "test_the_dashboards_show_all_that_was_shown",
            ),
        ),
    ),
    Item(
        19,
        "Argo CD",
        (
            found("control plane pruned and healed", DELIVERY, "test_the_control_plane_is_pruned_and_healed"),
            found("collectors healed, never pruned", DELIVERY, "test_argo_cd_heals_all_and_never_prunes_collectors"),
            found(
                "namespace argocd; instead of one project `phoenix`, one for each environment and component",
                DELIVERY,
                "test_argo_cd_works_in_namespace_argocd_with_a_project_for_each_component",
            ),
        ),
    ),
    Item(
        20,
        "Prices",
        (
            found(
                "$0.10 a million points, $0.05 a GB, $50 a core, $10 a GiB",
                RULES,
                "test_prices_are_those_of_the_platform",
            ),
            later("at most $1.00 a million points", "finops", "a limit on unit cost, checked against measured cost"),
        ),
    ),
    Item(
        21,
        "Backup",
        (
            later(
                "7 days of Prometheus, Grafana, configs and benchmark results, with a manifest of checksums, verified",
                "backup",
                "there is nothing with state to back up yet",
            ),
        ),
    ),
    Item(
        22,
        "Tenants",
        (
            found("key `tenant.id`", DELIVERY, "test_the_tenant_is_known_by_its_namespace_under_tenant_id"),
            found(
                "unknown tenants have a route, and are told",
                DELIVERY,
                "test_data_of_nobody_has_a_tenant_of_its_own_and_is_told",
            ),
            later(
                "10 experiments, 50 pipelines, 100 collectors",
                "tenancy-and-quotas",
                "tenants create none of these yet",
            ),
        ),
    ),
    Item(
        23,
        "Names",
        (
            found(
                "`optimized` is the name, `optimised` an alias that no rule reads",
                PIPELINES,
                "test_the_canonical_name_is_optimized_and_the_british_one_an_alias",
            ),
        ),
    ),
)
