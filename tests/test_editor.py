"""What an editor makes of schemas/: the language server behind YAML in most editors, over its own protocol.

`scripts/get-yaml-language-server` installs it; `make proof` runs these tests.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof

ROOT = Path(__file__).parent.parent
POLICIES = sorted(
    path.relative_to(ROOT)
    for pattern in ("phoenix.yaml", "environments/*.yaml", "policies/**/*.yaml", "tests/cases/good/*/policies/*.yaml")
    for path in ROOT.glob(pattern)
)
SETTINGS = {
    "schemas": {(ROOT / "schemas" / "policy.schema.json").as_uri(): ["*.yaml"]},
    "schemaStore": {"enable": False},
    "validate": True,
    "hover": True,
    "completion": True,
}
ERROR = 1


class Server:
    """A language server and the messages it sends."""

    def __init__(self, program: str) -> None:
        self.child = subprocess.Popen(
            ["node", program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.received: queue.Queue[dict] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.number = 0
        self.request("initialize", {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": {}})
        self.send({"method": "initialized", "params": {}})

    def _read(self):
        while True:
            length = 0
            while line := self.child.stdout.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                return
            self.received.put(json.loads(self.child.stdout.read(length)))

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.child.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.child.stdin.flush()

    def wait(self, wanted):
        """The first message that is `wanted`; what the server asks meanwhile is answered."""
        while True:
            message = self.received.get(timeout=60)
            if "method" in message and "id" in message:
                items = message.get("params", {}).get("items", [])
                answers = [SETTINGS if item.get("section") == "yaml" else {} for item in items]
                self.send({"id": message["id"], "result": answers or None})
            elif wanted(message):
                return message

    def request(self, method, params):
        self.number += 1
        number = self.number
        self.send({"id": number, "method": method, "params": params})
        return self.wait(lambda message: message.get("id") == number)["result"]

    def open(self, text):
        """A document of this text, as an editor would open it."""
        self.number += 1
        uri = (ROOT / "policies" / f"open-{self.number}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def diagnostics(self, text):
        """(line, column, message) of each error, from 1."""
        uri = self.open(text)
        message = self.wait(
            lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
        )
        return sorted(
            (d["range"]["start"]["line"] + 1, d["range"]["start"]["character"] + 1, d["message"])
            for d in message["params"]["diagnostics"]
            if d["severity"] == ERROR
        )

    def ask(self, what, text):
        """The answer at the place that `|` marks in the text."""
        before, after = text.split("|")
        place = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return self.request(
            f"textDocument/{what}", {"textDocument": {"uri": self.open(before + after)}, "position": place}
        )

    def offers(self, text):
        """What is offered at the mark, with its documentation."""
        return {item["label"]: item.get("documentation", "") for item in self.ask("completion", text)["items"]}

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.reader.join()
        self.child.stdin.close()
        self.child.stdout.close()


@pytest.fixture(scope="module")
def server():
    assert shutil.which("node"), "install Node.js 18 or newer"
    program = os.environ.get("PHOENIX_YAML_LANGUAGE_SERVER")
    if not program:
        get = ROOT / "scripts" / "get-yaml-language-server"
        program = subprocess.run([get], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    made = Server(program)
    yield made
    made.stop()


def tenant(change=("", "")):
    """A real policy file with a change."""
    text = (ROOT / "tests/cases/good/small/policies/shop.yaml").read_text()
    assert change[0] in text
    return text.replace(*change) if change[0] else text


def test_no_real_policy_has_an_error(server):
    assert len(POLICIES) > 50
    found = {str(path): server.diagnostics((ROOT / path).read_text()) for path in POLICIES}
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("  class:", "  clas:"), (5, 3, "Property clas is not allowed.")),
        (("identity: {namespaces: [shop]}", "identity: {namespaces: shop}"), (6, 26, "Incorrect type")),
        (("kind: Tenant", "kind: Tennant"), (2, 7, "Value is not accepted. Valid values")),
        (("owner: team-shop", "owner: [team-shop]"), (3, 31, "Incorrect type")),
        (("metadata:", "# metadata:"), (1, 1, 'Missing property "metadata"')),
    ],
    ids=["unknown field", "wrong type", "unknown kind", "wrong type in metadata", "missing field"],
)
def test_faults_are_underlined(server, change, fault):
    line, column, message = fault
    found = server.diagnostics(tenant(change))
    assert [(at, col) for at, col, _ in found] == [(line, column)], found
    assert found[0][2].startswith(message)


def test_a_number_out_of_bounds_is_underlined(server):
    (fault,) = server.diagnostics(tenant() + "  quotas: {activeSeries: 0}\n")
    assert fault[:2] == (8, 26)
    assert "below the minimum of 1" in fault[2]


def test_fields_are_offered_with_what_they_mean(server):
    offered = server.offers(tenant() + "  |\n")
    assert offered["costCenter"] == "Who pays."
    assert offered["quotas"].startswith("Quotas that differ from its class")
    assert "class" not in offered, "a field that is there is not offered again"
    assert "clusters" not in offered, "a field of another kind"


def test_fields_of_an_item_are_offered(server):
    text = (ROOT / "tests/cases/good/small/environments/main.yaml").read_text()
    assert server.offers(text + "      |\n").keys() >= {"region", "zones", "capacity"}


def test_the_envelope_is_offered(server):
    assert "apiVersion" in server.offers("|\n")
    assert server.offers("apiVersion: policy.phoenix.io/v1alpha1\nkind: Tenant\n|\n").keys() >= {"metadata", "spec"}


def test_values_are_offered(server):
    kinds = server.offers("apiVersion: policy.phoenix.io/v1alpha1\nkind: |\n")
    assert {"Tenant", "Environment", "SLO"} <= kinds.keys()
    assert {"active", "readOnly", "retired"} <= server.offers(tenant() + "  state: |\n").keys()
    assert "policy.phoenix.io/v1alpha1" in server.offers("apiVersion: |\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (tenant(("  class:", "  cl|ass:")), "Its TenantClass."),
        (tenant(("namespaces:", "name|spaces:")), "A namespace belongs to one tenant."),
        (tenant(("kind:", "ki|nd:")), "What the policy says."),
        (tenant() + "  quotas: {active|Series: 5}\n", "200000"),
    ],
    ids=["field", "nested field", "kind", "example"],
)
def test_hovering_explains_a_field(server, text, said):
    assert said in json.dumps(server.ask("hover", text)["contents"])
