"""Puts a collector config together: components by id, pipelines, and the ports that they claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phoenix_gitops.collector.ports import HEALTH, TELEMETRY, PortAllocator
from phoenix_gitops.collector.table import Kind, Table
from phoenix_gitops.collector.values import Section, Value, document
from phoenix_gitops.collector.versions import V0_159
from phoenix_gitops.model.pipeline import Batch, Memory
from phoenix_gitops.model.units import mebibytes

_HEALTH_CHECK = "health_check"
_RECEIVED = 4
"""MiB that a gRPC server takes in one message unless it is told otherwise."""
_STREAM = 1024
"""Bytes of a series that is accumulated."""


def listen(port: int) -> str:
    """The address of a listener that other pods reach."""
    return f"0.0.0.0:{port}"


def _durations() -> Section:
    """Buckets from 1 ms to 5 s. The default ones begin at 5 s, where every percentile would read as seconds."""
    boundaries: list[Value] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
    return {
        "selector": {"instrument_name": "otelcol_processor_internal_duration"},
        "stream": {"aggregation": {"explicit_bucket_histogram": {"boundaries": boundaries}}},
    }


@dataclass(slots=True)
class Builder:
    """A config under construction. Adding a component again must say the same."""

    memory_limit: str
    """The container's memory limit, from which every limit of memory follows."""
    table: Table = V0_159
    """The collector's version, whose names components bear."""
    sections: dict[Kind, Section] = field(default_factory=dict)
    pipelines: Section = field(default_factory=dict)
    ports: PortAllocator = field(default_factory=PortAllocator)

    def add(self, kind: Kind, name: str, settings: Mapping[str, Value]) -> str:
        """Defines a component, by the newest version's name of its type, and gives its id in this version."""
        type_, slash, rest = name.partition("/")
        name = f"{self.table.named(kind, type_) or type_}{slash}{rest}"
        section = self.sections.setdefault(kind, {})
        if section.setdefault(name, settings) != settings:
            raise ValueError(f"two components of one id: {name}")
        return name

    def processor(self, name: str, settings: Mapping[str, Value]) -> str:
        """Defines a processor."""
        return self.add(Kind.PROCESSOR, name, settings)

    def forward(self, name: str) -> str:
        """A connector that hands data from pipelines to another, as it is."""
        return self.add(Kind.CONNECTOR, f"forward/{name}", {})

    def memory_limiter(self, name: str, memory: Memory) -> str:
        """A memory limiter whose figures are shares of the container's limit."""
        total = mebibytes(self.memory_limit)
        settings: Section = {
            "check_interval": memory.check_interval,
            "limit_mib": int(total * memory.limit),
            "spike_limit_mib": int(total * memory.spike),
        }
        return self.processor(f"memory_limiter/{name}", settings)

    def streams(self) -> int:
        """How many series one pipeline may accumulate: a tenth of the container's memory holds so many."""
        return mebibytes(self.memory_limit) * 2**20 // 10 // _STREAM

    def batch(self, name: str, batch: Batch, *, whole: bool = False) -> str:
        """A batch processor; with `whole` it never splits what came to it in one piece."""
        settings: Section = {"timeout": batch.timeout, "send_batch_size": batch.size}
        if not whole:
            settings["send_batch_max_size"] = batch.max
        return self.processor(f"batch/{name}", settings)

    def transform(self, name: str, groups: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
        """A transform of (context, statements) groups in order; none if there is nothing to do."""
        statements: list[Value] = [
            {"context": context, "statements": list(lines)} for context, lines in groups if lines
        ]
        if not statements:
            return []
        # `propagate` would lose a whole payload over one odd datapoint.
        settings: Section = {"error_mode": "ignore", "metric_statements": statements}
        return [self.processor(f"transform/{name}", settings)]

    def otlp(self, name: str, grpc: int, http: int | None) -> str:
        """An OTLP receiver for senders of a kind; without `http` it speaks gRPC only."""
        purpose = f"OTLP of {name}"
        grpc_name = f"otlp-{name}" if http is None else "otlp-grpc"
        server: Section = {"endpoint": listen(self.ports.claim(grpc_name, grpc, purpose))}
        if http is None:
            # Our own collectors send a reading in one piece, and 4 MiB are 2,000 processes.
            server["max_recv_msg_size_mib"] = max(_RECEIVED, mebibytes(self.memory_limit) // 16)
        protocols: Section = {"grpc": server}
        if http is not None:
            protocols["http"] = {"endpoint": listen(self.ports.claim("otlp-http", http, purpose))}
        return self.add(Kind.RECEIVER, f"otlp/{name}", {"protocols": protocols})

    def storage(self, directory: str) -> str:
        """What keeps queues in a folder that outlives the process."""
        settings: Section = {
            "directory": directory,
            # A node that lost power may leave half a page behind; without this no agent would ever start there again.
            "recreate": True,
            "compaction": {"directory": directory, "on_rebound": True, "on_start": True, "cleanup_on_start": True},
        }
        return self.add(Kind.EXTENSION, "file_storage/queue", settings)

    def pipeline(
        self, name: str, receivers: Sequence[str], processors: Sequence[str], exporters: Sequence[str]
    ) -> None:
        """Adds a pipeline of metrics."""
        self.pipelines[f"metrics/{name}"] = {
            "receivers": list(receivers),
            "processors": list(processors),
            "exporters": list(exporters),
        }

    def build(self) -> dict[str, Any]:
        """The exact config, with health check and the reader of the collector's own metrics."""
        health = self.ports.claim("health", HEALTH, "health check")
        self.add(Kind.EXTENSION, _HEALTH_CHECK, {"endpoint": listen(health)})
        telemetry = self.ports.claim("telemetry", TELEMETRY, "the collector's own metrics")
        # Said in full: which names the collector's own metrics have depends on it, and defaults changed before.
        scraped: Section = {
            "host": "0.0.0.0",  # noqa: S104 - scraped from other pods
            "port": telemetry,
            "without_type_suffix": False,
            "without_units": False,
            "without_scope_info": True,
        }
        reader: Section = {"pull": {"exporter": {"prometheus": scraped}}}
        service: Section = {
            "extensions": list(self.sections[Kind.EXTENSION]),
            "pipelines": self.pipelines,
            # Detailed: the time that processors take is measured at no lower level.
            "telemetry": {"metrics": {"level": "detailed", "readers": [reader], "views": [_durations()]}},
        }
        sections: Section = {kind.value: section for kind, section in self.sections.items()}
        return document({**sections, "service": service})
