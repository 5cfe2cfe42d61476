"""What every object of ours bears."""

from phoenix_gitops.artifact import PolicyRef
from phoenix_gitops.conventions import decorate


def test_decorate_adds_labels_and_annotations_and_changes_nothing_in_place() -> None:
    labels = {"app.kubernetes.io/part-of": "other", "team": "x"}
    body = {
        "kind": "Service",
        "metadata": {"name": "gw", "labels": labels, "annotations": {"policy.phoenix.io/owner": "?"}},
    }
    decorated = decorate(
        body,
        component="ingest",
        policy=PolicyRef("Tenant", "checkout"),
        owner="team-checkout",
        annotations={"note": "ours", "policy.phoenix.io/owner": "forged"},
        labels={"team": "org", "cost": "1", "policy.phoenix.io/component": "forged"},
    )
    assert decorated == {
        "kind": "Service",
        "metadata": {
            "name": "gw",
            "labels": {
                "app.kubernetes.io/managed-by": "phoenix-gitops",
                "app.kubernetes.io/part-of": "other",
                "cost": "1",
                "policy.phoenix.io/component": "ingest",
                "team": "x",
            },
            "annotations": {
                "note": "ours",
                "policy.phoenix.io/owner": "team-checkout",
                "policy.phoenix.io/policy": "Tenant/checkout",
            },
        },
    }
    assert body["metadata"] == {
        "name": "gw",
        "labels": {"app.kubernetes.io/part-of": "other", "team": "x"},
        "annotations": {"policy.phoenix.io/owner": "?"},
    }


def test_decorate_takes_an_object_without_labels() -> None:
    decorated = decorate(
        {"metadata": {"name": "a"}},
        component="c",
        policy=PolicyRef("Environment", "e"),
        owner="o",
        labels={},
        annotations={},
    )
    assert decorated["metadata"]["annotations"] == {
        "policy.phoenix.io/owner": "o",
        "policy.phoenix.io/policy": "Environment/e",
    }
