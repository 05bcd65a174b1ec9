"""`Worker`: one process of a cluster, as the primary sees it and as it sees itself. What both have in common.

Which threads run it: methods every thread; names that begin with `_on_` the reactor; listeners its own strand.

Locks: the gate of the emitter, for its listeners. Everything else changes in single steps.
"""
from __future__ import annotations

import pickle
import signal as signals
from multiprocessing.reduction import ForkingPickler
from typing import Any, Optional, Tuple

from ..arguments import check_int
from ..emitter import StatefulEmitter
from ..errors import error, invalid_type, invalid_value
from .channel import Channel

__all__ = ["Worker"]


class Worker(StatefulEmitter):
    """A process of a cluster. Node: `cluster.Worker`.

    Events, in the primary: 'online', 'listening'(address), 'message'(message), 'disconnect', 'exit'(code, signal); in
    the process itself: 'message'(message), 'disconnect'. Those that tell of a state ('online', 'disconnect', 'exit')
    reach late listeners too.
    """

    __slots__ = ("_id", "_process", "_channel", "_connected")

    def __init__(self, number: int, process: Any) -> None:
        super().__init__()
        self._make_strand(None)
        self._id = number
        self._process = process
        self._channel: Optional[Channel] = None
        self._connected = False

    @property
    def id(self) -> int:
        """Its number: the first worker of a cluster is 1, and none is used twice. Node: `worker.id`."""
        return self._id

    @property
    def process(self) -> Any:
        """Its `multiprocessing.Process`. Node: `worker.process`."""
        return self._process

    @property
    def pid(self) -> Optional[int]:
        """The number of its process; `None` before it was started. Node: `worker.process.pid`."""
        return None if self._process is None else self._process.pid

    @property
    def connected(self) -> bool:
        """Is the channel between primary and worker open? Node: `worker.isConnected()`."""
        return self._connected

    def send(self, message: Any) -> bool:
        """Send `message`, anything that can be pickled, to the other side, where it is a 'message'. Never blocks.

        `False`: much is queued in memory already. Raises `ERR_INVALID_ARG_VALUE` for what cannot be pickled, and
        `ERR_SOCKET_CLOSED` when the channel is closed. Node: `worker.send`.
        """
        channel = self._channel
        if channel is None or not self._connected:
            raise error("ERR_SOCKET_CLOSED")
        try:
            data = bytes(ForkingPickler.dumps(message, pickle.HIGHEST_PROTOCOL))
        except Exception as problem:        # pickle.PicklingError, TypeError, AttributeError, what a __reduce__ raises
            raise invalid_value("message", f"must be something that can be pickled ({problem})", message) from problem
        try:
            return channel.send(("message", data))
        except OverflowError as problem:
            raise invalid_value("message", f"is too long ({problem})", type(message)) from None

    def _tell(self, event: str, *args: Any) -> None:
        """Have an event delivered that tells of a state."""
        self._enter(self._post, self._deliver_state, event, *args)

    def __repr__(self) -> str:
        return f"<Worker {self._id}, pid {self.pid}{'' if self._connected else ', not connected'}>"


def check_kill_signal(number: Any) -> int:
    if isinstance(number, signals.Signals):
        return int(number)
    return check_int("signal", number, 1, signals.NSIG - 1)


def check_target(target: Any, args: Any) -> Tuple[Any, ...]:
    if not callable(target):
        raise invalid_type("target", "a callable", target)
    if not isinstance(args, (tuple, list)):
        raise invalid_type("args", "a tuple or a list", args)
    return tuple(args)
