"""For code that blocks: `recv`, `sendall`, `flush`, iteration, `makefile`, `with`, `detach`.

A helper takes bytes from the readable buffer, and then from the kernel in the calling thread; it never waits for a
listener. So a 'connection' listener may be straight-line code. Where it has to wait it leaves a `Waiter` and lets the
reactor watch the descriptor; the worker that it waits on does not count, and another may take its place.

Locks: none of its own. State is the socket's, inside its gate; a `Waiter` is set by the reactor or by who destroys.
"""
from __future__ import annotations

import socket as stdlib_socket
import sys
from typing import IO, TYPE_CHECKING, Any, Iterator, List, Optional, Tuple, cast

from .arguments import check_int
from .emitter import check_timeout
from .errors import error, system_error
from .runtime.clock import monotonic
from .runtime.waiter import Waiter, deadline_of
from .stdlib_view import StdlibView, make_file
from .stream import ABSENT, ENDING, GONE, NEW, OPEN, READING, _as_bytes, _kept

__all__ = ["BlockingMixin"]

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
        deadline = deadline_of(check_timeout(timeout))
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
            self._wake_reader()         # for each of them it is the end
            return b""
        if self._link is GONE:
            raise self._why_gone()
        if self._link is NEW:
            raise error("ERR_SOCKET_CLOSED")
        if self._link is OPEN:
            try:
                data = self._transport.recv(size)
            except (BlockingIOError, InterruptedError):
                data = None
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
        deadline = deadline_of(check_timeout(timeout))
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
        deadline = deadline_of(check_timeout(timeout))
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
            if not waiter.wait(None if deadline is None else max(deadline - monotonic(), 0.0)):
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
        readers, self._readers = self._readers or (), None
        if self._input is not READING:
            for waiter in readers:
                waiter.set()            # they look again, and find the end
        for waiter in (*readers, *(self._helpers or ())):
            if not waiter.is_set:       # else it has what it waited for, and does not hear of the error
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
        return make_file(self, None, mode, buffering, encoding, errors, newline)

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
            deadline = monotonic() + GOODBYE
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
        return cast(stdlib_socket.socket, self._part(False)[0])

    def _hand_over(self: Any) -> Tuple[stdlib_socket.socket, bytes]:
        """For `netcompat.cluster`: as `detach`, and what was read but not delivered."""
        return cast(Tuple[stdlib_socket.socket, bytes], self._part(True))

    def _part(self: Any, with_input: bool) -> Any:
        self._stdlib()
        self.flush()
        waiter = Waiter()
        from .runtime.reactor import reactor
        reactor.call_soon(self._enter, self._let_go, waiter, with_input)
        waiter.wait()
        if waiter.error is not None:
            raise waiter.error
        return waiter.value

    def _let_go(self: Any, waiter: Waiter, with_input: bool) -> None:
        """On the reactor thread, inside the gate."""
        if self._link is not OPEN:
            waiter.set(error=error("ERR_SOCKET_CLOSED"))
            return
        if with_input:
            self._undecode()
        if self._queue or (self._buffer and not with_input):
            waiter.set(error=RuntimeError("detach() while bytes wait: read them first, or they would be lost"))
            return
        data = self._take_buffered(self._buffered) if self._buffer else b""
        if self._interest:
            self._transport.set_interest(0, self._interest, self)
            self._interest = 0
        transport, self._transport = self._transport, None
        self._destroy(None)
        waiter.set((transport.socket, data))

    def as_stdlib(self: Any) -> "StdlibView":
        """A view with `socket.socket`'s methods, for code such as `http.client` and `socketserver`."""
        return StdlibView(self)
