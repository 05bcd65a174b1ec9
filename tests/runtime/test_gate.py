"""The gate: one thread at a time, never half-way twice, and no deadlock between two."""
import threading
from types import SimpleNamespace
from typing import Any, List

import pytest

from conftest import eventually
from netcompat.runtime import gate
from netcompat.runtime.gate import Gate


def test_it_returns_what_the_call_returned() -> None:
    assert Gate()._enter(lambda a, b: a + b, 1, 2) == 3


def test_an_exception_leaves_it_open() -> None:
    made = Gate()
    with pytest.raises(ZeroDivisionError):
        made._enter(lambda: 1 // 0)
    assert made._enter(lambda: "open") == "open"


def test_a_call_from_inside_is_done_on_the_way_out() -> None:
    made, ran = Gate(), []      # type: Gate, List[str]

    def inside() -> None:
        assert made._enter(ran.append, "deferred") is None
        ran.append("inside")
    made._enter(inside)
    assert ran == ["inside", "deferred"]


def test_what_a_deferred_call_asks_for_queues_up_behind() -> None:
    made, ran = Gate(), []      # type: Gate, List[int]

    def first() -> None:
        made._enter(ran.append, 3)
        ran.append(1)

    def inside() -> None:
        made._enter(first)
        made._enter(ran.append, 2)
    made._enter(inside)
    assert ran == [1, 2, 3]


def test_a_deferred_call_that_raises_is_reported_and_the_others_are_done(reported: Any) -> None:
    made, ran = Gate(), []      # type: Gate, List[int]

    def inside() -> None:
        made._enter(lambda: 1 // 0)
        made._enter(ran.append, 1)
    made._enter(inside)
    assert ran == [1]
    reported.take(ZeroDivisionError)


def test_a_call_whose_result_is_needed_is_refused_inside() -> None:
    made = Gate()
    with pytest.raises(RuntimeError):
        made._enter(made._enter_now, lambda: None)
    assert made._enter_now(lambda: 1) == 1


def test_threads_exclude_each_other(fast_switching: None) -> None:
    made, count = Gate(), 0

    def add() -> None:
        nonlocal count
        before = count
        sum(range(20))
        count = before + 1

    def many() -> None:
        for _ in range(500):
            made._enter(add)
    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 4000


def test_a_thread_in_one_gate_does_not_wait_for_another() -> None:
    mine, other, ran = Gate(), Gate(), []       # type: Gate, Gate, List[str]
    entered, go = threading.Event(), threading.Event()
    holder = threading.Thread(target=other._enter, args=(lambda: (entered.set(), go.wait(10)),))
    holder.start()
    assert entered.wait(5)
    assert mine._enter(other._enter, ran.append, "x") is None       # returns although the other one is taken
    assert not ran
    go.set()
    holder.join()
    eventually(lambda: ran == ["x"])


def test_a_call_that_was_put_off_as_the_other_left_is_done_by_the_next_who_enters(monkeypatch: pytest.MonkeyPatch
                                                                                  ) -> None:
    other, ran, asked = Gate(), [], []      # type: Gate, List[str], List[Any]
    entered, go = threading.Event(), threading.Event()
    holder = threading.Thread(target=other._enter, args=(lambda: (entered.set(), go.wait(10)),))
    holder.start()
    assert entered.wait(5)

    def inside_a_gate() -> bool:
        go.set()
        holder.join()       # it has looked for calls for the last time
        return True
    monkeypatch.setattr(gate, "inside_a_gate", inside_a_gate)
    monkeypatch.setattr(gate, "reactor", SimpleNamespace(call_soon=lambda *call: asked.append(call)))
    assert other._enter(ran.append, "put off") is None
    assert not ran and len(asked) == 1      # the reactor would come in a moment
    other._enter(ran.append, "next")
    assert ran == ["put off", "next"]


def test_a_thread_in_no_gate_does_wait() -> None:
    made = Gate()
    entered, go = threading.Event(), threading.Event()
    holder = threading.Thread(target=made._enter, args=(lambda: (entered.set(), go.wait(10)),))
    holder.start()
    assert entered.wait(5)
    threading.Timer(0.05, go.set).start()
    assert made._enter(lambda: "mine") == "mine"
    holder.join()


def test_it_is_known_who_is_inside() -> None:
    made = Gate()
    assert not gate.inside_a_gate()
    assert made._enter(gate.inside_a_gate)
    answers: List[bool] = []

    def ask_elsewhere() -> None:
        thread = threading.Thread(target=lambda: answers.append(gate.inside_a_gate()))
        thread.start()
        thread.join()
    made._enter(ask_elsewhere)
    assert answers == [False]


def test_crossing_threads_never_hang(fast_switching: None) -> None:
    gates = [Gate() for _ in range(3)]
    ran: List[int] = []

    def cross(number: int) -> None:
        for turn in range(300):
            mine, other = gates[(number + turn) % 3], gates[(number + 2 * turn + 1) % 3]
            mine._enter(other._enter, ran.append, number)
    threads = [threading.Thread(target=cross, args=(number,), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a deadlock"
    eventually(lambda: len(ran) == 1800)
