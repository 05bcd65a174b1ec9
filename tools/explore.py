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

What must hold in each: nothing fails, hangs or is reported; an item that was queued runs, once, and one at a time;
each thread's items, bytes and chunks keep their order, and no chunk is torn; each callback is called once; 'close'
comes once and last; after `pause` or `destroy` has returned nothing begins that it forbids; the three state machines
move inside the gate and along their tables, which are written down here a second time; and afterwards no gate is held,
no strand claimed, no call left undone.

A failure is printed with its choices, with which `--replay` plays it again. The exit status is 1 if there was one.
"""
import argparse
import contextlib
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
from netcompat import emitter, socket as socket_module, stream as stream_module  # noqa: E402
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


# ---- the strand, on a pool of two workers that do nothing else ----

class Pool:
    """What a strand needs of a pool: a queue that two workers drain."""

    current: Any = None

    def __init__(self, schedule: Schedule) -> None:
        self.schedule_of_run = schedule
        self.queue: Deque[Any] = deque()
        self.progress = self.led = 0
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


def at_rest(*gates: Any) -> None:
    """Nobody is inside, nothing is left to do."""
    for each in gates:
        assert not each._lock.owner and not each._inside, "a gate is held"
        assert not each._deferred, "a call was put off and never done"


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


def rested(box: Box) -> None:
    at_rest(box)
    assert not box.strand.busy() and not box.strand._items, "the strand is claimed, or has items"


def two_posters(schedule: Schedule) -> Check:
    Pool(schedule)
    box, items = Box(), Items(schedule)

    def post(name: str) -> None:
        for number in range(2):
            box.post(items, (name, number))
    schedule.task("a", lambda: post("a"))
    schedule.task("b", lambda: post("b"))

    def check() -> None:
        items.in_order("ab", 2)
        rested(box)
    return check


def three_posters(schedule: Schedule) -> Check:
    Pool(schedule)
    box, items = Box(), Items(schedule)
    for name in "abc":
        schedule.task(name, lambda name=name: box.post(items, (name, 0)))

    def check() -> None:
        items.in_order("abc", 1)
        rested(box)
    return check


def held_and_released(schedule: Schedule) -> Check:
    """As a server introduces a connection: the strand is held until its first item is there."""
    Pool(schedule)
    box, items = Box(), Items(schedule)
    box.strand.hold()

    def introduce() -> None:
        box.post_first(items, ("first", 0))
        box.strand.release()
    schedule.task("introducer", introduce)
    schedule.task("a", lambda: box.post(items, ("a", 0)))

    def check() -> None:
        assert items.ran[0] == ("first", 0) and len(items.ran) == 2, items.ran
        rested(box)
    return check


def suspended_and_released(schedule: Schedule) -> Check:
    Pool(schedule)
    box, items = Box(), Items(schedule)
    suspended: List[bool] = []

    def suspend() -> None:
        items("suspend")
        box.strand.suspend()
        suspended.append(True)

    def release() -> None:
        schedule.wait(lambda: bool(suspended), None, "the suspension")
        box.strand.release()
    box_posted = [suspend, lambda: items("behind")]

    def post() -> None:
        for call in box_posted:
            box.post(call)
    schedule.task("poster", post)
    schedule.task("releaser", release)

    def check() -> None:
        assert items.ran == ["suspend", "behind"], items.ran
        rested(box)
    return check


def posted_and_readable(schedule: Schedule) -> Check:
    """An item is queued while the reactor sees input; what was queued before comes first, and both come."""
    pool = Pool(schedule)
    items = Items(schedule)
    box = Box()
    box.strand = strand.Strand(box._lock, None, lambda: items("received"))
    claimed: List[bool] = []

    def react() -> None:
        while not box.strand.claim_readable():
            schedule.wait(lambda: not box.strand.busy(), None, "the strand")
        claimed.append(True)
    schedule.task("reactor", react)
    schedule.task("a", lambda: [box.post(items, number) for number in range(2)])

    def check() -> None:
        assert sorted(map(str, items.ran)) == ["0", "1", "received"], items.ran
        assert [item for item in items.ran if item != "received"] == [0, 1]
        assert not pool.queue
        rested(box)
    return check


def through_a_dispatch(schedule: Schedule) -> Check:
    """The items run on a thread that the dispatch brings; it calls, and raises at its third call."""
    Pool(schedule)
    box, items = Box(), Items(schedule)
    mail: List[Callable[[], None]] = []

    def dispatch(call: Callable[[], None]) -> None:
        mail.append(call)
        schedule.point()

    def pump() -> None:
        while True:
            schedule.wait(lambda: bool(mail), None, "mail")
            mail.pop(0)()
    box.strand = strand.Strand(box._lock, dispatch)
    schedule.task("pump", pump, service=True)
    for name in "ab":
        schedule.task(name, lambda name=name: [box.post(items, (name, number)) for number in range(2)])

    def check() -> None:
        items.in_order("ab", 2)
        rested(box)
    return check


def a_dispatch_that_gives_up(schedule: Schedule) -> Check:
    """It raises, having called or not: nothing is lost, nothing runs twice, and the emitter goes on on the pool."""
    Pool(schedule)
    box, items = Box(), Items(schedule)
    mail: List[Callable[[], None]] = []

    def dispatch(call: Callable[[], None]) -> None:
        mail.append(call)
        schedule.point()
        raise Expected

    def pump() -> None:
        while True:
            schedule.wait(lambda: bool(mail), None, "mail")
            mail.pop(0)()
    box.strand = strand.Strand(box._lock, dispatch)
    schedule.task("pump", pump, service=True)
    schedule.task("a", lambda: [box.post(items, ("a", number)) for number in range(3)])

    def check() -> None:
        items.in_order("a", 3)
        rested(box)
    return check


# ---- gates that cross ----

def crossing_gates(schedule: Schedule) -> Check:
    """Inside A a finalizer strikes that calls B, inside B one that calls A: neither waits for the other."""
    one, other = gate.Gate(), gate.Gate()
    ran: List[str] = []
    later: List[Callable[[], None]] = []

    def call_soon(call: Callable[..., Any], *args: Any) -> None:
        later.append(lambda: call(*args))

    def react() -> None:
        while True:
            schedule.wait(lambda: bool(later), None, "requests")
            later.pop(0)()
    gate.reactor = _Soon(call_soon)     # type: ignore[assignment]

    def inside(mine: gate.Gate, theirs: gate.Gate, name: str) -> None:
        theirs._enter(ran.append, name + " in the other")
        theirs._enter(ran.append, name + " again")
        ran.append(name)
    schedule.task("reactor", react, service=True)
    schedule.task("a", lambda: one._enter(inside, one, other, "a"))
    schedule.task("b", lambda: other._enter(inside, other, one, "b"))

    def check() -> None:
        assert len(ran) == 6 and len(set(ran)) == 6, ran
        for name in "ab":
            assert ran.index(name + " in the other") < ran.index(name + " again"), ran
        at_rest(one, other)
    return check


class _Soon:
    def __init__(self, call_soon: Callable[..., None]) -> None:
        self.call_soon = call_soon


def three_gates(schedule: Schedule) -> Check:
    gates = [gate.Gate() for _ in range(3)]
    ran: List[int] = []
    later: List[Callable[[], None]] = []

    def react() -> None:
        while True:
            schedule.wait(lambda: bool(later), None, "requests")
            later.pop(0)()
    gate.reactor = _Soon(lambda call, *args: later.append(lambda: call(*args)))     # type: ignore[assignment]
    schedule.task("reactor", react, service=True)
    for number in range(3):
        schedule.task(str(number), lambda number=number: gates[number]._enter(
            gates[(number + 1) % 3]._enter, ran.append, number))

    def check() -> None:
        assert sorted(ran) == [0, 1, 2], ran
        at_rest(*gates)
    return check


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

    def __init__(self, schedule: Schedule, inbox: Sequence[bytes] = (b"ab", b""), heard: bool = True,
                 half_open: bool = False) -> None:
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
        self.operations: Tuple[str, ...] = ()
        for name in ("data", "end", "finish", "drain", "error", "close"):
            if heard or name != "data":
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
    def scenario(schedule: Schedule) -> Check:
        names = tuple(itertools.chain.from_iterable(each.split("+") for each in operations))
        watch = Watch(schedule, heard="listen" not in names and "read" not in names, half_open=half_open)
        watch.operations = names
        for thread, operation in zip("xyz", operations):
            schedule.task(thread, lambda thread=thread, operation=operation: watch.run(thread, *operation.split("+")))
        return watch.check
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
    at = 0
    while reached[-1]:
        def scenario(schedule: Schedule, at: int = at) -> Check:
            watch = Watch(schedule, inbox=(b"ab",), heard="listen" not in (first, second))
            watch.operations = (first, second)
            watch.wire.room = 3 if at % 2 else 10       # the kernel takes a part of it, or all
            later: List[Callable[[], None]] = []
            gate.reactor = _Soon(lambda call, *args: later.append(lambda: call(*args)))     # type: ignore[assignment]
            probe = Interrupted(schedule, at, lambda: watch.run("y", second))

            def run() -> None:
                interleaving.trace_byte_codes(probe)
                try:
                    watch.run("x", first)
                finally:
                    sys.settrace(None)
            schedule.task("x", run)

            def check() -> None:
                reached.append(probe.done)
                for call in later:
                    call()
                watch.pool.drain()
                if probe.done:
                    watch.check()
            return check
        yield scenario
        at += stride


# ---- the engine: reactor, workers and sockets, all of the package's own ----

class Link:
    """A transport: each second send finds the kernel full, `inbox` is what the peer sent."""

    kind = "tcp"

    def __init__(self, schedule: Schedule, inbox: Sequence[bytes] = ()) -> None:
        schedule.descriptors += 1
        self.number = schedule.descriptors
        self.inbox = deque(inbox)
        self.sent = b""
        self.fins = 0
        self.room = 1
        self.closed = False
        interleaving.connections(schedule)[self.number] = self

    def readiness(self) -> int:
        return (1 if self.inbox else 0) | 2

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        assert not self.closed
        reactor_module.reactor.watch(self.number, interest, before, owner)

    def recv(self, size: int) -> Optional[bytes]:
        assert not self.closed
        return self.inbox.popleft() if self.inbox else None

    def send_many(self, chunks: Sequence[Any]) -> int:
        return self.send(b"".join(bytes(chunk) for chunk in chunks))

    def send(self, data: Any) -> int:
        assert not self.closed
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
        self.schedule = schedule
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

    def hold(self) -> None:
        self.reactor.holders.add(self)
        self.reactor.start()

    def let_go(self) -> None:
        lifetime.closed(self)

    def all_ended(self) -> None:
        """Nobody needs the threads any more, and none is left."""
        left = [task.name for task in self.schedule.tasks if not task.done]
        assert not left, "still there: {}".format(", ".join(left))
        assert self.reactor._bell is None and not self.reactor._running.locked()
        assert all(pool.quiet() for pool in workers.all_pools())


def engine_posts(schedule: Schedule) -> Check:
    """Two threads post while the engine starts and ends."""
    engine = Engine(schedule)
    items = {name: Items(schedule) for name in "ab"}

    def post(name: str) -> None:
        box = Box()
        keeper = object()
        lifetime.opened(keeper, False)
        for number in range(2):
            box.post(items[name], (name, number))
        box.post(lifetime.closed, keeper)
    for name in "ab":
        schedule.task(name, lambda name=name: post(name))

    def check() -> None:
        for name in "ab":
            items[name].in_order(name, 2)
        engine.all_ended()
    return check


def engine_requests(schedule: Schedule) -> Check:
    """Requests to a reactor that is about to end, with nothing that holds it."""
    engine = Engine(schedule)
    ran: List[str] = []

    def ask(name: str) -> None:
        for number in range(2):
            engine.reactor.call_soon(ran.append, "{}{}".format(name, number))
    for name in "ab":
        schedule.task(name, lambda name=name: ask(name))

    def check() -> None:
        assert sorted(ran) == ["a0", "a1", "b0", "b1"], ran
        engine.all_ended()
    return check


def engine_submits(schedule: Schedule) -> Check:
    """Calls to a pool of its own, of one worker that retires."""
    engine = Engine(schedule)
    pool = workers.Pool(1, 0.5, "worker")
    ran: List[str] = []

    def submit(name: str) -> None:
        for number in range(2):
            pool.submit(lambda: ran.append("{}{}".format(name, number)))
            schedule.point()
    for name in "ab":
        schedule.task(name, lambda name=name: submit(name))

    def check() -> None:
        assert len(ran) == 4, ran
        engine.all_ended()
    return check


def engine_helpers(schedule: Schedule) -> Check:
    """A listener waits in a helper for what another one does, and there is one worker."""
    engine = Engine(schedule, most=1)
    ran: List[str] = []

    def work() -> None:
        engine.hold()
        one, other, done = Box(), Box(), waiter.Waiter()

        def first() -> None:
            ran.append("waits")
            done.wait()
            ran.append("goes on")
            engine.let_go()
        one.post(first)
        other.post(done.set)
    schedule.task("a", work)

    def check() -> None:
        assert ran == ["waits", "goes on"], ran
        engine.all_ended()
    return check


def engine_blocks(schedule: Schedule) -> Check:
    """A listener that blocks loses its turn, and is waited for by nobody; twice, so that it is remembered."""
    engine = Engine(schedule)
    ran: List[str] = []

    def work() -> None:
        engine.hold()
        one, other = Box(), Box()

        def blocks() -> None:
            schedule.wait(lambda: len(ran) % 2 == 1, None, "the other listener")
            ran.append("blocked")
        for _ in range(2):
            one.post(blocks)
            other.post(lambda: ran.append("quick"))
            schedule.wait(lambda: len(ran) % 2 == 0 and not one.strand.busy(), None, "the round")
        engine.let_go()
    schedule.task("a", work)

    def check() -> None:
        assert ran == ["quick", "blocked"] * 2, ran
        engine.all_ended()
    return check


def engine_pools(schedule: Schedule) -> Check:
    """The default pool is replaced while items are posted."""
    engine = Engine(schedule)
    items = Items(schedule)

    def post() -> None:
        engine.hold()
        box = Box()
        for number in range(3):
            box.post(items, ("a", number))
        box.post(engine.let_go)
    schedule.task("a", post)
    schedule.task("b", lambda: workers.use(workers.Pool(1, 1.0, "worker")))

    def check() -> None:
        items.in_order("a", 3)
        engine.all_ended()
    return check


def engine_timers(schedule: Schedule) -> Check:
    """A call for later is made, or was taken back; never both, and nothing is left."""
    engine = Engine(schedule)
    made: List[str] = []

    def later() -> None:
        pending = lifetime.call_later(0.1, lambda: made.append("made"))
        schedule.point()
        pending.cancel()
    schedule.task("a", later)
    schedule.task("b", lambda: lifetime.call_later(0.1, lambda: made.append("other")))

    def check() -> None:
        assert made.count("other") == 1 and made.count("made") <= 1, made
        assert not engine.reactor.holders
        engine.all_ended()
    return check


def engine_keeper(schedule: Schedule) -> Check:
    """The keeper is there while somebody is ref'd, and no longer."""
    engine = Engine(schedule)
    handles = [object(), object()]

    def toggle(handle: object) -> None:
        lifetime.opened(handle, True)
        lifetime.unref(handle)
        lifetime.ref(handle)
        lifetime.closed(handle)
    for name, handle in zip("ab", handles):
        schedule.task(name, lambda handle=handle: toggle(handle))

    def check() -> None:
        assert not lifetime._refed and not lifetime._keeping.locked()
        engine.all_ended()
    return check


def engine_queue(schedule: Schedule) -> Check:
    """An `EventQueue` that is pumped while two threads put."""
    from netcompat import EventQueue
    engine = Engine(schedule)
    queue, ran = EventQueue(), []       # type: EventQueue, List[str]
    schedule.task("pump", lambda: queue.run_until(lambda: len(ran) == 4))
    for name in "ab":
        schedule.task(name, lambda name=name: [queue.put(lambda: ran.append(name)) for _ in range(2)])

    def check() -> None:
        assert sorted(ran) == ["a", "a", "b", "b"], ran
        engine.all_ended()
    return check


def engine_socket(*operations: str, heard: bool = True) -> Scenario:
    """A socket with input and a full kernel; each operation in a thread of its own, and at last `destroy`."""
    def scenario(schedule: Schedule) -> Check:
        engine = Engine(schedule)
        events: List[str] = []
        outcomes: Dict[str, List[Any]] = {}
        link = Link(schedule, (b"ab", b""))
        got: List[bytes] = []
        socks: List[Socket] = []
        running: List[str] = []

        def listener(event: str) -> Callable[..., None]:
            def note(*args: Any) -> None:
                assert not running and "close" not in events, (event, events)
                running.append(event)
                events.append(event)
                if event == "data":
                    got.append(args[0])
                schedule.point()
                running.pop()
            return note

        def callback(name: str) -> Callable[[Any], None]:
            outcomes[name] = []
            return outcomes[name].append

        def begin() -> None:
            sock = Socket()
            for event in ("data", "end", "finish", "drain", "error", "close"):
                if heard or event != "data":
                    sock.on(event, listener(event))
            sock._enter(sock._attach, link)
            socks.append(sock)

        def do(name: str, operation: str) -> None:
            schedule.wait(lambda: bool(socks), None, "the socket")
            sock = socks[0]
            if operation == "write":
                sock.write(name.encode() * 2, callback(name))
            elif operation == "end":
                sock.end(name.encode() * 2, callback(name))
            elif operation == "sendall":
                outcomes[name] = []
                try:
                    sock.sendall(name.encode() * 2)
                    outcomes[name].append(None)
                except OSError as problem:
                    outcomes[name].append(problem)
            elif operation == "recv":
                try:
                    got.append(sock.recv(10))
                except OSError:
                    pass
            elif operation == "timeout":
                sock.set_timeout(100, lambda: None)
            elif operation == "shutdown":
                lifetime.shutdown()
            else:
                getattr(sock, operation)()
        schedule.task("begin", begin)
        for name, operation in zip("xyz", operations):
            schedule.task(name, lambda name=name, operation=operation: do(name, operation))

        def end() -> None:
            schedule.wait(lambda: all(task.done for task in schedule.tasks if task.name in ("begin", "x", "y", "z")),
                          None, "the operations")
            schedule.settle()
            sock = socks[0]
            if not sock.destroyed:
                assert not sock._wants_write() and not sock.writable_length, "something to send, and nobody sends it"
                assert not (sock._flowing and heard) or b"".join(got) == b"ab", "input that nobody delivers"
            sock.destroy()
        schedule.task("end", end)

        def check() -> None:
            assert events.count("close") == 1 and events[-1] == "close", events
            assert b"".join(got) in (b"", b"ab")
            for name, each in outcomes.items():
                assert len(each) == 1, "callback {}: {}".format(name, each)
                assert each[0] is not None or name.encode() * 2 in link.sent
            for name in outcomes:
                assert link.sent.count(name.encode()) in (0, 2) or link.sent.endswith(name.encode())
            assert link.closed and link.fins <= 1
            assert not engine.reactor.holders, "held"
            at_rest(socks[0])
            engine.all_ended()
        return check
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


STRANDS = (two_posters, three_posters, held_and_released, suspended_and_released, posted_and_readable,
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
        for free in (False, True):
            mode = " without a GIL" if free else ""
            for engine in ENGINES:
                yield Play(engine.__name__ + mode, only(on_an_engine(engine, free)), 1 if quick else 2)
                if not quick:
                    yield Play(engine.__name__ + mode + " by byte codes", only(on_an_engine(engine, free)), 1, ENGINE)
            pairs = list(itertools.combinations_with_replacement(SOCKET_OPERATIONS, 2))
            for pair in pairs[::15] if quick else pairs:
                yield Play("socket: " + " ".join(pair) + mode, only(on_an_engine(
                    engine_socket(*pair, heard="recv" not in pair), free)), 1)


def on_an_engine(scenario: Scenario, free_threaded: bool) -> Scenario:
    """The same, with the engine told whether there is a GIL."""
    def told(schedule: Schedule) -> Check:
        workers.HAS_GIL = strand.HAS_GIL = reactor_module.HAS_GIL = not free_threaded
        return scenario(schedule)
    return told


FAMILIES = ("strand", "gates", "stream", "threes", "codes", "handlers", "engine")
SHARE = {"strand": 8.0, "gates": 2.0, "stream": 12.0, "threes": 5.0, "codes": 4.0, "handlers": 10.0, "engine": 9.0}


@contextlib.contextmanager
def virtual_package(family: str) -> Iterator[None]:
    """The package on the scheduler's locks: with a pool of the scenario's own, or with the whole engine."""
    modules = [gate, strand, emitter]
    others: Dict[str, Any] = {}
    if family == "engine":
        modules += [workers, reactor_module, waiter, lifetime, socket_module]
        others = dict(
            make_selector=(reactor_module, interleaving.make_selector), socket=(reactor_module, interleaving.SOCKET),
            _order=(reactor_module, Lock()),
            _here=(workers, None), _pools=(workers, None), _default=(workers, None), remembered=(workers, 0),
            HAS_GIL=(workers, True),
            _keeping=(lifetime, None), _nudge=(lifetime, None), _keeper=(lifetime, None))
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
        if family == "engine":
            reactor.reset()
            reactor.holders = holders


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
        found = explore_family(family, options.quick, SHARE[family] if options.quick else None, options.seconds,
                               options.bound, options.name)
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
