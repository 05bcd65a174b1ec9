#!/usr/bin/env python3
"""Plays what several threads do to a stream, a strand and the engine in every order, and checks what must always hold.

    python3 tools/explore.py [--quick] [--only FAMILY] [--name TEXT] [--bound N] [--seconds S]
    python3 tools/explore.py --replay FAMILY SCENARIO CHOICES

The code is the package's own; its locks, threads, clock and selector are those of `interleaving.py`, which says what a
choice is, and what the bound. The families of scenarios:

    strand      threads that post to one strand, hold, suspend and release it, on two workers
    gates       calls that interrupt a method inside one gate and go to another, crosswise
    stream      two operations on one stream at the same time, each pair of them, while workers deliver, the kernel
                takes and gives bytes, and the peer ends
    threes      three operations at the same time
    codes       pairs again, with a choice at each byte code of stream, strand and gate
    handlers    one operation as a signal handler or finalizer at each byte code of another
    engine      reactor, workers and socket together: queued and received, woken, retired, ended and started again
    edges       a socket of which epoll says a thing once: input that comes while a worker looks there in the reactor's
                place or while the reactor rests, the peer's end or reset, and what the program does meanwhile

What must hold in each: nothing fails, hangs or is reported; an item that was queued runs, once, and one at a time;
each thread's items, bytes and chunks keep their order, and no chunk is torn; each callback is called once; 'close'
comes once and last; after `pause` or `destroy` has returned nothing begins that it forbids; the three state machines
move inside the gate and along their tables, which are written down here a second time; and afterwards no gate is held,
no strand claimed, no call left undone.

A failure is printed with its choices, with which `--replay` plays it again. The exit status is 1 if there was one.
"""
import argparse
import contextlib
import errno
import functools
import itertools
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import interleaving  # noqa: E402
from interleaving import Lock, Schedule, codes_of, explore, virtual  # noqa: E402
from netcompat import EventQueue, emitter, socket as socket_module, stream as stream_module  # noqa: E402
from netcompat.runtime import gate, lifetime, reactor as reactor_module, strand  # noqa: E402
from netcompat.runtime import verdicts, waiter, workers  # noqa: E402
from netcompat.socket import Socket  # noqa: E402
from netcompat.stream import OPEN, READING, Duplex  # noqa: E402

Check = Callable[[], None]
Scenario = Callable[[Schedule], Check]

WATCHED: FrozenSet[Any] = frozenset(codes_of(gate) | codes_of(strand) | codes_of(stream_module))
ENGINE: FrozenSet[Any] = frozenset(codes_of(gate) | codes_of(strand) | codes_of(workers) | codes_of(reactor_module))

# The tables of stream.py once more, from what its theory of operation says.
MOVES = {
    "link": {"new": {"connecting", "open", "gone"}, "connecting": {"open", "gone"}, "open": {"gone"},
             "gone": {"connecting"}},
    "output": {"writing": {"ending"}, "ending": {"flushed"}, "flushed": {"finished"}, "finished": set(),
               "absent": set()},
    "input": {"reading": {"eof"}, "eof": {"ended"}, "ended": set(), "absent": set()},
}


class Expected(Exception):
    """Raised on purpose: `interleaving.py` takes no notice of it."""

    expected = True


# ---- what all scenarios have in common ----

def scenario_on(bench: Callable[[Schedule], Any]) -> Callable[[Callable[[Any], Iterator[None]]], Scenario]:
    """Makes a scenario of a generator. It is given a bench, adds its threads there, and yields; what follows is checked
    after the run, and then what the bench itself has to `check`."""
    def of(play: Callable[[Any], Iterator[None]]) -> Scenario:
        @functools.wraps(play)
        def scenario(schedule: Schedule) -> Check:
            used = bench(schedule)
            steps = play(used)
            next(steps)

            def check() -> None:
                next(steps, None)
                used.check()
            return check
        return scenario
    return of


def at_rest(*gates: Any) -> None:
    """Nobody is inside, nothing is left to do."""
    for each in gates:
        assert not each._lock.owner and not each._inside, "a gate is held"
        assert not each._deferred, "a call was put off and never done"


# ---- the strand, on a pool of two workers that do nothing else ----

class Pool:
    """What a strand needs of a pool: a queue that two workers drain."""

    current: Any = None

    def __init__(self, schedule: Schedule) -> None:
        self.schedule_of_run = schedule
        self.queue: Deque[Any] = deque()
        self.led = self.begun_elsewhere = 0
        Pool.current = self
        for number in (1, 2):
            schedule.task("worker {}".format(number), self._work, service=True)

    def schedule(self, item: Any) -> None:
        self.queue.append(item)
        self.schedule_of_run.point()

    def _work(self) -> None:
        while True:
            self.schedule_of_run.wait(lambda: bool(self.queue), None, "work", "worker")
            self.queue.popleft().run()

    def drain(self) -> None:
        """After the run, where no worker comes any more."""
        while self.queue:
            self.queue.popleft().run()


class Box(gate.Gate):
    """The least that has a strand."""

    def __init__(self) -> None:
        super().__init__()
        self.strand = strand.Strand(self._lock)

    def post(self, call: Callable[..., Any], *args: Any) -> None:
        self._enter(self.strand.post, call, *args)

    def post_first(self, call: Callable[..., Any], *args: Any) -> None:
        self._enter(self.strand.post_first, call, *args)


class Items:
    """What ran on a strand, in order, and whether one at a time."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.ran: List[Any] = []
        self.running = 0

    def __call__(self, name: Any) -> None:
        self.running += 1
        assert self.running == 1, "two items at the same time"
        self.ran.append(name)
        self.schedule.point()
        self.running -= 1

    def in_order(self, threads: Sequence[str], count: int) -> None:
        assert sorted(self.ran) == sorted((name, number) for name in threads for number in range(count)), (
            "lost or doubled: {}".format(self.ran))
        for name in threads:
            mine = [number for other, number in self.ran if other == name]
            assert mine == sorted(mine), "out of order: {}".format(self.ran)


class Mail:
    """A dispatch: another thread makes the calls that it was given. `raises`: it gives up each time nevertheless."""

    def __init__(self, schedule: Schedule, raises: bool = False) -> None:
        self.schedule, self.raises = schedule, raises
        self.calls: List[Callable[[], None]] = []
        schedule.task("pump", self._pump, service=True)

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)
        self.schedule.point()
        if self.raises:
            raise Expected

    def _pump(self) -> None:
        while True:
            self.schedule.wait(lambda: bool(self.calls), None, "mail")
            self.calls.pop(0)()


class StrandBench:
    """One strand, threads that post to it, and what has run."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.task = schedule, schedule.task
        self.pool = Pool(schedule)
        self.box, self.items = Box(), Items(schedule)

    def posters(self, names: str, count: int) -> None:
        """For each of the names a thread that posts `count` items."""
        for name in names:
            self.task(name, lambda name=name: [self.box.post(self.items, (name, number)) for number in range(count)])

    def check(self) -> None:
        at_rest(self.box)
        assert not self.box.strand.busy() and not self.box.strand._items, "the strand is claimed, or has items"
        assert not self.pool.queue


on_a_strand = scenario_on(StrandBench)


@on_a_strand
def two_posters(bench: StrandBench) -> Iterator[None]:
    bench.posters("ab", 2)
    yield
    bench.items.in_order("ab", 2)


@on_a_strand
def three_posters(bench: StrandBench) -> Iterator[None]:
    bench.posters("abc", 1)
    yield
    bench.items.in_order("abc", 1)


@on_a_strand
def held_and_released(bench: StrandBench) -> Iterator[None]:
    """As a server introduces a connection: the strand is held until its first item is there."""
    bench.box.strand.hold()

    def introduce() -> None:
        bench.box.post_first(bench.items, ("first", 0))
        bench.box.strand.release()
    bench.task("introducer", introduce)
    bench.posters("a", 1)
    yield
    assert bench.items.ran == [("first", 0), ("a", 0)], bench.items.ran


@on_a_strand
def suspended_and_released(bench: StrandBench) -> Iterator[None]:
    suspended: List[bool] = []

    def suspend() -> None:
        bench.items("suspend")
        bench.box.strand.suspend()
        suspended.append(True)

    def release() -> None:
        bench.schedule.wait(lambda: bool(suspended), None, "the suspension")
        bench.box.strand.release()

    def post() -> None:
        bench.box.post(suspend)
        bench.box.post(bench.items, "behind")
    bench.task("poster", post)
    bench.task("releaser", release)
    yield
    assert bench.items.ran == ["suspend", "behind"], bench.items.ran


@on_a_strand
def posted_and_readable(bench: StrandBench) -> Iterator[None]:
    """An item is queued while the reactor sees input; what was queued before comes first, and both come."""
    bench.box.strand = strand.Strand(bench.box._lock, None, lambda: bench.items(("received", 0)))

    def react() -> None:
        while not bench.box.strand.claim_readable():
            bench.schedule.wait(lambda: not bench.box.strand.busy(), None, "the strand")
    bench.task("reactor", react)
    bench.posters("a", 2)
    yield
    assert bench.items.ran.count(("received", 0)) == 1, bench.items.ran
    bench.items.ran.remove(("received", 0))
    bench.items.in_order("a", 2)


@on_a_strand
def said_once(bench: StrandBench) -> Iterator[None]:
    """Input that is told of once: it is received after that, whatever the strand is at, and whoever else posts."""
    inbox: Deque[int] = deque()
    received: List[int] = []

    def receive() -> None:
        bench.items("received")
        if inbox:
            received.append(inbox.popleft())
            bench.box.strand.receive_again()
    bench.box.strand = strand.Strand(bench.box._lock, None, receive)

    def react() -> None:
        for number in range(2):
            inbox.append(number)
            if not bench.box.strand.claim_readable():
                bench.box.strand.note_readable()
            bench.schedule.point()
    bench.task("reactor", react)
    bench.posters("a", 1)
    yield
    assert received == [0, 1] and not inbox, "input that nobody receives"
    assert bench.items.ran.count(("a", 0)) == 1, bench.items.ran


@on_a_strand
def through_a_dispatch(bench: StrandBench) -> Iterator[None]:
    """The items run on a thread that the dispatch brings."""
    bench.box.strand = strand.Strand(bench.box._lock, Mail(bench.schedule))
    bench.posters("ab", 2)
    yield
    bench.items.in_order("ab", 2)


@on_a_strand
def a_dispatch_that_gives_up(bench: StrandBench) -> Iterator[None]:
    """It raises, having called or not: nothing is lost, nothing runs twice, and the emitter goes on on the pool."""
    bench.box.strand = strand.Strand(bench.box._lock, Mail(bench.schedule, raises=True))
    bench.posters("a", 3)
    yield
    bench.items.in_order("a", 3)


# ---- gates that cross ----

class Soon:
    """What a gate needs of a reactor: `call_soon`. The calls wait in a list."""

    def __init__(self) -> None:
        self.calls: List[Callable[[], None]] = []
        gate.reactor = self     # type: ignore[assignment]

    def call_soon(self, call: Callable[..., Any], *args: Any) -> None:
        self.calls.append(lambda: call(*args))


class GateBench:
    """Three gates, a reactor that does what was put off, and what has run."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.task = schedule, schedule.task
        self.gates = [gate.Gate() for _ in range(3)]
        self.ran: List[Any] = []
        self.soon = Soon()
        schedule.task("reactor", self._react, service=True)

    def _react(self) -> None:
        while True:
            self.schedule.wait(lambda: bool(self.soon.calls), None, "requests")
            self.soon.calls.pop(0)()

    def check(self) -> None:
        at_rest(*self.gates)


on_gates = scenario_on(GateBench)


@on_gates
def crossing_gates(bench: GateBench) -> Iterator[None]:
    """Inside A a finalizer strikes that calls B, inside B one that calls A: neither waits for the other."""
    one, other, _ = bench.gates
    ran = bench.ran

    def inside(theirs: gate.Gate, name: str) -> None:
        theirs._enter(ran.append, name + " in the other")
        theirs._enter(ran.append, name + " again")
        ran.append(name)
    bench.task("a", lambda: one._enter(inside, other, "a"))
    bench.task("b", lambda: other._enter(inside, one, "b"))
    yield
    assert len(ran) == 6 and len(set(ran)) == 6, ran
    for name in "ab":
        assert ran.index(name + " in the other") < ran.index(name + " again"), ran


@on_gates
def three_gates(bench: GateBench) -> Iterator[None]:
    for number in range(3):
        bench.task(str(number), lambda number=number: bench.gates[number]._enter(
            bench.gates[(number + 1) % 3]._enter, bench.ran.append, number))
    yield
    assert sorted(bench.ran) == [0, 1, 2], bench.ran


# ---- the stream ----

class Wire(Duplex):
    """A stream on a connection of the scheduler's: the kernel takes `room` bytes, `inbox` is what the peer sent."""

    __slots__ = ("schedule", "room", "sent", "fins", "inbox", "closing", "moves", "asked")

    def __init__(self, schedule: Schedule, inbox: Sequence[bytes], **options: Any) -> None:
        super().__init__(**options)
        self._make_strand(None, self._receive)
        self.schedule = schedule
        self.room = 3
        self.sent = b""
        self.fins = 0
        self.inbox = deque(inbox)
        self.closing = False
        self.moves = {"link": "open", "output": "writing", "input": "reading"}
        self._link = OPEN

    def _moved(self, machine: str, state: str) -> str:
        assert self._inside and self._lock._is_owned(), "a transition outside the gate"
        assert state in MOVES[machine][self.moves[machine]], "{}: {} to {}".format(machine, self.moves[machine], state)
        self.moves[machine] = state
        return super()._moved(machine, state)

    def _running_here(self) -> bool:
        assert self._strand is not None
        return self._strand.runner == threading.get_ident()

    def _transmit(self, data: Any) -> int:
        assert self._lock._is_owned() and self._link is OPEN and not self.fins
        taken = b"".join(bytes(part) for part in (data if isinstance(data, list) else [data]))[:self.room]
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def _send_fin(self) -> None:
        self.fins += 1

    def _interest_changed(self) -> None:
        assert self._inside

    def _release(self) -> None:
        assert not self.closing
        self.closing = True

    def _receive(self) -> None:
        """As `Socket._receive`."""
        chunk = self._enter(self._take_input)
        if chunk is not None:
            self._deliver_data(chunk)

    def _take_input(self) -> Any:
        if not self._wants_read() or not self.inbox:
            return None
        return self._feed(self.inbox.popleft())

    def kernel(self) -> None:
        """Takes what is to be sent, three bytes at a time, and closes."""
        while True:
            self.schedule.wait(lambda: self.closing or self._wants_write(), None, "output")
            if self.closing:
                self.closing = False
                self._enter(self._released)
                return
            self.room = 3
            self._enter(self._flush)

    def selector(self) -> None:
        """Reports input, again and again until it is taken."""
        strand_ = self._strand
        assert strand_ is not None
        while True:
            self.schedule.wait(lambda: bool(self.inbox) and self._wants_read() and not strand_.busy(), None, "input")
            strand_.claim_readable()


class Watch:
    """What one stream told, and what was done to it."""

    def __init__(self, schedule: Schedule, operations: Tuple[str, ...], inbox: Sequence[bytes] = (b"ab", b""),
                 half_open: bool = False, unheard: Sequence[str] = ("listen", "read")) -> None:
        self.schedule = schedule
        self.pool = Pool(schedule)
        self.fed = b"".join(inbox)
        self.wire = Wire(schedule, inbox, allow_half_open=half_open, high_water_mark=3)
        self.events: List[str] = []
        self.got = b""
        self.was_read = b""
        self.outcomes: Dict[int, List[Any]] = {}
        self.chunks: Dict[int, bytes] = {}
        self.by_thread: Dict[str, List[int]] = {}
        self.refused = False            # a write was answered with False
        self.drains = 0
        self.listening = 0
        self.running = 0
        self.forbidden: List[str] = []          # what may not begin any more
        self.operations = operations
        for name in ("data", "end", "finish", "drain", "error", "close"):
            if name != "data" or not set(unheard) & set(operations):
                self.wire.on(name, getattr(self, "on_" + name))
        self.pool.drain()
        schedule.task("kernel", self.wire.kernel, service=True)
        schedule.task("selector", self.wire.selector, service=True)

    # ---- what is done ----

    def run(self, thread: str, *names: str) -> None:
        for name in names:
            getattr(self, "do_" + name)(thread)

    def callback(self, thread: str, chunk: bytes) -> Tuple[int, Callable[[Optional[BaseException]], None]]:
        number = len(self.outcomes) + 1
        self.outcomes[number] = []
        self.chunks[number] = chunk
        if chunk:
            self.by_thread.setdefault(thread, []).append(number)

        def call_back(problem: Optional[BaseException]) -> None:
            with self.exclusive("callback"):
                self.outcomes[number].append(problem)
                assert len(self.outcomes[number]) == 1, "a callback twice"
                assert problem is not None or chunk in self.wire.sent, "success before the kernel has it"
        return number, call_back

    def do_write(self, thread: str) -> None:
        chunk = "{}{:d}".format(thread, len(self.outcomes) % 10).encode()
        _, call_back = self.callback(thread, chunk)
        if self.wire.write(chunk, call_back):
            assert chunk in self.wire.sent, "True before the kernel has it"
        else:
            self.refused = True

    def do_end(self, thread: str) -> None:
        self.wire.end(self.callback(thread, b"")[1])

    def do_last_words(self, thread: str) -> None:
        chunk = "{}.".format(thread).encode()
        self.wire.end(chunk, self.callback(thread, chunk)[1])

    def do_corked(self, thread: str) -> None:
        self.wire.cork()
        self.do_write(thread)
        self.wire.uncork()

    def do_destroy(self, thread: str) -> None:
        self.wire.destroy()
        self.forbidden += ["data", "end", "finish", "drain"]

    def do_fail(self, thread: str) -> None:
        self.wire.destroy(OSError("on purpose"))
        self.forbidden += ["data", "end", "finish", "drain"]

    def do_destroy_soon(self, thread: str) -> None:
        self.wire.destroy_soon()

    def do_pause(self, thread: str) -> None:
        self.wire.pause()
        if not {"resume", "listen"} & set(self.operations):
            self.forbidden.append("data")

    def do_resume(self, thread: str) -> None:
        self.wire.resume()

    def do_read(self, thread: str) -> None:
        self.was_read += self.wire.read() or b""

    def do_listen(self, thread: str) -> None:
        self.listening += 1
        self.wire.on("data", self.on_data if self.listening == 1 else self.on_data_again)

    def on_data_again(self, chunk: bytes) -> None:
        """The second listener of 'data' hears what the first one heard."""

    def do_unlisten(self, thread: str) -> None:
        self.wire.off("data", self.on_data)
        if "listen" not in self.operations:
            self.forbidden.append("data")

    def do_late(self, thread: str) -> None:
        """A listener that may come too late."""
        self.wire.once("end", lambda: self.events.append("late end"))
        self.wire.once("close", lambda had_error: self.events.append("late close"))

    def do_readable(self, thread: str) -> None:
        self.wire.on("readable", lambda: None)

    # ---- what is told ----

    def exclusive(self, event: str) -> "_Exclusive":
        return _Exclusive(self, event)

    def on_data(self, chunk: bytes) -> None:
        with self.exclusive("data"):
            self.got += chunk
            assert self.got in self.fed, "bytes out of order: {!r}".format(self.got)

    def on_end(self) -> None:
        with self.exclusive("end"):
            assert self.wire.readable_ended

    def on_finish(self) -> None:
        with self.exclusive("finish"):
            assert self.wire.writable_finished and self.wire.fins == 1

    def on_drain(self) -> None:
        with self.exclusive("drain"):
            assert self.refused, "'drain' that nobody waits for"
            self.drains += 1

    def on_error(self, problem: BaseException) -> None:
        with self.exclusive("error"):
            assert self.wire.destroyed

    def on_close(self, had_error: bool) -> None:
        with self.exclusive("close"):
            assert had_error == ("error" in self.events)

    # ---- what must hold ----

    def check(self) -> None:
        """After the run; then the stream is destroyed, and looked at again."""
        wire = self.wire
        self.consistent()
        if not wire.destroyed:
            assert not wire._wants_write(), "something to send, and nobody sends it"
            assert wire.writable_length == 0
            assert not (wire.readable_flowing and wire._buffer), "input that nobody delivers"
            if wire.writable:
                assert not self.refused or (self.drains and not wire.writable_need_drain), "no 'drain'"
            if wire.writable_ended:
                assert wire.fins == 1 and "finish" in self.events, "no 'finish'"
            others = [name for name in self.operations if name in ("listen", "resume")]
            if wire._flowing and "data" in wire._listeners and others in ([], ["listen"], ["resume"]):
                assert set(self.got + self.was_read) == set(self.fed), "not all was delivered"
                assert "end" in self.events or wire._input is READING, "no 'end'"
            assert "close" not in self.events
            wire.destroy()
        if wire.closing:
            wire.closing = False
            wire._enter(wire._released)
        self.pool.drain()
        self.consistent()
        assert self.events.count("close") == 1, "'close' {} times".format(self.events.count("close"))
        told = [event for event in self.events if event not in ("late close", "callback")]
        assert [event for event in told if event != "late end"][-1] == "close", self.events
        for event in ("end", "finish", "error", "late end", "late close"):
            assert self.events.count(event) <= 1 or event.startswith("late"), "{} twice".format(event)
        if "late" in self.operations:
            assert self.events.count("late close") == self.operations.count("late"), "a late listener was not told"
        for number, outcomes in self.outcomes.items():
            assert len(outcomes) == 1, "callback {} was called {} times".format(number, len(outcomes))

    def consistent(self) -> None:
        wire = self.wire
        at_rest(wire)
        assert wire._strand is not None and not wire._strand.busy() and not wire._strand._items, "the strand"
        assert wire.moves == {"link": wire._link, "output": wire._output, "input": wire._input}, "moved unseen"
        assert wire.fins <= 1
        rest = wire.sent
        order: List[int] = []
        while rest:
            number = next((number for number, chunk in self.chunks.items()
                           if chunk and rest.startswith(chunk) and number not in order), None)
            if number is None:
                assert wire.destroyed and any(chunk.startswith(rest) for chunk in self.chunks.values()), (
                    "a chunk is torn: {!r}".format(wire.sent))
                break
            order.append(number)
            rest = rest[len(self.chunks[number]):]
        for numbers in self.by_thread.values():
            mine = [number for number in order if number in numbers]
            assert mine == sorted(mine), "a thread's chunks out of order"


class _Exclusive:
    """One listener at a time, none that is forbidden, none after 'close'."""

    def __init__(self, watch: Watch, event: str) -> None:
        self.watch, self.event = watch, event

    def __enter__(self) -> None:
        watch = self.watch
        assert self.event not in watch.forbidden, "{!r} although it was forbidden".format(self.event)
        assert self.event == "callback" or "close" not in watch.events, "{!r} after 'close'".format(self.event)
        assert not watch.running, "two listeners at the same time"
        watch.running += 1
        watch.events.append(self.event)
        watch.schedule.point()

    def __exit__(self, *_: object) -> None:
        self.watch.running -= 1


OPERATIONS = ("write", "end", "last_words", "corked", "destroy", "fail", "destroy_soon", "pause", "resume", "read",
              "listen", "unlisten", "late", "readable")


def on_a_stream(*operations: str, half_open: bool = False) -> Scenario:
    """Each operation in a thread of its own; `a+b`: one after the other."""
    names = tuple(itertools.chain.from_iterable(each.split("+") for each in operations))

    @scenario_on(lambda schedule: Watch(schedule, names, half_open=half_open))
    def scenario(watch: Watch) -> Iterator[None]:
        for thread, operation in zip("xyz", operations):
            watch.schedule.task(thread, lambda thread=thread, operation=operation: watch.run(
                thread, *operation.split("+")))
        yield
    return scenario


# ---- a signal handler or finalizer at each byte code ----

class Interrupted:
    """Counts byte codes of one task, and makes a call in the middle of it at one of them."""

    def __init__(self, schedule: Schedule, at: int, call: Callable[[], None]) -> None:
        self.schedule, self.at, self.call = schedule, at, call
        self.count = 0
        self.done = False

    def __call__(self, frame: Any, event: str, argument: Any) -> Any:
        return interleaving.each_byte_code(frame, self.step) if frame.f_code in WATCHED else None

    def step(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "opcode" and not self.done:
            self.count += 1
            if self.count > self.at:
                self.done = True
                self.call()
        return self.step


def interrupting(first: str, second: str, stride: int = 1) -> Iterator[Scenario]:
    """`second` as the handler of a signal at each byte code of `first` (or each `stride`th), one scenario for each."""
    reached = [True]

    def at(number: int) -> Scenario:
        @scenario_on(lambda schedule: Watch(schedule, (first, second), (b"ab",), unheard=("listen",)))
        def scenario(watch: Watch) -> Iterator[None]:
            watch.wire.room = 3 if number % 2 else 10       # the kernel takes a part of it, or all
            soon = Soon()
            probe = Interrupted(watch.schedule, number, lambda: watch.run("y", second))

            def run() -> None:
                interleaving.trace_byte_codes(probe)
                try:
                    watch.run("x", first)
                finally:
                    sys.settrace(None)
            watch.schedule.task("x", run)
            yield
            reached.append(probe.done)
            if not probe.done:
                watch.operations = (first,)
            for call in soon.calls:
                call()
            watch.pool.drain()
        return scenario
    number = 0
    while reached[-1]:
        yield at(number)
        number += stride


# ---- the engine: reactor, workers and sockets, all of the package's own ----

class Link:
    """A transport: each second send finds the kernel full, `inbox` is what the peer sent."""

    kind = "tcp"

    def __init__(self, schedule: Schedule, inbox: Sequence[bytes] = ()) -> None:
        schedule.descriptors += 1
        self.number = schedule.descriptors
        self.inbox = deque(inbox)
        self.arrivals = 0               # changes when something has arrived: selectors that say a thing once look at it
        self.broken = False             # the peer reset it
        self.sent = b""
        self.fins = 0
        self.room = 1
        self.closed = False
        interleaving.connections(schedule)[self.number] = self

    def arrive(self, data: bytes) -> None:
        self.inbox.append(data)
        self.arrivals += 1

    def reset(self) -> None:
        self.inbox.clear()
        self.broken = True
        self.arrivals += 1

    def readiness(self) -> int:
        if self.broken:
            return interleaving.READ | interleaving.WRITE | interleaving.HANGUP
        return (interleaving.READ if self.inbox else 0) | interleaving.WRITE

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        assert not self.closed
        reactor_module.reactor.watch(self.number, interest, before, owner)

    def recv(self, size: int) -> bytes:
        assert not self.closed
        if self.broken:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        if not self.inbox:
            raise BlockingIOError
        return self.inbox.popleft()

    def send_many(self, chunks: Sequence[Any]) -> int:
        return self.send(b"".join(bytes(chunk) for chunk in chunks))

    def send(self, data: Any) -> int:
        assert not self.closed
        if self.broken:
            raise BrokenPipeError(errno.EPIPE, "broken")
        taken = bytes(data)[:self.room]
        self.room = 0 if self.room else 100
        self.sent += taken
        return len(taken)

    def send_fin(self) -> None:
        assert not self.closed
        self.fins += 1

    def close(self, reset: bool = False) -> None:
        assert not self.closed, "closed twice"
        self.closed = True

    def fileno(self) -> int:
        return self.number

    def local(self) -> Any:
        return None

    remote = local


class Ordered(Dict[Any, None]):
    """A set that keeps its order, so that each run is like the other."""

    def add(self, thing: Any) -> None:
        self[thing] = None

    def discard(self, thing: Any) -> None:
        self.pop(thing, None)


class Engine:
    """Everything anew, on locks and a clock of the scheduler's."""

    def __init__(self, schedule: Schedule, most: int = 2) -> None:
        self.schedule, self.task = schedule, schedule.task
        self.reactor = reactor_module.reactor
        self.reactor.reset()
        self.reactor.holders = Ordered()        # type: ignore[assignment]
        lifetime._keeping, lifetime._nudge, lifetime._keeper = Lock(), Lock(), None     # type: ignore[assignment]
        lifetime._nudge.acquire()
        lifetime._refed.clear()
        workers._here = threading.local()
        workers._pools = Ordered()      # type: ignore[assignment]
        verdicts.forget_verdicts()
        workers.remembered = 0
        del workers._former[:]
        workers._default = workers.Pool(most, 1.0, "worker")
        self.ran: List[str] = []

    def tasks(self, call: Callable[[str], Any], names: str = "ab") -> None:
        """A thread for each of the names."""
        for name in names:
            self.task(name, lambda name=name: call(name))

    def hold(self) -> None:
        self.reactor.holders.add(self)
        self.reactor.start()

    def let_go(self) -> None:
        lifetime.closed(self)

    def check(self) -> None:
        """Nobody needs the threads any more, and none is left."""
        left = [task.name for task in self.schedule.tasks if not task.done]
        assert not left, "still there: {}".format(", ".join(left))
        assert not self.reactor.holders, "held"
        assert self.reactor._bell is None and not self.reactor._running.locked()
        assert all(pool.quiet() for pool in workers.all_pools())


on_an_engine = scenario_on(Engine)


@on_an_engine
def engine_posts(engine: Engine) -> Iterator[None]:
    """Two threads post while the engine starts and ends."""
    items = {name: Items(engine.schedule) for name in "ab"}

    def post(name: str) -> None:
        box = Box()
        keeper = object()
        lifetime.opened(keeper, False)
        for number in range(2):
            box.post(items[name], (name, number))
        box.post(lifetime.closed, keeper)
    engine.tasks(post)
    yield
    for name in "ab":
        items[name].in_order(name, 2)


@on_an_engine
def engine_requests(engine: Engine) -> Iterator[None]:
    """Requests to a reactor that is about to end, with nothing that holds it."""
    def ask(name: str) -> None:
        for number in range(2):
            engine.reactor.call_soon(engine.ran.append, "{}{}".format(name, number))
    engine.tasks(ask)
    yield
    assert sorted(engine.ran) == ["a0", "a1", "b0", "b1"], engine.ran


@on_an_engine
def engine_submits(engine: Engine) -> Iterator[None]:
    """Calls to a pool of its own, of one worker that retires."""
    pool = workers.Pool(1, 0.5, "worker")

    def submit(name: str) -> None:
        for number in range(2):
            pool.submit(lambda: engine.ran.append("{}{}".format(name, number)))
            engine.schedule.point()
    engine.tasks(submit)
    yield
    assert len(engine.ran) == 4, engine.ran


@scenario_on(functools.partial(Engine, most=1))
def engine_helpers(engine: Engine) -> Iterator[None]:
    """A listener waits in a helper for what another one does, and there is one worker."""
    def work() -> None:
        engine.hold()
        one, other, done = Box(), Box(), waiter.Waiter()

        def first() -> None:
            engine.ran.append("waits")
            done.wait()
            engine.ran.append("goes on")
            engine.let_go()
        one.post(first)
        other.post(done.set)
    engine.task("a", work)
    yield
    assert engine.ran == ["waits", "goes on"], engine.ran


@on_an_engine
def engine_blocks(engine: Engine) -> Iterator[None]:
    """A listener that blocks loses its turn, and is waited for by nobody; twice, so that it is remembered."""
    ran, wait = engine.ran, engine.schedule.wait

    def work() -> None:
        engine.hold()
        one, other = Box(), Box()

        def blocks() -> None:
            wait(lambda: len(ran) % 2 == 1, None, "the other listener")
            ran.append("blocked")
        for _ in range(2):
            one.post(blocks)
            other.post(lambda: ran.append("quick"))
            wait(lambda: len(ran) % 2 == 0 and not one.strand.busy(), None, "the round")
        engine.let_go()
    engine.task("a", work)
    yield
    assert ran == ["quick", "blocked"] * 2, ran


@on_an_engine
def engine_pools(engine: Engine) -> Iterator[None]:
    """The default pool is replaced while items are posted."""
    items = Items(engine.schedule)

    def post() -> None:
        engine.hold()
        box = Box()
        for number in range(3):
            box.post(items, ("a", number))
        box.post(engine.let_go)
    engine.task("a", post)
    engine.task("b", lambda: workers.use(workers.Pool(1, 1.0, "worker")))
    yield
    items.in_order("a", 3)


@on_an_engine
def engine_timers(engine: Engine) -> Iterator[None]:
    """A call for later is made, or was taken back; never both, and nothing is left."""
    def later() -> None:
        pending = lifetime.call_later(0.1, lambda: engine.ran.append("made"))
        engine.schedule.point()
        pending.cancel()
    engine.task("a", later)
    engine.task("b", lambda: lifetime.call_later(0.1, lambda: engine.ran.append("other")))
    yield
    assert engine.ran.count("other") == 1 and engine.ran.count("made") <= 1, engine.ran


@on_an_engine
def engine_keeper(engine: Engine) -> Iterator[None]:
    """The keeper is there while somebody is ref'd, and no longer."""
    def toggle(_: str) -> None:
        handle = object()
        lifetime.opened(handle, True)
        lifetime.unref(handle)
        lifetime.ref(handle)
        lifetime.closed(handle)
    engine.tasks(toggle)
    yield
    assert not lifetime._refed and not lifetime._keeping.locked()


@on_an_engine
def engine_queue(engine: Engine) -> Iterator[None]:
    """An `EventQueue` that is pumped while two threads put."""
    queue = EventQueue()
    engine.task("pump", lambda: queue.run_until(lambda: len(engine.ran) == 4))
    engine.tasks(lambda name: [queue.put(lambda: engine.ran.append(name)) for _ in range(2)])
    yield
    assert sorted(engine.ran) == ["a", "a", "b", "b"], engine.ran


class Conversation(Engine):
    """A socket on the engine: what its peer does, what the program does to it, and what it told.

    `edges`: it has input that is said once, is watched so, and everybody rests, before the exploration begins.
    `pauses`: its listener pauses it at the first chunk.
    """

    def __init__(self, schedule: Schedule, operations: Sequence[str], inbox: Sequence[bytes] = (), heard: bool = True,
                 edges: bool = False, pauses: bool = False) -> None:
        super().__init__(schedule)
        self.operations = "+".join(operations).split("+")
        self.heard, self.edges, self.pauses = heard, edges, pauses
        self.link = Link(schedule, inbox)
        self.fed = b"".join(inbox)
        self.fin = b"" in inbox
        self.events: List[str] = []
        self.outcomes: Dict[str, List[Any]] = {}
        self.got = b""
        self.running = self.paused = False
        self.sock: Any = None
        schedule.usual = edges
        tasks = [self.task("begin", self._begin)]
        for name, operation in zip("xyz", operations):
            tasks.append(self.task(name, lambda name=name, operation=operation: self._run(name, operation)))
        self.task("end", lambda: self._end(tasks))

    # ---- the threads ----

    def _begin(self) -> None:
        sock = Socket(high_water_mark=1)
        for event in ("data", "end", "finish", "drain", "error", "close"):
            if self.heard or event != "data":
                sock.on(event, functools.partial(self._told, event))
        sock._enter(sock._attach, self.link)
        if self.edges:
            # As the reactor does when it sees input of a strand that is busy.
            self.schedule.wait(lambda: sock._interest == reactor_module.READ, None, "the selector")
            self.reactor.call_soon(sock._enter, sock._on_busy)
            self.schedule.wait(lambda: bool(sock._interest & reactor_module.EDGE), None, "the selector")
            self.schedule.settle()
            self.schedule.usual = False
        self.sock = sock

    def _run(self, name: str, operations: str) -> None:
        self.schedule.wait(lambda: self.sock is not None, None, "the socket")
        for operation in operations.split("+"):
            getattr(self, "do_" + operation, lambda name, call=operation: getattr(self.sock, call)())(name)
            self.schedule.point()

    def _end(self, tasks: Sequence[Any]) -> None:
        self.schedule.wait(lambda: all(task.done for task in tasks), None, "the operations")
        self.schedule.settle()
        self._at_rest()
        if self.heard:
            self.sock.resume()          # what a paused stream has left in the kernel is not lost
            self.schedule.settle()
            self._at_rest()
        self.sock.destroy()

    def _told(self, event: str, *args: Any) -> None:
        assert not self.running and "close" not in self.events, (event, self.events)
        self.running = True
        self.events.append(event)
        if event == "data":
            self.got += args[0] if isinstance(args[0], bytes) else args[0].encode("latin1")
            if self.pauses and not self.paused:
                self.paused = True
                self.sock.pause()
        self.schedule.point()
        self.running = False

    # ---- what the peer does ----

    def do_arrive(self, name: str) -> None:
        chunk = b"abcdefgh"[len(self.fed):len(self.fed) + 1]
        self.fed += chunk
        self.link.arrive(chunk)

    def do_fin(self, name: str) -> None:
        self.fin = True
        self.link.arrive(b"")

    def do_reset(self, name: str) -> None:
        self.link.reset()

    def do_other(self, name: str) -> None:
        """Another connection has input, and a worker the turn: it looks whether there is more when this one goes on."""
        other, ran = Box(), []      # type: Box, List[bool]
        self.reactor.call_soon(other.post, ran.append, True)
        self.schedule.wait(lambda: bool(ran), None, "the other")

    def do_answered(self, name: str) -> None:
        """Goes on when something was heard, or the socket is gone."""
        self.schedule.wait(lambda: "data" in self.events or self.sock.destroyed, 1.0, "data")

    def do_rest(self, name: str) -> None:
        """Goes on when everybody rests: the reactor waits in the selector."""
        self.schedule.settle()

    # ---- what the program does ----

    def callback(self, name: str) -> Callable[[Any], None]:
        self.outcomes[name] = []
        return self.outcomes[name].append

    def do_write(self, name: str) -> None:
        self.sock.write(name.encode() * 2, self.callback(name))

    def do_end(self, name: str) -> None:
        self.sock.end(name.encode() * 2, self.callback(name))

    def do_sendall(self, name: str) -> None:
        done = self.callback(name)
        try:
            self.sock.sendall(name.encode() * 2)
            done(None)
        except OSError as problem:
            done(problem)

    def do_recv(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self.got += self.sock.recv(10)

    def do_timeout(self, name: str) -> None:
        self.sock.set_timeout(100, lambda: None)

    def do_shutdown(self, name: str) -> None:
        lifetime.shutdown()

    def do_resume(self, name: str) -> None:
        self.schedule.wait(lambda: self.paused or not self.pauses or self.sock.destroyed, 1.0, "the pause")
        self.sock.resume()

    def do_fill(self, name: str) -> None:
        """A stream that does not flow: what comes is buffered, up to the high-water mark."""
        self.sock.on("readable", lambda: None)

    def do_decode(self, name: str) -> None:
        self.sock.set_encoding("latin1")

    # ---- what must hold ----

    def _at_rest(self) -> None:
        """Nothing happens any more: nothing may be left that somebody waits for."""
        sock = self.sock
        if sock.destroyed:
            return
        assert not sock._wants_write() and not sock.writable_length, "something to send, and nobody sends it"
        if self.heard and sock._flowing:
            assert not self.link.broken, "a reset that nobody sees"
            assert self.got == self.fed and not self.link.inbox, "input that nobody delivers"
            assert not self.fin or "end" in self.events, "the peer's end, and nobody is told"

    def check(self) -> None:
        link, sock = self.link, self.sock
        assert self.events.count("close") == 1 and self.events[-1] == "close", self.events
        assert self.fed.startswith(self.got), (self.got, self.fed)
        for name, each in self.outcomes.items():
            assert len(each) == 1, "callback {}: {}".format(name, each)
            assert each[0] is not None or name.encode() * 2 in link.sent
            assert link.sent.count(name.encode()) in (0, 2) or link.sent.endswith(name.encode())
        assert link.closed and link.fins <= 1
        at_rest(sock)
        super().check()


def engine_socket(*operations: str, heard: bool = True) -> Scenario:
    """A socket with input and a full kernel; each operation in a thread of its own, and at last `destroy`."""
    @scenario_on(lambda schedule: Conversation(schedule, operations, (b"ab", b""), heard))
    def scenario(conversation: Conversation) -> Iterator[None]:
        yield
    return scenario


def edges(*operations: str, pauses: bool = False) -> Scenario:
    """A socket of which epoll says once what arrives. Each operation in a thread of its own; `a+b`: one after the
    other."""
    @scenario_on(lambda schedule: Conversation(schedule, operations, edges=True, pauses=pauses))
    def scenario(conversation: Conversation) -> Iterator[None]:
        yield
    return scenario


# ---- the families ----

class Play(NamedTuple):
    """One scenario, or some that belong together, and how thoroughly it is played."""

    name: str
    scenarios: Callable[[], Iterator[Scenario]]
    bound: int
    watched: FrozenSet[Any] = frozenset()


def only(scenario: Scenario) -> Callable[[], Iterator[Scenario]]:
    return lambda: iter([scenario])


STRANDS = (two_posters, three_posters, held_and_released, suspended_and_released, posted_and_readable, said_once,
           through_a_dispatch, a_dispatch_that_gives_up)
GATES = (crossing_gates, three_gates)
ENGINES = (engine_posts, engine_requests, engine_submits, engine_helpers, engine_blocks, engine_pools, engine_timers,
           engine_keeper, engine_queue)
SOCKET_OPERATIONS = ("write", "end", "destroy", "sendall", "recv", "pause", "resume", "timeout", "shutdown")
PAIRS = list(itertools.combinations_with_replacement(OPERATIONS, 2))
# Three at a time: the operations that change most.
THREES = list(itertools.combinations_with_replacement(
    ("write", "last_words", "destroy", "corked", "pause", "resume", "read", "late"), 3))
CODE_PAIRS = [("write", "write"), ("write", "destroy"), ("write", "end"), ("end", "late"), ("pause", "resume"),
              ("destroy", "fail"), ("listen", "late"), ("corked", "destroy"), ("read", "destroy"), ("read", "listen")]

# For `edges`: what the peer does, and what the program does meanwhile. `other`, `rest`: input comes while a worker
# looks at epoll in the reactor's place, and while the reactor rests.
ARRIVALS = ("arrive+arrive+arrive", "arrive+answered+arrive", "other+arrive+arrive", "arrive+rest+arrive",
            "arrive+fin", "other+fin", "arrive+answered+reset", "other+reset", "arrive+rest+reset")
MEANWHILE = ("pause+resume", "pause", "resume+pause", "end", "destroy", "write", "fill", "decode", "timeout",
             "shutdown")
EDGES = ([((arrivals, "resume"), True) for arrivals in ARRIVALS]
         + [((arrivals, operation), False) for arrivals in ARRIVALS for operation in MEANWHILE]
         + [((arrivals, "resume", operation), True) for arrivals in ARRIVALS for operation in MEANWHILE])
EDGE_CODES = (("arrive+arrive", "resume"), ("other+arrive+arrive", "resume"), ("other+reset", "pause+resume"),
              ("arrive+fin", "resume", "destroy"))


def plays(family: str, quick: bool) -> Iterator[Play]:
    """What a family plays; `quick`: the part that takes seconds."""
    if family == "strand":
        for scenario in STRANDS:
            yield Play(scenario.__name__, only(scenario), 2 if quick else 4)
            yield Play(scenario.__name__ + " by byte codes", only(scenario), 1, WATCHED)
    elif family == "gates":
        for scenario in GATES:
            yield Play(scenario.__name__, only(scenario), 3 if quick else 6)
            yield Play(scenario.__name__ + " by byte codes", only(scenario), 1 if quick else 2, WATCHED)
    elif family == "stream":
        for pair in PAIRS:
            yield Play(" ".join(pair), only(on_a_stream(*pair)), 1 if quick else 2)
        for pair in () if quick else PAIRS:
            yield Play(" ".join(pair) + " half-open", only(on_a_stream(*pair, half_open=True)), 1)
        for operations in ("write+end", "write"), ("pause+resume", "resume+pause"), ("write+destroy", "write+end"):
            yield Play(" ".join(operations), only(on_a_stream(*operations)), 1 if quick else 2)
    elif family == "threes":
        for names in THREES[::12] if quick else THREES:
            yield Play(" ".join(names), only(on_a_stream(*names)), 1)
    elif family == "codes":
        for pair in CODE_PAIRS[:1] if quick else CODE_PAIRS:
            yield Play(" ".join(pair), only(on_a_stream(*pair)), 1, WATCHED)
    elif family == "handlers":
        for first in OPERATIONS:
            for second in OPERATIONS:
                yield Play("{} in {}".format(second, first),
                           lambda first=first, second=second: interrupting(first, second, 11 if quick else 1), 0)
    elif family == "engine":
        for mode in MODES:
            for engine in ENGINES:
                yield Play(engine.__name__ + mode.name, only(mode.of(engine)), 1 if quick else 2)
                if not quick:
                    yield Play(engine.__name__ + mode.name + " by byte codes", only(mode.of(engine)), 1, ENGINE)
            pairs = list(itertools.combinations_with_replacement(SOCKET_OPERATIONS, 2))
            for pair in pairs[::25] if quick else pairs:
                yield Play("socket: " + " ".join(pair) + mode.name,
                           only(mode.of(engine_socket(*pair, heard="recv" not in pair))), 1)
    elif family == "edges":
        for operations, pauses in EDGES:
            for mode in MODES:
                if mode.epoll:
                    yield Play(" ".join(operations) + (", pausing" if pauses else "") + mode.name,
                               only(mode.of(edges(*operations, pauses=pauses))), 1 if quick else 2)
        for operations in () if quick else EDGE_CODES:
            for mode in MODES:
                if mode.epoll:
                    yield Play(" ".join(operations) + mode.name + " by byte codes",
                               only(mode.of(edges(*operations, pauses=True))), 1, ENGINE | codes_of(socket_module))


class Mode(NamedTuple):
    """What the engine runs on."""

    free_threaded: bool
    epoll: bool             # a worker that has the turn looks there itself, and what is busy is said once

    @property
    def name(self) -> str:
        return (" with epoll" if self.epoll else "") + (" without a GIL" if self.free_threaded else "")

    def of(self, scenario: Scenario) -> Scenario:
        """The same scenario in this mode."""
        @functools.wraps(scenario)
        def told(schedule: Schedule) -> Check:
            workers.HAS_GIL = strand.HAS_GIL = reactor_module.HAS_GIL = not self.free_threaded
            reactor_module.epoll_of = interleaving.Epoll if self.epoll else lambda selector: None
            return scenario(schedule)
        return told


MODES = [Mode(free_threaded, epoll) for epoll in (False, True) for free_threaded in (False, True)]


FAMILIES = ("strand", "gates", "stream", "threes", "codes", "handlers", "engine", "edges")
SHARE = {"strand": 7.0, "gates": 2.0, "stream": 11.0, "threes": 4.0, "codes": 4.0, "handlers": 9.0, "engine": 7.0,
         "edges": 6.0}


@contextlib.contextmanager
def virtual_package(family: str) -> Iterator[None]:
    """The package on the scheduler's locks: with a pool of the scenario's own, or with the whole engine."""
    modules = [gate, strand, emitter]
    others: Dict[str, Any] = {}
    engine = family in ("engine", "edges")
    if engine:
        modules += [workers, reactor_module, waiter, lifetime, socket_module]
        others = dict(
            queues=[workers, reactor_module],
            make_selector=(reactor_module, interleaving.make_selector), socket=(reactor_module, interleaving.SOCKET),
            _order=(reactor_module, Lock()), epoll_of=(reactor_module, lambda selector: None),
            _EPOLLIN=(reactor_module, interleaving.READ), _EPOLLOUT=(reactor_module, interleaving.WRITE),
            _EPOLLET=(reactor_module, interleaving.EDGE),
            _here=(workers, None), _pools=(workers, None), _default=(workers, None), remembered=(workers, 0),
            HAS_GIL=(workers, True),
            _keeping=(lifetime, None), _nudge=(lifetime, None), _keeper=(lifetime, None), _will_hear=(lifetime, True))
    else:
        others = dict(default_pool=(workers, lambda: Pool.current), reactor=(gate, gate.reactor))
    reactor, free = reactor_module.reactor, reactor_module.HAS_GIL
    holders = reactor.holders
    assert not reactor.running, "the engine runs: it cannot be explored at the same time"
    try:
        with virtual(*modules, **others):
            yield
    finally:
        strand.HAS_GIL = reactor_module.HAS_GIL = free
        if engine:
            reactor.reset()
            reactor.holders = holders
            lifetime._refed.clear()         # what failed may have left something: no keeper is to stay for that


class Family(NamedTuple):
    scenarios: int
    runs: int
    longest: int
    complete: bool
    failures: List[str]


def explore_family(family: str, quick: bool = False, seconds: Optional[float] = None, each: Optional[float] = None,
                   bound: Optional[int] = None, name: str = "") -> Family:
    """Play a family, or the plays with `name` in theirs, for `seconds` at most, `each` of them for so many."""
    scenarios = runs = longest = 0
    complete = True
    failures: List[str] = []
    deadline = None if seconds is None else time.monotonic() + seconds
    with virtual_package(family):
        for play in plays(family, quick):
            if name not in play.name:
                continue
            if deadline is not None and time.monotonic() > deadline:
                complete = False
                break
            if not interleaving.BYTE_CODES and (play.watched or family == "handlers"):
                complete = False
                continue
            scenarios += 1
            end = None if each is None else time.monotonic() + each
            for scenario in play.scenarios():
                left = [limit - time.monotonic() for limit in (deadline, end) if limit is not None]
                if left and min(left) <= 0:
                    complete = False
                    break
                result = explore(scenario, bound=play.bound if bound is None else bound, watched=play.watched,
                                 seconds=min(left) if left else None)
                runs += result.runs
                longest = max(longest, result.longest)
                if result.failure is not None:
                    failures.append("{}: {}: {}\n    --replay {} '{}' {}".format(
                        family, play.name, result.failure, family, play.name,
                        ",".join(map(str, result.failure.choices)) or "-"))
                    break
                complete = complete and result.complete
    return Family(scenarios, runs, longest, complete, failures)


def replay(family: str, name: str, choices: str) -> int:
    """Play one interleaving once more; 1 if it fails again."""
    taken = [int(choice) for choice in choices.split(",")] if choices != "-" else []
    with virtual_package(family):
        for quick in (True, False):
            for play in plays(family, quick):
                if play.name == name:
                    for scenario in play.scenarios():
                        failure = explore(scenario, bound=1 << 30, watched=play.watched, replay=taken).failure
                        if failure is not None:
                            print(failure)
                            return 1
    print("no failure")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the part of it that takes less than a minute")
    parser.add_argument("--only", metavar="FAMILY", choices=FAMILIES, help="one family")
    parser.add_argument("--name", metavar="TEXT", default="", help="only scenarios with this in their name")
    parser.add_argument("--bound", type=int, metavar="N", help="so many delays in a run, instead of each family's own")
    parser.add_argument("--seconds", type=float, metavar="S", help="for each scenario, at most")
    parser.add_argument("--replay", nargs=3, metavar=("FAMILY", "SCENARIO", "CHOICES"), help="one interleaving again")
    options = parser.parse_args()
    if options.replay:
        return replay(*options.replay)
    total, failures = 0, []     # type: int, List[str]
    print("{:10} {:>9} {:>14} {:>8} {:>9}".format("family", "scenarios", "interleavings", "longest", "seconds"))
    for family in FAMILIES:
        if options.only and family != options.only:
            continue
        began = time.monotonic()
        share = SHARE[family] if options.quick else None
        each = SHARE[family] / 8 if options.quick and options.seconds is None else options.seconds
        found = explore_family(family, options.quick, share, each, options.bound, options.name)
        total += found.runs
        failures += found.failures
        print("{:10} {:9} {:14} {:8} {:9.1f}{}".format(
            family, found.scenarios, found.runs, found.longest, time.monotonic() - began,
            "" if found.complete else "   (cut short)"), flush=True)
    print("{} interleavings, {} failures".format(total, len(failures)))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
