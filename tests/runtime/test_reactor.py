"""The reactor: timers, requests, wakeups, the selector, and its end."""
import errno
import gc
import os
import selectors
import socket
import sys
import threading
import time
import weakref
from typing import Any, Iterator, List

import pytest

import netcompat
from conftest import eventually, open_descriptors
from netcompat.runtime import reactor as reactor_module
from netcompat.runtime.clock import monotonic
from netcompat.runtime.reactor import READ, Channel, Reactor, Timer, make_selector, reactor

HOST = "127.0.0.1"


@pytest.fixture
def engine() -> Iterator[Reactor]:
    """A reactor of the test's own, which runs while the fixture lasts."""
    made = Reactor()
    holder = object()
    made.holders.add(holder)
    yield made
    made.holders.discard(holder)
    made.nudge()
    thread = made.thread
    if thread is not None:
        thread.join(5)
        assert not thread.is_alive()


def test_requests_are_done_in_order_and_on_one_thread(engine: Reactor) -> None:
    done: List[Any] = []
    over = threading.Event()
    for number in range(500):
        engine.call_soon(lambda number=number: done.append((number, threading.get_ident())))
    engine.call_soon(over.set)
    assert over.wait(5)
    assert [number for number, _ in done] == list(range(500))
    assert {ident for _, ident in done} == {engine.ident}


def test_a_request_that_raises_does_not_stop_the_others(engine: Reactor, reported: Any) -> None:
    over = threading.Event()
    engine.call_soon(lambda: 1 // 0)
    engine.call_soon(over.set)
    assert over.wait(5)
    reported.take(ZeroDivisionError)


def test_no_wakeup_is_lost(engine: Reactor, fast_switching: None) -> None:
    """Each request is made while the reactor goes to sleep, or thereabouts."""
    threads = 4

    def ask() -> None:
        for _ in range(1500):
            answer = threading.Lock()
            answer.acquire()
            engine.call_soon(answer.release)
            assert answer.acquire(True, 5), "a lost wakeup"
            done.append(1)
    done: List[int] = []
    asking = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(done) == threads * 1500


def test_no_wakeup_is_lost_while_it_ends_and_starts(fast_switching: None) -> None:
    """Without a holder it ends after each request; the next one may come at any point of that."""
    engine = Reactor()

    def ask() -> None:
        for _ in range(150):
            answer = threading.Lock()
            answer.acquire()
            engine.call_soon(answer.release)
            assert answer.acquire(True, 5), "a lost request"
            done.append(1)
    done: List[int] = []
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(done) == 450
    eventually(lambda: engine.ident == 0)


def test_timers_fire_in_order_and_not_before(engine: Reactor) -> None:
    fired: List[float] = []
    over = threading.Event()
    began = monotonic()         # of the reactor's clock, which is another one on Windows
    timers = [Timer(began + delay, lambda delay=delay: fired.append(delay))
              for delay in (0.05, 0.01, 0.03)]
    timers.append(Timer(began + 0.06, over.set))
    engine.call_soon(lambda: [engine.arm(timer) for timer in timers])   # in one turn, however busy the machine is
    assert over.wait(5)
    assert fired == [0.01, 0.03, 0.05]
    assert monotonic() - began >= 0.06


def test_a_cancelled_timer_does_not_fire_and_holds_nothing(engine: Reactor) -> None:
    class Owner:
        def fire(self) -> None:
            fired.append(1)
    fired: List[int] = []
    owner = Owner()
    go = threading.Event()
    engine.call_soon(lambda: go.wait(5))        # no timer fires meanwhile, however slow this thread is
    timer = engine.call_later(0.02, owner.fire)
    ghost = weakref.ref(owner)
    timer.cancel()
    del owner
    gc.collect()
    assert ghost() is None
    go.set()
    over = threading.Event()
    engine.call_later(0.04, over.set)
    assert over.wait(5)
    assert not fired


def test_cancelled_timers_do_not_pile_up(engine: Reactor) -> None:
    for _ in range(20):
        for _ in range(500):
            engine.call_later(3600, print).cancel()
        over = threading.Event()
        engine.call_soon(over.set)
        assert over.wait(5)
    assert len(engine._timers) < 2000


def test_a_timer_that_raises_does_not_stop_the_others(engine: Reactor, reported: Any) -> None:
    over = threading.Event()
    engine.call_later(0.0, lambda: 1 // 0)
    engine.call_later(0.01, over.set)
    assert over.wait(5)
    reported.take(ZeroDivisionError)


def test_it_sleeps_when_nothing_happens(engine: Reactor) -> None:
    over = threading.Event()
    engine.call_soon(over.set)
    assert over.wait(5)
    eventually(lambda: engine._asleep)
    before = engine.wakeups
    time.sleep(0.3)     # the claim is about a time in which nothing happens
    assert engine.wakeups == before


class Watched(Channel):
    def __init__(self) -> None:
        self.lost = threading.Event()
        self.ready = threading.Event()

    def _on_ready(self, mask: int) -> None:
        self.ready.set()
        reactor_of(self).watch(self.fd, 0, READ, self)

    def _on_lost(self, problem: BaseException) -> None:
        self.lost.set()


def reactor_of(channel: Any) -> Reactor:
    made: Reactor = channel.engine
    return made


def watched(engine: Reactor, end: socket.socket) -> "Watched":
    channel: Any = Watched()
    channel.engine, channel.fd = engine, end.fileno()
    over = threading.Event()
    engine.call_soon(engine.watch, end.fileno(), READ, 0, channel)
    engine.call_soon(over.set)
    assert over.wait(5)
    return channel          # type: ignore[no-any-return]


def test_foreign_code_that_closes_a_descriptor_harms_nobody_else(engine: Reactor) -> None:
    """With select() and poll() it is told; epoll forgets it in silence. The others are served in any case."""
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    lost, kept = watched(engine, a), watched(engine, c)
    engine.call_soon(socket.close, a.detach())      # there it cannot be waiting for it
    d.send(b"x")
    assert kept.ready.wait(5)
    if sys.platform == "win32" or isinstance(engine._selector, selectors.SelectSelector):
        assert lost.lost.wait(5)
    over = threading.Event()
    engine.call_soon(over.set)
    assert over.wait(5)
    for end in (b, c, d):
        end.close()


@pytest.mark.skipif(sys.platform == "win32", reason="dup2 takes no sockets on Windows")
def test_a_number_that_was_given_out_again_belongs_to_the_new_one(engine: Reactor) -> None:
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    lost = watched(engine, a)
    number = a.detach()
    os.dup2(c.fileno(), number)         # closes it, and the number is somebody else's
    renewed = socket.socket(fileno=number)
    kept = watched(engine, renewed)
    assert lost.lost.wait(5)
    d.send(b"x")
    assert kept.ready.wait(5)
    for end in (b, c, d, renewed):
        end.close()


def test_a_socket_whose_descriptor_was_closed_closes(reported: Any) -> None:
    server = netcompat.create_server().listen(0, HOST)
    client = netcompat.connect(server.address().port, HOST)
    peer = server.accept(5)
    client.wait_for("connect", 5)
    errors: List[BaseException] = []
    client.on("error", errors.append)
    socket.close(client.fileno())
    client.write(b"x")
    eventually(lambda: errors)
    assert getattr(errors[0], "code", "") == ("ENOTSOCK" if sys.platform == "win32" else "EBADF")
    peer.destroy()
    server.close()


@pytest.mark.parametrize("name", ["epoll", "poll", "select", "kqueue", "devpoll", "wsapoll"])
def test_the_selector_can_be_chosen(name: str) -> None:
    kind = getattr(selectors, name.capitalize() + "Selector", None)
    if sys.platform == "win32" and name in ("select", "wsapoll"):       # beside it named pipes are watched
        made: Any = make_selector(name)
        assert type(made._inner).__name__ == name.capitalize() + "Selector"
        made.close()
    elif kind is None:
        with pytest.raises(ValueError, match="this system has"):
            make_selector(name)
    else:
        made = make_selector(f" {name.upper()} ")
        assert type(made) is kind
        made.close()


def test_an_unknown_selector_is_an_error_of_the_call_that_needs_it(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        for call in (lambda: netcompat.create_server().listen(0, "127.0.0.1"),
                     lambda: netcompat.connect(1, "127.0.0.1")):
            try:
                call()
            except ValueError as problem:
                print("select" in str(problem))
        netcompat.shutdown(1)
    """, env={"NETCOMPAT_SELECTOR": "nonsense"})
    assert (done.stdout, done.returncode) == ("True\nTrue\n", 0), done.stderr


def test_no_thread_is_left_when_nothing_needs_it() -> None:
    server = netcompat.create_server().listen(0, HOST)
    assert reactor.ident or reactor.thread is not None
    server.close()
    eventually(lambda: not [t for t in threading.enumerate() if t.name.startswith("netcompat")])
    assert reactor.ident == 0


def test_the_engine_starts_again_and_again() -> None:
    """200 lives of the whole engine, each with a client that is served."""
    for _ in range(200):
        server = netcompat.create_server(lambda sock: sock.end(b"x")).listen(0, HOST)
        client = netcompat.connect(server.address().port, HOST)
        assert client.recv(1, 5) == b"x"
        client.destroy()
        server.close()
        netcompat.shutdown(5)
        assert not [t for t in threading.enumerate() if t.name.startswith("netcompat")]


# ---- what seldom happens ----

def test_a_bell_that_is_full_was_rung(engine: Reactor) -> None:
    """So many wakeups while the reactor is busy that the kernel takes no more: none is lost, and nobody has to wait."""
    busy, go, over = threading.Event(), threading.Event(), threading.Event()
    engine.call_soon(lambda: (busy.set(), go.wait(10)))
    assert busy.wait(5)
    bell: Any = engine._bell
    with pytest.raises(BlockingIOError):
        while True:
            bell.outside.send(bytes(4096))
    engine.wake()
    engine.call_soon(over.set)
    go.set()
    assert over.wait(5)
    eventually(lambda: engine._asleep)


def test_a_bell_that_nobody_rang_is_whole(engine: Reactor) -> None:
    answers: List[bool] = []
    engine.call_soon(lambda: answers.append(engine._bell.swallow(engine._bell.inside.fileno())))     # type: ignore
    eventually(lambda: answers == [True])


def test_ctrl_c_on_the_way_to_the_bell_costs_no_later_wakeup(engine: Reactor, monkeypatch: Any) -> None:
    over = threading.Event()
    engine.call_soon(over.set)
    assert over.wait(5)
    eventually(lambda: engine._asleep)
    done: List[int] = []
    with monkeypatch.context() as patch:
        def interrupted(bell: Any) -> None:
            raise KeyboardInterrupt
        patch.setattr(reactor_module._Bell, "ring", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.call_soon(done.append, 1)
    engine.call_soon(done.append, 2)
    eventually(lambda: done == [1, 2])


def test_a_defect_in_a_round_is_reported_and_the_next_round_comes(engine: Reactor, reported: Any) -> None:
    def defect() -> None:
        engine.hand_over = lambda: None         # type: ignore[method-assign]
        raise LookupError("on purpose")
    engine.hand_over = defect                   # type: ignore[method-assign]
    over = threading.Event()
    engine.call_soon(over.set)
    reported.take(LookupError)
    assert over.wait(5)


def test_a_reactor_that_dies_says_so(engine: Reactor, caplog: Any) -> None:
    def deadly() -> None:
        raise SystemExit
    engine.call_soon(deadly)
    eventually(lambda: engine.thread is not None and not engine.thread.is_alive())
    assert "the reactor died" in caplog.text
    engine._close()


def test_no_descriptor_for_the_bell_is_an_error_of_who_needs_the_reactor(monkeypatch: Any) -> None:
    made = Reactor()

    def none_left() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    before = len(open_descriptors())
    with monkeypatch.context() as patch:
        patch.setattr(reactor_module, "_Bell", none_left)
        for _ in range(3):
            with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                made.start()
    assert len(open_descriptors()) == before
    over = threading.Event()
    made.call_soon(over.set)            # when there are some again it starts
    assert over.wait(5)
    eventually(lambda: made.ident == 0)


def test_a_channel_that_fails_is_reported_and_harms_no_other(engine: Reactor, reported: Any) -> None:
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    bad, good = watched(engine, a), watched(engine, c)

    def fail(mask: int) -> None:
        engine.watch(bad.fd, 0, READ, bad)
        raise LookupError("on purpose")
    bad._on_ready = fail                # type: ignore[method-assign]
    b.send(b"x")
    d.send(b"x")
    assert good.ready.wait(5)
    reported.take(LookupError)
    for end in (a, b, c, d):
        end.close()


@pytest.mark.skipif(sys.platform == "win32", reason="dup takes no sockets on Windows")
def test_a_descriptor_closed_by_foreign_code_of_which_a_copy_lives_costs_no_processor(engine: Reactor) -> None:
    """A child has it, for instance. For epoll it is open, and readable for ever; nobody can take it out any more."""
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    gone, kept = watched(engine, a), watched(engine, c)
    copy, number, over = a.dup(), a.detach(), threading.Event()
    engine.call_soon(lambda: (socket.close(number), engine.watch(number, 0, READ, gone), over.set()))
    assert over.wait(5)
    b.send(b"x")
    d.send(b"x")
    assert kept.ready.wait(5)
    time.sleep(0.1)                     # what is watched is that it sleeps
    before = engine.wakeups
    time.sleep(0.3)
    assert engine.wakeups - before < 5 and not gone.ready.is_set()
    for end in (copy, b, c, d):
        end.close()


def test_what_cannot_be_watched_anew_after_a_failure_is_told(engine: Reactor, monkeypatch: Any) -> None:
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    lost, kept = watched(engine, a), watched(engine, c)
    watch = engine.watch

    def refuse(descriptor: int, interest: int, before: int, channel: Any) -> None:
        if channel is lost:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))      # epoll's limit for a user
        watch(descriptor, interest, before, channel)
    monkeypatch.setattr(engine, "watch", refuse)
    engine.call_soon(engine._survive, OSError(errno.EBADF, os.strerror(errno.EBADF)))
    assert lost.lost.wait(5)
    monkeypatch.undo()
    d.send(b"x")
    assert kept.ready.wait(5)
    for end in (a, b, c, d):
        end.close()


def test_what_failed_and_cannot_be_closed_either_is_replaced(engine: Reactor) -> None:
    """Today's CPython does not say so when an epoll descriptor was closed by others; others may."""
    class Closed:
        def close(self) -> None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    a, b = socket.socketpair()
    kept = watched(engine, a)
    olds: List[Any] = []
    over = threading.Event()

    def fail() -> None:
        olds.append((engine._selector, engine._epoll, type(engine._selector).close))
        engine._selector.close = Closed().close         # type: ignore
        engine._epoll = Closed() if engine._epoll is not None else None
        engine._survive(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        over.set()
    engine.call_soon(fail)
    assert over.wait(5)
    b.send(b"x")
    assert kept.ready.wait(5)
    selector, epoll, close = olds[0]
    assert engine._selector is not selector
    close(selector)
    if epoll is not None:
        epoll.close()
    a.close()
    b.close()


@pytest.mark.skipif(sys.platform == "win32", reason="os.close takes no sockets on Windows")
def test_a_bell_whose_end_foreign_code_closed_says_so_and_can_be_closed() -> None:
    for seen in (True, False):
        bell = reactor_module._Bell()
        number = bell.inside.fileno()
        os.close(number)
        if seen:
            assert not bell.swallow(number)
            assert not bell.has(number)         # it may be somebody else's by now
        bell.close()
        assert bell.outside.fileno() == -1


def test_what_cannot_be_watched_is_an_error_of_who_asks(engine: Reactor) -> None:
    over = threading.Event()
    engine.call_soon(over.set)
    assert over.wait(5)
    if not engine.has_edges:
        pytest.skip("poll() and select() find out when they wait")
    (a, b), (c, d) = socket.socketpair(), socket.socketpair()
    kept, problems = watched(engine, c), []         # type: Watched, List[Any]
    number = a.fileno()
    a.close()

    def ask() -> None:
        try:
            engine.watch(number, READ, 0, kept)
        except (OSError, ValueError) as problem:
            problems.append(problem)
    engine.call_soon(ask)
    eventually(lambda: problems)
    assert problems[0].errno == errno.EBADF
    d.send(b"x")
    assert kept.ready.wait(5)
    for end in (b, c, d):
        end.close()
