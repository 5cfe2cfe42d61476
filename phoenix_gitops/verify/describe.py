"""What a schema refused, in our words: each fault with its path, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phoenix_gitops.suggest import closest
from phoenix_gitops.verify.finding import Fault, ObjectPath

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

Schema = dict[str, Any]

_LISTED = 8
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "a string",
}


def describe(validator: Validator, schema: Schema, body: dict[str, Any]) -> tuple[Fault, ...]:
    """Every fault that the validator of `schema` finds in a body."""
    faults: dict[Fault, None] = {}
    for error in validator.iter_errors(body):
        if error.kind.name == "falseSchema":
            # An object without any field: the engine names the value of one key, not the key.
            at: ObjectPath = tuple(error.instance_path)
            faults |= {_unknown(str(key), at, ()): None for key in _keys(body, at)}
        else:
            faults |= dict.fromkeys(_faults(error, schema))
    return tuple(sorted(faults, key=lambda fault: fault.sort_key))


def _faults(error: ValidationError, schema: Schema) -> Iterator[Fault]:
    at: ObjectPath = tuple(error.instance_path)
    keyword = error.kind.name
    match keyword:
        case "additionalProperties":
            known = _fields(schema, at)
            for name in error.kind.as_dict()["unexpected"]:
                yield _unknown(str(name), at, known)
        case "required":
            name = str(error.kind.value)
            message = f"{_place(at)} lacks the field `{name}`"
            yield Fault(at=(*at, name), code="PHX704", message=message)
        case "type":
            yield _wrong_type(error.instance, at, _type_names(error))
        case "enum" | "const":
            yield _wrong_choice(error, at)
        case "oneOf" | "anyOf":
            yield from _alternatives(error, schema, at)
        case "x-kubernetes-list-map-keys":
            twice = error.kind.as_dict()["message"]
            yield Fault(at=at, code="PHX718", message=f"`{twice}` stands twice in {_place(at)}", help="keep one")
        case _:
            yield Fault(at=at, code="PHX706", message=f"`{_shown(error.instance)}` {_bound(error)}")


def _keys(body: object, at: ObjectPath) -> Iterable[object]:
    """The keys of the mapping at a path."""
    node: Any = body
    for step in at:
        node = node[step]
    return node if isinstance(node, dict) else ()


def _unknown(name: str, at: ObjectPath, known: Sequence[str]) -> Fault:
    near = closest(name, known)
    listed = ", ".join(f"`{field}`" for field in known[:_LISTED])
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return Fault(
        at=(*at, name),
        code="PHX703",
        message=f"unknown field `{name}` in {_place(at)}",
        help=f"did you mean `{near}`?" if near else f"the fields here are {listed}{more}" if known else "",
    )


def _wrong_type(value: object, at: ObjectPath, types: Iterable[str]) -> Fault:
    wanted = sorted(_TYPES.get(name, name) for name in types if name != "null")
    return Fault(
        at=at,
        code="PHX705",
        message=f"{_place(at)} is {_kind_of(value)}, not {' or '.join(wanted) or 'null'}",
        help=_retyped(value, wanted),
    )


def _retyped(value: object, wanted: Sequence[str]) -> str:
    """What to write instead, where that is plain."""
    if value is None:
        return "give it a value, or leave it out"
    if wanted == ["a string"] and not isinstance(value, dict | list | None):
        return "quote it"
    numeric = isinstance(value, str) and value.isdecimal()
    return f"write `{value}` without quotes" if numeric and set(wanted) & {"a whole number", "a number"} else ""


def _wrong_choice(error: ValidationError, at: ObjectPath) -> Fault:
    value = error.kind.value
    choices = [str(choice) for choice in (value if isinstance(value, list) else [value]) if choice is not None]
    near = closest(str(error.instance), choices)
    listed = ", ".join(f"`{choice}`" for choice in choices)
    return Fault(
        at=at,
        code="PHX706",
        message=f"`{_shown(error.instance)}` is not a value of {_place(at)}",
        help=f"did you mean `{near}`?" if near else f"one of {listed}",
    )


def _alternatives(error: ValidationError, schema: Schema, at: ObjectPath) -> Iterator[Fault]:
    """None (or too many) of several forms fit: the form that comes nearest speaks for all."""
    branches: list[list[ValidationError]] = error.kind.as_dict().get("context") or []
    failed = [branch for branch in branches if branch]
    if len(failed) < len(branches):
        if error.instance is None:
            yield Fault(at=at, code="PHX705", message=f"{_place(at)} is null, not a value", help="leave it out")
            return
        message = f"{_place(at)} fits several of the forms that exclude each other"
        yield Fault(at=at, code="PHX706", message=message, help="set just one of the fields")
        return
    flat = [nested for branch in failed for nested in branch]
    if all(nested.kind.name == "type" and tuple(nested.instance_path) == at for nested in flat):
        yield _wrong_type(error.instance, at, {name for nested in flat for name in _type_names(nested)})
        return
    if all(len(b) == 1 and b[0].kind.name == "required" and tuple(b[0].instance_path) == at for b in failed):
        names = " or ".join(f"`{branch[0].kind.value}`" for branch in failed)
        yield Fault(at=at, code="PHX704", message=f"{_place(at)} needs {names}")
        return
    nearest = max(failed, key=lambda branch: max(len(nested.instance_path) for nested in branch))
    for nested in nearest:
        yield from _faults(nested, schema)


def _type_names(error: ValidationError) -> list[str]:
    types = error.kind.as_dict()["types"]
    return [str(name) for name in types]


def _bound(error: ValidationError) -> str:
    limit = error.kind.value
    words = {
        "pattern": f"does not match `{limit}`",
        "format": f"is not a `{limit}`",
        "minimum": f"is below {limit}",
        "maximum": f"is above {limit}",
        "exclusiveMinimum": f"is not above {limit}",
        "exclusiveMaximum": f"is not below {limit}",
        "multipleOf": f"is not a multiple of {limit}",
        "minLength": f"is shorter than {limit} characters",
        "maxLength": f"is longer than {limit} characters",
        "minItems": f"has fewer than {limit} items",
        "maxItems": f"has more than {limit} items",
        "minProperties": f"has fewer than {limit} fields",
        "maxProperties": f"has more than {limit} fields",
        "uniqueItems": "has an item twice",
        "not": "has a form that is excluded",
    }
    return words.get(error.kind.name, f"is refused by `{error.kind.name}`")


def _fields(schema: Schema, at: ObjectPath) -> list[str]:
    """The fields that a schema knows at a path of the instance."""
    node: Any = schema
    for step in (*at, None):
        while isinstance(node, dict) and "$ref" in node:
            node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
        if not isinstance(node, dict):
            return []
        if step is not None:
            properties = node.get("properties", {})
            below = node.get("items") if isinstance(step, int) else node.get("additionalProperties")
            node = properties.get(step, below)
    return sorted(node.get("properties", {}))


def _place(at: ObjectPath) -> str:
    return f"`{at[-1]}`" if at and isinstance(at[-1], str) else f"`{at[-2]}[{at[-1]}]`" if at else "the object"


def _kind_of(value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "null"
    name = "a string" if isinstance(value, str) else "a boolean" if isinstance(value, bool) else "a number"
    return f"{name} (`{_shown(value)}`)"


def _shown(value: object) -> str:
    """A value short enough for one line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shown = " ".join(str(value).split())
    return shown if len(shown) <= 60 else shown[:57] + "..."
