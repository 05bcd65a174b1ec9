"""`python3 -m netcompat …`: its commands, with real programs on the other end, and the mistakes of beginners."""
from __future__ import annotations

import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional

import netcompat
import pytest
from conftest import eventually, script_environment
from netcompat.__main__ import in_one_line, parse_address, serving_address

MEGABYTE = 1 << 20
ON_WINDOWS = sys.platform == "win32"
PIPES = "\\\\.\\pipe\\"
COMMAND = [sys.executable, "-m", "netcompat"]


def run(*arguments: str, data: Optional[bytes] = b"", timeout: float = 30.0) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(COMMAND + list(arguments), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout, env=script_environment())


class Running:
    """A command that goes on; `where` is the address it says it listens on."""

    def __init__(self, *arguments: str, stdin: Any = subprocess.PIPE, stdout: Any = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(COMMAND + list(arguments), stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                        env=script_environment())

    def where(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline().decode()
        assert line.startswith("listening on "), line
        return line.split()[-1]

    def port(self) -> int:
        return int(self.where().rpartition(":")[2])

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start() -> Iterator[Any]:
    running: List[Running] = []

    def begin(*arguments: str, **keywords: Any) -> Running:
        running.append(Running(*arguments, **keywords))
        return running[-1]

    yield begin
    for command in running:
        command.end()


@pytest.fixture
def pty_run() -> Iterator[Any]:
    """Starts a command with a terminal as its standard input or standard error; the process and our end of it."""
    pty = pytest.importorskip("pty")
    left: List[Any] = []

    def begin(*arguments: str, stdin: bool = False, stderr: bool = False) -> Any:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(COMMAND + list(arguments), stdin=theirs if stdin else subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=theirs if stderr else subprocess.DEVNULL,
                                   env=script_environment())
        os.close(theirs)
        left.append((process, ours))
        return process, ours

    yield begin
    for process, ours in left:
        process.kill()
        process.communicate()
        os.close(ours)


def read_until(screen: int, wanted: bytes, limit: float = 20.0) -> bytes:
    """What a terminal shows, until it shows `wanted`."""
    shown, deadline = b"", time.monotonic() + limit
    while wanted not in shown:
        ready, _, _ = select.select([screen], [], [], max(deadline - time.monotonic(), 0.0))
        assert ready, shown
        shown += os.read(screen, 4096)
    return shown


def noise(size: int) -> bytes:
    return random.Random(size).getrandbits(8 * size).to_bytes(size, "big")


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def test_demo_shows_both_sides_over_tcp_and_ipc_and_ends_well() -> None:
    done = run("demo", timeout=15)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and not done.stderr
    halves = "\n".join(lines).split("IPC: ")
    for half in halves:
        for who, event in (("server", "'listening'"), ("server", "'connection'"), ("client", "'connect'"),
                           ("serving", "'data'"), ("client", "'data'"), ("client", "'end'"), ("serving", "'end'"),
                           ("client", "'close'"), ("server", "'close'")):
            assert re.search(rf"ms  {who} +{event}", half), (who, event)
        stamps = [float(stamp) for stamp in re.findall(r"^ *([0-9.]+) ms", half, re.MULTILINE)]
        assert stamps == sorted(stamps) and len(stamps) > 9


def test_demo_into_a_closed_pipe_ends_well() -> None:
    with subprocess.Popen(COMMAND + ["demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=script_environment()) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(15) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("text, place", [
    ("8124", {"port": 8124, "host": "localhost"}),
    ("host:8124", {"port": 8124, "host": "host"}),
    ("[::1]:8124", {"port": 8124, "host": "::1"}),
    ("/tmp/x.sock", {"path": "/tmp/x.sock"}),
    ("x.sock", {"path": "x.sock"}),
    ("/tmp/12", {"path": "/tmp/12"}),
    ("@abstract", {"path": "\0abstract"}),
    (r"\\.\pipe\x", {"path": r"\\.\pipe\x"}),
])
def test_addresses(text: str, place: Any) -> None:
    assert parse_address(text) == place


def test_servers_stay_on_the_loopback_interface_unless_told_otherwise() -> None:
    assert serving_address("8124") == {"port": 8124, "host": "127.0.0.1"}
    assert serving_address("0.0.0.0:8124") == {"port": 8124, "host": "0.0.0.0"}


@pytest.mark.parametrize("arguments, status, words", [
    ([], 2, "COMMAND"),
    (["conect", "80"], 2, "conect"),
    (["connect", "99999"], 2, "65535"),
    (["connect", "host:http"], 2, "no number"),
    (["connect", "::1:80"], 2, "[::1]:80"),
    (["connect", ""], 2, "empty"),
    (["listen", "8124", "--timeout", "soon"], 2, "no time in seconds"),
    (["connect", "/nowhere/x.sock"], 1, "ENOENT"),
    (["connect", "nobody.invalid:80"], 1, "ENOTFOUND"),
    (["connect", "localhost"], 1, "localhost:80"),
    (["listen", "/nowhere/x.sock"], 1, "EACCES" if ON_WINDOWS else "make it first"),
    (["listen", PIPES + "x" * 300 if ON_WINDOWS else "/tmp/" + "x" * 200], 1,
     "ENAMETOOLONG" if ON_WINDOWS else "choose a shorter folder"),
    (["listen", "0", "--timeout", "0.1"], 1, "nobody connected within 0.1 seconds"),
    (["echo", "192.0.2.1:8124"], 1, "EADDRNOTAVAIL"),
    (["events", "/nowhere/x.sock"], 1, "start the server first"),
])
def test_a_mistake_is_one_line_and_a_status(arguments: List[str], status: int, words: str) -> None:
    done = run(*arguments)
    text = done.stderr.decode()
    if words == "ENOTFOUND" and "EAI_AGAIN" in text:
        words = "EAI_AGAIN"         # a machine without a name server
    if words == "nobody connected within 0.1 seconds":
        text = text.partition("\n")[2]          # after where it listens
    assert (done.returncode, text.count("\n")) == (status, 1), text
    assert words in text and text.startswith("netcompat")


def test_a_refused_connection_is_one_line(tcp_address: Any) -> None:
    done = run("connect", f"127.0.0.1:{tcp_address[1]}")
    line = done.stderr.decode()
    assert done.returncode == 1 and line.count("\n") == 1
    assert line.startswith(f"netcompat: connect ECONNREFUSED 127.0.0.1:{tcp_address[1]} (nobody listens there: start")


def test_several_refused_addresses_are_one_line() -> None:
    problem = netcompat.AggregateError([OSError("connect ECONNREFUSED ::1:80"), OSError("connect ENETUNREACH 1.2:80")])
    assert in_one_line(problem).count("\n") == 0
    with socket.socket() as held:       # bound, so that nobody else listens there
        held.bind(("127.0.0.1", 0))
        done = run("connect", str(held.getsockname()[1]))       # localhost: one address or two
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"start the server first" in done.stderr


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = run("listen", str(other.getsockname()[1]))
        assert done.returncode == 1 and b"EADDRINUSE" in done.stderr and done.stderr.count(b"\n") == 1
        assert b"choose another port, or 0 for one that is free" in done.stderr


def test_a_pipe_is_sent_to_its_end_although_the_peer_ended_its_side_at_once() -> None:
    """As nc does it. A Socket that is not half-open would stop, and the rest of the file be lost without a word."""
    data = noise(8 * MEGABYTE)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = subprocess.Popen(COMMAND + ["connect", str(listener.getsockname()[1])], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, env=script_environment())
        assert sender.stdin is not None and sender.stdout is not None
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"all I have to say")
            peer.shutdown(socket.SHUT_WR)
            assert sender.stdout.read(17) == b"all I have to say"
            threading.Thread(target=lambda: (sender.stdin.write(data), sender.stdin.close())).start()
            peer.settimeout(30)
            received = b"".join(iter(lambda: peer.recv(MEGABYTE), b""))
        assert received == data and sender.wait(10) == 0
        sender.stdout.close()


def test_at_a_terminal_the_peers_end_is_the_end(pty_run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process, screen = pty_run("connect", str(port), stdin=True)
        peer, _ = listener.accept()
        peer.close()
        assert process.wait(10) == 0


def test_at_a_terminal_half_open_sends_on(pty_run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process, screen = pty_run("connect", str(listener.getsockname()[1]), "--half-open", stdin=True)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(10)
            peer.shutdown(socket.SHUT_WR)
            os.write(screen, b"still here\n")
            assert peer.makefile("rb").readline() == b"still here\n"
            os.write(screen, b"\x04")           # Ctrl-D
            assert peer.recv(10) == b"" and process.wait(10) == 0


def test_a_transfer_shows_progress_on_a_terminal(pty_run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process, screen = pty_run("connect", str(listener.getsockname()[1]), stderr=True)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"x" * 12345)
            shown = read_until(screen, b"12,345 received")
            assert re.search(rb"\r[\d,]+ bytes sent, 12,345 received, [\d,]+/s", shown)
            process.stdin.close()
        assert process.wait(10) == 0


def test_proxy_counts_on_a_terminal(pty_run: Any) -> None:
    target = netcompat.create_server(lambda peer: peer.pipe(peer)).listen(0, "127.0.0.1").address().port
    process, screen = pty_run("proxy", "0", f"127.0.0.1:{target}", stderr=True)
    port = int(re.search(rb"listening on 127.0.0.1:(\d+)", read_until(screen, b"0 open")).group(1))
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"x" * 5000)
        read_until(screen, b"1 open, 1 in all, 5,000 there, 5,000 back")
    read_until(screen, b"0 open, 1 in all, 5,000 there, 5,000 back")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


@pytest.mark.parametrize("unbuffered", ["1", None], ids=["at once", "when it ends"])
def test_output_that_nobody_reads_is_no_error(unbuffered: Optional[str]) -> None:
    with subprocess.Popen(COMMAND + ["doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=script_environment({"PYTHONUNBUFFERED": unbuffered})) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_connect_and_echo_move_every_byte(start: Any) -> None:
    port = start("echo", "0").port()
    data = noise(20 * MEGABYTE)
    done = run("connect", f"127.0.0.1:{port}", data=data)
    assert done.returncode == 0 and done.stdout == data and done.stderr == b""


def test_a_file_goes_to_nc(start: Any, tmp_path: Path) -> None:
    data = noise(50 * MEGABYTE)
    (tmp_path / "file").write_bytes(data)
    with open(tmp_path / "file", "rb") as file:
        port = start("listen", "0", stdin=file).port()
        received = subprocess.run([tool("nc"), "-d", "127.0.0.1", str(port)], stdout=subprocess.PIPE, timeout=30).stdout
    assert received == data


def test_a_file_comes_from_nc(start: Any, tmp_path: Path) -> None:
    data = noise(50 * MEGABYTE)
    with open(tmp_path / "received", "wb") as file:
        listening = start("listen", "0", stdin=subprocess.DEVNULL, stdout=file)
    subprocess.run([tool("nc"), "-N", "127.0.0.1", str(listening.port())], input=data, timeout=30, check=True)
    assert listening.process.wait(10) == 0
    assert (tmp_path / "received").read_bytes() == data


def test_a_file_goes_to_socat_over_a_unix_path(ipc_path: str) -> None:
    data = noise(10 * MEGABYTE)
    with subprocess.Popen([tool("socat"), "-u", f"UNIX-LISTEN:{ipc_path}", "-"], stdout=subprocess.PIPE) as receiver:
        eventually(lambda: os.path.exists(ipc_path))
        sender = subprocess.Popen(COMMAND + ["connect", ipc_path], stdin=subprocess.PIPE, env=script_environment())
        assert sender.stdin is not None and receiver.stdout is not None
        threading.Thread(target=lambda: (sender.stdin.write(data), sender.stdin.close())).start()
        assert receiver.stdout.read() == data
        assert sender.wait(10) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux\'")
def test_a_chunk_comes_from_socat_over_an_abstract_name(start: Any) -> None:
    name = f"netcompat-cli-{random.getrandbits(64):x}"
    listening = start("listen", "@" + name, stdin=subprocess.DEVNULL)
    assert listening.where() == "@" + name
    subprocess.run([tool("socat"), "-u", "-", f"ABSTRACT-CONNECT:{name}"], input=b"over there", timeout=10)
    output, _ = listening.process.communicate(timeout=10)
    assert output == b"over there"


def test_proxy_hands_tcp_on_to_a_unix_path(start: Any, ipc_path: str) -> None:
    netcompat.create_server(lambda peer: peer.pipe(peer)).listen(ipc_path)
    port = start("proxy", "0", ipc_path).port()
    data = noise(5 * MEGABYTE)
    assert run("connect", f"127.0.0.1:{port}", data=data).stdout == data


def test_proxy_without_a_target_closes_the_connection_and_says_why(start: Any, ipc_path: str) -> None:
    proxy = start("proxy", "0", ipc_path)
    with socket.create_connection(("127.0.0.1", proxy.port()), 10) as client:
        client.settimeout(10)
        try:
            assert client.recv(10) == b""
        except ConnectionResetError:
            pass
    assert b"ENOENT" in proxy.process.stderr.readline()


def test_chat_passes_lines_between_its_members(start: Any) -> None:
    host = start("chat", "0")
    port = host.port()
    with socket.create_connection(("127.0.0.1", port)) as one:
        lines = host.process.stdout
        assert b"has joined" in lines.readline()
        member = start("chat", f"127.0.0.1:{port}")
        assert b"has joined" in one.makefile("rb").readline()
        member.process.stdin.write(b"hello from a member\n")
        member.process.stdin.flush()
        assert b"has joined" in lines.readline()
        assert b"hello from a member" in lines.readline()
        one.sendall("grüß ".encode() + b"Gott\n")
        assert "grüß Gott".encode() in member.process.stdout.readline()


def test_events_prints_each_event() -> None:
    def serve(peer: netcompat.Socket) -> None:
        peer.end("bye")

    port = netcompat.create_server(serve).listen(0, "127.0.0.1").address().port
    output = run("events", f"127.0.0.1:{port}").stdout.decode()
    found = re.findall(r"'(\w+)'", output)
    assert [event for event in found if event in ("connect", "data", "end", "finish", "close")] == [
        "connect", "data", "end", "finish", "close"]


def test_a_silent_peer_ends_with_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with subprocess.Popen(COMMAND + ["connect", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.2"],
                              stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=script_environment()) as process:
            assert process.wait(10) == 1
            assert process.stderr is not None
            said = process.stderr.read().decode().splitlines()
            assert said == ["netcompat: nothing was sent or received for 0.2 seconds"]


no_sigint = pytest.mark.skipif(ON_WINDOWS, reason="Ctrl-C cannot be sent to a process without its console")


@no_sigint
@pytest.mark.parametrize("arguments", [["echo", "0"], ["listen", "0"], ["proxy", "0", "1"], ["chat", "0"]])
def test_ctrl_c_is_quiet(start: Any, arguments: List[str]) -> None:
    command = start(*arguments)
    command.where()
    command.process.send_signal(signal.SIGINT)
    output, complaint = command.process.communicate(timeout=10)
    assert (command.process.returncode, output, complaint) == (130, b"", b"")


@no_sigint
def test_ctrl_c_is_quiet_while_connected(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = start("connect", str(listener.getsockname()[1]))
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"x")
            assert command.process.stdout.read(1) == b"x"
            command.process.send_signal(signal.SIGINT)
            output, complaint = command.process.communicate(timeout=10)
            assert (command.process.returncode, output, complaint) == (130, b"", b"")


def test_doctor_knows_this_machine() -> None:
    output = run("doctor").stdout.decode()
    assert f"Python {sys.version.split()[0]}" in output.replace("CPython", "Python")
    for what in ("IPv4 loopback", "named pipes" if ON_WINDOWS else "Unix paths"):
        assert re.search(rf"^{what} +yes\r?$", output, re.MULTILINE), output


@pytest.mark.parametrize("command", ["demo", "echo", "connect", "listen", "proxy", "chat", "events", "doctor"])
def test_help_shows_examples(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0 and f"netcompat {command}" in done.stdout.decode().split("examples:")[1]
