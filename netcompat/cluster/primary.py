"""`Cluster`: the primary's side. It starts worker processes, owns the places where they listen, and replaces who dies.

Two threads share the work, and each owns its half of the state. The reactor has the channels and the places: who
listens where, which connection is on its way to whom. The caretaker (`caretaker.py`) has the processes. They tell each
other what happened, `reactor.call_soon` in one direction and `Caretaker.ask` in the other, and wait for nothing.

Which threads run it: public methods every thread; the sections below say what the reactor runs.

Locks: the gate of the cluster, as every emitter's, guards the listeners. The table of workers is replaced, never
changed, by the caretaker alone.
"""
from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util     # its own `atexit` hook is registered by that: before ours, so it runs after it
import os
import pickle
import signal as signals
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from ..arguments import check_callback, check_int
from ..emitter import StatefulEmitter, check_timeout
from ..errors import error, invalid_type, invalid_value
from ..runtime import lifetime
from ..runtime.reactor import reactor
from ..runtime.report import log
from ..runtime.waiter import Waiter
from ..runtime.workers import call_on_pool
from ..server import make_listener
from ..transports.base import SocketListener
from .caretaker import PATIENCE, Caretaker, Member, forget_starting
from .channel import check_system
from .member import Worker, check_target
from .places import Key, Place, RoundRobin, Shared

__all__ = ["Cluster"]

POLICIES = ("round-robin", "shared")
READY_LIMIT = 60.0      # seconds that a worker may take to start and to listen, in `restart`
ANSWER_LIMIT = 5.0      # seconds that a worker may take to say how many connections it has


class Cluster(StatefulEmitter, lifetime.Handle):
    """Processes that share their servers. Node: the module `cluster`.

    `target(*args)` runs in each of `workers` processes (default: one for each core that this process may use).
    `policy`: 'round-robin' (the primary accepts and hands each connection to the next worker) or 'shared' (the workers
    accept from one listening socket). `context`: 'spawn' (the default, unless the program has chosen with
    `multiprocessing.set_start_method`), 'forkserver', 'fork', or a context of `multiprocessing`. `respawn`: replace a
    worker that ends without having been asked to. `grace`: seconds that connections have to finish when a worker ends.

    Events: 'fork'(worker), 'online'(worker), 'listening'(worker, address), 'message'(worker, message),
    'disconnect'(worker), 'exit'(worker, code, signal). A context manager: starts, and leaves by `shutdown()`.
    """

    __slots__ = ("_target", "_args", "_size", "_policy", "_context", "_respawn", "_grace", "_caretaker", "_workers",
                 "_members", "_places", "_numbers", "_last_place", "_ending", "_gone", "_ended", "_killed",
                 "_counts", "_count_requests", "_restarting", "_handlers")

    def __init__(self, target: Callable[..., Any], args: Any = (), *, workers: Optional[int] = None,
                 policy: str = "round-robin", context: Any = None, respawn: bool = True, grace: float = 10.0) -> None:
        check_system("clusters do not run")
        self._args = check_target(target, args)
        if policy not in POLICIES:
            raise invalid_value("policy", f"must be one of {', '.join(map(repr, POLICIES))}", policy)
        super().__init__()
        self._target = target
        self._size = _cores() if workers is None else check_int("workers", workers, 1, 65535)
        self._policy = policy
        self._context = _context(context)
        self._respawn = bool(respawn)
        self._grace = _check_grace("grace", grace)
        self._make_strand(None)
        self._caretaker: Optional[Caretaker] = None
        self._workers: Dict[int, Worker] = {}       # those that live, by id
        self._members: Set[Member] = set()          # those whose channel is open; the reactor's
        self._places: Dict[Key, Place] = {}         # by what was asked for; the reactor's
        self._numbers: Dict[int, Place] = {}        # by number; the reactor's
        self._last_place = 0
        self._ending = False            # no worker is to be replaced any more
        self._gone = False              # all have ended, and the caretaker too
        self._ended = False             # and the last 'exit' was delivered
        self._killed = 0                # how many had to be
        self._counts: Dict[int, _Count] = {}        # questions under way; the reactor's
        self._count_requests = 0
        self._restarting = threading.Lock()         # held by `restart`: tried, never waited for
        self._handlers: Dict[int, Any] = {}         # of signals, as they were before `handle_signals`

    # ---- the beginning ----

    def start(self) -> "Cluster":
        """Start the workers, and return when their processes run; `target` may not have begun by then.

        Raises what prevents the first start: `ERR_INVALID_ARG_VALUE` for a target or arguments that cannot be pickled,
        `OSError`; `ERR_INVALID_STATE` when it was started before, and in a worker that is importing the main file.
        """
        # What `multiprocessing` itself looks at, before it starts a process by spawn or forkserver.
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise error("ERR_INVALID_STATE", reason="A worker imports the main file, and must not start workers by "
                        "that: put what starts the cluster under  if __name__ == '__main__':")
        if self._caretaker is not None:
            raise error("ERR_INVALID_STATE", reason="A cluster is started once")
        caretaker = self._caretaker = Caretaker(self)
        lifetime.opened(self, True)
        _remember(self)
        waiter = Waiter()
        for slot in range(self._size):
            caretaker.ask(caretaker.begin, slot, waiter if slot == self._size - 1 else None)
        try:
            caretaker.thread.start()
        except BaseException:
            self._all_gone()
            raise
        waiter.wait()
        if waiter.error is not None:
            self._wait_until(self._is_over, None)
            raise waiter.error
        return self

    def __enter__(self) -> "Cluster":
        return self if self._caretaker is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    @property
    def workers(self) -> Dict[int, Worker]:
        """A snapshot of the workers that live, by id. Node: `cluster.workers`."""
        return dict(self._workers)

    # ---- waiting ----

    def wait(self, timeout: Optional[float] = None) -> None:
        """Block until every worker has ended, none will be replaced, and the last 'exit' was delivered.

        `timeout`: seconds, `None` waits for ever; `TimeoutError` when they pass. Ctrl-C raises `KeyboardInterrupt` and
        leaves the cluster as it is.
        """
        timeout = check_timeout(timeout)
        if self._caretaker is None:
            raise error("ERR_INVALID_STATE", reason="The cluster was not started")
        if not self._wait_until(self._is_over, None if timeout is None else time.monotonic() + timeout):
            raise TimeoutError(f"the cluster has not ended within {timeout} seconds")
        self._restore_signals()

    def _is_over(self) -> bool:
        """Has it ended? For a listener of its own that waits: have the processes, since no event can come before that
        listener returns."""
        return self._ended or self._gone and self._strand is not None and self._strand.depends_on_me()

    # ---- the end ----

    def shutdown(self, timeout: Optional[float] = None) -> int:
        """End gracefully: the workers accept no more, connections have `timeout` seconds to finish (default: `grace`),
        then the workers end. Returns how many of them had to be killed. Waits until all are gone.
        """
        grace = self._grace if timeout is None else _check_grace("timeout", timeout)
        caretaker = self._caretaker
        if caretaker is None:
            return 0
        caretaker.ask(caretaker.end_all, grace)
        self._wait_until(self._is_over, None)
        self._restore_signals()
        return self._killed

    def restart(self, timeout: Optional[float] = None) -> None:
        """Replace the workers one at a time: a new one starts and listens, then an old one gets no more connections and
        has `grace` seconds for those it has. Nobody is refused. Returns when all are replaced.

        `timeout`: seconds for all of it; `TimeoutError` when they pass. When a new worker ends before it listens where
        the old ones do, `RuntimeError`, and the old ones that are left stay. Not for two threads at a time.
        """
        timeout = check_timeout(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        caretaker = self._caretaker
        if caretaker is None or self._ending:
            raise error("ERR_INVALID_STATE", reason="The cluster does not run")
        if not self._restarting.acquire(False):
            raise error("ERR_INVALID_STATE", reason="The cluster is being restarted already")
        try:
            for old in sorted(self._workers.values(), key=lambda worker: worker.id):
                if isinstance(old, Member) and not old.asked and not old.gone:
                    self._replace_one(caretaker, old, deadline)
        finally:
            self._restarting.release()

    def _replace_one(self, caretaker: "Caretaker", old: "Member", deadline: Optional[float]) -> None:
        waiter = Waiter()
        caretaker.ask(caretaker.succeed, old, waiter)
        waiter.wait()
        if waiter.error is not None:
            raise waiter.error
        new: Optional[Member] = waiter.value
        if new is None:
            return          # the old one has ended meanwhile, or is to
        limit = time.monotonic() + READY_LIMIT
        limit = limit if deadline is None else min(limit, deadline)
        if not self._wait_until(lambda: new.gone or old.gone or new.is_ready_for(old) or self._ending, limit):
            caretaker.ask(caretaker.dismiss, new, 0.0)
            raise TimeoutError(f"worker {new.id} does not listen where worker {old.id} does")
        if new.gone and not self._ending:
            raise RuntimeError(f"worker {new.id}, the replacement of worker {old.id}, has ended with {new.outcome}; "
                               "the old ones stay")
        caretaker.ask(caretaker.promote, new, old)
        if not self._wait_until(lambda: old.gone, deadline):
            raise TimeoutError(f"worker {old.id} has not ended in time")

    def handle_signals(self) -> "Cluster":
        """Have SIGTERM and SIGINT (Ctrl-C) end the cluster gracefully, at once when they come again, and SIGHUP restart
        it. For the main thread, before or after `start`; `wait` and `shutdown` put back what was there.

        Raises `ValueError` on another thread, as `signal.signal` does.
        """
        for name, handler in (("SIGTERM", self._on_signal), ("SIGINT", self._on_signal), ("SIGHUP", self._on_hangup)):
            number = getattr(signals, name, None)
            if number is not None and number not in self._handlers:
                self._handlers[number] = signals.signal(number, handler)
        return self

    def _on_signal(self, number: int, frame: Any) -> None:
        caretaker = self._caretaker
        if caretaker is None or self._gone:
            raise KeyboardInterrupt
        grace = 0.0 if self._ending else self._grace
        self._ending = True
        caretaker.ask(caretaker.end_all, grace)

    def _on_hangup(self, number: int, frame: Any) -> None:
        call_on_pool(self._restart_quietly)

    def _restart_quietly(self) -> None:
        try:
            self.restart()
        except (RuntimeError, OSError) as problem:      # a TimeoutError is one
            log.warning("restart: %s", problem)

    def _restore_signals(self) -> None:
        if self._handlers and threading.current_thread() is threading.main_thread():
            handlers, self._handlers = self._handlers, {}
            for number, handler in handlers.items():
                signals.signal(number, handler if handler is not None else signals.SIG_DFL)

    # ---- counting ----

    def get_connections(self, callback: Optional[Callable[[Optional[BaseException], Optional[int]], Any]] = None
                        ) -> int:
        """How many connections the servers of all workers have; also as `callback(error, count)`.

        Asks the workers, so it waits for them: `TimeoutError` that names those who have not answered within five
        seconds. Node: `server.getConnections`.
        """
        check_callback(callback)
        waiter = Waiter()
        reactor.call_soon(self._ask_counts, waiter)
        problem: Optional[BaseException] = None
        if not waiter.wait(ANSWER_LIMIT):
            missing = sorted(member.id for count in list(self._counts.values()) if count.waiter is waiter
                             for member in list(count.missing))
            problem = TimeoutError(f"no answer from worker {', '.join(map(str, missing))} within {ANSWER_LIMIT:g} s")
            reactor.call_soon(self._forget_counts, waiter)
        count = waiter.value if problem is None else None
        if callback is not None:
            self._enter(self._post, self._call_back, callback, problem, count)
            return count or 0
        if problem is not None:
            raise problem
        return int(waiter.value)

    def _ask_counts(self, waiter: Waiter) -> None:
        self._count_requests += 1
        asked = [member for member in self._members if member.connected]
        if not asked:
            waiter.set(0)
            return
        self._counts[self._count_requests] = _Count(set(asked), waiter)
        for member in asked:
            member.tell_it("count", self._count_requests)

    def _counted(self, member: "Member", request: int, number: int) -> None:
        count = self._counts.get(request)
        if count is not None:
            count.add(member, number)
            if not count.missing:
                del self._counts[request]

    def _forget_counts(self, waiter: Waiter) -> None:
        self._counts = {number: count for number, count in self._counts.items() if count.waiter is not waiter}

    # ---- on the reactor thread: channels and places ----

    def _joined(self, member: "Member") -> None:
        self._members.add(member)
        assert member._channel is not None
        member._channel.start()

    def _on_frame(self, member: "Member", frame: Tuple[Any, ...], descriptor: Optional[int]) -> None:
        if descriptor is not None and descriptor >= 0:
            os.close(descriptor)        # workers send none
        kind, rest = frame[0], frame[1:]
        if kind == "taken" or kind == "refused":
            place = self._numbers.get(rest[0])
            if isinstance(place, RoundRobin):
                (place.taken if kind == "taken" else place.refused)(member, rest[1])
        elif kind == "ready" or kind == "room":
            place = self._numbers.get(rest[0])
            if place is not None and member in place.users:
                place.room(member)
                if kind == "ready":
                    place.ready.add(member)
                    self._post_both(member, "listening", place.address)
                    self._enter(self._changed)
        elif kind == "message":
            self._enter(self._post, self._deliver_message, member, rest[0])
        elif kind == "listen":
            self._listen(member, *rest)
        elif kind == "close":
            place = self._numbers.get(rest[0])
            if place is not None:
                place.leave(member)
                if not (member.leaving and self._awaits_successor(member)):
                    self._close_if_unused(place)
        elif kind == "leaving":
            member.leaving = True
        elif kind == "counted":
            self._counted(member, *rest)
        elif kind == "online":
            member.began = time.monotonic()
            self._tell_both(member, "online")

    def _listen(self, member: "Member", request: int, key: Key, plan: Any, host: Optional[str]) -> None:
        place = self._places.get(key)
        if place is None:
            try:
                if plan.fd is not None:
                    plan = plan._replace(fd=os.dup(plan.fd))        # as the documentation has it: the primary's number
                listener = make_listener(plan, host)
            except OSError as problem:
                member.tell_it("unlistened", request, problem.errno, problem.strerror)
                return
            assert isinstance(listener, SocketListener)
            self._last_place += 1
            make = RoundRobin if self._policy == "round-robin" else Shared
            place = self._places[key] = self._numbers[self._last_place] = make(self._last_place, key, listener)
        own = getattr(place.listener, "_own", None)
        sock = place.listener.socket
        assert member._channel is not None
        member._channel.send(("listened", request, place.number, place.address, int(sock.family),
                              None if own is None else own.identity()), place.attachment())
        place.join(member)

    def _awaits_successor(self, member: "Member") -> bool:
        return self._respawn and not self._ending and not member.asked

    def _close_if_unused(self, place: Place) -> None:
        if not place.users:
            self._places.pop(place.key, None)
            self._numbers.pop(place.number, None)
            place.close()

    def _disconnected(self, member: "Member") -> None:
        """A channel is closed: the worker has ended, or is about to."""
        self._members.discard(member)
        member._connected = False
        for place in list(self._numbers.values()):
            used = member in place.users
            place.lose(member)
            if used and not self._awaits_successor(member):
                self._close_if_unused(place)        # else it waits for the successor, and so do those who connect
        for request, count in list(self._counts.items()):
            count.add(member, 0)
            if not count.missing:
                del self._counts[request]
        self._tell_both(member, "disconnect")
        self._enter(self._changed)

    def _exited(self, member: "Member", code: Optional[int], signal: Optional[str]) -> None:
        """The process has ended. What it had sent is read first; a grandchild may hold its end of the channel open."""
        channel = member._channel
        if channel is not None and member in self._members:
            channel.receive()
            channel._end()
        self._tell_both(member, "exit", code, signal)

    def _close_places(self) -> None:
        for place in self._numbers.values():
            place.close()
        self._places.clear()
        self._numbers.clear()

    # ---- events ----

    def _tell_both(self, member: "Member", event: str, *args: Any) -> None:
        """An event of the cluster, and the state of the worker that it tells of."""
        self._enter(self._post, self._deliver, event, member, *args)
        member._tell(event, *args)

    def _post_both(self, member: "Member", event: str, *args: Any) -> None:
        self._enter(self._post, self._deliver, event, member, *args)
        member._enter(member._post, member._deliver, event, *args)

    def _deliver_message(self, member: "Member", data: bytes) -> None:
        """On the strand: unpickling runs code of the user's."""
        try:
            message = pickle.loads(data)
        except Exception as problem:
            self._raised("message", problem)
            return
        self._deliver("message", member, message)
        member._enter(member._post, member._deliver, "message", message)

    # ---- the caretaker's last words ----

    def _all_gone(self) -> None:
        """All processes have ended. On the caretaker's thread, or where it could not be started."""
        _forget(self)
        reactor.call_soon(self._close_for_good)

    def _close_for_good(self) -> None:
        self._close_places()
        assert self._strand is not None
        self._gone = True
        if self._strand.dispatch is None:
            self._enter(self._post, self._finish)           # after every 'exit'
        else:
            call_on_pool(self._finish)                      # a foreign dispatch may never come to it
        self._enter(self._changed)

    def _finish(self) -> None:
        lifetime.closed(self)
        self._ended = True
        self._enter(self._changed)

    # ---- what lifetime.py needs ----

    _handle_kind = "cluster"

    def _queued_items(self) -> int:
        return self._strand.waiting() if self._strand is not None else 0

    def _destroy_handle(self) -> None:
        caretaker = self._caretaker
        if caretaker is not None:
            caretaker.ask(caretaker.kill_all)

    def _abandon(self) -> None:
        forget_starting()
        self._make_gate()
        self._make_strand(None)
        self._waiters = self._watchers = None
        for place in self._numbers.values():
            place.abandon()
        for worker in [*self._workers.values(), *self._members]:
            if worker._channel is not None:
                worker._channel.abandon()
            worker._connected = False
        if self._caretaker is not None:
            self._caretaker.abandon()
        self._workers, self._members, self._places, self._numbers = {}, set(), {}, {}
        self._ending = self._gone = self._ended = True
        _forget(self)

    def __repr__(self) -> str:
        state = "ended" if self._ended else "ending" if self._ending else f"{len(self._workers)} workers"
        return f"<Cluster {state if self._caretaker is not None else 'not started'}>"


class _Count:
    """One question "how many connections have you"."""

    __slots__ = ("missing", "waiter", "_total")

    def __init__(self, missing: "Set[Member]", waiter: Waiter) -> None:
        self.missing, self.waiter = missing, waiter
        self._total = 0

    def add(self, member: Member, number: int) -> None:
        if member in self.missing:
            self.missing.discard(member)
            self._total += number
            if not self.missing:
                self.waiter.set(self._total)


def _context(context: Any) -> Any:
    if context is None:
        context = multiprocessing.get_start_method(allow_none=True) or "spawn"
    if isinstance(context, str):
        if context not in multiprocessing.get_all_start_methods():
            known = ", ".join(multiprocessing.get_all_start_methods())
            raise invalid_value("context", f"must be one of {known}", context)
        return multiprocessing.get_context(context)
    if not callable(getattr(context, "Process", None)):
        raise invalid_type("context", "the name of a start method or a context of multiprocessing", context)
    return context


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _check_grace(name: str, seconds: Any) -> float:
    if seconds is None:
        raise invalid_type(name, "int or float", seconds)
    checked = check_timeout(seconds, name)
    assert checked is not None
    return float(checked)


# ---- the end of the program ----

_clusters: List[Cluster] = []       # those that run; `append` and `remove` are atomic
_hooked = threading.Lock()          # held once `_at_exit` is registered: a flag that two threads cannot both set


def _remember(cluster: Cluster) -> None:
    if _hooked.acquire(False):
        # After multiprocessing's own, so before it: that one waits for every child.
        atexit.register(_at_exit)
    _clusters.append(cluster)


def _forget(cluster: Cluster) -> None:
    try:
        _clusters.remove(cluster)
    except ValueError:
        pass


def _at_exit() -> None:
    """The program ends although clusters run: its main thread died of an exception. They are no reason to live on."""
    for cluster in list(_clusters):
        caretaker = cluster._caretaker
        if caretaker is not None:
            cluster._ending = True
            caretaker.ask(caretaker.end_all, 0.0)
            caretaker.thread.join(3 * PATIENCE)         # it has to be the one that waits for the processes
            cluster._wait_until(lambda: cluster._gone, time.monotonic() + PATIENCE)
