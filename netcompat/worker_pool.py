"""The pools of workers as programs see them; the threads, queues and turns are in `runtime/workers.py`.

Which threads run it: every thread. No lock: a `WorkerPool` does not change after it was made.
"""
from __future__ import annotations

from typing import Any, Callable, Optional

from .errors import invalid_type, out_of_range
from .runtime import workers as engine

__all__ = ["WorkerPool", "set_default_workers"]


class WorkerPool:
    """Threads that run listeners: `max_workers` at most (default: 32 + cores), made on demand. Not in Node.

    One that was idle for `idle_seconds` ends, but the last; all end when the last handle is closed. A worker that waits
    in a blocking helper does not count towards the limit. `submit` is a `dispatch`. Errors: `ERR_INVALID_ARG_TYPE`,
    `ERR_OUT_OF_RANGE`.
    """

    __slots__ = ("_pool", "__weakref__")

    def __init__(self, max_workers: Optional[int] = None, *, idle_seconds: float = 10.0,
                 thread_name_prefix: str = "netcompat-worker") -> None:
        if max_workers is None:
            max_workers = engine.DEFAULT_LIMIT
        elif isinstance(max_workers, bool) or not isinstance(max_workers, int):
            raise invalid_type("max_workers", "int or None", max_workers)
        if max_workers < 1:
            raise out_of_range("max_workers", ">= 1", max_workers)
        if isinstance(idle_seconds, bool) or not isinstance(idle_seconds, (int, float)):
            raise invalid_type("idle_seconds", "int or float", idle_seconds)
        if not 0 <= idle_seconds <= engine.LONGEST_IDLE:
            raise out_of_range("idle_seconds", f">= 0 and <= {engine.LONGEST_IDLE}", idle_seconds)
        if not isinstance(thread_name_prefix, str):
            raise invalid_type("thread_name_prefix", "str", thread_name_prefix)
        self._pool = engine.Pool(max_workers, idle_seconds, thread_name_prefix)

    @property
    def max_workers(self) -> int:
        """How many threads there may be, without those that wait in blocking helpers."""
        return self._pool.max_workers

    def submit(self, call: Callable[[], Any]) -> None:
        """Run `call()` on a worker. Usable as a `dispatch`. Raises `RuntimeError` after `shutdown`."""
        if not callable(call):
            raise invalid_type("call", "a callable", call)
        self._pool.submit(call)

    def shutdown(self) -> None:
        """Take no more calls; what is queued is still run, then the threads end."""
        self._pool.shutdown()

    def __repr__(self) -> str:
        count = self._pool.counts()
        return "<WorkerPool of {}: {busy} busy, {idle} idle, {queued} queued>".format(self.max_workers, **count)


def set_default_workers(workers: "WorkerPool | int") -> None:
    """Use this pool, or one of so many threads, from now on. What is queued in the old one is still run there."""
    if isinstance(workers, bool) or not isinstance(workers, (WorkerPool, int)):
        raise invalid_type("workers", "a WorkerPool or int", workers)
    engine.use((workers if isinstance(workers, WorkerPool) else WorkerPool(workers))._pool)
