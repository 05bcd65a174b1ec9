"""The reactor: one thread that waits in `selectors` and tells others what it saw.

It accepts, finishes connects, flushes what `write` could not send, and fires timers. It runs no user code.

Which threads run it: its own runs everything except `call_soon`, `call_later`, `wake` and `start`, which every thread
may call. The selector, the timer heap and each channel's registration belong to the reactor thread alone; other
threads ask for a change with `call_soon`.

What it must never do: run a listener or a dispatch; block in anything but the selector and, for as long as quick
listeners take, the turn that it gave to a worker (`workers.py` says why).

Locks: `_lock` makes "is the reactor asleep" and "is there something to do" one question, so that no wakeup is lost. It
is re-entrant, and its sections are ordered so that a signal handler or finalizer that enters half-way does no harm.
"""
from __future__ import annotations

import heapq
import os
import selectors
import socket
import sys
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple, Type

from .report import log, report

__all__ = ["Reactor", "Timer", "make_selector", "reactor"]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LONGEST_WAIT = 86400.0     # seconds; some selectors refuse more than 2**31 milliseconds


def make_selector(name: Optional[str] = None) -> selectors.BaseSelector:
    """The selector that `name`, or else the environment's NETCOMPAT_SELECTOR, asks for; else the system's best."""
    name = (name or os.environ.get("NETCOMPAT_SELECTOR") or "").strip().lower()
    if not name:
        return selectors.DefaultSelector()
    kind: Optional[Type[selectors.BaseSelector]] = getattr(selectors, name.capitalize() + "Selector", None)
    if kind is None:
        known = [kind for kind in ("epoll", "kqueue", "devpoll", "poll", "select")
                 if hasattr(selectors, kind.capitalize() + "Selector")]
        raise ValueError(f"NETCOMPAT_SELECTOR={name!r}: this system has {', '.join(known)}")
    return kind()


class Timer:
    """A call to be made at a time; `cancel` may come from every thread. A cancelled timer holds no reference."""

    __slots__ = ("when", "call")

    def __init__(self, when: float, call: Callable[[], Any]) -> None:
        self.when = when                                    # of time.monotonic()
        self.call: Optional[Callable[[], Any]] = call       # None: done or cancelled

    def cancel(self) -> None:
        self.call = None

    def __lt__(self, other: "Timer") -> bool:
        return self.when < other.when


class Reactor:
    """See the module. The process has one, `reactor`; it starts with the first handle and ends after the last."""

    def __init__(self) -> None:
        # Set by workers.py, the only room that knows how work is given out:
        self.hand_over: Callable[[], None] = lambda: None       # give the run queue to workers
        self.work_waits: Callable[[], bool] = lambda: False     # is something queued that no worker was woken for
        self.quiet: Callable[[], bool] = lambda: True           # does no worker run anything
        self.began: Callable[[], None] = lambda: None           # the reactor starts: so may the first worker
        self.ended: Callable[[], None] = lambda: None           # the reactor ends: so may the workers
        self.patience = 0.0     # seconds that the selector may wait while work waits
        self.reset()

    def reset(self) -> None:
        """Begin anew: at first, and in a forked child, which has none of its parent's threads."""
        self.holders: Set[object] = set()       # who needs the reactor: open handles, pending deliveries and timers
        self._lock = threading.RLock()
        self._running = threading.Lock()        # held from `start` until the thread ends: a flag that two cannot set
        self._calls: Deque[Tuple[Callable[..., Any], Tuple[Any, ...]]] = deque()
        self._timers: List[Timer] = []
        self._asleep = True                     # nobody will look at queues of its own accord
        self._selector: Optional[selectors.BaseSelector] = None
        self._wake_out: Optional[socket.socket] = None
        self._wake_in: Optional[socket.socket] = None
        self.thread: Optional[threading.Thread] = None
        self.ident = 0
        self.wakeups = 0                        # how often the selector returned, for `stats`

    # ---- for every thread ----

    @property
    def asleep(self) -> bool:
        """True when nobody will look at the run queue of its own accord: who queues something wakes a worker."""
        with self._lock:
            return self._asleep

    def needed(self) -> bool:
        return bool(self.holders) or not self.quiet()

    def call_soon(self, call: Callable[..., Any], *args: Any) -> None:
        """Have `call(*args)` made on the reactor thread, in the order of these requests."""
        with self._lock:
            self._calls.append((call, args))
            asleep = self._asleep
        if asleep:
            self.wake()

    def call_later(self, seconds: float, call: Callable[[], Any]) -> Timer:
        """Have `call()` made on the reactor thread `seconds` from now, not before; while the reactor runs."""
        timer = Timer(time.monotonic() + seconds, call)
        self.call_soon(self.arm, timer)
        return timer

    def start(self) -> None:
        """See that the thread runs."""
        if not self._running.acquire(False):
            return
        try:
            # Made here, not in the thread: no descriptor left is an error of the call that needs the reactor.
            self._selector = make_selector()
            self._wake_in, self._wake_out = socket.socketpair()
            self._wake_in.setblocking(False)
            self._wake_out.setblocking(False)
            self._selector.register(self._wake_in.fileno(), READ, None)
            self.thread = threading.Thread(target=self._run, name="netcompat-reactor", daemon=True)
            self.thread.start()
        except BaseException:
            self._close()
            self._running.release()
            raise

    def wake(self) -> None:
        """End the wait in the selector, or start the thread if it is not there."""
        with self._lock:        # against `_close`: the number could be somebody else's the moment after
            self._asleep = False
            if self._wake_out is None:
                self.start()
                return
            try:
                self._wake_out.send(b"\0")
            except BlockingIOError:
                pass        # so full of wakeups that one more changes nothing

    def nudge(self) -> None:
        """End the wait in the selector, if the thread is there."""
        with self._lock:
            if self._wake_out is not None:
                self.wake()

    # ---- for the reactor thread ----

    def arm(self, timer: Timer) -> None:
        heapq.heappush(self._timers, timer)

    def watch(self, descriptor: int, interest: int, before: int, channel: Any) -> None:
        """Change the interest in a descriptor from `before`; `channel.on_ready(mask)` is called when it is met."""
        selector = self._selector
        assert selector is not None
        if interest and before:
            selector.modify(descriptor, interest, channel)
        elif interest:
            selector.register(descriptor, interest, channel)
        elif before:
            selector.unregister(descriptor)

    def _run(self) -> None:
        self.ident = threading.get_ident()
        try:
            self.began()
            while True:
                self._turn()
                if not self.needed() and self._may_end():
                    return
        except BaseException as problem:
            if not sys.is_finalizing():
                log.critical("the reactor died", exc_info=problem)
                raise

    def _may_end(self) -> bool:
        """End the thread, unless something came up this moment."""
        with self._lock:
            self._asleep = True
            if self._calls or self.work_waits() or self.needed():
                self._asleep = False
                return False
            self.ended()
            self._close()
            self.ident = 0
            self._running.release()
            # Whoever needs the reactor from here on starts another one; who asked a moment ago is seen here.
            if self._calls or self.work_waits() or self.holders:
                self.start()
            return True

    def _close(self) -> None:
        selector, wake_in, wake_out = self._selector, self._wake_in, self._wake_out
        self._selector = self._wake_in = self._wake_out = None
        self._timers.clear()
        for thing in (selector, wake_in, wake_out):
            if thing is not None:
                thing.close()

    def _turn(self) -> None:
        """One round: what was asked for, what is due, who has work, and then the wait."""
        calls = self._calls
        for _ in range(len(calls)):
            call, args = calls.popleft()
            try:
                call(*args)
            except Exception as problem:        # a defect of netcompat's own; the other handles go on
                report(problem)
        wait = self._fire_timers() if self._timers else None
        self.hand_over()
        with self._lock:
            self._asleep = True         # first this, then the questions: who comes in between sees it and wakes
            if calls or not self.needed():
                wait = 0.0
            elif self.work_waits():
                wait = self.patience if wait is None else min(wait, self.patience)
            if wait == self.patience or wait == 0.0:
                self._asleep = False
        assert self._selector is not None
        try:
            ready = self._selector.select(wait)
        except OSError as problem:
            self._asleep = False
            self._survive(problem)
            return
        self._asleep = False
        self.wakeups += 1
        for key, mask in ready:
            if key.data is None:
                self._swallow_wakeups()
            else:
                try:
                    key.data.on_ready(mask)
                except Exception as problem:    # likewise
                    report(problem)

    def _fire_timers(self) -> Optional[float]:
        """Run what is due; seconds until the next one, `None` if there is none."""
        timers = self._timers
        now = time.monotonic()
        while timers:
            call = timers[0].call
            if call is None:
                heapq.heappop(timers)
            elif timers[0].when <= now:
                heapq.heappop(timers).call = None
                try:
                    call()
                except Exception as problem:    # likewise
                    report(problem)
            else:
                return min(max(timers[0].when - now, 0.0), _LONGEST_WAIT)
        return None

    def _swallow_wakeups(self) -> None:
        assert self._wake_in is not None
        try:
            self._wake_in.recv(4096)
        except BlockingIOError:
            pass

    def _survive(self, problem: OSError) -> None:
        """The selector raised: foreign code closed a descriptor under it. Find which, and tell its channel."""
        assert self._selector is not None
        known: Dict[int, Any] = {key.fd: key.data for key in list(self._selector.get_map().values())}
        found = False
        for descriptor, channel in known.items():
            try:
                os.fstat(descriptor)
            except OSError:
                found = True
                self._selector.unregister(descriptor)
                if channel is not None:
                    channel.on_lost(problem)
        if not found:
            log.warning("the selector failed: %r", problem)
            time.sleep(0.01)    # no descriptor is to blame: do not spin while the system recovers


reactor = Reactor()
