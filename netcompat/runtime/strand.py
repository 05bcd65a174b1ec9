"""The strand: an emitter's mailbox. What is in it runs one item at a time, in order, on one thread or another.

A strand is claimed by whoever makes it runnable and released by whoever ran it dry; only the holder of the claim runs
items. It runs on the worker pool, or through the `dispatch` of its emitter.

Which threads run it: `post` every thread, inside the gate of the emitter; `claim_readable` the reactor; `run` a
worker; `_run_elsewhere` whatever thread the dispatch brings.

Locks: the emitter's own lock makes "empty, so released" and "queued, so claimed" exclude each other. The claim itself
is a list with one thing in it that one of several threads, or of a thread and its signal handler, takes out: a flag
that two cannot both set, at a fourth of the price of a lock that is tried.
"""
from __future__ import annotations

import sys
import threading
from collections import deque
from functools import partial
from types import CodeType
from typing import Any, Callable, Deque, Optional, Tuple

from . import workers
from .clock import monotonic
from .gate import GATE_CODES
from .reactor import HAS_GIL, fence
from .report import log, report
from .verdicts import QUICK, Verdict, code_of, known_to_block
from .workers import Runnable

__all__ = ["Dispatch", "Strand", "set_default_dispatch", "default_dispatch"]

Dispatch = Callable[[Callable[[], None]], object]

BATCH = 64      # items that a strand may run before others get the worker

_get_ident = threading.get_ident


class Strand(Runnable):
    """See the module. `lock` is the emitter's; `receive`, if given, is called when the reactor saw input."""

    __slots__ = ("_lock", "_items", "_free", "_readable", "_receive", "dispatch", "runner", "home", "blocking",
                 "_roams", "codes", "_verdict", "_remembered", "_held", "__weakref__")

    def __init__(self, lock: Any, dispatch: "Optional[Dispatch]" = None,
                 receive: Optional[Callable[[], None]] = None) -> None:
        self._lock = lock
        self._items: "Optional[Deque[Tuple[Callable[..., Any], Tuple[Any, ...]]]]" = None     # made when needed
        self._free = [None]             # empty: somebody has the claim; changes in atomic steps
        self._readable = False          # the reactor saw input; belongs to the holder of the claim
        self._receive = receive
        self.dispatch = dispatch
        self.runner = 0                 # the thread that runs items now
        self.home = 0                   # the thread to which a foreign dispatch brings items, if it is always the same
        self._roams = False             # it is not
        self.blocking = False           # runs a listener that is known to block
        self._verdict: Optional[Verdict] = None     # on that listener; while it is not `blocking`: it is on trial
        self.codes: Tuple[CodeType, ...] = ()       # of all listeners that were added
        self._remembered = workers.remembered       # as of the last look
        self._held = False              # suspended: claimed, but nothing runs

    # ---- for every thread ----

    def post(self, call: Callable[..., Any], *args: Any) -> None:
        """Queue an item. Inside the emitter's gate only: that is what keeps the queue in the order of events."""
        items = self._items
        if items is None:
            items = self._items = deque()
        items.append((call, args))
        if self._claim():
            self._schedule()

    def _schedule(self) -> None:
        """Claimed: have a worker come. What is known to block by now goes where nobody waits for it."""
        if self.blocking or self._remembered != workers.remembered:
            self._look_at_verdicts()
        workers.default_pool().schedule(self)

    def _claim(self) -> bool:
        """Take the claim; `False` if somebody has it."""
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def post_first(self, call: Callable[..., Any], *args: Any) -> None:
        """Queue an item before all others; for a strand that is held or sure to get another item. Inside the gate."""
        if self._items is None:
            self._items = deque()
        self._items.appendleft((call, args))

    def hold(self) -> None:
        """Claim a new strand, so that nothing in it runs before `release`."""
        self._free.pop()

    def suspend(self) -> None:
        """In an item that runs: nothing behind it runs before `release`."""
        self._held = True

    def release(self) -> None:
        """Make a held strand runnable. Outside every gate."""
        with self._lock:
            self._held = False
            if self.runner:
                return          # whoever suspended it is still in it, and goes on
        self._schedule()

    def here(self) -> bool:
        """Does the calling thread run this strand's items, now or whenever its dispatch brings them?"""
        me = _get_ident()
        return me == self.runner or me == self.home

    def depends_on_me(self) -> bool:
        """While the calling thread waits, will nothing in this strand run, as far as can be told?"""
        if self.here():
            return True
        if self.dispatch is None or self.home or self._roams:
            return False
        owner = getattr(self.dispatch, "__self__", None)        # of a bound method: a queue, an event loop
        asked = getattr(owner, "_brings_here", None)
        if asked is not None:
            return bool(asked())
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or not isinstance(owner, asyncio.AbstractEventLoop):
            return False
        try:
            return asyncio.get_running_loop() is owner
        except RuntimeError:
            return False

    def unmet(self) -> bool:
        """Has its dispatch brought nothing to any thread so far?"""
        return self.dispatch is not None and not self.home and not self._roams

    def busy(self) -> bool:
        return not self._free

    def waiting(self) -> int:
        """How many items are queued."""
        return len(self._items or ())

    def will_run(self, listener: Any) -> None:
        """A listener was added: if it is known to block, so is the strand."""
        code = code_of(listener)
        if code is not None and code not in self.codes:
            self.codes += (code,)
            verdict = known_to_block(code)
            if verdict is not None:
                self.lost_turn(verdict)

    def lost_turn(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.blocking = True

    def will_block(self) -> bool:
        if not self.blocking and self._verdict is None:
            for code in self.codes:
                verdict = known_to_block(code)
                if verdict is not None:
                    self.lost_turn(verdict)
        return self.blocking

    def _look_at_verdicts(self) -> None:
        """Claimed: does it run a listener that is known to block, and what has become of the verdict?"""
        verdict = self._verdict
        if verdict is None:
            self._remembered = workers.remembered
            self.will_block()
        elif not verdict.until:         # lifted
            self._verdict, self.blocking = None, False
        elif verdict.grants_trial():
            self.blocking = False

    # ---- for the reactor ----

    def claim_readable(self) -> bool:
        """There is input: have it received by a worker. `False` if the strand is busy."""
        try:
            self._free.pop()
        except IndexError:
            return False
        self._readable = True
        if self.blocking or self._remembered != workers.remembered:
            self._look_at_verdicts()
        if self.blocking:
            workers.default_pool().schedule(self)
        else:
            workers.default_pool().queue.append(self)       # it is handed over when every socket was seen
        return True

    def note_readable(self) -> None:
        """There is input, and it will not be said again: whoever has the strand receives it when it is done."""
        self._readable = True       # first this, then the look, as in `run`
        fence()
        if self._claim():
            self._schedule()

    # ---- for the holder of the claim ----

    def receive_again(self) -> None:
        """In `receive`: there may be more, and it will not be said."""
        self._readable = True

    def run(self) -> None:
        """On a worker: run what is queued, receive what is readable, then release the strand."""
        dispatch = self.dispatch
        if dispatch is not None:
            self._go_elsewhere(dispatch)
            return
        trial, began = None, 0.0
        if self._verdict is not None and not self.blocking:
            if not workers.default_pool().may_try():
                self.blocking = True        # another time
                workers.default_pool().schedule(self)
                return
            trial, began = self._verdict, monotonic()
        self.runner = _get_ident()
        try:
            if self._items:
                self._run_items()
            # What is queued happened before. Where listeners block, a worker looks at once whether there is more: that
            # costs less than another round through the queue.
            once_more = self.blocking
            while self._readable and not self._held and not self._items:
                self._readable = False
                receive = self._receive
                receive()           # type: ignore[misc]
                if self._items:
                    self._run_items()
                if not once_more:
                    break
                once_more = False
        except Exception as problem:        # a defect of our own: listeners' exceptions are caught where they run
            report(problem)
        if trial is not None and not self.blocking:
            self._end_trial(trial, monotonic() - began)
        if self._items is not None:
            self._done()
            return
        # Nothing was posted: release without the lock. Who posts something now does so before trying the claim, and
        # the look follows its release; so one of the two sees the other.
        self.runner = 0
        self._free.append(None)
        if not HAS_GIL:
            fence()
        if (self._items or self._readable) and self._claim():
            self._schedule()

    def _end_trial(self, verdict: Verdict, seconds: float) -> None:
        """Its listener ran among the quick ones, and did not lose its turn."""
        if seconds < QUICK:
            self._verdict = None
            verdict.lift()
        else:
            verdict.pass_again()
            self.blocking = True

    def _run_items(self) -> None:
        items = self._items
        assert items is not None
        pool = workers.default_pool()
        for _ in range(BATCH):
            try:
                call, args = items.popleft()
            except IndexError:
                return
            if self.blocking:
                pool.begun_elsewhere += 1
            else:
                pool.led += 1
            call(*args)
            if self._held:
                return

    def _done(self) -> None:
        """Release the strand, or queue it again behind the others if there is more to do."""
        with self._lock:
            self.runner = 0
            if self._held:
                return
            items = self._items
            if not items:
                self._items = None          # an idle connection pays for no queue
                if items:
                    self._items = items     # a signal handler came in between
            self._free.append(None)
            again = (bool(self._items) or self._readable) and self._claim()
        if again:
            self._schedule()

    def _go_elsewhere(self, dispatch: Dispatch) -> None:
        ticket = threading.Lock()           # a dispatch may call twice, or call and raise: it is good for one run
        try:
            dispatch(partial(self._run_elsewhere, ticket))
        except BaseException as problem:
            if self._give_up_dispatch():
                log.warning("the dispatch %r raised; its emitter goes on on the worker pool", dispatch)
                report(problem)
            if ticket.acquire(False):
                self.run()

    def _give_up_dispatch(self) -> bool:
        """`False` if another thread did, which told of it."""
        with self._lock:
            given, self.dispatch = self.dispatch, None
            return given is not None

    def _run_elsewhere(self, ticket: Any) -> None:
        """On the thread that a dispatch brings. What a listener lets through (Ctrl-C) goes on to that thread's pump."""
        if not ticket.acquire(False):
            return
        me = self.runner = _get_ident()
        if self.home != me:
            self._roams = self._roams or self.home != 0     # an executor's threads: each may do
            self.home = 0 if self._roams else me
        try:
            if self._items:
                self._run_items()
        finally:
            self._done()


GATE_CODES.update((Strand._done.__code__, Strand.release.__code__, Strand._give_up_dispatch.__code__))

_default_dispatch: Optional[Dispatch] = None


def default_dispatch() -> Optional[Dispatch]:
    return _default_dispatch


def set_default_dispatch(dispatch: Optional[Dispatch]) -> None:
    """Run the listeners of emitters made from now on through `dispatch`; `None`: on the worker pool."""
    global _default_dispatch
    if dispatch is not None and not callable(dispatch):
        from ..errors import invalid_type
        raise invalid_type("dispatch", "a callable or None", dispatch)
    _default_dispatch = dispatch
