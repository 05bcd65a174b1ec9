"""`Server`: accepts connections and introduces them to listeners, or hands them to code that blocks in `accept`.

Which threads run it: methods every thread; `_on_ready` and what it calls the reactor; `_introduce` the strand of the
new socket, so connections are handled in parallel and no event of a socket overtakes its 'connection'. The server's
other events are delivered on its own strand.

Locks: the server's gate guards the listener and the sets of sockets. It is never held together with a socket's gate.
"""
from __future__ import annotations

import errno
import os
import socket as stdlib_socket
import sys
import threading
from collections import deque
from concurrent.futures import Future
from typing import (TYPE_CHECKING, Any, Callable, Deque, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set,
                    Tuple, Union, cast)

from .addresses import AddressInfo, DropInfo, check_port, is_ip
from .arguments import (check_block_list, check_callback, check_dispatch, check_host, check_int, check_mark,
                        check_msecs,
                        check_path, check_signal, is_path, split_place, whole_seconds)
from .emitter import Entry, StatefulEmitter, _Once, check_timeout
from .errors import error, invalid_type, lookup_error, system_error
from .runtime import lifetime
from .runtime.gate import inside_a_gate
from .runtime.reactor import READ, Channel, reactor
from .runtime.resolver import resolve
from .runtime.strand import Dispatch
from .runtime.waiter import Waiter, deadline_of
from .runtime.workers import call_on_pool
from .socket import Socket
from .transports.base import Listener, SocketListener
from .transports.bound import Adopted, BoundSocket, bind_somewhere
from .transports.ipc import bind_path, path_listener
from .transports.tcp import TcpListener, TcpTransport, address_info
from .transports.unix import OwnPath

if TYPE_CHECKING:
    from .events import ServerListening

__all__ = ["Server", "create_server"]

ACCEPTS = 64                # connections taken in one go, before others get their turn
STARVED_PAUSE = 0.1         # seconds until accepting is tried again after the descriptors ran out
# Seconds that `close` waits for the reactor to let go of the descriptor: no longer, since it may have been called by a
# signal handler whose thread is inside an object that the reactor needs.
LONGEST_CLOSE = 0.25

# The hook of `netcompat.cluster`, which sets it in a worker process: `obtain_listener(plan, host, done)` asks the
# primary for a listener, and has `done(listener, problem)` called once, on the reactor thread.
obtain_listener: "Optional[Callable[[_Plan, Optional[str], Callable[[Any, Optional[OSError]], None]], None]]" = None


class Server(StatefulEmitter, lifetime.Handle, Channel):
    """Listens for TCP connections or on an IPC path. Node: `net.Server`.

    Keywords: `allow_half_open`, `high_water_mark` (bytes), `no_delay`, `keep_alive`, `keep_alive_initial_delay` (ms)
    and `dispatch`, all for the sockets it accepts; `pause_on_connect`; `block_list` (who is on it never gets in).

    Events: 'close', 'connection'(socket), 'error'(error), 'listening', 'drop'(`DropInfo`, `None` for IPC).
    """

    __slots__ = (
        "allow_half_open", "pause_on_connect", "_max_connections", "_drop_max_connection", "_high_water_mark",
        "_no_delay", "_keep_alive", "_keep_alive_delay", "_block_list", "_dispatch", "_listener", "_address",
        "_resolving", "_living", "_lives_over", "_refed", "_sockets", "_parked", "_acceptors", "_watched", "_starved",
        "_resting", "_backlog", "_life", "_signal", "_on_abort", "_failure",
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
            check_mark(high_water_mark)
        check_msecs("keep_alive_initial_delay", keep_alive_initial_delay)
        super().__init__()
        self._make_strand(dispatch)
        assert self._strand is not None
        self._dispatch = self._strand.dispatch
        self.allow_half_open = bool(allow_half_open)
        self.pause_on_connect = bool(pause_on_connect)
        self._max_connections: Optional[int] = None
        self._drop_max_connection = False
        self._high_water_mark = high_water_mark
        self._no_delay, self._keep_alive = bool(no_delay), bool(keep_alive)
        self._keep_alive_delay = keep_alive_initial_delay
        self._block_list = check_block_list(block_list)
        self._listener: Optional[Listener] = None       # while it listens
        self._address: Union[AddressInfo, str, None] = None
        self._resolving: Optional[object] = None        # while the name of its host is looked up
        self._living = False            # from listen until the delivery of 'close' begins
        self._refed = True
        self._sockets: Set[Socket] = set()              # accepted, 'close' not yet delivered
        self._parked: Deque[Socket] = deque()           # accepted, and nobody has them yet
        self._acceptors: Deque[Waiter] = deque()        # threads that wait in `accept`
        self._watched: Optional[Listener] = None        # what the selector watches; changed by the reactor only
        self._starved: Optional[int] = None     # the errno that accept failed with, of which 'error' has told
        self._resting = False           # no accept is tried for a moment
        self._backlog = 511
        self._life = 0                  # counts lives: the same object can listen again
        self._lives_over = 0            # the last life whose 'close' was delivered
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
        if plan.from_primary and (plan.host is None or is_ip(plan.host)) and not inside_a_gate():
            # For the answer of the primary; asked inside the gate, so that what comes of it is seen whole.
            self._wait_until(lambda: bool(self._enter(lambda: self._resolving is None)), None)
        if plan.callback is not None:
            self.once("listening", plan.callback)
        if plan.signal is not None and self._living:
            self._follow(plan.signal)
        return self

    def _start_listening(self, plan: "_Plan") -> bool:
        if self._listener is not None or self._resolving is not None:
            return False
        if not self._living:
            self._begin_life()
        self._failure = None
        self._starved, self._resting = None, False
        self._backlog = max(plan.backlog, 1)
        self._live()                # first of all: what the reactor cannot start for is raised, and nothing changed
        if plan.host is not None and not is_ip(plan.host):
            token = self._resolving = object()
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
        if plan.from_primary and obtain_listener is not None:
            token = self._resolving = object()
            obtain_listener(plan, host, lambda listener, problem: self._obtained(plan, host, token, listener, problem))
            return
        try:
            listener = make_listener(plan, host)
        except OSError as problem:
            self._refuse(_listen_error(problem, plan, host))
            return
        except BaseException:       # a handle that was adopted: the caller hears of it
            self._end_if_unheard()
            raise
        self._begin_listening(plan, listener)

    def _obtained(self, plan: "_Plan", host: Optional[str], token: object, listener: Optional[Listener],
                  problem: Optional[OSError]) -> None:
        """On the reactor thread: the primary has answered."""
        def go_on() -> None:
            if self._resolving is not token:        # closed meanwhile
                if listener is not None:
                    listener.close()
                return
            self._resolving = None
            if listener is None:
                assert problem is not None
                self._refuse(_listen_error(problem, plan, host))
            else:
                self._begin_listening(plan, listener)
                self._changed()
        self._enter(go_on)

    def _begin_listening(self, plan: "_Plan", listener: Listener) -> None:
        self._address = listener.address()
        self._listener = listener       # last: who sees that it listens sees where, from every thread
        reactor.call_soon(self._enter, self._sync)
        if plan.signal is None or not plan.signal.aborted:      # else it closes before anybody hears of it
            self._post(self._deliver_listening, self._listener)

    def _deliver_listening(self, listener: Listener) -> None:
        if self._listener is listener:
            self._deliver_state("listening")

    def _refuse(self, problem: BaseException) -> None:
        """`listen` failed: 'error', and the server is as it was before."""
        self._failure = problem
        self._changed()
        for acceptor in self._acceptors:
            acceptor.set(error=problem)
        self._acceptors.clear()
        self._post(self._deliver_error, problem)
        self._end_if_unheard()

    def _end_if_unheard(self) -> None:
        if self._living and not self._sockets:
            self._post(self._end_unheard, self._life)
            self._hand_over()

    def _end_unheard(self, life: int) -> None:
        """On the strand: a life that never listened has no 'close' to deliver."""
        if life == self._life and self._living and not self._is_open() and not self._sockets:
            self._living = False
            self._unfollow()
            self._enter(self._end_life, life)

    def _live(self) -> None:
        if not self._living:
            lifetime.opened(self, self._refed)
            self._living = True
            self._life += 1

    def _end_life(self, life: int) -> None:
        self._lives_over = max(self._lives_over, life)
        if not self._living:
            lifetime.closed(self)
        self._changed()

    def _is_open(self) -> bool:
        """Does it listen, or is it about to?"""
        return self._listener is not None or self._resolving is not None

    def _follow(self, signal: Any) -> None:
        """Be closed when `signal` aborts."""
        def on_abort(*_: Any) -> None:
            self.close()
        self._unfollow()
        if signal.aborted:
            on_abort()
            return
        self._signal, self._on_abort = signal, on_abort
        signal.on("abort", on_abort)
        if signal.aborted:          # in this very moment
            on_abort()
        if not self._living:        # closed in this very moment
            self._unfollow()

    def _unfollow(self) -> None:
        """Outside the gate: the signal has one of its own."""
        signal, on_abort = self._signal, self._on_abort
        self._signal = self._on_abort = None
        if on_abort is not None:
            signal.off("abort", on_abort)

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
        if waiter is not None:
            waiter.wait(LONGEST_CLOSE, helper=False)
        return self

    def _close(self, callback: Optional[Callable[..., Any]]) -> Optional[Waiter]:
        """Inside the gate. Returns what to wait for until the address is free."""
        running = self._is_open()
        if callback is not None:
            # While it looks its host up it was not open yet.
            self._call_when_closed(callback, None if self._listener is not None else error("ERR_SERVER_NOT_RUNNING"))
        if not running:
            return None
        if self._told is not None:
            self._told.pop("listening", None)
        self._resolving = None
        self._changed()
        listener, self._listener = self._listener, None
        for acceptor in self._acceptors:
            acceptor.set(error=error("ERR_SERVER_NOT_RUNNING"))
        self._acceptors.clear()
        self._discard_parked()
        if not self._close_if_over():
            lifetime.unref(self)        # what keeps the process alive from here on are the sockets
            self._hand_over()           # unless a foreign dispatch has all that is left of them
        if listener is None:
            return None
        listener.leave()
        if threading.get_ident() == reactor.ident:
            self._close_listener(listener, None)
            return None
        waiter = Waiter()
        reactor.call_soon(self._enter, self._close_listener, listener, waiter)
        return waiter

    def _call_when_closed(self, callback: Callable[..., Any], problem: Optional[BaseException]) -> None:
        if self._failure is None and (self._living or self._lives_over < self._life):
            self._insert("close", _Once(lambda: callback(problem)), False)
        else:
            self._post(self._call_back, callback, problem)

    def _discard_parked(self) -> None:
        """Inside the gate: nobody will take the connections that wait."""
        parked, self._parked = self._parked, deque()
        for sock in parked:
            reactor.call_soon(_discard, sock)       # a socket's gate is not entered from inside ours

    def _close_listener(self, listener: Listener, waiter: Optional[Waiter]) -> None:
        """On the reactor thread, inside the gate."""
        if self._watched is listener:
            self._unwatch()
        listener.close()
        if waiter is not None:
            waiter.set()

    def _close_if_over(self) -> bool:
        """Inside the gate: post 'close' when nothing is open any more; was it so?"""
        if not self._living or self._is_open() or self._sockets:
            return False
        if self._refed:
            lifetime.ref(self)          # until 'close' is delivered
        self._post(self._deliver_close, self._life)
        self._hand_over()
        return True

    def _deliver_close(self, life: int) -> None:
        entries = self._enter(self._begin_close, life)
        if entries is None:
            return
        self._unfollow()
        if self._waiters is not None:
            self._wake_waiters("close", ())
        self._deliver_to("close", entries, ())
        self._enter(self._end_life, life)

    def _begin_close(self, life: int) -> Optional[Tuple[Entry, ...]]:
        """The listeners of 'close', unless something was opened since it was posted."""
        if life != self._life or not self._living or self._is_open() or self._sockets:
            return None
        self._living = False
        return self._remember("close", ())

    def close_all_connections(self) -> None:
        """Destroy every open connection; the server goes on listening. Not in Node's `net`."""
        self._enter(self._discard_all_parked)
        for sock in list(self._sockets):
            sock.destroy()

    def _discard_all_parked(self) -> None:
        self._discard_parked()
        self._watch_again()

    def shutdown(self, timeout: Optional[float] = None) -> int:
        """End gracefully: accept no more, let connections finish for `timeout` seconds (`None`: as long as they take),
        destroy the rest, wait for 'close'. Returns how many had to be destroyed. Not in Node.

        Called in a listener of the server or of one of its sockets, it does not wait for that listener.
        """
        timeout = check_timeout(timeout)
        deadline = deadline_of(timeout)
        self.close()
        life = self._life
        held = self._held_here()
        spared = len(held - {self})
        self._wait_until(lambda: len(self._sockets) <= spared and (bool(held) or self._lives_over >= life), deadline)
        left = list(self._sockets)
        for sock in left:
            sock.destroy()
        if not held:
            self._wait_until(lambda: self._lives_over >= life, None)
        return len(left)

    def _held_here(self) -> Set[Any]:
        """The emitters of this server whose listener the calling thread is in: they cannot end before it returns."""
        held: Set[Any] = {sock for sock in list(self._sockets)
                          if sock._strand is not None and sock._strand.depends_on_me()}
        if self._strand is not None and self._strand.depends_on_me():
            held.add(self)
        return held

    def serve_forever(self) -> None:
        """Block until the server is closed. Ctrl-C closes it, with its connections, and raises `KeyboardInterrupt`.

        Raises what `listen` failed with, and `ERR_SERVER_NOT_RUNNING` if it was never told to listen. Not in Node.
        """
        if self._failure is not None:
            self._enter(self._claim_error)
            raise self._failure
        life = self._life
        if not life:
            raise error("ERR_SERVER_NOT_RUNNING")
        if self._strand is not None and self._strand.depends_on_me():
            raise RuntimeError("serve_forever() in the server's own listener, or on the thread that runs them, would "
                               "wait for ever: with an EventQueue call its run_forever() instead")
        try:
            self._wait_until(lambda: self._lives_over >= life or self._failure is not None, None)
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
        self._enter(self._call_when_closed, lambda _: future.set_result(None), None)
        self.close()
        return future

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
    def max_connections(self) -> Optional[int]:
        """How many connections may be open, the others are dropped; `None`: no limit. Node: `server.maxConnections`."""
        return self._max_connections

    @max_connections.setter
    def max_connections(self, limit: Optional[int]) -> None:
        self._max_connections = None if limit is None else check_int("max_connections", limit, 0, sys.maxsize)
        self._enter(self._watch_again)

    @property
    def drop_max_connection(self) -> bool:
        """In a worker of a cluster: drop what exceeds `max_connections`, instead of leaving it to the other workers.

        Node: `server.dropMaxConnection`.
        """
        return self._drop_max_connection

    @drop_max_connection.setter
    def drop_max_connection(self, drop: bool) -> None:
        self._drop_max_connection = bool(drop)
        self._enter(self._watch_again)

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
        self._enter_now(self._begin_accept, waiter)
        try:
            if not waiter.wait(timeout):
                waiter.set(error=TimeoutError(f"no connection within {timeout} seconds"))
        except BaseException:           # Ctrl-C
            if not waiter.set():
                self._enter(self._offer, waiter.value)      # one came in this very moment: it is for somebody else
            raise
        finally:
            self._enter(self._forget_acceptor, waiter)
        if waiter.error is not None:
            if waiter.error is self._failure:
                self._enter(self._claim_error)
            raise waiter.error
        _release(waiter.value)
        return cast(Socket, waiter.value)

    def _begin_accept(self, waiter: Waiter) -> None:
        if "connection" in self._listeners:
            raise RuntimeError("accept() beside a 'connection' listener: the listener gets the connections")
        if self._parked:
            waiter.set(self._parked.popleft())
            self._watch_again()
        elif self._is_open():
            self._acceptors.append(waiter)
        else:
            waiter.set(error=self._failure or error("ERR_SERVER_NOT_RUNNING"))

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

    def _on_ready(self, mask: int) -> None:
        """Connections wait: take them."""
        listener = self._watched
        if listener is None or listener is not self._listener:
            return
        for _ in range(ACCEPTS):
            try:
                accepted = listener.accept()
            except OSError as problem:
                self._enter(self._accept_failed, listener, problem)
                return
            if accepted is None:
                self._starved = None
                return
            self._admit(*accepted)
            if len(self._parked) >= self._backlog or (listener.passes_on and self._leaves_to_others()):
                self._enter(self._sync)
                return

    def _on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector."""
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.forget()
        if watched is self._listener:
            self._enter(self._post, self._deliver_error, system_error("EBADF", "accept"))
            self.close()

    def _leaves_to_others(self) -> bool:
        """Full, and the place is one that other processes accept from too?"""
        limit = self._max_connections
        return (limit is not None and not self._drop_max_connection and len(self._sockets) >= limit
                and self._listener is not None and self._listener.passes_on)

    def _admit(self, transport: Any, peer: Any) -> None:
        """One accepted connection: refuse it, or make a socket of it."""
        limit = self._max_connections
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
        self._sockets.add(sock)
        entries = self._listeners.get("connection")
        if self._listener is not None and entries:
            strand.will_run(entries[0])
            strand.post(self._introduce, sock)
            return
        strand.hold()
        if self._listener is None:      # closed in this very moment
            reactor.call_soon(_discard, sock)
        else:
            self._offer(sock)

    def _introduce(self, sock: Socket) -> None:
        """On the socket's strand, its first item: 'connection'."""
        if not self._deliver("connection", sock):
            assert sock._strand is not None
            sock._strand.suspend()      # the listener was taken off meanwhile: wait for another
            self._enter(self._offer, sock)

    def _offer(self, sock: Socket) -> None:
        """Inside the gate: find who takes a socket, whose strand is held until then."""
        if self._listener is None:
            reactor.call_soon(_discard, sock)
        elif self._is_awaited():
            reactor.call_soon(self._introduce_held, sock)       # a socket's gate is not entered from inside ours
        elif not self._give_to_acceptor(sock):
            self._parked.append(sock)

    def _is_awaited(self) -> bool:
        """Is there a listener of 'connection', or a thread in `wait_for`?"""
        return "connection" in self._listeners or any(
            event == "connection" and not waiter.is_set for event, waiter in self._waiters or ())

    def _give_to_acceptor(self, sock: Socket) -> bool:
        while self._acceptors:
            if self._acceptors.popleft().set(sock):
                return True         # the thread releases the strand
        return False

    def _introduce_held(self, sock: Socket) -> None:
        strand = sock._strand
        assert strand is not None
        sock._enter(strand.post_first, self._introduce, sock)
        strand.release()

    def _inserted(self, event: str, entry: Entry) -> None:
        super()._inserted(event, entry)
        if event == "connection" and self._parked:
            parked, self._parked = self._parked, deque()
            for sock in parked:
                reactor.call_soon(self._introduce_held, sock)
            self._watch_again()

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        if event == "connection" and self._parked:
            sock = self._parked.popleft()
            reactor.call_soon(_release, sock)
            self._watch_again()
            return (sock,)
        return super()._reached(event)

    def _over(self) -> Optional[BaseException]:
        if self._failure is not None and not self._is_open() and not self._sockets:
            self._claim_error()
            return self._failure
        return None if super()._over() is None else cast(BaseException, error("ERR_SERVER_NOT_RUNNING"))

    def _watch_again(self) -> None:
        if self._listener is not None:
            reactor.call_soon(self._enter, self._sync)

    def _sync(self) -> None:
        """On the reactor thread: watch the listener, unless nobody takes what comes or descriptors are out."""
        rests = self._resting or len(self._parked) >= self._backlog or self._leaves_to_others()
        wanted = None if rests else self._listener
        if wanted is self._watched:
            return
        self._unwatch()
        if wanted is None:
            return
        try:
            wanted.set_interest(READ, 0, self)
        except (OSError, ValueError, KeyError) as problem:
            self._post(self._deliver_error, system_error(problem, "listen") if isinstance(problem, OSError)
                       else system_error("EMFILE", "listen", detail=str(problem)))
            return
        self._watched = wanted

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            try:
                watched.set_interest(0, READ, self)
            except (OSError, KeyError, ValueError):
                pass            # foreign code closed the descriptor: the selector has forgotten it

    def _accept_failed(self, listener: Listener, problem: OSError) -> None:
        """Out of descriptors, mostly: neither spin nor drop who waits. Rest until one of ours is closed, or for a
        moment. One 'error' tells of it, and no further one until nobody waits or it is another error."""
        if self._listener is not listener:
            return          # closed under us
        if self._starved != problem.errno:
            self._starved = problem.errno
            self._post(self._deliver_error, system_error(problem, "accept"))
        self._resting = True
        self._sync()
        reactor.call_later(STARVED_PAUSE, lambda: self._enter(self._try_again))

    def _try_again(self) -> None:
        """On the reactor thread."""
        self._resting = False
        self._sync()

    def _socket_closed(self, sock: Socket) -> None:
        """On the socket's strand, after its 'close' was delivered."""
        self._enter(self._forget_socket, sock)

    def _forget_socket(self, sock: Socket) -> None:
        if sock not in self._sockets:
            return
        self._sockets.discard(sock)
        if self._resting:
            reactor.call_soon(self._enter, self._try_again)
        elif self._max_connections is not None and self._listener is not None and self._listener.passes_on:
            self._watch_again()
        self._changed()
        self._close_if_over()

    def _hand_over(self) -> None:
        """What ends this life was posted. A foreign dispatch may never come to it: nobody is kept alive for that."""
        if self._dispatch is not None:
            call_on_pool(self._enter, self._socket_handed_over)     # behind the strand in the run queue

    def _socket_handed_over(self) -> None:
        """Or the 'close' of a socket was; if of all, ours follows when the dispatch comes to them."""
        if not self._is_open() and not any(map(lifetime.is_open, list(self._sockets))):
            lifetime.closed(self)

    def _is_told(self, event: str, problem: BaseException, *args: Any) -> bool:
        return event == "connection" and bool(args[0]._is_told(event, problem))

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
        self._make_gate()
        self._make_strand(None)
        self._living, self._resolving, self._watched = False, None, None
        self._sockets, self._parked, self._acceptors = set(), deque(), deque()
        self._waiters = self._watchers = None
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.abandon()

    def __repr__(self) -> str:
        where = self.address()
        if isinstance(where, AddressInfo):
            where = f"{where.address}:{where.port}"
        return f"<Server {'listening on ' + str(where) if where else 'not listening'}>"


def _release(sock: Socket) -> None:
    """Somebody has the socket: its events may come."""
    assert sock._strand is not None
    sock._strand.release()


def _discard(sock: Socket) -> None:
    """Nobody will take the socket."""
    sock.destroy()
    _release(sock)


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
    exclusive: bool = False

    @property
    def from_primary(self) -> bool:
        """In a worker of a cluster: does the primary own the listener?"""
        return (obtain_listener is not None and self.handle is None and not self.exclusive and not self.reuse_port)


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
    common: Dict[str, Any] = {"backlog": backlog, "signal": signal, "callback": callback or given,
                              "exclusive": bool(options.get("exclusive"))}
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
    """A handle that this file knows, or the descriptor of one that it does not know."""
    if isinstance(handle, (Server, Socket, BoundSocket, stdlib_socket.socket)):
        return handle
    if callable(getattr(handle, "fileno", None)):
        return check_int("handle.fileno()", handle.fileno(), -1, 2147483647)
    if hasattr(handle, "fd"):
        return check_int("handle.fd", handle.fd, 0, 2147483647)
    raise invalid_type("handle", "a Server, Socket, BoundSocket, socket.socket, or an object with fileno() or fd",
                       handle)


class _Source(NamedTuple):
    """A bound socket, and what is to be known of it."""

    socket: Any                         # a stdlib socket; for a named pipe: a `BoundPipe`
    path: Union[str, bytes, None] = None
    own: Optional[OwnPath] = None       # it was made here
    shared: bool = False                # others have descriptors of it
    lent: bool = False                  # the caller's, until it listens


def make_listener(plan: _Plan, host: Optional[str]) -> Listener:
    """Bind and listen. Raises `OSError`; what the caller gave is then still the caller's."""
    source = _source_of(plan, host)
    sock = source.socket
    try:
        sock.listen(plan.backlog)
    except BaseException:
        if source.own is not None:
            source.own.unlink()
        if source.lent:
            sock.detach()
        else:
            sock.close()
        raise
    if isinstance(plan.handle, stdlib_socket.socket):
        plan.handle.detach()
    return path_listener(sock, source.path, source.own, source.shared) or TcpListener(sock, source.shared)


def _source_of(plan: _Plan, host: Optional[str]) -> _Source:
    if plan.handle is not None:
        return _source_of_handle(plan.handle)
    if plan.fd is not None:
        if sys.platform == "win32":
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        return _Source(_socket_on(plan.fd), shared=True, lent=True)
    if plan.path is not None:
        sock, own = bind_path(plan.path, plan.mode)
        return _Source(sock, plan.path, own)
    return _Source(bind_somewhere(host, plan.port, plan.ipv6_only, plan.reuse_port))


def _source_of_handle(handle: Any) -> _Source:
    if isinstance(handle, Socket):
        handle = handle._bound_handle() or handle
    if isinstance(handle, (BoundSocket, Adopted)):
        adopted = handle._adopt() if isinstance(handle, BoundSocket) else handle
        return _Source(adopted.socket, adopted.path, adopted.own)
    if isinstance(handle, stdlib_socket.socket):
        return _Source(_socket_on(handle.fileno()), shared=True, lent=True)
    if isinstance(handle, Server):
        listener = handle._listener
        if not isinstance(listener, SocketListener):        # none, or one that cannot be shared
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        listener.shared = True
        handle = listener.socket
    number = stdlib_socket.dup(handle if isinstance(handle, int) else handle.fileno())
    try:
        return _Source(_socket_on(number), shared=True)
    except BaseException:
        stdlib_socket.close(number)
        raise


def _socket_on(number: int) -> stdlib_socket.socket:
    """A stdlib socket on a descriptor. Raises `OSError(EINVAL)` if it is no socket, and leaves it open."""
    try:
        return stdlib_socket.socket(fileno=number)
    except OSError as problem:
        code = errno.EINVAL if problem.errno == errno.ENOTSOCK else problem.errno or errno.EINVAL
        raise OSError(code, os.strerror(code)) from None
    except ValueError:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None


# Node's texts, where some system has another one.
_NODE_TEXT = {errno.EADDRNOTAVAIL: "address not available", errno.EADDRINUSE: "address already in use",
              errno.EACCES: "permission denied"}


def _listen_error(problem: OSError, plan: _Plan, host: Optional[str]) -> OSError:
    """Node's message: 'listen EADDRINUSE: address already in use 127.0.0.1:8124'."""
    detail = _NODE_TEXT.get(problem.errno or 0) or (problem.strerror or "").lower() or None
    if plan.handle is not None or plan.fd is not None:
        return system_error(problem, "listen", detail=detail)
    if plan.path is not None:
        return system_error(problem, "listen", os.fsdecode(plan.path), detail=detail)
    return system_error(problem, "listen", host or ("::" if stdlib_socket.has_ipv6 else "0.0.0.0"), plan.port,
                        detail=detail)


def _resolve(host: str) -> str:
    """The address to bind to for a host's name: the system's first, as in Node no link-local one."""
    found = stdlib_socket.getaddrinfo(host, None, 0, stdlib_socket.SOCK_STREAM)
    for kind, _, _, _, sockaddr in found:
        address = str(sockaddr[0])
        if kind == stdlib_socket.AF_INET or (kind == stdlib_socket.AF_INET6
                                             and not address.lower().startswith(("fe8", "fe9", "fea", "feb"))):
            return address
    raise stdlib_socket.gaierror(stdlib_socket.EAI_NONAME, "no address")
