"""`EventEmitter`: named events, their listeners, and waiting for one.

Three ways lead to a listener. `emit`, called by user code, runs the listeners in the calling thread. What the library
has to tell is delivered on the emitter's strand by `_deliver`. And `wait_for` lets a thread block until either happens.

Locks: the gate of the emitter (`runtime/gate.py`) guards the table of listeners. The tuple of an event's listeners is
replaced, never changed, so that who delivers reads it without the lock.
"""
from __future__ import annotations

import warnings
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar, cast

from .arguments import check_int
from .errors import error, invalid_type, out_of_range
from .runtime import lifetime
from .runtime.clock import monotonic
from .runtime.gate import Gate
from .runtime.reactor import HAS_GIL
from .runtime.report import report
from .runtime.strand import Dispatch, Strand, default_dispatch
from .runtime.waiter import Waiter, deadline_of
from .runtime.verdicts import LISTENER_CALLERS
from .runtime.workers import begins

__all__ = ["EventEmitter", "Listener", "StatefulEmitter"]

_LOOK = 0.25    # seconds between two looks whether anybody can come to a dispatch that has brought nothing so far

Listener = Callable[..., Any]
Self = TypeVar("Self", bound="EventEmitter")


class _Once:
    """A listener that is taken off before its first call."""

    __slots__ = ("listener", "taken")

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.taken = False          # it is called, or was


Entry = Any         # a listener as it was given, or a _Once around it


def listener_of(entry: Entry) -> Listener:
    return cast(Listener, entry.listener if type(entry) is _Once else entry)


class EventEmitter(Gate):
    """Named events and their listeners, as Node's `EventEmitter`; safe to use from every thread.

    `on` and `once` without a listener are decorators: `@server.on('connection')`.
    """

    __slots__ = ("_listeners", "_strand", "_waiters", "_max_listeners", "_warned", "_removals")

    def __init__(self) -> None:
        super().__init__()
        self._listeners: Dict[str, Tuple[Entry, ...]] = {}
        self._strand: Optional[Strand] = None           # where the library delivers; plain emitters have none
        self._waiters: Optional[List[Tuple[str, Waiter]]] = None        # threads in `wait_for`, by event
        self._max_listeners = 10
        self._warned: Optional[set[str]] = None         # events of which a possible leak was warned
        self._removals = 0      # changes when another thread takes listeners off: a delivery must not call them

    # ---- listeners ----

    def on(self, event: str, listener: Optional[Listener] = None) -> Any:
        """Add `listener` for `event`, after those there are. Returns `self`, or a decorator when none is given.

        Raises `ERR_INVALID_ARG_TYPE` when it cannot be called. Node: `emitter.on`.
        """
        return self._add(event, listener, once=False, first=False)

    add_listener = on

    def once(self, event: str, listener: Optional[Listener] = None) -> Any:
        """As `on`, for the next occurrence only. Node: `emitter.once`."""
        return self._add(event, listener, once=True, first=False)

    def prepend_listener(self, event: str, listener: Optional[Listener] = None) -> Any:
        """As `on`, before those there are. Node: `emitter.prependListener`."""
        return self._add(event, listener, once=False, first=True)

    def prepend_once_listener(self, event: str, listener: Optional[Listener] = None) -> Any:
        """As `once`, before those there are. Node: `emitter.prependOnceListener`."""
        return self._add(event, listener, once=True, first=True)

    def off(self: Self, event: str, listener: Listener) -> Self:
        """Take off the youngest entry of `listener`; harmless if there is none. Node: `emitter.off`."""
        _check_event(event)
        if not callable(listener):
            raise invalid_type("listener", "a callable", listener)
        if self._enter(self._remove, event, listener):
            self._emit_if_heard("removeListener", event, listener)
        return self

    remove_listener = off

    def remove_all_listeners(self: Self, event: Optional[str] = None) -> Self:
        """Take off the listeners of `event`, or all there are. Node: `emitter.removeAllListeners`."""
        if event is not None:
            _check_event(event)
        names = [event] if event is not None else [name for name in list(self._listeners) if name != "removeListener"]
        for name in names:
            heard = "removeListener" in self._listeners and name != "removeListener"
            entries = self._enter(self._remove_all, name) or ()
            if heard:
                for entry in reversed(entries):
                    self._emit_if_heard("removeListener", name, listener_of(entry))
        if event is None:
            self._enter(self._remove_all, "removeListener")
        return self

    def listeners(self, event: str) -> List[Listener]:
        """A copy of the listeners of `event`, in order. Node: `emitter.listeners`."""
        return [listener_of(entry) for entry in self._listeners.get(event, ())]

    def listener_count(self, event: str, listener: Optional[Listener] = None) -> int:
        """How many listeners `event` has, or how often `listener` is among them. Node: `emitter.listenerCount`."""
        entries = self._listeners.get(event, ())
        if listener is None:
            return len(entries)
        return sum(1 for entry in entries if listener_of(entry) == listener)

    def event_names(self) -> List[str]:
        """The events that have listeners. Node: `emitter.eventNames`."""
        return list(self._listeners)

    def set_max_listeners(self: Self, count: int) -> Self:
        """Warn of a possible leak when an event gets more listeners than `count`; 0: never. Node: same."""
        check_int("count", count)
        self._max_listeners = count
        return self

    def get_max_listeners(self) -> int:
        """What `set_max_listeners` set; 10 at first. Node: `emitter.getMaxListeners`."""
        return self._max_listeners

    # ---- events ----

    def emit(self, event: str, *args: Any) -> bool:
        """Run the listeners of `event` in the calling thread; `True` if there were any.

        What a listener raises is raised here. 'error' without a listener raises its argument. Node: `emitter.emit`.
        """
        _check_event(event)
        waited = self._waiters is not None and self._wake_waiters(event, args)
        entries = self._listeners.get(event)
        if not entries:
            if event == "error" and not waited:
                if args and isinstance(args[0], BaseException):
                    raise args[0]
                raise error("ERR_UNHANDLED_ERROR", received=args[0] if args else None)
            return waited
        for entry in entries:
            listener = self._listener_now(event, entry)
            if listener is not None:
                listener(*args)
        return True

    def wait_for(self, event: str, timeout: Optional[float] = None) -> Tuple[Any, ...]:
        """Block until `event` and return its arguments.

        `timeout`: seconds, `None` waits for ever. Raises `TimeoutError` when it passes, the error if 'error' comes
        first, and `RuntimeError` in the emitter's own listener, where the event could never come. For a state that is
        reached already it returns at once. It does not wait for the event's listeners, which may block: they run at the
        same time. Only in Python; Node: `events.once`.
        """
        _check_event(event)
        timeout = check_timeout(timeout)
        waiter = Waiter()
        self._enter(self._begin_wait, event, waiter)
        try:
            if not self._wait_on(waiter, event, deadline_of(timeout)):
                raise TimeoutError(f"no {event!r} within {timeout} seconds")
        finally:
            self._enter(self._end_wait, event, waiter)
        if waiter.error is not None:
            raise waiter.error
        return cast(Tuple[Any, ...], waiter.value)

    def _wait_on(self, waiter: Waiter, event: str, deadline: Optional[float]) -> bool:
        strand = self._strand
        while not waiter.is_set and strand is not None and (strand.unmet() or strand.here()):
            if strand.depends_on_me():
                raise RuntimeError(f"wait_for({event!r}) in a listener of the same emitter, or on the thread that runs "
                                   "them, would wait for ever: the event is delivered after this listener has "
                                   "returned, or when this thread pumps its queue")
            if deadline is not None and monotonic() >= deadline:
                return waiter.wait(0.0)
            if waiter.wait(_LOOK if deadline is None else min(_LOOK, max(deadline - monotonic(), 0.0))):
                return True         # nobody has come to its dispatch so far: look again whether anybody can
        return waiter.wait(None if deadline is None else max(deadline - monotonic(), 0.0))

    # ---- inside the gate ----

    def _add(self, event: str, listener: Optional[Listener], once: bool, first: bool) -> Any:
        _check_event(event)
        if listener is None:
            def decorator(function: Listener) -> Listener:
                self._add(event, function, once, first)
                return function
            return decorator
        if not callable(listener):
            raise invalid_type("listener", "a callable", listener)
        self._emit_if_heard("newListener", event, listener)
        count = self._enter(self._insert, event, _Once(listener) if once else listener, first)
        if count:
            warnings.warn(f"possible leak: {count} {event!r} listeners on {self!r}; "
                          "set_max_listeners() raises the limit", ResourceWarning, 3)
        self._added(event)
        return self

    def _insert(self, event: str, entry: Entry, first: bool) -> int:
        """Returns how many there are if that is to be warned of, else 0."""
        entries = self._listeners.get(event, ())
        entries = (entry, *entries) if first else (*entries, entry)
        self._listeners[event] = entries
        if self._strand is not None:
            self._strand.will_run(listener_of(entry))
        self._inserted(event, entry)
        if 0 < self._max_listeners < len(entries) and event not in (self._warned or ()):
            self._warned = (self._warned or set()) | {event}
            return len(entries)
        return 0

    def _remove(self, event: str, listener: Listener) -> bool:
        entries = self._listeners.get(event, ())
        for index in range(len(entries) - 1, -1, -1):
            if listener_of(entries[index]) == listener:
                self._replace(event, entries[:index] + entries[index + 1:])
                return True
        return False

    def _remove_all(self, event: str) -> Tuple[Entry, ...]:
        entries = self._listeners.get(event, ())
        if entries:
            self._replace(event, ())
        return entries

    def _take(self, event: str, entry: _Once) -> bool:
        """Take off a once-listener that is about to be called; `False` if another call was faster.

        One that a listener before it took off is called all the same: a removal does not affect an emit under way.
        """
        if entry.taken:
            return False
        entry.taken = True
        entries = self._listeners.get(event, ())
        for index, candidate in enumerate(entries):
            if candidate is entry:
                self._replace(event, entries[:index] + entries[index + 1:], taken=True)
                break
        return True

    def _replace(self, event: str, entries: Tuple[Entry, ...], taken: bool = False) -> None:
        if entries:
            self._listeners[event] = entries
        else:
            self._listeners.pop(event, None)
        if not taken and not (self._strand is not None and self._strand.here()):
            self._removals += 1
        self._removed(event)

    def _begin_wait(self, event: str, waiter: Waiter) -> None:
        reached = self._reached(event)
        if reached is not None:
            waiter.set(reached)
            return
        problem = self._over()
        if problem is not None:
            waiter.set(error=problem)
            return
        self._waiters = (self._waiters or []) + [(event, waiter)]

    def _end_wait(self, event: str, waiter: Waiter) -> None:
        self._waiters = [pair for pair in self._waiters or () if pair[1] is not waiter] or None

    # ---- for subclasses ----

    def _make_strand(self, dispatch: Optional[Dispatch], receive: Optional[Callable[[], None]] = None) -> None:
        self._strand = Strand(self._lock, dispatch if dispatch is not None else default_dispatch(), receive)

    def _added(self, event: str) -> None:
        """A listener was added, by the calling thread; outside the gate."""

    def _inserted(self, event: str, entry: Entry) -> None:
        """A listener was added; inside the gate."""

    def _removed(self, event: str) -> None:
        """Listeners were taken off; inside the gate."""

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        """The arguments of an event that tells of a state, if the state is reached; inside the gate."""
        return None

    def _over(self) -> Optional[BaseException]:
        """What ended the emitter, if nothing will come any more; inside the gate."""
        return None

    def _failed(self, event: str, problem: BaseException, *args: Any) -> None:
        """A listener of `event`, called with `args`, raised, and that was reported."""

    def _is_told(self, event: str, problem: BaseException, *args: Any) -> bool:
        """Is `problem`, which a listener of `event` let through, news to nobody?"""
        return False

    def _may_deliver(self, event: str) -> bool:
        """Asked before each listener: may it still begin?"""
        return True

    def _deliver(self, event: str, *args: Any) -> bool:
        """On the strand: run the listeners of `event`; `True` if somebody heard it."""
        heard = self._waiters is not None and self._wake_waiters(event, args)
        entries = self._listeners.get(event)
        if not entries:
            return heard
        return self._deliver_to(event, entries, args) or heard

    def _deliver_to(self, event: str, entries: Tuple[Entry, ...], args: Tuple[Any, ...]) -> bool:
        removals = self._removals
        for entry in entries:
            if not self._may_deliver(event):
                return True
            if removals != self._removals and entry not in self._listeners.get(event, ()):
                continue
            listener = self._listener_now(event, entry)
            if listener is None:
                continue
            if not HAS_GIL:
                begins(listener)
            try:
                listener(*args)
            except BaseException as problem:
                self._raised(event, problem, *args)
                return True
        return True

    def _raised(self, event: str, problem: BaseException, *args: Any) -> None:
        """A listener or callback raised: report it, and let the emitter bear the consequence."""
        if not isinstance(problem, Exception) and self._strand is not None and self._strand.dispatch is not None:
            raise problem       # Ctrl-C or sys.exit() on a thread of the program's own: that is for its pump
        if not self._is_told(event, problem, *args):
            report(problem)
        self._failed(event, problem, *args)

    def _listener_now(self, event: str, entry: Entry) -> Optional[Listener]:
        """What to call for an entry, `None` if it was a once-listener that another thread took. Outside the gate."""
        if type(entry) is not _Once:
            return cast(Listener, entry)
        if not self._enter(self._take, event, entry):
            return None
        self._emit_if_heard("removeListener", event, entry.listener)
        return entry.listener

    def _wake_waiters(self, event: str, args: Tuple[Any, ...]) -> bool:
        """Let the threads go on that wait for `event`; `True` if there were any. 'error' ends every wait."""
        woken = False
        for waited, waiter in self._waiters or ():
            if waited == event:
                woken = waiter.set(args) or woken
            elif event == "error":
                problem = args[0] if args and isinstance(args[0], BaseException) else None
                woken = waiter.set(error=problem or error("ERR_UNHANDLED_ERROR", received=args[:1])) or woken
            elif event == "close":
                waiter.set(error=self._over() or error("ERR_SOCKET_CLOSED"))
        return woken

    def _emit_if_heard(self, event: str, *args: Any) -> None:
        if event in self._listeners:
            self.emit(event, *args)


class StatefulEmitter(EventEmitter):
    """An emitter whose events tell of states: who listens late gets them too, while the state lasts.

    It lives from its first step until its 'close'; `_told` has what was told in the present life.
    """

    __slots__ = ("_told", "_error", "_reported", "_unheard", "_error_claimed", "_watchers")

    def __init__(self) -> None:
        super().__init__()
        self._watchers: Optional[List[Waiter]] = None       # threads that wait for a change; guarded by the gate
        self._begin_life()

    def _begin_life(self) -> None:
        self._told: Optional[Dict[str, Tuple[Any, ...]]] = None         # states told in this life, with their arguments
        self._error: Optional[BaseException] = None         # what ended this life
        self._reported: Optional[BaseException] = None      # a listener's exception: it was reported already
        self._unheard: Any = None               # the timer that will report an 'error' that nobody heard
        self._error_claimed = False             # a listener or a helper has the error

    def _deliver_state(self, event: str, *args: Any) -> bool:
        """Deliver an event that tells of a state reached; `True` if somebody heard it."""
        entries = self._enter(self._remember, event, args)
        heard = self._waiters is not None and self._wake_waiters(event, args)
        return bool(entries) and self._deliver_to(event, entries, args) or heard

    def _remember(self, event: str, args: Tuple[Any, ...]) -> Tuple[Entry, ...]:
        """Note the state, and take the listeners of this moment: every later one is served by `_inserted`."""
        if self._told is None:
            self._told = {}
        self._told[event] = args
        return self._listeners.get(event, ())

    def _deliver_error(self, problem: BaseException) -> None:
        if self._deliver_state("error", problem):
            self._error_claimed = True
        else:
            self._error_unheard(problem)

    def _error_unheard(self, problem: BaseException) -> None:
        """Nobody listens to 'error': give them a second, then report it."""
        if problem is not self._reported and not self._error_claimed:
            self._enter(self._await_claim, lifetime.call_later(1.0, lambda: report(problem, self), before_end=True))

    def _await_claim(self, pending: Any) -> None:
        if self._error_claimed or "error" in self._listeners:
            pending.cancel()        # somebody came in between; `_inserted` serves them
        else:
            self._unheard = pending

    def _claim_error(self) -> None:
        """Somebody has the error: a late listener, or a helper that raises it. Inside the gate."""
        self._error_claimed = True
        pending, self._unheard = self._unheard, None
        if pending is not None:
            pending.cancel()

    def _inserted(self, event: str, entry: Entry) -> None:
        if self._told is not None and event in self._told:
            if event == "error":
                self._claim_error()
                if "close" not in self._told and self._strand is not None:
                    self._strand.post_first(self._deliver_late, event, entry, self._told[event])
                    return          # before the 'close' that may be queued already: the last event stays the last
            self._post(self._deliver_late, event, entry, self._told[event])

    def _deliver_late(self, event: str, entry: Entry, args: Tuple[Any, ...]) -> None:
        """To one listener, what the others were told before it came: nothing that happened since forbids that."""
        if entry not in self._listeners.get(event, ()):
            return              # taken off again in the meantime
        listener = self._listener_now(event, entry)
        if listener is None:
            return
        if not HAS_GIL:
            begins(listener)
        try:
            listener(*args)
        except BaseException as problem:
            self._raised(event, problem, *args)

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        if event != "error" and self._told is not None and event in self._told:
            return self._told[event]
        return None

    def _over(self) -> Optional[BaseException]:
        if self._told is None or "close" not in self._told:
            return None
        self._claim_error()
        return self._error if self._error is not None else error("ERR_SOCKET_CLOSED")

    def _wait_until(self, over: Callable[[], bool], deadline: Optional[float]) -> bool:
        """Wait until `over()`, which is asked after each `_changed`; `False` if the deadline passes first."""
        while True:
            waiter = Waiter()
            self._enter(self._watch_changes, waiter)        # first this: what changes from here on sets it
            if over():
                return True
            if not waiter.wait(None if deadline is None else max(deadline - monotonic(), 0.0)):
                return over()

    def _watch_changes(self, waiter: Waiter) -> None:
        if self._watchers is None:
            self._watchers = []
        self._watchers.append(waiter)

    def _changed(self) -> None:
        """Inside the gate: let those look who wait for a change."""
        watchers, self._watchers = self._watchers, None
        for waiter in watchers or ():
            waiter.set()

    def _post(self, call: Callable[..., Any], *args: Any) -> None:
        """Queue a delivery. Inside the gate."""
        assert self._strand is not None
        self._strand.post(call, *args)

    def _call_back(self, callback: Callable[..., Any], *args: Any) -> None:
        """On the strand: a callback of the user's, in its turn."""
        if not HAS_GIL:
            begins(callback)
        try:
            callback(*args)
        except BaseException as problem:
            self._raised("callback", problem)


LISTENER_CALLERS.update((EventEmitter._deliver_to.__code__, StatefulEmitter._deliver_late.__code__,
                         StatefulEmitter._call_back.__code__))


def _check_event(event: str) -> None:
    if not isinstance(event, str):
        raise invalid_type("event", "str", event)


def check_timeout(timeout: Optional[float], name: str = "timeout") -> Optional[float]:
    """Seconds, or `None` for ever; raises the argument error."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise invalid_type(name, "int, float or None", timeout)
    if not 0 <= timeout <= 4294967.0:
        raise out_of_range(name, ">= 0 and <= 4294967 seconds", timeout)
    return timeout
