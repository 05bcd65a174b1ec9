"""The worker pool: the threads that run listeners, which may block.

How work is given out, and why (CPython with a GIL): threads that run at the same time fight over the interpreter lock,
and that fight costs more than the work. So one worker at a time, the leader, serves the run queue. The reactor hands it
a batch and waits for it: it gives its turn away. A batch ends with a mark in the run queue; the leader that meets the
mark looks whether there is more input, and goes on with that, or gives the turn back: so a busy server runs on one
thread until a listener blocks. If half a millisecond passes without progress, a listener blocks: the leader is deposed
and another worker is woken, and the reactor goes on waiting only for what is still queued. Who was deposed never comes
back to what another one leads. Quick listeners cost no contention; parallelism appears where it is useful.

A listener that lost its turn is known to block from then on (`verdicts.py`): the strands that run it go to a queue of
their own, and to workers that the reactor never waits for. While a leader has the turn these begin one after the other,
a third of a millisecond apart, since each of them wants the interpreter lock several times for a message.

On a free-threaded build it is the same: there the fight is over the sockets. A reactor that goes on polling sees the
input again that a worker is about to receive, and that costs more than the message. Listeners that compute lose their
turn like those that wait, and so each gets a core of its own.

Which threads run it: `schedule` and `submit` every thread, `hand_over` the reactor, `_work` the workers. Threads are
started by the reactor thread alone, so that a signal handler never meets the threading module half-way.

Locks: none of its own. Queues, sets and the list of idle workers change in single atomic operations (`append`,
`popleft`, `pop`, `remove`, `add`, `discard`). The order is what keeps a wakeup from being lost: who queues work does so
*before* looking for a leader or an idle worker; who lies down to rest resigns and does so *before* looking at the
queues; and who leaves looks once more afterwards. So for what is queued either a worker is on its way, or all that the
limit allows are busy, and each of them looks at the queues when it is done, or passes the call on when it begins to
wait in a helper. Two may take the lead at once; the first then finds, after one item, that it is another's.
"""
from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import deque
from types import CodeType, FrameType
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

from .clock import monotonic
from .reactor import HAS_GIL, Timer, fence, reactor
from .report import log, report
from .verdicts import LISTENER_CALLERS, NEVER_BLOCK, Verdict, code_of, listener_on, verdict_on, where_is

__all__ = ["Pool", "Runnable", "blocking", "call_on_pool", "default_pool", "use"]

WINDOW = 0.0005             # seconds without progress after which a worker counts as blocked
NAP = 0.008                 # seconds between two windows while nothing blocks
MANY_BEGUN = 4              # items begun for each WINDOW, for that
CALM = 1.0                  # seconds since something blocked, for that
LOOK = 0.001                # seconds that a worker with the turn waits for more input: what selectors can tell apart
PACE = 0.00035              # seconds between two runs of what blocks, while a worker has the turn
SATURATED_AFTER = 5.0       # seconds that everything may be busy before a warning
MANY_LOST = 4               # windows in a row after which it is the listener, and not the machine
DECIDED = 0.1               # seconds after which a worker that is in no listener counts as blocked all the same

DEFAULT_LIMIT = 32 + (os.cpu_count() or 1)      # workers of a pool
LONGEST_IDLE = threading.TIMEOUT_MAX            # seconds


class Runnable:
    """What a worker runs: a strand, or a single call."""

    __slots__ = ()

    blocking: bool = False          # goes to workers that the reactor does not wait for

    def run(self) -> None:
        raise NotImplementedError

    def lost_turn(self, verdict: Verdict) -> None:
        """The listener with this verdict made the reactor wait."""

    def will_block(self) -> bool:
        """Does it run a listener that is known to block, as far as can be seen from outside?"""
        return self.blocking


class _Call(Runnable):
    """One call, for `submit`."""

    __slots__ = ("call", "args")

    def __init__(self, call: Callable[..., Any], args: Tuple[Any, ...] = ()) -> None:
        self.call, self.args = call, args

    def run(self) -> None:
        try:
            self.call(*self.args)
        except BaseException as problem:        # no exception ends a worker
            report(problem)


LISTENER_CALLERS.add(_Call.run.__code__)


class _Mark(Runnable):
    """The turn, as it stands in the run queue: at the end of a batch. The worker that meets it looks whether there is
    more input for quick listeners, and goes on with that; else it gives the turn back to the reactor."""

    __slots__ = ("turn", "queue", "looking", "recalled")

    def __init__(self, queue: "Deque[Runnable]") -> None:
        self.turn = threading.Lock()
        self.turn.acquire()
        self.queue = queue
        self.looking = False        # a worker is at it, and will put it back into the queue, or give the turn back
        self.recalled = False       # the reactor has something to do

    def run(self) -> None:
        self.looking = True
        over = monotonic() + LOOK
        patience = LOOK
        while patience > 0 and not self.recalled and reactor.look(patience):
            if self.queue:
                self.queue.append(self)
                self.looking = False
                return
            patience = over - monotonic()       # there was input, but all of it for listeners that block
        self.turn.release()


class _Worker:
    __slots__ = ("pool", "wakeup", "thread", "queue", "item", "listener", "undecided", "began", "began_before", "depth",
                 "in_helper", "leaving")

    def __init__(self, pool: "Pool", queue: "Deque[Runnable]") -> None:
        self.pool = pool
        self.wakeup = threading.Lock()      # released to wake it
        self.wakeup.acquire()
        self.thread: Optional[threading.Thread] = None
        self.queue = queue                  # which of the pool's two queues it serves now
        self.item: Optional[Runnable] = None        # what it runs now
        self.listener: Any = None           # without a GIL: whose code that is in, or was in last
        self.undecided: Optional[Runnable] = None   # it made the reactor wait with this, and was in no listener yet
        # Of the clock: when it began what it has from the queue of what blocks, and what it had before. 0: not yet.
        self.began = self.began_before = 0.0
        self.depth = 0                      # of waits that it is in
        self.in_helper = True               # the innermost may last for ever
        self.leaving = False                # told to end

    def ident(self) -> Optional[int]:
        return self.thread.ident if self.thread else None


_here = threading.local()       # .worker: the worker whose thread this is


class Pool:
    """A pool's threads and queues. `WorkerPool` is what a program sees of it."""

    def __init__(self, max_workers: int, idle_seconds: float, thread_name_prefix: str) -> None:
        self.max_workers = max_workers
        self.idle_seconds = idle_seconds
        self.thread_name_prefix = thread_name_prefix
        self._shut = False
        self.reset()
        _pools.add(self)

    def reset(self) -> None:
        """Begin anew: at first, and in a forked child, which has none of its parent's threads."""
        for queue in (getattr(self, "queue", None), getattr(self, "blocking_queue", None)):
            if queue is not None:
                queue.clear()       # the worker that forked, if one did, still looks there
        self.queue: Deque[Runnable] = deque()           # the run queue
        self.blocking_queue: Deque[Runnable] = deque()  # what is known to block
        self._window = WINDOW       # seconds that the reactor waits before it looks whether listeners get on
        self._lost_at = 0.0         # when a listener lost its turn
        # How many items were begun, from the run queue and from elsewhere; compared, never counted with.
        self.led = self.begun_elsewhere = 0
        self._workers: Set[_Worker] = set()         # those that count towards the limit, or wait
        self._waiting: Set[_Worker] = set()         # of these, those that wait in blocking helpers: they do not count
        self._blocked: Set[_Worker] = set()         # of these, those that serve the queue of what blocks
        self._idle: List[_Worker] = []              # of these, those that rest
        self._leader: Optional[_Worker] = None      # of the default pool: the one that serves the run queue
        self._threads: Set[threading.Thread] = set()        # of all workers, also of those that end or have ended
        self._named = 0             # threads made so far, for their names; the reactor's own
        self._turn_is_out = False   # a worker has the reactor's turn: quick listeners are about
        self._pace = 0.0            # of the clock: when the next of those that block may begin, meanwhile
        self._saturated = False     # no worker could be had; those that finish look at the queues themselves
        self._alarm: Optional[Timer] = None
        self._warned = -1           # `progress` when the last warning was given
        self._may_start = True      # the last attempt to start a thread succeeded
        self._frozen = False        # the interpreter ends: nothing new begins

    # ---- for every thread ----

    def submit(self, call: Callable[[], Any]) -> None:
        """Run `call()` on a worker. Raises `RuntimeError` after `shutdown`."""
        if self._shut:
            raise RuntimeError("cannot submit after shutdown")
        self.schedule(_Call(call))

    def shutdown(self) -> None:
        """Take no more calls; what is queued is still run, then the threads end."""
        self._shut = True
        self.retire()

    def schedule(self, item: Runnable) -> None:
        """Queue `item`, and see that somebody will run it."""
        if item.blocking:
            self.blocking_queue.append(item)
            self._wake_one(self.blocking_queue)
        else:
            self.queue.append(item)
            if self is not _default or reactor.asleep:
                self._wake_one(self.queue)

    @property
    def progress(self) -> int:
        """Changes with each item that is begun."""
        return self.led + self.begun_elsewhere

    def begin(self) -> None:
        """The reactor starts, and with it the first worker: later, when the interpreter ends, none may be had."""
        if not self._workers:
            self._grow(self.queue)

    def quiet(self) -> bool:
        """True when nothing is queued or running."""
        return not self.queue and not self.blocking_queue and len(self._idle) >= len(self._workers)

    def settled(self) -> bool:
        """True when nothing is queued, and nothing runs but what waits in helpers.

        Looked at twice: a worker may queue something between the look at the queues and the one at the workers, and
        lie down for a moment before it takes that up.
        """
        seen = self.progress
        return self._looks_settled() and self._looks_settled() and self.progress == seen

    def _looks_settled(self) -> bool:
        return not self.queue and not self.blocking_queue and self.at_rest()

    def at_rest(self) -> bool:
        """True when nothing runs but what waits in helpers."""
        in_helpers = sum(worker.in_helper for worker in list(self._waiting))
        return len(self._idle) + in_helpers >= len(self._workers)

    def counts(self) -> Dict[str, int]:
        """For `stats`: how many workers are idle, busy and waiting in helpers, and how much is queued."""
        total, idle, waiting = len(self._workers), len(self._idle), len(self._waiting)
        return {"workers": total, "idle": idle, "busy": max(total - idle - waiting, 0), "waiting": waiting,
                "queued": len(self.queue) + len(self.blocking_queue)}

    def threads(self) -> List[threading.Thread]:
        """Those that have not ended. The others are let go of, and with each what the system keeps of a thread."""
        self._threads.difference_update([thread for thread in list(self._threads)
                                         if thread.ident is not None and not thread.is_alive()])
        return [thread for thread in list(self._threads) if thread.is_alive()]

    def retire(self) -> None:
        """Let every idle worker end."""
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return
            worker.leaving = True
            self._workers.discard(worker)
            worker.wakeup.release()

    def end(self) -> None:
        """The reactor ends, and its timers with it."""
        self._alarm = None
        self.retire()

    def freeze(self) -> None:
        """The interpreter is about to end: begin nothing any more."""
        self._frozen = True

    # ---- waking and making workers ----

    def _wake_one(self, queue: "Deque[Runnable]", sure: bool = False) -> None:
        """Have a worker come to `queue`: an idle one, or else a new one, which is up to the reactor."""
        fence()
        if queue is self.blocking_queue and self._blocking_room() <= 0:
            if self._alarm is None:
                reactor.call_soon(self._watch)
            return              # each of those that are busy looks there when it is done
        if queue is self.queue and self is _default and not sure and self._is_undecided():
            if threading.get_ident() != reactor.ident:
                reactor.wake()
            return              # `hand_over` sees to it in this round, with the patience that this takes
        try:
            worker = self._idle.pop()
        except IndexError:
            if threading.get_ident() == reactor.ident:
                self._grow(queue)
            else:
                reactor.call_soon(self._wake_one, queue)
            return
        self._assign(worker, queue)
        worker.wakeup.release()

    def _assign(self, worker: _Worker, queue: "Deque[Runnable]") -> None:
        worker.queue = queue
        if queue is self.blocking_queue:
            self._blocked.add(worker)
        else:
            self._blocked.discard(worker)
            self._leader = worker

    def _blocking_room(self) -> int:
        """How many more may serve the queue of what blocks. One is kept for listeners that do not block."""
        if self.max_workers < 3:
            return 1 - len(self._blocked.difference(self._waiting, self._idle))
        # All that are busy count: what one has from the run queue may block, too, and was not seen to yet.
        return self.max_workers - 1 - self._busy()

    def may_try(self) -> bool:
        """For a worker of the run queue: may a listener that is known to block be tried? If it blocks again, one must
        be left for the others. When none is, all the same if those that serve the queue of what blocks get on: quick
        listeners that were judged wrongly can keep all of them busy."""
        if self.max_workers > self._busy():
            return True
        late = monotonic() - DECIDED
        return all(worker.began_before > late for worker in self._blocked.difference(self._waiting, self._idle))

    def _busy(self) -> int:
        """How many workers neither rest nor wait in helpers."""
        return len(self._workers) - len(self._waiting) - len(self._idle)

    def _surplus(self) -> int:
        """How many workers there are above the limit."""
        return len(self._workers) - len(self._waiting) - self.max_workers

    def _grow(self, queue: "Deque[Runnable]") -> None:
        """Start a worker if the limit allows (the reactor thread only); else watch for a pool that stays stuck."""
        if not queue and self._workers:
            return
        if self._surplus() < 0 and not self._frozen:
            worker = _Worker(self, queue)
            self._named += 1
            thread = worker.thread = threading.Thread(target=self._work, args=(worker,), daemon=True,
                                                      name=f"{self.thread_name_prefix}-{self._named}")
            self._workers.add(worker)
            self._threads.difference_update([other for other in self._threads if not other.is_alive()])
            self._threads.add(thread)
            self._assign(worker, queue)
            try:
                thread.start()
                self._may_start = True
                return
            except RuntimeError as problem:     # a process limit, or the interpreter ends: make do with those there are
                for group in (self._workers, self._blocked):
                    group.discard(worker)
                self._threads.discard(thread)
                self._resign(worker)
                if self._may_start:
                    self._may_start = False
                    log.warning("no further worker: %s", problem)
        if queue is self.queue:
            self._saturated = True
        self._watch()

    def _watch(self) -> None:
        """Look in a while whether the pool got on."""
        if self._alarm is None:
            seen = self.progress
            self._alarm = reactor.call_later(SATURATED_AFTER, lambda: self._warn(seen))

    def _warn(self, seen: int) -> None:
        self._alarm = None
        if not self.queue and not self.blocking_queue:
            return
        if self.progress == seen != self._warned:
            self._warned = seen         # once, until something moves
            frames = sys._current_frames()
            busy = [worker for worker in list(self._workers) if worker not in self._idle and not worker.depth]
            log.warning("all %d workers have been busy for %g seconds%s and %d emitters wait; the listeners are in: %s",
                        len(busy), SATURATED_AFTER, " (but one, kept for what does not block)" if self._idle else "",
                        len(self.queue) + len(self.blocking_queue),
                        ", ".join(sorted({where_is(worker.ident(), frames) for worker in busy})))
        for queue in (self.queue, self.blocking_queue):
            if queue:
                self._wake_one(queue)   # look again

    # ---- the reactor thread ----

    def hand_over(self) -> None:
        """Give the run queue to a worker, and the turn with it; come back when it is done or blocks."""
        self._saturated = False
        if not self.queue:
            return
        mark = _Mark(self.queue)
        self.queue.append(mark)     # first this, then the look
        fence()
        if self._leader is None:
            self._wake_one(self.queue)
        self._turn_is_out = True
        try:
            self._wait_for(mark)
        finally:
            self._turn_is_out = False

    def _wait_for(self, mark: _Mark) -> None:
        """Until the turn is given back, or what stood before the mark is with workers that block."""
        seen, lost, since = self.led, 0, 0.0
        while not mark.turn.acquire(True, reactor.until_due(self._window)):
            if reactor.is_due():
                mark.recalled = True
            if self.led != seen or mark.looking:
                begun, seen, since = self.led - seen, self.led, 0.0
                self._nap(begun)
                continue
            self._window, self._lost_at = WINDOW, monotonic()
            self._depose()
            if self._saturated and self._take_back(mark):
                return
            if self._leader is not None:
                continue            # it is on its way
            lost += 1
            self._keep_one_free(lost)
            if self._next_is(mark):
                return              # all is taken; what blocks may go on blocking
            if self._is_undecided():
                since = since or self._lost_at
                if self._lost_at - since < DECIDED:
                    continue
            since = 0.0
            self._wake_one(self.queue, sure=True)

    def _is_undecided(self) -> bool:
        """Is there but one worker left, while another may be about to get on, or to block? On a busy machine several
        that had no processor would else take a listener each, and all of them block before the first is seen to."""
        if self.max_workers - self._busy() > 1:
            return False
        return any(worker.queue is self.queue or worker.undecided is not None
                   for worker in self._workers.difference(self._waiting, self._idle))

    def _nap(self, begun: int) -> None:
        """Each look costs: who wakes up wants the interpreter lock, and until it gets it, every system call of the
        worker wakes it once more. So when a window saw many items begun, and nothing blocked of late, the reactor naps
        before the next one. A listener that blocks for a tenth of the time is then met in one window out of ten."""
        calm = begun >= MANY_BEGUN * self._window / WINDOW and monotonic() - self._lost_at > CALM
        self._window = NAP if calm else WINDOW

    def _next_is(self, mark: _Mark) -> bool:
        """Take the mark off the queue if nothing stands before it."""
        try:
            item = self.queue.popleft()
        except IndexError:
            return False            # a worker has just met it
        if item is mark:
            return True
        self.queue.appendleft(item)
        return False

    def _take_back(self, mark: _Mark) -> bool:
        try:
            self.queue.remove(mark)
        except ValueError:
            return False            # a worker has just met it
        return True

    def _depose(self) -> None:
        """Whoever serves the run queue makes no progress. Another one will; it goes where nobody waits for it when it
        gets on, and the listener that it is in, if any, is remembered."""
        frames = sys._current_frames() if HAS_GIL else {}
        for worker in list(self._workers - self._waiting):
            item = worker.item
            if item is None or isinstance(item, _Mark):
                continue
            if worker.queue is self.queue:
                self._blocked.add(worker)
                worker.queue, worker.undecided = self.blocking_queue, item
                self._resign(worker)
            if worker.undecided is item:
                code = _suspect(worker, frames)
                if code is not None:
                    worker.undecided = None
                    if code not in NEVER_BLOCK:
                        verdict = verdict_on(code)
                        verdict.pass_again()
                        item.lost_turn(verdict)

    def _keep_one_free(self, lost: int) -> None:
        """If blocked listeners are about to take all workers, what is queued and would run the same code goes to those
        that nobody waits for. One listener that was slow, or a machine that had no time for us, is no reason."""
        global remembered
        taken = self._busy()
        if lost < MANY_LOST and 2 * taken < self.max_workers:
            return
        remembered += 1
        for _ in range(len(self.queue)):
            try:
                item = self.queue.popleft()
            except IndexError:
                return
            if item.will_block():
                self.schedule(item)
            else:
                self.queue.append(item)

    # ---- the worker threads ----

    def _work(self, me: _Worker) -> None:
        _here.worker = me
        try:
            while True:
                queue = me.queue
                if queue is self.blocking_queue:
                    if len(self._blocked - self._waiting) >= max(self.max_workers, 2):
                        queue = me.queue = self.queue       # it only was slow, and is the one that is kept
                        self._blocked.discard(me)
                    elif self._turn_is_out:
                        self._keep_pace()
                try:
                    item = queue.popleft() if queue is not self.queue or self._leader is me or self._leads(me) else None
                except IndexError:
                    item = None
                if item is None:
                    if not self._rest(me):
                        return
                    continue
                if self._frozen:
                    return
                me.item = item
                if queue is self.queue:
                    self.led += 1
                else:
                    self.begun_elsewhere += 1
                    me.began_before, me.began = me.began, monotonic()
                item.run()
                me.item = me.undecided = me.listener = item = None      # keep nothing alive while at rest
        finally:
            self._gone(me)

    def _keep_pace(self) -> None:
        """While quick listeners are about, those that block begin one after the other. Each of their runs takes the
        interpreter lock several times, and with dozens of them that want it a message of the quick ones would wait for
        all the others, and again at each of its own system calls."""
        now = monotonic()
        wait = self._pace - now
        self._pace = now + PACE if wait <= 0 else self._pace + PACE     # two that meet here may go together
        if wait > 0:
            time.sleep(wait)

    def _leads(self, me: _Worker) -> bool:
        """May it serve the run queue? One does: if two did, since one was slow and another was woken, they would fight
        over the interpreter lock for as long as there is something in it. Where nobody sees to it that another one
        follows a leader that blocks, all may."""
        if self._leader is None:
            self._leader = me
            if me.queue is not self.queue:      # deposed this very moment: it must not lead from over there
                self._resign(me)
                return False
        return self._leader is me or self is not _default or self._saturated

    def _resign(self, worker: _Worker) -> None:
        """It leads no more, if it did."""
        if self._leader is worker:
            self._leader = None

    def _rest(self, me: _Worker) -> bool:
        """Wait to be woken; `False` to end the thread."""
        self._blocked.discard(me)
        me.queue = self.queue
        me.began = me.began_before = 0.0
        self._resign(me)
        if self._shut or me.leaving or me not in self._workers or self._surplus() > 0:
            return False        # helpers that waited had others started in their place: now it is one too many
        self._idle.append(me)
        fence()
        if self.queue and (self._leader is None or self is not _default or self._saturated):
            try:
                self._idle.remove(me)       # something came while it was lying down
                return True
            except ValueError:
                pass                        # somebody has taken it from the list and will wake it
        elif not self.blocking_queue:
            _last_out()
        elif self._blocking_room() > 0:
            self._wake_one(self.blocking_queue)
        return self._sleep(me)

    def _sleep(self, me: _Worker) -> bool:
        """Until woken, or idle for too long. The last one stays as the reactor does: at times none can be started."""
        while not me.wakeup.acquire(True, self.idle_seconds if len(self._workers) > 1 else -1):
            self._workers.discard(me)       # first this, then the look: of two that leave at once one stays
            if self._workers:
                try:
                    self._idle.remove(me)
                    return False
                except ValueError:
                    pass                    # somebody has taken it from the list and will wake it
            self._workers.add(me)
        return not me.leaving

    def _gone(self, me: _Worker) -> None:
        """A worker ends. What was queued because it still counted is looked at once more."""
        for group in (self._workers, self._waiting, self._blocked):
            group.discard(me)
        self._resign(me)
        fence()
        if not self._frozen:
            for queue in (self.queue, self.blocking_queue):
                if queue:
                    self._wake_one(queue)
        _last_out()


# ---- listeners that block ----

remembered = 0          # changes when it is time for strands to look whether theirs are among them


def begins(listener: Any) -> None:
    """The calling thread, a worker if it counts, runs this next. Without a GIL nobody can see that from outside."""
    worker: Optional[_Worker] = getattr(_here, "worker", None)
    if worker is not None:
        worker.listener = listener


def _suspect(worker: _Worker, frames: Dict[int, FrameType]) -> Optional[CodeType]:
    """The listener that a worker is stuck in; `None` if it is in none."""
    if not HAS_GIL:             # the frames of a thread that runs must not be walked there
        return code_of(worker.listener)
    return listener_on(worker.ident(), frames)


# ---- the pools ----

_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()
_default = Pool(DEFAULT_LIMIT, 10.0, "netcompat-worker")
_former: List[Pool] = []      # default pools of before: something may still come to their queues


def default_pool() -> Pool:
    """The pool that runs the listeners of every emitter without a dispatch of its own."""
    return _default


def all_pools() -> List[Pool]:
    return list(_pools)


def use(pool: Pool) -> None:
    """Make this the default pool. What is queued in the old one is still run there."""
    global _default
    old = _default
    if pool is old:
        return
    _former.append(old)         # first this: who queues something there from now on finds it looked after
    _default = pool
    reactor.nudge()


class blocking:
    """`with blocking():` around a wait: the worker it runs on, if any, does not count; another may take its turn.

    `helper`: what is waited for may never come. The end of the program does not wait for such a worker.
    """

    __slots__ = ("_worker", "_helper")

    def __init__(self, helper: bool = True) -> None:
        self._helper = helper

    def __enter__(self) -> None:
        worker: Optional[_Worker] = getattr(_here, "worker", None)
        self._worker = worker
        if worker is None:
            return
        worker.depth += 1
        worker.in_helper = self._helper
        pool = worker.pool
        pool._waiting.add(worker)       # first this, then the look
        pool._resign(worker)
        fence()
        for queue in (pool.queue, pool.blocking_queue):
            if queue:
                pool._wake_one(queue)

    def __exit__(self, *_: object) -> None:
        worker = self._worker
        if worker is not None:
            worker.depth -= 1
            if not worker.depth:
                worker.pool._waiting.discard(worker)


def call_on_pool(call: Callable[..., Any], *args: Any) -> None:
    _default.schedule(_Call(call, args))


def _hand_over() -> None:
    for pool in _former:
        if pool.queue:
            pool._wake_one(pool.queue)
    _default.hand_over()


def _work_waits() -> bool:
    pool = _default
    if pool.queue and not pool._saturated:
        return True
    return any(pool.queue and not pool._saturated for pool in _former)


def _all_quiet() -> bool:
    return all(pool.quiet() for pool in list(_pools))


def _last_out() -> None:
    """A worker comes to rest: tell the reactor if that was all that it waited for, or end too if it has ended."""
    if reactor.holders or not _all_quiet():
        return
    if reactor.running:
        reactor.nudge()
        return
    for pool in list(_pools):
        pool.retire()           # somebody woke a worker while the reactor let the idle ones go


def forget_worker() -> None:
    """In a forked child: whatever forked, it is no worker of ours any more."""
    _here.worker = None


def _end_all() -> None:
    del _former[:]
    for pool in list(_pools):
        pool.end()


reactor.hand_over = _hand_over
reactor.work_waits = _work_waits
reactor.quiet = _all_quiet
reactor.began = lambda: _default.begin()
reactor.ended = _end_all
