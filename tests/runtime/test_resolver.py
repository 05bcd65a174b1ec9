"""The resolver: look-ups on threads of their own, never on the pool or the reactor."""
import threading
from typing import Any, List, Tuple

import netcompat
from conftest import eventually
from netcompat.runtime import resolver
from netcompat.runtime.reactor import reactor


def resolve(lookup: Any) -> Tuple[Any, Any, str]:
    """(result, error, name of the thread that heard of it)"""
    outcome: List[Any] = []
    over = threading.Event()

    def done(result: Any, error: Any) -> None:
        outcome.extend((result, error, threading.current_thread().name))
        over.set()
    resolver.resolve(lookup, done)
    assert over.wait(5)
    return tuple(outcome)       # type: ignore[return-value]


def test_the_result_comes_to_the_reactor() -> None:
    assert resolve(lambda: threading.current_thread().name) == ("netcompat-resolver", None, "netcompat-reactor")


def test_so_does_what_a_lookup_raises() -> None:
    problem = OSError("no such name")

    def lookup() -> None:
        raise problem
    assert resolve(lookup)[:2] == (None, problem)


def test_what_is_no_ordinary_exception_is_reported_too(reported: Any) -> None:
    def lookup() -> None:
        raise KeyboardInterrupt
    assert isinstance(resolve(lookup)[1], KeyboardInterrupt)
    reported.take(KeyboardInterrupt)


def test_stuck_lookups_stop_neither_workers_nor_the_reactor() -> None:
    go = threading.Event()
    clients = [netcompat.connect(port=1, host="name.invalid", lookup=lambda *_, **__: go.wait(20) and "127.0.0.1")
               for _ in range(10)]
    server = netcompat.create_server(lambda sock: sock.end(b"x")).listen(0, "127.0.0.1")
    client = netcompat.connect(server.address().port, "127.0.0.1")
    try:
        assert client.recv(1, 5) == b"x"
        eventually(lambda: netcompat.stats()["busy"] == 0)
        for each in [client, *clients]:
            each.destroy()
    finally:
        go.set()
    server.close()


def test_there_is_a_limit_and_the_rest_queues_up() -> None:
    go, inside, heard = threading.Event(), [], []       # type: threading.Event, List[int], List[int]
    holder = object()
    reactor.holders.add(holder)

    def lookup() -> None:
        inside.append(1)
        go.wait(20)
    for _ in range(3 * resolver._LIMIT):
        resolver.resolve(lookup, lambda *_: heard.append(1))
    try:
        eventually(lambda: len(inside) == resolver._LIMIT)
        asked = threading.Event()
        reactor.call_soon(asked.set)
        assert asked.wait(5)
        assert len(inside) == resolver._LIMIT
        go.set()
        eventually(lambda: len(heard) == 3 * resolver._LIMIT)
    finally:
        go.set()
        reactor.holders.discard(holder)
        reactor.nudge()


def test_its_threads_end_when_nothing_is_asked() -> None:
    resolve(lambda: 1)
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "netcompat-resolver"])


def no_more_threads(monkeypatch: Any) -> None:
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == "netcompat-resolver":
            raise RuntimeError("can't start new thread")
        start(thread)
    monkeypatch.setattr(threading.Thread, "start", limited)


def test_no_thread_for_a_lookup_is_its_error(monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        no_more_threads(patch)
        result, problem, _ = resolve(lambda: 1)
        assert result is None and isinstance(problem, RuntimeError)
    assert resolve(lambda: 1)[:2] == (1, None)


def test_no_further_thread_for_a_lookup_is_waited_for(monkeypatch: Any) -> None:
    go, inside = threading.Event(), threading.Event()
    heard: List[Any] = []
    holder = object()
    reactor.holders.add(holder)
    try:
        resolver.resolve(lambda: (inside.set(), go.wait(20)), lambda *told: heard.append(told))
        assert inside.wait(5)
        no_more_threads(monkeypatch)
        resolver.resolve(lambda: 2, lambda *told: heard.append(told))
        asked = threading.Event()
        reactor.call_soon(asked.set)
        assert asked.wait(5)
        go.set()
        eventually(lambda: heard == [((None, True), None), (2, None)])
    finally:
        go.set()
        reactor.holders.discard(holder)
        reactor.nudge()
