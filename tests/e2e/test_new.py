"""`phoenix new` in a repository: what is written, what is refused, and that nothing is written then."""

from __future__ import annotations

import pytest

from phoenix_gitops.__main__ import run
from tests.e2e.conftest import TENANT, Said

SHARED = ("new", "tenant", "checkout", "--owner", "team-checkout", "--class", "shared")
ENVIRONMENT = (
    *("new", "environment", "prod", "--owner", "platform", "--class", "prod", "--server", "https://prod.example.com"),
    *("--kubernetes", "1.34", "--api-server", "10.2.0.1/32"),
)
METRIC = "sum(rate(phoenix_full_final_output_orders_total[$window]))"
CATALOG = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: MetricCatalog
metadata: {name: example, owner: team-example}
spec:
  tenant: example
  interval: 15s
  metrics:
    - {name: phoenix_full_final_output_orders_total, type: counter, unit: orders, labels: {code: {max: 9}}}
"""


def written(checkout):
    return checkout.git("status", "--short", "--untracked-files=all")


def made(checkout, *arguments):
    checkout.capsys.readouterr()
    code = run(["-C", str(checkout.root), *arguments])
    said = checkout.capsys.readouterr()
    return Said(code, said.out, said.err)


def test_a_tenant_is_one_file_in_its_place_and_everything_passes(checkout):
    said = made(checkout, *SHARED)
    assert said.code == 0, said.err
    file = "policies/tenants/checkout/tenant.yaml"
    assert said.out == f"  {file}\nnext: look it over, `phoenix compile`, commit\n"
    assert written(checkout) == f"?? {file}"
    lines = (checkout.root / file).read_text().splitlines()
    assert lines[2:6] == [
        "metadata: {name: checkout, owner: team-checkout}",
        "spec:",
        "  class: shared",
        "  identity: {namespaces: [checkout]}",
    ]
    assert checkout.phoenix("validate").code == 0
    assert checkout.phoenix("fmt", "--check").code == 0


@pytest.mark.parametrize(
    "hint", ["environmentSelector: {matchLabels: {class: dev}}", "quotas: {activeSeries: 50000", "access: {viewers: "]
)
def test_what_a_file_offers_in_comments_is_valid_as_it_stands(checkout, hint):
    assert made(checkout, *SHARED).code == 0
    file = checkout.root / "policies/tenants/checkout/tenant.yaml"
    text = file.read_text().replace("class: prod", "class: dev")
    assert f"  # {hint}" in text
    file.write_text(text.replace(f"  # {hint}", f"  {hint}"))
    assert checkout.phoenix("validate").code == 0


def test_an_environment_takes_facts_of_one_that_exists_and_says_so(checkout):
    checkout.replace("environments/main.yaml", "release: kube-prometheus", "release: ours")
    said = made(checkout, *ENVIRONMENT, "--set", "clusters.region=eu-west-1", "--set", "budget.activeSeries=900")
    assert said.code == 0, said.err
    text = (checkout.root / "environments/prod.yaml").read_text()
    assert '      kubernetes: "1.34"\n      apiServer: {ipBlocks: [10.2.0.1/32]}\n' in text
    assert "      # Check these four: they are those of the cluster `main` in `main`.\n" in text
    assert "discoveryLabels: {release: ours}\n" in text
    assert "      region: eu-west-1\n  budget: {activeSeries: 900}\n" in text
    compiled = checkout.phoenix("compile")
    assert compiled.code == 0, compiled.err
    assert (checkout.root / "generated/prod/prod/tenancy/namespace-example.yaml").is_file()


def test_the_first_environment_has_the_usual_facts(checkout):
    checkout.git("rm", "--quiet", "environments/main.yaml")
    said = made(checkout, *ENVIRONMENT)
    assert said.code == 0, said.err
    assert "they are what most clusters have." in (checkout.root / "environments/prod.yaml").read_text()


def test_an_environment_with_a_base_needs_no_class(checkout):
    base = (checkout.root / "environments/main.yaml").read_text().replace("name: main, ", "name: base, ")
    (checkout.root / "environments/base.yaml").write_text(base.replace("spec:", "spec:\n  abstract: true"))
    arguments = [word for word in ENVIRONMENT if word not in ("--class", "prod")]
    said = made(checkout, *arguments[:2], "prod", *arguments[2:], "--set", "extends=base", "--cluster", "main")
    assert said.code == 0, said.err


def test_an_slo_lies_with_its_tenant_and_has_its_owner(checkout):
    (checkout.root / TENANT).with_name("catalog.yaml").write_text(CATALOG)
    errors = METRIC.replace("[", '{code="500"}[')
    arguments = ("new", "slo", "orders", "--tenant", "example", "--service", "shop", "--objective", "0.99")
    said = made(checkout, *arguments, "--errors", errors, "--total", METRIC)
    assert said.code == 0, said.err
    text = (checkout.root / "policies/tenants/example/slos/orders.yaml").read_text()
    assert "metadata: {name: orders, owner: team-example}\n" in text
    assert f"  objective: 0.99\n  indicator:\n    ratio:\n      errors: {errors}\n      total: {METRIC}\n" in text


def test_what_was_forgotten_is_told_at_once(checkout):
    for arguments, needs in (
        (("tenant", "a"), "a new Tenant needs --owner and --class"),
        (
            ("environment", "a", "--owner", "x"),
            "a new Environment needs --class, --server, --kubernetes and --api-server",
        ),
        (("slo", "a", "--tenant", "example", "--errors", "x"), "a new SLO needs --service, --objective and --total"),
    ):
        said = made(checkout, "new", *arguments)
        assert (said.code, said.out) == (2, "")
        assert needs in said.err
    assert written(checkout) == ""


def test_on_a_terminal_it_asks(checkout, monkeypatch):
    asked = []
    answers = {"owner": "team-a", "class": "shared"}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda text: asked.append(text) or answers[text])
    said = made(checkout, "new", "tenant", "a1")
    assert said.code == 0, said.err
    assert asked == ["owner", "class"]
    text = (checkout.root / "policies/tenants/a1/tenant.yaml").read_text()
    assert "owner: team-a}\nspec:\n  identity: {namespaces: [a1]}\n  class: shared\n" in text


def test_a_name_a_namespace_and_an_account_that_are_taken_are_told_at_once(checkout):
    other = (checkout.root / TENANT).read_text().replace("name: example", "name: shop").replace("[example]", "[shop]")
    (checkout.root / "policies/tenants/shop.yaml").write_text(f"{other}  formerly: [checkout]\n")
    (checkout.root / "policies/tenants/twin.yaml").write_text(
        other.replace("name: shop", "name: checkout").replace("[shop]", "[twin]").replace("owner: ", "owner: x-")
    )
    checkout.commit("others")
    said = made(checkout, *SHARED, "--namespace", "example")
    assert (said.code, said.out) == (1, "")
    assert "error[PHX301]: there is a Tenant `checkout` already\n  --> policies/tenants/twin.yaml:3:18" in said.err
    assert "error[PHX510]: namespace `example` belongs to tenants `" in said.err
    assert "error[PHX511]: tenants `" in said.err
    assert "policies/tenants/checkout/tenant.yaml is not written; as it would be: --print" in said.err
    assert written(checkout) == ""


def test_a_name_that_is_hardly_another_is_refused_unless_it_is_meant(checkout):
    arguments = ("new", "tenant", "exam-ple", "--owner", "x", "--class", "shared")
    said = made(checkout, *arguments)
    assert said.code == 1
    assert "error[PHX305]: `exam-ple` is hardly another name than that of the Tenant `example`" in said.err
    assert f"  --> {TENANT}:3:18" in said.err
    assert made(checkout, *arguments, "--alike").code == 0


def test_what_would_not_validate_is_shown_where_it_would_stand_and_not_written(checkout):
    said = made(checkout, *SHARED, "--set", "quotas.pods=none", "--set", "costCentre=CC-1")
    assert said.code == 1
    file = "policies/tenants/checkout/tenant.yaml"
    assert "error[PHX203]: `spec.quotas.pods` must be a whole number, not the text `none`" in said.err
    assert f"  --> {file}:7:18" in said.err
    assert f"error[PHX202]: unknown field `costCentre` in `spec`\n  --> {file}:8:3" in said.err
    assert written(checkout) == ""
    lacking = made(checkout, *ENVIRONMENT, "--set", "clusters.dns=null")
    assert lacking.code == 1
    assert "error[PHX670]" in lacking.err
    assert written(checkout) == ""


def test_a_file_in_its_place_is_never_overwritten(checkout):
    (checkout.root / "policies/tenants/checkout").mkdir()
    (checkout.root / "policies/tenants/checkout/tenant.yaml").symlink_to(checkout.root / "README.md")
    readme = (checkout.root / "README.md").read_text()
    said = made(checkout, *SHARED)
    assert said.code in (1, 2)
    assert (checkout.root / "README.md").read_text() == readme


def test_print_shows_the_file_and_checks_nothing(checkout):
    said = made(checkout, *SHARED, "--print", "--set", "class=nonsense")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("apiVersion: policy.phoenix.io/v1alpha1\nkind: Tenant\n")
    assert "  class: nonsense\n" in said.out
    assert written(checkout) == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenant", "Check Out"), "'Check Out' is no name: lower-case letters, digits and '-', at most 40"),
        (("slo", "a", "--tenant", "../../x"), "'../../x' is no name"),
        (("slo", "a", "--tenant", "exampel"), "there is no tenant 'exampel'; did you mean 'example'?"),
        (("tenant", "a", "--set", "quotas"), "'quotas' is not of the form FIELD=VALUE"),
        (("tenant", "a", "--set", "quotas.=1"), "'quotas.=1' is not of the form FIELD=VALUE"),
        (("tenant", "a", "--set", "quotas=[1"), "'[1': "),
        (("tenant", "a", "--set", "state=yes"), "'yes': plain `yes` is read in two ways"),
    ],
)
def test_a_call_that_means_nothing_is_a_usage_error(checkout, arguments, said):
    answer = made(checkout, "new", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
