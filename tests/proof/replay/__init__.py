"""Generated rules over a story of some hours: the same samples in Prometheus and in VictoriaMetrics.

`series` and `remote_write` make samples and send them, `story` says what happens in an environment, `engines` runs both
stores, and `rules` replays rule groups over them, in the order in which they build on each other.
"""
