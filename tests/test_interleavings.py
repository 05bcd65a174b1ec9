"""Threads in every order: a part of what `tools/explore.py` plays, and faults put in on purpose that it must find."""
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))
import explore  # noqa: E402
import interleaving  # noqa: E402
sys.path.pop(0)

from netcompat.runtime import lifetime  # noqa: E402
from netcompat.runtime.gate import Gate  # noqa: E402
from netcompat.runtime.reactor import Reactor  # noqa: E402
from netcompat.runtime.strand import Strand  # noqa: E402
from netcompat.runtime.workers import Pool  # noqa: E402
from netcompat.socket import Socket  # noqa: E402
from netcompat.stream import Duplex  # noqa: E402


by_byte_codes = pytest.mark.skipif(not interleaving.BYTE_CODES, reason="this Python cannot")


@pytest.fixture
def virtual() -> Iterator[None]:
    with explore.virtual_package("stream"):
        yield


@pytest.fixture
def virtual_engine() -> Iterator[None]:
    with explore.virtual_package("engine"):
        yield
    assert not lifetime._refed, "that would keep a real keeper for ever"


def played(scenario: Any, bound: int = 1, **options: Any) -> int:
    """The number of interleavings, none of which fails."""
    result = interleaving.explore(scenario, bound=bound, **options)
    assert result.failure is None, "{} {}".format(result.failure, getattr(result.failure, "choices", ""))
    return result.runs


def found(scenario: Any, bound: int = 2, **options: Any) -> str:
    """What the explorer says of a scenario in which something is wrong."""
    failure = interleaving.explore(scenario, bound=bound, **options).failure
    assert failure is not None, "it was not noticed"
    again = interleaving.explore(scenario, bound=bound, replay=failure.choices, **options)
    assert str(again.failure) == str(failure), "another failure when it is played again"
    return str(failure)


# ---- a part of the exploration ----

@pytest.mark.parametrize("scenario", explore.STRANDS + explore.GATES)
def test_a_strand_and_gates_in_every_order(virtual: None, scenario: Any) -> None:
    assert played(scenario, 2) > 10


@pytest.mark.parametrize("operations", [("write", "write"), ("write", "destroy"), ("end", "late"), ("pause", "resume"),
                                        ("corked", "read"), ("write", "destroy", "late")])
def test_operations_at_the_same_time(virtual: None, operations: Any) -> None:
    assert played(explore.on_a_stream(*operations)) > 30


@by_byte_codes
def test_posting_byte_code_by_byte_code(virtual: None) -> None:
    assert played(explore.two_posters, watched=explore.WATCHED) > 100


@pytest.mark.parametrize("mode", explore.MODES, ids=lambda mode: mode.name.strip() or "selector")
@pytest.mark.parametrize("scenario", explore.ENGINES)
def test_the_engine(virtual_engine: None, scenario: Any, mode: Any) -> None:
    assert played(mode.of(scenario), most=100) > 5


@pytest.mark.parametrize("operations", [("write", "destroy"), ("sendall", "shutdown"), ("recv", "destroy")])
def test_a_socket_on_the_engine(virtual_engine: None, operations: Any) -> None:
    assert played(explore.engine_socket(*operations, heard="recv" not in operations)) > 50


@by_byte_codes
@pytest.mark.parametrize("first, second", [("write", "write"), ("write", "destroy"), ("destroy", "end"),
                                           ("end", "pause"), ("read", "late")])
def test_a_handler_at_each_byte_code(virtual: None, first: str, second: str) -> None:
    assert sum(played(scenario) for scenario in explore.interrupting(first, second, 7)) > 5


@pytest.mark.parametrize("operations", [("other+arrive+fin", "pause+resume"), ("arrive+rest+reset", "write"),
                                        ("arrive+arrive", "resume", "destroy")])
def test_what_epoll_says_once(virtual_engine: None, operations: Any) -> None:
    scenario = explore.edges(*operations, pauses=len(operations) == 3)
    assert played(explore.Mode(free_threaded=False, epoll=True).of(scenario)) > 20


# ---- faults that it must find ----

def test_it_finds_a_strand_that_is_released_too_late(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def done(self: Strand) -> None:
        with self._lock:
            self.runner = 0
            more = bool(self._items)
        with self._lock:                    # what was queued in between found the claim taken
            self._free.append(None)
        if more and self._claim():
            explore.Pool.current.schedule(self)
    monkeypatch.setattr(Strand, "_done", done)
    assert "lost" in found(explore.two_posters)


def test_it_finds_a_strand_that_is_scheduled_twice(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Strand.post

    def post(self: Strand, call: Callable[..., Any], *args: Any) -> None:
        original(self, call, *args)
        explore.Pool.current.schedule(self)
    monkeypatch.setattr(Strand, "post", post)
    assert found(explore.three_posters)


def test_it_finds_gates_that_wait_for_each_other(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "_must_not_wait", lambda self: self._lock._is_owned())
    assert "deadlock" in found(explore.crossing_gates)


@by_byte_codes
def test_it_finds_a_call_that_was_put_off_for_ever(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "_defer", lambda self, call, *args: self._deferred.append((call, args)))
    assert found(explore.crossing_gates, 2, watched=explore.WATCHED)


@by_byte_codes
def test_it_finds_a_handler_that_enters_a_half_done_method(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "_must_not_wait", lambda self: False)
    with pytest.raises(AssertionError):
        for scenario in explore.interrupting("last_words", "last_words", 3):
            played(scenario)


@by_byte_codes
def test_it_finds_a_drain_that_is_forgotten(virtual: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Duplex, "_write_deferred", lambda self, data, callback: self._write(data, callback))
    with pytest.raises(AssertionError):
        for scenario in explore.interrupting("write", "write"):
            played(scenario)


def test_it_finds_a_reactor_that_nobody_wakes(virtual_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reactor, "asleep", property(lambda self: self._bell is None))
    assert found(explore.engine_posts)


def test_it_finds_a_reactor_that_ends_without_a_second_look(virtual_engine: None, monkeypatch: pytest.MonkeyPatch
                                                            ) -> None:
    monkeypatch.setattr(Reactor, "_something_waits", lambda self: False)
    assert found(explore.engine_requests)


def test_it_finds_a_worker_that_lies_down_after_the_look(virtual_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Pool._sleep

    def sleep(self: Pool, me: Any) -> bool:
        self._idle.remove(me)           # nobody finds it
        return original(self, me)
    monkeypatch.setattr(Pool, "_sleep", sleep)
    with pytest.raises((AssertionError, ValueError)):
        played(explore.engine_posts)


def test_it_finds_input_that_was_said_once_and_is_left(virtual_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener pauses, bytes stay in the kernel, and somebody resumes before the reactor changes what is watched."""
    monkeypatch.setattr(Socket, "_ask_sync_of_edges", Socket._ask_sync)
    scenario = explore.edges("arrive+arrive+arrive", "resume", pauses=True)
    assert "input that nobody delivers" in found(explore.Mode(free_threaded=False, epoll=True).of(scenario))


def test_it_finds_a_worker_that_keeps_to_itself_what_is_for_the_reactor(virtual_engine: None,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset that it sees in the reactor's place, of a socket of which epoll says it once."""
    monkeypatch.setattr(Reactor, "_say_again", lambda self, number: None)
    scenario = explore.edges("other+reset", "pause+resume")
    assert "a reset that nobody sees" in found(explore.Mode(free_threaded=False, epoll=True).of(scenario))


# ---- the scheduler itself ----

def test_a_lock_that_is_never_released_is_a_deadlock() -> None:
    def scenario(schedule: Any) -> Callable[[], None]:
        lock = interleaving.Lock()
        schedule.task("a", lock.acquire)
        schedule.task("b", lock.acquire)
        return lambda: None
    assert "deadlock" in found(scenario, 0)


def test_polling_for_ever_is_a_livelock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaving, "STEPS", 500)

    def scenario(schedule: Any) -> Callable[[], None]:
        def poll() -> None:
            while True:
                schedule.give_way()
        schedule.task("a", poll)
        return lambda: None
    assert "livelock" in found(scenario, 0)


@by_byte_codes
def test_an_unguarded_counter_is_found_between_byte_codes_and_not_between_locks() -> None:
    def scenario(schedule: Any) -> Callable[[], None]:
        count = [0]
        for name in "ab":
            schedule.task(name, lambda: unguarded(count))

        def check() -> None:
            assert count == [2], "lost"
        return check
    assert played(scenario, 2) >= 1
    assert "lost" in found(scenario, 1, watched=frozenset([unguarded.__code__]))


def unguarded(count: List[int]) -> None:
    count[0] += 1


def test_every_order_of_two_threads_is_played() -> None:
    """Two threads of two steps each: six orders."""
    seen = set()

    def scenario(schedule: Any) -> Callable[[], None]:
        order: List[str] = []

        def steps(name: str) -> None:
            for _ in range(2):
                schedule.point()
                order.append(name)
        for name in "ab":
            schedule.task(name, lambda name=name: steps(name))
        return lambda: seen.add("".join(order))
    assert played(scenario, 4) >= 6
    assert seen == {"aabb", "abab", "abba", "bbaa", "baba", "baab"}


def test_time_passes_when_nothing_else_can_happen() -> None:
    def scenario(schedule: Any) -> Callable[[], None]:
        told: List[Any] = []
        lock = interleaving.Lock()
        lock.acquire()
        schedule.task("a", lambda: told.append((lock.acquire(True, 5.0), schedule.now)))
        return lambda: told == [(False, 1005.0)] or pytest.fail(str(told))
    assert played(scenario, 0) == 1


def test_no_thread_of_a_run_is_left_at_work() -> None:
    before = threading.active_count()
    for _ in range(3):
        test_every_order_of_two_threads_is_played()
    assert threading.active_count() <= before + 2
