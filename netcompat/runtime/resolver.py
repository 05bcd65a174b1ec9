"""The resolver: name look-ups, on threads of their own.

A look-up may take seconds, and a stuck DNS server must not occupy the workers. Which threads run it: `resolve` every
thread, `_start` the reactor, `_work` the resolver threads: daemons, at most `_LIMIT`, each ends when nothing is queued.

Locks: `_lock` guards the count of threads against the emptiness of the queue. Only the reactor and the resolver threads
take it, so no signal handler can meet it half-way.
"""
from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Deque, Optional, Tuple

from .reactor import reactor
from .report import report

__all__ = ["resolve"]

_LIMIT = 16             # threads; look-ups beyond that queue up

Outcome = Callable[[Any, Optional[BaseException]], None]


class _Resolver:
    def __init__(self) -> None:
        self._lock = threading.Lock()       # guards the queue, and the number of threads that come to it
        self._queue: Deque[Tuple[Callable[[], Any], Outcome]] = deque()
        self._threads = 0

    def start(self, lookup: Callable[[], Any], done: Outcome) -> None:
        with self._lock:
            self._queue.append((lookup, done))
            if self._threads >= _LIMIT:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="netcompat-resolver", daemon=True).start()
        except RuntimeError as problem:         # a process limit, or the interpreter ends
            with self._lock:
                self._threads -= 1
                if self._threads:
                    return                      # another one will come to it
                self._queue.pop()
            done(None, problem)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._threads -= 1
                    return
                lookup, done = self._queue.popleft()
            result: Any = None
            error: Optional[BaseException] = None
            try:
                result = lookup()
            except Exception as problem:        # whatever a look-up of the user's raises goes to 'error'
                error = problem
            except BaseException as problem:
                error = problem
                report(problem)
            reactor.call_soon(done, result, error)
            del lookup, done, result, error


_resolver = _Resolver()


def resolve(lookup: Callable[[], Any], done: Outcome) -> None:
    """Run `lookup()` on a resolver thread, then `done(result, error)` on the reactor thread."""
    reactor.call_soon(_resolver.start, lookup, done)


def reset() -> None:
    """Begin anew in a forked child, which has none of its parent's threads."""
    global _resolver
    _resolver = _Resolver()
