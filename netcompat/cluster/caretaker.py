"""The caretaker: the thread of a cluster that has its processes.

It starts them, waits for their ends, replaces who died after a pause, and presses those that are late to end. What it
does may block (`multiprocessing` does), so the reactor is another thread. Each `Member` is one process.

Which threads run it: `Caretaker.ask` and the methods of `Member` every thread; all else the caretaker's own.

Locks: `_starting` lets one process start at a time, since the tables of `multiprocessing` have none.
"""
from __future__ import annotations

import multiprocessing.connection
import os
import signal as signals
import socket
import sys
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Optional, Tuple

from ..errors import error, invalid_value
from ..runtime.reactor import reactor
from ..runtime.report import log, report
from ..runtime.waiter import Waiter
from . import workplace
from .channel import Channel, channel_pair
from .member import Worker, check_kill_signal

if TYPE_CHECKING:
    from .primary import Cluster

__all__ = ["PATIENCE", "Caretaker", "Member", "forget_starting"]

AT_ONCE = 1.0           # seconds: who ends sooner after its target began has died at once
FIRST_PAUSE = 0.1       # seconds before the replacement of who died at once; doubles each time in a row
LONGEST_PAUSE = 10.0
PATIENCE = 2.0          # seconds beyond `grace` until a worker that was to end is told so by SIGTERM, then by SIGKILL

_starting = threading.Lock()        # one process starts at a time


def forget_starting() -> None:
    """In a forked child: the thread that forked holds the lock."""
    global _starting
    _starting = threading.Lock()


class Member(Worker):
    """A worker as the primary has it."""

    __slots__ = ("cluster", "slot", "began", "leaving", "asked", "gone", "outcome", "deadline", "late", "firm")

    def __init__(self, cluster: Cluster, number: int, slot: Optional[int]) -> None:
        super().__init__(number, None)
        self.cluster = cluster
        self.slot = slot            # which of the cluster's places for workers it fills; the caretaker's
        self.began: Optional[float] = None          # when its target began
        self.leaving = False        # it accepts no more, and is about to end
        self.asked = False          # it was told to end: it is not replaced
        self.gone = False           # its process has ended
        self.outcome = ""           # how it has ended, in words
        self.deadline: Optional[float] = None       # when it has to be gone; the caretaker's
        self.late = False           # the deadline has passed; likewise
        self.firm = False           # next time it gets SIGKILL; likewise

    def is_ready_for(self, old: "Member") -> bool:
        """Does it listen wherever `old` does, or is it at least there, if `old` listens nowhere?"""
        places = [place for place in list(self.cluster._numbers.values()) if old in place.users]
        if not places:
            return self._told is not None and "online" in self._told
        return all(self in place.ready for place in places)

    def tell_it(self, *frame: Any) -> None:
        if self._channel is not None:
            self._channel.send(frame)

    def disconnect(self) -> "Member":
        """Have it end gracefully: it accepts no more, its connections have `grace` seconds to finish, then it ends and
        is not replaced. Returns at once; 'disconnect' and 'exit' follow. Node: `worker.disconnect`.
        """
        caretaker = self.cluster._caretaker
        assert caretaker is not None
        caretaker.ask(caretaker.dismiss, self, self.cluster._grace)
        return self

    def kill(self, signal: int = signals.SIGTERM) -> None:
        """Send its process a signal; it is replaced when it ends. Node: `worker.kill`, which disconnects it first."""
        caretaker = self.cluster._caretaker
        assert caretaker is not None
        caretaker.ask(caretaker.kill, self, check_kill_signal(signal))


class Caretaker:
    """The thread that has the processes. Everything but `ask` and `abandon` is done on it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._asked: Deque[Tuple[Callable[..., None], Tuple[Any, ...]]] = deque()
        self._bell, self._rope = socket.socketpair()        # rung when something was asked for
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self._living: List[Member] = []
        self._planned: List[Tuple[float, int]] = []         # when to start a worker, and for which slot
        self._failures: Dict[int, int] = {}                 # how often in a row a slot's workers died at once
        self._last = 0                                      # the youngest worker's number
        self._failed: Optional[BaseException] = None        # what prevented the first start
        self._over = False
        self.thread = threading.Thread(target=self._run, name="netcompat-cluster", daemon=True)

    # ---- for every thread ----

    def ask(self, call: Callable[..., None], *args: Any) -> None:
        """Have `call(*args)` made on the caretaker's thread. Harmless when that has ended."""
        self._asked.append((call, args))
        try:
            self._rope.send(b"\0")
        except OSError:
            if self._over:          # too late: nobody waits for an answer
                self._refuse_rest()

    def _refuse_rest(self) -> None:
        while self._asked:
            _, args = self._asked.popleft()
            for arg in args:
                if isinstance(arg, Waiter):
                    arg.set(error=error("ERR_INVALID_STATE", reason="The cluster has ended"))

    def abandon(self) -> None:
        """In a forked child."""
        self._bell.close()
        self._rope.close()
        self._over = True

    # ---- the loop ----

    def _run(self) -> None:
        try:
            while True:
                self._do_what_was_asked()
                self._start_who_is_due()
                self._press()
                if not self._living and not self._planned and not self._asked:
                    break
                self._rest()
        except BaseException as problem:
            if sys.is_finalizing():
                return
            log.critical("the cluster's caretaker died", exc_info=problem)
            raise
        self._over = True
        self._cluster._ending = True
        self._bell.close()
        self._rope.close()
        self._refuse_rest()
        self._cluster._all_gone()

    def _do_what_was_asked(self) -> None:
        try:
            while self._bell.recv(4096):
                pass
        except BlockingIOError:
            pass
        while self._asked:
            call, args = self._asked.popleft()
            try:
                call(*args)
            except Exception as problem:        # a defect of netcompat's own: the other workers are looked after
                report(problem)

    def _rest(self) -> None:
        """Until something happens, or is due."""
        due = [when for when, _ in self._planned] + [
            member.deadline for member in self._living if member.deadline is not None]
        timeout = max(min(due) - time.monotonic(), 0.0) if due else None
        sentinels = {member.process.sentinel: member for member in self._living}
        for ready in multiprocessing.connection.wait([*sentinels, self._bell], timeout):
            member = sentinels.get(ready)
            if member is not None:
                self._ended(member)

    # ---- beginnings ----

    def begin(self, slot: int, waiter: Optional[Waiter]) -> None:
        """The first worker of a slot. `waiter`: the last of them, tell how it went."""
        if self._failed is None and not self._cluster._ending:
            try:
                self._start(slot)
            except Exception as problem:
                self._failed = problem
                self.kill_all()
        if waiter is not None:
            waiter.set(error=self._failed)

    def succeed(self, old: Member, waiter: Waiter) -> None:
        """Start the one that is to take the slot of `old`."""
        if old.gone or old.asked or self._cluster._ending:
            waiter.set(None)
            return
        try:
            new = self._start(None)
        except Exception as problem:
            waiter.set(error=problem)
            return
        waiter.set(new)

    def promote(self, new: Member, old: Member) -> None:
        """The successor listens: the slot is its own, and the old one ends."""
        if not old.gone:
            new.slot, old.slot = old.slot, None
            self.dismiss(old, self._cluster._grace)
            return
        if any(slot == old.slot for _, slot in self._planned):      # the old one died, and is to be replaced
            self._planned = [(when, slot) for when, slot in self._planned if slot != old.slot]
            new.slot = old.slot
        else:
            self.dismiss(new, self._cluster._grace)

    def _start_who_is_due(self) -> None:
        now = time.monotonic()
        due = [slot for when, slot in self._planned if when <= now]
        self._planned = [(when, slot) for when, slot in self._planned if when > now]
        for slot in due:
            if self._cluster._ending:
                continue
            try:
                self._start(slot)
            except Exception as problem:        # out of processes, of memory, of descriptors
                log.warning("a worker cannot be started: %s", problem)
                self._plan(slot, True)

    def _start(self, slot: Optional[int]) -> Member:
        cluster = self._cluster
        self._last += 1
        member = Member(cluster, self._last, slot)
        ours, theirs = channel_pair()
        try:
            member._channel = Channel(ours, partial(cluster._on_frame, member), partial(cluster._disconnected, member))
            process = cluster._context.Process(
                target=workplace.run, name=f"netcompat-worker-{member.id}",
                args=(theirs, member.id, cluster._grace, cluster._target, cluster._args))
            member._process = process
            cluster._workers = {**cluster._workers, member.id: member}      # for `_abandon`, should this be a fork
            try:
                self._start_process(process)
            except BaseException as problem:
                cluster._workers = {number: other for number, other in cluster._workers.items() if other is not member}
                ours.close()
                if isinstance(problem, OSError) or not isinstance(problem, Exception):
                    raise
                raise invalid_value(
                    "target", f"and its arguments must be something that can be pickled for the start method "
                    f"{process._start_method or 'in use'!r} ({problem})", cluster._target) from problem
        finally:
            theirs.close()
        member._connected = True
        self._living = [*self._living, member]
        cluster._enter(cluster._post, cluster._deliver, "fork", member)
        reactor.call_soon(cluster._joined, member)
        return member

    def _start_process(self, process: Any) -> None:
        with _starting:
            if process._start_method != "fork" and type(process).__name__ != "ForkProcess":
                _start_masked(process)
                return
            # A fork copies every descriptor. So that the child knows all that it has to close, the reactor, which
            # accepts, stands still meanwhile. And the thread that forks is the child's main thread: a fresh one.
            outcome: List[BaseException] = []

            def fork() -> None:
                try:
                    _start_masked(process)
                except BaseException as problem:
                    outcome.append(problem)

            def hold() -> None:
                starter = threading.Thread(target=fork, name="netcompat-fork", daemon=False)
                try:
                    starter.start()
                    starter.join()
                except BaseException as problem:
                    outcome.append(problem)
                done.set()

            done = threading.Event()
            reactor.call_soon(hold)
            done.wait()
            if outcome:
                raise outcome[0]

    # ---- ends ----

    def _ended(self, member: Member) -> None:
        """Its process has ended, or is in its last moments."""
        member.process.join()
        code = member.process.exitcode
        name: Optional[str] = None
        if code is not None and code < 0:
            code, name = None, _signal_name(-code)
        member.outcome = name or f"exit status {code}"
        member.gone = True
        popen = getattr(member.process, "_popen", None)
        if popen is not None:
            popen.close()       # gives its descriptors back, although the program may keep the object; the status stays
        cluster = self._cluster
        self._living = [other for other in self._living if other is not member]
        cluster._workers = {number: other for number, other in cluster._workers.items() if other is not member}
        reactor.call_soon(cluster._exited, member, code, name)
        if member.slot is not None and not member.asked and cluster._respawn and not cluster._ending:
            lived = 0.0 if member.began is None else time.monotonic() - member.began
            when = "before its target began" if member.began is None else f"{lived:.2f} s after it began"
            if code == 0 and lived < AT_ONCE:
                when += " (it does so when its target has returned and nothing is open)"
            self._plan(member.slot, lived < AT_ONCE, f"worker {member.id} has ended with {member.outcome}, {when}")
        cluster._enter(cluster._changed)

    def _plan(self, slot: int, at_once: bool, what: str = "") -> None:
        """A slot is to be filled again: at once, or after a pause that grows each time a worker dies at once."""
        failures = self._failures[slot] = self._failures.get(slot, 0) + 1 if at_once else 0
        pause = min(FIRST_PAUSE * 2.0 ** (failures - 1), LONGEST_PAUSE) if failures else 0.0
        if what:
            log.warning("%s; it is replaced%s", what, f" in {pause:g} s" if pause else "")
        self._planned.append((time.monotonic() + pause, slot))

    def dismiss(self, member: Member, grace: float) -> None:
        """Have it end gracefully. A second time with less patience, if so."""
        if member.gone:
            return
        member.asked = True
        due = time.monotonic() + grace + PATIENCE
        if member.deadline is None or due < member.deadline:
            member.deadline = due
            reactor.call_soon(member.tell_it, "disconnect", grace)

    def end_all(self, grace: float) -> None:
        self._cluster._ending = True
        self._planned.clear()
        for member in self._living:
            self.dismiss(member, grace)

    def kill_all(self) -> None:
        """Nobody has time left."""
        self._cluster._ending = True
        self._planned.clear()
        for member in self._living:
            member.asked = True
            member.deadline, member.firm = time.monotonic(), True

    def kill(self, member: Member, signal: int) -> None:
        if not member.gone and member.process.pid is not None:
            try:
                os.kill(member.process.pid, signal)
            except ProcessLookupError:
                pass            # it has ended, and will be noticed

    def _press(self) -> None:
        """Who is late gets a signal: SIGTERM, a moment later SIGKILL."""
        if sys.platform == "win32":
            raise NotImplementedError
        now = time.monotonic()
        for member in self._living:
            if member.deadline is None or member.deadline > now:
                continue
            if not member.late:
                member.late = True
                self._cluster._killed += 1
            self.kill(member, signals.SIGKILL if member.firm else signals.SIGTERM)
            member.firm = True
            member.deadline = now + PATIENCE


def _start_masked(process: Any) -> None:
    """Start a process in which Ctrl-C, which a terminal sends to all, has no effect before the worker says so."""
    if sys.platform == "win32":
        raise NotImplementedError
    before = signals.pthread_sigmask(signals.SIG_BLOCK, [signals.SIGINT])
    try:
        process.start()
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:          # a real-time signal
        return f"signal {number}"
