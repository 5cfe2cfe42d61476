"""The tables of what other servers emit, before those servers: names, types and labels as they show them."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from phoenix_gitops.catalogue import Metric, series
from phoenix_gitops.catalogue.builtin import table
from tests.proof.cluster.process import started, wait_until
from tests.proof.judge import Judge, free_ports, tool

pytestmark = pytest.mark.proof

SERVERS = ("victoria-metrics", "vmagent", "vmalert", "prometheus")
ADDED = {"le", "quantile", "vmrange"}
RUNTIME = re.compile(r"go_|process_pressure_|vm_promscrape_discovery_|net_conntrack_dialer_|promhttp_")
"""What depends on the machine, the Go release or the jobs of the config; of these one side may have more."""
Shown = dict[str, tuple[str, set[str]]]


def get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return ""


def shown(text: str) -> Shown:
    """Type and labels of each series of a scrape; a family without samples has no series."""
    types = dict(re.findall(r"(?m)^# TYPE (\S+) (\w+)", text))
    labels: dict[str, set[str]] = defaultdict(set)
    for name, inside in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? \S+", text):
        labels[name] |= set(re.findall(r'(\w+)="', inside))
    return {name: (types.get(name, ""), found) for name, found in labels.items()}


@contextmanager
def servers(folder: Path) -> Iterator[Mapping[str, str]]:
    """The four servers at work, and what each says of itself: one stores, one scrapes it, two evaluate rules."""
    ports = dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    target = f"127.0.0.1:{ports['victoria-metrics']}"
    store = urls["victoria-metrics"]
    jobs = f"scrape_configs: [{{job_name: a, scrape_interval: 1s, static_configs: [{{targets: ['{target}']}}]}}]\n"
    (folder / "scrape.yml").write_text(jobs)
    rules = "[{record: a, expr: up}, {alert: B, expr: vector(1)}]"
    (folder / "rules.yml").write_text(f"groups: [{{name: g, interval: 1s, rules: {rules}}}]\n")
    head = f"global: {{evaluation_interval: 1s}}\nrule_files: [{folder}/rules.yml]\n"
    (folder / "prometheus.yml").write_text(f"{head}remote_write: [{{url: '{store}/api/v1/write'}}]\n{jobs}")
    own = ["-metrics.exposeMetadata", "-loggerLevel=ERROR"]
    commands: dict[str, list[object]] = {
        "victoria-metrics": [f"-storageDataPath={folder}/vm", f"-httpListenAddr={target}", *own],
        "vmagent": [
            *(f"-promscrape.config={folder}/scrape.yml", f"-remoteWrite.url={store}/api/v1/write", *own),
            *(f"-remoteWrite.tmpDataPath={folder}/agent", f"-httpListenAddr=127.0.0.1:{ports['vmagent']}"),
        ],
        "vmalert": [
            *(f"-rule={folder}/rules.yml", f"-datasource.url={store}", f"-remoteWrite.url={store}", *own),
            *("-notifier.url=http://127.0.0.1:9", f"-httpListenAddr=127.0.0.1:{ports['vmalert']}"),
        ],
        "prometheus": [
            *(f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"),
            *(f"--web.listen-address=127.0.0.1:{ports['prometheus']}", "--web.enable-remote-write-receiver"),
        ],
    }
    with ExitStack() as running:
        for name in SERVERS:
            command = [str(tool(name)), *map(str, commands[name])]
            process = running.enter_context(started(name, command, folder / f"{name}.log"))
            wait_until(f"{name} answers", lambda url=urls[name]: get(f"{url}/metrics") != "", [process], 20)
        yield urls


def settled(urls: Mapping[str, str]) -> dict[str, Shown]:
    """What the servers show once all of them have evaluated, scraped and written."""
    worked = {
        "victoria-metrics": r'(?m)^vm_rows_inserted_total\{type="promremotewrite"\} [1-9]',
        "vmagent": r"(?m)^vmagent_remotewrite_requests_total\{.*\} [1-9]",
        "vmalert": r"(?m)^vmalert_remotewrite_sent_rows_sum [1-9]",
        "prometheus": r"(?m)^prometheus_remote_storage_samples_total\{.*\} [1-9]",
    }
    texts: dict[str, str] = {}

    def done() -> bool:
        for name, url in urls.items():
            get(f"{url}/api/v1/query?query=up")
            texts[name] = get(f"{url}/metrics")
        return all(re.search(pattern, texts[name]) for name, pattern in worked.items())

    wait_until("all at work", done, seconds=30)
    return {name: shown(text) for name, text in texts.items()}


def faults(known: Mapping[str, Metric], found: Shown) -> list[str]:
    """What a server shows and a table does not know, or knows otherwise."""
    said = []
    for name, (type_, labels) in sorted(found.items()):
        if RUNTIME.match(name):
            continue
        metric = known.get(name)
        if metric is None:
            said.append(f"{name} is not in the table")
            continue
        if not labels <= metric.known_labels | ADDED:
            said.append(f"{name} has {sorted(labels - metric.known_labels - ADDED)}")
        # VictoriaMetrics derives the type that it declares from the name's ending; `_total` is a counter everywhere.
        if type_ in {"counter", "gauge"} and metric.type not in {type_, "unknown"} and not name.endswith("_total"):
            said.append(f"{name} is a {type_}, not a {metric.type}")
    return said


def without(found: Mapping[str, Metric], name: str) -> dict[str, Metric]:
    return {key: metric for key, metric in found.items() if key != name}


def test_servers_show_what_the_tables_say(tmp_path: Path, judge: Judge) -> None:
    with servers(tmp_path) as urls:
        found = settled(urls)
    for name in SERVERS:
        known = {metric.name: metric for metric in table(name)}
        assert faults(known, found[name]) == [], name
        judge.took(name, len(found[name].keys() & known.keys()), "metrics of itself")
        missing = min(n for n in found[name].keys() & known.keys() if not RUNTIME.match(n))
        assert faults(without(known, missing), found[name]) == [f"{missing} is not in the table"]
        judge.refused(name, 1, "tables that lack a metric")
        assert absent(name, known, found[name]) == set()


def absent(server: str, known: Mapping[str, Metric], found: Shown) -> set[str]:
    """What a table has and its server does not show, unless its name stands in the program: some is shown at times."""
    program = Path(tool(server)).read_bytes()
    rare = {name for name in known if name not in found and not RUNTIME.match(name)}
    return {name for name in rare if _PART.sub("", name).encode() not in program}


_PART = re.compile(r"_(bucket|sum|count)$")


def test_a_name_that_no_program_has_is_noticed() -> None:
    (metric, *_) = table("vmalert")
    assert absent("vmalert", {"vmalert_no_such_thing_total": metric}, {}) == {"vmalert_no_such_thing_total"}


def test_parts_of_histograms_are_series() -> None:
    (one,) = [m for m in table("prometheus") if m.name == "prometheus_http_request_duration_seconds_bucket"]
    assert (one.type, one.observed, "le" in one.known_labels) == ("counter", "seconds", True)
    assert [m.name for m in series(one)] == [one.name]
