"""OpenCost: what nodes, disks and load balancers cost an hour, and what containers are given of them."""

from __future__ import annotations

TABLE = """
g cores namespace pod container instance node
  container_cpu_allocation
g - namespace pod container instance node
  container_gpu_allocation
g bytes namespace pod container instance node
  container_memory_allocation_bytes
g - provisioner_name
  kubecost_cluster_management_cost
g - ingress_ip namespace service_name
  kubecost_load_balancer_cost
g -
  kubecost_network_internet_egress_cost kubecost_network_region_egress_cost kubecost_network_zone_egress_cost
g - instance node instance_type region provider_id arch
  kubecost_node_is_spot node_cpu_hourly_cost node_gpu_count node_gpu_hourly_cost node_ram_hourly_cost
  node_total_hourly_cost
g bytes namespace pod persistentvolumeclaim persistentvolume
  pod_pvc_allocation
g - volumename persistentvolume provider_id
  pv_hourly_cost
"""
