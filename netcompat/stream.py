"""The duplex stream: what a socket is apart from its connection. No thread, no socket, no clock in this file.

Theory of operation
===================

Three small machines make up a stream. Each moves only along its table below, only inside the gate, and nobody else
changes it:

* the *link* to the peer: new, connecting, open, gone (destroyed);
* the *output*: writing, ending (`end` was called, bytes are still queued), flushed (the FIN is in the kernel), finished
  ('finish' was delivered);
* the *input*: reading, eof (the kernel saw the peer's FIN), ended ('end' was delivered).

Two clocks drive them. The kernel's: bytes are sent and received, a FIN goes out or comes in. And the delivery's: an
event reaches its listeners. What an event announces changes when it is delivered; bytes never wait for a delivery. So
each half has a state for "it happened" and one for "it was told".

Every input, from the user or from the transport, is a method that runs inside the gate, changes state, and calls the
hooks at the end of this file: `_interest_changed` says that reading or writing is wanted or
no longer, `_transmit` and `_send_fin` send, `_release` closes. What is wanted is derived from the state
(`_wants_read`, `_wants_write`), never stored beside it.
"""
from __future__ import annotations

import io
import sys
from collections import deque
from typing import Any, Callable, Deque, List, Optional, Tuple, TypeVar, Union

from .arguments import check_int, check_mark, split_callback
from .emitter import Entry, StatefulEmitter, _Once
from .encodings import decoder as make_decoder, encode, normalize, undecoded
from .errors import ClosedError, error, invalid_type, note, system_error
from .runtime.gate import GATE_CODES
from .runtime.reactor import HAS_GIL
from .runtime.report import DEBUG, log
from .runtime.waiter import Waiter
from .runtime.verdicts import LISTENER_CALLERS, NEVER_BLOCK
from .runtime.workers import begins

__all__ = ["Duplex", "get_default_high_water_mark", "set_default_high_water_mark"]

# The link.
NEW, CONNECTING, OPEN, GONE = "new", "connecting", "open", "gone"
LINK = {
    (NEW, "connect"): CONNECTING,
    (NEW, "attach"): OPEN,              # the connection was there before the stream
    (GONE, "connect"): CONNECTING,      # a new life
    (CONNECTING, "established"): OPEN,
    (NEW, "destroy"): GONE,
    (CONNECTING, "destroy"): GONE,
    (OPEN, "destroy"): GONE,
}

# The output. ABSENT: a stream that cannot be written to has none.
WRITING, ENDING, FLUSHED, FINISHED, ABSENT = "writing", "ending", "flushed", "finished", "absent"
OUTPUT = {
    (WRITING, "end"): ENDING,
    (ENDING, "fin sent"): FLUSHED,
    (FLUSHED, "finish told"): FINISHED,
}

# The input.
READING, EOF, ENDED = "reading", "eof", "ended"
INPUT = {
    (READING, "fin received"): EOF,
    (EOF, "end told"): ENDED,
}

_OVER = (FINISHED, ABSENT, ENDED)       # a half that is in one of these keeps the stream open no longer

GATHER = 64             # queued writes that leave in one system call
GATHER_BYTES = 1 << 20

Data = Union[str, bytes, bytearray, memoryview]
Callback = Callable[..., Any]
Completion = Union[Callback, Waiter, None]      # who hears of a write: a listener on the strand, or a thread at once
Self = TypeVar("Self", bound="Duplex")

_default_high_water_mark = 65536


def get_default_high_water_mark() -> int:
    """Bytes that a new stream buffers before it counts as full. Node: `stream.getDefaultHighWaterMark`."""
    return _default_high_water_mark


def set_default_high_water_mark(value: int) -> None:
    """Set it for streams made from now on. Raises for anything but an int >= 0. Node: `setDefaultHighWaterMark`."""
    global _default_high_water_mark
    _default_high_water_mark = check_int("value", value, 0, sys.maxsize)


class Duplex(StatefulEmitter):
    """A readable and writable stream of bytes, as Node's `stream.Duplex`. `netcompat.Socket` is the one to use."""

    __slots__ = (
        "_link", "_output", "_input", "allow_half_open",
        # output
        "_queue", "_queued", "_corked", "_before_cork", "_pressing", "_need_drain", "_drain_posted", "_drained",
        "_end_callbacks", "_ended_by_peer", "bytes_written", "_write_mark",
        # input
        "_buffer", "_buffered", "_flowing", "_paused", "_encoding", "_decoder", "_end_posted", "_flow_posted",
        "_readable_posted", "_hold_reading", "bytes_read", "_read_mark", "_pipes",
        "_had_error", "_ended_outside", "_close_posted",
    )

    def __init__(self, *, allow_half_open: bool = False, readable: bool = True, writable: bool = True,
                 high_water_mark: Optional[int] = None) -> None:
        super().__init__()
        mark = _default_high_water_mark if high_water_mark is None else check_mark(high_water_mark)
        self.allow_half_open = allow_half_open      # keep writing after the peer's FIN; Node: allowHalfOpen
        self._read_mark = self._write_mark = mark
        self._link = NEW
        self._pipes: Optional[List[_Pipe]] = None
        self._new_life(readable, writable)

    def _new_life(self, readable: bool, writable: bool) -> None:
        """Both halves from the start."""
        self._begin_life()
        self._output = WRITING if writable else ABSENT
        self._input = READING if readable else ABSENT
        self._queue: Optional[Deque[Tuple[Any, Completion]]] = None     # what the kernel has not taken, oldest first
        self._queued = 0                    # bytes in it
        self._corked = 0
        self._before_cork = 0               # writes in the queue that are older than the cork: it does not hold them
        self._pressing = 0                  # threads in the queue that block until they are served: they override corks
        self._need_drain = False            # a write was answered with False and 'drain' is owed
        self._drain_posted = False
        self._drained = False               # what 'drain' tells is true: the queue ran empty, no write came since
        self._end_callbacks: Optional[List[Completion]] = None
        self._ended_by_peer = False         # this half ended itself after the peer's FIN
        # Chunks that wait for listeners, oldest first. An empty one: what is received next waits, too.
        self._buffer: Optional[Deque[Any]] = None
        self._buffered = 0                  # bytes (with an encoding: characters) in it
        self._flowing: Optional[bool] = None            # None: nobody has asked for data yet
        self._paused = False                # by `pause`, until `resume`
        self._encoding = ""                 # as `set_encoding` was told
        self._decoder: Any = None
        self._end_posted = self._flow_posted = self._readable_posted = False
        self._hold_reading = False          # leave even the first byte in the kernel until somebody asks
        self._had_error = self._close_posted = False
        self._ended_outside = False         # destroyed, without an error, by the program but not in a listener
        self.bytes_read = 0                 # bytes received; Node: bytesRead
        self.bytes_written = 0              # bytes accepted by `write`, queued ones included; Node: bytesWritten

    # ---- writing ----

    def write(self, data: Data, encoding: Any = "utf-8", callback: Optional[Callback] = None) -> bool:
        """Send `data` (bytes-like, or `str` in `encoding`), in the calling thread if nothing is queued before it.

        `True`: all of it is in the kernel's buffer. `False`: some or all is queued in memory, and 'drain' follows when
        the queue is empty. Never blocks. `callback(error_or_None)` runs when these bytes are in the kernel, or failed.
        Raises argument errors only; what the network does reaches 'error' and `callback`. Node: `writable.write`,
        whose documentation's rule this follows while connecting and corked too.
        """
        if encoding != "utf-8" or callback is not None:
            encoding, callback = split_callback(encoding, callback, "utf-8")
        if type(data) is not bytes:
            data = _as_bytes(data, encoding)
        if self._inside and self._must_not_wait():
            self._defer(self._write_deferred, _kept(data), callback)
            return False
        with self._lock:
            if self._deferred:
                self._run_deferred()
            self._inside = True
            try:
                return self._write(data, callback)
            finally:
                self._inside = False
                if self._deferred:
                    self._run_deferred()

    def end(self: Self, data: Any = None, encoding: Any = "utf-8", callback: Optional[Callback] = None) -> Self:
        """Write `data`, if given, then send the queue and a FIN.

        `callback(error_or_None)` runs just before 'finish', or with what prevented it. Node: `writable.end`.
        """
        if callable(data) and callback is None and encoding == "utf-8":
            data, callback = None, data
        encoding, callback = split_callback(encoding, callback, "utf-8")
        if data is not None:
            data = _as_bytes(data, encoding)
        self._enter(self._end, data, callback)
        return self

    def cork(self) -> None:
        """Keep what is written in memory until `uncork`, to send it with one system call. Node: `writable.cork`."""
        self._enter(self._cork, 1)

    def uncork(self) -> None:
        """Take back one `cork`; the last one sends. Node: `writable.uncork`."""
        self._enter(self._cork, -1)

    @property
    def writable(self) -> bool:
        """May `write` be called? Node: `writable.writable`."""
        return self._output is WRITING and self._link is not GONE

    @property
    def writable_ended(self) -> bool:
        """Was `end` called? Node: `writable.writableEnded`."""
        return self._output in (ENDING, FLUSHED, FINISHED)

    @property
    def writable_finished(self) -> bool:
        """Was 'finish' delivered? Node: `writable.writableFinished`."""
        return self._output is FINISHED

    @property
    def writable_length(self) -> int:
        """Bytes queued in memory, not yet in the kernel. Node: `writable.writableLength`."""
        return self._queued

    @property
    def writable_need_drain(self) -> bool:
        """Was a write answered with `False`, with 'drain' still to come? Node: `writable.writableNeedDrain`."""
        return self._need_drain and self._output is WRITING and self._link is not GONE

    @property
    def writable_high_water_mark(self) -> int:
        """Bytes; reported only, since `write` says `False` as soon as anything is queued. Node: same name."""
        return self._write_mark

    # ---- reading ----

    def pause(self: Self) -> Self:
        """Deliver no more 'data'; what arrives is buffered up to the high-water mark. Node: `readable.pause`."""
        if self._enter(self._pause):
            self._deliver("pause")
        return self

    def resume(self: Self) -> Self:
        """Deliver 'data' (again). Node: `readable.resume`."""
        if self._enter(self._resume):
            self._deliver("resume")
        return self

    def is_paused(self) -> bool:
        """Node: `readable.isPaused`."""
        return self._paused or self._flowing is False

    def read(self, size: Optional[int] = None) -> Any:
        """Take what is buffered: `size` bytes, or all; `None` if so much is not there. Node: `readable.read`.

        Never blocks; `recv` does. With an encoding set the result is a `str` and `size` counts characters.
        """
        if size is not None:
            check_int("size", size, 0, 1 << 30)
        if self._inside and self._must_not_wait():
            return None         # it cannot be done later: nobody would have the bytes
        chunk = self._enter(self._read, size)
        if chunk is not None and self._running_here():
            self._deliver("data", chunk)
        return chunk

    def set_encoding(self: Self, encoding: Optional[str] = "utf-8") -> Self:
        """Deliver `str` instead of `bytes`; no character is torn between chunks. Node: `readable.setEncoding`.

        Node's encodings (in any case) and Python's text codecs; others raise `ERR_UNKNOWN_ENCODING`.
        """
        self._enter(self._set_encoding, normalize(encoding))
        return self

    def pipe(self, destination: Any, end: bool = True) -> Any:
        """Write all that comes to `destination`, no faster than it takes it; `end`: end it at the end.

        It may be any object with `write` and `end`, or a binary file (`write` and `close`). Returns `destination`.
        Node: `readable.pipe`.
        """
        if not callable(getattr(destination, "write", None)):
            raise invalid_type("destination", "an object with write() and end() or close()", destination)
        pipe = _Pipe(self, destination, bool(end))
        self._enter(self._add_pipe, pipe)
        pipe.start()
        return destination

    def unpipe(self: Self, destination: Any = None) -> Self:
        """Stop writing to `destination`, or to all. Without any left, the stream is paused. Node: `readable.unpipe`."""
        for pipe in self._pipes or ():
            if destination is None or pipe.destination is destination:
                pipe.stop()
        return self

    @property
    def readable(self) -> bool:
        """May data still come? Node: `readable.readable`."""
        return self._input in (READING, EOF) and self._link is not GONE

    @property
    def readable_ended(self) -> bool:
        """Was 'end' delivered? Node: `readable.readableEnded`."""
        return self._input is ENDED

    @property
    def readable_flowing(self) -> Optional[bool]:
        """`None`: nobody asked for data yet; `True`: it is delivered; `False`: paused. Node: `readableFlowing`."""
        return self._flowing

    @property
    def readable_length(self) -> int:
        """Bytes (with an encoding: characters) received but not delivered. Node: `readable.readableLength`."""
        return self._buffered

    @property
    def readable_high_water_mark(self) -> int:
        """Bytes that may wait for listeners before reading from the kernel stops. Node: `readableHighWaterMark`."""
        return self._read_mark

    # ---- the end ----

    def destroy(self: Self, error: Optional[BaseException] = None) -> Self:
        """Close at once; what is queued fails. `error`, if given, reaches 'error'. Then 'close'. Node: `destroy`."""
        if error is not None and not isinstance(error, BaseException):
            raise invalid_type("error", "an exception or None", error)
        try:
            self._enter(self._destroy_asked, error)
        except BaseException:           # Ctrl-C, or what else a signal handler raises, in the middle of it
            self._enter(self._destroy_the_rest)
            raise
        return self

    def destroy_soon(self) -> None:
        """`end()`, and `destroy()` when all is sent. Node: `socket.destroySoon`."""
        self._enter(self._destroy_soon)

    @property
    def destroyed(self) -> bool:
        """Node: `destroyed`."""
        return self._link is GONE

    # ---- inside the gate: output ----

    def _write(self, data: Any, callback: Completion) -> bool:
        """`write`, inside. The common case comes first: connected, nothing queued, the kernel takes it."""
        if self._queue or self._link is not OPEN or self._output is not WRITING or self._corked:
            return self._write_later(data, callback)
        size = len(data)
        try:
            sent = self._transmit(data) if size else 0
        except OSError as problem:
            self._lost(system_error(problem, "write"), callback)
            return False
        except BaseException as problem:
            self._cut_short(problem, callback)
            raise
        self.bytes_written += size
        if sent == size:
            if self._drained:
                self._forget_drain()
            if callback is not None:
                self._complete(callback, None)
            return True
        try:
            if self._drained:
                self._forget_drain()
            self._enqueue(memoryview(data)[sent:] if type(data) is bytes else bytes(data[sent:]), callback)
            self._interest_changed()
        except BaseException as problem:
            self._cut_short(problem, callback)
            raise
        return False

    def _cut_short(self, problem: BaseException, callback: Completion) -> None:
        """Ctrl-C, or what else a signal handler raises, in the middle of sending: nobody knows what the kernel has
        taken, and whatever was sent next could follow half a chunk."""
        if any(queued is callback for _, queued in self._queue or ()):
            callback = None         # `_destroy` tells it
        self._lost(problem, callback)

    def _write_deferred(self, data: Any, callback: Completion) -> None:
        """A write whose caller was answered with `False` before it was done: 'drain' is owed in any case."""
        if self._write(data, callback):
            self._need_drain = True
            self._drained_now()

    def _write_later(self, data: Any, callback: Completion) -> bool:
        """A write that cannot go to the kernel now: it is queued, or wrong."""
        problem = self._why_not_writable("write")
        if problem is not None:
            self._lost(problem, callback)
            return False
        self.bytes_written += len(data)
        if self._drained:
            self._forget_drain()
        self._enqueue(_kept(data), callback)
        return False

    def _why_not_writable(self, call: str) -> Optional[BaseException]:
        problem: BaseException
        if self._ended_by_peer and call == "write":
            problem = system_error("EPIPE", "write", detail="This socket has been ended by the other party")
        elif self._output is not WRITING:
            problem = error("ERR_STREAM_WRITE_AFTER_END")
        elif self._link is GONE:
            problem = error("ERR_STREAM_DESTROYED", call=call)
        elif self._link is NEW:
            problem = error("ERR_SOCKET_CLOSED")
        else:
            return None
        return problem

    def _enqueue(self, data: Any, callback: Completion) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append((data, callback))
        self._queued += len(data)
        self._need_drain = True
        if type(callback) is Waiter:
            self._pressing += 1
            self._interest_changed()

    def _flush(self) -> None:
        """Send what is queued, as far as the kernel takes it; then the FIN, if it is time."""
        queue = self._queue
        while queue and self._link is OPEN and not self._held_back():
            try:
                total, sent = self._send_some(queue)
                if sent < 0:
                    return
                self._sent(sent, sent == total == self._queued)
            except BaseException as problem:
                self._cut_short(problem, None)
                raise
            if sent < total:
                break
        self._maybe_send_fin()
        self._interest_changed()

    def _send_some(self, queue: "Deque[Tuple[Any, Completion]]") -> Tuple[int, int]:
        """One system call: (bytes offered, bytes taken), or (0, -1) when the connection was lost."""
        if len(queue) == 1:
            chunk: Any = queue[0][0]
            total = len(chunk)
        else:
            chunk, total = [], 0
            free = self._before_cork if self._corked and not self._pressing else len(queue)
            for number, (data, _) in enumerate(queue):
                if len(chunk) == GATHER or total >= GATHER_BYTES or number == free:
                    break
                if len(data):
                    chunk.append(data)
                    total += len(data)
        try:
            return total, self._transmit(chunk) if total else 0
        except OSError as problem:
            self._lost(system_error(problem, "write"), None)
            return 0, -1

    def _sent(self, count: int, all_of_it: bool) -> None:
        """The kernel took `count` bytes of the queue: forget them, and tell their callbacks."""
        queue = self._queue
        assert queue is not None
        done: List[Completion] = []
        self._queued -= count
        while queue and count >= len(queue[0][0]) and not self._held_back():
            data, callback = queue.popleft()
            count -= len(data)
            if self._before_cork:
                self._before_cork -= 1
            if callback is not None:
                done.append(callback)
        if count:
            data, callback = queue[0]
            queue[0] = (memoryview(data)[count:], callback)
        if all_of_it:
            self._queue = None          # a stream at rest pays for no queue
            if self._need_drain:
                self._drained_now()
        for callback in done:
            if type(callback) is Waiter:
                self._pressing -= 1
            self._complete(callback, None)

    def _drained_now(self) -> None:
        """The queue is empty again: those who were told to wait for that hear of it."""
        self._need_drain = False
        self._drained = True
        if self._output is WRITING and not self._drain_posted:
            self._drain_posted = True
            self._post(self._deliver_drain)

    def _complete(self, callback: Completion, problem: Optional[BaseException]) -> None:
        """Tell who waits for a write: a blocked thread at once, a callback in its turn."""
        if type(callback) is Waiter:
            callback.set(error=problem)         # pyright: ignore[reportFunctionMemberAccess]
        elif callback is not None:
            self._post(self._call_back, callback, problem)

    def _forget_drain(self) -> None:
        self._drained = False
        if self._told is not None:
            self._told.pop("drain", None)

    def _cork(self, change: int) -> None:
        if self._output is WRITING and self._corked + change >= 0:      # `end` takes all corks out, for good
            if not self._corked:
                self._before_cork = len(self._queue or ())
            self._corked += change
            if not self._corked:
                self._flush()

    def _held_back(self) -> bool:
        """Does a cork hold what is first in the queue? Not what was written before it, nor for who blocks."""
        return self._corked > 0 and not self._before_cork and not self._pressing

    def _end(self, data: Any, callback: Completion) -> None:
        problem: Optional[BaseException] = None
        if data is not None:
            problem = self._why_not_writable("end")
            if problem is not None:
                if self._link is NEW:
                    self._lost(problem, callback)
                else:
                    self._destroy(problem, callback)    # Node's order, the other way round than for `write`
                return
            self._write(data, None)
            problem = self._error       # if the connection was lost by it
        self._corked = 0
        problem = problem or self._why_not_endable()
        if problem is not None or self._output is ABSENT:
            self._complete(callback, problem)
            return
        if callback is not None:
            self._end_callbacks = (self._end_callbacks or []) + [callback]
        if self._output is WRITING:
            self._output = self._moved("output", OUTPUT[self._output, "end"])
            self._need_drain = False
            self._forget_drain()
            self._flush()

    def _why_not_endable(self) -> Optional[BaseException]:
        problem: Optional[BaseException] = None
        if self._output is FINISHED:
            problem = error("ERR_STREAM_ALREADY_FINISHED", call="end")
        elif self._link is GONE:
            problem = error("ERR_STREAM_DESTROYED", call="end")
        return problem

    def _maybe_send_fin(self) -> None:
        if self._output is not ENDING or self._queue or self._link in (CONNECTING, GONE):
            return
        if self._link is NEW or self._fin_now():
            self._output = self._moved("output", OUTPUT[self._output, "fin sent"])
            self._post(self._deliver_finish)

    def _fin_now(self) -> bool:
        try:
            self._send_fin()
        except OSError as problem:
            self._lost(system_error(problem, "shutdown"), None)
            return False
        return True

    def _wants_write(self) -> bool:
        """Is there something that the kernel has to take?"""
        return bool(self._queue) and self._link is OPEN and not self._held_back()

    # ---- inside the gate: input ----

    def _feed(self, data: bytes) -> Any:
        """Bytes came in (none: the peer's FIN). Returns the chunk to deliver now, or `None` if it was buffered."""
        if not data:
            self._received_fin()
            return None
        self.bytes_read += len(data)
        chunk: Any = data
        if self._decoder is not None and not (self._buffer and type(self._buffer[0]) is bytes):
            chunk = self._decoder.decode(data)
            if not chunk:
                return None
        if self._flowing and self._buffer is None:
            return chunk
        self._keep(chunk)
        return None

    def _keep(self, chunk: Any) -> None:
        """Buffer a chunk for listeners, and see that they hear of it."""
        if self._buffer is None:
            self._buffer = deque()
        self._buffer.append(chunk)
        self._buffered += len(chunk)
        if self._flowing:
            self._post_flow()
        else:
            self._post_readable()

    def _received_fin(self) -> None:
        if self._input is not READING:
            return
        self._input = self._moved("input", INPUT[self._input, "fin received"])
        if self._decoder is not None:
            self._decode_buffered()
            rest = self._decoder.decode(b"", True)
            if rest:
                self._keep(rest)
        self._post_readable()
        self._maybe_end()

    def _maybe_end(self) -> None:
        """Post 'end' once the last byte before it was taken; a paused stream gets it too."""
        if self._input is EOF and not self._buffer and not self._end_posted and self._link is not GONE:
            self._end_posted = True
            self._post(self._deliver_end)

    def _post_readable(self) -> None:
        if not self._readable_posted and "readable" in self._listeners:
            self._readable_posted = True
            self._post(self._deliver_readable)

    def _post_flow(self) -> None:
        if not self._flow_posted and self._buffer is not None:
            self._flow_posted = True
            self._post(self._deliver_buffered)

    def _pause(self) -> bool:
        """`True`: the caller delivers 'pause', at once."""
        if self._link is GONE:
            return False
        self._paused = True
        if self._flowing is False:
            return False
        self._flowing = False
        return self._tell_here("pause")

    def _resume(self, at_once: bool = True) -> bool:
        """`True`: the caller delivers 'resume', at once."""
        if self._link is GONE:
            return False
        self._paused = self._hold_reading = False
        if self._flowing:
            return False
        self._flowing = "readable" not in self._listeners
        here = self._tell_here("resume", at_once)       # first this: what is buffered comes behind it
        if self._flowing and not here and self._buffer is None and "resume" in self._listeners:
            self._buffer = deque()      # and what is received from now on, too: through the buffer
        self._post_flow()
        self._interest_changed()
        return here

    def _tell_here(self, event: str, at_once: bool = True) -> bool:
        """Is 'pause' or 'resume' to be delivered at once, being called in the stream's own listener? Else it is queued,
        in the order of what it tells, if somebody listens."""
        if event not in self._listeners and self._waiters is None:
            return False
        if at_once and self._running_here():
            return True
        self._post(self._deliver, event)
        return False

    def _read(self, size: Optional[int]) -> Any:
        if self._link is not GONE:
            self._hold_reading = False
        self._decode_buffered()
        buffer = self._buffer
        if size is not None and size > self._read_mark:
            self._read_mark = 1 << (size - 1).bit_length()      # else so much could never be there
        available = self._buffered
        wanted = available if size is None else size
        if wanted > available and self._input is not READING:
            wanted = available
        if not buffer or not 0 < wanted <= available:
            self._maybe_end()
            self._interest_changed()
            return None
        if size is None and self._flowing:
            wanted = len(buffer[0])
        chunk = self._take_buffered(wanted)
        if "data" in self._listeners and not self._running_here():
            self._post(self._deliver, "data", chunk)        # before 'end'
        self._maybe_end()
        self._interest_changed()
        return chunk

    def _take_buffered(self, wanted: int) -> Any:
        """Exactly so many bytes or characters off the front of the buffer."""
        buffer = self._buffer
        assert buffer is not None
        parts = []
        left = wanted
        while left:
            chunk = buffer.popleft()
            if len(chunk) > left:
                buffer.appendleft(chunk[left:])
                chunk = chunk[:left]
            parts.append(chunk)
            left -= len(chunk)
        self._buffered -= wanted
        if not buffer:
            self._buffer = None
        return parts[0] if len(parts) == 1 else parts[0][:0].join(parts)

    def _set_encoding(self, encoding: str) -> None:
        self._undecode()
        self._encoding, self._decoder = encoding, make_decoder(encoding)
        self._decode_buffered()
        self._maybe_end()

    def _decode_buffered(self) -> None:
        """Turn buffered bytes into text."""
        if self._decoder is None or not self._buffer or type(self._buffer[0]) is not bytes:
            return
        text = self._decoder.decode(self._take_buffered(self._buffered), self._input is not READING)
        if text:
            self._keep(text)

    def _undecode(self) -> None:
        """Turn buffered text back into bytes, with what waits for the rest of its character: for who reads bytes."""
        if self._decoder is None or (self._buffer and type(self._buffer[0]) is bytes):
            return
        text = self._take_buffered(self._buffered) if self._buffer else ""
        data = encode(text, self._encoding) + undecoded(self._decoder)
        self._decoder = make_decoder(self._encoding)
        if data:
            self._keep(data)

    def _add_pipe(self, pipe: "_Pipe") -> None:
        self._pipes = (self._pipes or []) + [pipe]

    def _drop_pipe(self, pipe: "_Pipe") -> Optional[str]:
        """Forget a pipe: `None` if it was forgotten before, else what has to be done with the stream."""
        pipes = self._pipes or []
        if pipe not in pipes:
            return None
        self._pipes = left = [other for other in pipes if other is not pipe] or None
        if left is None:
            return "pause"
        return "resume" if pipe.waits_for_drain and not any(other.waits_for_drain for other in left) else "go on"

    def _pipe_waits(self, pipe: "_Pipe") -> None:
        pipe.waits_for_drain = True

    def _pipe_drained(self, pipe: "_Pipe") -> bool:
        """Was this the last pipe that waited?"""
        waited, pipe.waits_for_drain = pipe.waits_for_drain, False
        pipes = self._pipes or ()
        return waited and pipe in pipes and not any(other.waits_for_drain for other in pipes)

    def _wants_read(self) -> bool:
        """May more be received? No more than the high-water mark waits for listeners, whatever the reason."""
        return (self._link is OPEN and self._input is READING and not self._hold_reading
                and (not self._buffered or self._buffered < self._read_mark))

    def _inserted(self, event: str, entry: Entry) -> None:
        if event == "readable" and self._input is not ENDED:
            if len(self._listeners["readable"]) == 1:
                self._flowing = False
            self._hold_reading = False
            if self._buffer or self._input is EOF:
                self._post_readable()
            self._interest_changed()
        super()._inserted(event, entry)

    def _added(self, event: str) -> None:
        if event == "data" and self._flowing is not False:
            self.resume()

    def _removed(self, event: str) -> None:
        if event == "readable" and "readable" not in self._listeners:
            if "data" not in self._listeners:
                self._flowing = None
            else:
                self._resume(at_once=False)     # as documented: it flows without resume()

    # ---- inside the gate: the link ----

    def _moved(self, machine: str, state: str) -> str:
        """Log a transition. It is said in its turn among the deliveries: no log handler runs inside the gate."""
        if log.isEnabledFor(DEBUG):
            self._post(log.debug, "%s: %s %s", repr(self), machine, state)
        return state

    def _established(self) -> None:
        """The connection is there: send what was written meanwhile. The caller posts 'connect'."""
        self._link = self._moved("link", LINK[self._link, "established"])
        if self._output in (FLUSHED, FINISHED):
            self._fin_now()         # `end` was called before `connect`, and its 'finish' posted
        self._flush()

    def _lost(self, problem: BaseException, callback: Completion) -> None:
        """The connection failed under a read or write, or a write came too late: `callback` is the first to hear."""
        self._complete(callback, problem)
        self._destroy(problem)

    def _destroy_asked(self, problem: Optional[BaseException]) -> None:
        if problem is None and self._link is not GONE and not self._running_here():
            self._ended_outside = True
        self._destroy(problem)

    def _destroy(self, problem: Optional[BaseException], after_error: Completion = None) -> None:
        """`after_error` is a callback that hears of `problem` after 'error', and in any case."""
        if self._link is GONE:
            self._complete(after_error, problem)
            return
        connecting = self._link is CONNECTING
        self._link = self._moved("link", LINK[self._link, "destroy"])
        self._error, self._had_error = problem, problem is not None
        self._forget_drain()
        self._fail_pending(problem, connecting)
        if problem is not None:
            self._post(self._deliver_error, problem)
        self._complete(after_error, problem)
        self._release()         # calls `_released` when nothing of the connection is left

    def _fail_pending(self, problem: Optional[BaseException], connecting: bool = False) -> None:
        """Tell who waits for a write or for the end, one after the other: after Ctrl-C the rest can be told, and nobody
        is told twice. Writes that waited for the connection hear so, as in Node; their end hears what destroyed it."""
        queue, ends = self._queue, self._end_callbacks
        if queue or ends:
            reason = problem
            if connecting and queue:
                reason = error("ERR_SOCKET_CLOSED_BEFORE_CONNECTION")
            elif reason is None:
                reason = error("ERR_STREAM_DESTROYED", call="write" if queue else "end")
            while queue:
                self._complete(queue.popleft()[1], reason)
            while ends:
                self._complete(ends.pop(0), problem if problem is not None else reason)
        self._queue = self._end_callbacks = self._buffer = None
        self._queued = self._buffered = self._pressing = 0

    def _destroy_the_rest(self) -> None:
        """A `destroy` was interrupted: it was not done at all, or it is done now."""
        if self._link is GONE:
            self._fail_pending(None)
            if not self._close_posted:
                self._release()

    def _released(self) -> None:
        if not self._close_posted:
            self._post(self._deliver_close)
            self._close_posted = True

    def _destroy_soon(self) -> None:
        if self._output is WRITING and self._link is not GONE:
            self._end(None, None)
        if self._output in (FINISHED, ABSENT):
            self._destroy(None)
        elif self._link is not GONE:
            self._end_callbacks = (self._end_callbacks or []) + [_DESTROY]

    def _destroy_if_over(self) -> None:
        if self._input in _OVER and self._output in _OVER:
            self._destroy(None)

    # ---- on the strand: deliveries ----

    def _deliver_data(self, chunk: Any) -> None:
        """The hot path: one chunk to the 'data' listeners."""
        entries = self._listeners.get("data")
        if entries is None or self._link is GONE:
            return
        if type(entries[0]) is _Once or len(entries) > 1:
            self._deliver_to("data", entries, (chunk,))
            return
        listener: Any = entries[0]              # pyright: ignore[reportGeneralTypeIssues]
        if not HAS_GIL:
            begins(listener)
        try:
            listener(chunk)
        except BaseException as problem:
            self._raised("data", problem)

    def _deliver_buffered(self) -> None:
        """Deliver what is buffered, until somebody pauses."""
        self._flow_posted = False
        while True:
            chunk = self._enter(self._next_chunk)
            if chunk is None:
                return
            self._deliver_data(chunk)

    def _next_chunk(self) -> Any:
        self._decode_buffered()
        if self._link is GONE or not self._flowing or not self._buffer:
            if self._link is not GONE:
                if not self._buffer:
                    self._buffer = None         # what is received from now on need not wait
                self._maybe_end()
                self._interest_changed()
            return None
        return self._take_buffered(len(self._buffer[0]))

    def _deliver_readable(self) -> None:
        self._readable_posted = False
        if self._link is not GONE and (self._buffer or self._input is EOF):
            self._deliver("readable")
            if "readable" in self._listeners:
                self._enter(self._interest_changed)

    def _deliver_end(self) -> None:
        if self._enter(self._end_told):
            self._deliver_state("end")
            self._enter(self._after_end)

    def _end_told(self) -> bool:
        if self._link is GONE:
            return False
        self._input = self._moved("input", INPUT[self._input, "end told"])
        return True

    def _after_end(self) -> None:
        if not self.allow_half_open and self._output is WRITING and self._link is not GONE:
            self._end(None, None)
            self._ended_by_peer = True
        self._destroy_if_over()

    def _deliver_drain(self) -> None:
        entries = self._enter(self._drain_told)
        if entries is None:
            return
        if self._waiters is not None:
            self._wake_waiters("drain", ())
        self._deliver_to("drain", entries, ())

    def _drain_told(self) -> Optional[Tuple[Entry, ...]]:
        """Who listens now was told to wait; who comes later hears of it only if no write came in the meantime."""
        self._drain_posted = False
        if self._link is GONE or self._output is not WRITING or self._queue:
            return None
        return self._remember("drain", ()) if self._drained else self._listeners.get("drain", ())

    def _deliver_finish(self) -> None:
        callbacks = self._enter(self._finish_told)
        if callbacks is None:
            return
        destroy = False
        for callback in callbacks:
            if callback is _DESTROY:
                destroy = True
            else:
                self._call_back(callback, None)
        if self._link is not GONE:
            self._deliver_state("finish")
        if destroy:
            self._enter(self._destroy, None)
        else:
            self._enter(self._destroy_if_over)

    def _finish_told(self) -> Optional[List[Completion]]:
        if self._link is GONE:
            return None
        self._output = self._moved("output", OUTPUT[self._output, "finish told"])
        callbacks, self._end_callbacks = self._end_callbacks or [], None
        return callbacks

    def _deliver_close(self) -> None:
        self._deliver_state("close", self._had_error)

    def _may_deliver(self, event: str) -> bool:
        return self._link is not GONE or event in ("error", "close", "connection")

    def _is_told(self, event: str, problem: BaseException, *args: Any) -> bool:
        """A blocking helper told a listener that the program had destroyed its stream: the program knows."""
        return self._ended_outside and isinstance(problem, ClosedError)

    def _failed(self, event: str, problem: BaseException, *args: Any) -> None:
        if event not in ("error", "close"):
            self._enter(self._destroy_reported, problem)

    def _destroy_reported(self, problem: BaseException) -> None:
        """A listener's exception: it was reported, so 'error' need not be claimed."""
        self._reported = problem
        self._destroy(problem)

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        if event == "drain" and not self.writable_need_drain and self._link is not GONE:
            return ()
        return super()._reached(event)

    def _tell(self, event: str, *args: Any) -> None:
        """'pipe' and 'unpipe': at once in the stream's own listener, in their turn otherwise."""
        if event not in self._listeners and self._waiters is None:
            return
        if self._running_here():
            self._deliver(event, *args)
        else:
            self._enter(self._post, self._deliver, event, *args)

    # ---- hooks: what a stream needs from whoever has the connection; all inside the gate ----

    def _running_here(self) -> bool:
        """Does the calling thread run a delivery of this stream?"""
        raise NotImplementedError

    def _transmit(self, data: Any) -> int:
        """Send a buffer or a list of them; the number of bytes taken, 0 when the kernel is full. Raises `OSError`."""
        raise NotImplementedError

    def _send_fin(self) -> None:
        raise NotImplementedError

    def _interest_changed(self) -> None:
        """Look at `_wants_read` and `_wants_write` again."""
        raise NotImplementedError

    def _release(self) -> None:
        """Close the connection, then call `_released` inside the gate."""
        raise NotImplementedError


def _DESTROY(*_: Any) -> None:
    """Stands among the callbacks of `end`: destroy the stream after 'finish'."""


LISTENER_CALLERS.add(Duplex._deliver_data.__code__)
NEVER_BLOCK.add(Duplex.write.__code__)
GATE_CODES.add(Duplex.write.__code__)


def _as_bytes(data: Any, encoding: str) -> Any:
    """What `write` was given, as bytes or a flat view of them."""
    if isinstance(data, str):
        return encode(data, encoding)
    if isinstance(data, bytes):
        return data
    if data is None:
        raise error("ERR_STREAM_NULL_VALUES")
    try:
        view = memoryview(data)
    except TypeError:
        problem = invalid_type("data", "str, bytes or another bytes-like object", data)
        raise note(problem, "to send it as text: str(data); as one byte: bytes([data])" if isinstance(data, int)
                   else "to send it as text: str(data), or json.dumps(data)") from None
    if not view.nbytes:
        return b""
    try:
        return view.cast("B")
    except (TypeError, ValueError):     # not contiguous, or of a format that has no name here
        return view.tobytes()


def _kept(data: Any) -> Any:
    """A form of `data` that the caller cannot change any more."""
    return data if type(data) is bytes else bytes(data)


class _Pipe:
    """One `pipe`: it writes what comes to the destination, and waits for 'drain' when that is full."""

    def __init__(self, source: Duplex, destination: Any, end: bool) -> None:
        self.source, self.destination, self.end = source, destination, end
        self.emits = callable(getattr(destination, "once", None)) and callable(getattr(destination, "off", None))
        self.waits_for_drain = False        # changes inside the source's gate

    def start(self) -> None:
        source, destination = self.source, self.destination
        source.on("data", self.on_data)
        source.once("end", self.on_end)
        if self.emits:
            self.tell("pipe")       # first this: what has ended already says so to the listeners below
            destination.on("drain", self.on_drain)
            destination.once("close", self.stop)
            destination.once("finish", self.stop)
            destination.prepend_listener("error", self.on_error)
        if self not in (source._pipes or ()):
            self.detach()           # unpiped in the meantime
        elif getattr(destination, "writable_need_drain", False) is True:
            self.wait_for_drain()
        else:
            source.resume()

    def tell(self, event: str) -> None:
        if isinstance(self.destination, Duplex):
            self.destination._tell(event, self.source)
        else:
            self.destination.emit(event, self.source)

    def on_data(self, chunk: Any) -> None:
        destination = self.destination
        taken = destination.write(chunk)
        if taken is False and self.emits:
            self.wait_for_drain()
        elif isinstance(destination, io.RawIOBase):
            while taken is not None and taken < len(chunk):     # a raw file may take less than it was given
                chunk = chunk[taken:]
                taken = destination.write(chunk)

    def wait_for_drain(self) -> None:
        self.source.pause()         # first this: a 'drain' that comes now finds something to resume
        self.source._enter(self.source._pipe_waits, self)
        if getattr(self.destination, "writable_need_drain", True) is False:
            self.on_drain()         # it drained before the pause

    def on_drain(self, *_: Any) -> None:
        if self.source._enter(self.source._pipe_drained, self):
            self.source.resume()

    def on_end(self) -> None:
        if not self.end or not self.emits:
            self.stop()         # else when the destination has finished
        if self.end:
            end = getattr(self.destination, "end", None) or getattr(self.destination, "close", None)
            if end is not None:
                end()

    def on_error(self, problem: Any) -> None:
        self.stop()
        if isinstance(self.destination, StatefulEmitter) and not self.destination.listener_count("error"):
            self.destination._error_unheard(problem)        # this listener was none that cares

    def stop(self, *_: Any) -> None:
        """Undo `start`. The source pauses if this was its last pipe, and goes on if it waited for this one only."""
        source = self.source
        left = source._enter(source._drop_pipe, self)
        if left is None:
            return
        if left == "pause":
            source.pause()          # first this: what comes in between would reach nobody
        self.detach()
        if self.emits:
            self.tell("unpipe")
        if left == "resume":
            source.resume()

    def detach(self) -> None:
        """Take off what `start` added."""
        source, destination = self.source, self.destination
        source.off("data", self.on_data)
        source.off("end", self.on_end)
        if self.emits:
            destination.off("drain", self.on_drain)
            destination.off("close", self.stop)
            destination.off("finish", self.stop)
            destination.off("error", self.on_error)
