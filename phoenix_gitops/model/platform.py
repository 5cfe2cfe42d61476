"""Platform (`phoenix.yaml`): what holds for the whole repository."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from phoenix_gitops.model.base import Duration, LabelValue, Metadata, Model, Money, Name, Patch
from phoenix_gitops.model.naming import Names, ObjectNames, PodLabels


class Repository(Model, frozen=True, kw_only=True):
    """Where the policies live in Git."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            pattern="^(https?|ssh|git|file)://[^ ]+$|^[^ @:/]+@[^ :]+:[^ ]+$",
            description="The repository's address, as the reconciler reaches it.",
            examples=["https://git.example.com/metrics/gitops.git"],
        ),
    ]
    branch: Annotated[str, Meta(min_length=1, description="The branch that pull requests merge into.")] = "main"


class Output(Model, frozen=True, kw_only=True):
    """Where the compiled tree is committed."""

    mode: Annotated[
        Literal["tree", "branch", "repo"],
        Meta(
            description="`tree`: `generated/` stands beside the policies. `branch`: a branch per environment of the same "
            "repository. `repo`: another repository."
        ),
    ] = "tree"
    branch: Annotated[
        str,
        Meta(
            min_length=1,
            description="The branch that holds an environment's tree; `{environment}` stands for its name.",
            examples=["env/{environment}"],
        ),
    ] = "env/{environment}"
    url: Annotated[str | None, Meta(description="The other repository's address; needed with mode `repo`.")] = None
    promoter: Annotated[
        bool,
        Meta(
            description="Whether GitOps Promoter carries trees from environment to environment: each is then pushed to its "
            "branch with `-next` behind it, with `hydrator.metadata` and a git note, as that tool's contract asks."
        ),
    ] = False


class ArgoCD(Model, frozen=True, kw_only=True):
    """The Argo CD that reconciles the compiled tree, if `reconciler` says so."""

    namespace: Annotated[Name, Meta(description="The namespace that Argo CD runs in.")] = "argocd"
    cluster: Annotated[
        Name,
        Meta(description="The cluster that Argo CD runs in; Applications and AppProjects are applied there."),
    ] = "management"
    server: Annotated[str, Meta(description="That cluster's API server as Argo CD itself addresses it.")] = (
        "https://kubernetes.default.svc"
    )


class Flux(Model, frozen=True, kw_only=True):
    """The Flux that reconciles the compiled tree, if `reconciler` says so."""

    namespace: Annotated[
        Name,
        Meta(
            description="The namespace that Flux runs in. A cluster that it reaches by a kubeconfig gets one of the same "
            "name, with the accounts that may apply each component."
        ),
    ] = "flux-system"
    cluster: Annotated[
        Name,
        Meta(description="The cluster that Flux runs in; GitRepositories and Kustomizations are applied there."),
    ] = "management"
    server: Annotated[
        str,
        Meta(
            description="That cluster's API server. A cluster of an environment with the same `server` needs no kubeconfig."
        ),
    ] = "https://kubernetes.default.svc"
    secret: Annotated[
        Name | None,
        Meta(
            description="The Secret, in Flux's namespace, with the credentials of the repository; absent: it needs none."
        ),
    ] = None
    poll: Annotated[Duration, Meta(description="Time between two looks at the repository.")] = "1m"
    interval: Annotated[
        Duration, Meta(description="Time after which a part is applied again, by which changes by hand are undone.")
    ] = "10m"
    timeout: Annotated[
        Duration,
        Meta(description="How long a part may take until all of its objects are healthy; then it counts as failed."),
    ] = "5m"
    resources: Annotated[
        dict[str, Annotated[str, Meta(pattern="^[a-z][a-z0-9]*$")]],
        Meta(
            description="Resource names of kinds that third-party emitters make, by `KIND.GROUP`, since rights go by them.",
            examples=[{"Widget.example.com": "widgets"}],
        ),
    ] = {}


Tag = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
        description="The exact tag. `latest` is refused.",
        examples=["0.159.0"],
    ),
]
Digest = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]


class Image(Model, frozen=True, kw_only=True):
    """A container image, pinned."""

    repository: Annotated[
        str,
        Meta(
            min_length=1,
            description="Registry and path, without a tag.",
            examples=["registry.example.com/otelcol"],
        ),
    ]
    tag: Tag
    digest: Annotated[
        Digest | None,
        Meta(
            description="The image's digest; maturity `production` asks for it.",
        ),
    ] = None

    @property
    def reference(self) -> str:
        """The image as a pod names it."""
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


class Release(Model, frozen=True, kw_only=True):
    """Another version of an image, from the same repository."""

    tag: Tag
    digest: Annotated[
        Digest | None,
        Meta(description="The digest of this version's image: that of another version is not taken over."),
    ] = None


class RingVersions(Model, frozen=True, kw_only=True):
    """The versions that a ring runs instead of the platform's."""

    collector: Annotated[Release | None, Meta(description="The OpenTelemetry Collector of this ring.")] = None


class Catalog(Model, frozen=True, kw_only=True):
    """Versions of what is deployed, in one place."""

    collector: Annotated[
        Image,
        Meta(
            description="The OpenTelemetry Collector. Configs and rules follow the tag's version, and are checked against its "
            "table of components: there is one for 0.152.1 and 0.159.0."
        ),
    ] = Image(repository="otel/opentelemetry-collector-contrib", tag="0.159.0")
    by_ring: Annotated[
        dict[Name, RingVersions],
        Meta(
            description="Versions of rings that are ahead of the others, by ring: `phoenix upgrade collector` moves one "
            "ring after the other, and the last of them the version above.",
            examples=[{"lab": {"collector": {"tag": "0.159.0"}}}],
        ),
    ] = {}

    def in_ring(self, ring: str) -> Catalog:
        """What the environments of a ring run; the empty string stands for those of no ring."""
        own = self.by_ring.get(ring)
        release = own.collector if own else None
        collector = replace(self.collector, tag=release.tag, digest=release.digest) if release else self.collector
        return replace(self, collector=collector, by_ring={})


class Prices(Model, frozen=True, kw_only=True):
    """What things cost; cost rules and reports are computed from these."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code of all prices.")] = "USD"
    per_million_points: Annotated[Money, Meta(description="Price of a million ingested datapoints.")] = "0.10"
    per_gigabyte_stored: Annotated[Money, Meta(description="Price of a gigabyte stored for a month.")] = "0.05"
    per_core_month: Annotated[Money, Meta(description="Price of a CPU core for a month.")] = "50"
    per_gibibyte_month: Annotated[Money, Meta(description="Price of a GiB of memory for a month.")] = "10"


class Conventions(Model, frozen=True, kw_only=True):
    """Names and labels that an organisation already uses. Selectors cannot change later: decide them first."""

    namespace_prefix: Annotated[
        Name, Meta(description="Namespaces of the platform's own components begin with it.")
    ] = "phoenix"
    names: Annotated[ObjectNames, Meta(description="What the platform's own objects are called.")] = ObjectNames()
    pod_labels: Annotated[
        PodLabels, Meta(description="The labels by which collectors are selected, before they are.")
    ] = PodLabels()
    labels: Annotated[
        dict[str, LabelValue],
        Meta(description="Labels put on every object.", examples=[{"cost-unit": "metrics"}]),
    ] = {}
    annotations: Annotated[
        dict[str, str],
        Meta(description="Annotations put on every object.", examples=[{"example.com/runbook": "metrics"}]),
    ] = {}
    alert_labels: Annotated[
        dict[Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")], str],
        Meta(
            description="Labels put on every alert, by which your Alertmanager routes; `{environment}` and `{cluster}` stand "
            "for the names. A label that a rule sets itself stays.",
            examples=[{"env": "{environment}"}],
        ),
    ] = {}

    def names_of(self, environment: str) -> Names:
        """The names that hold in an environment."""
        return Names(self.names, self.namespace_prefix, environment)


PolicyKind = Literal[
    "Platform",
    "Environment",
    "Tenant",
    "TenantClass",
    "Pipeline",
    "MetricCatalog",
    "ControlPolicy",
    "SLO",
    "RuleSet",
    "SecurityPolicy",
    "Account",
]
"""The kinds by name: `model.KINDS` knows this module, so it cannot be asked."""


class Approval(Model, frozen=True, kw_only=True):
    """Whose approval a change needs; each part that is given narrows it."""

    kinds: Annotated[
        list[PolicyKind], Meta(description="Kinds of policies; empty means all.", examples=[["Tenant", "TenantClass"]])
    ] = []
    fields: Annotated[
        list[Annotated[str, Meta(min_length=1, pattern="^[A-Za-z0-9_*-]+([.][A-Za-z0-9_*-]+)*$")]],
        Meta(
            description="Fields, from the top: `*` stands for one step or part of it, `**` for any; empty means all.",
            examples=[["spec.quotas.*"]],
        ),
    ] = []
    raised_by: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(
            description="Only amounts that grow by more than this share of what they were (0.5: by half), or that had no "
            "figure, or have none any more.",
            examples=[0.5],
        ),
    ] = None
    paths: Annotated[
        list[Annotated[str, Meta(min_length=1, pattern="^[A-Za-z0-9_*][A-Za-z0-9_.*/-]*$")]],
        Meta(
            description="Files instead of fields: `*` stands for part of a name, `**` for folders. They go into "
            "CODEOWNERS as well.",
            examples=[["policies/guardrails/**"]],
        ),
    ] = []
    owners: Annotated[
        list[LabelValue], Meta(min_length=1, description="Who must approve: one of each.", examples=[["team-metrics"]])
    ]


class Review(Model, frozen=True, kw_only=True):
    """Who is asked about a change, besides the owner of each policy that it changes."""

    code_owner: Annotated[
        str,
        Meta(
            pattern="^@[A-Za-z0-9_./-]*[{]owner[}]$",
            description="How the forge calls an owner, for CODEOWNERS; `{owner}` stands for `metadata.owner`.",
            examples=["@example/{owner}"],
        ),
    ] = "@{owner}"
    approvals: Annotated[list[Approval], Meta(description="Further approvals.")] = []


class PlatformSpec(Model, frozen=True, kw_only=True):
    """What holds for the whole repository."""

    version: Annotated[
        str,
        Meta(
            pattern="^[0-9]+[.][0-9]+[.][0-9]+$",
            description="The exact version of the compiler; another one refuses to run.",
            examples=["0.1.0"],
        ),
    ]
    repository: Annotated[Repository, Meta(description="Where the policies live in Git.")]
    output: Annotated[Output, Meta(description="Where the compiled tree is committed.")] = Output()
    reconciler: Annotated[
        Literal["argocd", "flux"],
        Meta(description="What keeps clusters equal to the compiled tree. Settings of the other one are refused."),
    ] = "argocd"
    argocd: Annotated[ArgoCD, Meta(description="Where Argo CD runs.")] = ArgoCD()
    flux: Annotated[Flux, Meta(description="Where Flux runs, and how often it looks.")] = Flux()
    catalog: Annotated[Catalog, Meta(description="Images and versions of what is deployed.")] = Catalog()
    prices: Annotated[Prices, Meta(description="Prices behind cost rules and reports.")] = Prices()
    conventions: Annotated[Conventions, Meta(description="Names and labels that hold everywhere.")] = Conventions()
    review: Annotated[Review, Meta(description="Who is asked about a change.")] = Review()
    rings: Annotated[
        list[Name],
        Meta(description="Rings in the order in which a change reaches them.", examples=[["canary", "stable"]]),
    ] = []
    emitters: Annotated[
        list[str],
        Meta(description="Third-party emitters to load, by entry point name (group `phoenix_gitops.emitters`)."),
    ] = []
    overrides: Annotated[list[Patch], Meta(description="Changes to rendered objects, in every environment.")] = []

    @property
    def home(self) -> ArgoCD | Flux:
        """Where the reconciler runs: its namespace, its cluster, and how it addresses that."""
        return self.flux if self.reconciler == "flux" else self.argocd


class Platform(Model, frozen=True, kw_only=True):
    """Compiler version, repository, catalog, prices and conventions: one a repository, in `phoenix.yaml`."""

    metadata: Metadata
    spec: PlatformSpec
