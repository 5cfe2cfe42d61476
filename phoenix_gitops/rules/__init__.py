"""Recording rules and alerts: typed groups, built from policies, checked against the cluster's catalogue."""
