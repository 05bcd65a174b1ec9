"""For code that blocks: `recv`, `sendall`, `flush`, iteration, `makefile`, `with`, the stdlib view, and `EventQueue`.

A helper takes bytes from the readable buffer, and then from the kernel in the calling thread; it never waits for a
listener. So a 'connection' listener may be straight-line code. Where it has to wait it leaves a `Waiter` and lets the
reactor watch the descriptor; the worker that it waits on does not count, and another may take its place.

Locks: none of its own. State is the socket's, inside its gate; a `Waiter` is set by the reactor or by who destroys.
"""
from __future__ import annotations

import io
import socket as stdlib_socket
import sys
import time
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Callable, Deque, Iterator, List, Optional, cast

from .arguments import check_int
from .emitter import check_timeout
from .errors import error, invalid_type, invalid_value, system_error
from .runtime.report import report
from .runtime.waiter import Waiter
from .stream import ABSENT, ENDING, GONE, NEW, OPEN, READING, _as_bytes, _kept

__all__ = ["BlockingMixin", "EventQueue"]

CHUNK = 65536           # bytes that iteration asks for
GOODBYE = 2.0           # seconds that `with socket:` waits for the peer's FIN


class BlockingMixin:
    """The blocking half of `Socket`; `self` is the socket."""

    __slots__ = ()

    if TYPE_CHECKING:
        _readers: Optional[List[Waiter]]
        _helpers: Optional[List[Waiter]]

    # ---- reading ----

    def recv(self: Any, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        """Wait for input and return up to `max_bytes` of it; `b''` at the end.

        `timeout`: seconds, `None` waits for ever. Raises `TimeoutError`, the error that ended the connection, and
        `RuntimeError` beside a 'data' listener or `onread`, which would get the bytes. Only in Python.
        """
        check_int("max_bytes", max_bytes, 1, sys.maxsize)
        deadline = _deadline(check_timeout(timeout))
        if "data" in self._listeners or self._onread is not None:
            raise RuntimeError("recv() beside a 'data' listener or onread: the listener gets the bytes")
        return cast(bytes, self._recv(max_bytes, deadline))

    def _recv(self: Any, size: int, deadline: Optional[float]) -> bytes:
        while True:
            waiter = Waiter()
            data = self._enter_now(self._try_recv, size, waiter)
            if data is not None:
                return cast(bytes, data)
            self._await(waiter, deadline, "no input")

    def _try_recv(self: Any, size: int, waiter: Waiter) -> Optional[bytes]:
        """Inside the gate: bytes, `b''` at the end, or `None` with `waiter` in the list of readers."""
        self._hold_reading = False
        self._undecode()
        if self._buffer:
            data = self._take_buffered(min(size, self._buffered))
            self._maybe_end()
            self._interest_changed()
            self._wake_reader()
            return cast(bytes, data)
        if self._input is not READING:
            self._maybe_end()
            return b""
        if self._link is GONE:
            raise self._why_gone()
        if self._link is NEW:
            raise error("ERR_SOCKET_CLOSED")
        if self._link is OPEN:
            try:
                data = self._transport.recv(size)
            except OSError as problem:
                dressed = system_error(problem, "read")
                self._lost(dressed, None)
                self._claim_error()
                raise dressed from None
            if data is not None:
                self._touch()
                if data:
                    self.bytes_read += len(data)
                else:
                    self._feed(b"")
                self._wake_reader()
                return cast(bytes, data)
        self._readers = [*(self._readers or ()), waiter]
        self._interest_changed()
        return None

    def _wake_reader(self: Any) -> None:
        """There is input: let the thread look that has waited longest. Inside the gate."""
        if self._readers:
            first, *rest = self._readers
            self._readers = rest or None
            first.set()
            if self._interest and not rest:
                self._ask_sync()        # watched for this reader; it will ask again if it needs to

    def __iter__(self: Any) -> Iterator[bytes]:
        """Chunks as they come, until the end."""
        while True:
            chunk = self.recv(CHUNK)
            if not chunk:
                return
            yield chunk

    # ---- writing ----

    def sendall(self: Any, data: Any, timeout: Optional[float] = None) -> None:
        """Write `data` and wait until all of it is in the kernel, so that the sender has backpressure.

        `timeout`: seconds, `None` waits for ever. Raises `TimeoutError` (the rest stays queued), or what prevented it.
        """
        deadline = _deadline(check_timeout(timeout))
        flat = _as_bytes(data, "utf-8")
        waiter = Waiter()
        self._enter(self._write_and_tell, flat, waiter)
        self._await(waiter, deadline, "not all was sent")

    def _write_and_tell(self: Any, data: Any, waiter: Waiter) -> None:
        self._write(data if self._link is OPEN and not self._queue else _kept(data), waiter)

    def flush(self: Any, timeout: Optional[float] = None) -> None:
        """Send what is corked, and wait until everything queued is in the kernel.

        `timeout`: seconds, `None` waits for ever. Raises `TimeoutError`, or what prevented it.
        """
        deadline = _deadline(check_timeout(timeout))
        waiter = Waiter()
        self._enter(self._flush_and_tell, waiter)
        self._await(waiter, deadline, "not all was sent")

    def _flush_and_tell(self: Any, waiter: Waiter) -> None:
        if self._link is GONE:
            if self._had_error or self._output in (ABSENT,) or not self.writable_finished:
                waiter.set(error=self._why_gone())
            else:
                waiter.set()
            return
        if self._queue or self._output is ENDING:
            self._enqueue(b"", waiter)
            self._flush()
        else:
            waiter.set()

    # ---- waiting ----

    def _await(self: Any, waiter: Waiter, deadline: Optional[float], what: str) -> None:
        """Block until `waiter` is set; raise what it was set with, or `TimeoutError`."""
        if not waiter.is_set:
            self._enter(self._add_helper, waiter)
        try:
            if not waiter.wait(None if deadline is None else max(deadline - time.monotonic(), 0.0)):
                if not waiter.set(error=TimeoutError(f"timed out: {what} in time")):
                    waiter.wait()       # it came in this very moment
        finally:
            self._enter(self._drop_helper, waiter)
        problem: Optional[BaseException] = waiter.error
        if problem is not None:
            self._enter(self._claim_error)
            if not isinstance(problem, TimeoutError):
                problem = cast(Optional[BaseException], self._error) or problem
            raise problem

    def _add_helper(self: Any, waiter: Waiter) -> None:
        self._helpers = [*(self._helpers or ()), waiter]
        self._helper_waits()

    def _drop_helper(self: Any, waiter: Waiter) -> None:
        self._helpers = [other for other in self._helpers or () if other is not waiter] or None
        if self._readers and waiter in self._readers:
            self._readers = [other for other in self._readers if other is not waiter] or None

    def _fail_helpers(self: Any) -> None:
        """The connection is gone: nobody waits any more. Inside the gate."""
        readers, self._readers = self._readers, None
        for waiter in readers or ():
            waiter.set(error=self._why_gone())

    def _time_out_helpers(self: Any) -> None:
        """The idle period of `set_timeout` has passed. Inside the gate."""
        for waiter in self._helpers or ():
            waiter.set(error=TimeoutError(f"nothing happened for {self._timeout:g} ms (set_timeout)"))

    def _why_gone(self: Any) -> BaseException:
        if self._error is not None:
            self._claim_error()
            return cast(BaseException, self._error)
        return cast(BaseException, error("ERR_SOCKET_CLOSED"))

    def _begin_wait(self: Any, event: str, waiter: Waiter) -> None:
        if event == "data":
            raise RuntimeError("wait_for('data') would lose what comes between two calls: use recv() or iterate")
        super()._begin_wait(event, waiter)      # type: ignore[misc]

    # ---- files and contexts ----

    def makefile(self: Any, mode: str = "r", buffering: int = -1, *, encoding: Optional[str] = None,
                 errors: Optional[str] = None, newline: Optional[str] = None) -> IO[Any]:
        """A file object on the socket, as `socket.socket.makefile`: reads and writes block. Closing it leaves the
        socket open."""
        return cast(IO[Any], self._makefile(None, mode, buffering, encoding, errors, newline))

    def _makefile(self: Any, view: "Optional[StdlibView]", mode: str, buffering: int, encoding: Optional[str],
                  errors: Optional[str], newline: Optional[str]) -> IO[Any]:
        if not set(mode) <= {"r", "w", "b"} or not mode:
            raise invalid_value("mode", "must be made of 'r', 'w' and 'b'", mode)
        reading, writing = "r" in mode or "w" not in mode, "w" in mode
        check_int("buffering", buffering, -1, sys.maxsize)
        if buffering == 0 and "b" not in mode:
            raise invalid_value("buffering", "must not be 0 in text mode", buffering)
        raw = _RawFile(self, reading, writing, view)
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
        return io.TextIOWrapper(buffered, encoding, errors, newline)

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(self: Any, kind: Any, *_: object) -> None:
        """End, wait until queue and FIN are in the kernel, read and drop input until the peer's FIN or for two seconds,
        then destroy: a socket that is closed with unread input resets, and the peer loses what it had not read."""
        if kind is not None or self._link in (NEW, GONE):
            self.destroy()
            return
        try:
            self.end()
            self.flush()
            deadline = time.monotonic() + GOODBYE
            while self._recv(CHUNK, deadline):
                pass
        except OSError:
            pass            # the peer's end of it, or the two seconds: either way it is over, and 'error' has told
        finally:
            self.destroy()

    async def __aenter__(self: Any) -> Any:
        return self

    async def __aexit__(self: Any, kind: Any, *_: object) -> None:
        if kind is not None or self._link in (NEW, GONE):
            self.destroy()
        else:
            self.end()

    def detach(self: Any) -> stdlib_socket.socket:
        """Give the stdlib socket back, non-blocking, with all that was written sent; this object is closed by it.

        Raises `ERR_SOCKET_CLOSED` without a connection, and `RuntimeError` while bytes wait: they would be lost.
        """
        return cast(stdlib_socket.socket, self._detach())

    def _detach(self: Any) -> stdlib_socket.socket:
        self._stdlib()
        self.flush()
        waiter = Waiter()
        from .runtime.reactor import reactor
        reactor.call_soon(self._enter, self._let_go, waiter)
        waiter.wait()
        if waiter.error is not None:
            raise waiter.error
        return cast(stdlib_socket.socket, waiter.value)

    def _let_go(self: Any, waiter: Waiter) -> None:
        """On the reactor thread, inside the gate."""
        if self._link is not OPEN:
            waiter.set(error=error("ERR_SOCKET_CLOSED"))
        elif self._buffer or self._queue:
            waiter.set(error=RuntimeError("detach() while bytes wait: read them first, or they would be lost"))
        else:
            if self._interest:
                self._transport.set_interest(0, self._interest, self)
                self._interest = 0
            transport, self._transport = self._transport, None
            self._destroy(None)
            waiter.set(transport.socket)

    def as_stdlib(self: Any) -> "StdlibView":
        """A view with `socket.socket`'s methods, for code such as `http.client` and `socketserver`."""
        return StdlibView(self)


def _deadline(timeout: Optional[float]) -> Optional[float]:
    return None if timeout is None else time.monotonic() + timeout


class _RawFile(io.RawIOBase):
    """The unbuffered file under `makefile`."""

    def __init__(self, owner: Any, reading: bool, writing: bool, view: "Optional[StdlibView]") -> None:
        super().__init__()
        self._owner, self._reading, self._writing = owner, reading, writing
        self._view = view       # the file has its time-out, and keeps it from closing
        if view is not None:
            view._files += 1

    def readable(self) -> bool:
        return self._reading

    def writable(self) -> bool:
        return self._writing

    def fileno(self) -> int:
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
        view = memoryview(data)
        self._owner.sendall(view, self._timeout())
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
        return cast(IO[Any], self._owner._makefile(self, mode, -1 if buffering is None else buffering, encoding, errors,
                                                   newline))

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


class EventQueue:
    """A `dispatch` that runs listeners on the thread that pumps it: a Tk `after` loop, a game loop, the main thread.

    `Socket(dispatch=queue.put)`. Only in Python.
    """

    def __init__(self) -> None:
        self._items: Deque[Callable[[], Any]] = deque()
        self._sleepers: List[Waiter] = []       # threads that wait in `run_until`; changes in atomic steps
        self._stops = 0

    def put(self, call: Callable[[], Any]) -> None:
        """Have `call()` run by whoever pumps. From every thread."""
        if not callable(call):
            raise invalid_type("call", "a callable", call)
        self._items.append(call)        # first this: who lies down to wait does so before looking
        self._wake()

    def run_pending(self, max_seconds: Optional[float] = None) -> int:
        """Run what is queued, for `max_seconds` at most; how many calls ran. Never waits."""
        deadline = _deadline(check_timeout(max_seconds, "max_seconds"))
        ran = 0
        for _ in range(len(self._items)):
            try:
                call = self._items.popleft()
            except IndexError:
                break
            ran += 1
            try:
                call()
            except Exception as problem:
                report(problem)
            if deadline is not None and time.monotonic() >= deadline:
                break
        return ran

    def run_until(self, condition: Any, timeout: Optional[float] = None) -> Any:
        """Run what comes until `condition()` is true or, if it is a future, done; returns its value or result.

        The condition is looked at after each round. `timeout`: seconds; `TimeoutError` when they pass.
        """
        deadline = _deadline(check_timeout(timeout))
        done: Callable[[], Any]
        result: Callable[[], Any]
        if callable(condition):
            done = result = condition
        elif callable(getattr(condition, "done", None)) and callable(getattr(condition, "result", None)):
            done, result = condition.done, condition.result
            condition.add_done_callback(lambda _: self._wake())
        else:
            raise invalid_type("condition", "a callable or a future", condition)
        while True:
            value = done()
            if value:
                return value if done is result else result()
            if not self._round(deadline):
                raise TimeoutError("run_until: the condition did not come true in time")

    def run_forever(self) -> None:
        """Run what comes until `stop`."""
        stops = self._stops
        while self._stops == stops:
            self._round(None)

    def stop(self) -> None:
        """Let `run_forever` return. From every thread."""
        self._stops += 1
        self._wake()

    def _round(self, deadline: Optional[float]) -> bool:
        """Wait for something and run it; `False` when the time is over."""
        waiter = Waiter()
        stops = self._stops
        self._sleepers.append(waiter)
        try:
            if not self._items and self._stops == stops:
                left = None if deadline is None else deadline - time.monotonic()
                if (left is not None and left <= 0) or not waiter.wait(left):
                    return False
        finally:
            try:
                self._sleepers.remove(waiter)
            except ValueError:
                pass            # whoever woke it took it off
        self.run_pending()
        return True

    def _wake(self) -> None:
        while self._sleepers:
            try:
                self._sleepers.pop().set()
            except IndexError:
                return
