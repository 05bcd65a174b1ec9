"""A connection in the shapes that the standard library knows: file objects, `socket.socket`, `socketserver` handlers.

For code that was written before it met netcompat, and is not to be changed. Everything here is made of `recv`,
`sendall`, `flush` and `end` of the connection, and blocks as those do. Nothing here takes part in delivering events.

Locks: none. As in the standard library, a file object is for one thread at a time.
"""
from __future__ import annotations

import io
import socket as stdlib_socket
import sys
from typing import IO, Any, Callable, Optional, cast

from .arguments import check_int
from .emitter import check_timeout
from .errors import invalid_type, invalid_value, note

__all__ = ["StdlibView", "make_file", "request_handler"]

CHUNK = 65536           # bytes that `sendfile` reads at a time


# ---- files ----

def make_file(owner: Any, view: "Optional[StdlibView]", mode: str, buffering: int, encoding: Optional[str],
              errors: Optional[str], newline: Optional[str]) -> IO[Any]:
    """A file object on the connection `owner`, or on a `view` of it, which then lends its time-out."""
    if not isinstance(mode, str) or not mode or not set(mode) <= {"r", "w", "b"}:
        raise invalid_value("mode", "must be made of 'r', 'w' and 'b'", mode)
    reading, writing = "r" in mode or "w" not in mode, "w" in mode
    check_int("buffering", buffering, -1, sys.maxsize)
    if buffering == 0 and "b" not in mode:
        raise invalid_value("buffering", "must not be 0 in text mode", buffering)
    raw = _RawFile(owner, reading, writing, view)
    if buffering == 0:
        return cast(IO[Any], raw)
    size = io.DEFAULT_BUFFER_SIZE if buffering < 0 else buffering
    buffered: Any
    if reading and writing:
        buffered = io.BufferedRWPair(raw, raw, size)
    else:
        buffered = io.BufferedReader(raw, size) if reading else io.BufferedWriter(raw, size)
    if "b" in mode:
        return cast(IO[Any], buffered)
    text: Any = io.TextIOWrapper(buffered, encoding, errors, newline)
    text.mode = mode
    return cast(IO[Any], text)


class _RawFile(io.RawIOBase):
    """The unbuffered file under `makefile`."""

    def __init__(self, owner: Any, reading: bool, writing: bool, view: "Optional[StdlibView]") -> None:
        super().__init__()
        self._owner, self._reading, self._writing = owner, reading, writing
        self._timed_out = False     # a write ran out of time: its bytes are queued, and must not be written again
        self._view = view           # the file has its time-out, and keeps it from closing
        if view is not None:
            view._files += 1

    @property
    def mode(self) -> str:
        return ("r" if self._reading else "") + ("w" if self._writing else "") + "b"

    @property
    def name(self) -> int:
        return -1 if self.closed else self.fileno()

    def readable(self) -> bool:
        self._check(True)
        return self._reading

    def writable(self) -> bool:
        self._check(True)
        return self._writing

    def seekable(self) -> bool:
        self._check(True)
        return False

    def fileno(self) -> int:
        self._check(True)
        return int(self._owner.fileno())

    def readinto(self, buffer: Any) -> int:
        self._check(self._reading)
        view = memoryview(buffer).cast("B")
        if not view:
            return 0
        data = self._owner.recv(len(view), self._timeout())
        view[:len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        self._check(self._writing)
        if self._timed_out:
            raise TimeoutError("a write to this file timed out before: what it was given is still queued")
        view = memoryview(data)
        try:
            self._owner.sendall(view, self._timeout())
        except TimeoutError:
            self._timed_out = True
            raise
        return view.nbytes

    def close(self) -> None:
        if not self.closed:
            super().close()
            view, self._view = self._view, None
            if view is not None:
                view._file_closed()

    def _timeout(self) -> Optional[float]:
        return None if self._view is None else self._view.gettimeout()

    def _check(self, allowed: bool) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if not allowed:
            raise io.UnsupportedOperation("the file was not made for this direction")


# ---- socket.socket ----

class StdlibView:
    """A `netcompat.Socket` with the methods of `socket.socket`. Made by `Socket.as_stdlib`.

    Time-outs are seconds. `close` destroys the socket once every file made from the view is closed too, as there.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._timeout: Optional[float] = None
        self._files = 0
        self._closed = False
        self.type = stdlib_socket.SOCK_STREAM
        self.proto = 0

    @property
    def family(self) -> int:
        return int(self._owner._stdlib().family)

    def fileno(self) -> int:
        return int(self._owner.fileno())

    def settimeout(self, timeout: Optional[float]) -> None:
        self._timeout = check_timeout(timeout)

    def gettimeout(self) -> Optional[float]:
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        self._timeout = None if flag else 0.0

    def recv(self, size: int, flags: int = 0) -> bytes:
        self._no_flags(flags)
        return bytes(self._owner.recv(size, self._timeout)) if size else b""

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self._no_flags(flags)
        view = memoryview(buffer).cast("B")
        data = self.recv(min(nbytes or len(view), len(view)))
        view[:len(data)] = data
        return len(data)

    def send(self, data: Any, flags: int = 0) -> int:
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._no_flags(flags)
        self._owner.sendall(data, self._timeout)

    def sendfile(self, file: Any, offset: int = 0, count: Optional[int] = None) -> int:
        file.seek(offset)
        total = 0
        while count is None or total < count:
            chunk = file.read(CHUNK if count is None else min(CHUNK, count - total))
            if not chunk:
                break
            self.sendall(chunk)
            total += len(chunk)
        return total

    def shutdown(self, how: int) -> None:
        if how in (stdlib_socket.SHUT_WR, stdlib_socket.SHUT_RDWR):
            self._owner.end()
            self._owner.flush(self._timeout)

    def makefile(self, mode: str = "r", buffering: Optional[int] = None, *, encoding: Optional[str] = None,
                 errors: Optional[str] = None, newline: Optional[str] = None) -> IO[Any]:
        return make_file(self._owner, self, mode, -1 if buffering is None else buffering, encoding, errors, newline)

    def getpeername(self) -> Any:
        return self._owner._stdlib().getpeername()

    def getsockname(self) -> Any:
        return self._owner._stdlib().getsockname()

    def setsockopt(self, *args: Any) -> None:
        self._owner.setsockopt(*args)

    def getsockopt(self, *args: Any) -> Any:
        return self._owner.getsockopt(*args)

    def detach(self) -> int:
        return int(self._owner.detach().detach())

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._close_if_unused()

    def _file_closed(self) -> None:
        self._files -= 1
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._closed and not self._files:
            self._owner.destroy_soon()

    def __enter__(self) -> "StdlibView":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _no_flags(flags: int) -> None:
        if flags:
            raise invalid_value("flags", "must be 0", flags)


# ---- socketserver ----

def request_handler(handler_class: Callable[..., Any], server: Any = None) -> Callable[[Any], None]:
    """A 'connection' listener that runs `handler_class`, a `socketserver.BaseRequestHandler`, unchanged.

    `create_server(request_handler(MyHandler))` replaces `ThreadingTCPServer(address, MyHandler)`. The handler's
    `request` is the connection's `as_stdlib()`, its `client_address` what `accept` gives. Its `server` is the object
    given here, or a stand-in that has `server_address`, `RequestHandlerClass` and `shutdown()`. When the handler is
    done the connection ends as in `with socket:`. Raises `ERR_INVALID_ARG_TYPE` for what cannot be called and for
    handlers of datagrams. Only in Python.
    """
    from socketserver import DatagramRequestHandler
    of_datagrams = isinstance(handler_class, type) and issubclass(handler_class, DatagramRequestHandler)
    if of_datagrams or not callable(handler_class):
        raise invalid_type("handler_class", "a request handler for streams", handler_class)

    def on_connection(connection: Any) -> None:
        connection.on("error", lambda problem: None)        # the handler hears of it when it reads or writes
        peer = connection._peer if connection.remote_address is not None else ""
        asked: Any = server if server is not None else _HandlerServer(handler_class, connection.server)
        with connection:
            handler_class(connection.as_stdlib(), peer, asked)

    return on_connection


class _HandlerServer:
    """What a handler finds in `self.server` when the program gave nothing else."""

    def __init__(self, handler_class: Any, server: Any) -> None:
        self.RequestHandlerClass = handler_class
        self._server = server

    @property
    def server_address(self) -> Any:
        """(host, port) or the path, as there."""
        address = self._server.address()
        return address if address is None or isinstance(address, str) else (address.address, address.port)

    def shutdown(self) -> None:
        """Accept no more."""
        self._server.close()

    server_close = shutdown

    def __getattr__(self, name: str) -> Any:
        raise note(AttributeError(f"the handler asks for self.server.{name}"),
                   "give an object that has it: request_handler(Handler, server=…)")
