"""The gate: one thread at a time inside an object, and never half-way twice.

What it is for: an object whose methods may be called from every thread, from signal handlers and from finalizers. A
signal handler runs between two byte codes of its thread, a finalizer wherever memory is allocated; either may call a
method of the very object whose method it interrupted. A plain lock would hang there, a re-entrant one would let the
call into a half-done transition. The gate lets nobody in twice: such a call is queued and done on the way out.

Two gates. No method enters a gate from inside another, but a finalizer that strikes inside gate A may call a method of
B, while in another thread one that strikes inside B calls a method of A: each would wait for the other's lock. So a
thread that is inside a gate never waits for a second one that is taken; its call is queued there. That is looked at
only when somebody is inside, which `_inside` tells without the lock. It cannot be missed: whoever may block others is
inside a gate, so its `_inside` was set before it looked at the other's. For a circle of waiting threads each would have
had to look before the next one had set its own, and so before itself.

Which threads run it: all. What it must never do: hold its lock while user code, a dispatch or a blocking system call
runs. The lock order of the package is in `runtime/__init__.py`.
"""
from __future__ import annotations

import sys
import threading
from types import CodeType
from typing import Any, Callable, List, Set, Tuple

from .reactor import reactor
from .report import report
from .workers import call_on_pool

__all__ = ["GATE_CODES", "Gate", "inside_a_gate"]


class Gate:
    """Base class of what is guarded by one lock of its own.

    The frequent methods of a subclass spell `_enter` out, since a call costs as much as all the rest of it. Their code
    is added to `GATE_CODES`.

        if self._inside and self._must_not_wait():
            return self._defer(...)
        with self._lock:
            if self._deferred:
                self._run_deferred()
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
        self._make_gate()

    def _make_gate(self) -> None:
        """At first, and in a forked child, where the lock may be held for ever."""
        self._lock: Any = threading.RLock()     # guards all state of the object; held for microseconds
        self._inside = False                    # some thread is in the middle of a transition
        # Calls that met one, oldest first; grows and shrinks in atomic steps, since it grows without the lock.
        self._deferred: List[Tuple[Callable[..., Any], Tuple[Any, ...]]] = []

    def _enter(self, call: Callable[..., Any], *args: Any) -> Any:
        """Run `call(*args)` inside the gate and return its result; `None` if it had to be queued."""
        if self._inside and self._must_not_wait():
            return self._defer(call, *args)
        with self._lock:
            if self._deferred:
                self._run_deferred()
            self._inside = True
            try:
                return call(*args)
            finally:
                self._inside = False
                if self._deferred:
                    self._run_deferred()

    def _enter_now(self, call: Callable[..., Any], *args: Any) -> Any:
        """As `_enter`, for a call whose result cannot come later: raises `RuntimeError` instead of queueing it."""
        if self._inside and self._must_not_wait():
            raise RuntimeError("a signal handler or finalizer must not wait for an object whose method it interrupted")
        return self._enter(call, *args)

    def _must_not_wait(self) -> bool:
        """Somebody is inside: is it this thread, or is this thread inside another gate?"""
        return bool(self._lock._is_owned()) or inside_a_gate()

    def _defer(self, call: Callable[..., Any], *args: Any) -> None:
        """Queue a call; who is inside does it on the way out."""
        self._deferred.append((call, args))
        if not self._lock._is_owned():              # another thread, which may have looked at the queue a moment ago
            reactor.call_soon(self._enter, _nothing)

    def _run_deferred(self) -> None:
        """Do what arrived while somebody was inside; further arrivals queue up behind."""
        while self._deferred:
            self._inside = True
            try:
                while self._deferred:
                    call, args = self._deferred.pop(0)
                    try:
                        call(*args)
                    except Exception as problem:        # its caller is gone: there is nobody else to tell
                        call_on_pool(report, problem)
            finally:
                self._inside = False


def _nothing() -> None:
    """For who enters a gate only to have done what is queued there."""


GATE_CODES: Set[CodeType] = {Gate._enter.__code__}      # what takes the `_lock` of its `self`


def inside_a_gate() -> bool:
    """Is the calling thread inside any gate, so that this is a signal handler or finalizer that interrupted it?"""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code in GATE_CODES and frame.f_locals["self"]._lock._is_owned():
            return True
        frame = frame.f_back        # type: ignore[assignment]
    return False
