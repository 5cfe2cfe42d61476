"""An emitted collector config on this machine: changed as little as can be, so that what runs is what we emit."""

from __future__ import annotations

import copy
import json
import os
import re
import secrets
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix_gitops.collector.listeners import listening

Config = Mapping[str, Any]

LOOPBACK = "127.0.0.1"
_LOWEST, _PORTS = 15000, 17000
_GIVEN: deque[int] = deque()
_MOST = 256
"""Who was given a port listens there long before so many more are given."""
_HERE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]|\[::1\])?:([0-9]+)")
"""The address of a listener: any address, or this machine's."""
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$\{env:([A-Za-z_][A-Za-z0-9_]*)")
_FILES = frozenset(
    {"ca_file", "cert_file", "key_file", "client_ca_file", "credentials_file", "bearer_token_file", "directory"}
)
_SECRETS = frozenset({"credentials_file", "bearer_token_file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """A config that runs on this machine, in a folder of its own."""

    document: dict[str, Any]
    folder: Path
    ports: Mapping[int, int]
    """The port on the loopback address for each port of the emitted config."""
    environ: Mapping[str, str]
    """All environment variables of the process."""

    @property
    def file(self) -> Path:
        """Where the config stands."""
        return self.folder / "config.yaml"

    @property
    def log(self) -> Path:
        """What the collector says; a second run appends."""
        return self.folder / "collector.log"

    @property
    def text(self) -> str:
        """The config as the collector reads it: JSON, which is YAML."""
        return json.dumps(self.document, indent=1)

    @property
    def health(self) -> int:
        """The port of the health check on this machine. Raises `ValueError` if there is none."""
        for _, settings in _components(self.document, "extensions", "health_check"):
            match = _HERE.fullmatch(str(settings.get("endpoint", "")))
            if match:
                return int(match[1])
        raise ValueError("no health check in the config: when it runs cannot be known")

    def write(self) -> Path:
        """Writes the config to its file."""
        self.file.write_text(self.text, encoding="utf-8")
        return self.file


def local(
    config: Config,
    folder: Path,
    *,
    root: Path | None = None,
    ports: Mapping[int, int] | None = None,
    environ: Mapping[str, str] | None = None,
    redirect: Mapping[str, str] | None = None,
    batch_timeout: str | None = None,
) -> Local:
    """The config as it can run here. `config` is as parsed from the emitted file; `folder` exists.

    All that is changed, and nothing else:

    - listeners (of receivers, `prometheus` exporters, extensions and own telemetry) move to the loopback address
      and a free port; `ports` gives ports for some of them;
    - variables get `127.0.0.1` as value, or what `environ` says; nothing else of our environment is passed on;
    - paths of the host (`root_path`, certificates, tokens, storage folders) are looked for under `root`, which is
      `folder`/root unless given. Storage folders and tokens are made if they are missing, and an empty `/proc`;
    - `k8s_attributes` asks no API server and waits for none: `auth_type: none`;
    - exporters that `redirect` names, by id or by the `host:port` that they send to, send to the address that it
      gives: a URL for exporters that take one, else `host:port` (a load balancer resolves `host` to itself);
    - batches wait for `batch_timeout`, if it is given.
    """
    changed = copy.deepcopy(dict(config))
    place = root if root is not None else folder / "root"
    bound = dict(ports or {})
    missing = sorted({port for _, port in listening(changed)} - set(bound))
    bound |= dict(zip(missing, free_ports(len(missing)), strict=True))
    _rebind(changed, bound)
    _move_paths(changed, place)
    for _, settings in _components(changed, "processors", "k8s_attributes", "k8sattributes"):
        settings |= {"auth_type": "none", "wait_for_metadata": False}
    for _, settings in _components(changed, "processors", "batch") if batch_timeout else ():
        settings["timeout"] = batch_timeout
    _redirect(changed, redirect or {})
    # The node's name is read by the processor itself; no API server answers at that address.
    stubs = dict.fromkeys([*_VARIABLE.findall(json.dumps(changed)), "K8S_NODE_NAME"], LOOPBACK)
    stubs |= {"KUBERNETES_SERVICE_HOST": LOOPBACK, "KUBERNETES_SERVICE_PORT": "1"}
    return Local(document=changed, folder=folder, ports=bound, environ=stubs | dict(environ or {}))


def free_ports(number: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now, drawn by lot.

    They lie below those that the system gives to outgoing connections and to who asks for any port: one of these may
    be gone a moment later. Nor do two that ask here get the same, in this process or another: a datagram socket on
    the port's number says that it is given.
    """
    found: list[int] = []
    while len(found) < number:
        port = _LOWEST + secrets.randbelow(_PORTS)
        given = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            given.bind((LOOPBACK, port))
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            given.close()
        else:
            found.append(port)
            if len(_GIVEN) >= _MOST:
                os.close(_GIVEN.popleft())
            # As a number: it stays open to the end of the process, which closes it.
            _GIVEN.append(given.detach())
    return found


def _components(config: Config, section: str, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and settings of the components of some types."""
    for name, settings in (config.get(section) or {}).items():
        if name.partition("/")[0] in types and settings:
            yield name, settings


def _rebind(config: Config, ports: Mapping[int, int]) -> None:
    listeners: list[object] = [config.get("receivers"), config.get("extensions")]
    listeners += [settings for _, settings in _components(config, "exporters", "prometheus")]
    for server in (mapping for part in listeners for mapping in _mappings(part)):
        match = _HERE.fullmatch(str(server.get("endpoint", "")))
        if match:
            server["endpoint"] = f"{LOOPBACK}:{ports[int(match[1])]}"
    for reader in config.get("service", {}).get("telemetry", {}).get("metrics", {}).get("readers", []):
        own = reader.get("pull", {}).get("exporter", {}).get("prometheus")
        if own:
            own |= {"host": LOOPBACK, "port": ports[int(own["port"])]}


def _mappings(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping in plain data, outermost first."""
    if isinstance(value, dict):
        yield value
    inner: Iterable[object] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from _mappings(item)


def _move_paths(config: dict[str, Any], root: Path) -> None:
    for mapping in _mappings(config):
        for key, value in mapping.items():
            if not isinstance(value, str) or not value.startswith("/"):
                continue
            if key == "root_path":
                (root / "proc").mkdir(parents=True, exist_ok=True)
                mapping[key] = str(root)
            elif key in _FILES:
                mapping[key] = str(_stub(root / value.lstrip("/"), key))


def _stub(path: Path, key: str) -> Path:
    if key == "directory":
        path.mkdir(parents=True, exist_ok=True)
    elif key in _SECRETS and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stub", encoding="utf-8")
    return path


def _redirect(config: Config, redirect: Mapping[str, str]) -> None:
    for name, settings in (config.get("exporters") or {}).items():
        resolver = ((settings or {}).get("resolver") or {}).get("dns")
        if resolver is not None:
            to = redirect.get(name) or redirect.get(f"{resolver['hostname']}:{resolver.get('port', 4317)}")
            if to:
                resolver["hostname"], _, resolver["port"] = to.rpartition(":")
        elif settings and "endpoint" in settings:
            endpoint = str(settings["endpoint"])
            to = redirect.get(name) or redirect.get(re.sub(r"^https?://([^/]+).*", r"\1", endpoint))
            settings["endpoint"] = to or endpoint
