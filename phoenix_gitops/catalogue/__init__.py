"""The metrics that are known in a cluster: what our components emit, what policies declare, what rules record."""

from __future__ import annotations

from phoenix_gitops.catalogue.collection import Catalogue, of
from phoenix_gitops.catalogue.metric import TARGET_LABELS, Loss, Metric, declared, series

__all__ = ["TARGET_LABELS", "Catalogue", "Loss", "Metric", "declared", "of", "series"]
