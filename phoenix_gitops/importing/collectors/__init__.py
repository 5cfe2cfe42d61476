"""Collector configs as Pipelines: what is collected, kept and sent on; every leaf is carried, told or ours."""
