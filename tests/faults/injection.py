"""Faults beneath the transport adapter: a stdlib socket some of whose calls fail or do less than they could."""
import errno
import itertools
import os
import random
import socket
from collections import Counter
from typing import Any, Callable

import netcompat

# Is given the real call and its argument, and does what it likes.
Fault = Callable[[Callable[..., Any], Any], Any]


class Faulty:
    """Stands in a transport or listener for its `socket`. `calls` counts what was asked of it."""

    def __init__(self, real: socket.socket, **faults: Fault) -> None:
        self.real, self.faults, self.calls = real, faults, Counter()

    def __getattr__(self, name: str) -> Any:
        real, fault = getattr(self.real, name), self.faults.get(name)
        if fault is None:
            return real

        def call(*args: Any) -> Any:
            self.calls[name] += 1
            return fault(real, *args)
        return call


def inject(handle: Any, **faults: Fault) -> Faulty:
    """Puts faults under a connected `Socket` or a listening `Server`."""
    owner = handle._transport if isinstance(handle, netcompat.Socket) else handle._listener
    faulty = owner.socket = Faulty(owner.socket, **faults)
    if isinstance(handle, netcompat.Socket):
        owner.recv, owner.send = faulty.recv, faulty.send       # a transport keeps them at hand
    return faulty


# ---- faults ----

def short(limit: int = 3, seed: int = 1) -> Fault:
    """Sends, or receives, no more than a few bytes at a time."""
    rng = random.Random(seed)

    def fault(real: Callable[..., Any], argument: Any) -> Any:
        size = rng.randint(1, limit)
        if isinstance(argument, int):                   # recv
            return real(size)
        if isinstance(argument, list):                  # sendmsg
            argument = b"".join(argument)
            return real([argument[:size]])
        return real(memoryview(argument)[:size])
    return fault


def raising(number: int, when: Callable[[int], bool]) -> Fault:
    """Fails with `errno` number at the calls (counted from 0) that `when` says."""
    count = itertools.count()

    def fault(real: Callable[..., Any], *arguments: Any) -> Any:
        if when(next(count)):
            raise OSError(number, os.strerror(number))
        return real(*arguments)
    return fault


def all_sends(fault_of: Callable[[], Fault]) -> Any:
    """The fault for both ways to send."""
    return {"send": fault_of(), "sendmsg": fault_of()}


def name_of(number: int) -> str:
    """What POSIX, and so netcompat, calls an error: to Python, Windows' own numbers of sockets begin with WSA."""
    name = errno.errorcode[number]
    return name[3:] if name.startswith("WSA") else name


INTERRUPTED, AGAIN = errno.EINTR, errno.EAGAIN
