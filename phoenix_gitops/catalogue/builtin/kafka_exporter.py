"""kafka_exporter (danielqsj): topics, partitions and consumer groups of a Kafka."""

from __future__ import annotations

TABLE = """
g - id address
  kafka_broker_info
g -
  kafka_brokers
g - consumergroup topic partition
  kafka_consumergroup_current_offset kafka_consumergroupzookeeper_lag_zookeeper
g - consumergroup topic
  kafka_consumergroup_current_offset_sum
g messages consumergroup topic partition
  kafka_consumergroup_lag
g messages consumergroup topic
  kafka_consumergroup_lag_sum
g - consumergroup
  kafka_consumergroup_members
g - branch goarch goos goversion revision tags version
  kafka_exporter_build_info
g - topic partition
  kafka_topic_partition_current_offset kafka_topic_partition_in_sync_replica kafka_topic_partition_leader
  kafka_topic_partition_leader_is_preferred kafka_topic_partition_oldest_offset kafka_topic_partition_replicas
  kafka_topic_partition_under_replicated_partition
g - topic
  kafka_topic_partitions
"""
