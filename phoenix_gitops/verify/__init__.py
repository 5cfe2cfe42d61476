"""The stage that checks generated objects: `verify` takes those of one cluster and gives findings."""

from phoenix_gitops.verify.finding import ANY, Facts, Fault, Finding, Located, ObjectRef
from phoenix_gitops.verify.schemas import Schemas
from phoenix_gitops.verify.stage import Checked, check, check_cluster, items, verify

__all__ = [
    "ANY",
    "Checked",
    "Facts",
    "Fault",
    "Finding",
    "Located",
    "ObjectRef",
    "Schemas",
    "check",
    "check_cluster",
    "items",
    "verify",
]
