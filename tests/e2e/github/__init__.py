"""A stand-in for GitHub: the few calls that our workflows make, on the loopback address."""
