"""What workloads send: known numbers in OTLP, from the address of a pod, and marked as somebody else's."""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.proof.world.places import Object

OTLP_HTTP = 4318
_SECONDS = 5
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Process:
    """A process that a workload measures, with its memory in bytes."""

    executable: str
    pid: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A pod that sends. `claims` is the tenant that it says it is."""

    name: str
    address: str
    claims: str
    routes: int = 1
    """Series of its one business metric, `shop.orders`."""
    processes: tuple[Process, ...] = ()
    blunt: bool = False
    """Says who it is once, where we would say it, and in no other spelling."""

    def wave(self, number: int, nanoseconds: int) -> Object:
        """One export, all of it of one moment."""
        stamp = {"timeUnixNano": str(nanoseconds)}
        orders = [
            {**stamp, "asDouble": order(number, i), "attributes": _pairs({"route": f"r{i}", **self._on_points()})}
            for i in range(self.routes)
        ]
        own = {"service.name": self.name, "service.instance.id": "0", **self._on_resources()}
        gauge = {"name": "shop.orders", "gauge": {"dataPoints": orders}}
        resources = [_resource(own, gauge)]
        for process in self.processes:
            about = {"process.executable.name": process.executable, "process.pid": str(process.pid)}
            point = {**stamp, "asInt": str(process.memory)}
            usage = {"aggregationTemporality": 2, "isMonotonic": False, "dataPoints": [point]}
            used = {"name": "process.memory.usage", "unit": "By", "sum": usage}
            resources.append(_resource({**about, **self._on_resources()}, used))
        return {"resourceMetrics": resources}

    def _on_resources(self) -> dict[str, str]:
        more = {} if self.blunt else {"tenant-id": self.claims, "phoenix.priority": "critical"}
        return {"tenant.id": self.claims, **more}

    def _on_points(self) -> dict[str, str]:
        return {} if self.blunt else {"tenant_id": self.claims, "tenant.id": self.claims}


def order(wave: int, route: int) -> float:
    """The value of a route's orders in a wave."""
    return 1000.0 * wave + route


def send(workload: Workload, to: str, wave: int, nanoseconds: int) -> None:
    """Send a wave from the workload's own address, with the headers of somebody who wants to be another tenant."""
    headers = {"X-Scope-OrgID": workload.claims, "tenant.id": workload.claims}
    post(workload, to, workload.wave(wave, nanoseconds), headers)


def send_one(workload: Workload, to: str, metric: Object) -> None:
    """Send one metric, as OTLP has it, in a resource that says nothing."""
    post(workload, to, {"resourceMetrics": [_resource({}, metric)]}, {})


def post(workload: Workload, to: str, body: Object, headers: Mapping[str, str]) -> None:
    """An export, which must be taken whole."""
    sent = {"Content-Type": "application/json", **headers}
    connection = http.client.HTTPConnection(to, OTLP_HTTP, timeout=_SECONDS, source_address=(workload.address, 0))
    try:
        connection.request("POST", "/v1/metrics", json.dumps(body), sent)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    assert (answer.status, json.loads(said)) == (200, {"partialSuccess": {}}), (workload.name, answer.status, said)


def _resource(attributes: Mapping[str, str], metric: Object) -> Object:
    return {"resource": {"attributes": _pairs(attributes)}, "scopeMetrics": [{"metrics": [metric]}]}


def _pairs(attributes: Mapping[str, str]) -> list[Object]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


@contextmanager
def exposing(address: str, port: int, text: str) -> Iterator[None]:
    """A pod that shows metrics to whoever scrapes it."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            self.send_response(http.HTTPStatus.OK)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = http.server.ThreadingHTTPServer((address, port), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def passage(entry: str, port: int, source: str, to: str) -> Iterator[None]:
    """Connections to `entry` go on to `to` from the address `source`: a program's, which cannot choose its own."""
    listener = socket.create_server((entry, port))
    listener.settimeout(0.1)
    done = threading.Event()
    threads: list[threading.Thread] = []

    def serve() -> None:
        while not done.is_set():
            try:
                inner, _ = listener.accept()
            except TimeoutError:
                continue
            try:
                outer = socket.create_connection((to, port), timeout=_SECONDS, source_address=(source, 0))
            except OSError:
                inner.close()
            else:
                threads.extend(_copying(inner, outer, done))

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield
    finally:
        done.set()
        serving.join()
        for thread in threads:
            thread.join()
        listener.close()


def _copying(one: socket.socket, other: socket.socket, done: threading.Event) -> list[threading.Thread]:
    """Copy both ways until either end closes or all is done."""

    def copy(source: socket.socket, sink: socket.socket) -> None:
        source.settimeout(0.1)
        with source, sink:
            while not done.is_set():
                try:
                    data = source.recv(_CHUNK)
                    if not data:
                        break
                    sink.sendall(data)
                except TimeoutError:
                    continue
                except OSError:
                    break

    threads = [threading.Thread(target=copy, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    return threads


def now() -> int:
    """Nanoseconds since 1970, of a whole millisecond: what a store keeps."""
    return time.time_ns() // 1_000_000 * 1_000_000
