"""Who keeps the process and the threads alive: reference counts, interpreter exit, fork, `shutdown`.

Two sets say it all. `reactor.holders` has every open handle and pending delivery: the threads live while it is not
empty. `_refed` has those handles that are ref'd: the process lives while it is not empty, since one non-daemon thread,
the keeper, does. All other threads of netcompat are daemons.

The keeper also has to notice that the main thread died of an exception, for then nothing is kept alive. The threading
module calls `_main_ends` before it waits for the keeper; that hook is private to the standard library, and 3.8 has
none. Without it the keeper looks twice a second, while there is a ref'd handle and no longer.

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

from ..errors import invalid_type, out_of_range
from . import resolver, workers
from .clock import monotonic
from .reactor import Timer, reactor
from .report import log

__all__ = ["Handle", "call_later", "closed", "handles", "opened", "own_idents", "ref", "shutdown", "stats", "unref"]

_LOOK = 0.5     # seconds between the keeper's looks at the main thread
_PAUSE = 0.002  # seconds between the looks at the workers at the end of the program
_ENOUGH = 100   # such looks in a row without hope end it

_refed: Set[object] = set()
_keeping = threading.Lock()         # held while there is a keeper: a flag that two threads cannot both set
_nudge = threading.Lock()           # released when `_refed` becomes empty
_nudge.acquire()
_keeper: Optional[threading.Thread] = None
_hooked = threading.Lock()          # held once `settle` is registered: a flag likewise
_will_hear = False                  # `_main_ends` will be called
_main_ended = False                 # it was
_endings: Dict[int, "_Pending"] = {}                # what has to be said before the program ends, by id


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
    """A life begins: `handle` needs the threads until `closed`, and keeps the process alive if `refed`.

    Raises what the reactor cannot start for; then nothing has changed.
    """
    reactor.holders.add(handle)
    try:
        reactor.start()
    except BaseException:
        reactor.holders.discard(handle)
        raise
    if refed:
        ref(handle)


def closed(handle: Any) -> None:
    """The life of `handle` is over: its 'close' was delivered, or handed to a foreign dispatch."""
    unref(handle)
    reactor.holders.discard(handle)
    if not reactor.holders:
        reactor.nudge()


def is_open(handle: Any) -> bool:
    return handle in reactor.holders


def ref(handle: Any) -> None:
    """Let `handle` keep the process alive."""
    _refed.add(handle)
    if _keeping.acquire(False):
        _start_keeper()


def unref(handle: Any) -> None:
    """Let the process end although `handle` is open."""
    _refed.discard(handle)
    if not _refed:
        _wake_keeper()


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
        if threading.main_thread().is_alive():
            log.warning("the process will not be kept alive: %s", problem)


def _wake_keeper() -> None:
    try:
        _nudge.release()
    except RuntimeError:
        pass                # it is released already: the keeper has not looked yet


def _keep() -> None:
    main = threading.main_thread()
    while True:
        while _refed:
            if (_main_ended or not main.is_alive()) and _died():
                return      # its connections are no reason to live on
            _nudge.acquire(True, -1 if _will_hear else _LOOK)
        _keeping.release()
        if not _refed or not _keeping.acquire(False):
            return          # a handle that came in between either found the flag free or is seen here


def wait_until_unneeded() -> None:
    """Block until no ref'd handle is open: what the interpreter does when the main thread has ended."""
    while _refed:
        keeper = _keeper
        if keeper is not None and keeper.is_alive():
            keeper.join()
        elif not _keeping.locked():
            return          # there can be no keeper, and that was said


# ---- the end of the program ----

def _died() -> bool:
    """Did the main thread, which has ended, end by an exception?"""
    return hasattr(sys, "last_type")


def _hook() -> None:
    """The reactor is about to start, and with it the workers: what they have is to be finished at the end."""
    global _will_hear
    if _hooked.acquire(False):
        atexit.register(settle)
        register = getattr(threading, "_register_atexit", None)
        if register is not None:
            try:
                register(_main_ends)
                _will_hear = True
            except RuntimeError:
                pass            # the main thread has ended


def _main_ends() -> None:
    """On the main thread, when it has ended, and before the interpreter waits for the keeper."""
    global _main_ended
    _main_ended = True          # first this, then the call: the keeper looks when it wakes
    _wake_keeper()
    if sys.platform == "win32" and sys.version_info < (3, 14):
        _wait_in_slices()


def _wait_in_slices() -> None:
    """Until nothing keeps the process alive. On Windows, before 3.14, the main thread hears no Ctrl-C while the
    interpreter waits for other threads; a `KeyboardInterrupt` ends this wait."""
    keeper = _keeper
    while keeper is not None and keeper.is_alive() and not _died():
        keeper.join(_LOOK / 2)
        keeper = _keeper


reactor.starts = _hook


def settle() -> None:
    """The interpreter ends, and with it every thread, wherever it is: what is queued for listeners or runs is finished
    before; what waits in a helper is not waited for. If the program died of an exception, nothing new begins.

    A daemon thread that is inside a print when the interpreter goes can bring the process down; so a moment is given
    to what runs in any case.
    """
    pools = workers.all_pools()
    if not _died():
        if reactor.ident:
            reactor.call_soon(reactor.deafen)
        _finish(pools)
    for pool in pools:
        pool.freeze()
    for _ in range(_ENOUGH):
        if not any(pool.counts()["busy"] for pool in pools):
            break
        time.sleep(_PAUSE)
    for ending in list(_endings.values()):
        ending.say()


def _finish(pools: List[workers.Pool]) -> None:
    """Wait until nothing is queued and nothing runs but what waits in helpers, and nothing begins in a round of the
    reactor either, for what that has in hand is in no queue. But not for ever if something stays queued: no worker may
    be had any more.

    Counted in looks and rounds, not in time: on a busy machine each thread may be without a processor for longer than
    one would wait. It polls, since nothing may be waited for that a stuck listener holds.
    """
    looks = 0
    seen: Optional[List[int]] = None
    made: List[bool] = []
    while True:
        rest = all(pool.at_rest() for pool in pools)
        settled = all(pool.settled() for pool in pools)
        progress = [pool.progress for pool in pools]        # last: what was begun since the round was asked for shows
        if not rest or progress != seen:
            looks, seen, made = 0, progress if rest else None, _ask_for_round() if rest else []
        elif made or not _reactor_lives():
            looks += 1
            if settled or looks >= _ENOUGH:
                return
        time.sleep(_PAUSE)


def _ask_for_round() -> List[bool]:
    """What is returned is true once the reactor, if there is one, has had workers come to what waits now."""
    made: List[bool] = []
    if not _reactor_lives():
        return [True]
    try:
        reactor.call_soon(reactor.call_soon, made.append, True)     # each round hands over after such calls
    except RuntimeError:
        return [True]           # it ended this moment, and none may be started any more
    return made


def _reactor_lives() -> bool:
    thread = reactor.thread
    return reactor.running and thread is not None and thread.is_alive()


# ---- fork ----

def _in_child() -> None:
    """A forked child starts clean: it has none of the threads, and closes its copies of the handles unheard."""
    global _keeping, _nudge, _keeper, _main_ended
    copies = list(reactor.holders)
    _refed.clear()
    _endings.clear()
    _keeping = threading.Lock()
    _nudge = threading.Lock()
    _nudge.acquire()
    _keeper = None
    _main_ended = False
    selector, bell = reactor._selector, reactor._bell
    reactor._close_epoll()
    reactor.reset()
    resolver.reset()
    workers.forget_worker()
    for pool in workers.all_pools():
        pool.reset()
    if selector is not None:
        selector.close()
    if bell is not None:
        del bell._ringing[:]        # of threads that are not here
        bell.close()
    for copy in copies:
        if isinstance(copy, Handle):
            copy._abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


# ---- for the public names ----

class _Pending:
    """A timer beside any handle: it needs the threads, and keeps nobody alive."""

    __slots__ = ("_timer", "_calls", "__weakref__")

    def __init__(self, seconds: float, call: Callable[[], Any]) -> None:
        self._calls = [call]        # taken out by whoever makes it, or forgets it: there is one who can
        self._timer: Optional[Timer] = None
        opened(self, False)
        self._timer = reactor.call_later(seconds, self._fire)
        if not self._calls:         # a shutdown came in between, and found no timer
            self._timer.cancel()

    def _fire(self) -> None:
        workers.call_on_pool(self.say)

    def say(self) -> None:
        """Make the call, if nobody has or forgot it."""
        try:
            call = self._calls.pop()
        except IndexError:
            return
        _endings.pop(id(self), None)
        try:
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
        try:
            self._calls.pop()
        except IndexError:
            return
        _endings.pop(id(self), None)
        if self._timer is not None:
            self._timer.cancel()
        closed(self)


def call_later(seconds: float, call: Callable[[], Any], before_end: bool = False) -> _Pending:
    """Have `call()` made on the worker pool in so many seconds; `.cancel()` on the result takes it back.

    `before_end`: should the program end sooner, it is made then.
    """
    pending = _Pending(seconds, call)
    if before_end:
        _endings[id(pending)] = pending     # first this, then the look: it may have been made already
        if not pending._calls:
            _endings.pop(id(pending), None)
    return pending


def shutdown(timeout: Optional[float] = None) -> None:
    """Destroy every handle, stop the reactor and the workers, and wait until their threads have ended.

    `timeout`: seconds to wait at most; `None` waits for ever. `TimeoutError` if a listener still runs then. Called in a
    listener it does not wait for that listener. netcompat can be used again afterwards. Node has no counterpart.
    """
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
            raise invalid_type("timeout", "int, float or None", timeout)
        if not 0 <= timeout <= threading.TIMEOUT_MAX:
            raise out_of_range("timeout", f">= 0 and <= {threading.TIMEOUT_MAX} seconds", timeout)
    deadline = None if timeout is None else monotonic() + timeout
    while True:
        _end_all()
        alive = [thread for thread in _threads() if thread.is_alive()]
        if not alive or threading.current_thread() in alive:
            return          # in a listener: the rest of it happens when that has returned
        left = _LOOK if deadline is None else deadline - monotonic()
        if left <= 0:
            names = ", ".join(thread.name for thread in alive)
            raise TimeoutError(f"shutdown: {names} still busy after {timeout} seconds")
        with workers.blocking():
            alive[0].join(min(left, _LOOK))


def _end_all() -> None:
    """Destroy what is open now; while that ends, listeners may open more."""
    for holder in list(reactor.holders):
        if isinstance(holder, Handle):
            holder._destroy_handle()
        elif isinstance(holder, _Pending):
            holder.hurry()
        elif isinstance(holder, Timer):
            holder.cancel()
            reactor.holders.discard(holder)
    reactor.nudge()


def _threads() -> List[threading.Thread]:
    threads = [thread for thread in (reactor.thread, _keeper, *list(reactor.helpers)) if thread is not None]
    for pool in workers.all_pools():
        threads += pool.threads()
    return threads


def own_idents() -> Set[int]:
    """The threads that never run a program's own loop: reactor, keeper, workers."""
    return {thread.ident for thread in _threads() if thread.ident is not None}


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
