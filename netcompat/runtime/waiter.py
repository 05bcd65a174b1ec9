"""The waiter: one thread that blocks until another has something for it.

Which threads run it: `wait` the one that blocks, `set` every other. No lock is held while it waits; its own two are
used as flags.
"""
from __future__ import annotations

import os
import threading
from typing import Any, Optional

from .clock import monotonic
from .gate import inside_a_gate
from .workers import blocking

__all__ = ["Waiter", "deadline_of"]

# Seconds after which the main thread looks up from a wait, and no other thread does. On Windows Ctrl-C does not end a
# wait for a lock before Python 3.14. Elsewhere it does, but for one that arrives while the thread waits for the GIL on
# its way into the wait: nobody looks for signals between the two, and without another look that one would be lost.
_SLICE = 0.1 if os.name == "nt" else 1.0


class Waiter:
    """Set once, by whoever comes first; then `value` or `error` says what came."""

    __slots__ = ("_done", "_taken", "value", "error")

    def __init__(self) -> None:
        self._done = threading.Lock()       # released by `set`
        self._done.acquire()
        self._taken = threading.Lock()      # acquired by the first `set`
        self.value: Any = None
        self.error: Optional[BaseException] = None

    def set(self, value: Any = None, error: Optional[BaseException] = None) -> bool:
        """Let the waiting thread go on with `value` or `error`. `False` if another came first."""
        if not self._taken.acquire(False):
            return False
        self.value, self.error = value, error
        self._done.release()
        return True

    @property
    def is_set(self) -> bool:
        return self._taken.locked()

    def wait(self, timeout: Optional[float] = None, helper: bool = True) -> bool:
        """Block until `set`, for `timeout` seconds at most; `False` if they passed. For one thread, once.

        `helper`: for something that may never come, so that nobody should wait for the thread that waits.
        Raises `RuntimeError` in a signal handler or finalizer that interrupted a method: others wait for that one.
        """
        if self._done.acquire(False):
            return True
        if inside_a_gate():
            raise RuntimeError("a signal handler or finalizer that interrupted a method of netcompat must not wait")
        with blocking(helper):
            if threading.current_thread() is not threading.main_thread():
                return self._done.acquire(True, -1 if timeout is None else max(timeout, 0.0))
            deadline = None if timeout is None else monotonic() + timeout
            while True:
                left = _SLICE if deadline is None else min(_SLICE, max(deadline - monotonic(), 0.0))
                if self._done.acquire(True, left):
                    return True
                if deadline is not None and monotonic() >= deadline:
                    return False


def deadline_of(timeout: Optional[float]) -> Optional[float]:
    """When so many seconds from now will have passed, by the clock of timers; `None` for ever."""
    return None if timeout is None else monotonic() + timeout
