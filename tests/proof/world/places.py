"""Where things are in the small world, and an emitted collector config moved there."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.proof.judge import GENERATED

Object = dict[str, Any]

ENVIRONMENT, CLUSTER = "prod-eu", "eu-west-1"
KUBERNETES = "1.34"
EMITTED = GENERATED / ENVIRONMENT / CLUSTER
RULES = GENERATED / "_proof" / ENVIRONMENT / CLUSTER / "rules"

BATCH, INTERVAL = "100ms", "1s"
"""The world's time runs faster than a cluster's: batches wait so long, and scrapes and readings are so far apart."""

NET = f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}"
"""The network of this run's pods: no two runs at a time have the same."""


def address(pod: int) -> str:
    """The address of a pod, by its number from 1."""
    return f"{NET}.{pod}"


def emitted(*parts: str) -> Object:
    """An object of the world's cluster, by the path of its file."""
    loaded: Object = yaml.load(EMITTED.joinpath(*parts).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


def collector_config(namespace: str, name: str) -> Object:
    """The config in the ConfigMap that a collector's pod mounts."""
    loaded: Object = yaml.load(
        emitted("ingest", namespace, f"configmap-{name}.yaml")["data"]["config.yaml"], yaml.CSafeLoader
    )
    return loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a collector runs, and whom it knows there."""

    address: str
    node: str = "none"
    kubeconfig: Path | None = None
    gateways: Sequence[str] = ()
    """Addresses of the gateway's pods, for a sender to them. One is found by name, several are listed."""
    otlp: Mapping[str, str] = field(default_factory=dict)
    """Where exporters outside the cluster send to instead, by their ids."""
    storage: Path | None = None
    """The volume where it keeps what it has not sent yet."""
    host_interval: str = "1h"
    """How often the host's processes are read."""


def relocated(config: Object, place: Place) -> Object:
    """An emitted config at its place. Changed are addresses, credentials and how long things wait."""
    changed: Object = json.loads(json.dumps(copy.deepcopy(config)).replace("0.0.0.0", place.address))
    for kind, settings in _components(changed):
        match kind:
            case "k8s_attributes":
                settings["auth_type"] = "kubeConfig"
            case "batch":
                settings["timeout"] = BATCH
            case "host_metrics":
                settings |= {"root_path": "/", "collection_interval": place.host_interval}
            case "prometheus" if "config" in settings:
                for job in settings["config"]["scrape_configs"]:
                    _scraping(job, place)
            case "file_storage":
                settings["directory"] = settings["compaction"]["directory"] = str(place.storage)
            case "load_balancing":
                settings["resolver"] = _resolver(settings["resolver"]["dns"], place.gateways)
    for name, url in place.otlp.items():
        changed["exporters"][name]["endpoint"] = url
    return changed


def _components(config: Object) -> Iterator[tuple[str, Object]]:
    for section in ("receivers", "processors", "exporters", "extensions"):
        for name, settings in config[section].items():
            yield name.partition("/")[0], settings


def _scraping(job: Object, place: Place) -> None:
    job["scrape_interval"] = INTERVAL
    for discovery in job.get("kubernetes_sd_configs", ()):
        discovery["kubeconfig_file"] = str(place.kubeconfig)
    if "authorization" in job:  # No kubelet is here to read it.
        job["authorization"]["credentials_file"] = os.devnull


def _resolver(emitted_dns: Mapping[str, str], gateways: Sequence[str]) -> Object:
    if len(gateways) == 1:
        return {"dns": {**emitted_dns, "hostname": gateways[0]}}
    return {"static": {"hostnames": [f"{gateway}:{emitted_dns['port']}" for gateway in gateways]}}
