"""A small cluster that is right in every respect, for tests to break in one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from phoenix_gitops.artifact import Artifact, PolicyRef, Unit
from phoenix_gitops.verify import Facts, Finding, Located, Schemas, verify

Body = dict[str, Any]
MINOR = "1.34"
NS = "phoenix"
NAME = "app.kubernetes.io/name"
FOLDER = "prod/main/ingest"


def workload(kind: str = "Deployment", name: str = "gateway", **spec: Any) -> Body:
    labels = {NAME: name}
    body: Body = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NS, "labels": dict(labels)},
        "spec": {
            "selector": {"matchLabels": dict(labels)},
            "template": {
                "metadata": {"labels": {**labels, "app.kubernetes.io/part-of": "phoenix"}},
                "spec": {
                    "serviceAccountName": "gateway",
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "topology.kubernetes.io/zone",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": dict(labels)},
                        }
                    ],
                    "containers": [
                        {
                            "name": "collector",
                            "image": "registry.example.com:5000/otel/collector:0.150.0",
                            "env": [
                                {"name": "GOMEMLIMIT", "value": "819MiB"},
                                {
                                    "name": "LEVEL",
                                    "valueFrom": {"configMapKeyRef": {"name": "gateway-config", "key": "level"}},
                                },
                                {
                                    "name": "TOKEN",
                                    "valueFrom": {"secretKeyRef": {"name": "store-token", "key": "token"}},
                                },
                            ],
                            "ports": [
                                {"name": "otlp-grpc", "containerPort": 4317},
                                {"name": "otlp-http", "containerPort": 4318, "protocol": "TCP"},
                                {"name": "health", "containerPort": 13133},
                            ],
                            "readinessProbe": {"httpGet": {"path": "/", "port": "health"}},
                            "livenessProbe": {"httpGet": {"path": "/", "port": 13133}},
                            "resources": {
                                "requests": {"cpu": "500m", "memory": "1Gi"},
                                "limits": {"cpu": "1", "memory": "1Gi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [{"name": "config", "mountPath": "/conf"}],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "config",
                            "configMap": {
                                "name": "gateway-config",
                                "items": [{"key": "config.yaml", "path": "config.yaml"}],
                            },
                        }
                    ],
                },
            },
            **spec,
        },
    }
    return body


def obj(api: str, kind: str, name: str, namespace: str = NS, **fields: Any) -> Body:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


RBAC = "rbac.authorization.k8s.io"


def cluster() -> dict[str, Body]:
    """A name for each object -> the object."""
    selector = {"matchLabels": {NAME: "gateway"}}
    return {
        "namespace": {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NS, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        },
        "account": obj("v1", "ServiceAccount", "gateway"),
        "config": obj("v1", "ConfigMap", "gateway-config", data={"config.yaml": "a: 1\n", "level": "info"}),
        "gateway": workload(),
        "hpa": obj(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "gateway",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"},
                "minReplicas": 2,
                "maxReplicas": 6,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                    }
                ],
            },
        ),
        "pdb": obj(
            "policy/v1",
            "PodDisruptionBudget",
            "gateway",
            spec={
                "selector": selector,
                "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        ),
        "policy": obj(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "gateway",
            spec={
                "podSelector": selector,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"ports": [{"port": 4317, "protocol": "TCP"}]}],
                "egress": [
                    {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}
                ],
            },
        ),
        "service": obj(
            "v1",
            "Service",
            "gateway",
            spec={
                "selector": {NAME: "gateway"},
                "ports": [
                    {"name": "otlp-grpc", "port": 4317, "targetPort": "otlp-grpc"},
                    {"name": "otlp-http", "port": 80, "targetPort": 4318},
                ],
            },
        ),
        "role": obj(
            f"{RBAC}/v1",
            "ClusterRole",
            "phoenix:gateway",
            "",
            rules=[{"apiGroups": [""], "resources": ["pods", "nodes/metrics"], "verbs": ["get", "list"]}],
        ),
        "binding": obj(
            f"{RBAC}/v1",
            "ClusterRoleBinding",
            "phoenix:gateway",
            "",
            roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "phoenix:gateway"},
            subjects=[{"kind": "ServiceAccount", "name": "gateway", "namespace": NS}],
        ),
        "quota": obj("v1", "ResourceQuota", "quota", spec={"hard": {"requests.memory": "8Gi", "pods": "20"}}),
        "limits": obj(
            "v1",
            "LimitRange",
            "limits",
            spec={"limits": [{"type": "Container", "default": {"memory": "256Mi"}}]},
        ),
        "ingress": obj(
            "networking.k8s.io/v1",
            "Ingress",
            "gateway",
            spec={
                "rules": [
                    {
                        "http": {
                            "paths": [
                                {
                                    "path": "/v1/metrics",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "gateway", "port": {"name": "otlp-http"}}},
                                }
                            ]
                        }
                    }
                ]
            },
        ),
        "cron": obj(
            "batch/v1",
            "CronJob",
            "drill",
            spec={
                "schedule": "0 3 * * *",
                "concurrencyPolicy": "Forbid",
                "jobTemplate": {
                    "spec": {
                        "template": {
                            "metadata": {"labels": {NAME: "drill"}},
                            "spec": {
                                **workload()["spec"]["template"]["spec"],
                                "restartPolicy": "Never",
                            },
                        }
                    }
                },
            },
        ),
        "project": obj(
            "argoproj.io/v1alpha1",
            "AppProject",
            "prod-ingest",
            spec={
                "sourceRepos": ["https://git.example.com/gitops.git"],
                "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "phoenix*"}],
                "clusterResourceWhitelist": [
                    {"group": "", "kind": "Namespace"},
                    {"group": RBAC, "kind": "ClusterRole*"},
                ],
            },
        ),
        "application": obj(
            "argoproj.io/v1alpha1",
            "Application",
            "prod-main-ingest",
            spec={
                "project": "prod-ingest",
                "source": {
                    "repoURL": "https://git.example.com/gitops.git",
                    "path": f"generated/{FOLDER}",
                    "targetRevision": "refs/heads/main",
                    "directory": {"recurse": True},
                },
                "destination": {"server": "https://kubernetes.default.svc", "namespace": NS},
                "syncPolicy": {"retry": {"limit": 5, "backoff": {"duration": "10s", "maxDuration": "5m"}}},
            },
        ),
    }


def located(bodies: dict[str, Body]) -> list[Located]:
    unit = Unit("prod", "main", "ingest")
    policy = PolicyRef("Environment", "prod")
    return [
        Located(unit, Artifact(component="ingest", policy=policy, body=body), path_of(name))
        for name, body in bodies.items()
    ]


def path_of(name: str) -> str:
    folder = "prod/main/gitops" if name in {"project", "application"} else FOLDER
    return f"{folder}/{name}.yaml"


@lru_cache(maxsize=8)
def schemas(minor: str = MINOR, custom: Path | None = None) -> Schemas:
    return Schemas(minor, custom)


def broken(change: Callable[[dict[str, Body]], object], facts: Facts | None = None) -> tuple[Finding, ...]:
    """The findings on the good cluster after `change`; the note about kinds without schema left out."""
    bodies = copy.deepcopy(cluster())
    change(bodies)
    found = verify(located(bodies), facts or good_facts(), schemas())
    return tuple(finding for finding in found if finding.code != "PHX700")


def good_facts(**fields: Any) -> Facts:
    from phoenix_gitops.verify import ObjectRef

    return Facts(kubernetes=MINOR, external=frozenset({ObjectRef("Secret", NS, "store-token")}), **fields)


def pod(bodies: dict[str, Body]) -> Body:
    """The pod spec of the gateway."""
    return bodies["gateway"]["spec"]["template"]["spec"]


def container(bodies: dict[str, Body]) -> Body:
    return pod(bodies)["containers"][0]


def leaves(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path in a body but the top."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from leaves(child, (*at, key))
