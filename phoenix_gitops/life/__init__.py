"""Life of a tenant: plans of ordered steps, each a change of files that compiles, with what it means and when."""

from __future__ import annotations

from phoenix_gitops.life.base import NoPlanError, Plan, Step
from phoenix_gitops.life.move import plan_move
from phoenix_gitops.life.rename import plan_rename
from phoenix_gitops.life.retire import plan_retirement

__all__ = ["NoPlanError", "Plan", "Step", "plan_move", "plan_rename", "plan_retirement"]
