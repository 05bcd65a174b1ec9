r"""Named pipes on Windows: names, who may open them, foreign peers, what is left. The traffic is in test_ipc.py."""
import ctypes
import gc
import json
import multiprocessing.connection
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

import netcompat
from conftest import eventually, our_threads
from connections import WAIT, InThread
from raw_pipes import RawPipe, RawPipeListener

if sys.platform != "win32":
    pytest.skip("named pipes are Windows'", allow_module_level=True)

import _winapi

from netcompat import connecting
from netcompat.transports import access_list, named_pipe


def echo(sock: netcompat.Socket) -> None:
    sock.on("data", sock.write)


def talks(path: Any) -> bool:
    client = netcompat.connect(path)
    try:
        client.write(b"hello")
        return client.recv(5, WAIT) == b"hello"
    finally:
        client.destroy()


def failure(emitter: Any, begin: Callable[[], Any]) -> Any:
    """The error that `begin()` leads to."""
    errors: List[Any] = []
    emitter.on("error", errors.append)
    begin()
    eventually(lambda: errors)
    return errors[0]


# ---- names ----

@pytest.mark.parametrize("listen, connect", [
    ("\\\\?\\pipe\\", "\\\\.\\pipe\\"), ("\\\\.\\pipe\\", "\\\\?\\pipe\\"), ("//./pipe/", "\\\\.\\PIPE\\"),
    ("\\\\.\\pipe\\folder\\", "\\\\.\\pipe\\FOLDER\\")])
def test_one_name_in_several_spellings(ipc_path: str, listen: str, connect: str) -> None:
    name = ipc_path.rsplit("\\", 1)[1]
    server = netcompat.create_server(echo).listen(listen + name)
    assert server.address() == listen + name
    assert talks(connect + name)


def test_a_path_object_of_windows(ipc_path: str) -> None:
    netcompat.create_server(echo).listen(Path(ipc_path))
    assert talks(Path(ipc_path))


@pytest.mark.parametrize("path", ["foo", "C:\\windows\\foo", "\\\\.\\pipe\\", "\\\\.\\pipe", "/tmp/foo"])
def test_listening_on_what_is_no_pipes_name(path: str) -> None:
    server = netcompat.create_server()
    error = failure(server, lambda: server.listen(path))
    assert (error.code, error.syscall, error.address) == ("EACCES", "listen", path)


def test_connecting_to_what_is_no_pipes_name(tmp_path: Path) -> None:
    sock = netcompat.Socket()
    assert failure(sock, lambda: sock.connect("foo")).code == "ENOENT"
    file = tmp_path / "file"
    file.write_text("")
    sock = netcompat.Socket()
    assert failure(sock, lambda: sock.connect(str(file))).code == "ENOTSOCK"


# ---- who may come in ----

@pytest.mark.parametrize("options, others", [
    ({}, ""), ({"readable_all": True}, "(A;;0x80000100;;;WD)"), ({"writable_all": True}, "(A;;0x40000080;;;WD)"),
    ({"readable_all": True, "writable_all": True}, "(A;;0xc0000180;;;WD)")])
def test_the_access_list_of_every_instance(ipc_path: str, options: Any, others: str, monkeypatch: Any) -> None:
    made: List[Any] = []
    seen: List[str] = []
    create, enter = _winapi.CreateNamedPipe, access_list.AccessList.__enter__

    def watched_create(name: str, mode: int, kind: int, *rest: Any) -> int:
        made.append((mode, kind))
        return create(name, mode, kind, *rest)

    def watched_enter(self: Any) -> int:
        seen.append(self.text)
        return enter(self)
    monkeypatch.setattr(_winapi, "CreateNamedPipe", watched_create)
    monkeypatch.setattr(access_list.AccessList, "__enter__", watched_enter)
    netcompat.create_server(echo).listen(path=ipc_path, **options)
    assert talks(ipc_path)
    assert len(seen) > named_pipe.INSTANCES and len(set(seen)) == 1
    assert seen[0].startswith("D:P(A;;GA;;;S-1-5-") and seen[0].endswith(")" + others)
    assert [bool(mode & 0x00080000) for mode, _ in made] == [True] + [False] * (len(made) - 1)     # the first is first
    assert all(kind == 8 for _, kind in made)       # bytes, and no clients of other machines


def granted(handle: int) -> str:
    """The access list that the system keeps, in its notation."""
    advapi = ctypes.WinDLL("advapi32")
    descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
    assert not advapi.GetSecurityInfo(ctypes.c_void_p(handle), 6, 4, None, None, None, None, ctypes.byref(descriptor))
    assert advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, 1, 4, ctypes.byref(text), None)
    return str(text.value)


def test_the_system_keeps_the_list(ipc_path: str) -> None:
    with netcompat.BoundSocket(path=ipc_path) as bound:
        text = granted(bound.fd())
        assert text.count("(A;") == 1 and access_list._user() in text


def test_the_server_of_a_pipe_cannot_act_in_the_name_of_its_client() -> None:
    assert named_pipe._IDENTIFY_ONLY == 0x00100000 | 0x00010000     # SECURITY_SQOS_PRESENT, SECURITY_IDENTIFICATION


# ---- places ----

def test_a_client_that_finds_every_place_taken_waits_for_one(ipc_path: str) -> None:
    with RawPipeListener(ipc_path) as listener:
        first = RawPipe.connect(ipc_path)           # takes the only place
        client = netcompat.connect(ipc_path)
        attempts: List[Any] = []
        client.on("connectionAttempt", lambda *args: attempts.append(args))
        time.sleep(0.1)
        assert client.connecting
        listener.accept()[0].close()                # makes another
        client.wait_for("connect", WAIT)
        assert attempts == [(ipc_path, None, None)]
        client.destroy()
        first.close()


def test_a_client_does_not_wait_for_ever(ipc_path: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(connecting, "PATH_PATIENCE", 0.05)
    with RawPipeListener(ipc_path):
        with RawPipe.connect(ipc_path):
            sock = netcompat.Socket()
            error = failure(sock, lambda: sock.connect(ipc_path))
            assert (error.code, error.syscall, error.address) == ("EBUSY", "connect", ipc_path)


def test_a_client_that_waits_can_be_destroyed(ipc_path: str) -> None:
    with RawPipeListener(ipc_path):
        with RawPipe.connect(ipc_path):
            sock = netcompat.connect(ipc_path)
            time.sleep(0.02)
            sock.destroy()
            sock.wait_for("close", WAIT)


def test_a_name_is_taken_until_the_last_connection_is_closed(ipc_path: str) -> None:
    server = netcompat.create_server(echo).listen(ipc_path)
    client = netcompat.connect(ipc_path)
    client.write(b"x")
    assert client.recv(1, WAIT) == b"x"
    server.close()
    other = netcompat.create_server()
    assert failure(other, lambda: other.listen(ipc_path)).code == "EADDRINUSE"
    client.destroy()
    server.wait_for("close", WAIT)
    other.listen(ipc_path)
    assert other.listening


@pytest.mark.parametrize("direction, reads", [(2, True), (1, False)])      # the server writes only, or reads only
def test_a_pipe_with_one_direction(ipc_path: str, direction: int, reads: bool) -> None:
    handle = _winapi.CreateNamedPipe(ipc_path, direction, 0, 1, 4096, 4096, 0, 0)
    sock = netcompat.connect(ipc_path)
    sock.wait_for("connect", WAIT)
    if reads:
        _winapi.WriteFile(handle, b"news")
        assert sock.recv(10, WAIT) == b"news"
    else:
        sock.sendall(b"order", WAIT)
        assert _winapi.ReadFile(handle, 10)[0] == b"order"
    sock.destroy()
    _winapi.CloseHandle(handle)


def test_a_server_handle_cannot_be_shared(ipc_path: str) -> None:
    server, other = netcompat.create_server().listen(ipc_path), netcompat.create_server()
    assert failure(other, lambda: other.listen(handle=server)).code == "EINVAL"


# ---- the end ----

def test_end_ends_both_directions_when_the_peer_is_silent(ipc_path: str) -> None:
    with RawPipeListener(ipc_path) as listener:
        sock = netcompat.connect(ipc_path, allow_half_open=True)
        peer = listener.accept()[0]
        told: List[str] = []
        for event in ("finish", "end", "close"):
            sock.on(event, lambda *_, event=event: told.append(event))
        sock.resume()
        sock.end(b"last")
        sock.wait_for("close", WAIT)
        assert told == ["finish", "end", "close"]
        peer.settimeout(WAIT)
        assert peer.recv(10) == b"last" and peer.recv(10) == b""
        with pytest.raises(OSError):
            peer.sendall(b"too late")
        peer.close()


def test_end_is_put_off_as_long_as_the_peer_sends(ipc_path: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(named_pipe, "QUIET", 1.0)       # so that a slow machine is not taken for silence
    with RawPipeListener(ipc_path) as listener:
        sock = netcompat.connect(ipc_path)
        peer = listener.accept()[0]
        sock.end(b"question")
        for number in range(8):
            peer.sendall(b"%d" % number)
            time.sleep(named_pipe.QUIET / 5)
        assert sock.recv(100, WAIT)
        peer.close()
        sock.resume()
        sock.wait_for("close", WAIT)
        assert sock.bytes_read == 8


def test_what_waits_for_a_listener_is_not_lost_by_the_end(ipc_path: str) -> None:
    with RawPipeListener(ipc_path) as listener:
        sock = netcompat.connect(ipc_path)
        peer = listener.accept()[0]
        sock.pause()
        peer.sendall(b"x" * 200)
        sock.end()
        time.sleep(4 * named_pipe.QUIET)        # the claim is about a time in which nobody takes it
        got: List[bytes] = []
        sock.on("data", got.append)
        sock.resume()
        sock.wait_for("close", WAIT)
        assert b"".join(got) == b"x" * 200
        peer.close()


def test_an_empty_write_of_the_peer_is_no_end(ipc_path: str) -> None:
    with RawPipeListener(ipc_path) as listener:
        sock = netcompat.connect(ipc_path)
        peer = listener.accept()[0]
        peer.send(b"")
        peer.sendall(b"more")
        assert sock.recv(10, WAIT) == b"more"
        peer.close()
        sock.resume()
        sock.wait_for("close", WAIT)


def test_a_write_after_the_peer_has_closed_is_epipe(ipc_path: str) -> None:
    with RawPipeListener(ipc_path) as listener:
        sock = netcompat.connect(ipc_path)
        peer = listener.accept()[0]
        sock.pause()
        sock.wait_for("connect", WAIT)
        peer.close()

        def write() -> None:
            for _ in range(100):
                sock.write(b"x")
                time.sleep(0.001)
        error = failure(sock, write)
        assert (error.code, error.syscall) == ("EPIPE", "write")


# ---- what is left ----

def handles() -> int:
    """How many this process has, by the system's list of all: Wine has no shorter way to ask."""
    gc.collect()                            # a thread's handle lives as long as its object
    size = 1 << 20
    while True:
        buffer = ctypes.create_string_buffer(size)
        status = ctypes.WinDLL("ntdll").NtQuerySystemInformation(64, buffer, size, None) & 0xffffffff
        if status != 0xC0000004:            # too short
            break
        size *= 2
    assert not status
    numbers = memoryview(buffer).cast("B").cast("Q")
    # After the count and a reserved number: entries of five numbers, of which the second is the process.
    return sum(1 for entry in range(numbers[0]) if numbers[2 + 5 * entry + 1] == os.getpid())


def no_thread_of_pipes() -> bool:
    return not [thread for thread in our_threads() if thread.name == "netcompat-pipes"]


def many(place: Any, count: int) -> None:
    """So many connections, some dozen at a time, each of which is served."""
    server = netcompat.create_server(echo).listen(place) if isinstance(place, str) else netcompat.create_server(
        echo).listen(0, "127.0.0.1")
    for _ in range(count // 50):
        clients = [netcompat.connect(place) if isinstance(place, str) else
                   netcompat.connect(server.address().port, "127.0.0.1") for _ in range(50)]
        for client in clients:
            client.write(b"x")
        for client in clients:
            assert client.recv(1, 30) == b"x"
        for number, client in enumerate(clients):
            client.end() if number % 2 else client.destroy()
        for client in clients:
            client.wait_for("close", 30)
    server.close()
    server.wait_for("close", 30)


LEAVING_NOTHING = """
    import json, sys, threading, time
    sys.path.insert(0, sys.argv[1])
    import netcompat
    from conftest import eventually
    from test_named_pipe import handles, many, no_thread_of_pipes

    for count in (100, 1000):               # the first time for what the interpreter and the system keep for good
        many(sys.argv[2], count)
        many(0, count)
        netcompat.shutdown(10)
        eventually(no_thread_of_pipes)
        if count == 100:
            time.sleep(0.5)                 # threads that have just ended are gone for the system too
            before = handles(), threading.active_count()
    deadline = time.monotonic() + 10
    while handles() > before[0] and time.monotonic() < deadline:
        time.sleep(0.1)
    print(json.dumps([before, (handles(), threading.active_count())]))
"""


@pytest.mark.timeout(240)
def test_a_thousand_connections_of_each_kind_leave_nothing(run_script: Any, ipc_path: str, capsys: Any) -> None:
    """In a process of its own, where no thread of another test opens or closes anything meanwhile."""
    done = run_script(LEAVING_NOTHING, Path(__file__).parent, ipc_path, timeout=200)
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        print("\n(handles, threads) before and after 1000 + 1000 connections: " + done.stdout.strip())
    before, after = json.loads(done.stdout)
    assert after[0] <= before[0] and after[1] == before[1]


def test_closing_at_any_moment_leaves_no_handle(ipc_path: str) -> None:
    def round_of(turn: int) -> None:
        server = netcompat.create_server(lambda sock: sock.on("error", lambda error: None)).listen(ipc_path)
        client = netcompat.connect(ipc_path)
        client.on("error", lambda error: None)
        if turn % 2:
            client.write(b"x" * (turn << 10))
        if turn % 3:
            client.wait_for("connect", WAIT)
        if turn % 4 == 3:
            client.end()
        client.destroy()
        server.close()
        server.close_all_connections()
        client.wait_for("close", WAIT)
        server.wait_for("close", WAIT)
    for turn in range(40):
        round_of(turn)
    netcompat.shutdown(10)
    eventually(no_thread_of_pipes)
    time.sleep(0.5)                         # likewise
    before = handles()
    for turn in range(120):
        round_of(turn)
    netcompat.shutdown(10)
    eventually(no_thread_of_pipes)
    eventually(lambda: handles() <= before)


def test_one_thread_for_all_pipes_and_none_without_them(ipc_path: str) -> None:
    before = len(our_threads())
    server = netcompat.create_server(echo).listen(ipc_path)
    clients = [netcompat.connect(ipc_path) for _ in range(100)]
    for client in clients:
        client.wait_for("connect", 30)
    assert len([thread for thread in our_threads() if thread.name == "netcompat-pipes"]) == 1
    assert len(our_threads()) < before + 60         # the reactor, the keeper, this one, and workers up to their limit
    for client in clients:
        client.destroy()
    server.close()
    eventually(no_thread_of_pipes)


def test_idle_pipes_wake_nobody(ipc_path: str) -> None:
    server = netcompat.create_server(echo).listen(ipc_path)
    clients = [netcompat.connect(ipc_path) for _ in range(50)]
    for client in clients:
        client.write(b"x")
        assert client.recv(1, 30) == b"x"
    woken: List[int] = []

    def quiet() -> bool:
        woken.append(netcompat.stats()["reactor_wakeups"])
        time.sleep(0.3)                             # the claim is about a time in which nothing happens
        return bool(netcompat.stats()["reactor_wakeups"] == woken[-1])
    eventually(quiet)
    for client in clients:
        client.destroy()
    server.close()


# ---- foreign peers ----

@pytest.fixture
def run_node(node: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts Node with a script; its output goes to a file, since under Wine it takes nothing else."""
    processes: List[Any] = []

    def run(script: str, *arguments: str) -> Any:
        file, output = tmp_path / "peer.js", tmp_path / "output"
        file.write_text(script)
        with output.open("wb") as stream:
            process: Any = subprocess.Popen([node, str(file), *arguments], stdin=subprocess.DEVNULL, stdout=stream,
                                            stderr=stream)
        process.said = lambda: output.read_text()
        processes.append(process)
        return process
    yield run
    for process in processes:
        process.kill()
        process.wait(WAIT)


NODE_SERVER = """
const net = require('net');
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('end', () => socket.end());
  socket.on('error', (error) => console.log('error', error.code));
  socket.on('close', () => server.close());
});
server.listen(process.argv[2], () => console.log('listening'));
"""

NODE_CLIENT = """
const net = require('net');
const piece = Buffer.alloc(1 << 16, 'netcompat');
const total = 64 * piece.length;
let got = 0, sent = 0;
const socket = net.connect(process.argv[2], function send() {
  while (sent < total) {
    sent += piece.length;
    if (!socket.write(piece)) { socket.once('drain', send); return; }
  }
});
socket.on('data', (chunk) => {
  for (let i = 0; i < chunk.length && got < total; i += 4096)
    if (chunk[i] !== piece[(got + i) % piece.length]) { console.log('wrong byte', got + i); process.exit(1); }
  got += chunk.length;
  if (got === total) socket.end('over');
});
socket.on('error', (error) => console.log('error', error.code));
socket.on('close', () => { console.log('got', got); });
"""


def test_node_serves_a_pipe(ipc_path: str, run_node: Any) -> None:
    process = run_node(NODE_SERVER, ipc_path)
    eventually(lambda: "listening" in process.said(), 30)
    client = netcompat.connect(ipc_path)
    data = os.urandom(3 << 20)
    sender = InThread(client.sendall, data, 40)
    got = b""
    while len(got) < len(data):
        part = client.recv(1 << 16, 30)
        assert part
        got += part
    sender.result()
    assert got == data
    client.end()
    client.wait_for("close", WAIT)
    assert process.wait(WAIT) == 0 and "error" not in process.said()


def test_node_is_the_client_of_a_pipe(ipc_path: str, run_node: Any) -> None:
    got, over = [], threading.Event()

    def on_connection(sock: netcompat.Socket) -> None:
        sock.pipe(sock)
        sock.on("data", lambda chunk: got.append(chunk[-4:]))
        sock.on("end", over.set)
    netcompat.create_server(on_connection).listen(ipc_path)
    process = run_node(NODE_CLIENT, ipc_path)
    assert over.wait(40)
    assert got[-1] == b"over"
    assert process.wait(WAIT) == 0
    said = process.said().split()
    assert said[0] == "got" and int(said[1]) >= 64 << 16        # and perhaps the last four bytes


def test_multiprocessing_is_the_client_of_a_pipe(ipc_path: str) -> None:
    netcompat.create_server(echo).listen(ipc_path)
    handle = _winapi.CreateFile(ipc_path, _winapi.GENERIC_READ | _winapi.GENERIC_WRITE, 0, 0, _winapi.OPEN_EXISTING,
                                _winapi.FILE_FLAG_OVERLAPPED, 0)
    with multiprocessing.connection.PipeConnection(handle) as connection:       # type: ignore[attr-defined]
        for size in (1, 100, 8000):
            connection.send_bytes(b"m" * size)
            got = b""
            while len(got) < size:
                assert connection.poll(WAIT)
                got += connection.recv_bytes()
            assert got == b"m" * size


def test_multiprocessing_serves_a_pipe(ipc_path: str) -> None:
    with multiprocessing.connection.Listener(ipc_path, "AF_PIPE") as listener:
        sock = netcompat.connect(ipc_path)
        with listener.accept() as connection:
            connection.send_bytes(b"from a message pipe")
            assert sock.recv(100, WAIT) == b"from a message pipe"
            sock.write(b"and back")
            assert connection.poll(WAIT) and connection.recv_bytes() == b"and back"
            sock.end()
            with pytest.raises(EOFError):
                connection.recv_bytes()
        sock.wait_for("close", WAIT)
