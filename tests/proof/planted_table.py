"""The table of faults to plant: `docs/planted-faults.md` is written from it."""

# ruff: noqa: E501 - a row of a table reads better on one line.
from __future__ import annotations

from typing import Any

from tests.proof.planted import Body, Change, Path, Planted, beside, drop, put, twice

NOT_OURS_TO_SEE = "only what is in the cluster already tells"
RUNS_LATER = "it shows when something runs, or never"
BY_CEL = "a rule in CEL of its CRD; no kind that we emit has one"

GATEWAY = "Deployment phoenix-gateway/gateway"
AGENT = "DaemonSet phoenix-agents/agent"
SERVICE = "Service phoenix-gateway/gateway"
HPA = "HorizontalPodAutoscaler phoenix-gateway/gateway"
PDB = "PodDisruptionBudget phoenix-gateway/gateway"
NETPOL = "NetworkPolicy phoenix-gateway/gateway"
MONITOR = "PodMonitor phoenix-gateway/gateway"
RULES = "PrometheusRule phoenix-rules/control"
ROLE = "Role payments/tenant-editor"
BINDING = "RoleBinding payments/tenant-editor"
RIGHTS = "ClusterRole phoenix-agents"
GRANT = "ClusterRoleBinding phoenix-agents"
QUOTA = "ResourceQuota payments/tenant"
LIMITS = "LimitRange payments/tenant"
NAMESPACE = "Namespace phoenix-gateway"
CONFIG = "ConfigMap phoenix-gateway/gateway-*"
ACCOUNT = "ServiceAccount phoenix-gateway/gateway"
APPLICATION = "Application argocd/prod-eu-eu-central-1-ingest"
PROJECT = "AppProject argocd/prod-eu-ingest"

SPEC: Path = ("spec", "template", "spec")
BOX: Path = (*SPEC, "containers", 0)
PEER: Path = ("spec", "ingress", 0, "from", 0)


def box(*path: Any) -> Change:
    return put(*BOX, *path)


def _cron_job(**fields: Any) -> Change:
    def make(body: Body) -> Body:
        pod = {**body["spec"]["template"]["spec"], "restartPolicy": "Never"}
        pod.pop("topologySpreadConstraints")
        job = {"spec": {"template": {"metadata": body["spec"]["template"]["metadata"], "spec": pod}}}
        return {"spec": {"schedule": "0 3 * * *", "jobTemplate": job, **fields}}

    return beside("batch/v1", "CronJob", make)


def _ingress(**fields: Any) -> Change:
    def make(body: Body) -> Body:
        backend = {"service": {"name": body["metadata"]["name"], "port": {"name": body["spec"]["ports"][0]["name"]}}}
        path = {"path": "/v1/metrics", "pathType": "Prefix", "backend": backend, **fields}
        return {"spec": {"rules": [{"http": {"paths": [path]}}]}}

    return beside("networking.k8s.io/v1", "Ingress", make)


def _service_monitor(**endpoint: Any) -> Change:
    def make(body: Body) -> Body:
        return {"spec": {"selector": body["spec"]["selector"], "endpoints": [{"port": "telemetry", **endpoint}]}}

    return beside("monitoring.coreos.com/v1", "ServiceMonitor", make)


def _claim(**spec: Any) -> Change:
    resources = {"requests": {"storage": "5Gi"}}
    return beside(
        "v1",
        "PersistentVolumeClaim",
        lambda _: {"spec": {"accessModes": ["ReadWriteOnce"], "resources": resources, **spec}},
    )


def _several_ports(body: Body) -> None:
    del body["spec"]["ports"][0]["name"]


def _ten_minutes(body: Body) -> None:
    body["spec"]["syncPolicy"]["retry"]["backoff"]["maxDuration"] = "10 minutes"


def _another_role(body: Body) -> None:
    body["roleRef"]["name"] = "tenant-viewer"


def _another_selector(body: Body) -> None:
    labels = {"app.kubernetes.io/name": body["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]}
    body["spec"]["selector"] = {"matchLabels": labels}


def _too_long(body: Body) -> None:
    body["data"]["config.yaml"] = "x" * (1024 * 1024 + 1)


FORM: tuple[Planted, ...] = (
    Planted(fault="a field of the wrong type", of=GATEWAY, change=put("spec", "minReadySeconds", "two"), code="PHX705", said=".spec.minReadySeconds: expected numeric (int or float), got string"),
    Planted(fault="an unknown field", of=GATEWAY, change=box("imagee", "x:1"), code="PHX703", said="imagee: field not declared in schema"),
    Planted(fault="an unknown field of a custom resource", of=MONITOR, change=put("spec", "podMetricsEndpoints", 0, "intervall", "15s"), code="PHX703", said=".spec.podMetricsEndpoints[0].intervall: field not declared in schema"),
    Planted(fault="a missing field", of=GATEWAY, change=drop("spec", "selector"), code="PHX704", said="spec.selector: Required value"),
    Planted(fault="a missing field of a custom resource", of=MONITOR, change=drop("spec", "selector"), code="PHX704", said="spec.selector: Required value"),
    Planted(fault="null in a list", of=GATEWAY, change=box("env", 0, None), code="PHX705", said="env: element 0: associative list with keys may not have a null element"),
    Planted(fault="a version that is no longer served", of=PDB, change=put("apiVersion", "policy/v1beta1"), code="PHX702", said='no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"'),
    Planted(fault="a version that the CRD does not serve", of=MONITOR, change=put("apiVersion", "monitoring.coreos.com/v2"), code="PHX702", said='no matches for kind "PodMonitor" in version "monitoring.coreos.com/v2"'),
    Planted(fault="a kind that does not exist", of=GATEWAY, change=put("kind", "Deploymnet"), code="PHX701", said='no matches for kind "Deploymnet" in version "apps/v1"'),
    Planted(fault="a custom kind that does not exist", of=MONITOR, change=put("kind", "PodScraper"), code="PHX701", said='no matches for kind "PodScraper" in version "monitoring.coreos.com/v1"'),
    Planted(fault="a name that is no DNS name", of=GATEWAY, change=put("metadata", "name", "Gate_way"), code="PHX710", said='metadata.name: Invalid value: "Gate_way": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\''),
    Planted(fault="a name of 254 characters", of=ACCOUNT, change=put("metadata", "name", "x" * 254), code="PHX710", said="must be no more than 253 characters"),
    Planted(fault="a label's value of 64 characters", of=GATEWAY, change=put("metadata", "labels", "team", "x" * 64), code="PHX711", said="must be no more than 63 bytes"),
    Planted(fault="a label's value with a space", of=GATEWAY, change=put(*SPEC[:-1], "metadata", "labels", "team", "a b"), code="PHX711", said='spec.template.labels: Invalid value: "a b": a valid label must be an empty string or consist of alphanumeric characters, \'-\', \'_\' or \'.\''),
    Planted(fault="a label's key of two slashes", of=GATEWAY, change=put("metadata", "labels", "a/b/c", "x"), code="PHX711", said='metadata.labels: Invalid value: "a/b/c": a valid label key must consist of alphanumeric characters, \'-\', \'_\' or \'.\''),
    Planted(fault="an annotation's key with a space", of=GATEWAY, change=put("metadata", "annotations", "a b", "x"), code="PHX712", said='metadata.annotations: Invalid value: "a b": name part must consist of alphanumeric characters, \'-\', \'_\' or \'.\''),
    Planted(fault="annotations of more than 256 KiB", of=GATEWAY, change=put("metadata", "annotations", "a", "x" * 262145), code="PHX712", said="metadata.annotations: Too long: may not be more than 262144 bytes"),
    Planted(fault="a finalizer that is no qualified name", of=APPLICATION, change=put("metadata", "finalizers", ["no such/thing/"]), code="PHX710", said='metadata.finalizers: Invalid value: "no such/thing/": a valid label key must consist of alphanumeric characters, \'-\', \'_\' or \'.\''),
    Planted(fault="no namespace on a namespaced object", of=GATEWAY, change=drop("metadata", "namespace"), code="PHX730", said="the server could not find the requested resource"),
    Planted(fault="a namespace that does not exist", of=GATEWAY, change=put("metadata", "namespace", "phoenix-gatway"), code="PHX741", said='namespaces "phoenix-gatway" not found'),
)  # fmt: skip

PODS: tuple[Planted, ...] = (
    Planted(fault="a selector that misses the template", of=GATEWAY, change=put("spec", "selector", "matchLabels", "app.kubernetes.io/name", "gate"), code="PHX724", said="`selector` does not match template `labels`"),
    Planted(fault="an empty selector", of=AGENT, change=put("spec", "selector", {}), code="PHX724", said="empty selector is invalid for daemonset"),
    Planted(fault="an operator that a selector does not have", of=GATEWAY, change=put("spec", "selector", "matchExpressions", [{"key": "a", "operator": "Is", "values": ["b"]}]), code="PHX706", said='spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator'),
    Planted(fault="a container twice", of=GATEWAY, change=twice(*SPEC, "containers"), code="PHX718", said='containers: duplicate entries for key [name="collector"]'),
    Planted(fault="a port's name twice", of=GATEWAY, change=box("ports", 1, "name", "otlp-grpc"), code="PHX718", said='ports[1].name: Duplicate value: "otlp-grpc"'),
    Planted(fault="a variable twice", of=GATEWAY, change=twice(*BOX, "env"), code="PHX718", said='env: duplicate entries for key [name="GOMEMLIMIT"]'),
    Planted(fault="a variable of two sources", of=GATEWAY, change=box("env", 1, "valueFrom", "fieldRef", {"fieldPath": "metadata.name"}), code="PHX718", said='env[1].valueFrom: Invalid value: "": may not have more than one field specified at a time'),
    Planted(fault="a variable of a field that no pod has", of=AGENT, change=box("env", 1, "valueFrom", "fieldRef", "fieldPath", "spec.node"), code="PHX706", said='env[1].valueFrom.fieldRef.fieldPath: Invalid value: "spec.node": error converting fieldPath: field label not supported: spec.node'),
    Planted(fault="a mount of a volume that is not there", of=GATEWAY, change=box("volumeMounts", 0, "name", "confg"), code="PHX719", said='volumeMounts[0].name: Not found: "confg"'),
    Planted(fault="a mount's propagation", of=AGENT, change=box("volumeMounts", 1, "mountPropagation", "FromHost"), code="PHX706", said='volumeMounts.mountPropagation: Unsupported value: "FromHost"'),
    Planted(fault="a volume of two sources", of=GATEWAY, change=put(*SPEC, "volumes", 0, "emptyDir", {}), code="PHX718", said="volumes[0].configMap: Forbidden: may not specify more than 1 volume type"),
    Planted(fault="a volume without the name of its ConfigMap", of=GATEWAY, change=put(*SPEC, "volumes", 0, "configMap", {}), code="PHX704", said="volumes[0].configMap.name: Required value"),
    Planted(fault="a probe of two handlers", of=GATEWAY, change=box("livenessProbe", "exec", {"command": ["true"]}), code="PHX718", said="livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type"),
    Planted(fault="a probe of no handler", of=GATEWAY, change=drop(*BOX, "livenessProbe", "httpGet"), code="PHX704", said="livenessProbe: Required value: must specify a handler type"),
    Planted(fault="a probe's negative period", of=GATEWAY, change=box("livenessProbe", "periodSeconds", -1), code="PHX706", said="livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"),
    Planted(fault="port 99999", of=GATEWAY, change=box("ports", 0, "containerPort", 99999), code="PHX715", said="ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive"),
    Planted(fault="a port's name of 16 letters", of=GATEWAY, change=box("ports", 0, "name", "a-very-long-name"), code="PHX715", said='ports[0].name: Invalid value: "a-very-long-name": must be no more than 15 characters'),
    Planted(fault="a protocol that is none", of=GATEWAY, change=box("ports", 0, "protocol", "HTTP"), code="PHX706", said='ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'),
    Planted(fault="a quantity that is none", of=GATEWAY, change=box("resources", "limits", "memory", "4 gigs"), code="PHX713", said="quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    Planted(fault="a negative quantity", of=GATEWAY, change=box("resources", "requests", "cpu", "-1"), code="PHX713", said='resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
    Planted(fault="a request above its limit", of=GATEWAY, change=box("resources", "requests", "memory", "5Gi"), code="PHX714", said='resources.requests: Invalid value: "5Gi": must be less than or equal to memory limit of 4Gi'),
    Planted(fault="a resource that containers do not have", of=GATEWAY, change=box("resources", "limits", "cpus", "1"), code="PHX713", said='resources.limits[cpus]: Invalid value: "cpus": must be a standard resource type or fully qualified'),
    Planted(fault="a policy for pulling that is none", of=GATEWAY, change=box("imagePullPolicy", "Sometimes"), code="PHX706", said='imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"'),
    Planted(fault="a user id above 2147483647", of=GATEWAY, change=put(*SPEC, "securityContext", "runAsUser", 2**31), code="PHX706", said="securityContext.runAsUser: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive"),
    Planted(fault="a toleration without key or operator", of=AGENT, change=drop(*SPEC, "tolerations", 0, "operator"), code="PHX706", said='tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"'),
    Planted(fault="a skew of 0", of=GATEWAY, change=put(*SPEC, "topologySpreadConstraints", 0, "maxSkew", 0), code="PHX706", said="topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"),
    Planted(fault="a Deployment whose pods end", of=GATEWAY, change=put(*SPEC, "restartPolicy", "OnFailure"), code="PHX706", said='restartPolicy: Unsupported value: "OnFailure": supported values: "Always"'),
    Planted(fault="negative replicas", of=GATEWAY, change=put("spec", "replicas", -1), code="PHX706", said="spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    Planted(fault="a roll that cannot begin", of=GATEWAY, change=put("spec", "strategy", "rollingUpdate", "maxSurge", 0), code="PHX706", said="spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"),
    Planted(fault="a share that is no percentage", of=AGENT, change=put("spec", "updateStrategy", "rollingUpdate", "maxUnavailable", "a tenth"), code="PHX706", said='spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "a tenth": a valid percent string must be a numeric string followed by an ending \'%\''),
    Planted(fault="a schedule that cron does not have", of=GATEWAY, change=_cron_job(schedule="0 25 * * *"), code="PHX706", said='spec.schedule: Invalid value: "0 25 * * *": end of range (25) above maximum (23): 25'),
    Planted(fault="a job whose pods never end", of=GATEWAY, change=_cron_job(concurrencyPolicy="Never"), code="PHX706", said='spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"'),
)  # fmt: skip

KINDS: tuple[Planted, ...] = (
    Planted(fault="a type that Services do not have", of=SERVICE, change=put("spec", "type", "Internal"), code="PHX706", said='spec.type: Unsupported value: "Internal": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'),
    Planted(fault="an address that is none", of=SERVICE, change=put("spec", "clusterIP", "10.96.0.300"), code="PHX706", said='spec.clusterIPs[0]: Invalid value: "10.96.0.300": must be a valid IP address'),
    Planted(fault="several ports, one without name", of=SERVICE, change=_several_ports, code="PHX704", said="spec.ports[0].name: Required value"),
    Planted(fault="port 0 of a Service", of=SERVICE, change=put("spec", "ports", 0, "port", 0), code="PHX715", said="spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
    Planted(fault="an Ingress whose path has no such type", of=SERVICE, change=_ingress(pathType="Regex"), code="PHX706", said='spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex"'),
    Planted(fault="a claim of no size", of=SERVICE, change=_claim(resources={"requests": {"storage": "big"}}), code="PHX713", said="quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    Planted(fault="a budget of both figures", of=PDB, change=put("spec", "minAvailable", 1), code="PHX718", said="minAvailable and maxUnavailable cannot be both set"),
    Planted(fault="a budget in words", of=PDB, change=put("spec", "maxUnavailable", "one"), code="PHX706", said='spec.maxUnavailable: Invalid value: "one": a valid percent string must be a numeric string followed by an ending \'%\''),
    Planted(fault="fewer replicas at most than at least", of=HPA, change=put("spec", "maxReplicas", 2), code="PHX706", said="spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"),
    Planted(fault="a metric without its source", of=HPA, change=drop("spec", "metrics", 0, "resource"), code="PHX704", said="spec.metrics[0].resource: Required value: must populate information for the given metric source"),
    Planted(fault="a target of 0 percent", of=HPA, change=put("spec", "metrics", 0, "resource", "target", "averageUtilization", 0), code="PHX706", said="spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"),
    Planted(fault="a CIDR that is none", of=NETPOL, change=put(*PEER, {"ipBlock": {"cidr": "10.0.0.0/33"}}), code="PHX706", said='spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/33": must be a valid CIDR value'),
    Planted(fault="a peer that is a block and a selector", of=NETPOL, change=put(*PEER, {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}), code="PHX718", said="spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"),
    Planted(fault="a peer of nobody", of=NETPOL, change=put(*PEER, {}), code="PHX704", said="spec.ingress[0].from[0]: Required value: must specify a peer"),
    Planted(fault="a direction that policies do not have", of=NETPOL, change=put("spec", "policyTypes", 0, "Inbound"), code="PHX706", said='spec.policyTypes[0]: Unsupported value: "Inbound": supported values: "Ingress", "Egress"'),
    Planted(fault="a range of ports that ends before it begins", of=NETPOL, change=put("spec", "ingress", 0, "ports", [{"port": 4317, "endPort": 4316}]), code="PHX715", said="spec.ingress[0].ports[0].endPort: Invalid value: 4316: must be greater than or equal to `port`"),
    Planted(fault="a rule without verbs", of=ROLE, change=put("rules", 0, "verbs", []), code="PHX704", said="rules[0].verbs: Required value: verbs must contain at least one value"),
    Planted(fault="a rule without API groups", of=RIGHTS, change=drop("rules", 0, "apiGroups"), code="PHX704", said="rules[0].apiGroups: Required value: resource rules must supply at least one api group"),
    Planted(fault="a ClusterRoleBinding of a Role", of=GRANT, change=put("roleRef", "kind", "Role"), code="PHX706", said='roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'),
    Planted(fault="a subject that is a person", of=BINDING, change=put("subjects", 0, "kind", "Person"), code="PHX706", said='subjects[0].kind: Unsupported value: "Person": supported values: "ServiceAccount", "User", "Group"'),
    Planted(fault="a resource that quotas do not count", of=QUOTA, change=put("spec", "hard", "pod", "5"), code="PHX713", said='spec.hard[pod]: Invalid value: "pod": must be a standard resource type or fully qualified'),
    Planted(fault="a quota of half a pod", of=QUOTA, change=put("spec", "hard", "pods", "1.5"), code="PHX713", said='spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    Planted(fault="a default request above the default limit", of=LIMITS, change=put("spec", "limits", 0, "defaultRequest", "memory", "1Gi"), code="PHX714", said='spec.limits[0].defaultRequest[memory]: Invalid value: "1Gi": default request value 1Gi is greater than default limit value 512Mi'),
    Planted(fault="a level of Pod Security that is none", of=NAMESPACE, change=put("metadata", "labels", "pod-security.kubernetes.io/enforce", "strict"), code="PHX706", said='metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted'),
    Planted(fault="a version of Pod Security that is none", of=NAMESPACE, change=put("metadata", "labels", "pod-security.kubernetes.io/enforce-version", "1.35"), code="PHX706", said='metadata.labels[pod-security.kubernetes.io/enforce-version]: Invalid value: "1.35": must be "latest" or "v1.x"'),
    Planted(fault="a ConfigMap of more than 1 MiB", of=CONFIG, change=_too_long, code="PHX720", said="Too long: may not be more than 1048576 bytes"),
    Planted(fault="a key that ConfigMaps do not have", of=CONFIG, change=put("data", "a b", "x"), code="PHX710", said='data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric characters, \'-\', \'_\' or \'.\''),
    Planted(fault="a pattern of a CRD broken: an interval", of=MONITOR, change=put("spec", "podMetricsEndpoints", 0, "interval", "quarter"), code="PHX706", said='spec.podMetricsEndpoints[0].interval: Invalid value: "quarter": spec.podMetricsEndpoints[0].interval in body should match'),
    Planted(fault="a pattern of a CRD broken: another kind's", of=MONITOR, change=_service_monitor(interval="15 s"), code="PHX706", said='spec.endpoints[0].interval: Invalid value: "15 s": spec.endpoints[0].interval in body should match'),
    Planted(fault="a choice of a CRD broken", of=MONITOR, change=put("spec", "podMetricsEndpoints", 1, "relabelings", 0, "action", "rename"), code="PHX706", said='spec.podMetricsEndpoints[1].relabelings[0].action: Unsupported value: "rename"'),
    Planted(fault="a group of rules twice", of=RULES, change=twice("spec", "groups"), code="PHX718", said='.spec.groups: duplicate entries for key [name="phoenix-control-input"]'),
    Planted(fault="a rule without expression", of=RULES, change=drop("spec", "groups", 0, "rules", 0, "expr"), code="PHX704", said="spec.groups[0].rules[0].expr: Required value"),
    Planted(fault="an Application without project", of=APPLICATION, change=drop("spec", "project"), code="PHX704", said="spec.project: Required value"),
    Planted(fault="a list where an AppProject has a text", of=PROJECT, change=put("spec", "description", ["a"]), code="PHX705", said=".spec.description: expected string"),
)  # fmt: skip

TAKEN: tuple[Planted, ...] = (
    Planted(fault="a namespace on a cluster's object", of=RIGHTS, change=put("metadata", "namespace", "phoenix-agents"), code="PHX730", why="the server forgets it without a word"),
    Planted(fault="a ConfigMap that does not exist", of=GATEWAY, change=put(*SPEC, "volumes", 0, "configMap", "name", "gateway"), code="PHX740", why=RUNS_LATER),
    Planted(fault="a ServiceAccount that does not exist", of=GATEWAY, change=put(*SPEC, "serviceAccountName", "gatway"), code="PHX740", why=RUNS_LATER),
    Planted(fault="an autoscaler of nothing", of=HPA, change=put("spec", "scaleTargetRef", "name", "gatway"), code="PHX740", why=RUNS_LATER),
    Planted(fault="an autoscaler without metrics", of=HPA, change=drop("spec", "metrics"), code="PHX704", why="the server sets 80 % of cpu, which no policy says"),
    Planted(fault="a binding of a role that does not exist", of=BINDING, change=put("roleRef", "name", "tenant-editr"), code="PHX746", why=RUNS_LATER),
    Planted(fault="a role with a wildcard", of=RIGHTS, change=put("rules", 0, "verbs", ["*"]), code="PHX729", why="an administrator may grant it"),
    Planted(fault="a binding for everybody", of=BINDING, change=put("subjects", 0, "name", "system:authenticated"), code="PHX729", why="an administrator may grant it"),
    Planted(fault="a Service that selects nothing", of=SERVICE, change=put("spec", "selector", "app.kubernetes.io/name", "gate"), code="PHX742", why=RUNS_LATER),
    Planted(fault="a target port that no pod has", of=SERVICE, change=put("spec", "ports", 0, "targetPort", "grpc"), code="PHX743", why=RUNS_LATER),
    Planted(fault="a probe at a port that the container does not have", of=GATEWAY, change=box("livenessProbe", "httpGet", "port", "live"), code="PHX723", why=RUNS_LATER),
    Planted(fault="a pod that its namespace refuses", of=GATEWAY, change=put(*SPEC, "hostPID", True), code="PHX727", why="refused when a pod is made: the Deployment stays without pods"),
    Planted(fault="an image that floats", of=GATEWAY, change=box("image", "otel/collector:latest"), code="PHX722", why=RUNS_LATER),
    Planted(fault="no limit of memory", of=GATEWAY, change=drop(*BOX, "resources", "limits"), code="PHX728", why=RUNS_LATER),
    Planted(fault="replicas beside an autoscaler", of=GATEWAY, change=put("spec", "replicas", 3), code="PHX726", why="each sync would undo the autoscaler"),
    Planted(fault="a budget that lets no pod go", of=PDB, change=put("spec", "maxUnavailable", 0), code="PHX725", why="it blocks the drain of nodes"),
    Planted(fault="a Secret with data", of=ACCOUNT, change=beside("v1", "Secret", lambda _: {"stringData": {"token": "x"}}), code="PHX721", why="it would lie in Git"),
    Planted(fault="a project that does not exist", of=APPLICATION, change=put("spec", "project", "prod-eu-ingst"), code="PHX747", why="Argo CD says so, later"),
    Planted(fault="a destination that the project does not allow", of=APPLICATION, change=put("spec", "destination", "namespace", "kube-system"), code="PHX748", why="Argo CD says so, later"),
    Planted(fault="a duration that Argo CD cannot read", of=APPLICATION, change=_ten_minutes, code="PHX716", why="the CRD takes any text"),
)  # fmt: skip

SERVER: tuple[Planted, ...] = (
    Planted(fault="another role in a binding that is there", of=BINDING, change=_another_role, why=NOT_OURS_TO_SEE, first=True, said="field is immutable"),
    Planted(fault="another selector in a Deployment that is there", of=GATEWAY, change=_another_selector, why=NOT_OURS_TO_SEE, first=True, said="field is immutable"),
)  # fmt: skip

CEL: tuple[Planted, ...] = (
    Planted(
        fault="an autoscaler with more replicas at least than at most",
        of=GATEWAY,
        change=beside("keda.sh/v1alpha1", "ScaledObject", lambda body: {"spec": {
            "scaleTargetRef": {"name": body["metadata"]["name"]}, "minReplicaCount": 9, "maxReplicaCount": 3, "triggers": [{"type": "cpu", "metadata": {"value": "70"}}]}}),
        said="spec: Invalid value: minReplicaCount must be less than or equal to maxReplicaCount",
        why=BY_CEL,
    ),
    Planted(
        fault="mTLS by port without a selector",
        of=GATEWAY,
        change=beside("security.istio.io/v1", "PeerAuthentication", lambda _: {"spec": {"portLevelMtls": {"4317": {"mode": "STRICT"}}}}),
        said="spec: Invalid value: portLevelMtls requires selector",
        why=BY_CEL,
    ),
    Planted(
        fault="a route that redirects and has backends",
        of=SERVICE,
        change=beside("gateway.networking.k8s.io/v1", "HTTPRoute", lambda body: {"spec": {"rules": [{
            "filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}],
            "backendRefs": [{"name": body["metadata"]["name"], "port": 4318}]}]}}),
        said="spec.rules[0]: Invalid value: RequestRedirect filter must not be used together with backendRefs",
        why=BY_CEL,
    ),
    Planted(
        fault="a dashboard in two folders",
        of=SERVICE,
        change=beside("grafana.integreatly.org/v1beta1", "GrafanaDashboard", lambda _: {"spec": {
            "instanceSelector": {}, "json": "{}", "folderUID": "a", "folderRef": "b"}}),
        said="spec: Invalid value: Only one of folderUID or folderRef can be declared at the same time",
        why=BY_CEL,
    ),
    Planted(
        fault="a repository with the account of no provider",
        of=SERVICE,
        change=beside("source.toolkit.fluxcd.io/v1", "GitRepository", lambda _: {"spec": {
            "url": "https://git.example.com/x.git", "interval": "1m", "serviceAccountName": "x"}}),
        said="spec: Invalid value: serviceAccountName can only be set when provider is 'azure' or 'aws'",
        why=BY_CEL,
    ),
    Planted(
        fault="metrics of Kafka without their rules",
        of=SERVICE,
        change=beside("kafka.strimzi.io/v1", "Kafka", lambda _: {"spec": {"kafka": {
            "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": True}],
            "metricsConfig": {"type": "jmxPrometheusExporter"}}}}),
        said="spec.kafka.metricsConfig: Invalid value: valueFrom property is required",
        why=BY_CEL,
    ),
)  # fmt: skip

PLANTED: tuple[Planted, ...] = (*FORM, *PODS, *KINDS, *TAKEN, *SERVER, *CEL)
