"""Argo CD 3.x: its application controller, repository server and API server."""

from __future__ import annotations

TABLE = """
c - namespace name project server response_code verb resource_kind resource_namespace dry_run
  argocd_app_k8s_request_total
c seconds namespace name project dest_server
  argocd_app_sync_duration_seconds_total
c - namespace name project dest_server phase=Error|Failed|Running|Succeeded|Terminating dry_run
  argocd_app_sync_total
c - server group kind
  argocd_cluster_events_total
c - repo revision
  argocd_git_fetch_fail_total
c - repo request_type=ls-remote|fetch
  argocd_git_request_total
c - hostname command
  argocd_kubectl_exec_total
c - status
  argocd_login_request_total
c - hostname initiator failed command
  argocd_redis_request_total
g - namespace name project condition
  argocd_app_condition
g - namespace name project autosync_enabled repo dest_server dest_namespace sync_status health_status operation
+ hydrator_status
  argocd_app_info
g - namespace name project *
  argocd_app_labels
g - namespace name project
  argocd_app_orphaned_resources_count
g - server
  argocd_cluster_api_resource_objects argocd_cluster_api_resources argocd_resource_events_processed_in_batch
g seconds server
  argocd_cluster_cache_age_seconds
g - server k8s_version
  argocd_cluster_connection_status
g - server k8s_version name *
  argocd_cluster_info
g - hostname command
  argocd_kubectl_exec_pending
g - repo
  argocd_repo_pending_request_total
h seconds namespace dest_server
  argocd_app_reconcile
h seconds repo request_type=ls-remote|fetch
  argocd_git_request_duration_seconds
h seconds hostname initiator
  argocd_redis_request_duration
h seconds server
  argocd_resource_events_processing
"""
