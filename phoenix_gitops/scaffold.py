"""What `phoenix init` writes: a repository that compiles at once, with CI, editor settings and one tenant."""

from __future__ import annotations

import json

from phoenix_gitops import __version__
from phoenix_gitops.diff_report import MARKER
from phoenix_gitops.model import API_VERSION
from phoenix_gitops.model.platform import Catalog
from phoenix_gitops.schemas import schema_files


def files(name: str, url: str, reconciler: str = "argocd") -> dict[str, str]:
    """The files of a new repository by path.

    `name` is the platform's, `url` the repository's address, `reconciler` `argocd` or `flux`.
    """
    return {
        "phoenix.yaml": _platform(name, url, reconciler),
        "environments/main.yaml": _ENVIRONMENT,
        "policies/tenants/example/tenant.yaml": _TENANT,
        ".gitignore": "/.phoenix/\n/generated/\n/schemas/crds/\n",
        ".gitattributes": "generated/** -text linguist-generated\n",
        ".vscode/settings.json": _editor(),
        ".github/workflows/phoenix.yml": _workflow(),
        "README.md": _README.replace("{name}", name).replace("{reconciler}", _CALLED[reconciler]),
        **{f"schemas/{file}": text for file, text in schema_files().items()},
    }


_CALLED = {"argocd": "Argo CD", "flux": "Flux"}
_FLUX = """\
  reconciler: flux
  # The Secret in Flux's namespace with the credentials of the repository; a public one needs none.
  flux: {secret: gitops}
"""


def _platform(name: str, url: str, reconciler: str) -> str:
    chosen = _FLUX if reconciler == "flux" else ""
    return f"""\
apiVersion: {API_VERSION}
kind: Platform
metadata: {{name: {name}, owner: platform-team}}
spec:
  version: {__version__}
  repository: {{url: {json.dumps(url)}}}
  output: {{mode: branch}}
{chosen}"""


_ENVIRONMENT = f"""\
# A cluster is a fact sheet: replace these facts with your cluster's.
apiVersion: {API_VERSION}
kind: Environment
metadata: {{name: main, owner: platform-team}}
spec:
  class: dev
  control: standard
  clusters:
    - name: main
      server: https://kubernetes.default.svc
      kubernetes: "1.34"
      provides: {{prometheusOperator: "0.93"}}
      # The labels that your Prometheus selects rules and targets by.
      discoveryLabels: {{release: kube-prometheus}}
      # How pods reach DNS and the API server; network policies are made of it.
      dns: {{namespace: kube-system, podLabels: {{k8s-app: kube-dns}}}}
      apiServer: {{ipBlocks: [10.0.0.1/32], port: 443}}
      # Which pods scrape: by default those that the operator runs in `monitoring`.
      scraper: {{}}
"""

_TENANT = f"""\
apiVersion: {API_VERSION}
kind: Tenant
metadata: {{name: example, owner: team-example}}
spec:
  class: namespace
  identity: {{namespaces: [example]}}
  quotas: {{activeSeries: 50000, ingestRate: 3500, cpu: "4", memory: 8Gi, pods: 40}}
  access: {{viewers: [example-devs], editors: [example-leads]}}
"""


def _editor() -> str:
    patterns = ["phoenix.yaml", "environments/**/*.yaml", "policies/**/*.yaml"]
    return json.dumps({"yaml.schemas": {"./schemas/policy.schema.json": patterns}}, indent=2) + "\n"


PROMTOOL, VMALERT = "3.16.0", "1.151.0"
"""Versions of the judges that a new repository's workflow takes."""


def _workflow() -> str:
    values = {
        "{version}": __version__,
        "{promtool}": PROMTOOL,
        "{vmalert}": VMALERT,
        "{collector}": Catalog().collector.reference,
        "{marker}": MARKER,
    }
    text = _WORKFLOW
    for name, value in values.items():
        text = text.replace(name, value)
    return text


_WORKFLOW = """\
# A pull request is validated and tested, and findings are annotated; a merge publishes every environment's tree.
name: phoenix
on:
  pull_request:
  push:
    branches: [main]
permissions: {}
concurrency:
  # Publishing is never cut short; a new push to a pull request replaces the run before it.
  group: phoenix-${{ github.event.pull_request.number || 'publish' }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
jobs:
  validate:
    name: Validate
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    permissions:
      contents: read # reads the policies
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
          fetch-depth: 0
      - run: pipx install phoenix-gitops=={version}
      - run: phoenix validate --format github
      - name: What changes in meaning, and whom that asks
        env:
          BASE: ${{ github.base_ref }}
        run: |
          # With `--fail-on destructive` it also fails where data or whole workloads would go.
          phoenix diff "origin/$BASE" --now "$(date -u +%F)" --approvers --format markdown --output diff.md
          cat diff.md >> "$GITHUB_STEP_SUMMARY"
      - if: always()
        uses: actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f # v6.0.0
        with:
          name: diff
          path: diff.md
          if-no-files-found: ignore
  comment:
    name: Comment
    needs: validate
    # A fork's token cannot write; its run shows the same as a summary.
    if: always() && github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    permissions:
      pull-requests: write # posts the comment, and updates it
    steps:
      - uses: actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0
        with:
          name: diff
      - env:
          GH_TOKEN: ${{ github.token }}
          COMMENTS: repos/${{ github.repository }}/issues/${{ github.event.pull_request.number }}/comments
        run: |
          # One comment, found again by the hidden first line of the report.
          mine='.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("{marker}"))) | .url'
          url=$(gh api --paginate "$COMMENTS" --jq "$mine" | head -n 1)
          if [ -n "$url" ]; then
            gh api --method PATCH "$url" -F body=@diff.md
          else
            gh api --method POST "$COMMENTS" -F body=@diff.md
          fi
  test:
    name: Test
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    permissions:
      contents: read # reads the policies
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: pipx install phoenix-gitops=={version}
      - name: Put rules and collector configs before the programs that will run them
        run: |
          # The programs come from the images that run: give the versions that your clusters have.
          judges=$RUNNER_TEMP/judges
          mkdir "$judges"
          take() { docker cp "$(docker create "$1"):$2" "$judges/$3"; }
          take prom/prometheus:v{promtool} /bin/promtool promtool
          take victoriametrics/vmalert:v{vmalert} /vmalert-prod vmalert
          take victoriametrics/vmalert-tool:v{vmalert} /vmalert-tool-prod vmalert-tool
          take {collector} /otelcol-contrib otelcol
          export PATH="$judges:$PATH"
          phoenix test --format github
  publish:
    name: Publish
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    permissions:
      contents: write # pushes the compiled trees
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
          fetch-depth: 0
      - run: pipx install phoenix-gitops=={version}
      - env:
          TOKEN: ${{ github.token }}
        run: |
          # Only this step can push; git gets the token from the environment, not from a file.
          export GIT_CONFIG_COUNT=1
          export GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
          GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)"
          export GIT_CONFIG_VALUE_0
          phoenix publish --now "$(date -u +%F)"
"""

_README = """\
# {name}

Policies of our metrics platform. Phoenix GitOps compiles them; {reconciler} applies what comes out.

- `phoenix.yaml`: what holds everywhere
- `environments/`: clusters and their facts
- `policies/`: tenants, pipelines, SLOs, rules

```sh
phoenix validate   # every check
phoenix compile    # look at the output in generated/
phoenix test       # promtool, vmalert and a real collector judge it
```

A merge to `main` publishes each environment's tree to the branch `env/NAME`.
"""
