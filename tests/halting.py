"""Child processes that stand still: connections stay, and nothing is answered."""

from __future__ import annotations

import os
import signal


def halt(pid: int) -> None:
    """Have a child stand still, with all its threads; returns when it does.

    A signal alone is only on its way: until every thread has heard of it, some still answer.
    """
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


def go_on(pid: int) -> None:
    """Have it go on; one that does not stand still is left as it is."""
    os.kill(pid, signal.SIGCONT)
