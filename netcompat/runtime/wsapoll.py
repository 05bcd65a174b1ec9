"""A selector for Windows that takes any number of sockets, through `WSAPoll`; `select` takes 512 there.

Which threads run it: the reactor's alone.
"""
from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this module is for Windows")

import ctypes
import math
import select
import selectors
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

__all__ = ["WsapollSelector"]

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_IN, _OUT, _INVALID = 0x0300, 0x0010, 0x0004        # POLLIN, POLLOUT, POLLNVAL
_ENTRY = 16                         # bytes of a WSAPOLLFD: SOCKET fd (8), SHORT events, SHORT revents, padding
_SHORTS = _ENTRY // 2
_EVENTS, _REVENTS = 4, 5            # where they stand, counted in shorts
_NOT_A_SOCKET = 10038               # WSAENOTSOCK
# Before this build of Windows 10, WSAPoll does not tell that a connect was refused; `select` does.
_TELLS_REFUSALS = sys.getwindowsversion().build >= 19041
_LOOK = 50                          # milliseconds between two looks at sockets that connect, on such a system
_SELECTABLE = 500                   # sockets that `select` takes, with some to spare

_poll = ctypes.WinDLL("ws2_32", use_last_error=True).WSAPoll
_poll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int)
_poll.restype = ctypes.c_int

Ready = List[Tuple[selectors.SelectorKey, int]]


class WsapollSelector(selectors.BaseSelector):
    """Level-triggered, as all selectors are. Sockets are given as objects with `fileno()` or as numbers."""

    def __init__(self) -> None:
        self._keys: Dict[int, selectors.SelectorKey] = {}       # by the socket's number
        self._places: Dict[int, int] = {}                       # of the socket in the array, by its number
        self._numbers: List[int] = []                           # the other way round
        self._writers: Set[int] = set()                         # who is watched for writing
        self._array = bytearray()
        self._room = 0
        self._make_room(64)

    def _make_room(self, room: int) -> None:
        """The array that the system reads and writes, and the same memory as its numbers."""
        self._array = bytearray(self._array) + bytes((room - self._room) * _ENTRY)
        self._room = room
        self._memory = (ctypes.c_char * len(self._array)).from_buffer(self._array)
        self._shorts = memoryview(self._array).cast("H")
        self._sockets = memoryview(self._array).cast("Q")

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a socket. Raises `KeyError` if it is watched already, `ValueError` for events that are none."""
        if not events or events & ~(READ | WRITE):
            raise ValueError(f"Invalid events: {events!r}")
        number = _number(fileobj)
        if number in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        place = self._places[number] = len(self._numbers)
        if place == self._room:
            self._make_room(2 * self._room)
        self._numbers.append(number)
        self._set(place, number, events)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no more. Raises `KeyError` if it is not watched."""
        number = _number(fileobj)
        key = self._keys.pop(number)
        place = self._places.pop(number)
        self._writers.discard(number)
        last = self._numbers.pop()
        if last != number:              # the last one moves into the gap
            self._numbers[place] = last
            self._places[last] = place
            self._set(place, last, self._keys[last].events)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for other events. Raises `KeyError` if it is not watched."""
        number = _number(fileobj)
        key = self._keys[number] = self._keys[number]._replace(events=events, data=data)
        self._set(self._places[number], number, events)
        return key

    def _set(self, place: int, number: int, events: int) -> None:
        self._sockets[place * _ENTRY // 8] = number
        self._shorts[place * _SHORTS + _EVENTS] = (_IN if events & READ else 0) | (_OUT if events & WRITE else 0)
        if events & WRITE:
            self._writers.add(number)
        else:
            self._writers.discard(number)

    def select(self, timeout: Optional[float] = None) -> Ready:
        """What is ready, each with its mask; waits up to `timeout` seconds for one, `None`: for ever.

        Raises `OSError` when a socket was closed under it.
        """
        if timeout is None:
            milliseconds = -1
        else:
            milliseconds = min(math.ceil(max(timeout, 0.0) * 1000), 0x7fffffff)
        if _TELLS_REFUSALS or not self._writers:
            return self._select_once(milliseconds)
        while True:
            wait = _LOOK if milliseconds < 0 else min(_LOOK, milliseconds)
            ready = self._select_once(wait) or self._refused()
            if ready or wait == milliseconds:
                return ready
            if milliseconds > 0:
                milliseconds -= wait

    def _select_once(self, milliseconds: int) -> Ready:
        count = len(self._numbers)
        if _poll(self._memory, count, milliseconds) < 0:
            raise _error(ctypes.get_last_error())
        ready = []
        for place, seen in enumerate(self._shorts[_REVENTS:count * _SHORTS:_SHORTS].tolist()):
            if seen:
                if seen & _INVALID:
                    raise _error(_NOT_A_SOCKET)
                key = self._keys[self._numbers[place]]
                # An error or a hang-up is whatever was asked for: who watches finds out.
                mask = ((READ if seen & ~_OUT else 0) | (WRITE if seen & ~_IN else 0)) & key.events
                if mask:
                    ready.append((key, mask))
        return ready

    def _refused(self) -> Ready:
        writers = list(self._writers)
        failed: List[int] = []
        for start in range(0, len(writers), _SELECTABLE):
            failed += select.select([], [], writers[start:start + _SELECTABLE], 0)[2]
        return [(self._keys[number], WRITE) for number in failed]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """What is watched, by the socket's number."""
        return self._keys

    def close(self) -> None:
        """Forget everything."""
        self._keys.clear()
        self._places.clear()
        self._numbers.clear()
        self._writers.clear()


def _number(fileobj: Any) -> int:
    number: int = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    if number < 0:
        raise ValueError(f"Invalid file descriptor: {number}")
    return number


def _error(number: int) -> OSError:
    return OSError(None, ctypes.FormatError(number), None, number)
