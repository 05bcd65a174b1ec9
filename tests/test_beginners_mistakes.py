"""The mistakes that everybody makes once: what the program prints says what is wrong, and what to do.

Each is a program of its own, and what counts is what stands on its standard error.
"""
from __future__ import annotations

import os
import socket
import sys
from typing import Any, Dict, List, Tuple

import netcompat
import pytest

# A traceback shows notes since Python 3.11; on older versions only what netcompat itself reports has them.
RAISED = "raised"
REPORTED = "reported"
NOTES = {RAISED: sys.version_info >= (3, 11), REPORTED: True}

# name: (program, how it is told, words of the message, words of what to do)
MISTAKES: Dict[str, Tuple[str, str, List[str], str]] = {
    "port in use": ("""
        server = netcompat.create_server()
        server.listen(PORT, "127.0.0.1")
    """, REPORTED, ["EADDRINUSE", "127.0.0.1:PORT", "unhandled 'error'"], "choose another port, or 0"),

    "port in use, then serve_forever": ("""
        netcompat.create_server().listen(PORT, "127.0.0.1").serve_forever()
    """, RAISED, ["EADDRINUSE", "127.0.0.1:PORT"], "choose another port, or 0"),

    "port in use, then accept": ("""
        for connection in netcompat.create_server().listen(PORT, "127.0.0.1"):
            pass
    """, RAISED, ["EADDRINUSE", "127.0.0.1:PORT"], "choose another port, or 0"),

    "path in use": ("""
        first, second = netcompat.create_server().listen("s").unref(), netcompat.create_server()
        second.listen("s").serve_forever()
    """, RAISED, ["EADDRINUSE", " s"], "or remove it if one that crashed left it behind"),

    "nobody listens": ("""
        netcompat.connect(UNUSED, "127.0.0.1").wait_for("connect")
    """, RAISED, ["ConnectionRefusedError", "ECONNREFUSED", "127.0.0.1:UNUSED"], "start the server first"),

    "nobody listens, and nobody cares": ("""
        netcompat.connect(UNUSED, "127.0.0.1")
    """, REPORTED, ["ECONNREFUSED", "unhandled 'error' of <Socket"], "start the server first"),

    "name not found": ("""
        netcompat.connect(80, "www.exmaple.invalid").wait_for("connect")
    """, RAISED, ["getaddrinfo", "www.exmaple.invalid"], ""),

    "path too long": ("""
        netcompat.create_server().listen("/tmp/" + "x" * 200).serve_forever()
    """, RAISED, ["ENAMETOOLONG", "the limit is", "bytes"], "choose a shorter folder"),

    "no such folder": ("""
        netcompat.create_server().listen("/nowhere/s").serve_forever()
    """, RAISED, ["ENOENT", "/nowhere/s"], "make it first"),

    "path not there": ("""
        netcompat.connect("/nowhere/s").sendall(b"hello")
    """, RAISED, ["ENOENT", "/nowhere/s"], "start the server first"),

    "forgot to listen": ("""
        netcompat.create_server(print).serve_forever()
    """, RAISED, ["Server is not running: call listen() first"], ""),

    "forgot to listen, then accept": ("""
        netcompat.create_server().accept()
    """, RAISED, ["Server is not running: call listen() first"], ""),

    "listen twice": ("""
        server = netcompat.create_server().listen(0, "127.0.0.1").unref()
        server.listen(0, "127.0.0.1")
    """, RAISED, ["Listen method has been called more than once without closing"], ""),

    "a number to write": ("""
        netcompat.create_server(lambda socket: socket.write(5)).listen(0, "127.0.0.1")
        netcompat.connect(server_port(), "127.0.0.1").on("error", quietly)
    """, REPORTED, ['The "data" argument must be str, bytes or another bytes-like object', "int (5)"],
        "as text: str(data); as one byte: bytes([data])"),

    "a dict to write": ("""
        netcompat.Socket().write({"a": 1})
    """, RAISED, ['The "data" argument must be str, bytes', "dict"], "json.dumps(data)"),

    "nothing to write": ("""
        netcompat.Socket().write(None)
    """, RAISED, ["May not write null values"], ""),

    "waiting in its own listener": ("""
        def on_connection(socket):
            socket.wait_for("end")
        netcompat.create_server(on_connection).listen(0, "127.0.0.1")
        netcompat.connect(server_port(), "127.0.0.1").on("error", quietly)
    """, REPORTED, ["RuntimeError", "wait_for('end') in a listener of the same emitter", "would wait for ever"], ""),

    "a wrong option": ("""
        netcompat.create_server(allow_halfopen=True)
    """, RAISED, ["TypeError", "unexpected keyword argument 'allow_halfopen'"], ""),

    "a listener that is called at once": ("""
        def on_data(chunk=b""):
            pass
        netcompat.Socket().on("data", on_data())
        netcompat.Socket().off("data", on_data())
    """, RAISED, ['The "listener" argument must be a callable. Received None'], ""),
}

PRELUDE = """
        import threading
        import netcompat
        def server_port():
            return [handle for handle in netcompat.runtime.lifetime.handles()
                    if isinstance(handle, netcompat.Server)][0].unref().address().port
        def quietly(problem):
            netcompat.stats()
"""


@pytest.mark.parametrize("name", list(MISTAKES))
def test_the_program_says_what_is_wrong_and_what_to_do(name: str, run_script: Any) -> None:
    program, told, words, advice = MISTAKES[name]
    if ("path" in name or "folder" in name) and not hasattr(socket, "AF_UNIX"):
        pytest.skip("no Unix-domain sockets")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ports = {"PORT": str(taken.getsockname()[1]), "UNUSED": str(unused.getsockname()[1])}

        def fill_in(text: str) -> str:
            for placeholder, port in ports.items():
                text = text.replace(placeholder, port)
            return text

        result = run_script(PRELUDE + fill_in(program))
    assert result.stdout == ""
    assert (result.returncode != 0) == (told == RAISED), result.stderr
    for word in words:
        assert fill_in(word) in result.stderr
    if NOTES[told]:
        assert advice in result.stderr
    assert result.stderr.count("Traceback") <= 1, "one mistake, one report"


needs_other_user = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0,
                                      reason="needs root, to be somebody else")


def low_ports_are_free() -> bool:
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            return int(file.read()) <= 80
    except OSError:
        return False


@needs_other_user
@pytest.mark.skipif(low_ports_are_free(), reason="here everybody may use port 80")
def test_a_low_port_without_the_right_to_it(run_script: Any) -> None:
    result = run_script("""
        import os
        import netcompat
        os.setuid(65534)        # who may not read the modules that a traceback needs
        try:
            netcompat.create_server().listen(80, "127.0.0.1").serve_forever()
        except PermissionError as problem:
            print(problem, *problem.__notes__, sep="\\n")
    """)
    assert result.stdout.splitlines() == [
        "listen EACCES: permission denied 127.0.0.1:80",
        "ports below 1024 need special rights on many systems: choose a higher one",
    ], result.stderr


@needs_other_user
def test_a_path_without_the_right_to_it(run_script: Any, ipc_path: str) -> None:
    os.chmod(os.path.dirname(ipc_path), 0o755)
    netcompat.create_server().listen(ipc_path)
    os.chmod(ipc_path, 0o600)
    result = run_script("""
        import os, sys
        import netcompat
        os.setuid(65534)
        for call in (lambda: netcompat.connect(sys.argv[1]).wait_for("connect"),
                     lambda: netcompat.create_server().listen(sys.argv[1] + "2").serve_forever()):
            try:
                call()
            except PermissionError as problem:
                print(problem, *problem.__notes__, sep="\\n")
    """, ipc_path)
    assert result.stdout.splitlines() == [
        f"connect EACCES {ipc_path}",
        "this user may not write to the socket: let the server listen with writable_all=True, or look at the rights of "
        "its folder",
        f"listen EACCES: permission denied {ipc_path}2",
        "this user may not make a file in that folder: choose another folder",
    ]


def test_a_name_that_no_server_knows() -> None:
    def lookup(hostname: str, **_: Any) -> str:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    problem = netcompat.errors.lookup_error("ENOTFOUND", "www.exmaple.invalid")
    assert problem.__notes__ == ["there is no such host: look at the spelling"]     # type: ignore[attr-defined]
    with pytest.raises(socket.gaierror):
        netcompat.connect(80, "www.exmaple.invalid", lookup=lookup).wait_for("connect", 10)
