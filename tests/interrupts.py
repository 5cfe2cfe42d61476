"""Children that can be interrupted."""

from __future__ import annotations

import signal


def interruptible() -> None:
    """For `preexec_fn`: a job in the background of a shell ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
