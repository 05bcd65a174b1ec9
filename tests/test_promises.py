"""The promises about threads and delivery, one after the other, in the order of the contract."""
import concurrent.futures
import gc
import os
import signal
import socket
import struct
import sys
import threading
import time
import weakref
import zlib
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest

import netcompat
from conftest import eventually

HOST = "127.0.0.1"
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


@pytest.fixture
def server() -> Iterator[netcompat.Server]:
    made = netcompat.create_server().listen(0, HOST)
    yield made
    made.close()
    made.close_all_connections()


def client_of(server: netcompat.Server, **options: Any) -> netcompat.Socket:
    return netcompat.connect(server.address().port, HOST, **options)


def pair_with(server: netcompat.Server) -> Tuple[netcompat.Socket, netcompat.Socket]:
    """(client, the server's socket), both without listeners."""
    client = client_of(server)
    accepted = server.accept(5)
    accepted.on("error", lambda problem: None)      # a client that is destroyed may reset
    client.wait_for("connect", 5)
    return client, accepted


class Steps:
    """What happened, in order, with the thread it happened on."""

    def __init__(self) -> None:
        self.names: List[Any] = []
        self.threads: List[str] = []

    def __call__(self, name: Any) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.names.append(name)
            self.threads.append(threading.current_thread().name)
        return note


def ended(thread: threading.Thread, seconds: float = 10.0) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


# ---- 1: importing starts nothing ----

def test_1_import_starts_nothing(run_script: Any) -> None:
    done = run_script("""
        import os, signal, sys, threading
        def handlers():
            return [signal.getsignal(n) for n in range(1, signal.NSIG) if n not in (9, 19, 32, 33)]
        descriptors = sorted(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        before = handlers(), threading.active_count(), descriptors
        hook = sys.excepthook, threading.excepthook
        import netcompat
        assert before == (handlers(), threading.active_count(),
                          sorted(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0)
        assert hook == (sys.excepthook, threading.excepthook)
        print("nothing")
    """)
    assert (done.stdout, done.returncode) == ("nothing\n", 0), done.stderr


# ---- 2: one reactor thread, which never runs user code ----

def reactors() -> List[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "netcompat-reactor"]


def test_2_one_reactor_for_all_and_gone_with_the_last_handle() -> None:
    assert not reactors()
    servers = [netcompat.create_server().listen(0, HOST) for _ in range(3)]
    assert len(reactors()) == 1
    for made in servers:
        made.close()
    eventually(lambda: not reactors())


def test_2_no_user_code_on_the_reactor(server: netcompat.Server) -> None:
    steps = Steps()
    dispatched: List[str] = []

    def dispatch(call: Callable[[], None]) -> None:
        dispatched.append(threading.current_thread().name)
        call()

    def lookup(name: str, **_: Any) -> str:
        steps("lookup")()
        return HOST
    for event in ("listening", "close"):
        server.on(event, steps(event))

    def accept(sock: netcompat.Socket) -> None:
        steps("connection")()
        for event in ("data", "end", "finish", "close"):
            sock.on(event, steps(event))
        sock.set_timeout(1, steps("timeout"))
        sock.once("timeout", lambda: sock.end(b"bye", steps("end callback")))
        sock.write(b"x" * 4_000_000, steps("write callback"))
    server.on("connection", accept)
    client = netcompat.connect(port=server.address().port, host="name.invalid", lookup=lookup, dispatch=dispatch)
    for event in ("lookup", "connectionAttempt", "connect", "ready", "data", "end", "finish", "close"):
        client.on(event, steps(event))
    client.write(b"hello", steps("write callback"))
    client.wait_for("close", 10)
    server.close(steps("close callback")).wait_for("close", 10)
    eventually(lambda: "close callback" in steps.names)
    assert {"connection", "data", "timeout", "lookup", "connect", "end", "finish", "close", "listening",
            "end callback", "write callback"} <= set(steps.names)
    assert "netcompat-reactor" not in steps.threads + dispatched
    assert dispatched


# ---- 3: listeners and callbacks are items of one queue ----

def test_3_callbacks_are_items_of_the_queue(server: netcompat.Server) -> None:
    client, peer = pair_with(server)
    inside, go = threading.Event(), threading.Event()
    steps: List[str] = []

    def first(chunk: bytes) -> None:
        inside.set()
        assert go.wait(10)
        steps.append("data")
    client.on("data", first)
    peer.write(b"x")
    assert inside.wait(10)
    client.write(b"a", lambda error: steps.append("write"))
    client.end(b"b", lambda error: steps.append("end"))
    client.on("finish", lambda: steps.append("finish"))
    go.set()
    client.wait_for("finish", 10)
    eventually(lambda: len(steps) == 4)
    assert steps == ["data", "write", "end", "finish"]


def test_3_listeners_run_on_the_pool(server: netcompat.Server) -> None:
    client = client_of(server)
    steps = Steps()
    client.on("connect", steps("connect")).wait_for("ready", 5)
    assert steps.threads[0].startswith("netcompat-worker")
    client.destroy()


# ---- 4: one at a time and in order; different emitters in parallel ----

@pytest.mark.parametrize("where", ["pool", "executor"])
def test_4_one_listener_of_an_emitter_at_a_time_and_in_order(server: netcompat.Server, where: str,
                                                             fast_switching: None) -> None:
    executor = concurrent.futures.ThreadPoolExecutor(8)
    client = client_of(server, dispatch=executor.submit if where == "executor" else None)
    inside = overlaps = 0
    seen: List[int] = []

    def note(number: int) -> None:
        nonlocal inside, overlaps
        inside += 1
        overlaps += inside > 1
        seen.append(number)
        inside -= 1
    client.wait_for("connect", 5)
    for number in range(2000):
        client.write(b".", lambda error, number=number: note(number))
    done = threading.Event()
    client.write(b".", lambda error: done.set())
    assert done.wait(20)
    client.destroy()
    client.wait_for("close", 5)
    executor.shutdown()
    assert seen == list(range(2000))
    assert not overlaps


def test_4_different_emitters_run_in_parallel(server: netcompat.Server) -> None:
    meeting = threading.Barrier(3)
    met: List[int] = []

    def handle(sock: netcompat.Socket) -> None:
        sock.on("data", lambda chunk: met.append(meeting.wait(10)))
    server.on("connection", handle)
    clients = [client_of(server) for _ in range(2)]
    for client in clients:
        client.write(b"x")
    meeting.wait(10)
    eventually(lambda: len(met) == 2)


def test_4_emit_runs_in_the_caller(server: netcompat.Server) -> None:
    steps = Steps()
    server.on("mine", steps("mine")).emit("mine")
    assert steps.threads == [threading.current_thread().name]


def test_4_pause_in_the_own_listener_is_told_at_once(server: netcompat.Server) -> None:
    client, peer = pair_with(server)
    steps: List[str] = []
    done = threading.Event()
    client.on("pause", lambda: steps.append("pause"))

    def on_data(chunk: bytes) -> None:
        client.pause()
        steps.append("after")
        done.set()
    client.on("data", on_data)
    peer.write(b"x")
    assert done.wait(5)
    assert steps == ["pause", "after"]


# ---- 5: 'connection' is the first item of the new socket ----

def test_5_connection_comes_before_everything_of_the_socket(server: netcompat.Server) -> None:
    first: List[str] = []
    done = threading.Event()

    def handle(sock: netcompat.Socket) -> None:
        mine: List[str] = []
        for event in ("data", "end", "close"):
            sock.on(event, lambda *_, event=event: mine.append(event))
        mine.append("connection")
        sock.on("close", lambda *_: (first.append(mine[0]), len(first) == 20 and done.set()))
    server.on("connection", handle)
    for _ in range(20):
        with socket.create_connection((HOST, server.address().port)) as raw:
            raw.sendall(b"x")
    assert done.wait(10)
    assert set(first) == {"connection"}


def test_5_connections_are_handled_in_parallel(server: netcompat.Server) -> None:
    meeting = threading.Barrier(4)
    server.on("connection", lambda sock: meeting.wait(10))
    clients = [client_of(server) for _ in range(3)]
    meeting.wait(10)
    for client in clients:
        client.destroy()


def test_5_a_connection_without_a_listener_waits_for_one(server: netcompat.Server) -> None:
    client = client_of(server)
    client.wait_for("connect", 5)
    eventually(lambda: len(server.connections) == 1)
    came = threading.Event()
    server.on("connection", lambda sock: came.set())
    assert came.wait(5)
    client.destroy()


# ---- 6: 'close' ----

def test_6_close_is_last_and_once_for_each_life(server: netcompat.Server) -> None:
    server.on("connection", lambda sock: sock.on("data", sock.write))
    client = netcompat.Socket()
    steps: List[str] = []
    for event in ("connect", "data", "end", "finish", "close"):
        client.on(event, lambda *_, event=event: steps.append(event))
    for _ in range(5):
        client.connect(server.address().port, HOST)
        client.write(b"x")
        eventually(lambda: "data" in steps)
        client.end()
        eventually(lambda: steps.count("close") == 1 and steps[-1] == "close")
        assert steps == ["connect", "data", "finish", "end", "close"] or steps == [
            "connect", "data", "end", "finish", "close"]
        steps.clear()


def test_6_a_server_that_listens_again_begins_a_new_life() -> None:
    server = netcompat.create_server()
    closes: List[int] = []
    server.on("close", lambda: closes.append(1))
    for life in range(1, 4):
        server.listen(0, HOST)
        server.wait_for("listening", 5)
        server.close()
        eventually(lambda: len(closes) == life)
    server.wait_for("close", 5)
    assert len(closes) == 3


def test_6_a_servers_close_follows_that_of_its_sockets(server: netcompat.Server) -> None:
    steps: List[str] = []
    go = threading.Event()

    def handle(sock: netcompat.Socket) -> None:
        sock.on("close", lambda *_: (go.wait(10), steps.append("socket")))
    server.on("connection", handle)
    server.on("close", lambda: steps.append("server"))
    clients = [client_of(server) for _ in range(5)]
    eventually(lambda: len(server.connections) == 5)
    server.close()
    for client in clients:
        client.end()
    go.set()
    server.wait_for("close", 10)
    eventually(lambda: len(steps) == 6)
    assert steps == ["socket"] * 5 + ["server"]


# ---- 7: from everywhere ----

CHUNK = struct.Struct("!HII")       # thread, number, checksum of the rest


def test_7_concurrent_writes_are_never_torn(server: netcompat.Server, fast_switching: None) -> None:
    threads, each = 64, 40
    body = bytes(range(256)) * 3
    client, peer = pair_with(server)
    start = threading.Barrier(threads)

    def write(thread: int) -> None:
        start.wait(20)
        for number in range(each):
            rest = body[:1 + (thread * 7 + number * 13) % len(body)]
            head = CHUNK.pack(thread, number, zlib.crc32(rest))
            client.write(struct.pack("!I", len(head) + len(rest)) + head + rest)
    writers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
    for writer in writers:
        writer.start()
    file = peer.makefile("rb")
    last = [-1] * threads
    for _ in range(threads * each):
        size, = struct.unpack("!I", file.read(4))
        chunk = file.read(size)
        thread, number, checksum = CHUNK.unpack_from(chunk)
        assert zlib.crc32(chunk[CHUNK.size:]) == checksum, "a torn chunk"
        assert number == last[thread] + 1, "a thread's chunks are out of order"
        last[thread] = number
    assert all(ended(writer) for writer in writers)
    assert last == [each - 1] * threads
    client.end()
    assert file.read() == b""
    client.destroy()


@POSIX
def test_7_a_signal_handler_inside_a_method_of_the_same_object(server: netcompat.Server) -> None:
    """Handlers that write, pause and ask while their thread is inside the same methods: nothing hangs or is lost."""
    client, peer = pair_with(server)
    received = bytearray()
    peer.on("data", received.extend)
    handled: List[int] = []         # a handler may interrupt a handler

    def handler(*_: Any) -> None:
        handled.append(1)
        client.write(b"s")
        client.local_address, client.writable_length
        client.pause()
        client.resume()
        client.on("data", print).off("data", print)
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    written = 0
    try:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            client.write(b"m")
            written += 1
            client.on("data", len)
            client.off("data", len)
            client.pause()
            client.resume()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    client.end()
    peer.wait_for("end", 10)
    assert len(handled) > 10
    assert (received.count(b"m"), received.count(b"s")) == (written, len(handled))
    client.destroy()


def test_7_a_call_inside_the_object_is_done_on_the_way_out(server: netcompat.Server) -> None:
    client, peer = pair_with(server)
    steps: List[str] = []

    def transition() -> None:
        assert client.write(b"later") is False
        steps.append(f"inside {client.bytes_written}")
    client._enter(transition)
    steps.append(f"outside {client.bytes_written}")
    assert steps == ["inside 0", "outside 5"]
    assert peer.recv(10, 5) == b"later"
    client.destroy()


def test_7_a_finalizer_may_call(server: netcompat.Server) -> None:
    """Cycles with finalizers that close a socket die in whatever code allocates, the library's own included."""
    class Owner:
        def __init__(self, sock: netcompat.Socket) -> None:
            self.cycle = self
            weakref.finalize(self, sock.destroy).atexit = False
    threshold = gc.get_threshold()
    server.on("connection", lambda sock: sock.on("data", sock.write).on("error", lambda problem: None))
    gc.set_threshold(5)
    try:
        clients = []
        for _ in range(60):
            client = client_of(server)
            client.write(b"x")
            Owner(client)
            clients.append(client)
        gc.collect()
        for client in clients:
            client.wait_for("close", 10)
    finally:
        gc.set_threshold(*threshold)


def test_7_finalizers_that_cross_in_two_gates_do_not_hang(server: netcompat.Server) -> None:
    """A thread inside A calls B while a thread inside B calls A, as finalizers may: both are done, none waits."""
    a, b = netcompat.EventEmitter(), netcompat.EventEmitter()
    for _ in range(50):
        meeting = threading.Barrier(2)
        ran: List[str] = []

        def cross(mine: Any, other: Any, name: str) -> None:
            def inside() -> None:
                meeting.wait(10)
                other._enter(ran.append, name)      # both are inside: a lock would be waited for, for ever
            mine._enter(inside)
        threads = [threading.Thread(target=cross, args=args, daemon=True) for args in ((a, b, "a"), (b, a, "b"))]
        for thread in threads:
            thread.start()
        assert all(ended(thread) for thread in threads), "a deadlock"
        eventually(lambda: sorted(ran) == ["a", "b"])


def test_7_what_crossed_keeps_its_order() -> None:
    a, b = netcompat.EventEmitter(), netcompat.EventEmitter()
    entered, go = threading.Event(), threading.Event()
    ran: List[int] = []
    holder = threading.Thread(target=b._enter, args=(lambda: (entered.set(), go.wait(10)),))
    holder.start()
    assert entered.wait(5)

    def inside() -> None:
        b._enter(ran.append, 1)         # queued: somebody is inside b, and this thread is inside a
        go.set()
        holder.join(10)
        b._enter(ran.append, 2)         # not queued any more
    a._enter(inside)
    assert ran == [1, 2]


def test_7_a_helper_inside_a_gate_is_refused(server: netcompat.Server) -> None:
    client, peer = pair_with(server)
    caught: List[BaseException] = []

    def inside() -> None:
        for call in (lambda: client.recv(1), lambda: client.wait_for("close"), lambda: peer.recv(1)):
            try:
                call()
            except RuntimeError as problem:
                caught.append(problem)
    client._enter(inside)
    assert len(caught) == 3
    client.destroy()
    peer.destroy()


def flowing(server: netcompat.Server) -> Tuple[netcompat.Socket, netcompat.Socket, threading.Event, threading.Event,
                                               List[bytes]]:
    """A client whose 'data' listener is inside its first call, with more to come."""
    client, peer = pair_with(server)
    inside, go = threading.Event(), threading.Event()
    seen: List[bytes] = []

    def on_data(chunk: bytes) -> None:
        seen.append(chunk)
        inside.set()
        assert go.wait(10)
    client.on("data", on_data)
    peer.write(b"1")
    assert inside.wait(5)
    peer.sendall(b"2")
    return client, peer, inside, go, seen


@pytest.mark.parametrize("how", ["pause", "off", "destroy", "remove_all_listeners"])
def test_7_afterwards_no_new_listener_begins(server: netcompat.Server, how: str) -> None:
    client, peer, inside, go, seen = flowing(server)
    if how == "off":
        client.off("data", client.listeners("data")[0])
    else:
        getattr(client, how)()
    passed = threading.Event()
    client.once("close" if how == "destroy" else "later", lambda *_: passed.set())
    go.set()
    if how == "destroy":
        assert passed.wait(5)
    else:
        client.write(b"", lambda error: passed.set())       # behind everything that could still come
        assert passed.wait(5)
        eventually(lambda: not client._strand.busy())
    assert seen == [b"1"]
    client.destroy()
    peer.destroy()


def test_7_after_close_no_connection_is_introduced() -> None:
    """Connections that are in the backlog when `close` is called are not introduced."""
    for _ in range(20):
        late: List[Any] = []
        over = threading.Event()
        server = netcompat.create_server(lambda sock: (over.is_set() and late.append(sock), sock.destroy()))
        server.listen(0, HOST)
        raws = [socket.create_connection(server.address()[0:3:2]) for _ in range(3)]
        server.close()
        eventually(lambda: server.address() is None)
        server.wait_for("close", 5)
        over.set()
        for raw in raws:
            raw.close()
        assert not late


# ---- 8: helpers that could never return ----

@pytest.mark.parametrize("helper", ["wait_for", "server close"])
def test_8_a_wait_for_an_own_event_in_the_own_listener_is_refused(server: netcompat.Server, helper: str) -> None:
    caught: "concurrent.futures.Future[BaseException]" = concurrent.futures.Future()

    def handle(sock: netcompat.Socket) -> None:
        try:
            if helper == "wait_for":
                sock.wait_for("close")
            else:
                sock.wait_for("finish")
        except BaseException as problem:
            caught.set_result(problem)
    server.on("connection", handle)
    client = client_of(server)
    assert isinstance(caught.result(5), RuntimeError)
    client.destroy()


def test_8_refused_on_the_thread_that_runs_the_dispatch(server: netcompat.Server) -> None:
    queue = netcompat.EventQueue()
    client = client_of(server, dispatch=queue.put)
    queue.run_until(lambda: not client.connecting, 5)
    with pytest.raises(RuntimeError):
        client.wait_for("close")
    client.destroy()
    queue.run_pending()


def test_8_shutdown_in_a_listener_does_not_wait_for_it(server: netcompat.Server) -> None:
    returned = threading.Event()

    def handle(sock: netcompat.Socket) -> None:
        netcompat.shutdown()
        returned.set()
    server.on("connection", handle)
    client_of(server)
    assert returned.wait(5)
    eventually(lambda: not reactors())


def test_8_recv_in_the_own_listener_is_fine(server: netcompat.Server) -> None:
    server.on("connection", lambda sock: sock.sendall(sock.recv(10)))
    client = client_of(server)
    client.write(b"x")
    assert client.recv(10, 5) == b"x"
    client.destroy()


# ---- 9: listeners that raise ----

class Oops(Exception):
    pass


def test_9_a_raising_listener_is_reported_once_and_destroys_its_socket(server: netcompat.Server, reported: Any) -> None:
    closed: List[bool] = []
    errors: List[BaseException] = []

    def handle(sock: netcompat.Socket) -> None:
        def on_data(chunk: bytes) -> None:
            raise Oops("mine")
        sock.on("data", on_data)
        sock.on("error", errors.append)
        sock.on("close", closed.append)
    server.on("connection", handle)
    other, client = client_of(server), client_of(server)
    eventually(lambda: len(server.connections) == 2)
    client.write(b"x")
    client.wait_for("close", 5)
    report = reported.take(Oops)
    eventually(lambda: closed)
    assert closed == [True]
    assert errors == [report.exc_value]
    assert len(server.connections) == 1 and not other.destroyed and server.listening
    other.destroy()


def test_9_unheard_it_is_not_reported_a_second_time(server: netcompat.Server, reported: Any) -> None:
    def handle(sock: netcompat.Socket) -> None:
        raise Oops("mine")
    server.on("connection", handle)
    client = client_of(server)
    client.wait_for("close", 5)
    reported.take(Oops)
    eventually(lambda: not server.connections)
    netcompat.shutdown(5)       # what is still to be reported is reported now
    assert not reported


def test_9_in_close_and_error_it_is_only_reported(server: netcompat.Server, reported: Any) -> None:
    client, peer = pair_with(server)
    steps: List[str] = []

    def raise_it(*_: Any) -> None:
        raise Oops
    client.on("error", raise_it)
    client.on("close", raise_it)
    client.once("close", lambda *_: steps.append("second listener"))
    client.destroy(ValueError("x"))
    reported.take(Oops)
    reported.take(Oops)
    peer.wait_for("close", 5)


def test_9_a_server_listener_that_raises_becomes_its_error(reported: Any) -> None:
    errors: List[BaseException] = []
    server = netcompat.create_server()

    def raise_it() -> None:
        raise Oops
    server.on("listening", raise_it).on("error", errors.append).listen(0, HOST)
    problem = reported.take(Oops).exc_value
    eventually(lambda: errors)
    assert errors == [problem]
    server.close()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_9_ctrl_c_in_a_listener_leaves_the_pump(server: netcompat.Server, kind: Any) -> None:
    queue = netcompat.EventQueue()
    client = client_of(server, dispatch=queue.put)

    def raise_it() -> None:
        raise kind
    client.on("connect", raise_it)
    with pytest.raises(kind):
        queue.run_forever()
    client.destroy()
    queue.run_pending()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_9_on_the_pool_it_ends_no_worker(server: netcompat.Server, reported: Any, kind: Any) -> None:
    def handle(sock: netcompat.Socket) -> None:
        raise kind
    server.once("connection", handle)
    client = client_of(server)
    client.wait_for("close", 5)
    if kind is KeyboardInterrupt:
        reported.take(kind)
    server.on("connection", lambda sock: sock.end(b"alive"))
    second = client_of(server)
    assert second.recv(10, 5) == b"alive"
    second.destroy()


# ---- 10: 'error' that nobody heard ----

def refused(tcp_address: Tuple[str, int]) -> netcompat.Socket:
    return netcompat.connect(tcp_address[1], tcp_address[0])


def test_10_an_unheard_error_is_reported_after_a_second(tcp_address: Tuple[str, int], reported: Any) -> None:
    began = time.monotonic()
    client = refused(tcp_address)
    report = reported.take(ConnectionRefusedError)
    assert 0.9 < time.monotonic() - began < 4
    assert "Socket" in report.thread.name
    assert client.destroyed
    netcompat.shutdown(5)
    assert not reported         # once


def test_10_a_late_listener_claims_it(tcp_address: Tuple[str, int], reported: Any) -> None:
    client = refused(tcp_address)
    closed = threading.Event()
    client.on("close", lambda had_error: closed.set())
    assert closed.wait(5)
    errors: List[BaseException] = []
    client.on("error", errors.append)
    eventually(lambda: errors)
    netcompat.shutdown(5)
    assert not reported


def test_10_a_helper_claims_it(tcp_address: Tuple[str, int], reported: Any) -> None:
    client = refused(tcp_address)
    with pytest.raises(ConnectionRefusedError):
        client.recv(1, 5)
    netcompat.shutdown(5)
    assert not reported


def test_10_it_is_reported_when_the_program_ends_before(run_script: Any, tcp_address: Tuple[str, int]) -> None:
    done = run_script("""
        import sys, threading, netcompat
        closed = threading.Event()
        c = netcompat.connect(int(sys.argv[1]), "127.0.0.1").unref()
        c.on("close", lambda *_: closed.set())
        assert closed.wait(10)
    """, tcp_address[1])
    assert done.returncode == 0
    assert done.stderr.count("ECONNREFUSED") == 1, done.stderr


# ---- 11: how long the process lives ----

SERVE = """
    import sys, threading, time, netcompat
    server = netcompat.create_server(lambda sock: sock.on("data", lambda chunk: (sock.end(chunk), server.close())))
    server.listen(0, "127.0.0.1")
    server.on("close", lambda: print("closed", flush=True))
    print(server.address().port, flush=True)
"""


def start_script(tmp_path: Any, code: str) -> Any:
    import subprocess
    import textwrap

    from conftest import script_environment
    script = tmp_path / "main.py"
    script.write_text(textwrap.dedent(code))
    return subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            universal_newlines=True, env=script_environment())


def test_11_it_lives_while_a_server_listens_and_no_longer(tmp_path: Any) -> None:
    process = start_script(tmp_path, SERVE)
    try:
        port = int(process.stdout.readline())
        client = netcompat.connect(port, HOST)
        client.write(b"x")
        assert client.recv(1, 10) == b"x"       # the main thread has ended, yet it serves
        out, err = process.communicate(timeout=20)
        assert (out, process.returncode) == ("closed\n", 0), err
        client.destroy()
    finally:
        process.kill()
        process.communicate()


def test_11_it_ends_at_once_when_all_is_unrefd(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        server = netcompat.create_server().listen(0, "127.0.0.1").unref()
        client = netcompat.connect(server.address().port, "127.0.0.1").unref()
        client.wait_for("connect", 5)
        for sock in server.connections: sock.unref()
        server.on("connection", lambda sock: sock.unref())
        print("end of main")
    """, timeout=5)
    assert (done.stdout, done.returncode) == ("end of main\n", 0), done.stderr


def test_11_what_runs_is_finished(run_script: Any) -> None:
    done = run_script("""
        import threading, time, netcompat
        began = threading.Event()
        def handle(sock):
            sock.unref()
            sock.write(b"x", lambda error: print("queued", flush=True))
            began.set()
            time.sleep(0.5)
            print("finished", flush=True)
        server = netcompat.create_server(handle).listen(0, "127.0.0.1").unref()
        client = netcompat.connect(server.address().port, "127.0.0.1").unref()
        assert began.wait(5)
    """)
    assert (done.stdout, done.returncode) == ("finished\nqueued\n", 0), done.stderr


def test_11_what_waits_in_a_helper_of_an_unrefd_handle_is_not_waited_for(run_script: Any) -> None:
    done = run_script("""
        import threading, netcompat
        began = threading.Event()
        def handle(sock):
            sock.unref()
            began.set()
            sock.recv(1)
        server = netcompat.create_server(handle).listen(0, "127.0.0.1").unref()
        client = netcompat.connect(server.address().port, "127.0.0.1").unref()
        assert began.wait(5)
    """, timeout=5)
    assert done.returncode == 0, done.stderr


def test_11_an_exception_in_the_main_thread_ends_it(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        server = netcompat.create_server().listen(0, "127.0.0.1")
        raise ValueError("the end")
    """, timeout=5)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1 and "the end" in done.stderr


@POSIX
def test_11_one_ctrl_c_ends_it_with_one_traceback(tmp_path: Any) -> None:
    process = start_script(tmp_path, SERVE + "    server.wait_for('close')\n")
    try:
        process.stdout.readline()
        if sys.platform == "linux":
            status = Path(f"/proc/{process.pid}/status")
            eventually(lambda: "S (sleeping)" in status.read_text())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode in (1, 130, -signal.SIGINT)
        assert err.count("Traceback") == 1 and "KeyboardInterrupt" in err
    finally:
        process.kill()
        process.communicate()


def test_11_a_foreign_dispatch_that_is_never_pumped_keeps_nothing_alive(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        queue = netcompat.EventQueue()
        server = netcompat.create_server(dispatch=queue.put).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1", dispatch=queue.put)
        queue.run_until(lambda: server.connections and not client.connecting, 5)
        server.close()
        server.close_all_connections()
        client.destroy()
        print("end of main")
    """, timeout=5)
    assert (done.stdout, done.returncode) == ("end of main\n", 0), done.stderr


# ---- 12: fork ----

FORKING = """
    import os, sys, threading, netcompat
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    port = server.address().port
    client = netcompat.connect(port, "127.0.0.1")
    client.write(b"before ")
    got = client.recv(7)
    pid = os.fork()
    if not pid:
        try:
            assert client.destroyed and not server.listening, (client, server)
            assert not [t for t in threading.enumerate() if t.name.startswith("netcompat")]
            mine = netcompat.create_server(lambda sock: sock.end(b"child")).listen(0, "127.0.0.1")
            other = netcompat.connect(mine.address().port, "127.0.0.1")
            assert b"".join(other) == b"child"
            other.destroy()
            mine.close()
            netcompat.shutdown(5)
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
            code = 1
        os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    client.write(b"after")
    assert got + client.recv(5, 5) == b"before after"
    assert not client.destroyed and server.listening
    client.end()
    client.wait_for("close", 5)
    server.close()
    print("unharmed")
"""


@FORK
def test_12_the_parent_is_unharmed_and_the_child_works_afresh(run_script: Any) -> None:
    done = run_script(FORKING)
    assert (done.stdout, done.returncode) == ("unharmed\n", 0), done.stderr


@FORK
def test_12_no_byte_and_no_fin_from_the_child(run_script: Any) -> None:
    done = run_script("""
        import os, socket, netcompat
        listener = socket.create_server(("127.0.0.1", 0))
        client = netcompat.connect(listener.getsockname()[1], "127.0.0.1")
        raw, _ = listener.accept()
        client.wait_for("connect", 5)
        client.cork()
        client.write(b"corked")
        pid = os.fork()
        if not pid:
            del client
            netcompat.shutdown(5)
            os._exit(0)
        os.waitpid(pid, 0)
        raw.setblocking(False)
        try:
            print("came:", raw.recv(100))
        except BlockingIOError:
            print("nothing")
        client.uncork()
        raw.setblocking(True)
        print(raw.recv(100))
        client.destroy()
    """)
    assert (done.stdout, done.returncode) == ("nothing\nb'corked'\n", 0), done.stderr


# ---- 13: nobody is too late ----

def late(emitter: Any, event: str) -> List[Any]:
    """What a listener hears that is added now, and one more time added with once."""
    heard: List[Any] = []
    emitter.on(event, lambda *args: heard.append(args))
    emitter.once(event, lambda *args: heard.append(args))
    eventually(lambda: len(heard) >= 2, message=event)
    return heard


def test_13_states_are_told_to_late_listeners(server: netcompat.Server) -> None:
    client, peer = pair_with(server)
    client.wait_for("ready", 5)
    assert late(client, "connect") == [(), ()]
    assert late(client, "ready") == [(), ()]
    assert late(server, "listening") == [(), ()]
    client.end()
    client.wait_for("finish", 5)
    assert late(client, "finish") == [(), ()]
    peer.resume()
    client.resume()
    client.wait_for("close", 5)
    assert late(client, "end") == [(), ()]
    assert late(client, "close") == [(False,), (False,)]


def test_13_the_error_is_told_to_late_listeners(tcp_address: Tuple[str, int]) -> None:
    client = refused(tcp_address)
    with pytest.raises(ConnectionRefusedError):
        client.wait_for("connect", 5)
    problem = late(client, "error")[0][0]
    assert isinstance(problem, ConnectionRefusedError)


def test_13_exactly_once_in_a_race_of_on_and_delivery(server: netcompat.Server, fast_switching: None) -> None:
    server.on("connection", lambda sock: sock.end())
    for _ in range(60):
        heard: List[Tuple[int, str]] = []
        client = client_of(server)
        start = threading.Barrier(4)

        def add(number: int) -> None:
            start.wait(10)
            for event in ("connect", "end", "finish", "close"):
                client.on(event, note(number, event))

        def note(number: int, event: str) -> Callable[..., None]:
            return lambda *_: heard.append((number, event))
        threads = [threading.Thread(target=add, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        start.wait(10)
        client.resume()
        assert all(ended(thread) for thread in threads)
        eventually(lambda: len(heard) >= 12, message=str(heard))
        client.wait_for("close", 5)
        eventually(lambda: not client._strand.busy())
        assert len(heard) == len(set(heard)) == 12


def test_13_a_late_listener_that_is_taken_off_again_is_not_called(server: netcompat.Server) -> None:
    client, peer, inside, go, seen = flowing(server)
    called: List[int] = []

    def listener() -> None:
        called.append(1)
    client.on("connect", listener)      # its delivery is queued behind the listener that runs
    client.off("connect", listener)
    go.set()
    eventually(lambda: not client._strand.busy())
    assert not called
    client.destroy()
    peer.destroy()


# ---- 14: what an event announces changes when it is delivered ----

def test_14_states_change_with_their_delivery(server: netcompat.Server) -> None:
    seen = {}
    server.on("connection", lambda sock: sock.end(b"x"))
    client = netcompat.Socket()
    go = threading.Event()
    client.on("lookup", lambda *_: None)
    client.on("connectionAttempt", lambda *_: go.wait(10))
    client.on("connect", lambda: seen.update(connect=client.connecting))
    client.on("end", lambda: seen.update(end=(client.readable_ended, client.destroyed)))
    client.on("finish", lambda: seen.update(finish=(client.writable_finished, client.destroyed)))
    client.connect(server.address().port, HOST)
    eventually(lambda: server.connections)              # connected, as the kernel has it
    assert client.connecting and not client.readable_ended
    go.set()
    client.resume()
    client.wait_for("close", 5)
    assert seen == {"connect": False, "end": (True, False), "finish": (True, False)}


def test_14_end_is_not_reached_before_it_is_told(server: netcompat.Server) -> None:
    client, peer, inside, go, seen = flowing(server)
    peer.end()
    client.end()
    assert not client.readable_ended and not client.writable_finished and not client.destroyed
    go.set()
    client.wait_for("close", 5)
    assert client.readable_ended and client.writable_finished
    peer.destroy()


def test_14_destroyed_and_listening_are_true_at_once() -> None:
    server = netcompat.create_server()
    server.listen(0, HOST)
    assert server.listening and server.address().port
    client = client_of(server)
    client.destroy()
    assert client.destroyed
    server.close()
    assert not server.listening


def test_14_bytes_do_not_wait_for_a_delivery(server: netcompat.Server) -> None:
    client, peer, inside, go, seen = flowing(server)
    client.write(b"y" * 3_000_000)      # more than the kernel takes, while the listener is stuck
    got = 0
    while got < 3_000_000:
        got += len(peer.recv(1 << 20, 5))
    client.flush(5)
    go.set()
    client.destroy()
    peer.destroy()


# ---- blocking code: correctness, not speed ----

def test_a_listener_that_waits_does_not_stop_others(server: netcompat.Server) -> None:
    go = threading.Event()

    def handle(sock: netcompat.Socket) -> None:
        sock.on("data", lambda chunk: go.wait(30) if chunk == b"wait" else sock.write(chunk))
    server.on("connection", handle)
    waiting, other = client_of(server), client_of(server)
    waiting.write(b"wait")
    for number in range(50):
        other.write(b"x")
        assert other.recv(1, 5) == b"x", number
    go.set()
    for client in (waiting, other):
        client.destroy()


def test_fifty_blocked_listeners_do_not_stop_the_next(server: netcompat.Server) -> None:
    go = threading.Event()
    blocked = 0

    def handle(sock: netcompat.Socket) -> None:
        def block(chunk: bytes) -> None:
            nonlocal blocked
            blocked += 1
            go.wait(30)
        sock.on("data", block)
    server.on("connection", handle)
    clients = [client_of(server) for _ in range(50)]
    for client in clients:
        client.write(b"x")
    eventually(lambda: blocked >= 20)
    quick = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, HOST)
    client = client_of(quick)
    try:
        for _ in range(20):
            client.write(b"y")
            assert client.recv(1, 5) == b"y"
    finally:
        go.set()
    for each in [client, *clients]:
        each.destroy()
    quick.close()


def test_fifty_handlers_that_wait_in_recv_leave_the_next_served(server: netcompat.Server) -> None:
    server.on("connection", lambda sock: sock.sendall(sock.recv(10)))
    clients = [client_of(server) for _ in range(51)]
    eventually(lambda: len(server.connections) == 51)
    for client in reversed(clients):
        client.write(b"x")
        assert client.recv(1, 10) == b"x"
    for client in clients:
        client.destroy()


@pytest.fixture
def one_worker() -> Iterator[netcompat.WorkerPool]:
    from netcompat.runtime import workers
    before = workers.default_pool()
    pool = netcompat.WorkerPool(1, thread_name_prefix="netcompat-only")
    netcompat.set_default_workers(pool)
    yield pool
    netcompat.shutdown(5)
    workers.use(before)


def test_one_worker_that_waits_in_recv_leaves_the_next_served(one_worker: Any) -> None:
    server = netcompat.create_server(lambda sock: sock.sendall(sock.recv(10))).listen(0, HOST)
    clients = [client_of(server) for _ in range(5)]
    for client in reversed(clients):
        client.write(b"x")
        assert client.recv(1, 10) == b"x"
    for client in clients:
        client.destroy()
    server.close()


IDLE = """
    import sys, socket
    held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(1000)]
    print("connected", flush=True)
    sys.stdin.read()
"""


@POSIX
@pytest.mark.skipif(os.environ.get("NETCOMPAT_SELECTOR") == "select", reason="1000 descriptors")
def test_an_idle_process_makes_no_wakeup(server: netcompat.Server, tmp_path: Any) -> None:
    import resource
    import subprocess
    import textwrap
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2500:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2500), hard))
    script = tmp_path / "clients.py"
    script.write_text(textwrap.dedent(IDLE))
    server.on("connection", lambda sock: sock.on("data", sock.write))
    process = subprocess.Popen([sys.executable, str(script), str(server.address().port)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"connected\n"
        eventually(lambda: len(server.connections) == 1000, 20)
        eventually(lambda: netcompat.stats()["busy"] == 0 and netcompat.stats()["queued"] == 0)
        before = settled_wakeups()
        time.sleep(2)           # the claim is about two seconds
        assert netcompat.stats()["reactor_wakeups"] == before
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
        eventually(lambda: not server.connections, 20)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def settled_wakeups() -> int:
    """The count of wakeups once it has not changed for a moment."""
    last = [-1]

    def same() -> bool:
        now = netcompat.stats()["reactor_wakeups"]
        was, last[0] = last[0], now
        time.sleep(0.05)
        return was == now
    eventually(same)
    return last[0]


def test_the_environment_prints_every_transition(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        server = netcompat.create_server(lambda peer: peer.end()).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1").resume()
        client.wait_for("close", 10)
        server.close()
        """, env={"NETCOMPAT_DEBUG": "1"})
    assert done.returncode == 0
    for transition in ("link connecting", "link open", "input eof", "output flushed", "output finished", "link gone"):
        assert transition in done.stderr
