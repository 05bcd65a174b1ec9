"""`EventEmitter`: the order of listeners, once, removal during an emit, and what it says of mistakes."""
from __future__ import annotations

import threading
from typing import Any, List

import netcompat
import pytest


@pytest.fixture
def emitter() -> netcompat.EventEmitter:
    return netcompat.EventEmitter()


def test_listeners_run_in_order_and_prepended_ones_first(emitter: Any) -> None:
    said: List[str] = []
    emitter.on("x", lambda: said.append("b")).prepend_listener("x", lambda: said.append("a"))
    emitter.on("x", lambda: said.append("c"))
    assert emitter.emit("x") is True and said == ["a", "b", "c"]


def test_emit_without_listeners_is_false(emitter: Any) -> None:
    assert emitter.emit("x") is False


def test_a_once_listener_runs_once_and_its_removal_is_told(emitter: Any) -> None:
    said: List[Any] = []

    def listener(value: int) -> None:
        said.append(value)

    emitter.on("removeListener", lambda event, removed: said.append((event, removed is listener)))
    emitter.once("x", listener)
    emitter.emit("x", 1)
    emitter.emit("x", 2)
    assert said == [("x", True), 1] and emitter.listener_count("x") == 0


@pytest.mark.parametrize("add", ["on", "once"])
def test_a_listener_that_another_one_takes_off_runs_in_the_emit_under_way(emitter: Any, add: str) -> None:
    said: List[str] = []

    def second() -> None:
        said.append("second")

    def first() -> None:
        said.append("first")
        emitter.off("x", second)

    getattr(emitter, add)("x", first)
    getattr(emitter, add)("x", second)
    emitter.emit("x")
    assert said == ["first", "second"]
    emitter.emit("x")
    assert said[2:] == (["first"] if add == "on" else [])


def test_a_once_listener_of_a_socket_that_another_one_takes_off_runs_too() -> None:
    said: List[str] = []
    over = threading.Event()
    server = netcompat.create_server(lambda peer: peer.end()).listen(0, "127.0.0.1")
    client = netcompat.connect(server.address().port, "127.0.0.1").resume()     # type: ignore[union-attr]

    def second() -> None:
        said.append("second")

    def first() -> None:
        said.append("first")
        client.off("end", second)

    client.once("end", first)
    client.once("end", second)
    client.on("close", lambda had_error: over.set())
    assert over.wait(10)
    assert said == ["first", "second"]


def test_new_listeners_are_told_before_they_are_there(emitter: Any) -> None:
    counts: List[int] = []
    emitter.on("newListener", lambda event, listener: counts.append(emitter.listener_count("x")))
    emitter.on("x", print)
    assert counts == [0] and emitter.listener_count("x") == 1


def test_an_error_that_nobody_hears_is_raised(emitter: Any) -> None:
    with pytest.raises(KeyError):
        emitter.emit("error", KeyError("x"))
    with pytest.raises(RuntimeError) as caught:
        emitter.emit("error", "just text")
    assert caught.value.code == "ERR_UNHANDLED_ERROR"       # type: ignore[attr-defined]


def test_a_possible_leak_is_warned_of_once_for_each_event(emitter: Any) -> None:
    with pytest.warns(ResourceWarning, match="possible leak") as warned:
        for _ in range(30):
            emitter.on("x", print)
    assert len(warned) == 1


def test_without_a_listener_on_is_a_decorator(emitter: Any) -> None:
    @emitter.on("x")
    def listener() -> None: ...

    assert emitter.listeners("x") == [listener]


def test_wait_for_returns_the_arguments(emitter: Any) -> None:
    found: List[Any] = []
    waiting = threading.Thread(target=lambda: found.append(emitter.wait_for("x", 10)))
    waiting.start()
    while not emitter._waiters:
        pass
    emitter.emit("x", 1, 2)
    waiting.join(10)
    assert found == [(1, 2)]


@pytest.mark.parametrize("call, code", [
    (lambda e: e.on("x", 3), "ERR_INVALID_ARG_TYPE"),
    (lambda e: e.on(3, print), "ERR_INVALID_ARG_TYPE"),
    (lambda e: e.off("x", None), "ERR_INVALID_ARG_TYPE"),
    (lambda e: e.set_max_listeners(-1), "ERR_OUT_OF_RANGE"),
    (lambda e: e.set_max_listeners("many"), "ERR_INVALID_ARG_TYPE"),
    (lambda e: e.wait_for("x", -1), "ERR_OUT_OF_RANGE"),
])
def test_mistakes_are_errors_of_the_call(emitter: Any, call: Any, code: str) -> None:
    with pytest.raises(Exception) as caught:
        call(emitter)
    assert caught.value.code == code        # type: ignore[attr-defined]
