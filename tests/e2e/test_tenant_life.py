"""Tenants that go, get another name, get another class: each step in a real repository, compiled, judged, published."""

from __future__ import annotations

import json

import pytest
import yaml

from phoenix_gitops.model.tenant import account_id
from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.proof

CART = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: cart, owner: team-cart} # the till
spec:
  # What it is owed.
  class: namespace
  identity: {namespaces: [cart, cart-batch]}
  quotas: {activeSeries: 50000, ingestRate: 3500, cpu: "40", memory: 80Gi, pods: 200}
  access: {viewers: [cart-devs], editors: [cart-leads]}
  network: {allowFrom: [example]}
"""
OTHER = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: other, owner: team-other}
spec:
  class: namespace
  identity: {namespaces: [other]}
  network:
    allowFrom: [example, cart] # the till asks for prices
    egress:
      - {cidr: 198.51.100.0/28}
"""
ONLY_CART = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: Tenant
metadata: {name: third, owner: team-third}
spec:
  class: shared
  identity: {namespaces: [third]}
  network: {allowFrom: [cart]}
"""
CATALOG = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: MetricCatalog
metadata: {name: cart, owner: team-cart}
spec:
  tenant: cart
  metrics:
    - {name: cart_orders_total, type: counter, labels: {result: {}}}
"""
RULES = """\
apiVersion: policy.phoenix.io/v1alpha1
kind: RuleSet
metadata: {name: cart, owner: team-cart}
spec:
  tenant: cart
  alerts:
    - alert: CartIdle
      expr: sum(rate(cart_orders_total[10m])) == 0
      for: 15m
      severity: warning
      summary: nobody orders
"""
HOME = "policies/tenants/cart"
FILE = f"{HOME}/tenant.yaml"
STONE = "policies/ids/cart.yaml"
TODAY = "2026-11-24"
FREE = "2026-12-24"


@pytest.fixture
def policies(checkout) -> Checkout:
    """A repository with a tenant, all that belongs to it, and others that know it."""
    for path, text in {
        FILE: CART,
        f"{HOME}/catalog.yaml": CATALOG,
        f"{HOME}/rules/cart.yaml": RULES,
        "policies/tenants/other.yaml": OTHER,
        "policies/tenants/third.yaml": ONLY_CART,
    }.items():
        (checkout.root / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout.root / path).write_text(text)
    with (checkout.root / "phoenix.yaml").open("a") as stream:
        stream.write(
            "  review:\n    approvals:\n      - {paths: [policies/tenants/cart/**], owners: [team-cart]}\n"
            "      - {paths: [policies/guardrails, policies/tenants/cart], owners: [team-metrics]}\n"
        )
    checkout.commit("a shop")
    return checkout


@pytest.fixture
def shop(policies) -> Checkout:
    """The same with its output."""
    said = policies.phoenix("compile")
    assert said.code == 0, said.err
    policies.commit("output")
    return policies


def merged(shop: Checkout, what: str = "a step") -> str:
    """Compiles and commits what `--write` made; gives the commit before."""
    before = shop.git("rev-parse", "HEAD")
    said = shop.phoenix("compile")
    assert said.code == 0, said.err
    shop.commit(what)
    return before


def made(shop: Checkout, *command: str) -> str:
    said = shop.phoenix(*command, "--write")
    assert said.code == 0, said.err
    return said.out


def objects(shop: Checkout, kind: str, namespace: str = "cart") -> dict[str, dict]:
    """The objects of a kind in a namespace of the cluster, by name."""
    found = {}
    for path, content in shop.tree().items():
        if not path.startswith("main/main/"):
            continue
        one = yaml.safe_load(content)
        if one["kind"] == kind and one["metadata"].get("namespace", one["metadata"]["name"]) == namespace:
            found[one["metadata"]["name"]] = one
    return found


def destinations(shop: Checkout, component: str) -> set[str]:
    (content,) = [c for path, c in shop.tree().items() if path.endswith(f"appproject-main-{component}.yaml")]
    return {one["namespace"] for one in yaml.safe_load(content)["spec"]["destinations"]}


def states(shop: Checkout, *command: str) -> list[str]:
    said = shop.phoenix(*command, "--format", "json")
    assert said.code == 0, said.err
    return [step["state"] for step in json.loads(said.out)["steps"]]


# --- retire -----------------------------------------------------------------------------------------------------


def test_a_tenant_is_retired_in_four_steps_of_which_each_compiles(shop):
    retire = ("retire", "cart", "--now", TODAY)
    assert states(shop, *retire) == ["due", "later", "later", "later"]
    base = shop.git("rev-parse", "HEAD")

    out = made(shop, *retire)
    assert out == f"  writes {FILE}\nstep 1 of 4 is made: look it over, `phoenix compile`, commit\n"
    assert (shop.root / FILE).read_text() == CART + "  state: readOnly\n"
    merged(shop)
    assert set(objects(shop, "RoleBinding")) == {"tenant-viewer"}
    assert states(shop, *retire) == ["done", "due", "later", "later"]

    before = shop.tree()
    made(shop, *retire)
    assert "state: retired" in (shop.root / FILE).read_text()
    assert "allowFrom: [example] # the till asks for prices" in (shop.root / "policies/tenants/other.yaml").read_text()
    assert "network" not in (shop.root / "policies/tenants/third.yaml").read_text()
    stone = yaml.safe_load((shop.root / STONE).read_text())
    assert (stone["kind"], stone["metadata"]["name"], stone["spec"]) == ("Account", "cart", {"retired": TODAY})
    merged(shop)
    for kind in ("RoleBinding", "Deployment", "PrometheusRule"):
        assert not objects(shop, kind), kind
    assert set(objects(shop, "NetworkPolicy")) == {"default-deny"}
    (space,) = objects(shop, "Namespace").values()
    assert "policy.phoenix.io/tenant" not in space["metadata"]["labels"]
    # What Argo CD may not touch it would never prune.
    for component in ("tenancy", "ingest", "rules"):
        assert "cart" in destinations(shop, component), component
    kinds = [p for p in before if "appproject" in p]
    assert {path: shop.tree()[path] for path in kinds} == {path: before[path] for path in kinds}
    assert states(shop, *retire) == ["done", "done", "waits", "later"]
    assert states(shop, "retire", "cart", "--now", FREE) == ["done", "done", "done", "due"]

    early = shop.phoenix("retire", "cart", "--write", "--now", "2026-12-23")
    assert (early.code, f"due not before {FREE}; today is 2026-12-23" in early.err) == (2, True)
    made(shop, "retire", "cart", "--now", FREE)
    assert not (shop.root / HOME).exists()
    assert (shop.root / STONE).exists()
    approvals = yaml.safe_load((shop.root / "phoenix.yaml").read_text())["spec"]["review"]["approvals"]
    assert approvals == [{"paths": ["policies/guardrails"], "owners": ["team-metrics"]}]
    last = merged(shop)
    assert not [path for path in shop.tree() if "cart" in path]
    assert "cart" not in destinations(shop, "tenancy")
    gone = shop.phoenix("retire", "cart")
    assert gone.code == 2
    assert f"tenant 'cart' is retired since {TODAY} and its file is gone: all is done" in gone.err

    assert shop.phoenix("diff", last, "--now", FREE).code == 0
    unsaid = shop.phoenix("diff", last)
    assert (unsaid.code, "error[PHX522]: tenant `cart` is removed" in unsaid.err) == (1, True)
    jumped = shop.phoenix("diff", base, "--now", FREE)
    assert "error[PHX518]: tenant `cart` is removed" in jumped.err


def test_nobody_gets_the_name_of_a_retired_tenant(policies):
    shop = policies
    (shop.root / STONE).parent.mkdir()
    (shop.root / STONE).write_text(
        "apiVersion: policy.phoenix.io/v1alpha1\nkind: Account\nmetadata: {name: cart, owner: t}\n"
        f'spec: {{retired: "{TODAY}"}}\n'
    )
    said = shop.phoenix("validate")
    assert said.code == 1
    assert f"error[PHX521]: tenant `cart` has a tombstone, and is `active`\n  --> {STONE}:4:17" in said.err


def test_each_step_is_a_branch_whose_policies_compile_to_its_tree(shop):
    head = shop.git("rev-parse", "HEAD")
    said = shop.phoenix("retire", "cart", "--branches", "--now", TODAY)
    assert said.code == 0, said.err
    names = ["retire/cart/1-read-only", "retire/cart/2-users-off", "retire/cart/4-remove"]
    assert said.out.splitlines()[:3] == [f"  {name}" for name in names]
    assert shop.git("status", "--porcelain") == ""
    assert shop.git("rev-parse", "HEAD") == head
    parent = head
    for number, name in zip((1, 2, 4), names, strict=True):
        assert shop.git("rev-parse", f"{name}^") == parent
        parent = shop.git("rev-parse", name)
        text = shop.git("log", "-1", "--format=%B", name)
        assert text.startswith(f"retire cart, step {number} of 4: ")
        assert "What it means:" in text
        assert "The way back: " in text
        shop.git("switch", "--quiet", name)
        # The output lies beside the policies here, and is what they compile to.
        checked = shop.phoenix("compile", "--check")
        assert checked.code == 0, (name, checked.out)
        shop.git("switch", "--quiet", "main")
    again = shop.phoenix("retire", "cart", "--branches", "--now", TODAY)
    assert again.out.splitlines()[:3] == [f"  {name} (as it was)" for name in names]
    other = shop.phoenix("retire", "cart", "--branches", "--now", "2026-11-25")
    assert other.code == 2
    assert "error[PHX911]: there is a branch `retire/cart/2-users-off` already" in other.err
    assert shop.git("rev-parse", names[2]) == parent


def test_with_output_elsewhere_a_branch_holds_policies_only(shop):
    shop.replace("phoenix.yaml", "mode: tree", "mode: branch")
    shop.commit("output elsewhere")
    assert shop.phoenix("retire", "cart", "--branches", "--now", TODAY).code == 0
    changed = shop.git("diff", "--name-only", "main", "retire/cart/1-read-only")
    assert changed == FILE


REFUSED = [
    (("retire", "crat"), "there is no tenant 'crat'; did you mean 'cart'?"),
    (("retire", "zzz"), "there is no tenant 'zzz'; there are: cart, example, other, third"),
    (("retire", "cart", "--step", "5"), "there is no step 5: the last one is 4"),
    (("retire", "cart", "--step", "2", "--write"), "step 2 is not due: step 1, writes off, comes first"),
    (
        ("retire", "cart", "--branches"),
        "step 2 writes down a date, on which it is merged: say it with `--now YYYY-MM-DD`",
    ),
    (("retire", "cart", "--write", "--branches"), "give one of them"),
    (("rename", "cart", "Till"), "'Till' is no name: lower-case letters"),
    (("rename", "cart", "other"), "the name 'other' is taken: tenant 'other' bears it"),
    (("rename", "cart", "cart"), "the name 'cart' is its name already"),
    (("move", "cart", "--class", "shard"), "there is no class 'shard'; did you mean 'shared'?"),
]


@pytest.mark.parametrize(("command", "message"), REFUSED)
def test_what_is_no_plan_is_said_in_one_line(policies, command, message):
    said = policies.phoenix(*command)
    assert (said.code, said.out) == (2, "")
    assert message in " ".join(said.err.split())


def test_a_step_that_writes_the_day_asks_for_it(shop):
    made(shop, "retire", "cart")
    merged(shop)
    said = shop.phoenix("retire", "cart", "--write")
    assert said.code == 2
    assert "step 2 writes down today's date: say it with `--now YYYY-MM-DD`" in said.err
    done = shop.phoenix("retire", "cart", "--write", "--step", "1")
    assert "step 1 is done; step 2, users off, is next" in done.err


@pytest.mark.parametrize("option", ["--write", "--branches"])
def test_a_work_tree_with_changes_is_left_alone(policies, option):
    shop = policies
    shop.replace(FILE, "pods: 200", "pods: 50")
    before = (shop.root / FILE).read_text()
    said = shop.phoenix("retire", "cart", option, "--now", TODAY)
    assert said.code == 2
    assert f"error[PHX902]: `{FILE}` differs from the last commit" in said.err
    assert (shop.root / FILE).read_text() == before
    assert shop.git("branch", "--list", "retire/*") == ""


def test_a_step_that_does_not_compile_is_not_made(shop):
    with (shop.root / "environments/main.yaml").open("a") as stream:
        stream.write(
            "  overrides:\n    - target: {kind: Deployment, name: tenant-gateway, namespace: cart}\n"
            "      patch: {metadata: {labels: {a: b}}}\n"
        )
    assert shop.phoenix("compile").code == 0
    shop.commit("an override of the tenant's gateway")
    made(shop, "retire", "cart")
    merged(shop)
    said = shop.phoenix("retire", "cart", "--write", "--now", TODAY)
    assert said.code == 1
    assert "error[PHX615]" in said.err
    assert "environments/main.yaml" in said.err
    assert not (shop.root / STONE).exists()


# --- rename -----------------------------------------------------------------------------------------------------


def test_a_renamed_tenant_keeps_account_namespaces_and_service_account(shop):
    before = objects(shop, "Namespace")["cart"]["metadata"]["annotations"]["policy.phoenix.io/account"]
    assert before == str(account_id("cart"))
    out = made(shop, "rename", "cart", "till")
    assert "  removes policies/tenants/cart/rules/cart.yaml\n" in out
    text = (shop.root / "policies/tenants/till/tenant.yaml").read_text()
    assert text == CART.replace("name: cart", "name: till") + "  formerly: [cart]\n"
    assert "allowFrom: [example, till] # the till asks" in (shop.root / "policies/tenants/other.yaml").read_text()
    assert "tenant: till" in (shop.root / "policies/tenants/till/rules/cart.yaml").read_text()
    approvals = yaml.safe_load((shop.root / "phoenix.yaml").read_text())["spec"]["review"]["approvals"]
    assert [rule["paths"] for rule in approvals] == [
        ["policies/tenants/till/**"],
        ["policies/guardrails", "policies/tenants/till"],
    ]
    base = merged(shop)
    (space,) = objects(shop, "Namespace").values()
    assert space["metadata"]["annotations"]["policy.phoenix.io/account"] == before
    assert space["metadata"]["labels"]["policy.phoenix.io/tenant"] == "till"
    assert set(objects(shop, "ServiceAccount")) >= {"cart", "till"}
    said = shop.phoenix("diff", base, "--fail-on", "destructive", "--fail-on", "access")
    assert said.code == 0, said.err
    assert states(shop, "rename", "cart", "till") == ["done"]
    taken = shop.phoenix("rename", "other", "cart")
    assert "the name 'cart' is taken: tenant 'till' had it before" in taken.err

    made(shop, "rename", "till", "cart")
    merged(shop)
    (space,) = objects(shop, "Namespace").values()
    assert space["metadata"]["annotations"]["policy.phoenix.io/account"] == before


def test_without_formerly_the_account_would_be_lost_and_diff_says_so(shop):
    base = shop.git("rev-parse", "HEAD")
    made(shop, "rename", "cart", "till")
    renamed = merged(shop)
    assert base == renamed
    shop.replace("policies/tenants/till/tenant.yaml", "  formerly: [cart]\n", "")
    said = shop.phoenix("diff", "HEAD")
    assert said.code == 1
    assert (
        f"error[PHX523]: tenant `till` changes its account id from `{account_id('cart')}` in `HEAD` to "
        f"`{account_id('till')}`" in said.err
    )


def test_a_record_follows_its_tenants_new_name(shop):
    (shop.root / STONE).parent.mkdir()
    (shop.root / STONE).write_text(
        "apiVersion: policy.phoenix.io/v1alpha1\nkind: Account\nmetadata: {name: cart, owner: t}\n"
        "spec: {account: 7} # clashed with basket\n"
    )
    assert shop.phoenix("compile").code == 0
    shop.commit("another account")
    made(shop, "rename", "cart", "till")
    merged(shop)
    assert (shop.root / "policies/ids/till.yaml").read_text().endswith("spec: {account: 7} # clashed with basket\n")
    assert not (shop.root / STONE).exists()
    (space,) = objects(shop, "Namespace").values()
    assert space["metadata"]["annotations"]["policy.phoenix.io/account"] == "7"


# --- move -------------------------------------------------------------------------------------------------------


def test_out_of_namespaces_of_its_own_nothing_opens_and_the_reconciler_stays_until_it_has_pruned(shop):
    move = ("move", "cart", "--class", "shared")
    base = shop.git("rev-parse", "HEAD")
    walls = {"default-deny", "allow-declared", "tenant-gateway"}
    assert set(objects(shop, "NetworkPolicy")) == walls

    made(shop, *move)
    first = merged(shop)
    assert set(objects(shop, "NetworkPolicy")) == walls
    assert set(objects(shop, "RoleBinding")) == {"tenant-viewer", "tenant-editor"}
    said = shop.phoenix("diff", first, "--fail-on", "destructive", "--fail-on", "restart")
    assert said.code == 0, said.err
    assert "pods `app.kubernetes.io/name=gateway` of namespace `phoenix-gateway` on TCP 4317" in said.out

    made(shop, *move)
    second = merged(shop)
    assert not objects(shop, "NetworkPolicy")
    assert not objects(shop, "RoleBinding")
    assert not objects(shop, "Deployment")
    assert {"cart"} <= destinations(shop, "tenancy") & destinations(shop, "ingest")
    # Walls that are left in the cluster are no walls that fall.
    said = shop.phoenix("diff", second, "--fail-on", "destructive", "--fail-on", "access")
    assert said.code == 0, said.err
    assert "NetworkPolicy `default-deny` left in the cluster" in said.out
    assert "no policy limits" not in said.out
    assert states(shop, *move) == ["done", "done", "due"]

    made(shop, *move)
    merged(shop)
    assert "cart" not in destinations(shop, "tenancy") | destinations(shop, "ingest")
    assert states(shop, *move) == ["done"]

    jumped = shop.phoenix("diff", base)
    assert jumped.code == 1
    assert f"tenant `cart` jumps from isolation `namespace` in `{base}` to `shared`" in jumped.err
    assert "`phoenix move cart --class shared`" in jumped.err
    assert shop.phoenix("diff", base, "--remove", "cart").code == 0


def test_into_namespaces_of_its_own(shop):
    move = ("move", "third", "--class", "dedicated")
    made(shop, *move)
    first = merged(shop)
    assert set(objects(shop, "Deployment", "third")) == {"tenant-gateway"}
    assert set(objects(shop, "NetworkPolicy", "third")) == {"tenant-gateway"}
    said = shop.phoenix("diff", first, "--fail-on", "destructive", "--fail-on", "restart")
    assert said.code == 0, said.err
    made(shop, *move)
    second = merged(shop)
    assert set(objects(shop, "NetworkPolicy", "third")) == {"allow-declared", "default-deny", "tenant-gateway"}
    said = shop.phoenix("diff", second, "--fail-on", "destructive", "--fail-on", "restart")
    assert said.code == 0, said.err
    assert states(shop, *move) == ["done"]


def test_a_move_is_called_off(shop):
    made(shop, "move", "third", "--class", "namespace")
    merged(shop)
    halfway = shop.phoenix("move", "third", "--class", "dedicated")
    assert "is moving from class 'shared' to 'namespace': finish that first" in " ".join(halfway.err.split())
    made(shop, "move", "third", "--class", "shared")
    base = merged(shop)
    assert not objects(shop, "Deployment", "third")
    assert "third" in destinations(shop, "ingest")
    assert shop.phoenix("diff", base).code == 0
    assert states(shop, "move", "third", "--class", "shared") == ["done", "done", "due"]
    made(shop, "move", "third", "--class", "shared")
    merged(shop)
    assert "third" not in destinations(shop, "ingest")
    assert (shop.root / "policies/tenants/third.yaml").read_text() == ONLY_CART


@pytest.mark.parametrize("there", ["dedicated"])
def test_between_two_classes_of_its_own_and_back(shop, there):
    for class_ in (there, "namespace"):
        for _ in range(2):
            made(shop, "move", "cart", "--class", class_)
            base = merged(shop)
            said = shop.phoenix("diff", base, "--fail-on", "destructive", "--fail-on", "access")
            assert said.code == 0, said.err
    assert (shop.root / FILE).read_text() == CART


def test_a_tenant_that_moves_is_not_retired(shop):
    made(shop, "move", "cart", "--class", "shared")
    merged(shop)
    said = shop.phoenix("retire", "cart")
    assert said.code == 2
    assert "is moving from class 'namespace': finish that first" in " ".join(said.err.split())


# --- publish ----------------------------------------------------------------------------------------------------


def test_publish_refuses_what_diff_refuses(shop, tmp_path):
    server = tmp_path / "server.git"
    shop.git("init", "--quiet", "--bare", str(server))
    shop.git("remote", "add", "origin", str(server))
    shop.replace("phoenix.yaml", "mode: tree", "mode: branch")
    shop.commit("output elsewhere")
    assert shop.phoenix("publish").code == 0
    shop.replace(FILE, "class: namespace", "class: shared")
    shop.commit("jumps")
    jumped = shop.phoenix("publish")
    assert (jumped.code, "error[PHX524]: tenant `cart` jumps from isolation `namespace`" in jumped.err) == (1, True)
    shop.git("revert", "--no-edit", "HEAD")
    made(shop, "retire", "cart", "--now", TODAY)
    shop.commit("read-only")
    made(shop, "retire", "cart", "--now", TODAY)
    shop.commit("users off")
    assert shop.phoenix("publish").code == 0
    made(shop, "retire", "cart", "--now", FREE)
    shop.commit("namespaces last")
    early = shop.phoenix("publish", "--now", "2026-12-23")
    assert (early.code, f"its data may go from {FREE} on" in early.err) == (1, True)
    assert shop.phoenix("publish", "--now", FREE).code == 0
