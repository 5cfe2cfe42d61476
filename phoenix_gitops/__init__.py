"""Phoenix GitOps: a GitOps repository generator and policy compiler."""

__version__ = "0.1.0"
