"""A deterministic scheduler: real code in real threads, one at a time, in every order that a bound allows.

`explore(scenario)` plays a scenario again and again. Its threads (*tasks*) run one at a time; wherever another
might run as well there is a *choice*, and each run takes another combination of choices, until all were taken. So what
is found is found every time, and what is not found is not there, within the bound and the grain:

* the grain is where a choice is: before each lock that is taken or tried, each step of a `Queue`, a wait, and an input
  from outside; in code that is *watched* also before each access to an attribute or item and each call, and there
  CPython and its free-threaded build may switch threads, too;
* the bound is how often a run may leave the usual order, in which a task goes on until it must wait, and the first of
  the others follows. Most races need one or two such *delays*. A wait whose time passes although somebody could still
  end it is one, too.

The code under test must not block in anything real: `virtual` gives its modules locks, threads, a clock, a socket pair
and a selector that belong to the scheduler. Time passes only when nothing else can happen, or at the cost of a delay.

What a run shows: a task that fails; a *deadlock*, tasks that wait with nobody left to wake them; and a *livelock*, more
steps than any sensible run has. The scenario's own `check` says the rest.
"""
import collections
import contextlib
import dis
import gc
import logging
import socket
import sys
import threading
import time
import types
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

__all__ = ["Failure", "Lock", "RLock", "Result", "Schedule", "current", "explore", "virtual"]

BYTE_CODES = sys.version_info[:2] != (3, 12)        # the interpreter can: 3.12 crashes when several threads are traced
STEPS = 20000           # choices after which a run counts as a livelock
STUCK = 60.0            # seconds after which a run that makes no step is blocked in something real

_VISIBLE = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR", "BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR",
            "STORE_GLOBAL", "CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX", "CALL_KW",
            "PRECALL")


class Failure(AssertionError):
    """What went wrong in one interleaving; `choices` plays it again."""

    def __init__(self, text: str, choices: Sequence[int] = ()) -> None:
        super().__init__(text)
        self.choices = tuple(choices)


class Stop(BaseException):
    """Ends a task whose run is over."""


class Task:
    """One thread of a run. `service`: it may wait for ever, as workers and reactors do."""

    def __init__(self, schedule: "Schedule", name: str, call: Callable[[], Any], service: bool) -> None:
        self.schedule, self.name, self.call, self.service = schedule, name, call, service
        self.baton = threading.Lock()               # released for who shall run
        self.baton.acquire()
        self.ready: Optional[Callable[[], bool]] = None         # what it waits for; None: it could run
        self.deadline: Optional[float] = None       # of that wait
        self.waits_for = ""
        self.patient = False            # its deadline comes only when nothing else can happen
        self.alike = ""                 # tasks that wait under the same name here are interchangeable
        self.done = False
        self.thread = _Carrier.of(self)

    def main(self) -> None:
        """On its thread."""
        self.baton.acquire()
        schedule = self.schedule
        try:
            if not schedule.stopping:
                _here.task = self
                if schedule.watched:
                    trace_byte_codes(schedule.trace)
                self.call()
        except Stop:
            pass
        except BaseException as problem:
            schedule.fail("{} failed".format(self.name), problem)
        finally:
            sys.settrace(None)
            _here.task = None
            self.done = True
            schedule.leave(self)

    def may_run(self) -> bool:
        return not self.done and (self.ready is None or self.ready())


class _Carrier(threading.Thread):
    """A thread that carries one task after another: to start one for each would take longer than most runs."""

    idle: "List[_Carrier]" = []         # changes while no run is under way, or by the one task that runs

    def __init__(self) -> None:
        super().__init__(name="carrier", daemon=True)
        self.task: Optional[Task] = None
        self.go = threading.Lock()
        self.go.acquire()
        self.free = threading.Event()

    @classmethod
    def of(cls, task: Task) -> "_Carrier":
        if cls.idle:
            carrier = cls.idle.pop()
        else:
            carrier = cls()
            carrier.start()
        carrier.task = task
        carrier.free.clear()
        carrier.go.release()
        return carrier

    def run(self) -> None:
        while True:
            self.go.acquire()
            task, self.task = self.task, None
            if task is None:
                return
            task.main()
            task = None
            self.free.set()


_here = threading.local()       # .task: the task whose thread this is


def current() -> "Schedule":
    """The schedule of the run to which the calling thread belongs."""
    task: Task = _here.task
    return task.schedule


class Schedule:
    """One run: who runs, and which choices led here."""

    def __init__(self, prefix: Sequence[int], bound: int, watched: FrozenSet[types.CodeType]) -> None:
        self.prefix, self.bound, self.watched = prefix, bound, watched
        self.choices: List[Tuple[int, List[int], int]] = []     # (taken, cost of each option, cost before)
        self.spent = 0
        self.tasks: List[Task] = []
        self.now = 1000.0               # the virtual clock, in seconds
        self.stopping = False
        self.over = threading.Lock()    # released when nothing can happen any more
        self.over.acquire()
        self.problems: List[str] = []
        self.steps = 0
        self.usual = False              # no choices for now: all take the usual course, to where the scenario begins
        self.deciding = False           # what tasks wait for is looked at: no choices meanwhile, though that is code
        self.events: List[Any] = []     # for scenarios: what happened, in the order of this run
        self.descriptors = 0            # numbers given out, to descriptors and to what must be told apart

    # ---- for scenarios ----

    def task(self, name: str, call: Callable[[], Any], service: bool = False) -> Task:
        """Add a thread. Before the run, or from inside it."""
        made = Task(self, name, call, service)
        self.tasks.append(made)
        return made

    def fail(self, text: str, problem: Optional[BaseException] = None) -> None:
        if self.stopping:
            return
        if problem is not None:
            frames = []
            trace = problem.__traceback__
            while trace is not None:
                frames.append("{}:{}".format(trace.tb_frame.f_code.co_name, trace.tb_lineno))
                trace = trace.tb_next
            text = "{}: {!r} at {}".format(text, problem, " ".join(frames[-4:]))
        self.problems.append(text)

    # ---- for tasks ----

    def point(self) -> None:
        """Somebody else may run now."""
        if self.stopping:
            return
        me: Task = _here.task
        self._switch(me, False)

    def give_way(self) -> None:
        """Others run first, if there are any: for who polls."""
        if self.stopping:
            raise Stop
        self._switch(_here.task, True)

    def wait(self, ready: Callable[[], bool], timeout: Optional[float] = None, what: str = "", alike: str = "") -> bool:
        """Block until `ready()`, or until `timeout` seconds of virtual time passed: then `False`.

        `what`: for the report of a deadlock. `alike`: tasks that wait here under this name are interchangeable.
        """
        if self.stopping:
            raise Stop
        if self._holds(ready):
            return True
        me: Task = _here.task
        me.ready, me.waits_for, me.alike = ready, what, alike
        me.deadline = None if timeout is None else self.now + timeout
        self._switch(me, False)
        me.ready = me.deadline = None
        me.alike = ""
        return self._holds(ready)

    def _holds(self, ready: Callable[[], bool]) -> bool:
        self.deciding = True
        try:
            return ready()
        finally:
            self.deciding = False

    def settle(self) -> None:
        """Wait until nothing else can happen, though time passes."""
        me: Task = _here.task
        me.patient = True
        self.wait(lambda: False, 3600.0, "quiet")
        me.patient = False

    def choose(self, count: int) -> int:
        """A choice from outside, such as what the kernel does: 0 is the usual, all others count as delays."""
        if self.stopping:
            raise Stop
        return self._take([0] + [1] * (count - 1))

    # ---- the machine ----

    def _take(self, costs: List[int]) -> int:
        number = len(self.choices)
        taken = self.prefix[number] if number < len(self.prefix) else 0
        if taken >= len(costs):
            self.problems.append("the run is not the same as before: the code decides by something not virtual")
            taken = 0
        self.choices.append((taken, costs, self.spent))
        self.spent += costs[taken]
        return taken

    def _switch(self, me: Task, polite: bool) -> None:
        self.steps += 1
        if self.steps > STEPS:
            if not self.problems:
                self.fail("a livelock: {} steps".format(STEPS))
            self._end()
            raise Stop
        self.deciding = True
        try:
            chosen = self._choose(me, polite)
        finally:
            self.deciding = False
        if chosen is me:
            return
        if chosen is None:
            self._end()
        else:
            chosen.baton.release()
        me.baton.acquire()
        if self.stopping:
            raise Stop

    def _choose(self, me: Optional[Task], polite: bool) -> Optional[Task]:
        others = self._others(me)
        mine = me is not None and me.may_run()
        itself = [me] if me is not None and mine else []
        options = others + itself if polite else itself + others
        late = sorted((task for task in self.tasks if not task.done and task.deadline is not None
                       and not task.may_run()), key=lambda task: task.deadline or 0.0)
        options += [task for task in late if not task.patient] if options else late[:1]
        if not options:
            return None
        if self.usual or self.spent >= self.bound:
            del options[1:]
        taken = self._take([0] + [1] * (len(options) - 1)) if len(options) > 1 else 0
        chosen = options[taken]
        if chosen in late:
            assert chosen.deadline is not None
            self.now = max(self.now, chosen.deadline)
        return chosen

    def _others(self, me: Optional[Task]) -> List[Task]:
        """The tasks beside `me` that may run; of several that wait for the same thing in the same way only one."""
        found: List[Task] = []
        same: Set[str] = set()
        for task in self.tasks:
            if task is not me and task.may_run():
                if task.ready is not None and task.alike:
                    if task.alike in same:
                        continue
                    same.add(task.alike)
                found.append(task)
        return found

    def leave(self, me: Task) -> None:
        """A task has ended."""
        if self.stopping:
            return
        chosen = self._choose(None, False)
        if chosen is None:
            self._end()
        else:
            chosen.baton.release()

    def _end(self) -> None:
        self.stopping = True
        self.over.release()

    def trace(self, frame: Any, event: str, _: Any) -> Any:
        """For `sys.settrace`: only the code that is watched is looked at byte code by byte code."""
        if frame.f_code not in self.watched:
            return None
        return each_byte_code(frame, self._trace_opcode)

    def _trace_opcode(self, frame: Any, event: str, _: Any) -> Any:
        if event == "opcode" and not self.deciding and frame.f_lasti in visible(frame.f_code):
            self.point()
        return self._trace_opcode

    def run(self) -> None:
        """Let the tasks run until nothing can happen any more."""
        first = self._choose(None, False)
        assert first is not None
        first.baton.release()
        if not self.over.acquire(True, STUCK):
            raise Failure("a run is stuck in something that is not virtual", [taken for taken, _, _ in self.choices])
        stuck = [task for task in self.tasks if not task.done and not task.service]
        if stuck and not self.problems:
            self.problems.append("a deadlock: {}".format(", ".join(
                "{} waits for {}".format(task.name, task.waits_for or "its turn") for task in stuck)))

    def clear(self) -> None:
        """End the tasks that are left."""
        self.stopping = True
        for task in self.tasks:         # those that are added meanwhile, too
            if not task.done:
                task.baton.release()
            if not task.thread.free.wait(STUCK):
                raise Failure("{} does not end".format(task.name))
        _Carrier.idle += [task.thread for task in reversed(self.tasks)]


def trace_byte_codes(trace: Callable[..., Any]) -> None:
    """`sys.settrace`, for this thread and with byte codes."""
    sys._getframe().f_trace_opcodes = True      # Python 3.12 looks for one such frame when the function is set
    sys.settrace(trace)


def each_byte_code(frame: Any, trace: Callable[..., Any]) -> Callable[..., Any]:
    """In a trace function that is told of a call: have `trace` told of each byte code of it."""
    frame.f_trace = trace                       # Python 3.13 wants this first
    frame.f_trace_lines = False
    frame.f_trace_opcodes = True
    return trace


_offsets: Dict[types.CodeType, Set[int]] = {}


def visible(code: types.CodeType) -> Set[int]:
    """Where in `code` another thread's work may be seen, or this one's be seen by another."""
    found = _offsets.get(code)
    if found is None:
        found = _offsets[code] = {each.offset for each in dis.get_instructions(code) if each.opname in _VISIBLE}
    return found


def codes_of(module: types.ModuleType) -> Set[types.CodeType]:
    """All functions that are written in the file of `module`."""
    found: Set[types.CodeType] = set()

    def add(code: types.CodeType) -> None:
        if code.co_filename == module.__file__ and code not in found:
            found.add(code)
            for constant in code.co_consts:
                if isinstance(constant, types.CodeType):
                    add(constant)

    for thing in list(vars(module).values()):
        members = list(vars(thing).values()) if isinstance(thing, type) else [thing]
        for member in members:
            for function in (member, getattr(member, "__func__", None), getattr(member, "fget", None)):
                code = getattr(function, "__code__", None)
                if isinstance(code, types.CodeType):
                    add(code)
    return found


# ---- what the code under test gets instead of the real things ----

class Lock:
    """`threading.Lock` of the scheduler."""

    def __init__(self) -> None:
        self.held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = getattr(_here, "task", None)
        if task is not None:
            task.schedule.point()
            limit = None if timeout < 0 else timeout
            if self.held and blocking and not task.schedule.wait(lambda: not self.held, limit, "a lock"):
                return False
        if self.held:
            return False
        self.held = True
        return True

    def release(self) -> None:
        if not self.held:
            raise RuntimeError("release unlocked lock")
        self.held = False

    def locked(self) -> bool:
        return self.held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock:
    """`threading.RLock` of the scheduler."""

    def __init__(self) -> None:
        self.owner = 0
        self.count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = threading.get_ident()
        if self.owner == me:
            self.count += 1
            return True
        task = getattr(_here, "task", None)
        if task is not None:
            task.schedule.point()
            limit = None if timeout < 0 else timeout
            if self.owner and blocking and not task.schedule.wait(lambda: not self.owner, limit, "a gate"):
                return False
        if self.owner:
            return False
        self.owner, self.count = me, 1
        return True

    def release(self) -> None:
        if self.owner != threading.get_ident():
            raise RuntimeError("cannot release un-acquired lock")
        self.count -= 1
        if not self.count:
            self.owner = 0

    def _is_owned(self) -> bool:
        return self.owner == threading.get_ident()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Queue(collections.deque):         # type: ignore[type-arg]
    """`collections.deque` of the scheduler: for queues that threads share without a lock."""

    def append(self, item: Any) -> None:
        self._point()
        super().append(item)

    def popleft(self) -> Any:
        self._point()
        return super().popleft()

    @staticmethod
    def _point() -> None:
        task = getattr(_here, "task", None)
        if task is not None and not task.schedule.deciding:
            task.schedule.point()


class Thread:
    """`threading.Thread` of the scheduler: it becomes a task, which may wait for ever if it is a daemon."""

    def __init__(self, *, target: Callable[..., Any], args: Tuple[Any, ...] = (), name: str = "", daemon: bool = False
                 ) -> None:
        self.target, self.args, self.name, self.daemon = target, args, name, daemon
        self.task: Optional[Task] = None
        current().descriptors += 1
        self.number = current().descriptors

    def __hash__(self) -> int:      # a set of them has the same order in each run
        return self.number

    def start(self) -> None:
        schedule = current()
        self.task = schedule.task(self.name, self._run, service=self.daemon)
        schedule.point()

    def _run(self) -> None:
        self.target(*self.args)

    @property
    def ident(self) -> Optional[int]:
        return self.task.thread.ident if self.task is not None else None

    def is_alive(self) -> bool:
        return self.task is not None and not self.task.done

    def join(self, timeout: Optional[float] = None) -> None:
        current().wait(lambda: not self.is_alive(), timeout, "the end of " + self.name)


class Pair:
    """One end of `socket.socketpair`: bytes are counted, no more."""

    def __init__(self) -> None:
        schedule = current()
        schedule.descriptors += 1
        self.number = schedule.descriptors
        self.waiting = 0
        self.closed = False
        self.other: Any = None

    family = getattr(socket, "AF_UNIX", None)

    def setblocking(self, flag: bool) -> None:
        pass

    def fileno(self) -> int:
        return self.number

    def send(self, data: bytes) -> int:
        current().point()
        if self.closed:
            raise OSError(9, "Bad file descriptor")
        self.other.waiting += len(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        current().point()
        if self.closed:
            raise OSError(9, "Bad file descriptor")
        if not self.waiting:
            raise BlockingIOError
        count, self.waiting = self.waiting, 0
        return bytes(count)

    def close(self) -> None:
        self.closed = True

    def readiness(self) -> int:
        return READ if self.waiting else 0


def socketpair() -> Tuple[Pair, Pair]:
    one, other = Pair(), Pair()
    one.other, other.other = other, one
    connections(current()).update({one.number: one, other.number: other})
    return one, other


def connections(schedule: Schedule) -> Dict[int, Any]:
    """By number: what a selector may be asked to watch. `readiness()` says what is met, as a mask; `arrivals`, where a
    thing is to be said once, changes when something has come."""
    return schedule.__dict__.setdefault("_by_number", {})      # type: ignore[no-any-return]


READ, WRITE, HANGUP = 1, 4, 16       # of `readiness`, and what epoll says on every system
EDGE = 1 << 31


class Selector:
    """A selector that is level-triggered, as the real ones."""

    class Key:
        def __init__(self, fd: int, events: int, data: Any) -> None:
            self.fd, self.events, self.data = fd, events, data

    def __init__(self) -> None:
        self.keys: Dict[int, Any] = {}
        self.said: Dict[int, int] = {}      # of those that `Epoll` watches for edges: which arrival was told of
        self.schedule = current()

    def register(self, fd: int, events: int, data: Any = None) -> Any:
        if fd in self.keys:
            raise KeyError(fd)
        key = self.keys[fd] = Selector.Key(fd, events, data)
        return key

    def modify(self, fd: int, events: int, data: Any = None) -> Any:
        self.unregister(fd)
        return self.register(fd, events, data)

    def unregister(self, fd: int) -> Any:
        self.said.pop(fd, None)
        return self.keys.pop(fd)

    def get_map(self) -> Dict[int, Any]:
        return self.keys

    def ready(self) -> List[Tuple[Any, int]]:
        """The keys of which there is something to say, and what."""
        things = connections(self.schedule)
        found = []
        for fd, key in self.keys.items():
            asked = (READ if key.events & 1 else 0) | (WRITE if key.events & 2 else 0) | HANGUP
            met = things[fd].readiness() & asked
            if met and self.said.get(fd) != getattr(things[fd], "arrivals", 0):
                found.append((key, met))
        return found

    def wait(self, timeout: Optional[float]) -> List[Tuple[Any, int]]:
        schedule = self.schedule
        if timeout is not None and timeout <= 0.0:
            schedule.give_way()
        else:
            schedule.point()
            schedule.wait(lambda: bool(self.ready()), timeout, "input")
        return self.ready()

    def select(self, timeout: Optional[float] = None) -> List[Tuple[Any, int]]:
        return [(key, key.events if met & HANGUP else (1 if met & READ else 0) | (2 if met & WRITE else 0))
                for key, met in self.wait(timeout)]

    def close(self) -> None:
        self.keys.clear()


class Epoll:
    """What is inside a selector, if that is epoll: numbers instead of keys, and on request a thing is said once."""

    def __init__(self, selector: Selector) -> None:
        self.selector = selector

    def modify(self, fd: int, events: int) -> None:
        """As every change it has what waits said again."""
        if fd not in self.selector.keys:
            raise FileNotFoundError(fd)
        if events & EDGE:
            self.selector.said[fd] = -1
        else:
            self.selector.said.pop(fd, None)

    def poll(self, timeout: Optional[float] = None, most: int = -1) -> List[Tuple[int, int]]:
        found = self.selector.wait(timeout)
        for key, _ in found:
            if key.fd in self.selector.said:
                self.selector.said[key.fd] = connections(self.selector.schedule)[key.fd].arrivals
        return [(key.fd, met) for key, met in found]

    def close(self) -> None:
        pass


def monotonic() -> float:
    task = getattr(_here, "task", None)
    return task.schedule.now if task is not None else time.monotonic()


def sleep(seconds: float) -> None:
    current().wait(lambda: False, seconds, "the time")


class _Main:
    """`threading.main_thread()`: it lives."""

    name = "main"

    def is_alive(self) -> bool:
        return True


def make_selector(name: Optional[str] = None) -> Selector:
    return Selector()


THREADING = types.SimpleNamespace(
    Lock=Lock, RLock=RLock, Thread=Thread, local=threading.local, get_ident=threading.get_ident,
    current_thread=lambda: _here.task.thread, main_thread=_Main, enumerate=threading.enumerate,
    TIMEOUT_MAX=threading.TIMEOUT_MAX)
TIME = types.SimpleNamespace(monotonic=monotonic, sleep=sleep)
SOCKET = types.SimpleNamespace(**{**vars(socket), "socketpair": socketpair})


@contextlib.contextmanager
def virtual(*modules: types.ModuleType, queues: Sequence[Any] = (), **others: Any) -> Iterator[None]:
    """Give `modules` the scheduler's locks, threads, clock and socket pair instead of the real ones, those in `queues`
    its `Queue`, too; and set `others`, `name=(module, value)`."""
    before: List[Tuple[Any, str, Any]] = []

    def put(thing: Any, name: str, value: Any) -> None:
        before.append((thing, name, getattr(thing, name)))
        setattr(thing, name, value)

    for module in modules:
        for name, value in (("threading", THREADING), ("time", TIME)):
            if isinstance(getattr(module, name, None), types.ModuleType):
                put(module, name, value)
        if callable(getattr(module, "monotonic", None)):
            put(module, "monotonic", monotonic)
    for module in queues:
        put(module, "deque", Queue)
    for name, (thing, value) in others.items():
        put(thing, name, value)
    try:
        yield
    finally:
        for thing, name, value in reversed(before):
            setattr(thing, name, value)


# ---- the search ----

class Result:
    """What an exploration did: `runs` interleavings, the longest with `longest` choices; `complete`: that was all."""

    def __init__(self) -> None:
        self.runs = self.longest = 0
        self.complete = False
        self.failure: Optional[Failure] = None

    def __str__(self) -> str:
        return "{} interleavings{}".format(self.runs, "" if self.complete else " (not all)")


class _Errors(logging.Handler):
    """What is logged as an error is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.schedule: Optional[Schedule] = None

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`."""
        if self.schedule is not None:
            self.schedule.fail("logged: " + record.getMessage())


def explore(scenario: Callable[[Schedule], Callable[[], None]], *, bound: int, watched: FrozenSet[Any] = frozenset(),
            most: Optional[int] = None, seconds: Optional[float] = None, log: str = "netcompat",
            replay: Optional[Sequence[int]] = None) -> Result:
    """Play `scenario` in every order with `bound` delays at most; `watched`: code with a choice at each byte code.

    `scenario(schedule)` adds tasks and returns the check of the end. Stops at the first failure, after `most` runs or
    `seconds`. `replay`: play these choices alone.
    """
    result = Result()
    prefix: List[int] = list(replay or ())
    deadline = None if seconds is None else time.monotonic() + seconds
    logger, handler = logging.getLogger(log), _Errors()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    hook = threading.excepthook
    collected = gc.isenabled()
    gc.disable()
    try:
        while True:
            schedule = Schedule(prefix, bound, watched)
            handler.schedule = schedule

            def excepthook(report: Any, schedule: Schedule = schedule) -> None:
                if report.exc_type is not Stop and not getattr(report.exc_value, "expected", False):
                    schedule.fail("reported in {}".format(report.thread.name if report.thread else "?"),
                                  report.exc_value)
            threading.excepthook = excepthook
            check = scenario(schedule)
            try:
                schedule.run()
                if not schedule.problems:
                    try:
                        check()
                    except AssertionError as problem:
                        schedule.problems.append("{}".format(problem))
            finally:
                schedule.clear()
            result.runs += 1
            result.longest = max(result.longest, len(schedule.choices))
            if schedule.problems:
                result.failure = Failure("; ".join(schedule.problems), [taken for taken, _, _ in schedule.choices])
                return result
            following = _next(schedule)
            if following is None or replay is not None:
                result.complete = replay is None
                return result
            prefix = following
            if (most is not None and result.runs >= most) or (deadline is not None and time.monotonic() > deadline):
                return result
            if result.runs % 500 == 0:
                gc.collect()
    finally:
        threading.excepthook = hook
        logger.removeHandler(handler)
        logger.propagate = propagate
        if collected:
            gc.enable()


def _next(schedule: Schedule) -> Optional[List[int]]:
    """The last choice that could have been another one, taken otherwise."""
    choices = schedule.choices
    for number in range(len(choices) - 1, -1, -1):
        taken, costs, spent = choices[number]
        for other in range(taken + 1, len(costs)):
            if spent + costs[other] <= schedule.bound:
                return [choice for choice, _, _ in choices[:number]] + [other]
    return None
