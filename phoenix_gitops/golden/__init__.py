"""Golden data: known processes through the collectors that we emit, and what must come out by the policies alone."""
