"""Who keeps the process and the threads alive: reference counts, interpreter exit, fork, `shutdown`.

Two sets say it all. `reactor.holders` has every open handle and pending delivery: the threads live while it is not
empty. `_refed` has those handles that are ref'd: the process lives while it is not empty, since one non-daemon thread,
the keeper, does. All other threads of netcompat are daemons.

The keeper also has to notice that the main thread died of an exception, for then nothing is kept alive. Nothing public
tells a thread of that, so it looks twice a second, while there is a ref'd handle and no longer.

Which threads run it: `opened`, `closed`, `ref` and `unref` every thread; `_keep` the keeper.

Locks: none of its own. The sets change in single atomic operations; a change to `_refed` is followed by a look at it.
"""
from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Set

from . import resolver, workers
from .reactor import reactor
from .report import log

__all__ = ["Handle", "call_later", "closed", "handles", "opened", "ref", "shutdown", "stats", "unref"]

_LOOK = 0.5     # seconds between the keeper's looks at the main thread

_refed: Set[object] = set()
_keeping = threading.Lock()         # held while there is a keeper: a flag that two threads cannot both set
_nudge = threading.Lock()           # released when `_refed` becomes empty
_nudge.acquire()
_keeper: Optional[threading.Thread] = None
_endings: Dict[int, Callable[[], None]] = {}        # what has to be said before the program ends, by id


# ---- handles ----

class Handle:
    """What this file needs of a handle, beside being told of its life: a socket, a server, a cluster."""

    __slots__ = ()

    _handle_kind = ""       # for `stats`

    def _queued_items(self) -> int:
        """Deliveries that wait."""
        raise NotImplementedError

    def _destroy_handle(self) -> None:
        """For `shutdown`: end this life at once."""
        raise NotImplementedError

    def _abandon(self) -> None:
        """In a forked child: close the descriptors, unheard. No other thread exists; locks may be held for ever."""
        raise NotImplementedError


def opened(handle: Any, refed: bool) -> None:
    """A life begins: `handle` needs the threads until `closed`, and keeps the process alive if `refed`."""
    if not reactor.holders:
        atexit.unregister(_at_exit)     # so that there is one at most
        atexit.register(_at_exit)
    reactor.holders.add(handle)
    if refed:
        ref(handle)


def closed(handle: Any) -> None:
    """The life of `handle` is over, its 'close' delivered."""
    unref(handle)
    reactor.holders.discard(handle)
    if not reactor.holders:
        atexit.unregister(_at_exit)
        reactor.nudge()


def ref(handle: Any) -> None:
    """Let `handle` keep the process alive."""
    _refed.add(handle)
    if _keeping.acquire(False):
        _start_keeper()


def unref(handle: Any) -> None:
    """Let the process end although `handle` is open."""
    _refed.discard(handle)
    if not _refed:
        try:
            _nudge.release()
        except RuntimeError:
            pass                # it is released already: the keeper has not looked yet


def handles() -> List[Handle]:
    """A snapshot of everything that is open."""
    return [holder for holder in list(reactor.holders) if isinstance(holder, Handle)]


# ---- the keeper ----

def _start_keeper() -> None:
    global _keeper
    _keeper = threading.Thread(target=_keep, name="netcompat-keeper", daemon=False)
    try:
        _keeper.start()
    except RuntimeError as problem:         # a process limit, or the interpreter ends
        _keeping.release()
        log.warning("the process will not be kept alive: %s", problem)


def _keep() -> None:
    main = threading.main_thread()
    while True:
        while _refed:
            _nudge.acquire(True, _LOOK)
            if not main.is_alive() and hasattr(sys, "last_type"):
                return      # the program died of an exception: its connections are no reason to live on
        _keeping.release()
        if not _refed or not _keeping.acquire(False):
            return          # a handle that came in between either found the flag free or is seen here


# ---- the end of the program ----

def not_at_end(pending: object) -> None:
    _endings.pop(id(pending), None)


def _at_exit() -> None:
    """The interpreter ends: begin nothing new, and give listeners that run a moment to get out of the way.

    A daemon thread that is inside a print when the interpreter goes can bring the process down.
    """
    for pool in workers.all_pools():
        pool.freeze()
    deadline = time.monotonic() + 0.2
    for pool in workers.all_pools():
        while pool.counts()["busy"] and time.monotonic() < deadline:
            time.sleep(0.002)       # polled: nothing may be waited for that a stuck listener holds
    for call in list(_endings.values()):
        call()


# ---- fork ----

def _in_child() -> None:
    """A forked child starts clean: it has none of the threads, and closes its copies of the handles unheard."""
    global _keeping, _nudge, _keeper
    copies = list(reactor.holders)
    _refed.clear()
    _endings.clear()
    _keeping = threading.Lock()
    _nudge = threading.Lock()
    _nudge.acquire()
    _keeper = None
    selector, wake_in, wake_out = reactor._selector, reactor._wake_in, reactor._wake_out
    reactor.reset()
    resolver.reset()
    for pool in workers.all_pools():
        pool.reset()
    for thing in (selector, wake_in, wake_out):
        if thing is not None:
            thing.close()
    for copy in copies:
        if isinstance(copy, Handle):
            copy._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


# ---- for the public names ----

class _Pending:
    """A timer beside any handle: it needs the threads, and keeps nobody alive."""

    __slots__ = ("_timer", "_call", "__weakref__")

    def __init__(self, seconds: float, call: Callable[[], Any]) -> None:
        self._call: Optional[Callable[[], Any]] = call
        opened(self, False)
        self._timer = reactor.call_later(seconds, self._fire)

    def _fire(self) -> None:
        workers.call_on_pool(self._run)

    def _run(self) -> None:
        call, self._call = self._call, None
        not_at_end(self)
        try:
            if call is not None:
                call()
        finally:
            closed(self)

    def hurry(self) -> None:
        """`shutdown`: what is to be said is said now, everything else is forgotten."""
        if id(self) in _endings:
            self._fire()
        else:
            self.cancel()

    def cancel(self) -> None:
        """Forget it. From every thread; harmless when it has fired."""
        self._call = None
        not_at_end(self)
        self._timer.cancel()
        closed(self)


def call_later(seconds: float, call: Callable[[], Any], before_end: bool = False) -> _Pending:
    """Have `call()` made on the worker pool in so many seconds; `.cancel()` on the result takes it back.

    `before_end`: should the program end sooner, it is made then.
    """
    pending = _Pending(seconds, call)
    if before_end:
        _endings[id(pending)] = call
    return pending


def shutdown(timeout: Optional[float] = None) -> None:
    """Destroy every handle, stop the reactor and the workers, and wait until their threads have ended.

    `timeout`: seconds to wait at most; `None` waits for ever. `TimeoutError` if a listener still runs then. Called in a
    listener it does not wait for that listener. netcompat can be used again afterwards. Node has no counterpart.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    for holder in list(reactor.holders):
        if isinstance(holder, Handle):
            holder._destroy_handle()
        elif isinstance(holder, _Pending):
            holder.hurry()
    me = threading.current_thread()
    everyone = [reactor.thread, _keeper]
    for pool in workers.all_pools():
        everyone += pool.threads()
    if me in everyone:
        return          # the rest of it happens when this listener has returned
    with workers.blocking():
        for thread in everyone:
            if thread is None or not thread.is_alive():
                continue
            thread.join(None if deadline is None else max(deadline - time.monotonic(), 0.0))
            if thread.is_alive():
                raise TimeoutError(f"shutdown: {thread.name} is still busy after {timeout} seconds")


def stats() -> Dict[str, Any]:
    """A snapshot for people and monitors: handles by kind, queue lengths, workers, wakeups, bytes. Not in Node."""
    kinds: Dict[str, int] = {}
    queued = read = written = waiting = 0
    for handle in handles():
        kinds[handle._handle_kind] = kinds.get(handle._handle_kind, 0) + 1
        queued += handle._queued_items()
        read += getattr(handle, "bytes_read", 0)
        written += getattr(handle, "bytes_written", 0)
        waiting += getattr(handle, "writable_length", 0)
    pools: Dict[str, int] = {}
    for pool in workers.all_pools():
        for name, count in pool.counts().items():
            pools[name] = pools.get(name, 0) + count
    return {"handles": kinds, "queued_items": queued, "queued_bytes": waiting, "bytes_read": read,
            "bytes_written": written, "reactor_wakeups": reactor.wakeups, "reactor_running": reactor.ident != 0,
            **pools}
