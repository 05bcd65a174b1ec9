"""One end of a connection is a `Socket`, the other a stdlib socket that does what it is told. Shared by tests."""
import socket as stdlib_socket
import struct
import sys
import threading
from typing import Any, Callable, Iterator, List, Optional, Tuple

import pytest

import netcompat
from raw_pipes import RawPipe, RawPipeListener

BIG = b"0123456789abcdef" * (1 << 18)           # 4 MiB: more than the kernel buffers
WAIT = 10.0                                     # seconds that an event may take on a busy machine

IPC = "pipe" if sys.platform == "win32" else "unix"          # what an IPC path leads to here

if sys.platform == "win32":
    import ctypes
    WINE = hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
else:
    WINE = False

needs_unix = pytest.mark.skipif(not hasattr(stdlib_socket, "AF_UNIX"), reason="no Unix-domain sockets")


def on_wine(what: str) -> Any:
    """Skips a test where Wine does `what`, unlike Windows."""
    return pytest.mark.skipif(WINE, reason="Wine " + what)


class Told:
    """What callbacks and events told, in order; other threads can wait for it."""

    def __init__(self) -> None:
        self.all: List[Any] = []
        self._changed = threading.Condition()

    def add(self, what: Any) -> None:
        with self._changed:
            self.all.append(what)
            self._changed.notify_all()

    def callback(self, name: str) -> Callable[[Optional[BaseException]], None]:
        """A callback of `write` or `end`: notes the name, with the error's code if there is one."""
        return lambda problem: self.add(name if problem is None else (name, code_of(problem)))

    def listen(self, sock: Any, *events: str) -> "Told":
        for event in events:
            if event == "error":
                sock.on(event, lambda problem: self.add(("error", code_of(problem))))
            else:
                sock.on(event, lambda *_, event=event: self.add(event))
        return self

    def until(self, *expected: Any) -> List[Any]:
        """Waits until exactly this was told."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.all) >= len(expected), WAIT)
            assert self.all == list(expected), "told: {}, expected: {}".format(self.all, expected)
        return self.all

    def until_both(self, first: Any, second: Any) -> None:
        """Waits until these two were told, in either order, and nothing else."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.all) >= 2, WAIT)
            assert self.all in ([first, second], [second, first]), "told: {}".format(self.all)


def code_of(problem: Any) -> Any:
    return getattr(problem, "code", None) or repr(problem)


class Peer:
    """The other end of a connection: a stdlib socket that blocks, or a raw pipe with its methods."""

    def __init__(self, sock: Any) -> None:
        self.socket = sock
        sock.settimeout(WAIT)

    def read(self, count: int) -> bytes:
        parts = []
        while count:
            part = self.socket.recv(min(count, 1 << 16))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read_all(self) -> bytes:
        return self.read(1 << 40)


def connected(kind: str, path: str, **options: Any) -> Iterator[Tuple[netcompat.Socket, Peer]]:
    with listening(kind, path) as listener:
        place: Any = listener.getsockname()[1] if kind == "tcp" else path
        where = {"port": place, "host": "127.0.0.1"} if kind == "tcp" else {"path": place}
        sock = netcompat.connect(**where, **options)
        theirs = listener.accept()[0]
        sock.wait_for("connect", WAIT)
        with theirs:
            yield sock, Peer(theirs)
            sock.destroy()


def listening(kind: str = "tcp", path: str = "") -> Any:
    if kind == "pipe":
        return RawPipeListener(path)
    listener = stdlib_socket.socket(stdlib_socket.AF_INET if kind == "tcp" else stdlib_socket.AF_UNIX)
    listener.settimeout(WAIT)
    listener.bind(("127.0.0.1", 0) if kind == "tcp" else path)
    listener.listen()
    return listener


def reset(sock: stdlib_socket.socket) -> None:
    """Closes with an RST."""
    sock.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def needs_half_close(peer: Peer) -> None:
    """Skips the test on a named pipe, which cannot end one direction and keep the other."""
    if isinstance(peer.socket, RawPipe):
        pytest.skip("a named pipe has no half-close")


class Held:
    def __init__(self, listener: stdlib_socket.socket) -> None:
        self.listener = listener
        self.go = threading.Event()
        self.socket = netcompat.Socket()

    def connect(self) -> netcompat.Socket:
        def lookup(hostname: str, **_: Any) -> str:
            self.go.wait(WAIT)
            return "127.0.0.1"
        return self.socket.connect(self.listener.getsockname()[1], "held", lookup=lookup)

    def accept(self) -> Peer:
        self.go.set()
        return Peer(self.listener.accept()[0])


class InThread:
    """Runs a call in a thread of its own."""

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self._value: Any = None
        self._problem: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, args=(call, *args))
        self._thread.start()

    def _run(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            self._value = call(*args)
        except BaseException as problem:
            self._problem = problem

    def result(self) -> Any:
        self._thread.join(WAIT)
        assert not self._thread.is_alive(), "it is still at it"
        if self._problem is not None:
            raise self._problem
        return self._value
