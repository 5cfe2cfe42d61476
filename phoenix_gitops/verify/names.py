"""Names, labels and annotations: the rules that the API server has and its schemas do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from phoenix_gitops.verify.access import Mapping, mapping, pairs, texts
from phoenix_gitops.verify.finding import Fault, ObjectPath

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_PORT_NAME = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)

_ANNOTATIONS_LIMIT = 256 * 1024
_KEY_HELP = "a key is `[prefix/]name`: prefix a DNS name, name of at most 63 letters, digits, `-`, `_` and `.`"


@lru_cache(maxsize=8192)
def dns_label_fault(name: str) -> str:
    """Why `name` is no DNS-1123 label; empty if it is one."""
    if len(name) > 63:
        return f"has {len(name)} characters, of at most 63"
    return "" if _LABEL.fullmatch(name) else "is not a DNS label (lower-case letters, digits and `-`)"


@lru_cache(maxsize=8192)
def dns_subdomain_fault(name: str) -> str:
    """Why `name` is no DNS-1123 subdomain; empty if it is one."""
    if len(name) > 253:
        return f"has {len(name)} characters, of at most 253"
    if _SUBDOMAIN.fullmatch(name):
        return ""
    return "is not a DNS name (lower-case letters, digits, `-` and `.`)"


@lru_cache(maxsize=8192)
def service_name_fault(name: str) -> str:
    """Why `name` cannot name a Service (DNS-1035: it begins with a letter); empty if it can."""
    if len(name) > 63:
        return f"has {len(name)} characters, of at most 63"
    if _SERVICE.fullmatch(name):
        return ""
    return "is not a Service name (lower-case letters, digits and `-`, a letter first)"


def path_segment_fault(name: str) -> str:
    """Why `name` cannot be a segment of a URL path, as names in RBAC must; empty if it can."""
    if name in {".", ".."} or "/" in name or "%" in name:
        return "is not a path segment (no `/`, no `%`, not `.` or `..`)"
    return ""


@lru_cache(maxsize=1024)
def port_name_fault(name: str) -> str:
    """Why `name` is no IANA service name; empty if it is one."""
    if len(name) > 15:
        return f"has {len(name)} characters, of at most 15"
    if _PORT_NAME.fullmatch(name):
        return ""
    return "is not a port name (lower-case letters, digits and single `-` within, at least one letter)"


def config_key_fault(key: str) -> str:
    """Why `key` cannot be a key of a ConfigMap or Secret; empty if it can."""
    if key in {".", ".."} or len(key) > 253 or not _CONFIG_KEY.fullmatch(key):
        return "is not a valid key (letters, digits, `-`, `_` and `.`, at most 253)"
    return ""


@lru_cache(maxsize=8192)
def label_key_fault(key: str) -> str:
    """Why `key` cannot be the key of a label or annotation; empty if it can."""
    prefix, slash, name = key.rpartition("/")
    if slash and (fault := dns_subdomain_fault(prefix)):
        return f"has a prefix that {fault}"
    if len(name) > 63:
        return f"has a name of {len(name)} characters, of at most 63"
    return "" if _QUALIFIED.fullmatch(name) else "is not a qualified name"


@lru_cache(maxsize=8192)
def label_value_fault(value: str) -> str:
    """Why `value` cannot be a label's value; empty if it can."""
    if len(value) > 63:
        return f"has {len(value)} characters, of at most 63"
    if not value or _QUALIFIED.fullmatch(value):
        return ""
    return "is not a label value (letters, digits, `-`, `_` and `.`, a letter or digit at both ends)"


_BY_KIND: dict[tuple[str, str], Callable[[str], str]] = {
    ("", "Namespace"): dns_label_fault,
    ("", "Service"): service_name_fault,
    ("rbac.authorization.k8s.io", "Role"): path_segment_fault,
    ("rbac.authorization.k8s.io", "ClusterRole"): path_segment_fault,
    ("rbac.authorization.k8s.io", "RoleBinding"): path_segment_fault,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): path_segment_fault,
}
# The controller appends to these names: a revision hash as label value, a schedule time as Job name.
_LENGTHS: dict[tuple[str, str], int] = {
    ("apps", "StatefulSet"): 52,
    ("batch", "CronJob"): 52,
    ("batch", "Job"): 63,
}


def check_name(group: str, kind: str, metadata: Mapping) -> Iterator[Fault]:
    """The object's name and namespace against the rules of its kind."""
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        yield Fault(at=("metadata", "name"), code="PHX710", message=f"this {kind} has no name")
        return
    fault = _BY_KIND.get((group, kind), dns_subdomain_fault)(name)
    limit = _LENGTHS.get((group, kind), 253)
    if not fault and len(name) > limit:
        fault = f"has {len(name)} characters; the controller of a {kind} leaves room for {limit}"
    if fault:
        yield Fault(
            at=("metadata", "name"),
            code="PHX710",
            message=f"{kind} name `{name}` {fault}",
            help="shorten or rename the policy that names it",
        )
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace and (fault := dns_label_fault(namespace)):
        yield Fault(at=("metadata", "namespace"), code="PHX710", message=f"namespace `{namespace}` {fault}")


def check_labels(labels: object, at: ObjectPath) -> Iterator[Fault]:
    """Keys and values of labels, of a selector's `matchLabels` or of a node selector."""
    for key, value in pairs(labels):
        if label_key_fault(key) or label_value_fault(value):
            yield from check_label_key(key, (*at, key))
            yield from check_label_value(value, (*at, key))


def check_label_key(key: str, at: ObjectPath) -> Iterator[Fault]:
    """The key of one label."""
    if fault := label_key_fault(key):
        yield Fault(at=at, code="PHX711", message=f"label key `{key}` {fault}", help=_KEY_HELP)


def check_label_value(value: str, at: ObjectPath) -> Iterator[Fault]:
    """The value of one label."""
    if fault := label_value_fault(value):
        yield Fault(at=at, code="PHX711", message=f"label value `{value}` {fault}")


def check_annotations(annotations: object, at: ObjectPath) -> Iterator[Fault]:
    """Keys of annotations and their size in all."""
    size = 0
    for key, value in pairs(annotations):
        size += len(key.encode()) + len(value.encode())
        # The API server lowers annotation keys before it checks their prefix.
        if fault := label_key_fault(key.lower()):
            yield Fault(at=(*at, key), code="PHX712", message=f"annotation key `{key}` {fault}", help=_KEY_HELP)
    if size > _ANNOTATIONS_LIMIT:
        yield Fault(
            at=at,
            code="PHX712",
            message=f"annotations hold {size} bytes, of at most {_ANNOTATIONS_LIMIT}",
        )


def check_metadata(metadata: object, at: ObjectPath) -> Iterator[Fault]:
    """Labels, annotations and finalizers of an object or of a template."""
    data = mapping(metadata)
    yield from check_labels(data.get("labels"), (*at, "labels"))
    yield from check_annotations(data.get("annotations"), (*at, "annotations"))
    if not (finalizers := texts(data.get("finalizers"))):
        return
    for index, name in enumerate(finalizers):
        where = (*at, "finalizers", index)
        if fault := label_key_fault(name):
            yield Fault(at=where, code="PHX710", message=f"finalizer `{name}` {fault}", help=_KEY_HELP)
        elif name in finalizers[:index]:
            yield Fault(at=where, code="PHX718", message=f"finalizer `{name}` is given twice", help="keep one of them")
