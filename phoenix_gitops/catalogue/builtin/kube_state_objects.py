"""kube-state-metrics 2.x with its default options: nodes, volumes, and objects that run nothing."""

from __future__ import annotations

TABLE = """
g - certificatesigningrequest signer_name *
  kube_certificatesigningrequest_annotations kube_certificatesigningrequest_labels
g - certificatesigningrequest signer_name
  kube_certificatesigningrequest_cert_length kube_certificatesigningrequest_created
g - certificatesigningrequest signer_name condition
  kube_certificatesigningrequest_condition
g - clusterrole *
  kube_clusterrole_annotations kube_clusterrole_labels
g - clusterrole
  kube_clusterrole_created kube_clusterrole_info kube_clusterrole_metadata_resource_version
g - clusterrolebinding *
  kube_clusterrolebinding_annotations kube_clusterrolebinding_labels
g - clusterrolebinding
  kube_clusterrolebinding_created kube_clusterrolebinding_metadata_resource_version
g - clusterrolebinding roleref_kind roleref_name
  kube_clusterrolebinding_info
g - configmap namespace *
  kube_configmap_annotations kube_configmap_labels
g - configmap namespace
  kube_configmap_created kube_configmap_info kube_configmap_metadata_resource_version
g - endpoint namespace ip port_name port_protocol port_number ready
  kube_endpoint_address
g - endpoint namespace *
  kube_endpoint_annotations kube_endpoint_labels
g - endpoint namespace
  kube_endpoint_created kube_endpoint_info
g - endpoint namespace port_name port_protocol port_number
  kube_endpoint_ports
g - endpointslice namespace *
  kube_endpointslice_annotations kube_endpointslice_labels
g - endpointslice namespace
  kube_endpointslice_created
g - endpointslice namespace address ready serving terminating hostname targetref_kind targetref_name
+ targetref_namespace nodename endpoint_zone
  kube_endpointslice_endpoints
g - endpointslice namespace address for_zone
  kube_endpointslice_endpoints_hints
g - endpointslice namespace addresstype
  kube_endpointslice_info
g - endpointslice namespace port_name port_protocol port_number
  kube_endpointslice_ports
g - ingress namespace *
  kube_ingress_annotations kube_ingress_labels
g - ingress namespace
  kube_ingress_created kube_ingress_metadata_resource_version
g - ingress namespace ingressclass _default
  kube_ingress_info
g - ingress namespace host path path_type service_name service_port resource_api_group resource_kind resource_name
  kube_ingress_path
g - ingress namespace tls_host secret
  kube_ingress_tls
g - ingressclass *
  kube_ingressclass_annotations kube_ingressclass_labels
g - ingressclass
  kube_ingressclass_created
g - ingressclass controller
  kube_ingressclass_info
g - lease owner_kind owner_name namespace lease_holder
  kube_lease_owner
g - lease namespace
  kube_lease_renew_time
g - limitrange namespace resource type constraint
  kube_limitrange
g - limitrange namespace
  kube_limitrange_created
g - mutatingadmissionpolicy namespace
  kube_mutatingadmissionpolicy_created
g - mutatingadmissionpolicy namespace param_api_version param_kind failure_policy reinvocation_policy
  kube_mutatingadmissionpolicy_info
g - mutatingadmissionpolicybinding namespace
  kube_mutatingadmissionpolicybinding_created
g - mutatingadmissionpolicybinding namespace policy_name param_name param_namespace param_not_found_action
  kube_mutatingadmissionpolicybinding_info
g - mutatingwebhookconfiguration namespace
  kube_mutatingwebhookconfiguration_created kube_mutatingwebhookconfiguration_info
  kube_mutatingwebhookconfiguration_metadata_resource_version
g - mutatingwebhookconfiguration namespace webhook_name service_name service_namespace
  kube_mutatingwebhookconfiguration_webhook_clientconfig_service
g - namespace *
  kube_namespace_annotations kube_namespace_labels
g - namespace
  kube_namespace_created
g - namespace condition status=true|false|unknown
  kube_namespace_status_condition
g - namespace phase=Active|Terminating
  kube_namespace_status_phase
g - namespace networkpolicy *
  kube_networkpolicy_annotations kube_networkpolicy_labels
g - namespace networkpolicy
  kube_networkpolicy_created kube_networkpolicy_spec_egress_rules kube_networkpolicy_spec_ingress_rules
g - node *
  kube_node_annotations kube_node_labels
g seconds node
  kube_node_created kube_node_deletion_timestamp
g - node kernel_version os_image container_runtime_version kubelet_version kubeproxy_version pod_cidr provider_id
+ system_uuid internal_ip
  kube_node_info
g - node role
  kube_node_role
g - node pod_cidr
  kube_node_spec_pod_cidrs
g - node key
  kube_node_spec_taint
g - node
  kube_node_spec_unschedulable
g - node type address
  kube_node_status_addresses
g - node resource unit
  kube_node_status_allocatable kube_node_status_capacity
g - node condition status=true|false|unknown
  kube_node_status_condition
g - persistentvolume access_mode
  kube_persistentvolume_access_mode
g - persistentvolume *
  kube_persistentvolume_annotations kube_persistentvolume_labels
g bytes persistentvolume
  kube_persistentvolume_capacity_bytes
g - persistentvolume claim_namespace name
  kube_persistentvolume_claim_ref
g seconds persistentvolume
  kube_persistentvolume_created kube_persistentvolume_deletion_timestamp
g - persistentvolume csi_mounter csi_map_options
  kube_persistentvolume_csi_attributes
g - persistentvolume storageclass gce_persistent_disk_name host_path host_path_type ebs_volume_id azure_disk_name
+ fc_wwids fc_lun fc_target_wwns iscsi_target_portal iscsi_iqn iscsi_lun iscsi_initiator_name local_path local_fs
+ nfs_server nfs_path csi_driver csi_volume_handle reclaim_policy
  kube_persistentvolume_info
g - persistentvolume phase=Bound|Failed|Pending|Available|Released
  kube_persistentvolume_status_phase
g - persistentvolume volumemode
  kube_persistentvolume_volume_mode
g - access_mode namespace persistentvolumeclaim
  kube_persistentvolumeclaim_access_mode
g - persistentvolumeclaim namespace *
  kube_persistentvolumeclaim_annotations kube_persistentvolumeclaim_labels
g seconds namespace persistentvolumeclaim
  kube_persistentvolumeclaim_created kube_persistentvolumeclaim_deletion_timestamp
g - namespace persistentvolumeclaim storageclass volumename volumemode
  kube_persistentvolumeclaim_info
g bytes namespace persistentvolumeclaim
  kube_persistentvolumeclaim_resource_requests_storage_bytes
g - namespace persistentvolumeclaim type status
  kube_persistentvolumeclaim_status_condition
g - namespace persistentvolumeclaim phase
  kube_persistentvolumeclaim_status_phase
g - poddisruptionbudget namespace *
  kube_poddisruptionbudget_annotations kube_poddisruptionbudget_labels
g - poddisruptionbudget namespace
  kube_poddisruptionbudget_created kube_poddisruptionbudget_deletion_timestamp
  kube_poddisruptionbudget_status_current_healthy kube_poddisruptionbudget_status_desired_healthy
  kube_poddisruptionbudget_status_expected_pods kube_poddisruptionbudget_status_observed_generation
  kube_poddisruptionbudget_status_pod_disruptions_allowed
g - resourcequota namespace resource type
  kube_resourcequota
g - resourcequota namespace *
  kube_resourcequota_annotations kube_resourcequota_labels
g - resourcequota namespace
  kube_resourcequota_created
g - role namespace *
  kube_role_annotations kube_role_labels
g - role namespace
  kube_role_created kube_role_info kube_role_metadata_resource_version
g - rolebinding namespace *
  kube_rolebinding_annotations kube_rolebinding_labels
g - rolebinding namespace
  kube_rolebinding_created kube_rolebinding_metadata_resource_version
g - rolebinding namespace roleref_kind roleref_name
  kube_rolebinding_info
g - secret namespace *
  kube_secret_annotations kube_secret_labels
g - secret namespace
  kube_secret_created kube_secret_info kube_secret_metadata_resource_version
g - secret namespace owner_kind owner_name owner_is_controller
  kube_secret_owner
g - secret namespace type
  kube_secret_type
g - service namespace uid *
  kube_service_annotations kube_service_labels
g seconds service namespace uid
  kube_service_created kube_service_deletion_timestamp
g - service namespace uid cluster_ip external_name external_traffic_policy load_balancer_ip
  kube_service_info
g - service namespace uid external_ip
  kube_service_spec_external_ip
g - service namespace uid type=ClusterIP|NodePort|LoadBalancer|ExternalName
  kube_service_spec_type
g - service namespace uid ip hostname
  kube_service_status_load_balancer_ingress
g - namespace serviceaccount uid *
  kube_serviceaccount_annotations kube_serviceaccount_labels
g - namespace serviceaccount uid
  kube_serviceaccount_created kube_serviceaccount_deleted
g - namespace serviceaccount uid name
  kube_serviceaccount_image_pull_secret kube_serviceaccount_secret
g - namespace serviceaccount uid automount_token
  kube_serviceaccount_info
g - storageclass *
  kube_storageclass_annotations kube_storageclass_labels
g - storageclass
  kube_storageclass_created
g - storageclass provisioner reclaim_policy volume_binding_mode
  kube_storageclass_info
g - validatingadmissionpolicy namespace
  kube_validatingadmissionpolicy_created
g - validatingadmissionpolicy namespace param_api_version param_kind failure_policy
  kube_validatingadmissionpolicy_info
g - validatingadmissionpolicybinding namespace
  kube_validatingadmissionpolicybinding_created
g - validatingadmissionpolicybinding namespace policy_name param_name param_namespace param_not_found_action
  kube_validatingadmissionpolicybinding_info
g - validatingadmissionpolicybinding namespace action
  kube_validatingadmissionpolicybinding_validation_action
g - validatingwebhookconfiguration namespace
  kube_validatingwebhookconfiguration_created kube_validatingwebhookconfiguration_info
  kube_validatingwebhookconfiguration_metadata_resource_version
g - validatingwebhookconfiguration namespace webhook_name service_name service_namespace
  kube_validatingwebhookconfiguration_webhook_clientconfig_service
g - volumeattachment
  kube_volumeattachment_created kube_volumeattachment_status_attached
g - volumeattachment attacher node
  kube_volumeattachment_info
g - volumeattachment *
  kube_volumeattachment_labels kube_volumeattachment_status_attachment_metadata
g - volumeattachment volumename
  kube_volumeattachment_spec_source_persistentvolume
"""
