"""Judges: programs that others wrote, run over what we compile."""
