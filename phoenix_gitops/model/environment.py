"""Environment: clusters with their facts, and which policies hold there."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from phoenix_gitops.model.base import (
    Cidr,
    Duration,
    LabelValue,
    Metadata,
    Model,
    Money,
    Name,
    Patch,
    Port,
    Replicas,
    Resources,
    reference,
)
from phoenix_gitops.model.components import Components, Manage
from phoenix_gitops.model.dashboard import Dashboards, Grafana
from phoenix_gitops.model.external import Externals
from phoenix_gitops.model.routing import Alertmanager, Routing

Component = Literal[
    "gitops",
    "tenancy",
    "ingest",
    "stream",
    "storage",
    "rules",
    "control",
    "security",
    "resilience",
    "observability",
    "delivery",
    "finops",
    "local",
]
"""A component of the output; the same names as `artifact.COMPONENTS`."""

BuiltinCatalog = Literal[
    "argo-cd",
    "cadvisor",
    "kafka-exporter",
    "kube-state-metrics",
    "kubelet",
    "node-exporter",
    "opencost",
    "prometheus",
    "victoria-metrics",
    "vmagent",
    "vmalert",
]
"""A component whose metrics are built in; the same names as `catalogue.builtin.TABLES`."""


class Dns(Model, frozen=True, kw_only=True):
    """How pods reach DNS. Name either the pods that serve it or, with a node-local cache, its addresses."""

    ip_blocks: Annotated[
        list[Cidr],
        Meta(description="Addresses of a node-local cache, which is no pod.", examples=[["169.254.20.10/32"]]),
    ] = []
    namespace: Annotated[str, Meta(description="The namespace of the DNS pods.")] = "kube-system"
    pod_labels: Annotated[dict[str, str], Meta(description="Labels of the DNS pods.")] = msgspec.field(
        default_factory=lambda: {"k8s-app": "kube-dns"}
    )
    port: Annotated[
        Port,
        Meta(
            description="The port that the DNS pods listen on, which is not the Service's everywhere (OpenShift: 5353)."
        ),
    ] = 53


class ApiServer(Model, frozen=True, kw_only=True):
    """How pods reach the API server, which runs on the host network: no pod selector finds it."""

    ip_blocks: Annotated[
        list[Cidr],
        Meta(
            min_length=1,
            description="The addresses of the API server itself (the endpoints of the Service `kubernetes`).",
            examples=[["10.0.0.1/32"]],
        ),
    ]
    port: Annotated[Port, Meta(description="The port that the API server listens on.")] = 443


class Scraper(Model, frozen=True, kw_only=True):
    """The pods that scrape the platform. They alone reach its metrics ports, which show every tenant's series."""

    namespace: Annotated[str, Meta(description="Their namespace.")] = "monitoring"
    pod_labels: Annotated[dict[str, str], Meta(description="Their labels.")] = msgspec.field(
        default_factory=lambda: {"app.kubernetes.io/name": "prometheus"}
    )


class ClusterCapacity(Model, frozen=True, kw_only=True):
    """What a cluster's metrics storage can hold."""

    active_series: Annotated[int, Meta(ge=1, description="Active series that it can hold.")]


class Provides(Model, frozen=True, kw_only=True):
    """Operators and add-ons of a cluster, with their versions; an absent one is not there."""

    prometheus_operator: Annotated[
        Annotated[str, Meta(pattern="^[0-9]+[.][0-9]+([.][0-9]+)?$")] | None,
        Meta(
            description="Prometheus operator: rules and scrape targets become its objects.",
            examples=["0.93"],
        ),
    ] = None


class KubeConfig(Model, frozen=True, kw_only=True):
    """A Secret, in Flux's namespace where Flux runs, with a kubeconfig of a cluster."""

    secret: Annotated[Name, Meta(description="The Secret.")]
    key: Annotated[
        Annotated[str, Meta(pattern="^[-._a-zA-Z0-9]+$")] | None,
        Meta(description="The key in it; absent: `value` or `value.yaml`, as Flux looks."),
    ] = None


class Cluster(Model, frozen=True, kw_only=True):
    """A fact sheet of one cluster. A fact that an output needs and that is missing is an error, not a guess."""

    name: Annotated[Name, Meta(description="The cluster's name, unique in the environment.")]
    server: Annotated[
        str,
        Meta(
            pattern="^https://[^ ]+$",
            description="The API server as the reconciler addresses it.",
            examples=["https://kubernetes.default.svc"],
        ),
    ]
    kube_config: Annotated[
        KubeConfig | None,
        Meta(
            description="How Flux reaches the cluster, unless it runs there; Argo CD has secrets of its own for that."
        ),
    ] = None
    kubernetes: Annotated[
        str,
        Meta(
            pattern="^1[.][0-9]{2}$",
            description="Kubernetes minor version; objects are checked against its schemas.",
            examples=["1.34"],
        ),
    ]
    region: Annotated[LabelValue, Meta(description="The region that the cluster lies in.")] = ""
    zones: Annotated[
        list[str], Meta(description="Availability zones of its nodes.", examples=[["eu-1a", "eu-1b"]])
    ] = []
    provides: Annotated[Provides, Meta(description="Operators and add-ons that the cluster runs.")] = Provides()
    discovery_labels: Annotated[
        dict[str, LabelValue],
        Meta(
            description="Labels without which the Prometheus operator ignores a rule or a target.",
            examples=[{"release": "kube-prometheus"}],
        ),
    ] = {}
    dns: Annotated[Dns | None, Meta(description="How pods reach DNS; network policies need it.")] = None
    api_server: Annotated[
        ApiServer | None, Meta(description="How pods reach the API server; network policies need it.")
    ] = None
    scraper: Annotated[
        Scraper | None,
        Meta(description="Who scrapes the platform's metrics; network policies let nobody else in."),
    ] = None
    alertmanager: Annotated[
        Alertmanager | None, Meta(description="The Alertmanager that its alerts go to; `routing` needs it.")
    ] = None
    grafana: Annotated[
        Grafana | None, Meta(description="The Grafana that shows dashboards; `dashboards` needs it.")
    ] = None
    capacity: Annotated[ClusterCapacity | None, Meta(description="What its metrics storage can hold.")] = None


class Telemetry(Model, frozen=True, kw_only=True):
    """How often things are measured."""

    scrape_interval: Annotated[Duration, Meta(description="Time between two scrapes.")] = "15s"
    evaluation_interval: Annotated[Duration, Meta(description="Time between two evaluations of a rule group.")] = "30s"
    max_series_per_rule: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description="A rule may read at most so many series, as far as the bounds of its metrics tell; absent: any.",
            examples=[100000],
        ),
    ] = None


class Agent(Model, frozen=True, kw_only=True):
    """The collector on every node."""

    resources: Annotated[Resources, Meta(description="Requests and limits of the agent.")] = Resources(
        cpu_request="100m", memory_request="256Mi", cpu_limit="500m", memory_limit="512Mi"
    )


class Gateway(Model, frozen=True, kw_only=True):
    """The collector that agents and workloads send to."""

    replicas: Annotated[Replicas, Meta(description="How many replicas run.")] = Replicas()
    resources: Annotated[Resources, Meta(description="Requests and limits of a replica.")] = Resources(
        cpu_request="500m", memory_request="1Gi", cpu_limit="1", memory_limit="1Gi"
    )


class Retry(Model, frozen=True, kw_only=True):
    """How a failed sync is retried."""

    limit: Annotated[int, Meta(ge=0, le=100, description="Attempts of Argo CD; Flux never gives up.")] = 5
    backoff: Annotated[
        Duration, Meta(description="Wait before the second attempt. Argo CD doubles it each time, Flux does not.")
    ] = "10s"
    max_backoff: Annotated[Duration, Meta(description="The longest wait of Argo CD.")] = "5m"


class Sync(Model, frozen=True, kw_only=True):
    """How the reconciler keeps clusters equal to Git."""

    automated: Annotated[
        bool,
        Meta(
            description="Whether a commit is applied without being asked. Under Flux the other way is to be suspended."
        ),
    ] = True
    self_heal: Annotated[
        bool, Meta(description="Whether a change by hand in the cluster is undone, as Flux always does.")
    ] = True
    prune: Annotated[bool, Meta(description="Whether what left Git is deleted in the cluster.")] = True
    keep: Annotated[
        list[Component],
        Meta(
            description="Components that are never pruned automatically, whatever `prune` says.",
            examples=[["ingest"]],
        ),
    ] = []
    retry: Annotated[Retry, Meta(description="How a failed sync is retried.")] = Retry()


UNHELD: Final = "gitops"
"""The component that no hold reaches."""


class Hold(Model, frozen=True, kw_only=True):
    """A part of an environment that is left as it is for a while, as in an incident."""

    target: Annotated[
        str,
        Meta(
            pattern="^([*]|[a-z0-9][-a-z0-9]*)/([*]|[a-z]+)$",
            description="What is held, as CLUSTER/COMPONENT; `*` stands for all. It is not applied by itself, "
            "and files of it that were edited by hand are kept.",
            examples=["main/ingest", "*/*"],
        ),
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=200, description="Why; whatever is held says it.")]
    until: Annotated[
        str,
        Meta(
            pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            description="The last day that was meant, as YYYY-MM-DD in UTC. It lifts nothing: `--now` says what is over.",
            examples=["2026-12-01"],
        ),
    ]


class Budget(Model, frozen=True, kw_only=True):
    """What an environment may use."""

    active_series: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Active series over all tenants.")] = (
        None
    )
    overcommit: Annotated[
        float, Meta(ge=1, le=10, description="How far the sum of tenants' quotas may exceed `activeSeries`.")
    ] = 1.0
    monthly_cost: Annotated[Money | None, Meta(description="Cost a month, in the platform's currency.")] = None


class EnvironmentSpec(Model, frozen=True, kw_only=True):
    """Clusters and the policies that hold in them."""

    class_: Annotated[Literal["dev", "staging", "prod", "reference"], Meta(description="What the environment is for.")]
    clusters: Annotated[
        list[Cluster],
        Meta(min_length=1, description="Its clusters.", extra_json_schema={"x-phoenix-merge-key": "name"}),
    ]
    ring: Annotated[str, Meta(description="One of the platform's rings.")] = ""
    maturity: Annotated[
        Literal["foundation", "production", "enterprise"],
        Meta(description="A level that fails to compile while something that it requires is missing."),
    ] = "foundation"
    residency: Annotated[
        LabelValue, Meta(description="The jurisdiction in which all of its clusters lie.", examples=["eu"])
    ] = ""
    edge: Annotated[
        Name, Meta(description="The pipeline of the node agent.", extra_json_schema=reference("Pipeline"))
    ] = "edge"
    pipelines: Annotated[
        list[Annotated[Name, Meta(extra_json_schema=reference("Pipeline"))]],
        Meta(description="The pipelines of the gateway; each sees everything that arrives."),
    ] = msgspec.field(default_factory=lambda: ["full", "optimized"])
    control: Annotated[
        Name | None,
        Meta(
            description="The control policy that picks the profile; absent: none.",
            extra_json_schema=reference("ControlPolicy"),
        ),
    ] = None
    security: Annotated[
        Name, Meta(description="The security policy.", extra_json_schema=reference("SecurityPolicy"))
    ] = "standard"
    components: Annotated[
        Components, Meta(description="How much of each component is compiled, beside what exists already.")
    ] = Components()
    external: Annotated[
        Externals, Meta(description="What somebody else runs and this environment's pipelines send to.")
    ] = Externals()
    exports: Annotated[
        list[str],
        Meta(
            description="Optional exports of the pipelines that are switched on here.",
            examples=[["newrelic"]],
        ),
    ] = []
    catalogs: Annotated[
        list[BuiltinCatalog],
        Meta(
            description="Other components that run in its clusters and that their Prometheus scrapes. What they emit is "
            "built in, so that rules of the platform can read it.",
            examples=[["kube-state-metrics", "cadvisor"]],
        ),
    ] = []
    telemetry: Annotated[Telemetry, Meta(description="Scrape and evaluation intervals.")] = Telemetry()
    agent: Annotated[Agent, Meta(description="The collector on every node.")] = Agent()
    gateway: Annotated[Gateway, Meta(description="The collector that agents send to.")] = Gateway()
    routing: Annotated[
        Routing | None,
        Meta(
            description="Who is told of alerts; absent: Alertmanager's own configuration says, and no route is compiled."
        ),
    ] = None
    dashboards: Annotated[
        Dashboards | None,
        Meta(description="Dashboards that its clusters get, those of RuleSets included; absent: none."),
    ] = None
    sync: Annotated[Sync, Meta(description="How the reconciler keeps the clusters equal to Git.")] = Sync()
    holds: Annotated[list[Hold], Meta(description="Parts that are left as they are for a while.")] = []
    budget: Annotated[Budget, Meta(description="What the environment may use.")] = Budget()
    overrides: Annotated[list[Patch], Meta(description="Changes to rendered objects of this environment.")] = []


class Environment(Model, frozen=True, kw_only=True):
    """A set of clusters that are compiled, checked, reviewed and published together."""

    metadata: Metadata
    spec: EnvironmentSpec

    def manages(self, component: str) -> Manage:
        """How much of a component is compiled."""
        return self.spec.components.manages(component)

    def hold(self, cluster: str, component: str) -> Hold | None:
        """The first hold that reaches a component of a cluster; none reaches `gitops`.

        The reconciler must go on applying what says so, or no hold could be lifted.
        """
        if component == UNHELD:
            return None
        for hold in self.spec.holds:
            where, _, what = hold.target.partition("/")
            if where in ("*", cluster) and what in ("*", component):
                return hold
        return None
