"""The kind reference: a page a kind, written from the models, so that it cannot say anything else than they do."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from phoenix_gitops.model import KINDS, LATER_KINDS
from phoenix_gitops.model.base import LABEL_VALUE_PATTERN, NAME_PATTERN
from phoenix_gitops.schemas import REF, Schema, deref, resolved_schema, schema_name

_HEADER = "<!-- Written by `phoenix schema docs`; do not edit. -->"
_UNITS = {
    "duration": "duration (`15s`, `30d`)",
    "quantity": "Kubernetes quantity (`512Mi`, `500m`)",
    "money": "decimal number, in the platform's currency",
    "ratio": "ratio, 0 to 1",
    "port": "TCP port",
    "cidr": "address block (CIDR)",
    "re2": "regular expression (RE2)",
    "promql": "PromQL expression",
}
_PATTERNS = {NAME_PATTERN: "name", LABEL_VALUE_PATTERN: "label value"}
_UNIT_EXAMPLES = (["15s", "30d"], ["512Mi", "500m"], ["0.10"])
"""Examples of a unit, which its words give already."""
_NOTHING = object()


def page_name(kind: str) -> str:
    """The file name of a kind's page: `TenantClass` stands in `tenant-class.md`."""
    return schema_name(kind).replace(".schema.json", ".md")


def kind_pages() -> dict[str, str]:
    """The pages of the reference: file name to text."""
    from phoenix_gitops.front import read_presets

    presets: dict[str, list[str]] = {}
    for document in read_presets().documents:
        presets.setdefault(document.kind, []).append(document.name)
    pages = {page_name(kind): _page(kind, sorted(presets.get(kind, ()))) for kind in KINDS}
    return {"README.md": _contents(presets), **pages}


def _contents(presets: dict[str, list[str]]) -> str:
    rows = [
        f"| [{kind}]({page_name(kind)}) | {_cell(resolved_schema(kind)['description'])} "
        f"| {', '.join(f'`{name}`' for name in sorted(presets.get(kind, ())))} |"
        for kind in KINDS
    ]
    later = " and ".join(LATER_KINDS)
    return "\n".join(
        [
            _HEADER,
            "",
            "# Kinds of policies",
            "",
            "Every policy is a YAML file with `apiVersion`, `kind`, `metadata` and `spec`. Unknown fields are errors.",
            "Any policy may say `extends: NAME` in its `spec` to take what it does not say from another of its kind,",
            "and `abstract: true` if it is only a base for others. `phoenix show preset NAME` prints a preset.",
            "",
            "A *name* is up to 40 letters `a-z`, digits and hyphens, and begins and ends with a letter or digit.",
            "A *label value* is up to 63 letters, digits, `-`, `_` and `.`, between letters or digits.",
            "",
            "| kind | is | presets |",
            "|---|---|---|",
            *rows,
            "",
            f"{later} are kinds of a later version; using one is an error that says so.",
            "",
        ]
    )


def _page(kind: str, presets: list[str]) -> str:
    root = resolved_schema(kind)
    lines = [_HEADER, "", f"# {kind}", "", _sentence(root["description"]), ""]
    if presets:
        names = ", ".join(f"`{name}`" for name in presets)
        lines += [f"Presets: {names}. `phoenix show preset {kind}/{presets[0]}` prints one.", ""]
    defaults = _defaults(kind)
    parts = list(_parts(root))
    places = {part.definition: part.path for part in parts}
    for part in parts:
        lines += [f"## {part.path}", "", _sentence(part.schema.get("description", "")), ""]
        lines += ["| field | type | required, default | is |", "|---|---|---|---|"]
        required = part.schema.get("required", ())
        for name, schema in part.schema["properties"].items():
            default = defaults.get((part.definition, name), _NOTHING)
            standing = "**required**" if name in required else _default(default)
            lines.append(f"| `{name}` | {_type(schema, root, places)} | {standing} | {_meaning(schema, root)} |")
        lines.append("")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Part:
    """An object of a kind's schema, documented where it is reached first."""

    path: str
    definition: str
    schema: Schema


def _parts(root: Schema) -> Iterator[_Part]:
    seen: set[str] = set()
    queue = [(name, root["properties"][name]) for name in ("metadata", "spec")]
    while queue:
        path, schema = queue.pop(0)
        path, schema = _element(path, schema)
        if "$ref" not in schema:
            continue
        definition = schema["$ref"].rpartition("/")[2]
        if definition in seen:
            continue
        seen.add(definition)
        body = root["$defs"][definition]
        yield _Part(path, definition, body)
        queue = [(f"{path}.{name}", inner) for name, inner in body["properties"].items()] + queue


def _element(path: str, schema: Schema) -> tuple[str, Schema]:
    """What a list or a mapping of things holds, with `[]` or `.*` after the path."""
    while True:
        if isinstance(schema.get("items"), dict):
            path, schema = f"{path}[]", schema["items"]
        elif isinstance(schema.get("additionalProperties"), dict):
            path, schema = f"{path}.*", schema["additionalProperties"]
        else:
            return path, schema


def _type(schema: Schema, root: Schema, places: dict[str, str]) -> str:
    if "$ref" in schema:
        path = places[schema["$ref"].rpartition("/")[2]]
        return f"[object](#{_anchor(path)})"
    if isinstance(schema.get("items"), dict):
        return f"list of {_type(schema['items'], root, places)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {_type(schema['additionalProperties'], root, places)}"
    if REF in schema:
        return f"name of a [{schema[REF]}]({page_name(schema[REF])})"
    if "x-phoenix-unit" in schema:
        return _UNITS[schema["x-phoenix-unit"]]
    if "enum" in schema:
        return " \\| ".join(f"`{choice}`" for choice in schema["enum"])
    if schema.get("pattern") in _PATTERNS:
        return _PATTERNS[schema["pattern"]]
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean", "object": "mapping"}
    return words.get(str(schema.get("type")), "any value")


def _meaning(schema: Schema, root: Schema) -> str:
    """The description, then bounds and examples where there are any."""
    whole = deref(schema, root)
    parts = [_sentence(schema.get("description") or whole.get("description", ""))]
    _, inner = _element("", schema)
    bounds = "; ".join(dict.fromkeys([*_bounds(schema), *_bounds(inner)]))
    if bounds:
        parts.append(f"Bounds: {bounds}.")
    examples = schema.get("examples")
    if examples and examples not in _UNIT_EXAMPLES:
        parts.append(f"Example: {', '.join(_flow(example) for example in examples)}.")
    return _cell(" ".join(part for part in parts if part))


def _bounds(schema: Schema) -> Iterator[str]:
    if schema.get("x-phoenix-unit") in ("ratio", "port") or schema.get("pattern") in _PATTERNS:
        return
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"at least {low}"
    elif high is not None:
        yield f"at most {high}"
    for key, words in (
        ("exclusiveMinimum", "above {}"),
        ("exclusiveMaximum", "below {}"),
        ("minItems", "at least {} in the list"),
        ("maxItems", "at most {} in the list"),
        ("maxLength", "at most {} characters"),
    ):
        if key in schema:
            yield words.format(schema[key])
    if "pattern" in schema and "x-phoenix-unit" not in schema:
        yield f"matches `{schema['pattern']}`"


def _defaults(kind: str) -> dict[tuple[str, str], Any]:
    """Defaults by (definition, field). They are the models' own: a schema cannot say those that are computed."""
    import msgspec.inspect

    found: dict[tuple[str, str], Any] = {}
    queue: list[Any] = [msgspec.inspect.type_info(KINDS[kind])]
    seen: set[type] = set()
    while queue:
        info = queue.pop()
        queue += [getattr(info, name) for name in ("type", "item_type", "value_type") if hasattr(info, name)]
        queue += getattr(info, "types", ())
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
            seen.add(info.cls)
            for field in info.fields:
                queue.append(field.type)
                default = field.default
                if field.default_factory is not msgspec.NODEFAULT:
                    default = field.default_factory()
                if default is not msgspec.NODEFAULT:
                    found[info.cls.__name__, field.encode_name] = default
    return found


def _default(value: Any) -> str:  # noqa: ANN401 - any default of any field
    """A default as a reader would write it; empty where absence says it all."""
    import msgspec

    if value is _NOTHING or value is None or value in ("", [], {}):
        return ""
    if isinstance(value, msgspec.Struct):
        changed = _changed(value)
        return _cell(_flow(changed)) if changed else ""
    return _cell(_flow(msgspec.to_builtins(value)))


def _changed(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a model
    """The fields of a model in which it differs from its own defaults, which stand in its own table."""
    import msgspec

    result = {}
    for field in msgspec.structs.fields(value):
        inner = getattr(value, field.name)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if inner != default:
            result[field.encode_name] = (
                _changed(inner) if isinstance(inner, msgspec.Struct) else msgspec.to_builtins(inner)
            )
    return result


def _flow(value: Any) -> str:  # noqa: ANN401 - plain data
    """Plain data in YAML's flow style, as code."""
    return f"`{_inline(value)}`"


def _inline(value: Any) -> str:  # noqa: ANN401 - plain data
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z/$][^,\[\]{}#:]*(:[^ ,\[\]{}#]+)*|[0-9]+[A-Za-z]+", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _sentence(text: str) -> str:
    text = inspect.cleandoc(text)
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", text.replace("\n", " "))


def _anchor(heading: str) -> str:
    """The anchor that Markdown readers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
