"""Rendering: values never become structure, faults name the template's line, results share nothing."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_gitops.diagnostics import Diagnostic, Severity
from phoenix_gitops.resources import templates_dir
from phoenix_gitops.template_files import TemplateFiles
from phoenix_gitops.templating import NotPlainError, Renderer, TemplateError

NAME = "ingest/service.yaml.j2"
HEAD = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ name | yaml }}\n"
HOSTILE = [
    *("no", "1e3", "a: b", "- a", "# x", '"', "'", "\\", "a\nb: c\n", "\n---\nkind: Secret", "{{ a }}", "{% x %}"),
    *("&a", "*a", "!!python/object:os.system", "\x00", "\x85", "\u2028", "😀", "\ue0000\ue000", '"\ue0001\ue000"'),
]


def write(folder: Path, text: str, name: str = NAME) -> Path:
    path = folder / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def render(folder: Path, text: str, **values: object) -> dict[str, Any]:
    write(folder, text)
    renderer = Renderer(TemplateFiles(user=folder / "templates"))
    return renderer.render(NAME, **{"name": "gw", **values})


def fault(folder: Path, text: str, **values: object) -> Diagnostic:
    with pytest.raises(TemplateError) as caught:
        render(folder, text, **values)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.primary is not None
    assert diagnostic.primary.span.file == f"templates/{NAME}"
    return diagnostic


def where(diagnostic: Diagnostic) -> tuple[str, int]:
    assert diagnostic.primary is not None
    return diagnostic.code, diagnostic.primary.span.line


def test_values_loops_and_conditions(tmp_path: Path) -> None:
    text = HEAD + (
        "  labels: {{ labels | yaml }}\n"
        "spec:\n"
        "  ports:\n"
        "  {% for port in ports %}\n"
        "  - name: {{ port.name | yaml }}\n"
        "    port: {{ port.number | yaml }}\n"
        "    flags: [{{ port.flag | yaml }}, {{ port.name | yaml }}]\n"
        "  {% endfor %}\n"
        "{% if headless and name != 'x' %}\n"
        "  clusterIP: None\n"
        "{% elif zone is defined %}\n"
        "  zone: {{ zone | yaml }}\n"
        "{% else %}\n"
        "  type: ClusterIP\n"
        "{% endif %}\n"
    )
    ports = [{"name": "a", "number": 1, "flag": True}, {"name": "b", "number": 2.5, "flag": None}]
    body = render(tmp_path, text, labels={"a": "1"}, ports=ports, headless=False)
    assert body == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "gw", "labels": {"a": "1"}},
        "spec": {
            "ports": [
                {"name": "a", "port": 1, "flags": [True, "a"]},
                {"name": "b", "port": 2.5, "flags": ["b"]},
            ],
            "type": "ClusterIP",
        },
    }
    assert render(tmp_path, text, labels={}, ports=[], headless=True)["spec"] == {
        "ports": None,
        "clusterIP": "None",
    }


@pytest.mark.parametrize("value", HOSTILE, ids=[ascii(value) for value in HOSTILE])
def test_hostile_values_stay_values(tmp_path: Path, value: str) -> None:
    text = HEAD + "a: {{ v | yaml }}\nb: [{{ v | yaml }}, {x: {{ v | yaml }}}]\n{{ v | yaml }}: {{ v | yaml }}\n"
    body = render(tmp_path, text, v=value)
    assert body == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "gw"},
        "a": value,
        "b": [value, {"x": value}],
        value: value,
    }


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(value=plain_data)
def test_any_value_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    body = render(tmp_path_factory.getbasetemp(), HEAD + "spec: {a: {{ v | yaml }}}\n", v=value)
    assert body["spec"] == ({} if value is None else {"a": value})


def test_none_leaves_out_its_key_and_item_but_not_what_is_inside(tmp_path: Path) -> None:
    text = HEAD + "a: {{ no | yaml }}\nb: [1, {{ no | yaml }}]\nc: {{ deep | yaml }}\n"
    body = render(tmp_path, text, no=None, deep={"x": None})
    assert (body.get("a", "left out"), body["b"], body["c"]) == ("left out", [1], {"x": None})


def test_literals_of_a_template(tmp_path: Path) -> None:
    text = HEAD + (
        "a: [1, -2, 1.5, true, false, null, ~, 8080, -x, --y=z, 10.0.0.1, 1m]\n"
        "b: {}\nc: 'no'\nd: \"1\"\ne: |\n  x\n  y\nf:\n{% raw %}\ng: '{{ $labels.x }}'\n{% endraw %}\n"
    )
    body = render(tmp_path, text)
    assert body["a"] == [1, -2, 1.5, True, False, None, None, 8080, "-x", "--y=z", "10.0.0.1", "1m"]
    assert [type(item) for item in body["a"][:4]] == [int, int, float, bool]
    assert {k: body[k] for k in "bcdefg"} == {
        "b": {},
        "c": "no",
        "d": "1",
        "e": "x\ny\n",
        "f": None,
        "g": "{{ $labels.x }}",
    }


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "No",
        "on",
        "y",
        "012",
        "0o7",
        "0x1F",
        "0b1",
        "1_000",
        "1e3",
        ".5",
        "1.",
        "+1",
        ".inf",
        ".nan",
        "1:20",
        "2001-01-01",
        "True",
        "NULL",
        "=",
        "<<",
        "9" * 30,
    ],
)
def test_literals_that_readers_take_differently_are_refused(tmp_path: Path, word: str) -> None:
    found = fault(tmp_path, f"{HEAD}spec:\n  a: {word}\n")
    assert where(found) == ("PHX608", 6)
    assert word in found.message or "30 digits" in found.message


def test_results_share_nothing(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "spec: {a: [x], b: {{ v | yaml }}, c: {{ v | yaml }}}\n")
    renderer = Renderer(TemplateFiles(user=tmp_path / "templates"))
    value = {"k": ["v"]}
    first = renderer.render(NAME, name="gw", v=value)
    first["spec"]["a"].append("y")
    first["spec"]["b"]["k"].append("w")
    first["metadata"]["labels"] = {}
    second = renderer.render(NAME, name="gw", v=value)
    assert value == {"k": ["v"]}
    assert first["spec"]["c"] == {"k": ["v"]}
    assert second == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "gw"},
        "spec": {"a": ["x"], "b": {"k": ["v"]}, "c": {"k": ["v"]}},
    }


def test_values_become_plain(tmp_path: Path) -> None:
    class Level(StrEnum):
        HIGH = "high"

    class Number(int):
        pass

    body = render(tmp_path, HEAD + "a: {{ v | yaml }}\n", v=(Level.HIGH, Number(3), {Level.HIGH: (1,)}))
    assert body["a"] == ["high", 3, {"high": [1]}]
    assert [type(item) for item in body["a"]] == [str, int, dict]
    assert [type(key) for key in body["a"][2]] == [str]


@pytest.mark.parametrize("value", [{1: 2}, {1}, object(), b"x"])
def test_other_values_are_a_bug(tmp_path: Path, value: object) -> None:
    with pytest.raises(NotPlainError):
        render(tmp_path, HEAD + "a: {{ v | yaml }}\n", v=value)


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("\na: {{ nam | yaml }}\n", "PHX606", 6, "the template reads `nam`, which is not defined"),
        ("{% if zone %}\na: 1\n{% endif %}\n", "PHX606", 5, "the template reads `zone`, which is not defined"),
        ("a: 1\nb: {{ m.x | yaml }}\n", "PHX606", 6, "the template reads `x`, which is not defined"),
        ("a: {{ m.items | yaml }}\n", "PHX606", 5, "the template reads `items`, which is not defined"),
        ("a: {{ name.upper | yaml }}\n", "PHX606", 5, "the template reads `upper`, which is not defined"),
        (
            "{% for x in three %}\n{% endfor %}\n",
            "PHX607",
            5,
            "the template compares or loops over what it cannot: 'int' object is not iterable",
        ),
        (
            "a: 1\n{% if name < three %}\n{% endif %}\n",
            "PHX607",
            6,
            "the template compares or loops over what it cannot: "
            "'<' not supported between instances of 'str' and 'int'",
        ),
        (
            "{% for p in l %}\n#\n{{ three | yaml }}: 1\n{% endfor %}\n",
            "PHX607",
            7,
            "the template makes a key that is no text: `3`",
        ),
        ("a: 1\n{{ kind | yaml }}: 1\n", "PHX607", 6, "the template makes the key `kind` twice"),
        (
            "{% for p in l %}\n#\nk: {{ p | yaml }}\n{% endfor %}\n",
            "PHX608",
            7,
            "the template renders unusable YAML: the key `k` twice",
        ),
        ("{% for p in l %}\n# x\n{% endfor %}\na: |\n  {{ name | yaml }}\n", "PHX608", 8, "glued"),
        ("a: x {{ name | yaml }}\n", "PHX608", 5, "an expression glued to other text"),
        ("a:\n- 1\n# {{ name | yaml }}\n", "PHX608", 7, "an expression in a comment"),
        ("a: 1\na: 2\n", "PHX608", 6, "the key `a` twice"),
        ("a: &x 1\n", "PHX608", 5, "a YAML anchor or alias"),
        ("a: *x\n", "PHX608", 5, "a YAML anchor or alias"),
        ("a: !!str 1\n", "PHX608", 5, "a YAML tag"),
        ("a: !x {}\n", "PHX608", 5, "a YAML tag"),
        ("a: !x [1]\n", "PHX608", 5, "a YAML tag"),
        ("---\na: 1\n", "PHX608", 5, "more than one document"),
        ("1: a\n", "PHX608", 5, "a key that is no text: `1`"),
        ("a: " + "[" * 60 + "]" * 60, "PHX608", 5, "more than 50 levels"),
        ("a: " + "[" * 30_000, "PHX608", 5, "more than 50 levels"),
        ("a: [\n", "PHX608", 5, "not valid YAML"),
        ("a: b: c\n", "PHX608", 5, "not valid YAML: mapping values are not allowed"),
        ("a: \x07\n", "PHX608", 1, "not valid YAML"),
        ('a: {% if name %}"{% endif %}{{ name | yaml }}{% if name %}"{% endif %}\n', "PHX608", 5, "not valid YAML"),
        ('a: {% if name %}"x {% endif %}{{ name | yaml }}{% if name %}y"{% endif %}\n', "PHX608", 5, "not valid"),
        ("a: {% if name %}b{% endif %}{{ name | yaml }}\n", "PHX608", 5, "an expression glued to other text"),
    ],
)
def test_faults_name_the_line_of_the_template(tmp_path: Path, text: str, code: str, line: int, message: str) -> None:
    found = fault(tmp_path, HEAD + text, m={}, three=3, l=["a", "b"], kind="kind")
    assert where(found) == (code, line)
    assert message in found.message


def test_undefined_names_what_there_is(tmp_path: Path) -> None:
    found = fault(tmp_path, HEAD + "a: {{ nmae | yaml }}\n", zone="a")
    assert found.help == "did you mean `name`? this template is given: `name`, `zone`"
    assert found.primary is not None
    assert (found.primary.span.col, found.primary.span.end_col) == (1, 21)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "apiVersion: v1\nkind: X\n",
        "apiVersion: 1\nkind: X\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: X\nmetadata: a\n",
        "apiVersion: v1\nkind: ''\nmetadata: {name: a}\n",
    ],
)
def test_a_template_gives_an_object(tmp_path: Path, text: str) -> None:
    assert where(fault(tmp_path, text)) == ("PHX609", 1)


@pytest.mark.parametrize("text", ["- a\n", "", "{# only #}\n", "text\n", "{{ name | yaml }}"])
def test_a_template_gives_a_mapping(tmp_path: Path, text: str) -> None:
    assert where(fault(tmp_path, text)) == ("PHX608", 1)


def test_output_is_bounded(tmp_path: Path) -> None:
    text = HEAD + "{% for x in xs %}" + "x" * 30_000 + "{% endfor %}"
    found = fault(tmp_path, text, xs=[0] * 10**6)
    assert (found.code, found.message) == ("PHX605", "the template renders more than 1048576 characters")


def test_all_faults_of_the_linter_are_told(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"PHX603 .*; PHX602 ") as caught:
        render(tmp_path, HEAD + "a: {{ name }}\nb: {{ f() | yaml }}\n")
    assert [where(d) for d in caught.value.diagnostics] == [("PHX603", 5), ("PHX602", 6)]


def test_order_of_folders(tmp_path: Path) -> None:
    for folder, kind in (("user", "User"), ("pack", "Pack"), ("builtin", "Builtin")):
        write(tmp_path / folder, HEAD.replace("Service", kind))
    folders = {name: tmp_path / name / "templates" for name in ("user", "pack", "builtin")}

    def kind() -> str:
        files = TemplateFiles(user=folders["user"], packs=[("acme", folders["pack"])], builtin=folders["builtin"])
        return str(Renderer(files).render(NAME, name="gw")["kind"])

    assert kind() == "User"
    (folders["user"] / NAME).unlink()
    assert kind() == "Pack"
    (folders["pack"] / NAME).unlink()
    assert kind() == "Builtin"
    (folders["builtin"] / NAME).unlink()
    with pytest.raises(LookupError, match=f"no template {NAME}"):
        kind()


def test_a_repository_uses_the_built_in_templates(tmp_path: Path) -> None:
    renderer = Renderer.of_repository(tmp_path)
    assert renderer.check() == ()
    built_in = sorted(templates_dir().rglob("*.yaml.j2"))
    assert built_in, "no built-in template was found"
    for path in built_in:
        assert renderer.names(path.relative_to(templates_dir()).as_posix())


@pytest.mark.parametrize("name", ["../x.yaml.j2", "/etc/x.yaml.j2", "a/../b.yaml.j2", "a", "a.j2", "A.yaml.j2", ""])
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a template's name"):
        Renderer.of_repository(tmp_path).render(name)


def test_links_are_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", HEAD)
    templates = tmp_path / "repo" / "templates"
    (templates / "ingest").mkdir(parents=True)
    (templates / NAME).symlink_to(outside)
    renderer = Renderer(TemplateFiles(user=templates))
    with pytest.raises(TemplateError) as caught:
        renderer.render(NAME, name="gw")
    (told,) = caught.value.diagnostics
    assert (told.code, told.message) == ("PHX610", f"`templates/{NAME}` is a symbolic link")
    assert renderer.check() == (told,)

    (templates / NAME).unlink()
    (templates / "ingest").rmdir()
    (templates / "ingest").symlink_to(outside.parent, target_is_directory=True)
    with pytest.raises(TemplateError, match="is a symbolic link"):
        renderer.render(NAME, name="gw")
    assert [d.message for d in renderer.check()] == ["`templates/ingest` is a symbolic link"]

    linked = tmp_path / "linked"
    linked.symlink_to(templates, target_is_directory=True)
    with pytest.raises(TemplateError, match="is a symbolic link"):
        Renderer(TemplateFiles(user=linked)).render(NAME, name="gw")


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"a: \xff\n")
    renderer = Renderer(TemplateFiles(user=tmp_path / "templates"))
    with pytest.raises(TemplateError, match=f"PHX610 `templates/{NAME}` is not UTF-8"):
        renderer.render(NAME)
    path.write_bytes(b"a: \xc3" * 20_000)
    with pytest.raises(TemplateError, match="PHX605 not allowed in a template: more than 32768 bytes"):
        renderer.render(NAME)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TemplateError, match="is no regular file"):
        renderer.render(NAME)


def test_check_sees_every_template_of_the_user(tmp_path: Path) -> None:
    builtin = tmp_path / "builtin"
    write(builtin, HEAD)
    write(tmp_path, HEAD + "a: {{ name }}\n")
    write(tmp_path, HEAD, "ingest/unheard-of.yaml.j2")
    write(tmp_path, "text", "README.md")
    renderer = Renderer(TemplateFiles(user=tmp_path / "templates", builtin=builtin / "templates"))
    found = renderer.check()
    assert [(d.code, d.message, d.severity) for d in found] == [
        ("PHX603", "not allowed in a template: an expression without `| yaml`", Severity.ERROR),
        ("PHX611", "`templates/ingest/unheard-of.yaml.j2` takes the place of no template", Severity.WARNING),
    ]


def test_names_that_a_template_reads(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "{% for p in ports %}\n- {{ p.x | yaml }}\n{% endfor %}{% if zone is defined %}{% endif %}")
    assert Renderer.of_repository(tmp_path).names(NAME) == {"name", "ports", "zone"}
