"""The channel between the primary and one worker: frames, some of them with a descriptor, over a pair of Unix sockets.

A frame is the length of a pickle, a flag, and the pickle of a tuple of plain values; what users send travels in it as
bytes, and is unpickled where listeners run. A descriptor is attached to the first byte of its frame, so it is there
when the frame is whole, and the first frame that claims one gets the first that came.

Neither side ever waits for the other: what the kernel does not take is queued in memory, and a full channel is watched
until it can be written to. Both sides read all the time. So two full channels cannot wait for each other.

Which threads run it: `send` and `close` every thread; everything else, `on_frame` and `on_end` too, the reactor.

Locks: none. The queue grows and shrinks in single atomic operations, and the reactor alone sends.
"""
from __future__ import annotations

import array
import errno
import os
import pickle
import socket
import struct
import sys
import threading
from collections import deque
from typing import Any, Callable, Deque, List, Optional, Tuple

from ..runtime.reactor import READ, WRITE, Channel as Watched, reactor
from ..runtime.report import report

__all__ = ["Channel", "channel_pair", "check_system"]

RECEIVES = 64               # receives in one go, before others get their turn
SIZE = 65536
CROWDED = 64                # frames that may be queued before `send` says so
LONGEST = (1 << 31) - 1     # bytes of a frame
RETRY = 0.01                # seconds until sending is tried again when the kernel was out of something
NO_DESCRIPTOR = -1          # the sender attached one, and it did not arrive: no number was free here

_HEADER = struct.Struct("!IB")
_SPACE = socket.CMSG_SPACE(4 * struct.calcsize("i")) if hasattr(socket, "CMSG_SPACE") else 0
_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_SHORT = (errno.ENOBUFS, errno.ENOMEM, getattr(errno, "ETOOMANYREFS", errno.ENOBUFS))

Frame = Tuple[Any, ...]


class Channel(Watched):
    """One end. `on_frame(frame, descriptor_or_None)` for each frame that came, `on_end()` once, when nothing more will.

    A descriptor that is handed to `on_frame` is the receiver's, to be closed by it; `NO_DESCRIPTOR` if it was lost.
    """

    __slots__ = ("_socket", "_on_frame", "_on_end", "_input", "_descriptors", "_output", "_interest", "_flushing",
                 "_mute", "_over")

    def __init__(self, sock: socket.socket, on_frame: Callable[[Frame, Optional[int]], None],
                 on_end: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._on_frame, self._on_end = on_frame, on_end
        self._input = bytearray()       # the frame that is not yet whole
        self._descriptors: Deque[int] = deque()         # of frames that are not yet whole, or not yet looked at
        # What was not sent yet: the rest of a frame, the socket to attach, what to call when all of it is sent.
        self._output: Deque[Tuple[Any, Optional[socket.socket], Optional[Callable[[], Any]]]] = deque()
        self._interest = 0
        self._flushing = False
        self._mute = False              # the other end is closed: nothing can be sent, but something may be to read
        self._over = False

    # ---- for every thread ----

    def start(self) -> None:
        """Begin to read."""
        reactor.call_soon(self._sync)

    def send(self, frame: Frame, attached: Optional[socket.socket] = None,
             sent: Optional[Callable[[], Any]] = None) -> bool:
        """Queue a frame, and send it at once on the reactor thread. `False` when much is queued, or nobody is there.

        `attached`: a socket whose descriptor goes along; it must stay open until `sent()` is called, on the reactor
        thread. Never blocks. Raises `OverflowError` for what is too long.
        """
        payload = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)
        if len(payload) > LONGEST:
            raise OverflowError(f"a message of {len(payload)} bytes: the limit is {LONGEST}")
        data = _HEADER.pack(len(payload), attached is not None) + payload
        self._output.append((data, attached, sent))
        if threading.get_ident() == reactor.ident:
            self._flush()
        else:
            reactor.call_soon(self._flush)
        return len(self._output) <= CROWDED and not self._mute

    def close(self) -> None:
        """Send what can be sent at once, and close; `on_end` follows."""
        reactor.call_soon(self._finish)

    # ---- on the reactor thread ----

    def _on_ready(self, mask: int) -> None:
        if mask & WRITE:
            self._flush()
        if mask & READ and not self._over:
            self.receive()

    def _on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector."""
        self._interest = 0
        self._socket.detach()
        self._end()

    def _finish(self) -> None:
        self._flush()
        self._end()

    def receive(self) -> None:
        """Read what there is."""
        if sys.platform == "win32":
            raise NotImplementedError
        for _ in range(RECEIVES):
            try:
                data, ancillary, flags, _address = self._socket.recvmsg(SIZE, _SPACE, _CLOEXEC)
            except BlockingIOError:
                return
            except OSError:             # reset: the other end was closed with something unread
                data, ancillary, flags = b"", [], 0
            if ancillary or flags & socket.MSG_CTRUNC:
                self._keep_descriptors(ancillary)
            if not data:
                self._end()
                return
            self._input += data
            self._take_frames()
            if self._over or (len(data) < SIZE and not ancillary):
                return

    def _keep_descriptors(self, ancillary: List[Tuple[int, int, bytes]]) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        numbers = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers.frombytes(data[:len(data) - len(data) % numbers.itemsize])
        if not _CLOEXEC:
            for number in numbers:
                os.set_inheritable(number, False)
        self._descriptors.extend(numbers or [NO_DESCRIPTOR])

    def _take_frames(self) -> None:
        data = self._input
        start = 0
        while len(data) - start >= _HEADER.size and not self._over:
            length, attached = _HEADER.unpack_from(data, start)
            end = start + _HEADER.size + length
            if len(data) < end:
                break
            with memoryview(data) as view:
                frame = pickle.loads(view[start + _HEADER.size:end])
            start = end
            descriptor = self._descriptors.popleft() if attached else None
            try:
                self._on_frame(frame, descriptor)
            except Exception as problem:        # a defect of netcompat's own: the other frames are to be read
                report(problem)
        del data[:start]

    def _flush(self) -> None:
        if self._flushing or self._over:
            return
        self._flushing = True
        try:
            while self._output and not self._mute:
                data, attached, sent = self._output[0]
                count = self._transmit(data, attached)
                if count < len(data):
                    if count:
                        self._output[0] = (memoryview(data)[count:], None, sent)
                    break
                self._output.popleft()
                if sent is not None:
                    sent()
        finally:
            self._flushing = False
        self._sync()

    def _transmit(self, data: Any, attached: Optional[socket.socket]) -> int:
        """How many bytes were taken."""
        if sys.platform == "win32":
            raise NotImplementedError
        ancillary: List[Tuple[int, int, Any]] = []
        if attached is not None and attached.fileno() >= 0:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [attached.fileno()]))]
        try:
            return self._socket.sendmsg([data], ancillary)
        except BlockingIOError:
            return 0
        except OSError as problem:
            if problem.errno in _SHORT:
                reactor.call_later(RETRY, self._flush)
                return 0
            self._mute = True           # what it has sent before it closed is still to be read
            self._output.clear()
            return 0

    def _sync(self) -> None:
        """Watch for what is wanted."""
        wanted = 0 if self._over else READ | (WRITE if self._output and not self._mute else 0)
        if wanted == self._interest:
            return
        try:
            reactor.watch(self._socket.fileno(), wanted, self._interest, self)
        except (OSError, ValueError, KeyError) as problem:
            self._interest = 0
            if wanted:
                report(problem)
                self._end()
            return
        self._interest = wanted

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._sync()
        self.abandon()
        self._on_end()

    def abandon(self) -> None:
        """Close the descriptors. In a forked child: of the copies, without a word to the other end."""
        self._over = True
        self._output.clear()
        while self._descriptors:
            number = self._descriptors.popleft()
            if number >= 0:
                os.close(number)
        self._socket.close()


def check_system(what: str) -> None:
    """Raise `NotImplementedError` on Windows, where no descriptor can be attached to what is sent."""
    if sys.platform == "win32":
        raise NotImplementedError(f"{what} on Windows yet: serve from one process, whose WorkerPool runs the listeners "
                                  "on threads, or let each process listen on a port of its own")


def channel_pair() -> Tuple[socket.socket, socket.socket]:
    """The sockets of a channel's two ends. Raises `OSError`."""
    if sys.platform == "win32":
        raise NotImplementedError
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
