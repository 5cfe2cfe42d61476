"""Component tables, one a collector version. A further version is a difference: `V0_159.changed("0.160.0", ...)`.

The keys are those of the configuration structs of the released modules; only what we emit is listed.
"""

from __future__ import annotations

from typing import Final

from phoenix_gitops.collector.table import FREE, Component, Keys, Kind, Table, keys

_TLS_CLIENT = keys("ca_file", "cert_file", "key_file", "insecure", "min_version", "server_name_override")
_QUEUE = keys("enabled", "queue_size", "num_consumers", "sizer", "block_on_overflow", "storage")
_RETRY = keys("enabled", "initial_interval", "max_interval", "max_elapsed_time")
_GRPC_CLIENT = keys(
    *("endpoint", "compression", "balancer_name", "timeout"),
    headers={"*": FREE},
    tls=_TLS_CLIENT,
    sending_queue=_QUEUE,
    retry_on_failure=_RETRY,
)
_HTTP_CLIENT = keys(
    *("endpoint", "compression", "timeout"),
    headers={"*": FREE},
    tls=_TLS_CLIENT,
    sending_queue=_QUEUE,
    retry_on_failure=_RETRY,
)
_STATEMENTS = keys("context", "conditions", "statements", "error_mode")
_RELABEL = keys("source_labels", "separator", "action", "regex", "replacement", "target_label")
_SCRAPE = keys(
    *("job_name", "scrape_interval", "scrape_timeout", "metrics_path", "scheme", "honor_labels"),
    "sample_limit",
    relabel_configs=_RELABEL,
    metric_relabel_configs=_RELABEL,
    authorization=keys("type", "credentials_file"),
    tls_config=keys("ca_file", "insecure_skip_verify"),
    static_configs=keys("targets", labels={"*": FREE}),
    kubernetes_sd_configs=keys("role", selectors=keys("role", "field", "label")),
)


def _switches(*names: str) -> Keys:
    return {name: keys("enabled") for name in names}


_PROCESS = keys(
    *("mute_process_name_error", "mute_process_exe_error", "mute_process_io_error"),
    *("mute_process_user_error", "mute_process_cgroup_error", "mute_process_all_errors"),
    exclude=keys("names", "match_type"),
    include=keys("names", "match_type"),
    metrics=_switches(
        *("process.context_switches", "process.cpu.time", "process.cpu.utilization", "process.disk.io"),
        *("process.disk.operations", "process.handles", "process.memory.usage", "process.memory.utilization"),
        *("process.memory.virtual", "process.open_file_descriptors", "process.paging.faults"),
        *("process.signals_pending", "process.threads", "process.uptime"),
    ),
    resource_attributes=_switches(
        *("process.cgroup", "process.command", "process.command_line", "process.executable.name"),
        *("process.executable.path", "process.owner", "process.parent_pid", "process.pid"),
    ),
)
_ASSOCIATION = keys(sources=keys("from", "name"))
_TAG = keys("tag_name", "key", "key_regex", "from")
_EXTRACT = keys("metadata", labels=_TAG, annotations=_TAG)

_COMPACTION = keys("directory", "on_start", "on_rebound", "cleanup_on_start")
_READER = keys("host", "port", "without_type_suffix", "without_units", "without_scope_info")
_VIEW = keys(
    selector=keys("instrument_name"),
    stream=keys(aggregation=keys(explicit_bucket_histogram=keys("boundaries"))),
)
_SERVICE: Keys = keys(
    "extensions",
    pipelines={"*": keys("receivers", "processors", "exporters")},
    telemetry=keys(
        resource={"*": FREE},
        logs=keys("level", "encoding"),
        metrics=keys("level", readers=keys(pull=keys(exporter=keys(prometheus=_READER))), views=_VIEW),
    ),
)

_COMPONENTS: tuple[Component, ...] = (
    Component(
        Kind.RECEIVER,
        "host_metrics",
        keys("collection_interval", "root_path", "initial_delay", scrapers=keys(process=_PROCESS)),
        formerly="hostmetrics",
    ),
    Component(
        Kind.RECEIVER,
        "otlp",
        keys(
            protocols=keys(
                grpc=keys("endpoint", "max_recv_msg_size_mib"), http=keys("endpoint", "max_request_body_size")
            )
        ),
    ),
    Component(Kind.RECEIVER, "prometheus", keys("trim_metric_suffixes", config=keys(scrape_configs=_SCRAPE))),
    Component(
        Kind.PROCESSOR,
        "batch",
        keys("timeout", "send_batch_size", "send_batch_max_size"),
    ),
    Component(
        Kind.PROCESSOR,
        "cumulative_to_delta",
        keys("max_staleness", "initial_value", include=keys("metrics", "match_type", "metric_types")),
        formerly="cumulativetodelta",
    ),
    Component(Kind.PROCESSOR, "delta_to_cumulative", keys("max_stale", "max_streams"), formerly="deltatocumulative"),
    Component(Kind.PROCESSOR, "filter", keys("error_mode", "metric_conditions")),
    Component(Kind.PROCESSOR, "groupbyattrs", keys("keys")),
    Component(
        Kind.PROCESSOR,
        "k8s_attributes",
        keys(
            *("auth_type", "passthrough", "wait_for_metadata", "wait_for_metadata_timeout"),
            extract=_EXTRACT,
            filter=keys("node_from_env_var", "namespace"),
            pod_association=_ASSOCIATION,
        ),
        formerly="k8sattributes",
    ),
    Component(
        Kind.PROCESSOR,
        "memory_limiter",
        keys("check_interval", "limit_mib", "spike_limit_mib"),
    ),
    Component(Kind.PROCESSOR, "resource", keys(attributes=keys("key", "value", "action", "from_attribute", "pattern"))),
    Component(Kind.PROCESSOR, "transform", keys("error_mode", metric_statements=_STATEMENTS)),
    Component(
        Kind.EXPORTER,
        "load_balancing",
        keys(
            *("routing_key", "routing_attributes", "timeout"),
            protocol=keys(otlp=_GRPC_CLIENT),
            resolver=keys(dns=keys("hostname", "port", "interval", "timeout"), static=keys("hostnames")),
            sending_queue=_QUEUE,
            retry_on_failure=_RETRY,
        ),
        formerly="loadbalancing",
    ),
    Component(
        Kind.EXPORTER,
        "kafka",
        keys(
            *("brokers", "client_id", "protocol_version", "timeout", "partition_metrics_by_resource_attributes"),
            metrics=keys("topic", "encoding"),
            producer=keys("max_message_bytes", "required_acks", "compression", "allow_auto_topic_creation"),
            tls=_TLS_CLIENT,
            auth=keys(sasl=keys("mechanism", "username", "password")),
            sending_queue=_QUEUE,
            retry_on_failure=_RETRY,
        ),
    ),
    Component(Kind.EXPORTER, "otlp_http", _HTTP_CLIENT, formerly="otlphttp"),
    Component(
        Kind.EXPORTER,
        "prometheus",
        keys(
            *("endpoint", "namespace", "send_timestamps", "metric_expiration", "enable_open_metrics"),
            *("without_scope_info", "translation_strategy"),
            const_labels={"*": FREE},
            resource_to_telemetry_conversion=keys("enabled", "exclude_service_attributes"),
        ),
    ),
    Component(Kind.CONNECTOR, "forward", {}),
    Component(Kind.EXTENSION, "health_check", keys("endpoint", "path")),
    Component(
        Kind.EXTENSION,
        "file_storage",
        keys("directory", "create_directory", "timeout", "recreate", compaction=_COMPACTION),
    ),
)

V0_159: Final = Table("0.159.0", {(c.kind, c.type): c for c in _COMPONENTS}, _SERVICE)

V0_152: Final = V0_159.changed(
    "0.152.1",
    unrenamed=(
        (Kind.EXPORTER, "load_balancing"),
        (Kind.PROCESSOR, "cumulative_to_delta"),
        (Kind.PROCESSOR, "delta_to_cumulative"),
    ),
    # The memory limiter's metrics bear its name since 0.155.
    metrics={
        f"otelcol_processor_memory_limiter_{points}": f"otelcol_processor_{points}"
        for points in ("accepted_metric_points_total", "refused_metric_points_total")
    },
)

VERSIONS: Final = {table.version: table for table in (V0_152, V0_159)}
"""Tables by the image tag that chooses them, from the oldest to the newest."""


def table_of(tag: str) -> Table:
    """The table that an image tag chooses. Of a tag that has none (a fault that `check_config` reports): the newest."""
    return VERSIONS.get(tag, V0_159)
