r"""Named pipes, `\\.\pipe\name`: what Windows has in place of Unix-domain sockets. Bytes, both ways, overlapped.

A pipe cannot be waited for as a socket can. So one read is always under way, and its completion means "readable"; a
write is under way when the system did not take the bytes at once, and its completion means "writable again". `send`
says that bytes were taken once the system has them, not before: what was begun but not done counts as "full", and the
stream offers the same bytes again. All pipes share the completion port and its thread (`runtime/completions.py`).

A pipe has no half-close. As in Node, `end()` starts a time of 50 ms: what the peer sends meanwhile is heard, and starts
it anew; when it is over, this side has its 'end' too, and closes. All that was sent before arrives in any case, since
it is the system that keeps it.

Which threads run it: as in `base.py`; `ready` the reactor, outside the gate, and `_arrived` of a listener's instances
the thread of the port. What these two read or write changes in single atomic steps.
"""
from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this module is for Windows")

import _winapi
import errno
import os
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Tuple, Union, cast

from ..runtime.clock import monotonic
from ..runtime.completions import CompletionPort, acquire
from ..runtime.reactor import READ, WRITE, Timer, reactor
from ..runtime.sources import Source, signal
from .access_list import AccessList
from .base import Listener, Transport

__all__ = ["BoundPipe", "NamedPipeListener", "NamedPipeTransport", "PATH_LIMIT", "bind_path", "connect_path", "is_busy"]

PATH_LIMIT = 256            # characters of a name, with what stands before it
BUFFER = 65536              # bytes that the system keeps for each direction, and that a read or write is for
INSTANCES = 16              # that wait for clients: so many may come at once; those that find none free try again
QUIET = 0.05                # seconds without input after which `end()` has ended both directions; Node's number

_GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
_READ_ATTRIBUTES, _WRITE_ATTRIBUTES = 0x0080, 0x0100
# Both directions, or the one that the server has made: (the access to ask for, can be read, can be written).
_DIRECTIONS = ((_GENERIC_READ | _GENERIC_WRITE, True, True), (_GENERIC_READ | _WRITE_ATTRIBUTES, True, False),
               (_GENERIC_WRITE | _READ_ATTRIBUTES, False, True))
_OVERLAPPED, _FIRST_INSTANCE, _DUPLEX = 0x40000000, 0x00080000, 3
_IDENTIFY_ONLY = 0x00110000     # the server may learn who its client is, but not act in the client's name
_REJECT_REMOTE_CLIENTS, _UNLIMITED = 8, 255     # bytes, not messages, is 0

_ACCESS_DENIED, _BROKEN_PIPE, _PIPE_BUSY, _NO_DATA, _PIPE_NOT_CONNECTED = 5, 109, 231, 232, 233
_OVER = (_BROKEN_PIPE, _NO_DATA, _PIPE_NOT_CONNECTED)       # the peer has closed its end
_ERRNO = {2: errno.ENOENT, 3: errno.ENOENT, 4: errno.EMFILE, 5: errno.EACCES, 6: errno.EBADF, 8: errno.ENOMEM,
          14: errno.ENOMEM, 53: errno.ENOENT, 67: errno.ENOENT, 109: errno.EPIPE, 123: errno.ENOENT,
          161: errno.ENOENT, 206: errno.ENAMETOOLONG, 231: errno.EBUSY, 232: errno.EPIPE, 233: errno.EPIPE,
          995: errno.ECANCELED, 1450: errno.ENOBUFS, 1816: errno.ENOMEM}


def _dressed(problem: OSError) -> OSError:
    """With the number that POSIX has for it."""
    number = _ERRNO.get(getattr(problem, "winerror", None) or 0) or problem.errno or errno.EIO
    return OSError(number, problem.strerror or os.strerror(number))


class NamedPipeTransport(Transport, Source):
    """A connection over a named pipe. Made on the reactor thread, of an open handle that it owns from then on."""

    __slots__ = ("_handle", "_port", "_owner", "_can_read", "_can_write", "_reading", "_left", "_over", "_writing",
                 "_offered", "_ended", "_timer", "_heard")

    kind = "pipe"

    def __init__(self, handle: int, port: CompletionPort, readable: bool = True, writable: bool = True) -> None:
        self._handle = handle           # 0: closed
        self._port = port
        self._owner: Any = None
        self._can_read, self._can_write = readable, writable
        self._reading: Any = None       # the read that is under way, or whose bytes have not been fetched
        self._left = b""                # bytes received and not yet taken
        self._over = False              # nothing will come any more
        self._writing: Any = None       # the write that is under way, or that has not been counted
        self._offered = 0               # bytes of it
        self._ended = False             # `send_fin` was called
        self._timer: Optional[Timer] = None     # from then on
        self._heard = 0.0               # when input came last, or `send_fin`

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        self._owner = owner
        if interest & READ and self._reading is None and self._can_read and not self._over:
            self._start_reading()
        if interest & READ:
            self._go_on_waiting()
        reactor.watch(cast(int, self), interest, before, owner)         # a source stands for its number

    def ready(self) -> int:
        reading, writing = self._reading, self._writing
        readable = self._left or self._over or (reading is not None and not reading.pending)
        return (READ if readable else 0) | (0 if writing is not None and writing.pending else WRITE)

    def recv(self, size: int) -> Optional[bytes]:
        while not self._left:
            if self._over:
                return b""
            if not self._can_read:
                return None
            if self._reading is None:
                self._start_reading()
            elif self._reading.pending:
                return None
            else:
                self._fetch()
        data = self._left
        self._left = data[size:]
        self._go_on_waiting()
        return data if len(data) <= size else data[:size]

    def recv_into(self, buffer: Any) -> Optional[int]:
        view = memoryview(buffer).cast("B")
        data = self.recv(len(view)) if len(view) else b""
        if data is None:
            return None
        view[:len(data)] = data
        return len(data)

    def _start_reading(self) -> None:
        try:
            self._port.start(self._signal, lambda overlapped: overlapped.ReadFile(self._handle, BUFFER),
                             self._begin_reading)
        except OSError as problem:
            if problem.winerror not in _OVER:
                raise _dressed(problem) from None
            self._over = True

    def _begin_reading(self, overlapped: Any) -> None:
        self._reading = overlapped

    def _fetch(self) -> None:
        """The read is done: take its bytes and begin the next one."""
        reading = self._reading
        try:
            data = reading.getresult()
        except OSError as problem:
            if problem.winerror not in _OVER:
                raise _dressed(problem) from None
            data, over = b"", True
        else:
            over = reading.error == _BROKEN_PIPE
        self._heard = monotonic()
        if over:
            self._over = True
            return
        self._left = data           # none: the peer wrote nothing, which is no end
        self._start_reading()

    def _signal(self) -> None:
        signal(self)

    def send(self, data: Any) -> int:
        done = 0
        while True:
            writing = self._writing
            if writing is not None:
                if writing.pending:
                    return done
                self._writing = None
                try:
                    writing.getresult()
                except OSError as problem:
                    raise _dressed(problem) from None
                done += self._offered
            offer = _portion(data, done)
            if not offer:
                return done
            self._offered = len(offer)
            try:
                self._port.start(self._signal, lambda overlapped: overlapped.WriteFile(self._handle, offer),
                                 self._begin_writing)
            except OSError as problem:
                self._writing = None
                raise _dressed(problem) from None

    def _begin_writing(self, overlapped: Any) -> None:
        self._writing = overlapped

    def send_fin(self) -> None:
        if not self._handle:
            return
        self._ended = True
        self._heard = monotonic()
        self._wait_for_quiet(QUIET)

    def _go_on_waiting(self) -> None:
        """For quiet, which had stopped: input waited, or nobody wanted any."""
        if self._ended and self._timer is None and not self._over:
            self._wait_for_quiet(QUIET)

    def _wait_for_quiet(self, seconds: float) -> None:
        self._timer = reactor.call_later(seconds, self._look_for_quiet)

    def _look_for_quiet(self) -> None:
        """On the reactor thread."""
        if self._owner is None:
            self._timer = None          # nobody has asked for input so far; `set_interest` goes on
        else:
            self._owner._enter(self._end_if_quiet)

    def _end_if_quiet(self) -> None:
        """Inside the gate: if the peer has said nothing for long enough, both directions have ended."""
        self._timer = None
        if self._over or not self._handle:
            return
        if self._can_read and self._reading is None:
            self._start_reading()
        if self._left or (self._reading is not None and not self._reading.pending):
            return                      # it has said something: `recv` goes on with this
        left = self._heard + QUIET - monotonic()
        if left > 0:
            self._wait_for_quiet(left)
            return
        self._over = True
        self._close_handle()
        signal(self)

    def close(self, reset: bool = False) -> None:
        self._over = True
        self._left = b""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._close_handle()

    def _close_handle(self) -> None:
        """What runs is cancelled; the port keeps it until the system has said so."""
        handle, self._handle = self._handle, 0
        if not handle:
            return
        for running in (self._reading, self._writing):
            if running is not None and running.pending:
                running.cancel()
        _winapi.CloseHandle(handle)
        self._port.release()

    def forget(self) -> None:
        handle, self._handle = self._handle, 0
        self._over = True
        if handle:
            self._port.release()

    def fileno(self) -> int:
        return self._handle or -1

    def abandon(self) -> None:
        """There is no fork where there are named pipes."""

    def local(self) -> Any:
        return None

    def remote(self) -> Any:
        return None


def _portion(data: Any, start: int) -> bytes:
    """The bytes to write next: of a buffer, or of a list of them, from `start` on."""
    if type(data) is not list:
        return bytes(memoryview(data)[start:start + BUFFER])
    parts: List[Any] = []
    size = 0
    for part in data:
        if start >= len(part):
            start -= len(part)
            continue
        parts.append(memoryview(part)[start:start + BUFFER - size])
        size += len(parts[-1])
        start = 0
        if size == BUFFER:
            break
    return b"".join(parts)


class BoundPipe:
    """A name that is taken: the first instance of a pipe. What a bound socket is to a path.

    `mode`: permission bits, as those of a path; for others than the owner the bits of "others" count.
    """

    def __init__(self, path: Union[str, bytes], mode: Optional[int] = None) -> None:
        self.path = os.fsdecode(path)
        self.mode = mode
        self._handle = make_instance(self.path, mode, first=True)

    def listen(self, backlog: int) -> None:
        """Nothing is to be done: clients get in from the moment of its making."""

    def fileno(self) -> int:
        return self._handle or -1

    def detach(self) -> int:
        """The handle, which is the caller's from then on."""
        handle, self._handle = self._handle, 0
        return handle

    def close(self) -> None:
        handle = self.detach()
        if handle:
            _winapi.CloseHandle(handle)


class NamedPipeListener(Listener, Source):
    """A name with some instances that wait for clients. It is taken as long as an instance is open, connected ones
    included, whoever has made it."""

    __slots__ = ("_bound", "_port", "_waiting", "_arrived")

    kind = "pipe"

    def __init__(self, bound: BoundPipe) -> None:
        self._bound = bound
        self._port: Optional[CompletionPort] = None
        # The instances that nobody has accepted yet: the operation that waits for a client, `None`: one came at once.
        self._waiting: Dict[int, Any] = {}
        self._arrived: Deque[int] = deque()     # those of them to which a client may have come, oldest first

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        if interest and self._port is None:
            self._port = acquire()
            self._wait_on(self._bound.detach())
            self._top_up()
        reactor.watch(cast(int, self), interest, before, owner)         # a source stands for its number

    def ready(self) -> int:
        return READ if self._arrived else 0

    def _top_up(self) -> None:
        """See that enough instances wait. What prevents it matters only when none is left."""
        while len(self._waiting) < INSTANCES:
            try:
                self._wait_on(make_instance(self._bound.path, self._bound.mode, first=False))
            except OSError:
                if not self._waiting:
                    raise
                return

    def _wait_on(self, handle: int) -> None:
        """Have an instance, which is ours from now on, wait for a client."""
        assert self._port is not None

        def arrived() -> None:          # on the port's thread
            self._arrived.append(handle)
            signal(self)

        def made(overlapped: Any) -> None:
            self._waiting[handle] = overlapped
        try:
            self._port.join(handle)
            if not self._port.start(arrived, lambda overlapped: overlapped.ConnectNamedPipe(handle), made):
                return
            self._port.forget(self._waiting[handle])        # one is there already
        except OSError as problem:
            if problem.winerror != _NO_DATA:        # one was there, and has gone again: it may have left something
                self._waiting.pop(handle, None)
                _winapi.CloseHandle(handle)
                raise _dressed(problem) from None
        self._waiting[handle] = None
        arrived()

    def accept(self) -> Optional[Tuple[NamedPipeTransport, Any]]:
        assert self._port is not None
        while self._arrived:
            handle = self._arrived.popleft()
            connecting = self._waiting.pop(handle)
            try:
                if connecting is not None:
                    connecting.getresult()
            except OSError:
                _winapi.CloseHandle(handle)     # nobody came after all
                continue
            transport = NamedPipeTransport(handle, self._port.acquire())
            try:
                self._top_up()
            except OSError:
                pass                    # the next call tells, if it is so still
            return transport, None
        self._top_up()
        return None

    def leave(self) -> None:
        """The name is free when the last instance is closed."""

    def close(self) -> None:
        self._bound.close()
        port, self._port = self._port, None
        if port is None:
            return
        for handle, connecting in self._waiting.items():
            if connecting is not None and connecting.pending:
                connecting.cancel()
            _winapi.CloseHandle(handle)
        self._waiting.clear()
        self._arrived.clear()
        port.release()

    def forget(self) -> None:
        self.close()

    def abandon(self) -> None:
        """There is no fork where there are named pipes."""

    def address(self) -> str:
        return self._bound.path


def is_pipe_name(path: str) -> bool:
    r"""Is it `\\.\pipe\…`, `\\?\pipe\…` or, to connect to, the pipe of another machine?"""
    parts = path.replace("/", "\\").split("\\", 4)
    return len(parts) == 5 and parts[:2] == ["", ""] and parts[3].lower() == "pipe" and bool(parts[2] and parts[4])


def _check_length(path: str) -> None:
    if len(path) > PATH_LIMIT:
        raise OSError(errno.ENAMETOOLONG, f"the limit is {PATH_LIMIT} characters")


def make_instance(path: str, mode: Optional[int], first: bool) -> int:
    """The handle of a new instance of a pipe, for clients of this machine. `first`: there must be none yet.

    Raises `OSError`.
    """
    _check_length(path)
    if not is_pipe_name(path):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))      # as Node says it
    if first and _exists(path):
        raise OSError(errno.EADDRINUSE, "address already in use")
    with AccessList(mode) as security:
        try:
            return _winapi.CreateNamedPipe(path, _DUPLEX | _OVERLAPPED | (_FIRST_INSTANCE if first else 0),
                                           _REJECT_REMOTE_CLIENTS, _UNLIMITED, BUFFER, BUFFER, 0, security)
        except OSError as problem:
            if problem.winerror == _ACCESS_DENIED and first:
                raise OSError(errno.EADDRINUSE, "address already in use") from None
            raise _dressed(problem) from None


def _exists(path: str) -> bool:
    """Does a pipe have the name? Windows itself refuses a second "first" instance; Wine does not."""
    try:
        _winapi.WaitNamedPipe(path, 1)
    except OSError as problem:
        return problem.winerror not in (2, 3, 53, 123, 161)
    return True


def bind_path(path: Union[str, bytes], mode: Optional[int] = None) -> Tuple[BoundPipe, None]:
    """Take a name, for the owner alone unless `mode` has bits for others. Raises `OSError`.

    The second of the pair is what has to be removed later: a name goes by itself.
    """
    return BoundPipe(path, mode), None


def connect_path(path: Union[str, bytes], bound: Any = None) -> NamedPipeTransport:
    """Connect to a name. Raises `OSError`; one for which `is_busy` holds: try again in a moment."""
    name = os.fsdecode(path)
    if bound is not None:           # a pipe's client has no name
        bound.close()
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    _check_length(name)
    if not is_pipe_name(name):
        number = errno.ENOTSOCK if os.path.exists(name) else errno.ENOENT
        raise OSError(number, os.strerror(number))
    for access, readable, writable in _DIRECTIONS:
        try:
            handle = _winapi.CreateFile(name, access, 0, 0, _winapi.OPEN_EXISTING, _OVERLAPPED | _IDENTIFY_ONLY, 0)
            break
        except OSError as problem:
            if problem.winerror != _ACCESS_DENIED or access == _DIRECTIONS[-1][0]:
                raise _dressed(problem) from None
    port = None
    try:
        port = acquire()
        port.join(handle)
        return NamedPipeTransport(handle, port, readable, writable)
    except OSError as problem:
        _winapi.CloseHandle(handle)
        if port is not None:
            port.release()
        raise _dressed(problem) from None


def is_busy(problem: OSError) -> bool:
    """Is the server there, with all instances taken?"""
    return problem.errno == errno.EBUSY
