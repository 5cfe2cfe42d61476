"""What not every engine knows that evaluates rules: functions of one dialect, of new versions, or behind flags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phoenix_gitops.promql import syntax
from phoenix_gitops.promql.findings import Finding
from phoenix_gitops.promql.syntax import Node

_NOT_EVERYWHERE = frozenset(
    {
        *("info", "limitk", "limit_ratio", "mad_over_time", "sort_by_label", "sort_by_label_desc"),
        *("double_exponential_smoothing", "ts_of_max_over_time", "ts_of_min_over_time", "ts_of_last_over_time"),
        *("first_over_time", "ts_of_first_over_time", "histogram_quantiles", "integral", "max_of", "min_of"),
        *("start", "end", "step", "range", "start_timestamp"),
        # VictoriaMetrics reads native histograms as buckets by `vmrange` and has no such functions.
        *("histogram_count", "histogram_sum"),
        # Prometheus has these since 2.51, VictoriaMetrics in another sense.
        *("histogram_avg", "histogram_stddev", "histogram_stdvar", "histogram_fraction"),
    }
)
_RENAMED = {"holt_winters": "double_exponential_smoothing"}
_METRICSQL = frozenset(
    {
        *("aggr_over_time", "any", "ascent_over_time", "bitmap_and", "bitmap_or", "bitmap_xor", "buckets_limit"),
        *("changes_prometheus", "count_eq_over_time", "count_gt_over_time", "count_le_over_time", "count_ne_over_time"),
        *("decreases_over_time", "default_rollup", "delta_prometheus", "deriv_fast", "descent_over_time", "distinct"),
        *("distinct_over_time", "drop_common_labels", "drop_empty_series", "duration_over_time", "geomean"),
        *("geomean_over_time", "histogram", "histogram_over_time", "histogram_share", "hoeffding_bound_lower"),
        *("hoeffding_bound_upper", "ideriv", "increase_prometheus", "increase_pure", "increases_over_time"),
        *("integrate", "interpolate", "keep_last_value", "keep_next_value", "label_copy", "label_del"),
        *("label_graphite_group", "label_keep", "label_lowercase", "label_map", "label_match", "label_mismatch"),
        *("label_move", "label_set", "label_transform", "label_uppercase", "label_value", "labels_equal", "lag"),
        *("lifetime", "limit_offset", "mad", "median", "median_over_time", "mode", "mode_over_time", "now"),
        *("outlier_iqr_over_time", "outliers_iqr", "outliers_mad", "outliersk", "prometheus_buckets", "quantiles"),
        *("quantiles_over_time", "rand", "range_avg", "range_first", "range_last", "range_linear_regression"),
        *("range_mad", "range_max", "range_median", "range_min", "range_normalize", "range_over_time"),
        *("range_quantile", "range_stddev", "range_stdvar", "range_sum", "range_zscore", "rate_over_sum"),
        *("rate_prometheus", "remove_resets", "rollup", "rollup_candlestick", "rollup_delta", "rollup_deriv"),
        *("rollup_increase", "rollup_rate", "rollup_scrape_interval", "running_avg", "running_max", "running_min"),
        *("running_sum", "scrape_interval", "share", "share_eq_over_time", "share_gt_over_time"),
        *("share_le_over_time", "smooth_exponential", "sort_by_label_numeric", "stale_samples_over_time", "sum2"),
        *("sum2_over_time", "tfirst_over_time", "timezone_offset", "tlast_change_over_time", "tlast_over_time"),
        *("tmax_over_time", "tmin_over_time", "topk_avg", "topk_last", "topk_max", "topk_median", "topk_min"),
        *("bottomk_avg", "bottomk_last", "bottomk_max", "bottomk_median", "bottomk_min", "union", "zscore"),
        *("zscore_over_time", "count_values_over_time"),
    }
)
_UNKNOWN = re.compile(r"unknown function with name '([a-z0-9_]+)'")
_ADVICE = "use functions that Prometheus 2.42 has without a feature flag"


def functions(tree: Node) -> Iterator[Finding]:
    """Functions and aggregations of an expression that not every engine has."""
    for node in syntax.nodes(tree):
        name = ""
        if syntax.kind(node) == "Call":
            name = str(node.func.name)
        elif syntax.kind(node) == "AggregateExpr":
            name = str(node.op)
        if name in _NOT_EVERYWHERE:
            yield _finding(name, f"`{name}` is not in every engine that evaluates these rules", _ADVICE)


def foreign(error: str) -> Finding | None:
    """What a parser's complaint means if it stumbled over a function of another dialect or version, else None."""
    found = _UNKNOWN.search(error)
    name = found[1] if found else ""
    if name in _METRICSQL:
        return _finding(name, f"`{name}` is MetricsQL: VictoriaMetrics has it, Prometheus does not", _ADVICE)
    if name in _RENAMED:
        message = f"`{name}` is gone since Prometheus 3, where it is `{_RENAMED[name]}` behind a feature flag"
        return _finding(name, message, _ADVICE)
    return None


def _finding(name: str, message: str, advice: str) -> Finding:
    return Finding(code="PHX665", message=message, help=advice, word=name)
