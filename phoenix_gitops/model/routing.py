"""Alert routing: the Alertmanager of a cluster, and who is told of which alert."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from phoenix_gitops.model.base import Duration, LabelValue, Model, Name

Severity = Literal["critical", "warning", "info"]
"""How bad an alert is; routes go by it."""

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")

SecretKey = Annotated[
    str,
    Meta(
        pattern="^[-._a-zA-Z0-9]+$",
        description="The key in the Secret of contacts; its value is never in Git.",
        examples=["pager"],
    ),
]


class PagerDuty(Model, frozen=True, kw_only=True):
    """An integration of PagerDuty (Events API v2)."""

    key: Annotated[SecretKey, Meta(description="The Secret's key that holds the routing key.")]


class Slack(Model, frozen=True, kw_only=True):
    """A channel of Slack."""

    key: Annotated[SecretKey, Meta(description="The Secret's key that holds the address of the webhook.")]
    channel: Annotated[str, Meta(min_length=1, description="The channel or user.", examples=["#checkout-alerts"])]


class Webhook(Model, frozen=True, kw_only=True):
    """An address that Alertmanager posts to."""

    key: Annotated[SecretKey, Meta(description="The Secret's key that holds the address.")]


class Contact(Model, frozen=True, kw_only=True):
    """How somebody is told; all ways that are given are used."""

    pager_duty: Annotated[PagerDuty | None, Meta(description="PagerDuty.")] = None
    slack: Annotated[Slack | None, Meta(description="Slack.")] = None
    webhook: Annotated[Webhook | None, Meta(description="A webhook.")] = None
    silent: Annotated[
        bool, Meta(description="Nobody is told: the alert is seen in Alertmanager only. It stands alone.")
    ] = False

    @property
    def ways(self) -> dict[str, str]:
        """The ways that are given, as policies name them, with the Secret's key that each needs."""
        given = {"pagerDuty": self.pager_duty, "slack": self.slack, "webhook": self.webhook}
        return {name: way.key for name, way in given.items() if way is not None}


class Contacts(Model, frozen=True, kw_only=True):
    """Who is told, by how bad it is."""

    critical: Annotated[Contact | None, Meta(description="For what cannot wait.")] = None
    warning: Annotated[Contact | None, Meta(description="For what can wait until the morning.")] = None
    info: Annotated[Contact | None, Meta(description="For what is good to know.")] = None

    def of(self, severity: str) -> Contact | None:
        """Who is told of alerts of a severity; None where that is not said."""
        contact: Contact | None = getattr(self, severity, None)
        return contact

    @property
    def severities(self) -> tuple[Severity, ...]:
        """The severities for which it says who is told, worst first."""
        return tuple(severity for severity in SEVERITIES if self.of(severity) is not None)


class Grouping(Model, frozen=True, kw_only=True):
    """Which alerts come in one notification, and how often."""

    by: Annotated[
        list[Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]*$")]],
        Meta(min_length=1, description="Alerts that agree in these labels come together."),
    ] = msgspec.field(default_factory=lambda: ["alertname", "tenant_id", "severity"])
    wait: Annotated[Duration, Meta(description="Wait for further alerts before the first notification.")] = "30s"
    interval: Annotated[Duration, Meta(description="Wait before a notification of changes in a group.")] = "5m"
    repeat: Annotated[Duration, Meta(description="Time after which what still fires is told again.")] = "4h"


class Routing(Model, frozen=True, kw_only=True):
    """Who is told of alerts in an environment. A tenant's `contacts` stand before all of it."""

    secret: Annotated[
        Name,
        Meta(
            description="The Secret, in Alertmanager's namespace, with the keys that contacts name. The contacts of a tenant "
            "name keys of another one, `SECRET-TENANT`, and of no other."
        ),
    ] = "phoenix-contacts"  # noqa: S105 - the name of a Secret
    contacts: Annotated[Contacts, Meta(description="Who is told of what is nobody else's.")]
    owners: Annotated[
        dict[LabelValue, Contacts],
        Meta(
            description="Who is told instead of alerts of the platform's own SLOs and RuleSets, by their `metadata.owner`.",
            examples=[{"team-storage": {"warning": {"slack": {"key": "storage", "channel": "#storage"}}}}],
        ),
    ] = {}
    grouping: Annotated[Grouping, Meta(description="Which alerts come together, and how often.")] = Grouping()


class Alertmanager(Model, frozen=True, kw_only=True):
    """The Alertmanager of a cluster, which the Prometheus operator runs."""

    namespace: Annotated[Name, Meta(description="Its namespace; configs and Secrets of contacts lie there.")] = (
        "monitoring"
    )
    labels: Annotated[
        dict[str, LabelValue],
        Meta(
            description="Labels that its `alertmanagerConfigSelector` asks for.",
            examples=[{"alertmanagerConfig": "main"}],
        ),
    ] = {}
    matcher_strategy: Annotated[
        Literal["OnNamespace", "OnNamespaceExceptForAlertmanagerNamespace", "None"],
        Meta(
            description="Its `alertmanagerConfigMatcherStrategy`. With `OnNamespace`, the operator's default, a config sees "
            "only alerts whose label `namespace` is its own namespace, which is refused: most alerts have no such label."
        ),
    ] = "OnNamespace"
