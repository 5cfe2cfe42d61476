"""CRDs -> strict schemas: conversion rule by rule, sources, and every real CRD that objects of ours have."""

# ruff: noqa: E501 - a row of a table reads better on one line.
from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_gitops.crds import EMITTED, Directory, FetchResult, Source, Stream, UrlTemplate, fetch, open_source
from phoenix_gitops.diagnostics import Severity
from phoenix_gitops.verify import Schemas, check, crd_documents
from phoenix_gitops.verify.crd_schema import convert_crd
from phoenix_gitops.verify.custom import CustomSchemas
from tests.crds import crds_folder
from tests.unit.verify.samples import MINOR, Body, obj

WIDGET = ("example.com", "v1", "Widget")


def crd(spec: dict[str, Any] | None = None, **more: Any) -> Body:
    root = {"type": "object", "properties": {"metadata": {"type": "object"}, "spec": spec or {"type": "object"}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}},
                {"name": "v1alpha1", "served": False, "schema": {"openAPIV3Schema": root}},
            ],
            **more,
        },
    }


def dump(*bodies: Body) -> Stream:
    return Stream(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)}).encode())


def spec(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def widget(**fields: Any) -> Body:
    return obj("example.com/v1", "Widget", "w", "phoenix", spec=fields)


def faults(tmp_path: Path, schema: dict[str, Any], body: Body) -> list[tuple[str, tuple[Any, ...], str]]:
    result = fetch([dump(crd(schema))], tmp_path)
    assert result.diagnostics == ()
    outcome = check(body, Schemas(MINOR, tmp_path))
    assert not outcome.unchecked
    return [(fault.code, fault.at, fault.message) for fault in outcome.faults]


def messages(result: FetchResult) -> list[tuple[str, str]]:
    return [(diagnostic.code, diagnostic.message) for diagnostic in result.diagnostics]


A = ("spec", "a")
STRING = {"type": "string"}
RULES: list[tuple[str, dict[str, Any], Any, Any, tuple[str, tuple[Any, ...], str]]] = [
    # rule, schema of spec.a, accepted, refused, fault
    ("types", {"type": "integer"}, 1, "1", ("PHX705", A, "`a` is a string (`1`), not a whole number")),
    ("objects are closed", spec(b=STRING), {"b": "x"}, {"c": 1}, ("PHX703", (*A, "c"), "unknown field `c` in `a`")),
    ("empty objects too", {"type": "object"}, {}, {"c": 1}, ("PHX703", (*A, "c"), "unknown field `c` in `a`")),
    ("objects in lists", {"type": "array", "items": spec(b=STRING)}, [{"b": "x"}], [{"c": 1}],
     ("PHX703", (*A, 0, "c"), "unknown field `c` in `a[0]`")),
    ("objects in maps", {"type": "object", "additionalProperties": spec(b=STRING)}, {"k": {"b": "x"}}, {"k": {"c": 1}},
     ("PHX703", (*A, "k", "c"), "unknown field `c` in `k`")),
    ("unknown fields kept, known ones checked",
     {"type": "object", "properties": {"b": STRING}, "x-kubernetes-preserve-unknown-fields": True}, {"z": 1}, {"b": 1},
     ("PHX705", (*A, "b"), "`b` is a number (`1`), not a string")),
    ("int or string", {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}, "50%", True,
     ("PHX705", A, "`a` is a boolean (`true`), not a string or a whole number")),
    ("int or string with a pattern", {"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+%$"}, "50%", "50",
     ("PHX706", A, "`50` does not match `^[0-9]+%$`")),
    ("null where it may be", {"type": "string", "nullable": True}, None, 1, ("PHX705", A, "`a` is a number (`1`), not a string")),
    ("null where it may not", STRING, "", None, ("PHX705", A, "`a` is null, not a string")),
    ("enum", {"type": "string", "enum": ["Retain", "Delete"]}, "Retain", "retian", ("PHX706", A, "`retian` is not a value of `a`")),
    ("required", {**spec(b=STRING), "required": ["b"]}, {"b": ""}, {}, ("PHX704", (*A, "b"), "`a` lacks the field `b`")),
    ("Go's flags", {"type": "string", "pattern": "^(?i)(abort|warn)?$"}, "WARN", "stop",
     ("PHX706", A, "`stop` does not match `^(?i:(abort|warn)?$)`")),
    ("ASCII classes", {"type": "string", "pattern": r"^\d+$"}, "12", "\u0661", ("PHX706", A, "`\u0661` does not match `^[0-9]+$`")),
    ("int32", {"type": "integer", "format": "int32"}, 2147483647, 2147483648, ("PHX706", A, "`2147483648` is above 2147483647")),
    ("a closer bound than int32", {"type": "integer", "format": "int32", "maximum": 5}, 5, 6, ("PHX706", A, "`6` is above 5")),
    ("durations", {"type": "string", "format": "duration"}, "1h30m", "PT1H",
     ("PHX706", A, r"`PT1H` does not match `^[+-]?([0-9]+([.][0-9]*)? ?[A-Za-zµ]+ ?)+$|^0$`")),
    ("dates", {"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z", "yesterday", ("PHX706", A, "`yesterday` is not a `date-time`")),
    ("bytes", {"type": "string", "format": "byte"}, "YQ==", "a b", ("PHX706", A, "`a b` does not match `^[A-Za-z0-9+/]*={0,2}$`")),
    ("pattern beside format", {"type": "string", "format": "byte", "pattern": "^Y"}, "YQ==", "ZQ==", ("PHX706", A, "`ZQ==` does not match `^Y`")),
    ("sets", {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"}, ["a", "b"], ["a", "a"],
     ("PHX706", A, "`['a', 'a']` has an item twice")),
    ("maps as lists",
     {"type": "array", "items": spec(name=STRING, v=STRING), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
     [{"name": "a"}, {"name": "b"}], [{"name": "a"}, {"name": "a", "v": "1"}], ("PHX718", A, "`a` stands twice in `a`")),
    ("one of", {**spec(b=STRING, c=STRING), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]}, {"b": ""}, {}, ("PHX704", A, "`a` needs `b` or `c`")),
    ("just one of", {**spec(b=STRING, c=STRING), "oneOf": [{"required": ["b"]}, {"required": ["c"]}]}, {"b": ""}, {"b": "", "c": ""},
     ("PHX706", A, "`a` fits several of the forms that exclude each other")),
    ("not", {**spec(b=STRING, c=STRING), "not": {"required": ["b", "c"]}}, {"b": ""}, {"b": "", "c": ""},
     ("PHX706", A, "`{'b': '', 'c': ''}` has a form that is excluded")),
    ("bounds in branches", {"type": "string", "anyOf": [{"maxLength": 1}, {"pattern": "^x"}]}, "xx", "yy",
     ("PHX706", A, "`yy` is longer than 1 characters")),
    ("embedded objects", {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": spec(b=STRING)}},
     {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "spec": {"b": ""}}, {"apiVersion": "v1", "metadata": {}},
     ("PHX704", (*A, "kind"), "`a` lacks the field `kind`")),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad", "fault"), [pytest.param(*row[1:], id=row[0]) for row in RULES])
def test_conversion(tmp_path: Path, schema: dict[str, Any], good: Any, bad: Any, fault: Any) -> None:
    assert faults(tmp_path, spec(a=schema), widget(a=good)) == []
    assert fault in faults(tmp_path, spec(a=schema), widget(a=bad))


def test_the_envelope_is_strict(tmp_path: Path) -> None:
    body = widget()
    body["metadata"]["creationTimestamp"] = None
    body["metadata"]["labels"] = {"a": 1}
    body["status"] = {}
    assert faults(tmp_path, spec(), body) == [
        ("PHX703", ("metadata", "creationTimestamp"), "unknown field `creationTimestamp` in `metadata`"),
        ("PHX705", ("metadata", "labels", "a"), "`a` is a number (`1`), not a string"),
        ("PHX703", ("status",), "unknown field `status` in the object"),
    ]


def test_a_crd_may_bound_the_name(tmp_path: Path) -> None:
    definition = crd()
    root = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    root["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 0}}}
    fetch([dump(definition)], tmp_path)
    (fault,) = check(widget(), Schemas(MINOR, tmp_path)).faults
    assert (fault.at, fault.message) == (("metadata", "name"), "`w` is longer than 0 characters")


def test_versions_and_scope(tmp_path: Path) -> None:
    assert fetch([dump(crd(scope="Cluster"))], tmp_path).written == ("example.com/widget_v1.json",)
    schemas = Schemas(MINOR, tmp_path)
    assert [(f.code, f.at) for f in check(widget(), schemas).faults] == [("PHX730", ("metadata", "namespace"))]
    old = check({**widget(), "apiVersion": "example.com/v1alpha1"}, schemas)
    assert [(f.code, f.message, f.help) for f in old.faults] == [
        ("PHX702", "Widget is not served as `example.com/v1alpha1` by its CRD", "write `example.com/v1`")
    ]
    typo = check({**widget(), "kind": "Wigdet"}, schemas)
    assert [(f.code, f.message, f.help) for f in typo.faults] == [
        ("PHX701", "unknown kind `Wigdet` of `example.com/v1`", "did you mean `Widget`?")
    ]
    other = check({**widget(), "kind": "Zebra"}, schemas)
    assert [(f.code, f.message) for f in other.faults] == [("PHX701", "unknown kind `Zebra` of `example.com/v1`")]


def test_without_a_folder_a_kind_is_unchecked(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "absent"):
        assert check(widget(), Schemas(MINOR, folder)).unchecked


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{", b'{"type": 7}'])
def test_a_damaged_schema_is_no_pass(tmp_path: Path, content: bytes) -> None:
    fetch([dump(crd())], tmp_path)
    (tmp_path / "example.com/widget_v1.json").write_bytes(content)
    (fault,) = check(widget(), Schemas(MINOR, tmp_path)).faults
    assert (fault.code, fault.file) == ("PHX751", "schemas/crds/example.com/widget_v1.json")
    assert fault.message == "a schema of custom resources is damaged"


def test_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    target = tmp_path / "schemas"
    bad = [crd(group="../../x.y"), crd(names={"kind": "../W"}), crd(group="nodot")]
    result = fetch([dump(*bad)], target)
    assert result.written == ()
    assert [code for code, _ in messages(result)] == ["PHX761"] * 3
    assert list(tmp_path.rglob("*.json")) == []
    assert CustomSchemas(target).schema(("../x.y", "v1", "W")) is None


def test_second_run_changes_nothing_and_the_first_source_wins(tmp_path: Path) -> None:
    first = crd(spec(a=STRING))
    second = crd(spec(b=STRING))
    assert fetch([dump(first), dump(second)], tmp_path) == FetchResult(("example.com/widget_v1.json",), (), ())
    content = (tmp_path / "example.com/widget_v1.json").read_bytes()
    assert fetch([dump(first)], tmp_path) == FetchResult((), ("example.com/widget_v1.json",), ())
    assert (tmp_path / "example.com/widget_v1.json").read_bytes() == content
    assert fetch([dump(second)], tmp_path).written == ("example.com/widget_v1.json",)
    assert [path.name for path in (tmp_path / "example.com").iterdir()] == ["widget_v1.json"]


def test_a_pattern_that_no_engine_takes_is_noted(tmp_path: Path) -> None:
    result = fetch([dump(crd(spec(a={"type": "string", "pattern": "a(?i)b|c"})))], tmp_path)
    assert messages(result) == [("PHX762", "pattern `a(?i)b|c` of Widget `example.com/v1` is not checked")]
    assert result.written == ("example.com/widget_v1.json",)


def test_rules_in_cel_are_counted_and_their_kinds_named(tmp_path: Path) -> None:
    rule = {"rule": "self.a <= self.b", "message": "a above b"}
    ruled = spec(a={"type": "integer"}, b={"type": "array", "items": {**STRING, "x-kubernetes-validations": [rule]}})
    ruled["x-kubernetes-validations"] = [rule]
    result = fetch([dump(crd(ruled), crd(names={"kind": "Gadget"}))], tmp_path)
    (note,) = result.diagnostics
    assert (note.code, note.severity) == ("PHX763", Severity.NOTE)
    assert note.message == "2 rules in CEL of Widget `example.com/v1` will not be evaluated"
    many = [crd(ruled, names={"kind": f"Kind{letter}"}) for letter in "ABCDEFG"]
    (note,) = fetch([dump(*many)], tmp_path / "many").diagnostics
    listed = ", ".join(f"Kind{letter} `example.com/v1`" for letter in "ABCDE")
    assert note.message == f"14 rules in CEL of {listed} and 2 more will not be evaluated"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_directory(tmp_path: Path) -> None:
    folder = tmp_path / "crds"
    write(folder, "a/one.yaml", "# nothing\n---\n" + json.dumps(crd()) + "\n---\nkind: Other\n")
    write(folder, "b.json", json.dumps(crd(names={"kind": "Gadget"})))
    write(folder, "readme.md", "{")
    write(folder, "bad.yml", "a: [\n")
    result = fetch([Directory(folder)], tmp_path / "out")
    assert result.written == ("example.com/gadget_v1.json", "example.com/widget_v1.json")
    assert messages(result) == [("PHX760", f"`{folder / 'bad.yml'}` is neither JSON nor YAML in line 2")]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "PHX761", "`<stdin>` holds no CustomResourceDefinition"),
        (b"kind: Pod\n", "PHX761", "`<stdin>` holds no CustomResourceDefinition"),
        (b"a: &x 1\nb: *x\n", "PHX760", "`<stdin>` uses YAML aliases"),
        (b"[" * 121, "PHX760", "`<stdin>` is nested deeper than 120 levels"),
        (b"[" * 1_000_000, "PHX760", "`<stdin>` is nested deeper than 120 levels"),
        (b'{"a":' * 100_000, "PHX760", "`<stdin>` is nested deeper than 120 levels"),
        (b"a: \xff\n", "PHX760", "`<stdin>` is neither JSON nor YAML"),
        (b"!!python/object:os.system x\n", "PHX760", "`<stdin>` is neither JSON nor YAML in line 1"),
    ],
)
def test_streams_that_are_refused(tmp_path: Path, content: bytes, code: str, message: str) -> None:
    assert messages(fetch([Stream(content)], tmp_path)) == [(code, message)]


def test_a_stream_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crd_documents, "MAX_BYTES", 10)
    assert messages(fetch([Stream(b"x" * 11)], tmp_path)) == [("PHX760", "`<stdin>` is larger than 10 bytes")]


def test_a_list_of_the_api_server(tmp_path: Path) -> None:
    item = {key: value for key, value in crd().items() if key not in {"kind", "apiVersion"}}
    document = {"kind": "CustomResourceDefinitionList", "items": [item]}
    assert fetch([Stream(json.dumps(document).encode())], tmp_path).written == ("example.com/widget_v1.json",)


def test_a_url_template_of_crds_and_of_schemas(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    write(catalog, "example.com/widget_v1.json", json.dumps(crd(spec(a=STRING))))
    schema = {"type": "object", "properties": {"spec": spec(b=STRING)}}
    write(catalog, "example.com/gadget_v2.json", json.dumps(schema))
    template = catalog.as_uri() + "/{group}/{kind}_{version}.json"
    gadget = ("example.com", "v2", "Gadget")
    out = tmp_path / "out"
    assert fetch([UrlTemplate(template, (WIDGET, gadget))], out) == FetchResult(
        ("example.com/gadget_v2.json", "example.com/widget_v1.json"), (), ()
    )
    good = obj("example.com/v2", "Gadget", "g", "phoenix", spec={"b": ""})
    bad = obj("example.com/v2", "Gadget", "g", "phoenix", spec={"c": ""})
    schemas = Schemas(MINOR, out)
    assert check(good, schemas).faults == ()
    assert [(f.code, f.at) for f in check(bad, schemas).faults] == [("PHX703", ("spec", "c"))]


@pytest.mark.parametrize(
    ("template", "code", "message"),
    [
        ("http://example.com/{kind}", "PHX760", "`http://example.com/widget` is neither an `https` nor a `file` URL"),
        ("ftp://example.com/{Kind}", "PHX760", "`ftp://example.com/Widget` is neither an `https` nor a `file` URL"),
        ("file://host/{kind}", "PHX760", "`file://host/widget` is neither an `https` nor a `file` URL"),
        ("file:///nonexistent/{kind}", "PHX760", None),
    ],
)
def test_urls_that_are_refused(tmp_path: Path, template: str, code: str, message: str | None) -> None:
    ((found, text),) = messages(fetch([UrlTemplate(template, (WIDGET,))], tmp_path))
    assert found == code
    assert text == message or (message is None and text.startswith("`file:///nonexistent/widget` cannot be read"))


def test_words_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "crd.json"
    file.write_bytes(b"x: 1")
    stdin = io.BytesIO(b"kind: A")
    assert open_source("-", stdin) == Stream(b"kind: A", "<stdin>")
    assert open_source(str(file), stdin) == Stream(b"x: 1", str(file))
    assert open_source(str(tmp_path), stdin) == Directory(tmp_path)
    assert open_source("absent", stdin) == Directory(Path("absent"))
    assert open_source("https://a/{kind}", stdin, [WIDGET]) == UrlTemplate("https://a/{kind}", (WIDGET,))
    assert messages(fetch([open_source("absent", stdin)], tmp_path)) == [("PHX760", "`absent` is not a directory")]


def test_every_emitted_kind_is_in_the_real_crds(real: Path) -> None:
    assert [kind for kind in EMITTED if CustomSchemas(real).schema(kind) is None] == []


def test_a_url_that_has_another_kind(tmp_path: Path) -> None:
    write(tmp_path, "x.json", json.dumps(crd()))
    source: Source = UrlTemplate((tmp_path / "x.json").as_uri(), (("example.com", "v9", "Widget"),))
    (diagnostic,) = fetch([source], tmp_path / "out").diagnostics
    assert diagnostic.code == "PHX761"
    assert diagnostic.message.endswith("has no schema of Widget `example.com/v9`")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = crds_folder()
    target = tmp_path_factory.mktemp("crds")
    result = fetch([Directory(folder)], target)
    assert [diagnostic.code for diagnostic in result.diagnostics] == ["PHX763"]
    assert len(result.written) > 200
    return target


def test_every_real_crd_compiles_and_refuses(real: Path) -> None:
    schemas = CustomSchemas(real)
    for group in sorted(path.name for path in real.iterdir()):
        for kind in schemas.kinds_of(group):
            assert schemas.schema(kind) is not None
            body = {"apiVersion": f"{kind[0]}/{kind[1]}", "kind": kind[2], "metadata": {"name": "a"}, "bogus": 1}
            errors = [error.kind.as_dict() for error in schemas.validator(kind).iter_errors(body)]
            assert any(error.get("unexpected") == ["bogus"] for error in errors), kind


RULE = obj(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    "r",
    spec={"groups": [{"name": "g", "interval": "30s", "rules": [{"record": "a:b", "expr": "sum(x)"}]}]},
)
APPLICATION = obj(
    "argoproj.io/v1alpha1",
    "Application",
    "a",
    "argocd",
    spec={
        "project": "p",
        "source": {"repoURL": "https://git.example.com/a.git", "path": "generated/a", "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "phoenix"},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["ServerSideApply=true"]},
        "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
    },
)
REAL: list[tuple[Body, tuple[Any, ...], Any, str, tuple[Any, ...]]] = [
    (RULE, ("spec", "groups", 0, "rules", 0, "expresion"), "x", "PHX703", ("spec", "groups", 0, "rules", 0, "expresion")),
    (RULE, ("spec", "groups", 0, "interval"), "30 s", "PHX706", ("spec", "groups", 0, "interval")),
    (RULE, ("spec", "groups", 0, "partial_response_strategy"), "stop", "PHX706", ("spec", "groups", 0, "partial_response_strategy")),
    (APPLICATION, ("spec", "syncPolicy", "automated", "selfheal"), True, "PHX703", ("spec", "syncPolicy", "automated", "selfheal")),
    (APPLICATION, ("spec", "source", "directory"), {"recurse": "yes"}, "PHX705", ("spec", "source", "directory", "recurse")),
    (APPLICATION, ("spec", "project"), 7, "PHX705", ("spec", "project")),
]  # fmt: skip


def test_real_objects_pass(real: Path) -> None:
    schemas = Schemas(MINOR, real)
    for body in (RULE, APPLICATION):
        assert check(body, schemas) == check(body, schemas)
        assert check(body, schemas).faults == ()
        assert not check(body, schemas).unchecked


@pytest.mark.parametrize(("body", "path", "value", "code", "at"), REAL)
def test_real_faults_are_refused(real: Path, body: Body, path: Any, value: Any, code: str, at: Any) -> None:
    broken: Body = json.loads(json.dumps(body))
    node: Any = broken
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert (code, at) in [(fault.code, fault.at) for fault in check(broken, Schemas(MINOR, real)).faults]


def test_conversion_is_pure() -> None:
    definition = crd(spec(a=STRING))
    before = json.dumps(definition)
    assert [found.schema for found in convert_crd(definition)] == [found.schema for found in convert_crd(definition)]
    assert json.dumps(definition) == before


def test_crds_are_demanded_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PHOENIX_CRDS", str(tmp_path / "absent"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no CRDs at"):
        crds_folder()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="set PHOENIX_CRDS"):
        crds_folder()
