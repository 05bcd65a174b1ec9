"""Sources beside sockets in one selector, on every system; and on Windows the selector over WSAPoll."""
import selectors
import socket
import sys
import threading
import time
from typing import Any, Iterator, List

import pytest

from netcompat.runtime import sources
from netcompat.runtime.reactor import READ, WRITE, reactor
from netcompat.runtime.sources import Source, SourceSelector, signal


class Told(Source):
    """A source that is what it is told to be."""

    def __init__(self, mask: int = 0) -> None:
        self.mask = mask
        self.asked = 0

    def ready(self) -> int:
        self.asked += 1
        return self.mask


@pytest.fixture
def selector() -> Iterator[SourceSelector]:
    made = SourceSelector(selectors.SelectSelector())
    silent = socket.socketpair()            # Windows' select() refuses to wait for nothing
    made.register(silent[0], READ, "silent")
    yield made
    made.close()
    for end in silent:
        end.close()
    sources._signalled.clear()


def seen(selector: Any, timeout: float = 0.0) -> List[Any]:
    return [(key.data, mask) for key, mask in selector.select(timeout)]


def test_a_source_is_reported_as_long_as_it_is_ready(selector: SourceSelector) -> None:
    source = Told(READ)
    selector.register(source, READ, "source")
    assert seen(selector) == seen(selector) == [("source", READ)]
    source.mask = 0
    assert seen(selector) == []
    source.mask = READ
    assert seen(selector) == []             # nobody has said so
    signal(source)
    assert seen(selector) == [("source", READ)]


def test_a_source_that_is_not_ready_is_not_asked_again(selector: SourceSelector) -> None:
    source = Told()
    selector.register(source, READ)
    for _ in range(5):
        seen(selector)
    assert source.asked == 1


def test_only_what_was_asked_for_is_reported(selector: SourceSelector) -> None:
    source = Told(READ | WRITE)
    selector.register(source, WRITE, "source")
    assert seen(selector) == [("source", WRITE)]
    selector.modify(source, READ, "source")
    assert seen(selector) == [("source", READ)]
    selector.unregister(source)
    assert seen(selector) == []


def test_sockets_and_sources_together(selector: SourceSelector) -> None:
    source, (ours, theirs) = Told(READ), socket.socketpair()
    with ours, theirs:
        selector.register(source, READ, "source")
        selector.register(ours, READ, "socket")
        assert seen(selector, 5) == [("source", READ)]
        theirs.send(b"x")
        deadline = time.monotonic() + 5
        while len(seen(selector)) < 2:
            assert time.monotonic() < deadline
        assert set(key.data for key in selector.get_map().values()) == {"silent", "source", "socket"}
        selector.unregister(ours)


def test_the_interest_in_a_socket_and_in_a_source_can_be_changed(selector: SourceSelector) -> None:
    source = Told(WRITE)
    mine, theirs = socket.socketpair()
    selector.register(source, READ, "source")
    selector.register(mine, READ, "socket")
    assert seen(selector) == []
    selector.modify(source, WRITE, "source")
    selector.modify(mine, WRITE, "socket")
    assert sorted(seen(selector)) == [("socket", WRITE), ("source", WRITE)]
    selector.unregister(mine)
    for end in (mine, theirs):
        end.close()


def test_a_signal_to_a_reactor_that_is_awake_rings_no_bell(monkeypatch: Any) -> None:
    rung: List[int] = []
    monkeypatch.setattr(reactor, "nudge", lambda: rung.append(1))
    monkeypatch.setattr(reactor, "_bell", object())
    for asleep in (False, True):
        monkeypatch.setattr(reactor, "_asleep", asleep)
        signal(Told(READ))
        assert len(rung) == asleep
    sources._signalled.clear()


def test_twice_and_never_are_key_errors(selector: SourceSelector) -> None:
    source = Told()
    selector.register(source, READ)
    with pytest.raises(KeyError):
        selector.register(source, READ)
    selector.unregister(source)
    for call in (selector.unregister, lambda it: selector.modify(it, READ)):
        with pytest.raises(KeyError):
            call(source)


def test_a_signal_wakes_a_reactor_that_sleeps(selector: SourceSelector, monkeypatch: Any) -> None:
    rung: List[bool] = []
    monkeypatch.setattr(reactor, "nudge", lambda: rung.append(True))
    signal(Told())
    assert rung == [True]


# ---- WSAPoll ----

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="WSAPoll is Windows'")


@pytest.fixture
def poll() -> Iterator[Any]:
    from netcompat.runtime import wsapoll
    made = wsapoll.WsapollSelector()
    yield made
    made.close()


@on_windows
def test_wsapoll_takes_more_sockets_than_select(poll: Any) -> None:
    pairs = [socket.socketpair() for _ in range(600)]
    try:
        for number, (ours, _) in enumerate(pairs):
            poll.register(ours, READ, number)
        assert poll.select(0) == []
        for number in (0, 311, 599):
            pairs[number][1].send(b"x")
        found: List[Any] = []
        while len(found) < 3:
            found = sorted(seen(poll, 5))
        assert found == [(0, READ), (311, READ), (599, READ)]
        poll.unregister(pairs[0][0])            # the last one moves into its place
        assert sorted(seen(poll)) == [(311, READ), (599, READ)]
    finally:
        for pair in pairs:
            for end in pair:
                end.close()


@on_windows
def test_wsapoll_waits_as_long_as_it_is_told(poll: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poll.register(ours, READ, "it")
        began = time.monotonic()
        assert poll.select(0.1) == [] and time.monotonic() - began >= 0.08
        threading.Timer(0.05, theirs.send, (b"x",)).start()
        assert seen(poll, None) == [("it", READ)]       # type: ignore[arg-type]
        poll.modify(ours, READ | WRITE, "it")
        assert seen(poll) == [("it", READ | WRITE)]


@on_windows
@pytest.mark.parametrize("tells", [True, False])
def test_a_refused_connect_is_told_on_old_windows_too(poll: Any, tells: bool, monkeypatch: Any,
                                                      tcp_address: Any) -> None:
    from netcompat.runtime import wsapoll
    monkeypatch.setattr(wsapoll, "_TELLS_REFUSALS", tells)
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex(tcp_address)
        poll.register(sock, WRITE, "it")
        assert seen(poll, 10) == [("it", WRITE)]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@on_windows
def test_a_socket_that_was_closed_under_it_is_an_error(poll: Any) -> None:
    ours, theirs = socket.socketpair()
    poll.register(ours, READ)
    ours.close()
    theirs.close()
    with pytest.raises(OSError):
        poll.select(1)
