"""Places: the addresses on which a cluster listens. The primary owns them, workers use them.

`RoundRobin` accepts in the primary and hands each connection to the next worker that has room. A connection stays the
primary's until the worker says that it has taken it, which the worker does before it reads the first byte; so one that
a worker refuses, or that was on its way to a worker that died, goes to another, and none is served twice.

`Shared` gives each worker a descriptor of the listening socket; the kernel decides who gets a connection.

Which threads run it: the reactor of the primary alone. Locks: none are needed.
"""
from __future__ import annotations

import socket
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Set, Tuple

from ..runtime.reactor import READ, Channel, reactor
from ..runtime.report import log
from ..transports.base import SocketListener
from .member import Worker

__all__ = ["Place", "RoundRobin", "Shared"]

ACCEPTS = 64            # connections given away in one go, before others get their turn
STARVED_PAUSE = 0.1     # seconds until accepting is tried again after the descriptors ran out
# Connections that may be on their way to one worker, not yet taken. More would wait behind a worker that is stuck;
# fewer would leave a quick worker idle while its answer travels.
WINDOW = 8

Key = Tuple[Any, ...]


class Place:
    """One address, and the workers that listen there."""

    def __init__(self, number: int, key: Key, listener: SocketListener) -> None:
        self.number = number        # its name on the channels
        self.key = key              # what was asked for: host, port, path, descriptor, and which of equal ones
        self.listener = listener
        self.address = listener.address()
        self.users: Deque[Worker] = deque()     # whose turn it is stands first
        self.ready: Set[Worker] = set()         # those of them that have begun to accept

    def attachment(self) -> Optional[socket.socket]:
        """What a worker gets with the answer to its `listen`."""
        return None

    def join(self, worker: Worker) -> None:
        """It is being told that it listens here."""
        self.users.append(worker)

    def room(self, worker: Worker) -> None:
        """It takes connections, for the first time or again."""

    def leave(self, worker: Worker) -> None:
        """It closed its server."""
        self.ready.discard(worker)
        if worker in self.users:
            self.users.remove(worker)

    def lose(self, worker: Worker) -> None:
        """Its channel is closed: it will take no more."""
        self.leave(worker)

    def close(self) -> None:
        self.listener.leave()
        self.listener.close()

    def abandon(self) -> None:
        self.listener.abandon()


class Shared(Place):
    """The workers accept from one listening socket."""

    def attachment(self) -> Optional[socket.socket]:
        return self.listener.socket


class RoundRobin(Place, Channel):
    """The primary accepts, and gives connections away in turn."""

    def __init__(self, number: int, key: Key, listener: SocketListener) -> None:
        super().__init__(number, key, listener)
        self._full: Set[Worker] = set()         # who is not ready yet, or refused, until they say that they have room
        self._waiting: Deque[Tuple[socket.socket, Any]] = deque()      # accepted or returned, for whoever has room
        self._sent: Dict[Worker, Dict[int, Tuple[socket.socket, Any]]] = {}    # on their way, by worker and number
        self._count = 0
        self._watched = False
        self._starved = False           # out of descriptors: no accept is tried for a moment
        self._closed = False

    # ---- workers ----

    def join(self, worker: Worker) -> None:
        super().join(worker)
        self._full.add(worker)

    def leave(self, worker: Worker) -> None:
        super().leave(worker)
        self._full.discard(worker)      # what is still on its way there will be refused, and comes back

    def lose(self, worker: Worker) -> None:
        super().lose(worker)
        lost = self._sent.pop(worker, {})
        for connection in reversed(list(lost.values())):
            self._take_back(connection)
        self.distribute()

    def room(self, worker: Worker) -> None:
        self._full.discard(worker)
        self.distribute()

    def taken(self, worker: Worker, number: int) -> None:
        """A connection is the worker's from now on."""
        connection = self._sent.get(worker, {}).pop(number, None)
        if connection is not None:
            connection[0].close()
            if not self._watched:
                self.distribute()

    def refused(self, worker: Worker, number: int) -> None:
        """A connection comes back: the worker is full, or has closed its server."""
        connection = self._sent.get(worker, {}).pop(number, None)
        if connection is not None:
            if worker in self.users:
                self._full.add(worker)
            self._take_back(connection)
            self.distribute()

    def _take_back(self, connection: Tuple[socket.socket, Any]) -> None:
        if self._closed:
            connection[0].close()
        else:
            self._waiting.appendleft(connection)

    def _next(self) -> Optional[Worker]:
        """Whose turn it is: of those that have room the one whose last connection is the longest ago."""
        for worker in self.users:
            if worker not in self._full and worker.connected and len(self._sent.get(worker, ())) < WINDOW:
                return worker
        return None

    # ---- connections ----

    def distribute(self) -> None:
        """Give connections away as long as there are some, and somebody has room."""
        if self._closed:
            return
        for _ in range(ACCEPTS):
            worker = self._next()
            if worker is None:
                self._watch(False)      # who comes now waits in the kernel
                return
            connection = self._waiting.popleft() if self._waiting else self._accept()
            if connection is None:
                self._watch(not self._starved)
                return
            self._hand(worker, connection)
        if not self._watched:
            reactor.call_soon(self.distribute)

    def _accept(self) -> Optional[Tuple[socket.socket, Any]]:
        if self._starved:
            return None
        try:
            return self.listener.accept_socket()
        except OSError as problem:
            log.warning("the cluster's primary cannot accept at %s: %s", self.address, problem)
            self._starved = True
            reactor.call_later(STARVED_PAUSE, self._try_again)
            return None

    def _try_again(self) -> None:
        self._starved = False
        self.distribute()

    def _hand(self, worker: Worker, connection: Tuple[socket.socket, Any]) -> None:
        self.users.remove(worker)
        self.users.append(worker)       # only now: that nobody waited to be accepted costs no worker its turn
        self._count += 1
        number = self._count
        self._sent.setdefault(worker, {})[number] = connection
        assert worker._channel is not None
        worker._channel.send(("connection", self.number, number, connection[1]), connection[0])

    def _watch(self, wanted: bool) -> None:
        if wanted == self._watched:
            return
        try:
            self.listener.set_interest(READ if wanted else 0, READ if self._watched else 0, self)
        except (OSError, ValueError, KeyError) as problem:      # select() is full, for example
            log.warning("the cluster's primary cannot watch %s: %s", self.address, problem)
            return
        self._watched = wanted

    def _on_ready(self, mask: int) -> None:
        self.distribute()

    def _on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector."""
        self._watched, self._closed = False, True
        self.listener.forget()
        log.warning("the cluster lost its listening socket at %s", self.address)

    # ---- the end ----

    def _held(self) -> List[Tuple[socket.socket, Any]]:
        return [*self._waiting, *(connection for sent in self._sent.values() for connection in sent.values())]

    def close(self) -> None:
        self._closed = True
        self._watch(False)
        for connection, _ in self._waiting:
            connection.close()          # nobody will take them
        self._waiting.clear()
        super().close()

    def abandon(self) -> None:
        super().abandon()
        for connection, _ in self._held():
            connection.close()
