"""`EventQueue`: a `dispatch` for a thread of the program's own.

Which threads run it: `put` the workers, `run_pending` and its kin the thread that pumps, `stop` every thread.

Locks: none. The queue and the list of sleepers change in single atomic operations. Who puts something looks for
sleepers afterwards, and who lies down looks at the queue afterwards, so no wakeup is lost.
"""
from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Any, Callable, Deque, List, Optional

from .emitter import check_timeout
from .errors import invalid_type
from .runtime.clock import monotonic
from .runtime.lifetime import own_idents
from .runtime.report import report
from .runtime.waiter import Waiter, deadline_of

__all__ = ["EventQueue"]


class EventQueue:
    """A `dispatch` that runs listeners on the thread that pumps it: a Tk `after` loop, a game loop, the main thread.

    `Socket(dispatch=queue.put)`. Only in Python.
    """

    def __init__(self) -> None:
        self._items: Deque[Callable[[], Any]] = deque()
        self._sleepers: List[Waiter] = []       # threads that wait in `run_until`; changes in atomic steps
        self._stops = 0
        self._pumper = 0        # the thread that pumped last

    def put(self, call: Callable[[], Any]) -> None:
        """Have `call()` run by whoever pumps. From every thread."""
        if not callable(call):
            raise invalid_type("call", "a callable", call)
        self._items.append(call)        # first this: who lies down to wait does so before looking
        self._wake()

    def run_pending(self, max_seconds: Optional[float] = None) -> int:
        """Run what is queued, for `max_seconds` at most; how many calls ran. Never waits."""
        deadline = deadline_of(check_timeout(max_seconds, "max_seconds"))
        self._pumper = threading.get_ident()
        ran = 0
        for _ in range(len(self._items)):
            try:
                call = self._items.popleft()
            except IndexError:
                break
            ran += 1
            try:
                call()
            except Exception as problem:
                report(problem)
            if deadline is not None and monotonic() >= deadline:
                break
        return ran

    def run_until(self, condition: Any, timeout: Optional[float] = None) -> Any:
        """Run what comes until `condition()` is true or, if it is a future, done; returns its value or result.

        The condition is looked at after each round. `timeout`: seconds; `TimeoutError` when they pass.
        """
        deadline = deadline_of(check_timeout(timeout))
        done: Callable[[], Any]
        result: Callable[[], Any]
        if callable(condition):
            done = result = condition
        elif callable(getattr(condition, "done", None)) and callable(getattr(condition, "result", None)):
            done, result = condition.done, condition.result
            condition.add_done_callback(lambda _: self._wake())
        else:
            raise invalid_type("condition", "a callable or a future", condition)
        while True:
            value = done()
            if value:
                return value if done is result else result()
            if not self._round(deadline):
                raise TimeoutError("run_until: the condition did not come true in time")

    def run_forever(self) -> None:
        """Run what comes until `stop`."""
        stops = self._stops
        while self._stops == stops:
            self._round(None)

    def stop(self) -> None:
        """Let `run_forever` return. From every thread."""
        self._stops += 1
        self._wake()

    def _round(self, deadline: Optional[float]) -> bool:
        """Wait for something and run it; `False` when the time is over."""
        waiter = Waiter()
        stops = self._stops
        self._pumper = threading.get_ident()
        self._sleepers.append(waiter)
        try:
            if not self._items and self._stops == stops:
                left = None if deadline is None else deadline - monotonic()
                if (left is not None and left <= 0) or not waiter.wait(left):
                    return False
        finally:
            try:
                self._sleepers.remove(waiter)
            except ValueError:
                pass            # whoever woke it took it off
        self.run_pending()
        return True

    def _wake(self) -> None:
        while self._sleepers:
            try:
                self._sleepers.pop().set()
            except IndexError:
                return

    def _brings_here(self) -> bool:
        """Do calls come to nobody while the calling thread waits? It is the one that pumps, or nobody has so far and
        there is nobody else who could."""
        me = threading.get_ident()
        if self._pumper:
            return self._pumper == me
        return not set(sys._current_frames()) - own_idents() - {me}
