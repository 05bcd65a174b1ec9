"""`Server`: accepts connections and introduces them to listeners, or hands them to code that blocks in `accept`.

Which threads run it: methods every thread; `on_ready` and what it calls the reactor; `_introduce` the strand of the new
socket, so connections are handled in parallel and no event of a socket overtakes its 'connection'. The server's other
events are delivered on its own strand.

Locks: the server's gate guards the listener and the sets of sockets. It is never held together with a socket's gate.
"""
from __future__ import annotations

import errno
import os
import socket as stdlib_socket
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import (TYPE_CHECKING, Any, Callable, Deque, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set,
                    Tuple, Union, cast)

from .addresses import AddressInfo, DropInfo, check_port, is_ip
from .arguments import (check_block_list, check_callback, check_dispatch, check_host, check_int, check_msecs,
                        check_path, check_signal, is_path, split_place, whole_seconds)
from .emitter import Entry, StatefulEmitter, _Once, check_timeout
from .errors import error, invalid_type, lookup_error, system_error
from .runtime import lifetime
from .runtime.reactor import READ, reactor
from .runtime.resolver import resolve
from .runtime.strand import Dispatch
from .runtime.waiter import Waiter
from .socket import Socket
from .transports.base import Listener
from .transports.bound import BoundSocket, bind_somewhere
from .transports.tcp import TcpListener, TcpTransport, address_info
from .transports.unix import UnixListener, bind_unix

if TYPE_CHECKING:
    from .events import ServerListening

__all__ = ["Server", "create_server"]

ACCEPTS = 64                # connections taken in one go, before others get their turn
STARVED_PAUSE = 0.1         # seconds until accepting is tried again after the descriptors ran out
_STARVED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Server(StatefulEmitter, lifetime.Handle):
    """Listens for TCP connections or on an IPC path. Node: `net.Server`.

    Keywords: `allow_half_open`, `high_water_mark` (bytes), `no_delay`, `keep_alive`, `keep_alive_initial_delay` (ms)
    and `dispatch`, all for the sockets it accepts; `pause_on_connect`; `block_list` (who is on it never gets in).

    Events: 'close', 'connection'(socket), 'error'(error), 'listening', 'drop'(`DropInfo`, `None` for IPC).
    """

    __slots__ = (
        "allow_half_open", "pause_on_connect", "max_connections", "drop_max_connection", "_high_water_mark",
        "_no_delay", "_keep_alive", "_keep_alive_delay", "_block_list", "_dispatch", "_listener", "_address",
        "_resolving", "_living",
        "_refed", "_sockets", "_parked", "_acceptors", "_interest", "_starved", "_backlog", "_life", "_watchers",
        "_signal", "_on_abort", "_failure",
    )

    if TYPE_CHECKING:       # the same methods, event by event
        on: ServerListening                         # type: ignore[assignment]
        once: ServerListening                       # type: ignore[assignment]
        add_listener: ServerListening               # type: ignore[assignment]
        prepend_listener: ServerListening           # type: ignore[assignment]
        prepend_once_listener: ServerListening      # type: ignore[assignment]

    def __init__(self, connection_listener: Optional[Callable[[Socket], Any]] = None, *, allow_half_open: bool = False,
                 high_water_mark: Optional[int] = None, keep_alive: bool = False, keep_alive_initial_delay: int = 0,
                 no_delay: bool = False, pause_on_connect: bool = False, block_list: Any = None,
                 dispatch: Optional[Dispatch] = None) -> None:
        check_callback(connection_listener, "connection_listener")
        check_dispatch(dispatch)
        if high_water_mark is not None:
            check_int("high_water_mark", high_water_mark, 0, sys.maxsize)
        check_msecs("keep_alive_initial_delay", keep_alive_initial_delay)
        super().__init__()
        self._make_strand(dispatch)
        assert self._strand is not None
        self._dispatch = self._strand.dispatch
        self.allow_half_open = bool(allow_half_open)
        self.pause_on_connect = bool(pause_on_connect)
        self.max_connections: Optional[int] = None      # `None`: no limit; 0 drops all. Node: maxConnections
        self.drop_max_connection = False                # for clusters. Node: dropMaxConnection
        self._high_water_mark = high_water_mark
        self._no_delay, self._keep_alive = bool(no_delay), bool(keep_alive)
        self._keep_alive_delay = keep_alive_initial_delay
        self._block_list = check_block_list(block_list)
        self._listener: Optional[Listener] = None       # while it listens
        self._address: Union[AddressInfo, str, None] = None
        self._resolving: Optional[object] = None        # while the name of its host is looked up
        self._living = False            # from listen until 'close' is delivered
        self._refed = True
        self._sockets: Set[Socket] = set()              # accepted, 'close' not yet delivered
        self._parked: Deque[Socket] = deque()           # accepted, and nobody has them yet
        self._acceptors: Deque[Waiter] = deque()        # threads that wait in `accept`
        self._interest = 0              # what the selector watches; changed by the reactor only
        self._starved = False           # out of descriptors: 'error' was emitted, accepting rests
        self._backlog = 511
        self._life = 0                  # counts lives: the same object can listen again
        self._watchers: List[Waiter] = []       # threads that wait for something to end
        self._signal: Any = None
        self._on_abort: Any = None
        self._failure: Optional[BaseException] = None   # what the last `listen` failed with
        if connection_listener is not None:
            self.on("connection", connection_listener)

    # ---- listening ----

    def listen(self, *args: Any, **options: Any) -> "Server":
        """Listen: `listen([port[, host[, backlog]]][, callback])`, `listen(path[, backlog][, callback])`,
        `listen(handle[, backlog][, callback])`, or keywords.

        Keywords: `port`, `host`, `path`, `backlog` (511), `exclusive`, `ipv6_only`, `reuse_port`, `readable_all`,
        `writable_all`, `fd`, `handle`, `signal`, `callback`. Neither port nor path: an unused port. Without a host it
        takes every address, `::` where IPv6 is there. `callback` becomes a one-time listener of 'listening'.

        Binds in the calling thread, so `address()` is set when it returns; the name of a host is looked up in the
        background. Returns `self`. What the system refuses reaches 'error'. Raises argument errors, and
        `ERR_SERVER_ALREADY_LISTEN`. Node: `server.listen`.
        """
        plan = _plan_listen(args, options)
        if self._enter(self._start_listening, plan) is False:
            raise error("ERR_SERVER_ALREADY_LISTEN")
        if plan.callback is not None:
            self.once("listening", plan.callback)
        if plan.signal is not None:
            self._follow(plan.signal)
        return self

    def _start_listening(self, plan: "_Plan") -> bool:
        if self._listener is not None or self._resolving is not None:
            return False
        if not self._living:
            self._begin_life()
            self._life += 1
        elif self._told is not None:
            self._told.pop("listening", None)
        self._failure = None
        self._backlog = max(plan.backlog, 1)
        if plan.host is not None and not is_ip(plan.host):
            token = self._resolving = object()
            self._live()
            host = plan.host
            resolve(lambda: _resolve(host), lambda answer, problem: self._resolved(plan, token, answer, problem))
            return True
        self._bind(plan, plan.host)
        return True

    def _resolved(self, plan: "_Plan", token: object, answer: Any, problem: Optional[BaseException]) -> None:
        """On the reactor thread: the host's name was looked up."""
        def go_on() -> None:
            if self._resolving is not token:
                return          # closed meanwhile
            self._resolving = None
            if problem is None:
                self._bind(plan, answer)
            else:
                name = plan.host or ""
                self._refuse(lookup_error(problem, name) if isinstance(problem, stdlib_socket.gaierror)
                             else lookup_error("ENOTFOUND", name))
        self._enter(go_on)

    def _bind(self, plan: "_Plan", host: Optional[str]) -> None:
        """Inside the gate: make the listener, or post the 'error'."""
        try:
            self._listener = _make_listener(plan, host)
        except OSError as problem:
            self._refuse(_listen_error(problem, plan, host))
            return
        self._address = self._listener.address()
        self._live()
        reactor.call_soon(self._enter, self._sync)
        life = self._life
        self._post(self._deliver_listening, life)

    def _deliver_listening(self, life: int) -> None:
        if self._listener is not None and life == self._life:
            self._deliver_state("listening")

    def _refuse(self, problem: BaseException) -> None:
        """`listen` failed: 'error', and the server is as it was before."""
        self._failure = problem
        self._changed()
        for acceptor in self._acceptors:
            acceptor.set(error=problem)
        self._acceptors.clear()
        self._post(self._deliver_error, problem)
        if self._living and not self._sockets and "close" not in (self._told or {}):
            self._post(self._life_over_unheard)

    def _life_over_unheard(self) -> None:
        """A server that never listened has no 'close' to deliver."""
        if self._listener is None and self._resolving is None and not self._sockets:
            self._living = False
            lifetime.closed(self)

    def _live(self) -> None:
        if not self._living:
            self._living = True
            lifetime.opened(self, self._refed)

    def _follow(self, signal: Any) -> None:
        """Be closed when `signal` aborts."""
        def on_abort(*_: Any) -> None:
            self.close()
        if signal.aborted:
            on_abort()
            return
        self._signal, self._on_abort = signal, on_abort
        signal.on("abort", on_abort)
        if signal.aborted:          # in this very moment
            on_abort()

    def address(self) -> Union[AddressInfo, str, None]:
        """`AddressInfo(address, family, port)`, or the path; `None` while it does not listen. Node: same name."""
        return self._address if self._listener is not None else None

    @property
    def listening(self) -> bool:
        """Node: `server.listening`."""
        return self._listener is not None

    # ---- the end ----

    def close(self, callback: Optional[Callable[..., Any]] = None) -> "Server":
        """Accept no more; 'close' comes when every connection has ended. The port or path is free when this returns.

        `callback(error_or_None)`: once closed, or `ERR_SERVER_NOT_RUNNING` if it was not open. Node: `server.close`.
        """
        check_callback(callback)
        waiter: Optional[Waiter] = self._enter(self._close, callback)
        if waiter is not None and threading.get_ident() != reactor.ident:
            waiter.wait()           # the reactor lets go of the descriptor at once
        return self

    def _close(self, callback: Optional[Callable[..., Any]]) -> Optional[Waiter]:
        running = self._listener is not None or self._resolving is not None
        if callback is not None:
            if running:
                self._listeners["close"] = (*self._listeners.get("close", ()), _Once(lambda: callback(None)))
            else:
                self._post(self._call_back, callback, error("ERR_SERVER_NOT_RUNNING"))
        if not running:
            return None
        self._resolving = None
        listener, self._listener = self._listener, None
        parked, self._parked = list(self._parked), deque()
        for acceptor in self._acceptors:
            acceptor.set(error=error("ERR_SERVER_NOT_RUNNING"))
        self._acceptors.clear()
        for sock in parked:
            self._defer(self._discard_parked, sock)
        waiter = None
        if listener is not None:
            listener.leave()
            if threading.get_ident() == reactor.ident:
                self._close_listener(listener, None)
            else:
                waiter = Waiter() if not _LEAVES_AT_ONCE else None
                reactor.call_soon(self._enter, self._close_listener, listener, waiter)
        self._close_if_over()
        return waiter

    def _discard_parked(self, sock: Socket) -> None:
        reactor.call_soon(self._discard_now, sock)      # a socket's gate is not entered from inside ours

    def _discard_now(self, sock: Socket) -> None:
        sock.destroy()
        assert sock._strand is not None
        sock._strand.release()

    def _close_listener(self, listener: Listener, waiter: Optional[Waiter]) -> None:
        """On the reactor thread, inside the gate."""
        if self._interest:
            try:
                listener.set_interest(0, self._interest, self)
            except (OSError, KeyError, ValueError):
                pass            # foreign code closed the descriptor: the selector has forgotten it
            self._interest = 0
        listener.close()
        if waiter is not None:
            waiter.set()
        if self._listener is not None:
            self._sync()        # it listens again already

    def _close_if_over(self) -> None:
        """Inside the gate: post 'close' when nothing is open any more."""
        if self._living and self._listener is None and self._resolving is None and not self._sockets:
            self._post(self._deliver_close, self._life)

    def _deliver_close(self, life: int) -> None:
        if not self._enter(self._begin_close, life):
            return
        signal, on_abort, self._on_abort = self._signal, self._on_abort, None
        if on_abort is not None:
            signal.off("abort", on_abort)
        self._deliver_state("close")
        if not self._living:
            lifetime.closed(self)
        self._enter(self._changed)

    def _begin_close(self, life: int) -> bool:
        if life != self._life or not self._living or self._listener is not None or self._resolving is not None \
                or self._sockets:
            return False
        self._living = False
        if self._told is not None:
            self._told.pop("listening", None)
        return True

    def close_all_connections(self) -> None:
        """Destroy every open connection; the server goes on listening. Not in Node's `net`."""
        for sock in list(self._sockets):
            sock.destroy()

    def shutdown(self, timeout: Optional[float] = None) -> int:
        """End gracefully: accept no more, let connections finish for `timeout` seconds (`None`: as long as they take),
        destroy the rest, wait for 'close'. Returns how many had to be destroyed. Not in Node.

        Called in a listener of the server or of one of its sockets, it does not wait for that listener.
        """
        timeout = check_timeout(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        self.close()
        held = self._held_here()
        spared = len(held - {self})
        self._wait_until(lambda: len(self._sockets) <= spared and (bool(held) or not self._living), deadline)
        left = list(self._sockets)
        for sock in left:
            sock.destroy()
        if not held:
            self._wait_until(lambda: not self._living, None)
        return len(left)

    def _held_here(self) -> Set[Any]:
        """The emitters of this server whose listener the calling thread is in: they cannot end before it returns."""
        held: Set[Any] = {sock for sock in list(self._sockets) if sock._strand is not None and sock._strand.here()}
        if self._strand is not None and self._strand.here():
            held.add(self)
        return held

    def _wait_until(self, over: Callable[[], bool], deadline: Optional[float]) -> bool:
        """Wait until `over()`, which is asked whenever a connection ends, the server closes or `listen` fails."""
        while True:
            waiter = Waiter()
            self._enter(self._watchers.append, waiter)      # first this: what changes from here on sets it
            if over():
                return True
            if not waiter.wait(None if deadline is None else max(deadline - time.monotonic(), 0.0)):
                return over()

    def _changed(self) -> None:
        """Inside the gate: let those look who wait for a change."""
        watchers, self._watchers = self._watchers, []
        for waiter in watchers:
            waiter.set()

    def serve_forever(self) -> None:
        """Block until the server is closed. Ctrl-C closes it, with its connections, and raises `KeyboardInterrupt`.

        Raises what `listen` failed with, and `ERR_SERVER_NOT_RUNNING` if it was never told to listen. Not in Node.
        """
        if self._failure is not None:
            self._enter(self._claim_error)
            raise self._failure
        if not self._living and not (self._told and "close" in self._told):
            raise error("ERR_SERVER_NOT_RUNNING")
        if self._strand is not None and self._strand.here():
            raise RuntimeError("serve_forever() in the server's own listener, or on the thread that runs them, would "
                               "wait for ever")
        try:
            self._wait_until(lambda: not self._living or self._failure is not None, None)
        except KeyboardInterrupt:
            self.close()
            self.close_all_connections()
            raise
        if self._failure is not None:
            self._enter(self._claim_error)
            raise self._failure

    def dispose(self) -> "Future[None]":
        """Close; the future is done when it is closed. Node: `server[Symbol.asyncDispose]`."""
        future: "Future[None]" = Future()
        future.set_running_or_notify_cancel()

        def done(*_: Any) -> None:
            future.set_result(None)
        if self._living:
            self._enter(self._on_over, done)
            self.close()
        else:
            future.set_result(None)
        return future

    def _on_over(self, done: Callable[..., Any]) -> None:
        self._listeners["close"] = (*self._listeners.get("close", ()), _Once(done))

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown(10.0)

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *_: object) -> None:
        import asyncio
        self.close()
        self.close_all_connections()
        await asyncio.wrap_future(self.dispose())

    # ---- connections ----

    @property
    def connections(self) -> FrozenSet[Socket]:
        """A snapshot of the open connections. Not in Node."""
        return frozenset(self._sockets)

    def get_connections(self, callback: Optional[Callable[[Optional[BaseException], int], Any]] = None) -> int:
        """How many connections are open; also as `callback(None, count)`. Node: `server.getConnections`."""
        check_callback(callback)
        count = len(self._sockets)
        if callback is not None:
            self._enter(self._post, self._call_back, callback, None, count)
        return count

    def accept(self, timeout: Optional[float] = None) -> Socket:
        """Wait for a connection and return its socket, for code without listeners. Only in Python.

        `timeout`: seconds, `None` waits for ever. Raises `TimeoutError`; `ERR_SERVER_NOT_RUNNING` when it is closed, at
        once or meanwhile; what `listen` failed with; `RuntimeError` beside a 'connection' listener.
        """
        timeout = check_timeout(timeout)
        if self._failure is not None:
            self._enter(self._claim_error)
            raise self._failure
        waiter = Waiter()
        self._enter(self._begin_accept, waiter)
        if not waiter.wait(timeout):
            if not waiter.set(error=TimeoutError(f"no connection within {timeout} seconds")):
                waiter.wait()       # one came in this very moment
            else:
                self._enter(self._forget_acceptor, waiter)
        if waiter.error is not None:
            raise waiter.error
        return cast(Socket, waiter.value)

    def _begin_accept(self, waiter: Waiter) -> None:
        if "connection" in self._listeners:
            raise RuntimeError("accept() beside a 'connection' listener: the listener gets the connections")
        if self._parked:
            sock = self._parked.popleft()
            waiter.set(sock)
            self._defer(_release_strand, sock)
            self._watch_again()
        elif self._listener is None and self._resolving is None:
            waiter.set(error=self._failure or error("ERR_SERVER_NOT_RUNNING"))
        else:
            self._acceptors.append(waiter)

    def _forget_acceptor(self, waiter: Waiter) -> None:
        if waiter in self._acceptors:
            self._acceptors.remove(waiter)

    def __iter__(self) -> Iterator[Socket]:
        """Connections as they come, until the server is closed."""
        while True:
            try:
                yield self.accept()
            except RuntimeError as problem:
                if getattr(problem, "code", "") != "ERR_SERVER_NOT_RUNNING":
                    raise
                return

    def ref(self) -> "Server":
        """Keep the process alive while open, as from the start. Node: `server.ref`."""
        self._refed = True
        if self._living:
            lifetime.ref(self)
        return self

    def unref(self) -> "Server":
        """Let the process end although the server is open. Node: `server.unref`."""
        self._refed = False
        lifetime.unref(self)
        return self

    # ---- the reactor ----

    def on_ready(self, mask: int) -> None:
        """Connections wait: take them."""
        listener = self._listener
        if listener is None:
            return
        for _ in range(ACCEPTS):
            try:
                accepted = listener.accept()
            except OSError as problem:
                self._enter(self._accept_failed, problem)
                return
            if accepted is None:
                return
            self._starved = False
            self._admit(*accepted)
            if len(self._parked) >= self._backlog:
                self._enter(self._sync)
                return

    def on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector."""
        self._interest = 0
        self._enter(self._post, self._deliver_error, system_error("EBADF", "accept"))
        self.close()

    def _admit(self, transport: Any, peer: Any) -> None:
        """One accepted connection: refuse it, or make a socket of it."""
        limit = self.max_connections
        if self._block_list is not None:
            info = address_info(peer)
            if info is not None and info.address is not None and self._block_list.check(info.address):
                transport.close()
                return
        if limit is not None and len(self._sockets) >= limit:
            self._drop(transport, peer)
            return
        if self._no_delay or self._keep_alive:
            self._prepare(transport)
        sock = Socket._accepted(transport, peer, self)
        assert sock._strand is not None
        lifetime.opened(sock, True)
        self._enter(self._welcome, sock)
        sock._enter(sock._interest_changed)

    def _prepare(self, transport: Any) -> None:
        if isinstance(transport, TcpTransport):
            try:
                if self._no_delay:
                    transport.set_no_delay(True)
                if self._keep_alive:
                    transport.set_keep_alive(True, whole_seconds(self._keep_alive_delay), None, None)
            except OSError:
                pass            # the peer has gone again: the first read says so

    def _drop(self, transport: Any, peer: Any) -> None:
        data = None
        remote = address_info(peer)
        if remote is not None:
            local = address_info(transport.local()) or AddressInfo(None, None, None)
            data = DropInfo(local.address, local.port, local.family, remote.address, remote.port, remote.family)
        transport.close()
        self._enter(self._post, self._deliver, "drop", data)

    def _welcome(self, sock: Socket) -> None:
        """Inside our gate, on the reactor thread; nobody else knows the socket yet."""
        strand = sock._strand
        assert strand is not None
        if self._listener is None:          # closed in this very moment
            self._sockets.add(sock)
            strand.hold()
            self._discard_parked(sock)
            return
        self._sockets.add(sock)
        entries = self._listeners.get("connection")
        if entries:
            strand.will_run(entries[0])
            strand.post(self._introduce, sock)
            return
        strand.hold()
        for waiter in self._waiters or ():
            if waiter[0] == "connection":
                waiter[1].set((sock,))
                self._defer(_release_strand, sock)
                return
        while self._acceptors:
            if self._acceptors.popleft().set(sock):
                self._defer(_release_strand, sock)
                return
        self._parked.append(sock)

    def _introduce(self, sock: Socket) -> None:
        """On the socket's strand, its first item: 'connection'."""
        entries = self._listeners.get("connection")
        if entries:
            self._deliver_to("connection", entries, (sock,))
        elif self._waiters is None or not self._wake_waiters("connection", (sock,)):
            self._enter(self._park_again, sock)

    def _park_again(self, sock: Socket) -> None:
        """The listener was taken off meanwhile: the socket goes on without an introduction."""
        while self._acceptors:
            if self._acceptors.popleft().set(sock):
                return

    def _inserted(self, event: str, entry: Entry) -> None:
        super()._inserted(event, entry)
        if event == "connection" and self._parked:
            parked, self._parked = list(self._parked), deque()
            for sock in parked:
                self._defer(_introduce_parked, self, sock)
            self._watch_again()

    def _watch_again(self) -> None:
        if self._listener is not None:
            reactor.call_soon(self._enter, self._sync)

    def _sync(self) -> None:
        """On the reactor thread: watch the listener, unless nobody takes what comes or descriptors are out."""
        if self._listener is None:
            return
        wanted = 0 if self._starved or len(self._parked) >= self._backlog else READ
        if wanted != self._interest:
            try:
                self._listener.set_interest(wanted, self._interest, self)
            except (OSError, ValueError, KeyError) as problem:
                self._interest = 0
                self._post(self._deliver_error, system_error(problem, "listen") if isinstance(problem, OSError)
                           else system_error("EMFILE", "listen", detail=str(problem)))
                return
            self._interest = wanted

    def _accept_failed(self, problem: OSError) -> None:
        """Out of descriptors: neither spin nor drop who waits. Rest until one of ours is closed, or for a moment."""
        if problem.errno not in _STARVED:
            self._post(self._deliver_error, system_error(problem, "accept"))
            return
        if not self._starved:
            self._starved = True
            self._post(self._deliver_error, system_error(problem, "accept"))
        self._sync()
        reactor.call_later(STARVED_PAUSE, self._recover)

    def _recover(self) -> None:
        """Try again; `_starved` stays until an accept succeeds, so that there is one 'error' and not ten a second."""
        listener = self._listener
        if listener is not None and not self._interest:
            self._enter(self._try_again)

    def _try_again(self) -> None:
        if self._listener is None:
            return
        starved, self._starved = self._starved, False
        self._sync()
        self._starved = starved

    def _socket_closed(self, sock: Socket) -> None:
        """On the socket's strand, after its 'close' was delivered."""
        self._enter(self._forget_socket, sock)

    def _forget_socket(self, sock: Socket) -> None:
        if sock not in self._sockets:
            return
        self._sockets.discard(sock)
        if self._starved:
            reactor.call_soon(self._recover)
        self._changed()
        self._close_if_over()

    def _failed(self, event: str, problem: BaseException, *args: Any) -> None:
        """A listener raised: for 'connection' the new socket bears it, for other events the server has an 'error'."""
        if event == "connection":
            sock = args[0]
            sock._enter(sock._destroy_reported, problem)
        elif event not in ("error", "close", "callback"):
            self._reported = problem
            self._enter(self._post, self._deliver_error, problem)

    # ---- what lifetime.py needs ----

    _handle_kind = "server"

    def _queued_items(self) -> int:
        return self._strand.waiting() if self._strand is not None else 0

    def _destroy_handle(self) -> None:
        self.close()

    def _abandon(self) -> None:
        self._lock = threading.RLock()
        self._inside, self._deferred = False, None
        self._make_strand(None)
        self._living, self._resolving, self._interest = False, None, 0
        self._sockets, self._parked, self._acceptors = set(), deque(), deque()
        self._waiters, self._watchers = None, []
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.abandon()      # type: ignore[attr-defined]

    def __repr__(self) -> str:
        where = self.address()
        if isinstance(where, AddressInfo):
            where = f"{where.address}:{where.port}"
        return f"<Server {'listening on ' + str(where) if where else 'not listening'}>"


_LEAVES_AT_ONCE = sys.platform.startswith("linux")


def _release_strand(sock: Socket) -> None:
    assert sock._strand is not None
    sock._strand.release()


def _introduce_parked(server: Server, sock: Socket) -> None:
    reactor.call_soon(_introduce_now, server, sock)     # a socket's gate is not entered from inside the server's


def _introduce_now(server: Server, sock: Socket) -> None:
    strand = sock._strand
    assert strand is not None
    sock._enter(strand.post, server._introduce, sock)
    strand.release()


def create_server(connection_listener: Optional[Callable[[Socket], Any]] = None, **options: Any) -> Server:
    """A new `Server`; `connection_listener` becomes a listener of 'connection'. Node: `net.createServer`."""
    return Server(connection_listener, **options)


# ---- arguments ----

class _Plan(NamedTuple):
    """What a call of `listen` asked for, checked."""

    port: int = 0
    host: Optional[str] = None
    path: Union[str, bytes, None] = None
    backlog: int = 511
    ipv6_only: bool = False
    reuse_port: bool = False
    mode: Optional[int] = None      # permission bits of the path
    fd: Optional[int] = None
    handle: Any = None
    signal: Any = None
    callback: Optional[Callable[..., Any]] = None


_OPTIONS = {"port", "host", "path", "backlog", "exclusive", "ipv6_only", "reuse_port", "readable_all", "writable_all",
            "fd", "handle", "signal", "callback"}


def _plan_listen(args: Tuple[Any, ...], options: Dict[str, Any]) -> _Plan:
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"listen() got an unexpected keyword argument {name!r}")
    first, rest, callback = split_place("port", args)
    options = dict(options)
    names: List[str] = []
    if is_path(first):
        names = ["path", "backlog"]
    elif first is None or isinstance(first, (int, float, str)):
        # listen(port, backlog) is a form too
        names = ["port", "backlog"] if len(rest) == 2 and _is_number(rest[1]) else ["port", "host", "backlog"]
    else:
        names = ["handle", "backlog"]
    if len(rest) > len(names):
        raise invalid_type("callback", "a callable", rest[-1])
    for name, value in zip(names, rest):
        if name in options:
            raise TypeError(f"listen() got multiple values for argument {name!r}")
        options[name] = value
    given = options.get("callback")
    check_callback(given)
    if callback is not None and given is not None:
        raise TypeError("listen() got multiple values for argument 'callback'")
    signal = check_signal(options.get("signal"))
    backlog = options.get("backlog")
    backlog = 511 if backlog is None else _check_backlog(backlog)
    common: Dict[str, Any] = {"backlog": backlog, "signal": signal, "callback": callback or given}
    if options.get("handle") is not None:
        return _Plan(handle=_check_handle(options["handle"]), **common)
    fd = options.get("fd")
    if fd is not None:
        return _Plan(fd=check_int("fd", fd, 0, 2147483647), **common)
    port, path, host = options.get("port"), options.get("path"), options.get("host")
    if port is None and path is not None:
        mode = None
        if options.get("readable_all") or options.get("writable_all"):
            mode = 0o600 | (0o044 if options.get("readable_all") else 0) | (0o022 if options.get("writable_all") else 0)
        return _Plan(path=check_path(path), mode=mode, **common)
    number = check_port(0 if port is None else port)
    if host is not None:
        host = check_host("host", host) or None
    return _Plan(port=number, host=host, ipv6_only=bool(options.get("ipv6_only")),
                 reuse_port=bool(options.get("reuse_port")), **common)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and value.isascii() and value.isdigit())


def _check_backlog(backlog: Any) -> int:
    if isinstance(backlog, str) and backlog.isascii() and backlog.isdigit():
        backlog = int(backlog)
    return check_int("backlog", backlog, -1, 2147483647)


def _check_handle(handle: Any) -> Any:
    if isinstance(handle, (Server, Socket, BoundSocket, stdlib_socket.socket)):
        return handle
    if not isinstance(handle, (dict, str, bytes)) and (callable(getattr(handle, "fileno", None))
                                                       or isinstance(getattr(handle, "fd", None), int)):
        return handle
    raise invalid_type("handle", "a Server, Socket, BoundSocket, socket.socket, or an object with fileno() or fd",
                       handle)


def _make_listener(plan: _Plan, host: Optional[str]) -> Listener:
    """Bind and listen. Raises `OSError`."""
    owned = False
    path = plan.path
    if plan.handle is not None:
        sock, path, owned = _socket_of(plan.handle)
    elif plan.fd is not None:
        if sys.platform == "win32":
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        sock = _socket_on(plan.fd)
    elif path is not None:
        sock = bind_unix(path, plan.mode)
        owned = True
    else:
        sock = bind_somewhere(host, plan.port, plan.ipv6_only, plan.reuse_port)
    try:
        sock.listen(plan.backlog)
        if sock.family == getattr(stdlib_socket, "AF_UNIX", None):
            return UnixListener(sock, path if path is not None else sock.getsockname(), owned)
        return TcpListener(sock)
    except BaseException:
        sock.close()
        raise


def _socket_of(handle: Any) -> Tuple[stdlib_socket.socket, Union[str, bytes, None], bool]:
    """(the socket, its path, is the path ours to unlink) of a `handle` option."""
    if isinstance(handle, BoundSocket):
        adopted = handle._adopt()
        return adopted.socket, adopted.path, adopted.path is not None
    if isinstance(handle, stdlib_socket.socket):
        return stdlib_socket.socket(handle.family, handle.type, handle.proto, fileno=handle.detach()), None, False
    if isinstance(handle, Server):
        listener = handle._listener
        if listener is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        number = listener.socket.fileno()       # type: ignore[attr-defined]
    elif callable(getattr(handle, "fileno", None)):
        number = handle.fileno()
    else:
        number = handle.fd
    return _socket_on(os.dup(number)), None, False


def _socket_on(number: int) -> stdlib_socket.socket:
    """A stdlib socket on a descriptor. Raises `OSError(EINVAL)` if it is none that can listen, and leaves it open."""
    try:
        return stdlib_socket.socket(fileno=number)
    except OSError as problem:
        code = errno.EINVAL if problem.errno == errno.ENOTSOCK else problem.errno or errno.EINVAL
        raise OSError(code, os.strerror(code)) from None


def _listen_error(problem: OSError, plan: _Plan, host: Optional[str]) -> OSError:
    """Node's message: 'listen EADDRINUSE: address already in use 127.0.0.1:8124'."""
    detail = (problem.strerror or "").lower() or None
    if plan.path is not None:
        return system_error(problem, "listen", os.fsdecode(plan.path), detail=detail)
    if plan.handle is not None or plan.fd is not None:
        return system_error(problem, "listen", detail=detail)
    return system_error(problem, "listen", host or ("::" if stdlib_socket.has_ipv6 else "0.0.0.0"), plan.port,
                        detail=detail)


def _resolve(host: str) -> str:
    """The address to bind to for a host's name, IPv4 first, as Node's `listen` has it."""
    found = stdlib_socket.getaddrinfo(host, None, 0, stdlib_socket.SOCK_STREAM)
    for family in (stdlib_socket.AF_INET, stdlib_socket.AF_INET6):
        for kind, _, _, _, sockaddr in found:
            if kind == family:
                return str(sockaddr[0])
    raise stdlib_socket.gaierror(stdlib_socket.EAI_NONAME, "no address")
