"""The gate: one thread at a time inside an object, and never half-way twice.

What it is for: an object whose methods may be called from every thread, from signal handlers and from finalizers. A
signal handler runs between two byte codes of its thread, a finalizer wherever memory is allocated; either may call a
method of the very object whose method it interrupted. A plain lock would hang there, a re-entrant one would let the
call into a half-done transition. The gate lets nobody in twice: such a call is queued and done on the way out.

Which threads run it: all. What it must never do: hold its lock while user code, a dispatch or a blocking system call
runs. No thread ever holds two gates; the lock order of the package is in `runtime/__init__.py`.
"""
from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Deque, Optional, Tuple

from .report import report

__all__ = ["Gate"]


class Gate:
    """Base class of what is guarded by one lock of its own.

    The frequent methods of a subclass spell `enter` out, since a call costs as much as all the rest of it:

        with self._lock:
            if self._inside:
                return self._defer(...)
            self._inside = True
            try:
                ...
            finally:
                self._inside = False
                if self._deferred:
                    self._run_deferred()
    """

    __slots__ = ("_lock", "_inside", "_deferred", "__weakref__")

    def __init__(self) -> None:
        self._lock = threading.RLock()      # guards all state of the object; held for microseconds
        self._inside = False                # a transition is under way in the thread that holds the lock
        self._deferred: Optional[Deque[Tuple[Callable[..., Any], Tuple[Any, ...]]]] = None  # calls that met one

    def _enter(self, call: Callable[..., Any], *args: Any) -> Any:
        """Run `call(*args)` inside the gate and return its result; `None` if it had to be queued."""
        with self._lock:
            if self._inside:
                return self._defer(call, *args)
            self._inside = True
            try:
                return call(*args)
            finally:
                self._inside = False
                if self._deferred:
                    self._run_deferred()

    def _defer(self, call: Callable[..., Any], *args: Any) -> None:
        """Queue a call that its own thread made while inside; it is done on the way out."""
        if self._deferred is None:
            self._deferred = deque()
        self._deferred.append((call, args))

    def _run_deferred(self) -> None:
        """Do what arrived while this thread was inside; further arrivals queue up behind."""
        while self._deferred:
            self._inside = True
            try:
                call, args = self._deferred.popleft()
                call(*args)
            except Exception as problem:    # its caller is gone: there is nobody else to tell
                report(problem)
            finally:
                self._inside = False
