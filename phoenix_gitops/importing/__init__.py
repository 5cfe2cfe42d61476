"""Import: what others wrote (rules, objects of a cluster, SLOs) becomes drafts of policies, and the rest is told."""
