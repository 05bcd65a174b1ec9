"""The reactor: one thread that waits in `selectors` and tells others what it saw.

It accepts, finishes connects, flushes what `write` could not send, and fires timers. It runs no user code.

While quick listeners keep one worker busy, that worker looks at the selector in its place (`look`).

Which threads run it: its own runs everything except `call_soon`, `call_later`, `wake` and `start`, which every thread
may call. The selector, the timer heap and each channel's registration belong to the reactor thread alone; other
threads ask for a change with `call_soon`.

What it must never do: run a listener or a dispatch; block in anything but the selector and, for as long as quick
listeners take, the turn that it gave to a worker (`workers.py` says why).

Locks: none that is held while anything else is done, for a finalizer may strike anywhere. Who asks for something does
so *before* looking whether the reactor sleeps; the reactor says that it sleeps *before* looking whether something was
asked for. So one of the two sees the other, and no wakeup is lost. `_running` is a flag that two threads cannot set.
"""
from __future__ import annotations

import errno
import heapq
import os
import select
import selectors
import socket
import sys
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

from .clock import monotonic
from .report import log, report

__all__ = ["Channel", "Reactor", "Timer", "make_selector", "reactor"]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
EDGE = 4        # beside READ: report what arrives once, not for as long as it waits; where `Reactor.has_edges`
HAS_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
_LONGEST_WAIT = 86400.0     # seconds; some selectors refuse more than 2**31 milliseconds
_MANY_TIMERS = 256          # below that, cancelled ones are not looked for
_MANY_EVENTS = 64           # taken from epoll at once: few enough to be still in the cache when a worker comes to them
_EPOLLIN: int = getattr(select, "EPOLLIN", -1)
_EPOLLOUT: int = getattr(select, "EPOLLOUT", -1)
_EPOLLET: int = getattr(select, "EPOLLET", 0)

_order = threading.Lock()   # held for no time at all


def fence() -> None:
    """What this thread wrote before, others see; what others wrote before theirs, this one sees after it.

    Between writing "I ask" and reading "do you sleep", and the reverse. The GIL sees to that by itself.
    """
    if not HAS_GIL:
        with _order:
            pass


def make_selector(name: Optional[str] = None) -> selectors.BaseSelector:
    """The selector that `name`, or else the environment's NETCOMPAT_SELECTOR, asks for; else the system's best."""
    name = (name or os.environ.get("NETCOMPAT_SELECTOR") or "").strip().lower()
    kinds: Dict[str, Callable[[], selectors.BaseSelector]] = {
        kind: getattr(selectors, kind.capitalize() + "Selector")
        for kind in ("epoll", "kqueue", "devpoll", "poll", "select")
        if hasattr(selectors, kind.capitalize() + "Selector")}
    if sys.platform == "win32":
        from .sources import SourceSelector
        from .wsapoll import WsapollSelector
        kinds = {"wsapoll": lambda: SourceSelector(WsapollSelector()),
                 "select": lambda: SourceSelector(selectors.SelectSelector())}      # of 512 sockets at most
        name = name or "wsapoll"
    if name and name not in kinds:
        raise ValueError(f"NETCOMPAT_SELECTOR={name!r}: this system has {', '.join(kinds)}")
    return kinds[name]() if name else selectors.DefaultSelector()


def epoll_of(selector: selectors.BaseSelector) -> Any:
    """What is inside `selector`, if that is epoll: the same, without its keys. Else `None`."""
    if sys.platform == "linux" and isinstance(selector, selectors.EpollSelector):
        return select.epoll.fromfd(os.dup(selector.fileno()))
    return None


class Channel:
    """What a descriptor is watched for."""

    __slots__ = ()

    def _claim_input(self) -> bool:
        """There is input, and nothing else: have a worker receive it. `False` if that is for `_on_ready` to decide.

        Called on the reactor thread, or on a worker that has its turn. What is watched for EDGE is not said again.
        """
        return False

    def _on_ready(self, mask: int) -> None:
        """The selector saw something."""
        raise NotImplementedError

    def _on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector, which watches it no more."""
        raise NotImplementedError


class Timer:
    """A call to be made at a time; `cancel` may come from every thread. A cancelled timer holds no reference."""

    __slots__ = ("when", "call")

    def __init__(self, when: float, call: Callable[[], Any]) -> None:
        self.when = when                                    # of the clock
        self.call: Optional[Callable[[], Any]] = call       # None: done or cancelled

    def cancel(self) -> None:
        self.call = None

    def __lt__(self, other: "Timer") -> bool:
        return self.when < other.when


class _Bell:
    """What ends the wait in the selector. Its descriptors are closed by the last one who is at it, since a number could
    be somebody else's the moment after. No lock is held meanwhile: a finalizer that strikes must not make others wait.

    Should foreign code close one end, the other says so. For epoll and kqueue, which forget what is closed, both are
    watched; poll() and select() keep an end alive that they watch, so there the outer one must not be.
    """

    __slots__ = ("inside", "outside", "_ringing", "_done", "_closing")

    def __init__(self) -> None:
        self.inside, self.outside = socket.socketpair()
        self.inside.setblocking(False)
        self.outside.setblocking(False)
        if self.outside.family != getattr(socket, "AF_UNIX", None):      # Windows': a TCP connection, which would wait
            self.outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)      # for the last ring to be heard
        self._ringing: List[None] = []      # one for each thread that is at it; changes in atomic steps
        self._done = False                  # nobody needs it any more
        self._closing = threading.Lock()    # held by the one who closes: a flag that two threads cannot both set

    def ring(self) -> None:
        self._ringing.append(None)          # first this, then the look
        fence()
        try:
            if not self._done:
                self.outside.send(b"\0")
        except BlockingIOError:
            pass        # so full of wakeups that one more changes nothing
        except OSError:
            pass        # foreign code closed an end: the reactor wakes of that
        finally:
            self._ringing.pop()
            if self._done:
                self.close()

    def swallow(self, descriptor: int) -> bool:
        """This end is readable. `False` if foreign code closed one of them; its number is left alone from then on."""
        whole = descriptor == self.inside.fileno()
        try:
            if whole:
                whole = bool(self.inside.recv(4096))
                if not whole:
                    self.outside.detach()
            else:
                self.inside.detach()        # nothing is ever sent to the other end
        except BlockingIOError:
            pass
        except OSError:
            whole = False
            self.inside.detach()
        return whole

    def has(self, descriptor: int) -> bool:
        return descriptor in (self.inside.fileno(), self.outside.fileno())

    def close(self) -> None:
        self._done = True
        fence()
        if not self._ringing and self._closing.acquire(False):
            for end in (self.inside, self.outside):
                try:
                    end.close()
                except OSError:
                    pass        # foreign code was faster


class Reactor:
    """See the module. The process has one, `reactor`; it starts with the first handle and ends after the last."""

    def __init__(self) -> None:
        # Set by workers.py, the only room that knows how work is given out:
        self.hand_over: Callable[[], None] = lambda: None       # give the run queue to workers
        self.work_waits: Callable[[], bool] = lambda: False     # is something queued that no worker was woken for
        self.quiet: Callable[[], bool] = lambda: True           # does no worker run anything
        self.starts: Callable[[], None] = lambda: None          # a thread is about to start it (of lifetime.py)
        self.began: Callable[[], None] = lambda: None           # the reactor starts: so may the first worker
        self.ended: Callable[[], None] = lambda: None           # the reactor ends: so may the workers
        self.due: Optional[float] = None        # of the clock: the next timer's, while a worker has the turn
        self.reset()

    def reset(self) -> None:
        """Begin anew: at first, and in a forked child, which has none of its parent's threads."""
        self.holders: Set[object] = set()       # who needs the reactor: open handles, pending deliveries and timers
        self.helpers: Set[threading.Thread] = set()     # threads that a transport has beside it, for `shutdown`
        self._running = threading.Lock()        # held from `start` until the thread ends: a flag that two cannot set
        self._calls: Deque[Tuple[Callable[..., Any], Tuple[Any, ...]]] = deque()
        self._timers: List[Timer] = []
        self._many_timers = _MANY_TIMERS
        self._asleep = True                     # it waits in the selector, or is about to, and nobody has rung the bell
        self._deaf = False                      # the program ends: no input is taken any more
        self._selector: Optional[selectors.BaseSelector] = None
        self._epoll: Any = None                 # what is inside the selector, if it is this: the same, without its keys
        self._channels: Dict[int, Channel] = {}     # by descriptor: what the selector watches, the bell apart
        self._edges: Set[int] = set()           # those of them that are watched for EDGE
        self._bell: Optional[_Bell] = None
        self.thread: Optional[threading.Thread] = None
        self.ident = 0
        self.wakeups = 0                        # how often the selector returned, for `stats`

    # ---- for every thread ----

    @property
    def asleep(self) -> bool:
        """True when nobody will look at the queues of its own accord: who queued something wakes somebody."""
        fence()
        return self._asleep or self._bell is None

    @property
    def running(self) -> bool:
        """False once the thread has begun to end: then it has let idle workers go, or is about to."""
        fence()
        return self._bell is not None

    def needed(self) -> bool:
        return bool(self.holders) or not self.quiet()

    def call_soon(self, call: Callable[..., Any], *args: Any) -> None:
        """Have `call(*args)` made on the reactor thread, in the order of these requests."""
        self._calls.append((call, args))
        if self.asleep:
            self.wake()

    def call_later(self, seconds: float, call: Callable[[], Any]) -> Timer:
        """Have `call()` made on the reactor thread `seconds` from now, not before; while the reactor runs."""
        timer = Timer(monotonic() + seconds, call)
        self.call_soon(self.arm, timer)
        return timer

    def start(self) -> None:
        """See that the thread runs."""
        if not self._running.acquire(False):
            return
        thread = threading.Thread(target=self._run, name="netcompat-reactor", daemon=True)
        try:
            self.starts()
            # Made here, not in the thread: no descriptor left is an error of the call that needs the reactor.
            self._open()
            self.thread = thread
            thread.start()
        except BaseException:
            if thread not in threading.enumerate():     # it is, if Ctrl-C struck while `start` waited for it
                self._close()
                self._running.release()
            raise

    def wake(self) -> None:
        """End the wait in the selector, or start the thread if it is not there."""
        bell = self._bell
        if bell is None:
            self.start()
            return
        self._asleep = False    # one who rings is enough
        try:
            bell.ring()
        except BaseException:
            self._asleep = True
            raise

    def nudge(self) -> None:
        """End the wait in the selector, if the thread is there."""
        if self.running:
            self.wake()

    # ---- for the reactor thread ----

    def is_due(self) -> bool:
        """Is it time for a timer, or has something been asked for?"""
        return bool(self._calls) or (self.due is not None and monotonic() >= self.due)

    def until_due(self, seconds: float) -> float:
        """So many seconds, or less if a timer is due before."""
        return seconds if self.due is None else min(max(self.due - monotonic(), 0.0), seconds)

    def arm(self, timer: Timer) -> None:
        timers = self._timers
        if len(timers) >= self._many_timers:        # who sets and cancels all the time must not fill the heap
            timers[:] = [other for other in timers if other.call is not None]
            heapq.heapify(timers)
            self._many_timers = max(2 * len(timers), _MANY_TIMERS)
        heapq.heappush(timers, timer)

    def watch(self, descriptor: int, interest: int, before: int, channel: Channel) -> None:
        """Change the interest in a descriptor from `before`; `channel._on_ready(mask)` is called when it is met."""
        if self._deaf:
            return
        try:
            self._watch(descriptor, interest, before, channel)
        except OSError as problem:
            if problem.errno != errno.EBADF or self._has_selector():
                raise
            # It was the selector's own descriptor that foreign code closed. A `modify` that failed has forgotten ours.
            self._survive(problem)
            self._watch(descriptor, interest, before if self._watches(descriptor) else 0, channel)

    def _watch(self, descriptor: int, interest: int, before: int, channel: Channel) -> None:
        selector = self._selector
        assert selector is not None
        if (interest | before) & EDGE:
            self._watch_edges(descriptor, interest)
            interest, before = interest & ~EDGE, before & ~EDGE
            if interest == before:
                return
        if interest and before:
            selector.modify(descriptor, interest, channel)
        elif interest:
            if isinstance(selector, selectors.SelectSelector) and os.name == "posix":
                select.select([descriptor], [], [], 0)      # raises ValueError now if the number is above its limit
            try:
                selector.register(descriptor, interest, channel)
            except KeyError:
                self._evict(descriptor)
                selector.register(descriptor, interest, channel)
            self._channels[descriptor] = channel
        elif before:
            self._channels.pop(descriptor, None)
            selector.unregister(descriptor)

    @property
    def has_edges(self) -> bool:
        return self._epoll is not None

    def _watch_edges(self, descriptor: int, interest: int) -> None:
        """Past the selector, which knows nothing of it. Like every change it makes epoll say again what waits."""
        if interest & EDGE:
            self._epoll.modify(descriptor, _EPOLLIN | _EPOLLET)
            self._edges.add(descriptor)
        else:
            self._edges.discard(descriptor)
            if interest:
                self._epoll.modify(descriptor, _EPOLLIN)

    def deafen(self) -> None:
        """The program ends: take no more input, finish what there is."""
        self._deaf = True
        selector = self._selector
        assert selector is not None
        self._channels.clear()
        self._edges.clear()
        for key in list(selector.get_map().values()):
            if key.data is not None:
                selector.unregister(key.fd)

    def _run(self) -> None:
        self.ident = threading.get_ident()
        try:
            self.began()
            while True:
                try:
                    self._turn()
                except Exception as problem:        # a defect of netcompat's own: the handles go on
                    report(problem)
                    time.sleep(0.01)
                if not self.needed() and self._may_end():
                    return
        except BaseException as problem:
            if not sys.is_finalizing():
                log.critical("the reactor died", exc_info=problem)
                raise

    def _may_end(self) -> bool:
        """End the thread, unless something came up this moment."""
        self._asleep = True
        fence()
        if self._something_waits() or self.needed():
            self._asleep = False
            return False
        self._close()
        self.ident = 0
        self.ended()
        self._running.release()
        # Whoever needs the reactor from here on starts another one; who found the flag taken a moment ago is seen here.
        fence()
        if self._something_waits() or self.holders:
            self.start()
        return True

    def _something_waits(self) -> bool:
        return bool(self._calls) or self.work_waits()

    def _open(self) -> None:
        selector, epoll = make_selector(), None
        try:
            epoll = epoll_of(selector)
            bell = _Bell()
        except OSError:
            if epoll is not None:
                epoll.close()
            selector.close()
            raise
        selector.register(bell.inside.fileno(), READ, None)
        if hasattr(selector, "fileno"):
            selector.register(bell.outside.fileno(), READ, None)
        self._selector, self._epoll, self._bell = selector, epoll, bell

    def _close(self) -> None:
        self._close_epoll()
        selector, self._selector = self._selector, None
        bell, self._bell = self._bell, None
        self._timers.clear()
        self._channels.clear()
        self._edges.clear()
        if selector is not None:
            selector.close()
        if bell is not None:
            bell.close()

    def _close_epoll(self) -> None:
        """At once: a traceback may keep the object for longer."""
        epoll, self._epoll = self._epoll, None
        if epoll is not None:
            try:
                epoll.close()
            except OSError:
                pass            # foreign code was faster

    def _turn(self) -> None:
        """One round: what was asked for, what is due, who has work, and then the wait."""
        calls = self._calls
        for _ in range(len(calls)):
            call, args = calls.popleft()
            try:
                call(*args)
            except Exception as problem:        # a defect of netcompat's own; the other handles go on
                report(problem)
        call = args = None      # type: ignore[assignment]  # keep nothing alive while asleep
        wait = self._fire_timers() if self._timers and not self._deaf else None
        self.due = None if wait is None else monotonic() + wait
        self.hand_over()
        self._asleep = True         # first this, then the questions: who comes in between sees it and wakes
        fence()
        if calls or not self.needed() or self.work_waits():
            wait = 0.0
        if wait == 0.0:
            self._asleep = False
        try:
            ready = self._select(wait)
        except (OSError, ValueError) as problem:
            self._asleep = False
            self._survive(problem)
            return
        self._asleep = False
        self.wakeups += 1
        for number, channel, mask in ready:
            try:
                if channel is None:
                    bell = self._bell
                    # A number that nobody watches: foreign code closed a descriptor of which a copy lives elsewhere,
                    # and epoll, which knows no better, would say so for ever.
                    if bell is None or not bell.has(number) or not bell.swallow(number):
                        self._survive(OSError(errno.EBADF, os.strerror(errno.EBADF)))
                        return          # what else was ready is so again
                elif mask != READ or not channel._claim_input():
                    channel._on_ready(mask)
            except Exception as problem:        # likewise
                report(problem)

    def _select(self, wait: Optional[float]) -> List[Tuple[int, Optional[Channel], int]]:
        """Wait, and say what is ready: the number, what watches it (`None`: the bell, or nobody any more), the mask."""
        if self._epoll is None:
            assert self._selector is not None
            return [(key.fd, key.data, mask) for key, mask in self._selector.select(wait)]
        channels = self._channels
        # With hundreds of connections the selector's own way costs a third of the reactor's time.
        return [(number, channels.get(number), READ if event == _EPOLLIN else self._mask(number, event))
                for number, event in self._epoll.poll(wait, _MANY_EVENTS)]

    def _mask(self, number: int, event: int) -> int:
        """What epoll saw, as the selector would say it: an error is whatever was asked for."""
        assert self._selector is not None
        key = self._selector.get_map().get(number)
        seen = (WRITE if event & ~_EPOLLIN else 0) | (READ if event & ~_EPOLLOUT else 0)
        return seen & key.events if key is not None else 0

    # ---- for a worker that has the turn ----

    def look(self, patience: float) -> bool:
        """Is there input to receive, and nothing that only the reactor does? For `patience` seconds at most.

        While quick listeners keep one worker busy it looks at the selector itself: to wake the reactor for each batch,
        and be woken again, costs as much as several messages.
        """
        if self._calls or self._epoll is None or self._deaf:
            return False
        self._asleep = True         # as in `_turn`
        fence()
        try:
            if self._calls or self.work_waits():
                patience = 0.0
            ready = self._epoll.poll(patience, _MANY_EVENTS)
        except (OSError, ValueError):
            return False            # the reactor will see it too
        finally:
            self._asleep = False
        self.wakeups += 1
        channels, mine = self._channels, bool(ready)
        for number, event in ready:
            channel = channels.get(number)
            if channel is None or event != _EPOLLIN or not channel._claim_input():
                mine = False        # it is still so when the reactor looks
                if number in self._edges:
                    self._calls.append((self._say_again, (number,)))
        return mine

    def _say_again(self, number: int) -> None:
        """A worker saw something of a descriptor that is watched for EDGE and that only the reactor can deal with."""
        if number in self._edges:
            self._watch_edges(number, READ | EDGE)

    def _fire_timers(self) -> Optional[float]:
        """Run what is due; seconds until the next one, `None` if there is none."""
        timers = self._timers
        now = monotonic()
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

    def _survive(self, problem: Exception) -> None:
        """The selector raised: foreign code closed a descriptor under it. Watch the others anew, and tell who lost."""
        old = self._selector
        assert old is not None
        log.warning("the selector failed: %r", problem)
        time.sleep(0.01)        # if no descriptor is to blame: do not spin while the system recovers
        keys = [key for key in old.get_map().values() if key.data is not None]
        lost = [key for key in keys if not _is_open(key.fd)]        # before anything of ours gets their numbers
        edges, self._edges = self._edges, set()
        self._channels.clear()
        self._close_epoll()
        # First close, then open: what others closed already would have its number given to what is opened.
        try:
            old.close()
        except OSError:
            pass
        if self._bell is not None:
            self._bell.close()
        self._reopen()
        for key in keys:
            if key not in lost:
                try:
                    self.watch(key.fd, key.events, 0, key.data)
                    if key.fd in edges:
                        self.watch(key.fd, READ | EDGE, READ, key.data)
                except (OSError, ValueError):
                    lost.append(key)
        for key in lost:
            key.data._on_lost(problem)

    def _watches(self, descriptor: int) -> bool:
        assert self._selector is not None
        return descriptor in self._selector.get_map()

    def _has_selector(self) -> bool:
        fileno = getattr(self._selector, "fileno", None)        # select() and poll() have no descriptor
        return fileno is None or _is_open(fileno())

    def _reopen(self) -> None:
        """Open selector and bell anew; without them nothing can be done but to try again."""
        failed = False
        while True:
            try:
                self._open()
                return
            except OSError as problem:
                if not failed:
                    log.error("no new selector: %r", problem)
                failed = True
                time.sleep(0.01)

    def _evict(self, descriptor: int) -> None:
        """Foreign code closed a descriptor that is watched, and the system gave its number to somebody else."""
        assert self._selector is not None
        key = self._selector.unregister(descriptor)
        self._edges.discard(descriptor)
        self._channels.pop(descriptor, None)
        if key.data is not None:
            key.data._on_lost(OSError(errno.EBADF, os.strerror(errno.EBADF)))


def _is_open(descriptor: Any) -> bool:
    try:
        if not isinstance(descriptor, int):
            return True             # a source: no descriptor of the system's
        if sys.platform == "win32":
            socket.socket(fileno=descriptor).detach()       # `fstat` knows no sockets there
        else:
            os.fstat(descriptor)
    except OSError:
        return False
    return True


reactor = Reactor()
