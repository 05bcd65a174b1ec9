"""The completion port: where Windows tells that an overlapped operation is done. One port, one thread, for all pipes.

The thread turns completions into signals and does nothing else: it calls what was left with the operation, which notes
what happened and wakes the reactor.

Which threads run it: `join`, `acquire` and `release` the reactor's; `start` whoever is inside the gate of the socket
concerned; `_run` the thread of the port. A port ends when its last user does, and has been told of every operation by
then: the memory of one that still runs belongs to the system. The next user begins another port, with another thread.

Locks: none. `_running` changes in single atomic operations.
"""
from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this module is for Windows")

import _overlapped      # type: ignore[import-not-found]
import _winapi
import errno
import os
import threading
from typing import Any, Callable, Dict, Optional, Tuple

from .reactor import reactor
from .report import report

__all__ = ["CompletionPort", "acquire"]

_FOR_EVER = 0xffffffff
_NOBODY = 1             # the "address" of what is posted to end the thread: no operation has it


class CompletionPort:
    """See the module. Made by `acquire`."""

    def __init__(self) -> None:
        self._handle: int = _overlapped.CreateIoCompletionPort(_overlapped.INVALID_HANDLE_VALUE, 0, 0, 1)
        self._users = 0
        # By the address of its OVERLAPPED: the operation, kept alive as long as the system writes there, and whom to
        # tell.
        self._running: Dict[int, Tuple[Any, Callable[[], None]]] = {}
        self._thread = threading.Thread(target=self._run, name="netcompat-pipes", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:            # no further thread can be had
            _winapi.CloseHandle(self._handle)
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        reactor.helpers.add(self._thread)

    def join(self, handle: int) -> None:
        """Have the operations on `handle` end here. Once for each handle."""
        _overlapped.CreateIoCompletionPort(handle, self._handle, 0, 0)

    def start(self, told: Callable[[], None], begin: Callable[[Any], Any], made: Callable[[Any], None]) -> Any:
        """Begin an operation: `begin(overlapped)`. `told()` is called on the port's thread once it is done.

        `made(overlapped)` comes first, so that who is told finds the operation. Returns what `begin` does; what that
        raises means that nothing was begun.
        """
        overlapped = _overlapped.Overlapped(0)
        self._running[overlapped.address] = overlapped, told
        try:
            made(overlapped)
            return begin(overlapped)
        except OSError:
            self.forget(overlapped)
            raise

    def forget(self, overlapped: Any) -> None:
        """Nothing will be told of this operation: the system said so at once."""
        self._running.pop(overlapped.address, None)

    def acquire(self) -> "CompletionPort":
        self._users += 1
        return self

    def release(self) -> None:
        """A user less; the last one ends the port."""
        global _port
        self._users -= 1
        if not self._users:
            if _port is self:
                _port = None
            _overlapped.PostQueuedCompletionStatus(self._handle, 0, 0, _NOBODY)

    def _run(self) -> None:
        over = False            # what `release` posts was seen: nobody has the handle any more
        while not over or self._running:
            status = _overlapped.GetQueuedCompletionStatus(self._handle, _FOR_EVER)
            over = over or (status is not None and status[3] == _NOBODY)
            told = self._running.pop(status[3], None) if status is not None else None
            if told is not None:
                try:
                    told[1]()
                except Exception as problem:        # a defect of netcompat's own; the others go on
                    report(problem)
            del told                                # keep nothing alive while asleep
        _winapi.CloseHandle(self._handle)
        reactor.helpers.discard(self._thread)


_port: Optional[CompletionPort] = None


def acquire() -> CompletionPort:
    """The port, for a further user, who will `release` it. Raises `OSError`. On the reactor thread."""
    global _port
    if _port is None:
        _port = CompletionPort()
    return _port.acquire()
