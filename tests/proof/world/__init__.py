"""A small world on the loopback addresses of one machine: the programs of a cluster, run from what we emit.

Every pod has an address of its own in 127.0.0.0/8, so all listen on the ports that we emit, and whoever is asked sees
which pod asks. What is changed in emitted configs is in `places.relocated`, and nothing else is.
"""
