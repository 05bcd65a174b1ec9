"""A worker's side: the life of its process, and the listeners that it has from the primary.

`run` is what the process runs. It opens the channel, sets the hook through which `listen` asks the primary, runs the
target, and ends the process when the target has returned and nothing is open any more, or when it is told to.

Which threads run it: `run` the main thread; `obtain` any thread, inside the gate of a server; everything else the
reactor. Locks: none.
"""
from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import signal as signals
import socket
import sys
import threading
from collections import deque
from functools import partial
from typing import Any, Callable, Deque, Dict, Optional, Set, Tuple

from .. import server as servers
from ..emitter import Entry
from ..runtime import lifetime
from ..runtime.reactor import READ, reactor
from ..runtime.report import log
from ..runtime.waiter import Waiter
from ..server import Server
from ..transports.base import Listener
from ..transports.tcp import TcpListener, TcpTransport, address_info
from ..transports.unix import OwnPath, UnixListener, UnixTransport
from .channel import Channel
from .member import Worker, check_kill_signal

__all__ = ["Own", "current", "run"]

LAST_WORDS = 1.0        # seconds that what was sent may take to leave before the process ends
STARVED_PAUSE = 0.1     # seconds without connections after a descriptor could not be received

_UNIX = getattr(socket, "AF_UNIX", None)

current: "Optional[Own]" = None         # this process, if it is a worker

Done = Callable[[Optional[Listener], Optional[OSError]], None]


# ---- the process ----

def run(sock: socket.socket, number: int, grace: float, target: Callable[..., Any], args: Tuple[Any, ...]) -> None:
    """The main thread of a worker process."""
    global current
    threading.current_thread().name = "MainThread"      # with 'fork' it was a thread of the primary's
    os.set_inheritable(sock.fileno(), False)
    signals.signal(signals.SIGINT, signals.SIG_IGN)     # Ctrl-C reaches the primary too, which decides
    if sys.platform != "win32":
        signals.pthread_sigmask(signals.SIG_UNBLOCK, [signals.SIGINT])
    own = current = Own(sock, number, grace)
    servers.obtain_listener = own.obtain
    own.open()
    try:
        target(*args)
        lifetime.wait_until_unneeded()
        lifetime.settle()
    finally:
        own.say_goodbye()
        # What is open now, after an exception or because it is unref'd, is no reason to stay.
        try:
            lifetime.shutdown(LAST_WORDS)
        except TimeoutError:
            pass            # a listener that is stuck; its thread is a daemon


class Own(Worker, lifetime.Handle):
    """This process, as a worker of a cluster."""

    __slots__ = ("_grace", "_requests", "_request", "_used", "_listeners_by_number", "_leaving", "_ending",
                 "_servers_left", "_own_paths", "_last_words", "_kept")

    def __init__(self, sock: socket.socket, number: int, grace: float) -> None:
        super().__init__(number, multiprocessing.current_process())
        self._grace = grace
        self._channel = Channel(sock, self._on_frame, self._on_end)
        self._requests: Dict[int, Tuple[Tuple[Any, ...], Done]] = {}        # questions to the primary: (key, done)
        self._request = 0
        self._used: Dict[Tuple[Any, ...], Set[int]] = {}    # which of equal addresses this process listens on
        self._listeners_by_number: Dict[int, Listener] = {}
        self._own_paths: Dict[int, OwnPath] = {}            # paths of the primary's, should it die
        self._leaving = False           # nothing is to listen any more
        self._ending = False            # and the process is to end
        self._last_words: Optional[Waiter] = None           # the main thread, which waits until all is sent
        self._servers_left: Set[Server] = set()             # that have to close before the channel does
        self._kept: Deque[bytes] = deque()      # messages that nobody has listened to yet; guarded by the gate

    def open(self) -> None:
        lifetime.opened(self, False)
        self._connected = True
        assert self._channel is not None
        self._channel.start()
        self._channel.send(("online",))

    def disconnect(self) -> "Own":
        """End gracefully: the servers accept no more, connections have `grace` seconds to finish, then 'disconnect'.

        Returns at once. The process ends when the target has returned; it is replaced. Node: `worker.disconnect`.
        """
        reactor.call_soon(self._leave, self._grace, False)
        return self

    def kill(self, signal: int = signals.SIGTERM) -> None:
        """Send this process a signal. Node: `worker.kill`."""
        os.kill(os.getpid(), check_kill_signal(signal))

    def say_goodbye(self) -> None:
        """On the main thread, which ends: see that what was sent leaves."""
        waiter = self._last_words = Waiter()        # first this, then the look: `_on_end` does the reverse
        if self._connected:
            assert self._channel is not None
            self._channel.send(("ending",), sent=waiter.set)
            waiter.wait(LAST_WORDS)

    # ---- frames ----

    def _on_frame(self, frame: Tuple[Any, ...], descriptor: Optional[int]) -> None:
        kind = frame[0]
        if kind == "connection":
            assert descriptor is not None
            self._arrived(frame[1], frame[2], frame[3], descriptor)
        elif kind == "message":
            self._enter(self._keep_message, frame[1])
        elif kind == "listened":
            self._listened(frame, descriptor)
        elif kind == "unlistened":
            key, done = self._requests.pop(frame[1])
            self._release(key)
            done(None, OSError(frame[2], frame[3]))
        elif kind == "count":
            count = sum(len(handle._sockets) for handle in lifetime.handles() if isinstance(handle, Server))
            self._say("counted", frame[1], count)
        elif kind == "disconnect":
            self._leave(frame[1], True)

    def _say(self, *frame: Any) -> None:
        assert self._channel is not None
        self._channel.send(frame)

    def _on_end(self) -> None:
        """The channel is closed: by us, or the primary is gone."""
        self._connected = False
        if self._last_words is not None:
            self._last_words.set()
        requests, self._requests = self._requests, {}
        for key, done in requests.values():
            self._release(key)
            self._answer_late(key, done)
        if not self._leaving:
            log.warning("worker %d: the primary is gone", self._id)
            for own in self._own_paths.values():
                own.unlink()        # the primary cannot any more
            self._leave(self._grace, True)
        self._tell("disconnect")
        lifetime.closed(self)

    # ---- messages: they wait until somebody listens, since the primary cannot know when the target has begun to ----

    def _keep_message(self, data: bytes) -> None:
        self._kept.append(data)
        self._post(self._deliver_messages)

    def _inserted(self, event: str, entry: Entry) -> None:
        super()._inserted(event, entry)
        if event == "message" and self._kept:
            self._post(self._deliver_messages)

    def _begin_wait(self, event: str, waiter: Waiter) -> None:
        super()._begin_wait(event, waiter)
        if event == "message" and self._kept:
            self._post(self._deliver_messages)

    def _next_message(self) -> Optional[bytes]:
        """Inside the gate."""
        heard = "message" in self._listeners or any(
            event == "message" and not waiter.is_set for event, waiter in self._waiters or ())
        return self._kept.popleft() if heard and self._kept else None

    def _deliver_messages(self) -> None:
        """On the strand. Unpickling runs code of the user's, so it is here."""
        while True:
            data = self._enter(self._next_message)
            if data is None:
                return
            try:
                message = pickle.loads(data)
            except Exception as problem:
                self._raised("message", problem)
                continue
            self._deliver("message", message)

    # ---- listening ----

    def obtain(self, plan: Any, host: Optional[str], done: Done) -> None:
        """The hook of `listen`."""
        reactor.call_soon(self._ask, plan, host, done)

    def _ask(self, plan: Any, host: Optional[str], done: Done) -> None:
        kind = (host, plan.port, plan.path, plan.fd) if plan.path is None else (None, 0, plan.path, None)
        if not self._connected or self._leaving:
            self._answer_late(kind, done)
            return
        used = self._used.setdefault(kind, set())
        index = next(number for number in range(len(used) + 1) if number not in used)
        used.add(index)
        self._request += 1
        key = (*kind, index)
        self._requests[self._request] = key, done
        plan = plan._replace(signal=None, callback=None)        # the rest are plain values
        self._say("listen", self._request, key, plan, host)

    def _answer_late(self, key: Tuple[Any, ...], done: Done) -> None:
        """No place can be had any more. Who was told to end just before it could listen has made no mistake: its server
        listens and closes."""
        if not self._ending:
            done(None, OSError(errno.ECONNABORTED, "the channel to the primary is closed"))
            return
        host, port, path = key[:3]
        if sys.platform == "win32":
            raise NotImplementedError
        address = path if path is not None else address_info((host or "::", port))
        done(Handed(self, 0, key, address, int(socket.AF_INET) if path is None else int(socket.AF_UNIX)), None)
        reactor.call_soon(self._close_servers)

    def _release(self, key: Tuple[Any, ...]) -> None:
        used = self._used.get(key[:-1], set())
        used.discard(key[-1])
        if not used:
            self._used.pop(key[:-1], None)

    def _listened(self, frame: Tuple[Any, ...], descriptor: Optional[int]) -> None:
        request, number, address, family, identity = frame[1:]
        key, done = self._requests.pop(request)
        if identity is not None:
            self._own_paths[number] = OwnPath.known(identity)
        listener: Any
        if descriptor is None:
            listener = Handed(self, number, key, address, family)
        else:
            if descriptor < 0:
                self._forget(number, key)
                done(None, OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
                return
            sock = socket.socket(fileno=descriptor)
            listener = SharedUnix(sock, address, None, True) if family == _UNIX else SharedTcp(sock, True)
            listener.owner = self, number, key
        self._listeners_by_number[number] = listener
        done(listener, None)
        reactor.call_soon(self._say_ready, number)      # after the server's own beginning, which `done` asked for

    def _say_ready(self, number: int) -> None:
        if number in self._listeners_by_number and self._connected:
            self._say("ready", number)

    def _forget(self, number: int, key: Tuple[Any, ...]) -> None:
        """A listener is closed."""
        self._listeners_by_number.pop(number, None)
        self._own_paths.pop(number, None)
        self._release(key)
        if self._connected and number:
            self._say("close", number)

    # ---- connections that the primary hands over ----

    def _arrived(self, number: int, connection: int, peer: Any, descriptor: int) -> None:
        """Take a connection, or say that it is for another."""
        listener = self._listeners_by_number.get(number)
        if descriptor >= 0 and isinstance(listener, Handed) and listener.has_room:
            # Only when that is on its way may the first byte be read: till then the primary may give it to another.
            assert self._channel is not None
            self._channel.send(("taken", number, connection), sent=partial(listener.take, descriptor, peer))
            return
        self._say("refused", number, connection)
        if descriptor >= 0:
            os.close(descriptor)
        if isinstance(listener, Handed):
            listener.refused = True
            if listener.has_room:           # for want of a descriptor
                reactor.call_later(STARVED_PAUSE, listener.tell_room)

    # ---- the end ----

    def _leave(self, grace: float, end: bool) -> None:
        """Accept no more; when the connections have finished, or `grace` seconds have passed, close the channel.

        `end`: the process is to end then, whether the target has returned or not.
        """
        if not self._leaving and self._connected:
            self._say("leaving")        # first this: the addresses are to be kept for who comes next
        self._leaving = True
        self._ending = self._ending or end
        self._close_servers()
        reactor.call_later(grace, self._be_hard)
        if end:
            lifetime.call_later(grace + LAST_WORDS, _end_now)       # a reactor's timer would end with the last handle
        if not self._servers_left:
            self._close_channel()

    def _close_servers(self) -> None:
        for server in lifetime.handles():
            if isinstance(server, Server) and server not in self._servers_left:
                self._servers_left.add(server)
                server.once("close", partial(self._server_closed, server))
                server.close()

    def _server_closed(self, server: Server) -> None:
        """On the server's strand."""
        reactor.call_soon(self._server_gone, server)

    def _server_gone(self, server: Server) -> None:
        self._servers_left.discard(server)
        if not self._servers_left:
            self._close_channel()

    def _be_hard(self) -> None:
        """The time of grace is over."""
        for server in self._servers_left:
            server.close_all_connections()

    def _close_channel(self) -> None:
        if self._connected:
            assert self._channel is not None
            self._channel.close()

    # ---- what lifetime.py needs ----

    _handle_kind = "worker"

    def _queued_items(self) -> int:
        return self._strand.waiting() if self._strand is not None else 0

    def _destroy_handle(self) -> None:
        self._leaving = True
        reactor.call_soon(self._close_channel)

    def _abandon(self) -> None:
        """In a process that the worker forked: it is no worker."""
        global current
        self._make_gate()
        self._make_strand(None)
        self._waiters = None
        self._connected = False
        if self._channel is not None:
            self._channel.abandon()
        servers.obtain_listener = None
        current = None


def _end_now() -> None:
    """The target has not returned in time. Another thread writes what is buffered: it may be stuck in that."""
    flusher = threading.Thread(target=_flush_streams, name="netcompat-flush", daemon=True)
    flusher.start()
    flusher.join(LAST_WORDS)
    os._exit(0)


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass            # there is none, or it is closed


# ---- listeners ----

class Handed(Listener):
    """A place where the primary accepts, and hands connections over. Interest: the server takes them."""

    __slots__ = ("kind", "refused", "_own", "_number", "_key", "_address", "_family", "_taker", "_arrived", "_closed")

    passes_on = True

    def __init__(self, own: Own, number: int, key: Tuple[Any, ...], address: Any, family: int) -> None:
        self.kind = "pipe" if family == _UNIX else "tcp"
        self.refused = False            # the primary gives nothing more before it hears that there is room
        self._own, self._number, self._key = own, number, key
        self._address, self._family = address, family
        self._taker: Any = None         # the server, while it takes connections
        self._arrived: Deque[Tuple[int, Any]] = deque()     # taken, for the server to accept: (descriptor, peer)
        self._closed = False

    @property
    def has_room(self) -> bool:
        return self._taker is not None

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        self._taker = owner if interest & READ else None
        if self._taker is not None:
            self.tell_room()
            if self._arrived:
                reactor.call_soon(owner._on_ready, READ)

    def tell_room(self) -> None:
        if self.refused and self.has_room:
            self.refused = False
            self._own._say("room", self._number)

    def take(self, descriptor: int, peer: Any) -> None:
        if self._closed:
            os.close(descriptor)
            return
        self._arrived.append((descriptor, peer))
        if self._taker is not None:
            self._taker._on_ready(READ)

    def accept(self) -> Optional[Tuple[Any, Any]]:
        if not self._arrived:
            return None
        descriptor, peer = self._arrived.popleft()
        sock = socket.socket(self._family, socket.SOCK_STREAM, 0, fileno=descriptor)
        return (UnixTransport if self._family == _UNIX else TcpTransport)(sock), peer

    def leave(self) -> None:
        """The address is the primary's; it is free when the last worker has closed it."""

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._drop_arrived()
            self._own._forget(self._number, self._key)

    def forget(self) -> None:
        pass

    def abandon(self) -> None:
        self._closed = True
        self._drop_arrived()

    def _drop_arrived(self) -> None:
        while self._arrived:
            os.close(self._arrived.popleft()[0])

    def address(self) -> Any:
        return self._address


class _SharedMixin:
    """A descriptor of the primary's listening socket."""

    __slots__ = ()

    passes_on = True
    owner: Tuple[Own, int, Tuple[Any, ...]]

    def close(self) -> None:
        own, number, key = self.owner
        super().close()             # type: ignore[misc]
        own._forget(number, key)


class SharedTcp(_SharedMixin, TcpListener):
    """One over TCP."""

    __slots__ = ("owner",)


class SharedUnix(_SharedMixin, UnixListener):
    """One on a path."""

    __slots__ = ("owner",)
