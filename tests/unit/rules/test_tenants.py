from dataclasses import replace

import pytest

from phoenix_gitops.rules import tenants
from phoenix_gitops.rules.platform import platform_files
from tests.unit.rules import support


def files(*names, **facts):
    env = replace(support.environment(), tenants=tuple(support.summary(n, **facts) for n in names))
    return {file.name: file for file in platform_files(support.cluster_scope(env))}


def test_a_tenant_more_touches_one_shard():
    before, after = files("checkout", "cart"), files("checkout", "cart", "search")
    assert {name for name in after if after[name] != before.get(name)} == {f"tenants-{tenants.shard('search'):02}"}


def test_shards_do_not_move():
    assert {n: tenants.shard(n) for n in ("checkout", "cart", "search")} == {"checkout": 8, "cart": 0, "search": 0}
    assert all(0 <= tenants.shard(f"tenant-{i}") < tenants.SHARDS for i in range(200))


def test_a_shard_says_what_a_tenant_is_owed():
    (group,) = files("checkout", account=5, retention="90d")["tenants-08"].groups
    found = {record.record: record for record in group.records}
    assert {name: record.expr for name, record in found.items()} == {
        "phoenix:tenant_info": "vector(1)",
        "phoenix:tenant_retention_seconds": "vector(7776000)",
        "phoenix:tenant_quota_active_series": "vector(1000)",
        "phoenix:tenant_quota_ingest_rate": "vector(100)",
    }
    assert found["phoenix:tenant_info"].labels == {
        "tenant_id": "checkout",
        "class": "shared",
        "account": "5",
        "owner": "team-checkout",
        "retention": "90d",
        "cost_center": "CC-1",
    }


def test_no_quota_no_record_and_no_cost_centre_no_label():
    (group,) = files("checkout", active_series=None, ingest_rate=None, cost_center="")["tenants-08"].groups
    assert [record.record for record in group.records] == ["phoenix:tenant_info", "phoenix:tenant_retention_seconds"]
    assert "cost_center" not in group.records[0].labels


@pytest.mark.parametrize(
    ("names", "base", "prefix"), [(support.PIPELINES, "full", "full"), (("optimized",), "optimized", "opt")]
)
def test_tenants_are_counted_in_the_baseline(names, base, prefix):
    group = next(iter(tenants.groups(support.environment(names=names))))
    every = f'{{__name__=~"phoenix_{prefix}_final_output_.+",phoenix_pipeline="{base}",tenant_id!=""}}'
    assert group.records[0].expr == f"count by (tenant_id) ({every})"


def test_no_pipeline_no_count():
    assert list(tenants.groups(support.environment(names=()))) == []
