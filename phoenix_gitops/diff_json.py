"""A tree diff for machines: everything that the other forms shorten. Pure."""

from __future__ import annotations

import json

from phoenix_gitops.diff import Action, TreeDiff
from phoenix_gitops.diff_fields import ABSENT, FieldChange
from phoenix_gitops.diff_report import Review
from phoenix_gitops.meaning.base import EffectGroup


def as_json(review: Review) -> str:
    """Counts, deletions, effects, approvers, and each group of objects with its fields and places."""
    data = _data(review.diff)
    data["effects"] = [_effect_data(group) for group in review.effects]
    if review.approvers is not None:
        data["approvers"] = [{"owner": one.owner, "reasons": list(one.reasons)} for one in review.approvers]
    return json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n"


def _effect_data(group: EffectGroup) -> dict[str, object]:
    first = group.first
    return {
        "about": first.aspect.value,
        "sign": first.sign,
        "text": first.text,
        "plan": first.plan,
        "gained": first.gained,
        "vanishes": first.vanishes,
        "places": [
            {
                "environment": effect.where.environment,
                "cluster": effect.where.cluster,
                "namespace": effect.where.namespace,
                "text": effect.text,
                "note": effect.note,
            }
            for effect in group.effects
        ],
    }


def _data(diff: TreeDiff) -> dict[str, object]:
    return {
        "summary": {
            **{str(action): diff.count(action) for action in Action},
            "restarts": diff.restarts,
            "proof": diff.proof,
            "environments": list(diff.environments),
            "clusters": ["/".join(cluster) for cluster in diff.clusters],
            "components": list(diff.components),
        },
        "deletes": [{"kind": c.kind, "name": c.place.name, "in": str(c.place)} for c in diff.deletes],
        "groups": [
            {
                "action": str(group.first.action),
                "outlasts": group.first.outlasts,
                "kind": group.first.kind,
                "apiGroup": group.first.group,
                "component": group.first.place.component,
                "config": group.first.config,
                "restarts": group.first.restarts,
                "configs": list(group.first.configs),
                "fields": [_field_data(field) for field in group.first.fields],
                "places": [
                    {
                        "environment": place.environment,
                        "cluster": place.cluster,
                        "namespace": place.namespace,
                        "name": place.name,
                    }
                    for place in group.places
                ],
            }
            for group in diff.groups
        ],
    }


def _field_data(field: FieldChange) -> dict[str, object]:
    sides = (("old", field.old), ("new", field.new))
    return {"path": field.path, **{side: value for side, value in sides if value is not ABSENT}}
