"""What the gateway needs to reach what others run: keys by reference, and a way out through its NetworkPolicy."""

from __future__ import annotations

from phoenix_gitops.collector import names
from phoenix_gitops.collector.gateway import active_exports
from phoenix_gitops.emitters import network
from phoenix_gitops.model.external import Broker, External, MetricsStore, SecretRef, port_of
from phoenix_gitops.scope import EnvironmentScope


def used(env: EnvironmentScope) -> tuple[MetricsStore | None, Broker | None]:
    """The external store and broker, as far as an export that is on goes there."""
    exports = [export for pipeline in env.pipelines for export in active_exports(env, pipeline)]
    external = env.environment.spec.external
    store = external.metrics_store if any(export.metrics_store is not None for export in exports) else None
    return store, external.broker if any(export.kafka is not None for export in exports) else None


def secrets(env: EnvironmentScope) -> list[dict[str, object]]:
    """The keys that exports need, by reference to Secrets that exist."""
    variables = [
        _variable(names.secret_variable(pipeline.metadata.name, export.name), export.otlp_http.secret_ref)
        for pipeline in env.pipelines
        for export in active_exports(env, pipeline)
        if export.otlp_http is not None and export.otlp_http.secret_ref is not None
    ]
    store, broker = used(env)
    if store is not None and store.secret_ref is not None:
        variables.append(_variable(names.STORE_KEY, store.secret_ref))
    if broker is not None and broker.sasl is not None:
        variables.append(_variable(names.BROKER_PASSWORD, broker.sasl.password_ref))
    return variables


def _variable(name: str, secret: SecretRef) -> dict[str, object]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}


def external_egress(env: EnvironmentScope) -> list[network.Rule]:
    """The edges to the external store and broker."""
    store, broker = used(env)
    rules: list[network.Rule] = []
    if store is not None:
        rules += _edges(store, [port_of(store.url)])
    if broker is not None:
        rules += _edges(broker, sorted({port_of(address) for address in broker.brokers}))
    return rules


def _edges(external: External, ports: list[int]) -> list[network.Rule]:
    """To addresses at the ports that are named, to pods at the port that they listen on."""
    rules = []
    if external.ip_blocks:
        rules.append(network.egress(network.blocks(external.ip_blocks), network.tcp(*ports)))
    if external.namespace:
        pods = network.pods_in([external.namespace], external.pod_labels)
        behind = ports if external.pod_port is None else [external.pod_port]
        rules.append(network.egress([pods], network.tcp(*behind)))
    return rules
