"""Benchmarks: the compiler measured as a user runs it."""
