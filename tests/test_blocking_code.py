"""Code that was written to block: the standard library's own on our connections, handlers by the hundred, a pool that
is exhausted, and `socketserver` handler classes that do not know where they run."""
from __future__ import annotations

import csv
import http.client
import http.server
import io
import json
import logging
import shutil
import socket
import socketserver
import threading
from typing import Any, Callable, Iterator, List

import netcompat
import pytest
from conftest import Reports, eventually
from connections import WAIT
from netcompat.runtime import workers

MEGABYTE = 1 << 20


@pytest.fixture
def small_pool() -> Iterator[Callable[[int], netcompat.WorkerPool]]:
    """A default pool of so many workers, for one test."""
    before = workers.default_pool()

    def make(size: int) -> netcompat.WorkerPool:
        pool = netcompat.WorkerPool(size, thread_name_prefix="netcompat-small")
        netcompat.set_default_workers(pool)
        return pool

    yield make
    workers.use(before)


def port_of(server: Any) -> int:
    address = server.listen(0, "127.0.0.1").address()
    assert isinstance(address, netcompat.AddressInfo) and address.port
    return address.port


def client_of(server: Any) -> netcompat.Socket:
    return netcompat.connect(port_of(server), "127.0.0.1")


# ---- files ----

def test_rows_of_csv_go_both_ways() -> None:
    def serve(peer: netcompat.Socket) -> None:
        with peer, peer.makefile("rw", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for row in csv.reader(file):
                writer.writerow(list(reversed(row)))
                file.flush()

    with client_of(netcompat.create_server(serve)) as client:
        with client.makefile("rw", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            for row in (["a", "b,c"], ["two\nlines", 'a "quote"', "ü"]):
                csv.writer(file).writerow(row)
                file.flush()
                assert next(rows) == list(reversed(row))


def test_lines_of_json_are_asked_and_answered() -> None:
    def serve(peer: netcompat.Socket) -> None:
        with peer, peer.makefile("rw", encoding="utf-8") as file:
            for line in file:
                print(json.dumps({"sum": sum(json.loads(line))}), file=file, flush=True)

    with client_of(netcompat.create_server(serve)) as client, client.makefile("rw", encoding="utf-8") as file:
        for numbers in ([1, 2, 3], [40, 2], []):
            print(json.dumps(numbers), file=file, flush=True)
            assert json.loads(file.readline()) == {"sum": sum(numbers)}


def test_copyfileobj_copies_in_and_out() -> None:
    data = bytes(range(256)) * (4 * MEGABYTE // 256)

    def serve(peer: netcompat.Socket) -> None:
        with peer, peer.makefile("rb") as source, peer.makefile("wb") as target:
            shutil.copyfileobj(source, target)

    received = io.BytesIO()
    client = client_of(netcompat.create_server(serve, allow_half_open=True))

    def send() -> None:
        with client.makefile("wb") as target:
            shutil.copyfileobj(io.BytesIO(data), target)
        client.end()

    sender = threading.Thread(target=send)
    sender.start()
    with client.makefile("rb") as source:
        shutil.copyfileobj(source, received)
    sender.join(WAIT)
    assert received.getvalue() == data
    client.destroy()


def test_a_file_has_what_the_standard_library_gives_it() -> None:
    """Name, mode and abilities of `socket.makefile`'s files; the same on ours."""
    theirs, other = socket.socketpair()
    with theirs, other, client_of(netcompat.create_server(lambda peer: peer.pipe(peer))) as ours:
        for mode, buffering in (("r", -1), ("w", -1), ("rw", -1), ("rb", -1), ("wb", 0), ("rwb", 0), ("rwb", 4096)):
            expected: Any = theirs.makefile(mode, buffering)
            file: Any = ours.makefile(mode, buffering)
            assert type(file).__name__ == type(expected).__name__.replace("SocketIO", "_RawFile")
            for name in ("readable", "writable", "seekable"):
                assert getattr(file, name)() == getattr(expected, name)(), (mode, name)
            assert getattr(file, "mode", None) == getattr(expected, "mode", None), mode
            if isinstance(expected, socket.SocketIO):
                assert file.name == file.fileno() == ours.fileno()
            file.close()
            expected.close()
            assert file.closed


def test_what_timed_out_is_not_written_twice() -> None:
    """A buffered file keeps what its raw file failed to write; here that is queued already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = netcompat.connect(listener.getsockname()[1], "127.0.0.1")
        peer, _ = listener.accept()
        with peer:
            data = bytes(range(256)) * (8 * MEGABYTE // 256)
            view = client.as_stdlib()
            view.settimeout(0.05)
            file = view.makefile("wb", 16 * MEGABYTE)
            file.write(data)
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    file.flush()
            with pytest.raises(TimeoutError):
                file.close()
            client.end()
            got = bytearray()
            while len(got) <= len(data):
                chunk = peer.recv(MEGABYTE)
                if not chunk:
                    break
                got += chunk
            assert got == data
            client.destroy()


# ---- handlers by the dozen and by the hundred ----

@pytest.mark.parametrize("count", [12, 200])
def test_handlers_that_wait_need_no_worker_each(count: int, small_pool: Any) -> None:
    """Each handler waits for its client, and all clients wait for all others: with four workers only those can go on
    whose waiting does not count."""
    small_pool(4)
    all_here = threading.Barrier(count + 1)

    def serve(peer: netcompat.Socket) -> None:
        with peer, peer.makefile("rw", encoding="utf-8") as file:
            for line in file:
                file.write(line.upper())
                file.flush()

    port = port_of(netcompat.create_server(serve))
    clients = [netcompat.connect(port, "127.0.0.1") for _ in range(count)]
    answers: List[str] = []

    def talk(client: netcompat.Socket, number: int) -> None:
        with client, client.makefile("rw", encoding="utf-8") as file:
            for word in ("one", "two"):
                file.write(f"{word} {number}\n")
                file.flush()
                answers.append(file.readline())
                all_here.wait(60)

    threads = [threading.Thread(target=talk, args=pair) for pair in zip(clients, range(count))]
    for thread in threads:
        thread.start()
    all_here.wait(60)
    # Some have gone on already.
    first = [answer for answer in list(answers) if answer.startswith("ONE")]
    assert sorted(first) == sorted(f"ONE {number}\n" for number in range(count))
    all_here.wait(60)
    for thread in threads:
        thread.join(WAIT)
    assert len(answers) == 2 * count


def test_an_exhausted_pool_holds_up_listeners_and_nothing_else(
        small_pool: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """All workers sit in listeners that wait for something that is not ours. The library is warned about once, and what
    needs no listener goes on: accepting, connecting, writing, receiving in helpers, closing."""
    monkeypatch.setattr(workers, "SATURATED_AFTER", 0.2)
    small_pool(3)       # one of them is kept for listeners that do not block
    go_on = threading.Event()
    begun: List[Any] = []

    def stuck(peer: netcompat.Socket) -> None:
        begun.append(peer)
        go_on.wait(WAIT)
        peer.end("at last")

    try:
        with caplog.at_level(logging.WARNING, "netcompat"):
            port = port_of(netcompat.create_server(stuck))
            clients = [netcompat.connect(port, "127.0.0.1") for _ in range(6)]
            eventually(lambda: caplog.records)
            held_up = len(begun)
            assert 2 <= held_up <= 3

            other = netcompat.create_server()                   # used from this thread alone
            plain = netcompat.connect(port_of(other), "127.0.0.1")
            accepted = other.accept(WAIT)
            plain.sendall(b"question", WAIT)
            assert accepted.recv(8, WAIT) == b"question"
            accepted.write(b"answer")
            assert plain.recv(6, WAIT) == b"answer"
            other.close()
            plain.destroy()
            assert netcompat.stats()["busy"] >= 2
            assert len(begun) == held_up
        messages = [record.getMessage() for record in caplog.records]
        assert len(messages) == 1 and f"all {held_up} workers" in messages[0] and "stuck" in messages[0], messages
    finally:
        go_on.set()
    assert [b"".join(client) for client in clients] == [b"at last"] * 6


# ---- socketserver's handlers ----

class Upper(socketserver.StreamRequestHandler):
    """As in the documentation of socketserver."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.strip().upper() + b"\n")


class Raw(socketserver.BaseRequestHandler):
    def setup(self) -> None:
        self.log = ["setup"]

    def handle(self) -> None:
        data = self.request.recv(1024)
        self.log.append("handle")
        self.request.sendall(repr((data, self.client_address == self.request.getpeername(),
                                   self.server.server_address == self.request.getsockname(),
                                   self.server.RequestHandlerClass is Raw)).encode())

    def finish(self) -> None:
        self.request.sendall(repr(self.log).encode())


def by_socketserver(handler: Any) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(WAIT)


def by_netcompat(handler: Any) -> Iterator[int]:
    with netcompat.create_server(netcompat.request_handler(handler)) as server:
        yield port_of(server)


@pytest.fixture(params=[by_socketserver, by_netcompat], ids=["socketserver", "netcompat"])
def serving(request: Any) -> Iterator[Callable[[Any], int]]:
    """Serves a handler class, by the standard library and by us: the same test must hold for both."""
    running: List[Iterator[int]] = []

    def begin(handler: Any) -> int:
        running.append(request.param(handler))
        return next(running[-1])

    yield begin
    for served in running:
        assert next(served, None) is None


def ask(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), WAIT) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(1024), b""))


def test_a_stream_handler_runs_unchanged(serving: Any) -> None:
    assert ask(serving(Upper), b"hello\nworld\n") == b"HELLO\nWORLD\n"


def test_a_handler_finds_request_address_and_server(serving: Any) -> None:
    assert ask(serving(Raw), b"x") == b"(b'x', True, True, True)['setup', 'handle']"


def test_an_http_handler_runs_unchanged(serving: Any) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[::-1])

        def log_message(self, *_: Any) -> None:
            assert self.address_string() == "127.0.0.1"

    connection = http.client.HTTPConnection("127.0.0.1", serving(Handler), timeout=WAIT)
    for body in (b"first", b"second", b"x" * MEGABYTE):         # one connection, kept alive
        connection.request("POST", "/", body)
        assert connection.getresponse().read() == body[::-1]
    connection.close()


def test_a_hundred_handlers_wait_at_a_time(small_pool: Any) -> None:
    small_pool(4)
    port = port_of(netcompat.create_server(netcompat.request_handler(Upper)))
    clients = [socket.create_connection(("127.0.0.1", port), WAIT) for _ in range(100)]
    try:
        for number, client in enumerate(clients):
            client.sendall(b"number %d\n" % number)
        for number, client in reversed(list(enumerate(clients))):
            assert client.makefile("rb").readline() == b"NUMBER %d\n" % number
    finally:
        for client in clients:
            client.close()


def test_a_handler_is_given_the_server_object_of_the_program() -> None:
    class Asking(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(self.server.greeting)      # type: ignore[attr-defined]

    class Program:
        greeting = b"from the program"

    port = port_of(netcompat.create_server(netcompat.request_handler(Asking, Program())))
    assert ask(port, b"") == b"from the program"


def test_without_one_the_handler_hears_what_to_do(reported: Reports) -> None:
    class Asking(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.server.greeting        # type: ignore[attr-defined]

    client = client_of(netcompat.create_server(netcompat.request_handler(Asking)))
    client.on("error", lambda problem: None)
    report = reported.take(AttributeError)
    assert "greeting" in str(report.exc_value)
    assert "request_handler(Handler, server=…)" in report.exc_value.__notes__[0]


def test_a_handler_that_shuts_the_server_down_does_not_hang() -> None:
    class Last(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.server.shutdown()
            self.wfile.write(b"the last one")

    server = netcompat.create_server(netcompat.request_handler(Last))
    assert ask(port_of(server), b"") == b"the last one"
    server.wait_for("close", WAIT)


def test_a_handler_serves_an_ipc_path(ipc_path: str) -> None:
    class Who(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(repr((self.client_address, self.server.server_address)).encode())

    netcompat.create_server(netcompat.request_handler(Who)).listen(ipc_path)
    with netcompat.connect(ipc_path) as client:
        assert b"".join(client).decode() == repr(("", ipc_path))


@pytest.mark.parametrize("wrong", [None, 5, "Handler", socketserver.DatagramRequestHandler])
def test_what_is_no_handler_of_streams_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError) as caught:
        netcompat.request_handler(wrong)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"      # type: ignore[attr-defined]


# ---- the program destroys a connection on which a listener blocks ----

def wait_in_recv(sock: netcompat.Socket) -> None:
    sock.recv(1)


def wait_in_a_loop(sock: netcompat.Socket) -> None:
    with sock:
        for _ in sock:
            pass


def wait_in_a_file(sock: netcompat.Socket) -> None:
    with sock, sock.makefile("r", encoding="utf-8") as file:
        file.readline()


def wait_in_sendall(sock: netcompat.Socket) -> None:
    sock.sendall(bytes(16 * MEGABYTE))


def wait_in_flush(sock: netcompat.Socket) -> None:
    while sock.write(bytes(MEGABYTE)):
        pass
    sock.flush()


class WaitingHandler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1)


ENDS = {
    "destroy": lambda server: [sock.destroy() for sock in server.connections],
    "close_all_connections": lambda server: server.close_all_connections(),
    "a shutdown of the server": lambda server: server.shutdown(0),
    "a shutdown of everything": lambda server: netcompat.shutdown(WAIT),
}


@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("listener", [wait_in_recv, wait_in_a_loop, wait_in_a_file, wait_in_sendall, wait_in_flush,
                                      netcompat.request_handler(WaitingHandler)], ids=lambda each: each.__name__)
def test_what_the_program_destroys_itself_is_not_reported(listener: Any, end: str, fast_switching: None) -> None:
    """The listener is told, by an exception that it may let through. The program knows what it did."""
    server = netcompat.create_server(listener)
    port = port_of(server)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    eventually(lambda: netcompat.stats()["waiting"] == 3)
    ENDS[end](server)
    server.close()
    eventually(lambda: netcompat.stats()["waiting"] == 0 and not server.connections)
    for client in clients:
        client.close()


def test_a_listener_that_comes_back_to_what_was_destroyed_is_not_reported() -> None:
    inside, destroyed, over = threading.Event(), threading.Event(), threading.Event()

    def serve(sock: netcompat.Socket) -> None:
        inside.set()
        assert destroyed.wait(WAIT)
        sock.on("close", lambda had_error: over.set())
        sock.sendall(b"an answer that nobody wants any more")

    server = netcompat.create_server(serve)
    client = client_of(server)
    assert inside.wait(WAIT)
    server.close_all_connections()
    destroyed.set()
    assert over.wait(WAIT)
    client.destroy()
    server.close()


def test_a_listener_that_destroys_its_own_connection_and_goes_on_is_reported(reported: Any) -> None:
    def serve(sock: netcompat.Socket) -> None:
        sock.destroy()
        sock.sendall(b"too late")

    server = netcompat.create_server(serve)
    client = client_of(server)
    assert "destroyed" in str(reported.take(OSError, WAIT).exc_value)
    client.destroy()
    server.close()


def test_what_was_destroyed_with_an_error_is_reported_to_who_waits(reported: Any) -> None:
    inside = threading.Event()
    server = netcompat.create_server(lambda sock: (inside.set(), sock.recv(1)))
    client = client_of(server)
    assert inside.wait(WAIT)
    eventually(lambda: netcompat.stats()["waiting"] == 1)
    next(iter(server.connections)).destroy(LookupError("on purpose"))
    reported.take(LookupError, WAIT)
    client.destroy()
    server.close()
