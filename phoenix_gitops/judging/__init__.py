"""Judging: what was compiled goes before programs that others wrote, and what they refuse is put at its cause."""
