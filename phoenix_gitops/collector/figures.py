"""Relations between figures of a config that the collector refuses only when it starts, or never."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix_gitops.collector.findings import Finding, join
from phoenix_gitops.model.units import milliseconds

Config = Mapping[str, Any]


def check_figures(config: Config) -> list[Finding]:
    """The faults of limits, batches, retries and queues."""
    return [
        *_memory(config),
        *_batches(config),
        *_exporters(config),
    ]


def _of_type(config: Config, section: str, type_: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, settings in (config.get(section) or {}).items():
        if name.partition("/")[0] == type_:
            yield join(section, name), settings or {}


def _memory(config: Config) -> Iterator[Finding]:
    for path, settings in _of_type(config, "processors", "memory_limiter"):
        limit, spike = settings.get("limit_mib", 0), settings.get("spike_limit_mib", 0)
        if limit < 1:
            yield Finding("PHX637", path, f"a memory limit of `{limit}` MiB leaves no memory")
        elif spike >= limit:
            yield Finding("PHX637", path, f"spike limit `{spike}` MiB is not below the limit of `{limit}` MiB")


def _batches(config: Config) -> Iterator[Finding]:
    for path, settings in _of_type(config, "processors", "batch"):
        size, most = settings.get("send_batch_size", 0), settings.get("send_batch_max_size", 0)
        if most and most < size:
            yield Finding("PHX637", path, f"largest batch `{most}` is below the batch size `{size}`")


def _exporters(config: Config) -> Iterator[Finding]:
    extensions = set(config.get("service", {}).get("extensions", []))
    for name, settings in (config.get("exporters") or {}).items():
        for path, part in _parts(join("exporters", name), settings or {}):
            yield from _retry(path, part.get("retry_on_failure") or {})
            storage = (part.get("sending_queue") or {}).get("storage")
            if storage is not None and storage not in extensions:
                message = f"the queue's storage `{storage}` is no enabled extension"
                yield Finding("PHX638", join(path, "sending_queue.storage"), message)


def _parts(path: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, settings
    inner = (settings.get("protocol") or {}).get("otlp")
    if inner is not None:
        yield join(path, "protocol.otlp"), inner


def _retry(path: str, retry: Mapping[str, Any]) -> Iterator[Finding]:
    first, longest = retry.get("initial_interval"), retry.get("max_interval")
    given_up = retry.get("max_elapsed_time")
    where = join(path, "retry_on_failure")
    if first and longest and milliseconds(longest) < milliseconds(first):
        yield Finding("PHX637", where, f"longest wait `{longest}` is below the first wait `{first}`")
    # An elapsed time of 0 means for ever.
    if first and given_up and 0 < milliseconds(given_up) < milliseconds(first):
        yield Finding("PHX637", where, f"data is given up after `{given_up}`, before the first retry at `{first}`")
