"""What people ask `phoenix explain`, as they type it."""

import pytest

from phoenix_gitops.explaining import located, show_value
from phoenix_gitops.paths import parse_path

BODY = {
    "metadata": {"labels": {"policy.phoenix.io/tenant": "gifts", "a": 1, "a.b": {"c": 2}}},
    "data": {"config.yaml": "x"},
    "spec": {"containers": [{"image": "one"}]},
}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("metadata.labels.policy.phoenix.io/tenant", ("metadata", "labels", "policy.phoenix.io/tenant")),
        ('metadata.labels["policy.phoenix.io/tenant"]', ("metadata", "labels", "policy.phoenix.io/tenant")),
        ("metadata.labels.a", ("metadata", "labels", "a")),
        ("metadata.labels.a.b.c", ("metadata", "labels", "a.b", "c")),
        ("data.config.yaml", ("data", "config.yaml")),
        ("spec.containers.0.image", ("spec", "containers", 0, "image")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("", ()),
        ("spec.containers[1]", None),
        ("spec.containers.image", None),
        ("spec.containers[0].image.tag", None),
        ("data.config", None),
    ],
)
def test_a_path_is_found_as_people_type_it(typed, found):
    assert located(BODY, parse_path(typed)) == found


def test_scalars_are_shown_as_yaml_has_them():
    assert [show_value(value) for value in (True, False, None, 3, "x")] == ["true", "false", "null", "3", "x"]
