"""`phoenix status --argocd`: published trees against what Argo CD says of them, from files and from a server."""

from __future__ import annotations

import copy
import http.server
import json
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest
import yaml

from phoenix_gitops import argocd
from tests.e2e.conftest import TENANT
from tests.e2e.test_publish import bare, set_mode

HTML = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.fixture
def published(checkout, tmp_path):
    """A repository with one published environment, `main`: three components and the root."""
    checkout.git("remote", "add", "origin", str(bare(tmp_path / "origin.git")))
    set_mode(checkout, "mode: branch")
    checkout.phoenix("publish")
    return checkout


def live(checkout, ref="refs/phoenix/fetched/env/main"):
    """The published Applications as Argo CD has them once all went well."""
    checkout.git("fetch", "--quiet", "origin", "+refs/heads/env/*:refs/test/*")
    paths = checkout.git("ls-tree", "-r", "--name-only", "refs/test/main").splitlines()
    tip = checkout.git("rev-parse", "refs/test/main")
    found = []
    for path in paths:
        if "/gitops/argocd/application-" not in path:
            continue
        body = yaml.safe_load(checkout.git("show", f"refs/test/main:{path}"))
        folder = body["spec"]["source"]["path"]
        body["status"] = {
            "sync": {"status": "Synced", "revision": tip},
            "health": {"status": "Healthy"},
            "resources": [
                _resource(yaml.safe_load(checkout.git("show", f"refs/test/main:{one}")))
                for one in paths
                if one.startswith(f"{folder}/") and one.endswith(".yaml")
            ],
        }
        found.append(body)
    return found


def _resource(body):
    group, slash, version = body["apiVersion"].rpartition("/")
    keys = {"group": group if slash else None, "version": version, "kind": body["kind"]}
    keys |= {"name": body["metadata"]["name"], "namespace": body["metadata"].get("namespace"), "status": "Synced"}
    return {key: value for key, value in keys.items() if value}


def written(tmp_path, items, kind="List"):
    file = tmp_path / "live.json"
    file.write_text(json.dumps({"kind": kind, "apiVersion": "v1", "items": items} if kind else items))
    return str(file)


def rows(said):
    return [(r["application"], r["state"]) for r in json.loads(said.out)["argocd"]]


def test_all_is_well_and_said_by_cluster(published, tmp_path):
    items = live(published)
    said = published.phoenix("status", "--argocd", written(tmp_path, items))
    assert said.code == 0, said.err
    table = [line.split() for line in said.out.splitlines()]
    assert table[3] == ["environment", "cluster", "applications", "synced", "healthy", "held", "behind", "state"]
    assert table[4:] == [
        ["main", "main", "3", "3", "3", "0", "0", "as", "published"],
        ["main", "management", "1", "1", "1", "0", "0", "as", "published"],
    ]
    each = published.phoenix("status", "--argocd", written(tmp_path, items), "-v").out.splitlines()
    tip = published.git("rev-parse", "--short=12", "refs/test/main")
    assert each[-4:] == [
        f"  {name} at {tip}: as published"
        for name in ("main-main-ingest", "main-main-rules", "main-main-tenancy", "main-root")
    ]


@pytest.mark.parametrize("form", ["kubectl", "argocd", "api", "one"])
def test_each_form_that_argo_cd_writes_is_read(published, tmp_path, form):
    items = live(published)
    if form == "api":
        # Items of the API's list bear no kind, and it says nothing of itself but `metadata`.
        bare_items = [{k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in items]
        (tmp_path / "live.json").write_text(json.dumps({"metadata": {"resourceVersion": "7"}, "items": bare_items}))
    elif form == "one":
        (tmp_path / "live.json").write_text(json.dumps(next(i for i in items if i["metadata"]["name"] == "main-root")))
    else:
        written(tmp_path, items, "List" if form == "kubectl" else "")
    said = published.phoenix("status", "--argocd", str(tmp_path / "live.json"), "--format", "json")
    states = dict(rows(said))
    assert states["main-root"] == "as published"
    assert (said.code, len(set(states.values()))) == ((1, 2) if form == "one" else (0, 1))


def test_what_is_wrong_stands_first(published, tmp_path):
    items = {one["metadata"]["name"]: one for one in live(published)}
    ingest, rules, tenancy, root = (items[f"main-{n}"] for n in ("main-ingest", "main-rules", "main-tenancy", "root"))
    ingest["status"]["health"] = {"status": "Degraded", "message": "Deployment is  stuck\n\x1b[2J"}
    rules["status"]["sync"]["status"] = "OutOfSync"
    rules["status"]["operationState"] = {"phase": "Failed", "message": "one or more objects failed to apply"}
    tenancy["metadata"]["annotations"]["policy.phoenix.io/hold"] = "until 2026-12-01: INC-7"
    tenancy["status"]["sync"]["status"] = "OutOfSync"
    extra = copy.deepcopy(root)
    extra["metadata"]["name"] = "main-old-rules"
    gone = copy.deepcopy(extra)
    gone["metadata"] |= {
        "name": "gone-root",
        "labels": {**root["metadata"]["labels"], "policy.phoenix.io/environment": "gone"},
    }
    foreign = {"metadata": {"name": "guestbook", "namespace": "argocd"}, "status": {"sync": {"status": "OutOfSync"}}}
    file = written(tmp_path, [ingest, rules, tenancy, extra, gone, foreign])
    said = published.phoenix("status", "--argocd", file, "--format", "json")
    assert said.code == 1
    assert rows(said) == [
        ("main-root", "in the tree, not in Argo CD"),
        ("main-main-rules", "out of sync, not held"),
        ("main-main-ingest", "health is degraded"),
        ("main-main-tenancy", "held, and not as published; the end of its hold is not"),
        ("gone-root", "in Argo CD, not in the tree"),
        ("main-old-rules", "in Argo CD, not in the tree"),
    ]
    found = {row["application"]: row for row in json.loads(said.out)["argocd"]}
    assert found["main-main-rules"]["message"] == "one or more objects failed to apply"
    assert found["main-main-tenancy"]["hold"] == "until 2026-12-01: INC-7"
    people = published.phoenix("status", "--argocd", file)
    assert people.code == 1
    assert "! main-main-ingest" in people.out
    assert "    Deployment is stuck" in people.out
    assert "\x1b" not in people.out, "a cluster's words do nothing to a terminal"
    assert "    hold until 2026-12-01: INC-7" in people.out
    assert (
        people.out.index("main-root") < people.out.index("! main-main-rules") < people.out.index("! main-main-ingest")
    )
    assert "guestbook" not in people.out


def test_how_far_behind_is_counted_in_the_applications_own_folder(published, tmp_path):
    items = live(published)
    published.replace(TENANT, 'cpu: "4"', 'cpu: "6"')
    published.commit("six")
    published.phoenix("publish")
    said = published.phoenix("status", "--argocd", written(tmp_path, items), "--format", "json")
    assert said.code == 0, "Argo CD has not looked yet: nothing is wrong"
    found = {row["application"]: (row["behind"], row["state"]) for row in json.loads(said.out)["argocd"]}
    assert found["main-main-tenancy"] == (1, "1 commit behind")
    assert found["main-main-rules"] == (0, "as published")
    items[0]["status"]["sync"]["revision"] = "f" * 40
    items[1]["status"]["sync"]["revision"] = "--all"
    unknown = published.phoenix("status", "--argocd", written(tmp_path, items), "--format", "json")
    found = {row["application"]: row["behind"] for row in json.loads(unknown.out)["argocd"]}
    assert [found[one["metadata"]["name"]] for one in items[:2]] == [None, None]


def test_a_hold_that_is_on_its_way(published, tmp_path):
    items = live(published)
    hold = "  holds: [{target: main/rules, reason: INC-9, until: 2026-12-01}]\n"
    published.replace("environments/main.yaml", "spec:\n", f"spec:\n{hold}")
    published.commit("hold")
    published.phoenix("publish")
    said = published.phoenix("status", "--argocd", written(tmp_path, items), "--format", "json")
    assert dict(rows(said))["main-main-rules"] == "its hold is not applied yet"


def test_a_tenant_sees_its_own_objects(published, tmp_path):
    items = live(published)
    other = next(one for one in items if one["metadata"]["name"] == "main-main-ingest")
    other["status"]["sync"]["status"] = "OutOfSync"
    tenancy = next(one for one in items if one["metadata"]["name"] == "main-main-tenancy")
    said = published.phoenix("status", "example", "--argocd", written(tmp_path, items), "--format", "json")
    # What of `ingest` is out of sync is not the tenant's, and `rules` brings nothing of it.
    mine = dict.fromkeys(("main-main-ingest", "main-main-tenancy"), "as published")
    assert (said.code, dict(rows(said))) == (0, mine)
    quota = next(
        r for r in tenancy["status"]["resources"] if r["kind"] == "ResourceQuota" and r["namespace"] == "example"
    )
    quota |= {"status": "OutOfSync", "health": {"status": "Degraded", "message": "full"}}
    said = published.phoenix("status", "example", "--argocd", written(tmp_path, items), "--format", "json")
    (row,) = (r for r in json.loads(said.out)["argocd"] if r["application"] == "main-main-tenancy")
    assert (said.code, row["state"]) == (1, "out of sync, not held; health is degraded")
    assert row["message"] == f"ResourceQuota {quota['name']}"
    tenancy["status"]["resources"].remove(quota)
    said = published.phoenix("status", "example", "--argocd", written(tmp_path, items), "--format", "json")
    (row,) = (r for r in json.loads(said.out)["argocd"] if r["application"] == "main-main-tenancy")
    assert row["message"] == f"ResourceQuota {quota['name']} is not known to Argo CD"


def test_with_the_tree_beside_the_policies(checkout, tmp_path):
    checkout.phoenix("compile")
    head = checkout.commit("compiled")
    top = checkout.root / "generated/main/management/gitops/argocd"
    items = [yaml.safe_load(file.read_text()) for file in sorted(top.glob("application-*.yaml"))]
    for item in items:
        item["status"] = {"sync": {"status": "Synced", "revision": head}, "health": {"status": "Healthy"}}
    said = checkout.phoenix("status", "--argocd", written(tmp_path, items), "--format", "json")
    assert (said.code, {state for _, state in rows(said)}) == (0, {"as published"})
    assert json.loads(said.out)["status"][0]["state"] == "committed beside its policies"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HTML, "gives a page of HTML, perhaps of a login"),
        (b"Name: x", "gives no JSON"),
        (
            b'{"error":"no session","code":16,"message":"no session information"}',
            "gives an error: no session information",
        ),
        (b'{"kind":"Status","message":"applications is forbidden"}', "gives an error: applications is forbidden"),
        (
            b'{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"x"}}]}',
            "holds something else than Applications, at item 1",
        ),
        (b'{"kind":"List","items":[{"kind":"Application"}]}', "holds something else than Applications, at item 1"),
        (b'"x"', "holds no list of Applications"),
        (b"{}", "holds no list of Applications"),
        (b"[" * 100_000, "gives no JSON"),
    ],
)
def test_a_file_that_holds_something_else(published, tmp_path, content, message):
    file = tmp_path / "live.json"
    file.write_bytes(content)
    said = published.phoenix("status", "--argocd", str(file))
    assert (said.code, said.out) == (2, "")
    assert f"error[PHX922]: `{file}` {message}\n" in said.err


def test_no_applications_at_all(published, tmp_path):
    file = tmp_path / "live.json"
    file.write_text('{"metadata":{},"items":null}')
    said = published.phoenix("status", "--argocd", str(file))
    assert said.code == 1
    assert said.out.count("in the tree, not in Argo CD") == 6
    absent = published.phoenix("status", "--argocd", str(tmp_path / "none.json"))
    assert f"error[PHX921]: cannot read `{tmp_path / 'none.json'}`: No such file or directory\n" in absent.err


@contextmanager
def serving(answer, certificate=None):
    """A server on this machine; `answer(handler)` answers each request. Gives its address and what it was asked.

    With a certificate (a file with its key) it speaks TLS.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            answer(self)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def giving(status, content, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def test_the_api_is_asked_with_the_token(published, monkeypatch):
    items = [{k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in live(published)]
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "s3cret")
    with serving(giving(200, json.dumps({"items": items}).encode())) as (url, asked):
        said = published.phoenix("status", "--argocd", url, "--format", "json")
        below = published.phoenix("status", "--argocd", f"{url}/argo/api/v1/applications?x=1", "--format", "json")
    assert (said.code, below.code) == (0, 0), said.err
    assert asked == [("/api/v1/applications", "Bearer s3cret"), ("/argo/api/v1/applications", "Bearer s3cret")]
    assert "s3cret" not in said.out + said.err
    assert {state for _, state in rows(said)} == {"as published"}


@pytest.mark.parametrize(
    ("status", "content", "headers", "token", "code", "message", "hint"),
    [
        (
            401,
            b'{"message":"invalid session"}',
            {},
            "",
            "PHX921",
            "answers with status 401",
            "ARGOCD_AUTH_TOKEN holds no token",
        ),
        (403, b"{}", {}, "t", "PHX921", "answers with status 403", "the token in ARGOCD_AUTH_TOKEN is not enough"),
        (500, HTML, {}, "", "PHX921", "answers with status 500", "kubectl get applications"),
        (302, b"", {"Location": "http://example.com/login"}, "t", "PHX921", "answers with status 302", "login page"),
        (200, HTML, {}, "", "PHX922", "gives a page of HTML, perhaps of a login", "kubectl get applications"),
        (200, b'{"items": [', {}, "", "PHX922", "gives no JSON", "kubectl get applications"),
        (200, b'{"ite', {"Content-Length": "100"}, "", "PHX922", "gives no JSON", "kubectl get applications"),
    ],
)
def test_answers_that_are_none(published, monkeypatch, status, content, headers, token, code, message, hint):
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", token)
    with serving(giving(status, content, **headers)) as (url, asked):
        said = published.phoenix("status", "--argocd", url)
    assert (said.code, said.out, len(asked)) == (2, "", 1)
    (line,) = (line for line in said.err.splitlines() if line.startswith("error["))
    assert line.startswith(f"error[{code}]: ")
    assert message in line
    assert hint in said.err
    assert ("it said: invalid session" in said.err) == (status == 401)


def test_a_certificate_that_nobody_vouches_for_is_refused(published, tmp_path, monkeypatch):
    """And one that SSL_CERT_FILE names is trusted; the token goes to the latter alone."""
    file = tmp_path / "server.pem"
    name = ["-subj", "/CN=argocd", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name]
    subprocess.run([*new, "-keyout", str(file), "-out", str(file)], check=True, capture_output=True)
    text = file.read_text()
    (tmp_path / "trusted.pem").write_text(text[text.index("-----BEGIN CERT") :])
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "s3cret")
    with serving(giving(200, json.dumps({"items": live(published)}).encode()), certificate=file) as (url, asked):
        refused = published.phoenix("status", "--argocd", url)
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        trusted = published.phoenix("status", "--argocd", url)
    assert refused.code == 2
    assert f"error[PHX921]: cannot ask Argo CD at `{url}`: self-signed certificate\n" in refused.err.replace(
        "self signed", "self-signed"
    )
    assert (trusted.code, asked) == (0, [("/api/v1/applications", "Bearer s3cret")]), trusted.err


def test_flux_is_not_asked_for_at_argo_cd(published):
    published.replace("phoenix.yaml", "spec:\n", "spec:\n  reconciler: flux\n")
    said = published.phoenix("status", "--argocd", "x.json")
    assert (said.code, "the platform's reconciler is Flux: Argo CD knows nothing" in said.err) == (2, True), said.err


@pytest.mark.parametrize("slow", [False, True])
def test_a_server_that_hangs_is_not_waited_for(slow):
    """Neither one that says nothing, nor one that says a little again and again."""
    over = threading.Event()

    def answer(handler):
        if slow:
            handler.send_response(200)
            handler.end_headers()
        while not over.wait(0.02):
            if slow:
                handler.wfile.write(b" ")

    with serving(answer) as (url, _):
        outcome = argocd.applications(url, seconds=0.3)
        over.set()
    (found,) = outcome.diagnostics
    assert (found.code, found.message) == ("PHX921", f"cannot ask Argo CD at `{url}`: no whole answer within 0.3 s")


def test_addresses_that_are_not_asked():
    def said(source, token=""):
        (found,) = argocd.applications(source, token).diagnostics
        return found.code, found.message

    assert said("http://argocd.example.com", "t") == (
        "PHX921",
        "`http://argocd.example.com` is no `https` address, and the token would be readable on its way",
    )
    assert said("https://u:secret@argocd.example.com") == (
        "PHX921",
        "`https://argocd.example.com` is given with a user or a token in it",
    )
    with serving(giving(200, b"[]")) as (url, asked):
        # It speaks no TLS: nothing is sent in the clear instead.
        code, message = said(url.replace("http:", "https:"), "t")
    assert code == "PHX921"
    assert message.startswith("cannot ask Argo CD at `https://127.0.0.1")
    assert asked == []
    code, message = said(url, "t")
    assert (code, message) == ("PHX921", f"cannot ask Argo CD at `{url}`: Connection refused")
    assert said("https://[", "")[0] == "PHX921"
