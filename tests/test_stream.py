"""The stream as a state machine: no thread, no socket, no clock, and every order of what can happen to it.

`HandDriven` is a `Duplex` whose connection is a counter and whose deliveries are run by hand, one at a time. `Run`
plays one order of operations on it and checks, after each of them, what must be true of every stream. The explorer
plays all orders of up to five operations.

What is left out of the orders: an operation that cannot happen at that moment (nothing is received after the peer's
FIN, the kernel accepts nothing when nothing waits), and what follows a state that another order has reached before
(`Run.state`: all that the stream and the checks remember, except which bytes they were).
"""
import errno
import io
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Set, Tuple

import pytest

from netcompat import stream
from netcompat.emitter import EventEmitter
from netcompat.errors import system_error
from netcompat.stream import CONNECTING, GONE, INPUT, LINK, NEW, OPEN, OUTPUT, Duplex

PLENTY = 1 << 30        # bytes: the kernel takes all


class HandDriven(Duplex):
    """A stream without a connection: the kernel takes `room` bytes, and `deliver` runs the oldest delivery."""

    def __init__(self, *, room: int = PLENTY, **options: Any) -> None:
        super().__init__(**options)
        self.items: Deque[Tuple[Callable[..., Any], Tuple[Any, ...]]] = deque()
        self.room = room
        self.sends: List[bytes] = []            # what each system call took
        self.fins = 0
        self.failure: Optional[OSError] = None  # what the next send raises
        self.closing = False                    # `_release` was called, the connection is not closed yet
        self.delivering = False
        self.interruption: Optional[Callable[[], None]] = None      # runs in the middle of the next send

    @property
    def sent(self) -> bytes:
        return b"".join(self.sends)

    # ---- the hooks ----

    def _post(self, call: Callable[..., Any], *args: Any) -> None:
        assert self._inside, "a delivery is queued outside the gate"
        self.items.append((call, args))

    def _running_here(self) -> bool:
        return self.delivering

    def _transmit(self, data: Any) -> int:
        assert self._link is OPEN, "sent without a connection"
        assert not self.fins, "sent after the FIN"
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            interruption()
        if self.failure is not None:
            raise self.failure
        taken = b"".join(bytes(part) for part in (data if isinstance(data, list) else [data]))[:self.room]
        self.room -= len(taken)
        self.sends.append(taken)
        return len(taken)

    def _send_fin(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.fins += 1

    def _interest_changed(self) -> None:
        assert self._inside

    def _release(self) -> None:
        assert not self.closing, "released twice"
        self.closing = True

    def _raised(self, event: str, problem: BaseException, *args: Any) -> None:
        if isinstance(problem, Boom):
            self._failed(event, problem, *args)
        else:
            raise problem       # a check of the test's own

    # ---- the hand ----

    def attach(self) -> "HandDriven":
        """The connection is there, as if a server had accepted it."""
        self._enter(lambda: setattr(self, "_link", LINK[self._link, "attach"]))
        return self

    def connect(self) -> None:
        self._enter(self._connect)

    def _connect(self) -> None:
        if self._link is GONE:
            self.sends, self.fins, self.failure = [], 0, None
            self._new_life(True, True)
        self._link = LINK[self._link, "connect"]

    def establish(self) -> None:
        self._enter(self._established)

    def refuse(self) -> None:
        self._enter(self._destroy, system_error(errno.ECONNREFUSED, "connect"))

    def accept(self, count: int = PLENTY) -> None:
        """The kernel has room for so many bytes, and the reactor notices."""
        self.room = count
        self._enter(self._flush)

    def receive(self, data: bytes) -> None:
        """What the strand does when there is input."""
        chunk = self._enter(self._feed, data)
        if chunk is not None:
            self.delivering = True
            self._deliver_data(chunk)
            self.delivering = False

    def fail(self, number: int) -> None:
        """The connection failed under a read."""
        self._enter(self._lost, system_error(number, "read"), None)

    def deliver(self) -> bool:
        """Run the oldest delivery, or else close what is to be closed; `False` if there is nothing to do."""
        if self.items:
            call, args = self.items.popleft()
            self.delivering = True
            call(*args)
            self.delivering = False
        elif self.closing:
            self.closing = False
            self._enter(self._released)
        else:
            return False
        return True

    def deliver_all(self) -> None:
        while self.deliver():
            pass

    def events(self, *names: str) -> List[Any]:
        """A list that fills with the names of these events as they are delivered."""
        told: List[Any] = []
        for name in names:
            self.on(name, lambda *args, name=name: told.append((name, *args) if args else name))
        return told


class Boom(Exception):
    """Raised by listeners of the tests."""


# ---- what must be true of every stream ----

class Run:
    """One life after another of a hand-driven stream, watched."""

    def __init__(self, *, attached: bool, half_open: bool, heard: bool = True,
                 acts: Optional[Dict[str, str]] = None) -> None:
        self.stream = HandDriven(room=3, allow_half_open=half_open, high_water_mark=3)
        self.half_open = half_open
        self.acts = dict(acts or {})        # on the first occurrence of the event: the operation done in its listener
        self.heard = heard                  # is there a 'data' listener?
        self.life = 0
        self.serial = 0
        self.outcomes: Dict[int, List[Any]] = {}        # of write and end callbacks, by serial number
        self.written: Dict[int, int] = {}               # where the accepted bytes of a write end
        self.late: List[int] = []                       # calls made on a destroyed stream
        self.begin()
        stream = self.stream
        for name in ("data", "end", "finish", "drain", "error", "close"):
            if heard or name != "data":
                stream.on(name, getattr(self, "on_" + name))
        stream._enter(stream.items.clear)
        if attached:
            stream.attach()
            assert stream._link is OPEN

    def begin(self) -> None:
        """A new life."""
        self.life += 1
        self.corked = 0
        self.accepted = b""
        self.fed = self.taken = b""
        self.paused = False
        self.eof = self.ended = self.destroyed = self.failed = False
        self.counts = dict.fromkeys(("end", "finish", "drain", "error", "close"), 0)
        self.finish_began = False
        self.drain_owed = False
        self.order: List[int] = []          # accepted writes whose callbacks reported success
        self.pending: List[int] = []        # calls whose outcome must come before 'close'

    # ---- operations ----

    def can(self, name: str) -> bool:
        stream = self.stream
        if name in ("feed", "eof"):
            return stream._wants_read()
        if name in ("error", "broken"):
            return stream._link is OPEN and stream.failure is None
        if name == "uncork":
            return self.corked > 0
        if name in ("listen", "read"):
            return not self.heard
        if name == "kernel":
            return stream._wants_write()
        if name == "deliver":
            return bool(stream.items) or stream.closing
        if name == "connect":
            return stream._link is NEW or (stream._link is GONE and self.counts["close"] == 1)
        if name in ("establish", "refuse"):
            return stream._link is CONNECTING
        return True

    def do(self, name: str) -> None:
        getattr(self, "do_" + name)()

    def do_write(self) -> None:
        stream = self.stream
        self.serial += 1
        number, data = self.serial, b"%02d" % (self.serial % 100)
        refused = self.refusal()
        before = stream.bytes_written
        answer = stream.write(data, self.callback(number))
        if refused is None:
            self.accepted += data
            self.written[number] = len(self.accepted)
            assert stream.bytes_written == before + len(data) or self.stream.failure is not None
        assert answer is (refused is None and stream.sent == self.accepted), "write's answer"
        if refused is not None:
            self.expect(number, refused)
            assert stream.bytes_written == before
        if not answer and refused is None:
            self.drain_owed = True

    def refusal(self) -> Optional[str]:
        """The code with which a write of this moment must fail; a failing write ends the stream."""
        stream = self.stream
        code = None
        if self.ended_by_peer():
            code = "EPIPE"
        elif self.ended:
            code = "ERR_STREAM_WRITE_AFTER_END"
        elif self.destroyed:
            code = "ERR_STREAM_DESTROYED"
        elif stream._link is NEW:
            code = "ERR_SOCKET_CLOSED"
        if (code is None and stream.failure is not None and stream._link is OPEN and not stream._queue
                and not self.corked):
            self.destroyed = self.failed = True         # it is accepted, and lost
        if code is not None and not self.destroyed:
            self.destroyed = self.failed = True
        return code

    def ended_by_peer(self) -> bool:
        return self.stream._ended_by_peer

    def do_end(self) -> None:
        stream = self.stream
        self.serial += 1
        number, code = self.serial, None
        call_back = self.callback(number)
        if stream.writable_finished:
            code = "ERR_STREAM_ALREADY_FINISHED"
        elif self.destroyed:
            code = "ERR_STREAM_DESTROYED"
        elif not stream.writable_ended and stream.failure is not None and stream._link is OPEN:
            self.destroyed = self.failed = True         # the send of the queue or of the FIN fails
        if code is None:
            self.ended = True
        self.corked = 0
        stream.end(call_back)
        if code is not None:
            self.expect(number, code)

    def do_destroy(self) -> None:
        self.destroyed = True
        self.stream.destroy()

    def do_cork(self) -> None:
        self.corked += not self.stream.writable_ended
        self.stream.cork()

    def do_uncork(self) -> None:
        stream = self.stream
        self.corked -= 1
        if not self.corked and stream.failure is not None and stream._queue:
            self.destroyed = self.failed = True
        stream.uncork()

    def do_listen(self) -> None:
        self.heard = True
        self.stream.on("data", self.on_data)

    def do_read(self) -> None:
        chunk = self.stream.read()
        if chunk is not None:
            assert not self.stream.destroyed
            self.taken += chunk
            assert self.fed.startswith(self.taken)

    def do_pause(self) -> None:
        self.paused = True
        self.stream.pause()

    def do_resume(self) -> None:
        self.paused = False
        self.stream.resume()

    def do_feed(self) -> None:
        self.serial += 1
        data = b"%02d" % (self.serial % 100)
        self.fed += data
        self.stream.receive(data)

    def do_eof(self) -> None:
        self.eof = True
        self.stream.receive(b"")

    def do_error(self) -> None:
        self.destroyed = self.failed = True
        self.stream.fail(errno.ECONNRESET)

    def do_broken(self) -> None:
        """From now on each send fails."""
        self.stream.failure = OSError(errno.EPIPE, "")
        if self.stream._wants_write():
            self.do_kernel()

    def do_kernel(self, count: int = 3) -> None:
        if self.stream.failure is not None:
            self.destroyed = self.failed = True
        self.stream.accept(count)

    def do_deliver(self) -> None:
        before = self.stream.destroyed
        assert self.stream.deliver()
        if self.stream.destroyed and not before and not self.destroyed:
            # The stream closed itself: both halves are over, or its own FIN could not be sent.
            self.destroyed = True
            if self.counts["finish"]:
                assert self.counts["end"], "it closed before both halves were over"
            else:
                assert self.stream.failure is not None and self.counts["end"], "it closed for no reason"
                self.failed = True

    def do_connect(self) -> None:
        if self.stream._link is GONE:
            self.check_outcomes(except_late=True)
            self.begin()
        self.stream.connect()
        assert self.stream._link is CONNECTING

    def do_establish(self) -> None:
        self.stream.establish()
        assert self.stream._link is OPEN

    def do_refuse(self) -> None:
        self.destroyed = self.failed = True
        self.stream.refuse()

    # ---- what is told ----

    def callback(self, number: int) -> Callable[[Optional[BaseException]], None]:
        self.outcomes[number] = []
        if self.stream.destroyed or self.destroyed and self.stream._link is not OPEN:
            self.late.append(number)
        else:
            self.pending.append(number)
        life = self.life

        def call_back(problem: Optional[BaseException]) -> None:
            assert not self.counts["close"] or number in self.late, "a callback after 'close'"
            assert life == self.life or number in self.late, "a callback of an earlier life"
            self.outcomes[number].append(problem)
            expected = self.expected.get(number)
            if expected is not None:
                assert getattr(problem, "code", None) == expected
            if problem is None and number in self.written:
                assert len(self.stream.sent) >= self.written[number], "success before the kernel has it"
                assert not self.order or self.order[-1] < number, "the callbacks' order"
                self.order.append(number)
            elif problem is None:
                self.finish_began = True
                assert not self.counts["finish"] and self.stream.writable_finished
            self.act("callback")
        return call_back

    @property
    def expected(self) -> Dict[int, str]:
        return self.__dict__.setdefault("_expected", {})

    def expect(self, number: int, code: str) -> None:
        self.expected[number] = code
        for problem in self.outcomes[number]:
            assert getattr(problem, "code", None) == code

    def on_data(self, chunk: bytes) -> None:
        assert not self.paused, "'data' after pause"
        assert not self.stream.destroyed, "'data' after destroy"
        assert not self.counts["end"] and not self.stream.readable_ended, "'data' after 'end'"
        self.taken += chunk
        assert self.fed.startswith(self.taken)
        self.act("data")

    def on_end(self) -> None:
        assert self.eof and self.taken == self.fed, "'end' before the last byte"
        assert self.stream.readable_ended and not self.stream.destroyed
        self.tell("end")

    def on_finish(self) -> None:
        assert self.stream.writable_finished and not self.stream.destroyed
        assert self.stream.sent == self.accepted
        self.finish_began = True
        self.tell("finish")

    def on_drain(self) -> None:
        assert self.drain_owed, "'drain' that nobody waits for"
        assert not self.stream.writable_length and not self.stream.writable_need_drain
        assert not self.ended and not self.stream.destroyed
        self.drain_owed = False
        self.counts["drain"] += 1
        self.act("drain")

    def on_error(self, problem: BaseException) -> None:
        assert self.failed and self.stream.destroyed
        self.tell("error")

    def on_close(self, had_error: bool) -> None:
        assert had_error is self.failed and self.counts["error"] == self.failed
        self.tell("close")

    def tell(self, event: str) -> None:
        assert not self.counts["close"], "{} after 'close'".format(event)
        self.counts[event] += 1
        assert self.counts[event] == 1, "{} twice".format(event)
        self.act(event)

    def act(self, event: str) -> None:
        name = self.acts.pop(event, None)
        if name is not None and self.can(name):
            self.do(name)

    # ---- checks ----

    def check(self) -> None:
        """After every operation."""
        stream = self.stream
        assert self.accepted.startswith(stream.sent), "sent what was not written"
        assert stream.destroyed is self.destroyed
        assert stream.readable_ended is bool(self.counts["end"])
        assert stream.writable_finished is self.finish_began
        assert stream.fins <= 1 and (not stream.fins or stream.sent == self.accepted)
        assert stream.readable_length <= 3 + 2
        assert not (self.ended and stream._corked), "a cork that 'end' has not removed"
        if self.destroyed:
            assert not stream._wants_read() and not stream._wants_write()
            assert not stream.writable and not stream.readable and not stream.writable_need_drain
            assert not stream.writable_length and not stream.readable_length
        else:
            assert stream.writable_length == len(self.accepted) - len(stream.sent)
            assert stream.writable_ended is (self.ended or self.ended_by_peer())
            if not stream.writable_ended:
                assert stream._link is NEW or stream.writable
                assert not self.drain_owed or stream.writable_need_drain or stream.items
            assert stream.is_paused() is self.paused

    def check_outcomes(self, except_late: bool = False) -> None:
        for number, outcomes in self.outcomes.items():
            if except_late and number in self.late:
                continue
            assert len(outcomes) == 1, "callback {} had {} outcomes".format(number, len(outcomes))

    def state(self) -> Any:
        """All that decides what can follow."""
        stream = self.stream
        return (
            stream._link, stream._output, stream._input, stream._need_drain, stream._drained, stream._drain_posted,
            stream._ended_by_peer,
            stream._flowing, stream._paused, stream._end_posted, stream._flow_posted, stream._had_error,
            tuple(len(data) for data, _ in stream._queue or ()), tuple(map(len, stream._buffer or ())),
            len(stream._end_callbacks or ()), tuple(stream._told or ()), stream.room, stream.fins, stream.closing,
            stream.failure is None, tuple((call.__name__, str(args[-1:])) for call, args in stream.items),
            self.corked, stream._corked, stream._before_cork, self.heard, self.paused, self.eof, self.ended,
            self.destroyed, self.failed,
            self.finish_began, self.drain_owed,
            tuple(self.counts.items()), tuple(self.acts),
            tuple((number in self.written, number in self.late, self.expected.get(number))
                  for number, outcomes in self.outcomes.items() if not outcomes))

    def pump(self) -> None:
        """Whatever can still happen of itself, happens."""
        stream = self.stream
        while True:
            while self.corked:
                self.do_uncork()
            while self.can("deliver"):
                self.do_deliver()
                self.check()
            if stream._link is CONNECTING:
                self.do_establish()
            elif stream._wants_write():
                self.do_kernel(PLENTY)
            elif not self.corked:
                return
            self.check()

    def finish(self) -> None:
        """Pump, and look whether all that was begun has come to its end; then destroy, and look again."""
        stream = self.stream
        self.pump()
        while not self.destroyed:       # more than once: a listener of 'close' may begin a new life
            self.check_finished()
            self.do_destroy()
            self.pump()
        assert self.counts["close"] == 1
        self.check_outcomes()
        assert stream._told is not None and "close" in stream._told

    def check_finished(self) -> None:
        stream, counts = self.stream, self.counts
        assert stream.sent == self.accepted
        if self.ended:
            assert counts["finish"] and stream.fins == (stream._link is OPEN)
        assert self.ended or self.ended_by_peer() or not self.drain_owed, "a 'drain' is missing"
        for number in self.written:
            if number in self.pending:
                assert self.outcomes[number] == [None]
        if self.eof and not self.paused and (self.heard or self.taken == self.fed):
            assert counts["end"] and self.half_open, "it should have ended, and closed"
        assert not (counts["end"] and counts["finish"]), "both halves are over: it should have closed"
        assert not counts["close"]


def play(names: Sequence[str], seen: Optional[Set[Any]] = None, **options: Any) -> bool:
    """One order of operations, checked; `False` if one of them cannot happen, or leads to a state in `seen`."""
    run = Run(**options)
    try:
        run.check()
        for name in names:
            if not run.can(name):
                return False
            run.do(name)
            run.check()
        if seen is not None:
            state = run.state()
            if state in seen:
                return False
            seen.add(state)
        run.finish()
    except (AssertionError, KeyError) as problem:
        raise AssertionError("{}: {!r}".format(", ".join(names), problem)) from problem
    return True


def explore(operations: Sequence[str], depth: int, **options: Any) -> int:
    """Play every order of up to `depth` operations; how many states there are."""
    seen: Set[Any] = set()
    level: List[Tuple[str, ...]] = [()]
    for _ in range(depth):
        level = [(*names, name) for names in level for name in operations if play((*names, name), seen, **options)]
    return len(seen)


OPERATIONS = ("write", "end", "destroy", "pause", "resume", "feed", "eof", "error", "broken", "kernel", "deliver",
              "cork", "uncork")
READING_OPERATIONS = ("listen", "read", "pause", "feed", "eof", "error", "destroy", "deliver", "end")
UNDER_LISTENERS = ("write", "end", "pause", "resume", "feed", "eof", "kernel", "deliver")
BEGINNINGS = ("connect", "establish", "refuse", "write", "end", "destroy", "deliver", "feed", "eof")


@pytest.mark.parametrize("half_open", [False, True])
def test_every_order_of_five_operations_on_a_connection(half_open: bool) -> None:
    assert explore(OPERATIONS, 5, attached=True, half_open=half_open) > 1000


@pytest.mark.parametrize("half_open", [False, True])
def test_every_order_of_five_operations_from_before_the_connection(half_open: bool) -> None:
    assert explore(BEGINNINGS, 5, attached=False, half_open=half_open) > 450


@pytest.mark.parametrize("half_open", [False, True])
def test_every_order_of_five_operations_where_nobody_listens_at_first(half_open: bool) -> None:
    assert explore(READING_OPERATIONS, 5, attached=True, half_open=half_open, heard=False) > 500


@pytest.mark.parametrize("act", ["write", "end", "destroy", "pause", "resume", "error", "broken", "cork", "connect"])
@pytest.mark.parametrize("event", ["data", "end", "finish", "drain", "close", "callback"])
def test_every_order_of_three_operations_with_one_done_by_a_listener(event: str, act: str) -> None:
    for half_open in (False, True):
        explore(UNDER_LISTENERS, 3, attached=True, half_open=half_open, acts={event: act})


# ---- the tables ----

def mutations() -> List[Any]:
    """Every entry of the three tables, taken out and put wrong in every way."""
    found = []
    for name, table in (("LINK", LINK), ("OUTPUT", OUTPUT), ("INPUT", INPUT)):
        states = sorted({state for state, _ in table} | set(table.values()))
        for key, right in table.items():
            for wrong in [None] + [state for state in states if state != right]:
                found.append(pytest.param(table, key, wrong, id="{} {}: {}".format(name, " ".join(key), wrong)))
    return found


@pytest.mark.parametrize("table, key, wrong", mutations())
def test_the_explorer_notices_a_wrong_entry(monkeypatch: pytest.MonkeyPatch, table: Dict[Any, str], key: Any,
                                            wrong: Optional[str]) -> None:
    if wrong is None:
        monkeypatch.delitem(table, key)
    else:
        monkeypatch.setitem(table, key, wrong)
    with pytest.raises((AssertionError, KeyError)):
        for half_open in (False, True):
            explore(OPERATIONS, 3, attached=True, half_open=half_open)
            explore(BEGINNINGS, 4, attached=False, half_open=half_open)


# ---- single behaviours ----

def attached(**options: Any) -> HandDriven:
    return HandDriven(**options).attach()


def test_a_write_that_interrupts_a_write_comes_after_it_and_is_followed_by_drain() -> None:
    """A signal handler may call in while its own thread is inside: the call is done on the way out."""
    made = attached()
    told = made.events("drain")
    answers: List[bool] = []
    made.interruption = lambda: answers.append(made.write(b"handler"))
    assert made.write(b"main ") is True
    assert made.sent == b"main handler"
    assert answers == [False]
    made.deliver_all()
    assert told == ["drain"]            # it was answered with False, so who waits for 'drain' must not wait for ever


def test_a_mutable_buffer_of_an_interrupting_write_is_copied_at_once() -> None:
    made = attached()
    buffer = bytearray(b"first")

    def interrupt() -> None:
        made.write(buffer)
        buffer[:] = b"spoil"
    made.interruption = interrupt
    made.write(b"x")
    assert made.sent == b"xfirst"


def test_a_destroy_that_interrupts_a_write_is_done_after_it() -> None:
    made = attached()
    told = made.events("close")
    made.interruption = made.destroy  # type: ignore[assignment]
    assert made.write(b"whole") is True
    assert made.sent == b"whole" and made.destroyed
    made.deliver_all()
    assert told == [("close", False)]


def test_a_write_that_interrupts_another_and_finds_no_room_is_queued() -> None:
    made = attached(room=4)
    told = made.events("drain")
    made.interruption = lambda: made.write(b"5678")
    assert made.write(b"1234") is True
    assert made.writable_length == 4
    made.accept()
    made.deliver_all()
    assert (made.sent, told) == (b"12345678", ["drain"])


def test_a_read_that_interrupts_a_method_takes_nothing() -> None:
    """What it took could only come later, when nobody waits for it any more."""
    made = attached()
    made.receive(b"abc")
    answers: List[Any] = []
    made.interruption = lambda: answers.append(made.read())
    made.write(b"x")
    assert answers == [None] and made.read() == b"abc"


def ctrl_c() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_a_write_is_sent_costs_the_connection() -> None:
    made = attached()
    told = made.events("error", "close")
    heard: List[Any] = []
    made.interruption = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        made.write(b"torn", callback=heard.append)
    made.deliver_all()
    assert [type(each) for each in heard] == [KeyboardInterrupt]
    assert type(told[0][1]) is KeyboardInterrupt and told[1:] == [("close", True)]


def test_ctrl_c_while_the_rest_of_a_write_is_queued_is_told_once() -> None:
    made = attached(room=2)
    told = made.events("error", "close")
    heard: List[Any] = []

    def strike() -> None:
        del made._interest_changed          # type: ignore[method-assign]
        raise KeyboardInterrupt
    made._interest_changed = strike         # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        made.write(b"torn", callback=heard.append)
    made.deliver_all()
    assert [type(each) for each in heard] == [KeyboardInterrupt]
    assert type(told[0][1]) is KeyboardInterrupt and told[1:] == [("close", True)]


def test_ctrl_c_while_the_queue_is_sent_costs_the_connection() -> None:
    made = attached(room=0)
    heard: List[Any] = []
    made.on("error", heard.append)
    made.write(b"first", callback=heard.append)
    made.write(b"second", callback=heard.append)
    made.interruption = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        made.accept()
    made.deliver_all()
    assert [type(each) for each in heard] == [KeyboardInterrupt] * 3 and made.destroyed


@pytest.mark.parametrize("wrong", ["text", 1, KeyError, False])
def test_destroy_takes_an_exception_and_nothing_else(wrong: Any) -> None:
    made = attached()
    with pytest.raises(TypeError) as caught:
        made.destroy(wrong)
    assert getattr(caught.value, "code") == "ERR_INVALID_ARG_TYPE" and not made.destroyed


def test_end_with_data_of_what_was_never_connected_is_an_error() -> None:
    made = HandDriven()
    told = made.events("error", "close")
    heard: List[Any] = []
    made.end(b"x", callback=heard.append)
    made.deliver_all()
    assert [problem.code for problem in heard] == ["ERR_SOCKET_CLOSED"]
    assert told[0][1] is heard[0] and told[1:] == [("close", True)]


def test_an_end_that_is_received_twice_is_told_once() -> None:
    made = attached()
    told = made.events("end")
    made.resume()
    made.receive(b"")
    made.receive(b"")
    made.deliver_all()
    assert told == ["end"]


def test_read_without_a_size_takes_one_chunk_of_what_is_about_to_flow() -> None:
    """As Node: the next 'data' is what comes after it."""
    made = attached()
    for chunk in (b"one", b"two"):
        made.receive(chunk)
    chunks: List[bytes] = []
    made.on("data", chunks.append)
    assert made.read() == b"one"
    made.deliver_all()
    assert sorted(chunks) == [b"one", b"two"]


def test_data_that_read_emits_comes_before_end() -> None:
    made = attached()
    told = made.events("end")
    made.pause()
    made.on("data", told.append)
    made.receive(b"last")
    made.receive(b"")
    assert made.read() == b"last"
    made.deliver_all()
    assert told == [b"last", "end"]


def test_read_takes_exactly_as_much_as_it_is_asked_for() -> None:
    made = attached(high_water_mark=100)
    for chunk in (b"abc", b"de", b"fgh"):
        made.receive(chunk)
    assert made.read(4) == b"abcd"
    assert made.read(1) == b"e"
    assert made.read(4) is None and made.readable_length == 3
    assert made.read() == b"fgh" and made.read() is None


def test_read_gives_what_is_left_when_the_end_is_known() -> None:
    made = attached()
    made.receive(b"abc")
    made.receive(b"")
    assert made.read(10) == b"abc"


def test_a_read_beyond_the_high_water_mark_raises_it() -> None:
    made = attached(high_water_mark=2)
    made.receive(b"ab")
    assert not made._wants_read()
    assert made.read(5) is None
    assert made.readable_high_water_mark == 8 and made._wants_read()      # the next power of two, as in Node
    made.receive(b"cde")
    assert made.read(5) == b"abcde"


def test_a_late_listener_is_told_of_what_the_closed_stream_had_reached() -> None:
    made = attached()
    made.resume()
    made.end()
    made.receive(b"")
    made.deliver_all()
    assert made.destroyed
    assert made.events("end", "finish", "close") == []
    told = made.events("end", "finish", "close")
    made.deliver_all()
    assert told == ["end", "finish", ("close", False)]


def test_a_late_listener_that_was_taken_off_again_is_not_told() -> None:
    made = attached()
    made.receive(b"")
    made.deliver_all()
    told: List[str] = []
    listener = lambda: told.append("end")  # noqa: E731
    made.on("end", listener)
    made.off("end", listener)
    made.deliver_all()
    assert told == []


def test_drain_is_told_to_late_listeners_until_the_next_write() -> None:
    made = attached(room=1)
    assert made.write(b"ab") is False
    made.accept()
    made.deliver_all()
    early = made.events("drain")
    made.deliver_all()
    assert early == ["drain"]
    made.write(b"c")
    late = made.events("drain")
    made.deliver_all()
    assert late == []


def test_a_write_between_the_empty_queue_and_drain_leaves_nothing_to_late_listeners() -> None:
    made = attached(room=1)
    early = made.events("drain")
    made.write(b"ab")
    made.accept()               # 'drain' is under way
    assert made.write(b"c") is True
    made.deliver_all()
    late = made.events("drain")
    made.deliver_all()
    assert early == ["drain"] and late == []


def test_drain_is_not_remembered_by_a_stream_that_has_more_to_send() -> None:
    made = attached(room=1)
    made.write(b"ab")
    made.accept(1)              # 'drain' is under way,
    made.write(b"c")            # and untrue before it arrives
    made.deliver_all()
    told = made.events("drain")
    made.deliver_all()
    assert told == [] and made.writable_need_drain
    made.accept()
    made.deliver_all()
    assert told == ["drain"]


def test_the_end_callback_hears_of_the_write_that_failed_in_end() -> None:
    made = attached()
    made.failure = OSError(errno.EPIPE, "")
    outcomes: List[Any] = []
    made.on("error", lambda problem: None)
    made.end(b"lost", outcomes.append)
    made.deliver_all()
    assert [problem.code for problem in outcomes] == ["EPIPE"]


def test_the_end_callback_hears_of_the_fin_that_failed() -> None:
    made = attached()
    made.failure = OSError(errno.EPIPE, "")
    outcomes: List[Any] = []
    made.on("error", lambda problem: None)
    made.end(outcomes.append)
    made.deliver_all()
    assert [(problem.code, problem.syscall) for problem in outcomes] == [("EPIPE", "shutdown")]


def test_many_queued_writes_leave_in_few_sends() -> None:
    made = attached(room=0)
    for number in range(100):
        made.write(b"%03d" % number)
    made.sends.clear()
    made.accept()
    assert [len(sent) for sent in made.sends] == [64 * 3, 36 * 3]
    assert made.sent == b"".join(b"%03d" % number for number in range(100))


def test_empty_writes_between_others_have_their_callbacks_in_order() -> None:
    made = attached(room=0)
    told: List[int] = []
    for number, data in enumerate([b"", b"a", b"", b"", b"b", b""]):
        made.write(data, lambda problem, number=number: told.append(number))
    made.deliver_all()
    assert told == [0]                  # nothing waited before it
    made.accept()
    made.deliver_all()
    assert told == [0, 1, 2, 3, 4, 5] and made.sent == b"ab"


def test_a_finish_callback_that_destroys_prevents_the_event() -> None:
    made = attached()
    told = made.events("finish", "close")
    made.end(lambda problem: made.destroy())
    made.deliver_all()
    assert told == [("close", False)]


def test_a_read_of_a_destroyed_stream_asks_for_nothing_in_the_next_life() -> None:
    made = attached()
    made._hold_reading = True
    made.destroy()
    made.read(0)
    assert made._hold_reading


def test_end_before_connect_sends_its_fin_when_connected() -> None:
    made = HandDriven()
    told = made.events("finish")
    made.end()
    made.connect()
    made.establish()
    assert made.fins == 1
    made.deliver_all()
    assert told == ["finish"]


def test_a_listener_that_raises_destroys_the_stream_with_it() -> None:
    made = attached()
    made.on("error", lambda problem: told.append(problem))
    told: List[Any] = []

    def listener(chunk: bytes) -> None:
        raise Boom("mine")
    made.on("data", listener)
    made.receive(b"x")
    assert made.destroyed
    made.deliver_all()
    assert [str(problem) for problem in told] == ["mine"]


@pytest.mark.parametrize("encoding, text", [("utf-8", "añ€𝄞z"), ("utf16le", "a€𝄞z"), ("base64", "AQIDBAUG"),
                                            ("hex", "010203"), ("shift_jis", "日本語")])
def test_no_cut_tears_a_character(encoding: str, text: str) -> None:
    from netcompat.encodings import encode
    data = encode(text, encoding)
    for cut in range(len(data) + 1):
        made = attached()
        chunks: List[str] = []
        made.set_encoding(encoding)
        made.on("data", chunks.append)
        for part in (data[:cut], data[cut:]):
            if part:
                made.receive(part)
        made.receive(b"")
        made.deliver_all()
        assert "".join(chunks) == text and "" not in chunks


def test_an_incomplete_character_at_the_end_is_not_lost() -> None:
    made = attached()
    made.set_encoding()
    chunks: List[str] = []
    made.on("data", chunks.append)
    told = made.events("end")
    made.receive("é".encode()[:1])
    made.receive(b"")
    made.deliver_all()
    assert chunks == ["\ufffd"] and told == ["end"]


def test_set_encoding_holds_for_what_waits_already() -> None:
    made = attached()
    data = "häh".encode()
    made.receive(data[:2])
    made.set_encoding("utf-8")
    assert made.readable_length == 1
    made.receive(data[2:])
    assert made.read(2) == "hä" and made.read() == "h"


def test_another_encoding_holds_for_what_waits_in_the_first() -> None:
    made = attached()
    made.set_encoding("hex")
    made.receive(b"\xc3")
    made.set_encoding("utf-8")
    made.receive(b"\xa4")
    assert made.read() == "ä"


def test_readable_tells_of_data_and_of_the_end() -> None:
    made = attached()
    told: List[Any] = []
    made.on("readable", lambda: told.append(made.read()))
    made.on("end", lambda: told.append("end"))
    made.receive(b"abc")
    made.deliver_all()
    made.receive(b"")
    made.deliver_all()
    assert told == [b"abc", None, "end"]


def test_a_readable_listener_stops_the_flow_until_it_is_gone() -> None:
    made = attached()
    chunks: List[bytes] = []
    made.on("data", chunks.append)
    made.on("readable", print)
    assert made.readable_flowing is False
    made.receive(b"abc")
    assert chunks == []
    made.off("readable", print)
    made.deliver_all()
    assert chunks == [b"abc"] and made.readable_flowing is True


def test_readable_is_told_to_who_comes_when_something_waits() -> None:
    made = attached()
    told: List[str] = []
    made.receive(b"abc")
    made.on("readable", lambda: told.append("first"))
    made.on("readable", lambda: told.append("second"))
    made.deliver_all()
    assert told == ["first", "second"] and made.readable_flowing is False


def test_readable_is_not_told_of_what_was_read_in_the_meantime() -> None:
    made = attached()
    told = made.events("readable")
    made.receive(b"abc")
    assert made.read() == b"abc"
    made.deliver_all()
    assert told == []


def test_without_its_last_readable_listener_a_stream_is_as_new_or_flows() -> None:
    made = attached()
    made.on("readable", print)
    made.off("readable", print)
    assert made.readable_flowing is None        # nobody has asked for data
    told = made.events("resume", "data")
    made.deliver_all()
    del told[:]
    made.on("readable", print)
    made.off("readable", print)
    made.deliver_all()
    made.receive(b"abc")
    assert told == ["resume", ("data", b"abc")] and made.readable_flowing is True


def test_pause_in_a_listener_keeps_the_rest_of_the_buffer() -> None:
    made = attached()
    made.pause()
    for chunk in (b"a", b"b", b"c"):
        made.receive(chunk)
    chunks: List[bytes] = []

    def listener(chunk: bytes) -> None:
        chunks.append(chunk)
        made.pause()
    made.on("data", listener)
    made.resume()
    made.deliver_all()
    assert chunks == [b"a"] and made.readable_length == 2
    made.resume()
    made.deliver_all()
    assert chunks == [b"a", b"b"]


def test_pause_and_resume_tell_at_once_in_the_streams_own_listener_and_in_turn_elsewhere() -> None:
    made = attached()
    told = made.events("pause", "resume")
    made.pause()
    assert told == []
    made.deliver_all()
    assert told == ["pause"]

    def listener(chunk: bytes) -> None:
        made.pause()
        assert told == ["pause", "resume", "pause"]
    made.on("data", listener)
    made.resume()
    made.deliver_all()
    made.receive(b"x")
    assert told == ["pause", "resume", "pause"]


def test_resume_is_told_before_the_data_that_flows_by_it() -> None:
    """Called elsewhere than in a listener: what was buffered, and what is received before 'resume' could be told."""
    made = attached()
    told: List[Any] = []
    made.on("data", told.append)
    made.on("resume", lambda: told.append("resume"))
    made.deliver_all()
    del told[:]
    made.pause()
    made.receive(b"a")
    made.resume()
    made.deliver_all()
    assert told == ["resume", b"a"]
    made.pause()
    made.resume()
    made.receive(b"b")
    made.deliver_all()
    made.receive(b"c")
    assert told[2:] == ["resume", b"b", b"c"]


def test_resume_is_told_before_the_data_when_the_last_readable_listener_goes() -> None:
    made = attached()
    told: List[Any] = []
    listener = made.events("readable").append
    made.on("readable", listener)
    made.on("data", told.append)
    made.on("resume", lambda: told.append("resume"))
    made.receive(b"a")
    made.remove_all_listeners("readable")
    made.deliver_all()
    assert told == ["resume", b"a"]


# ---- pipes ----

def test_a_pipe_that_ends_with_its_source_leaves_it_paused() -> None:
    source, destination = attached(allow_half_open=True), attached()
    told = source.events("pause", "end")
    source.pipe(destination)
    source.receive(b"")
    for each in (source, destination, source):
        each.deliver_all()
    assert told == ["end", "pause"] and source.is_paused() and destination.writable_finished


def test_a_drain_between_the_refused_write_and_the_pause_is_not_lost() -> None:
    """On two threads: the destination drains, and tells, before the source is paused."""
    source, destination = attached(), attached(room=1)
    source.pipe(destination)
    destination.deliver_all()

    def pause() -> HandDriven:
        destination.accept()
        destination.deliver_all()
        return Duplex.pause(source)  # type: ignore[return-value]
    source.pause = pause  # type: ignore[method-assign,assignment]
    source.receive(b"ab")
    del source.pause
    assert destination.sent == b"ab"
    source.receive(b"cd")
    source.deliver_all()
    assert destination.sent == b"abcd"


def test_a_full_destination_pauses_the_source_until_drain() -> None:
    source, destination = attached(), attached(room=1)
    source.pipe(destination)
    source.receive(b"ab")
    assert source.is_paused()
    destination.accept()
    assert source.is_paused()
    destination.deliver_all()
    assert not source.is_paused()


def test_a_destination_that_is_full_already_is_waited_for() -> None:
    source, destination = attached(), attached(room=1)
    destination.write(b"full")
    source.pipe(destination)
    assert source.is_paused()
    destination.accept()
    destination.deliver_all()
    assert not source.is_paused()


def test_the_slowest_of_several_pipes_sets_the_pace() -> None:
    source, slow, slower = attached(), attached(room=0), attached(room=0)
    source.pipe(slow)
    source.pipe(slower)
    source.receive(b"ab")
    slow.accept()
    slow.deliver_all()
    assert source.is_paused()
    slower.accept()
    slower.deliver_all()
    assert not source.is_paused()


def test_unpipe_of_the_one_that_is_waited_for_lets_the_others_go_on() -> None:
    source, quick, stuck = attached(), attached(), attached(room=0)
    source.pipe(quick)
    source.pipe(stuck)
    source.receive(b"ab")
    assert source.is_paused()
    source.unpipe(stuck)
    assert not source.is_paused()
    source.receive(b"cd")
    source.deliver_all()
    assert quick.sent == b"abcd"


def test_unpipe_of_the_last_pauses_and_a_drain_to_come_does_not_resume() -> None:
    source, destination = attached(), attached(room=0)
    source.pipe(destination)
    source.receive(b"ab")
    source.unpipe(destination)
    destination.accept()
    destination.deliver_all()
    source.deliver_all()
    assert source.is_paused()
    source.receive(b"cd")
    assert source.read() == b"cd"


def test_a_destination_that_closes_leaves_the_source_paused_with_its_data() -> None:
    source, destination = attached(), attached()
    source.pipe(destination)
    destination.destroy()
    destination.deliver_all()
    assert source.is_paused()
    source.receive(b"kept")
    assert source.read() == b"kept"


def test_the_end_of_the_source_ends_the_destination_unless_told_otherwise() -> None:
    for end in (True, False):
        source, destination = attached(), attached()
        told = destination.events("unpipe")
        source.pipe(destination, end=end)
        source.receive(b"")
        source.deliver_all()
        destination.deliver_all()
        assert destination.writable_ended is end
        assert told == [("unpipe", source)]
        assert source.listener_count("data") == 0


def test_pipe_and_unpipe_are_told_to_the_destination() -> None:
    source, destination = attached(), attached()
    told = destination.events("pipe", "unpipe")
    source.pipe(destination)
    source.unpipe(destination)
    destination.deliver_all()
    assert told == [("pipe", source), ("unpipe", source)]


def test_pipe_to_what_has_finished_tells_of_the_pipe_first() -> None:
    source, destination = attached(), attached(allow_half_open=True)
    destination.end()
    destination.deliver_all()
    told = destination.events("pipe", "unpipe")
    source.pipe(destination)
    destination.deliver_all()
    assert told == [("pipe", source), ("unpipe", source)]
    assert not source.listener_count("data")


def test_a_pipe_listener_may_unpipe() -> None:
    source, destination = attached(), attached()
    destination.on("pipe", lambda piped: piped.unpipe(destination))
    destination.delivering = True           # so 'pipe' comes within the call
    source.pipe(destination)
    assert not source.listener_count("data") and not destination.listener_count("finish")
    assert not any(destination.listener_count(name) for name in ("drain", "close", "finish", "error"))


def test_pipe_to_any_emitter_that_writes_tells_it() -> None:
    class Sink(EventEmitter):
        def __init__(self) -> None:
            super().__init__()
            self.written: List[bytes] = []

        def write(self, chunk: bytes) -> bool:
            self.written.append(chunk)
            return True

    source, sink = attached(), Sink()
    told: List[Any] = []
    sink.on("pipe", lambda piped: told.append(("pipe", piped)))
    sink.on("unpipe", lambda piped: told.append(("unpipe", piped)))
    source.pipe(sink)
    source.deliver_all()
    source.receive(b"abc")
    source.receive(b"")                     # it has neither end() nor close(): nothing is called
    source.deliver_all()
    source.unpipe(sink)
    source.unpipe(sink)
    assert told == [("pipe", source), ("unpipe", source)] and sink.written == [b"abc"]


def test_pipe_to_a_raw_file_that_takes_a_part_writes_the_rest() -> None:
    class Narrow(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.written += bytes(data[:2])
            return min(len(data), 2)

    source, file = attached(), Narrow()
    source.pipe(file)
    source.deliver_all()
    source.receive(b"abcde")
    source.receive(b"")
    source.deliver_all()
    assert file.written == b"abcde" and file.closed


def test_an_error_of_the_destination_ends_the_pipe_and_is_left_to_who_listens() -> None:
    """The pipe's own listener is none that cares for it: without another one it would be reported."""
    source, destination = attached(), attached()
    unheard: List[Any] = []
    destination._error_unheard = unheard.append     # type: ignore[method-assign]
    source.pipe(destination)
    destination.fail(errno.ECONNRESET)
    destination.deliver_all()
    assert [problem.code for problem in unheard] == ["ECONNRESET"]
    assert source.is_paused() and not source.listener_count("data")
    other = attached()
    heard = other.events("error")
    other._error_unheard = unheard.append           # type: ignore[method-assign]
    source.pipe(other)
    other.fail(errno.ECONNRESET)
    other.deliver_all()
    assert len(unheard) == 1 and len(heard) == 1


# ---- marks ----

def test_the_default_high_water_mark_holds_for_streams_made_afterwards() -> None:
    before = stream.get_default_high_water_mark()
    try:
        old = HandDriven()
        stream.set_default_high_water_mark(123)
        assert HandDriven().readable_high_water_mark == 123
        assert HandDriven(high_water_mark=7).writable_high_water_mark == 7
        assert old.readable_high_water_mark == before == 65536
    finally:
        stream.set_default_high_water_mark(before)


@pytest.mark.parametrize("mark", [True, 1.5, "1", -1])
def test_a_high_water_mark_is_a_natural_number(mark: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        stream.set_default_high_water_mark(mark)
    with pytest.raises((TypeError, ValueError)):
        HandDriven(high_water_mark=mark)


def test_reading_stops_at_the_high_water_mark_and_goes_on_below_it() -> None:
    made = attached(high_water_mark=4)
    made.receive(b"abc")
    assert made._wants_read()
    made.receive(b"d")
    assert not made._wants_read()
    made.read(1)
    assert made._wants_read()


def test_with_a_high_water_mark_of_zero_one_chunk_is_read_at_a_time() -> None:
    made = attached(high_water_mark=0)
    assert made._wants_read()
    made.receive(b"a")
    assert not made._wants_read()
    made.read()
    assert made._wants_read()
