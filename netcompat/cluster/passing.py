"""Handles that go to another process: an open `Socket`, a listening `Server`, a `BoundSocket`.

Three ways lead there: `send_handle` and `recv_handle` over a connection of `multiprocessing`; the arguments of a
`multiprocessing.Process`, whose pickler is taught about handles here; and `share`, for a process made by fork.

A socket moves: the object here is closed by it, without a word to the peer, and what it had read but not delivered
goes along. So does a bound socket. A server is shared: it listens on in both processes.

Which threads run it: the caller's. Locks: none.
"""
from __future__ import annotations

import multiprocessing.connection
import multiprocessing.context
import os
import pickle
import socket
import sys
import weakref
from multiprocessing import reduction
from typing import Any, Dict, Optional, Tuple, Union

from ..errors import error, invalid_type, invalid_value, note
from ..runtime import lifetime
from ..server import Server
from ..socket import Socket
from ..stream import WRITING
from ..transports.base import SocketListener
from ..transports.bound import BoundSocket
from ..transports.unix import OwnPath
from .channel import check_system

__all__ = ["SharedHandle", "recv_handle", "send_handle", "share"]

Handle = Union[Socket, Server, BoundSocket]

_MAGIC = b"netcompat handle 1\n"
_LOOK = 0.02            # seconds between two looks whether a process has been started

# Options of a server that go along with it: attributes, under the names of its constructor's keywords.
_SERVER_OPTIONS = {"allow_half_open": "allow_half_open", "pause_on_connect": "pause_on_connect",
                   "high_water_mark": "_high_water_mark", "no_delay": "_no_delay", "keep_alive": "_keep_alive",
                   "keep_alive_initial_delay": "_keep_alive_delay"}


# ---- taking a handle apart, and putting it together ----

class _Parts:
    """What a handle is made of: a stdlib socket, which is the holder's to close, and plain values."""

    __slots__ = ("kind", "socket", "state")

    def __init__(self, kind: str, sock: socket.socket, state: Dict[str, Any]) -> None:
        self.kind, self.socket, self.state = kind, sock, state

    def describe(self) -> Tuple[str, int, int, Dict[str, Any]]:
        return self.kind, int(self.socket.family), self.socket.proto, self.state


def _take_apart(handle: Handle) -> _Parts:
    if isinstance(handle, Socket):
        return _take_socket(handle)
    if isinstance(handle, Server):
        return _duplicate_server(handle)
    if isinstance(handle, BoundSocket):
        adopted = handle._adopt()
        path = adopted.path if adopted.own is None else adopted.own.path
        return _Parts("bound", adopted.socket, {"path": adopted.path, "own": path})
    raise invalid_type("handle", "a Socket, a Server or a BoundSocket", handle)


def _take_socket(handle: Socket) -> _Parts:
    if handle.destroyed or handle.connecting or handle.pending:
        raise note(error("ERR_SOCKET_CLOSED"), "it was closed, or has moved to another process: a socket is sent once"
                   if handle.destroyed else "it is not connected yet: wait for 'connect'")
    state = {"allow_half_open": handle.allow_half_open, "high_water_mark": handle.readable_high_water_mark,
             "ended": handle._output is not WRITING}
    sock, data = handle._hand_over()
    return _Parts("socket", sock, dict(state, data=data))


def _duplicate_server(handle: Server) -> _Parts:
    listener = handle._listener
    if listener is None:
        raise error("ERR_SERVER_NOT_RUNNING")
    if not isinstance(listener, SocketListener):
        raise invalid_value("handle", "must have a listening socket of its own; this server's connections come from "
                            "the primary of a cluster: listen with exclusive=True, or use the policy 'shared'", handle)
    listener.shared = True      # closing it here must not end the listening there
    state = {name: getattr(handle, attribute) for name, attribute in _SERVER_OPTIONS.items()}
    return _Parts("server", listener.socket.dup(), dict(state, backlog=handle._backlog,
                                                        max_connections=handle.max_connections))


def _put_together(kind: str, descriptor: int, family: int, proto: int, state: Dict[str, Any]) -> Any:
    sock = socket.socket(family, socket.SOCK_STREAM, proto, fileno=descriptor)
    try:
        os.set_inheritable(sock.fileno(), False)
        if kind == "socket":
            data, ended = state.pop("data"), state.pop("ended")
            return Socket._with_input(sock, data, writable=not ended, **state)
        if kind == "server":
            backlog, limit = state.pop("backlog"), state.pop("max_connections")
            server = Server(**state)
            server.max_connections = limit
            return server.listen(sock, backlog)
        return BoundSocket._holding(sock, state["path"], None if state["path"] is None else OwnPath(state["own"]))
    except BaseException:
        sock.close()
        raise


# ---- through a connection ----

def send_handle(connection: Any, handle: Handle) -> None:
    """Send `handle` through `connection`, an end of a duplex `multiprocessing.Pipe()`; `recv_handle` gets it there.

    A `Socket` is closed here by it: all that was written is sent first, and no byte or FIN is. Blocks like
    `connection.send`. Raises `ERR_SOCKET_CLOSED`, `ERR_SERVER_NOT_RUNNING` or `ERR_SOCKET_HANDLE_ADOPTED` for a handle
    that is not open, for one that was sent before, for example; argument errors; `OSError` when the other end is
    closed, and then a socket is lost. Node: `subprocess.send(message, handle)`.
    """
    _check_connection(connection)
    if sys.platform == "win32":
        raise NotImplementedError
    parts = _take_apart(handle)
    try:
        connection.send_bytes(_MAGIC + pickle.dumps(parts.describe(), pickle.HIGHEST_PROTOCOL))
        reduction.send_handle(connection, parts.socket.fileno(), None)
    finally:
        parts.socket.close()


def recv_handle(connection: Any) -> Any:
    """Wait for a handle that `send_handle` sends, and return it: a `Socket`, a `Server` that listens, a `BoundSocket`.

    Raises `EOFError` when the other end was closed, and `ERR_INVALID_STATE` when something else came, which is lost.
    """
    _check_connection(connection)
    data = connection.recv_bytes()
    if not data.startswith(_MAGIC):
        raise error("ERR_INVALID_STATE", reason="What came was sent by something else than send_handle()")
    kind, family, proto, state = pickle.loads(data[len(_MAGIC):])
    return _put_together(kind, reduction.recv_handle(connection), family, proto, state)


def _check_connection(connection: Any) -> None:
    check_system("handles cannot be sent")
    if not isinstance(connection, multiprocessing.connection.Connection):
        raise invalid_type("connection", "a multiprocessing.connection.Connection", connection)
    if not (connection.readable and connection.writable):
        raise invalid_value("connection", "must be duplex: multiprocessing.Pipe(), not Pipe(False)", connection)
    if not _is_unix(connection.fileno()):
        raise invalid_value("connection", "must be one within this machine: a Pipe(), or a Listener with an AF_UNIX "
                            "address", connection)


def _is_unix(descriptor: int) -> bool:
    if sys.platform == "win32":
        raise NotImplementedError
    try:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            return sock.family == socket.AF_UNIX
    except OSError:
        return False        # no socket at all


# ---- as an argument of a process ----

class SharedHandle:
    """A duplicate of a handle, for a process to be started: made by `share`, opened there by `open`.

    It belongs to no reactor, so a fork does not close it. Pass it as an argument, or leave it in a variable that the
    child sees. A context manager: `close` gives up the duplicate here.
    """

    def __init__(self, parts: _Parts) -> None:
        self._parts: Optional[_Parts] = parts

    def open(self) -> Any:
        """The handle, once: a `Socket`, a `Server` that listens, a `BoundSocket`. `ERR_SOCKET_HANDLE_ADOPTED` if it
        was opened or closed here before."""
        parts, self._parts = self._parts, None
        if parts is None:
            raise error("ERR_SOCKET_HANDLE_ADOPTED")
        kind, family, proto, state = parts.describe()
        return _put_together(kind, parts.socket.detach(), family, proto, dict(state))

    def close(self) -> None:
        """Give the duplicate up; harmless when it was opened or closed."""
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.socket.close()

    def __enter__(self) -> "SharedHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        parts = self._parts
        if parts is None:
            raise error("ERR_SOCKET_HANDLE_ADOPTED")
        return _rebuild_shared, _reduce_parts(parts, parts.socket.dup())

    def __repr__(self) -> str:
        return f"<SharedHandle {'closed' if self._parts is None else self._parts.kind}>"


def share(handle: Handle) -> SharedHandle:
    """A duplicate of `handle` for a child process made by fork, whose copy of the handle itself is closed at once.

        with share(server) as shared:
            process = context.Process(target=child, args=(shared,))     # child: shared.open().on('connection', …)
            process.start()

    A `Socket` or `BoundSocket` moves into it and is closed here; a `Server` goes on. Raises as `send_handle`.
    """
    check_system("handles cannot be shared")
    return SharedHandle(_take_apart(handle))


def _reduce_handle(handle: Handle) -> Any:
    """For the pickler of `multiprocessing`: only a process that is being started can get a handle in this way."""
    if multiprocessing.context.get_spawning_popen() is None:
        raise TypeError(f"a {type(handle).__name__} can be pickled as an argument of a multiprocessing.Process only; "
                        "send_handle() sends it through a connection")
    check_system("handles cannot be arguments of a process")
    parts = _take_apart(handle)
    return _rebuild, _reduce_parts(parts, parts.socket)


def _reduce_parts(parts: _Parts, sock: socket.socket) -> Tuple[Any, ...]:
    if sys.platform == "win32":
        raise NotImplementedError
    kind, family, proto, state = parts.describe()
    popen = multiprocessing.context.get_spawning_popen()
    if popen is None:
        sock.close()
        raise TypeError("a SharedHandle can be pickled as an argument of a multiprocessing.Process only")
    _Keep(popen, sock)
    return kind, reduction.DupFd(sock.fileno()), family, proto, state


def _rebuild(kind: str, duplicate: Any, family: int, proto: int, state: Dict[str, Any]) -> Any:
    return _put_together(kind, duplicate.detach(), family, proto, state)


def _rebuild_shared(kind: str, duplicate: Any, family: int, proto: int, state: Dict[str, Any]) -> SharedHandle:
    sock = socket.socket(family, socket.SOCK_STREAM, proto, fileno=duplicate.detach())
    return SharedHandle(_Parts(kind, sock, state))


class _Keep:
    """Keeps a descriptor open until the process that gets it has been started, or cannot be any more.

    Nothing says when that is: so it looks, while there is something to keep. A `shutdown` meanwhile lets go of it.
    """

    def __init__(self, popen: Any, sock: socket.socket) -> None:
        self._popen, self._socket = weakref.ref(popen), sock
        self._look()

    def _look(self) -> None:
        popen = self._popen()
        if popen is None or getattr(popen, "pid", None) is not None:
            self._socket.close()
        else:
            lifetime.call_later(_LOOK, self._look)

    def __del__(self) -> None:
        self._socket.close()


for _kind in (Socket, Server, BoundSocket):
    reduction.register(_kind, _reduce_handle)
