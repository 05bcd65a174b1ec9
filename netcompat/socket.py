"""`Socket`: a connection as the user holds it. TCP, Unix-domain sockets and, on Windows, named pipes.

`stream.py` decides what a stream does; this file joins it to a transport, to the reactor and to a strand, and adds what
only a connection has: connecting, addresses, options, the idle time-out. What blocks is in `blocking.py`.

Which threads run it: methods every thread; names that begin with `_on_` the reactor; `_receive` and `_deliver…` the
strand. Everything between `_enter` and its return is inside the gate, which guards all state; the transport's system
calls are made there too, so none can meet a descriptor that another thread has closed. They do not block.
"""
from __future__ import annotations

import errno
import os
import socket as stdlib_socket
import threading
import warnings
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from .addresses import AddressInfo
from .arguments import (check_block_list, check_callback, check_dispatch, check_int, check_mark, check_msecs,
                        check_signal, whole_seconds)
from .blocking import BlockingMixin
from .blocklist import BlockList
from .connecting import CONNECT_OPTIONS, Connector, PathConnector, Plan, plan_connect
from .emitter import _Once
from .errors import AbortError, error, invalid_type, invalid_value, system_error
from .runtime import lifetime
from .runtime.clock import monotonic
from .runtime.gate import GATE_CODES
from .runtime.reactor import EDGE, HAS_GIL, READ, WRITE, Channel, Timer, reactor
from .runtime.strand import Dispatch, Strand
from .runtime.verdicts import LISTENER_CALLERS
from .runtime.workers import begins, call_on_pool
from .stream import ABSENT, CONNECTING, GONE, LINK, NEW, OPEN, READING, Duplex
from .transports.adopt import adopt, directions, wrap
from .transports.base import SEND_LATER
from .transports.bound import BoundSocket
from .transports.tcp import TcpTransport, address_info

if TYPE_CHECKING:
    from .events import SocketListening

__all__ = ["OnRead", "Socket", "connect", "create_connection"]

FULL_PAUSE = 0.01       # seconds until a send is tried again that took nothing although the selector saw room
# Bytes that a receive asks for. A message of 64 KiB must not look like part of a stream; 128 KiB would be at the
# allocator's first mmap threshold, where each receive of a fresh process maps and unmaps memory. A receive that was
# filled is part of a stream: that fills the next one too, and so much memory at once pays.
RECEIVE, RECEIVE_STREAM = 98304, 262144
RECEIVE_AHEAD = 65536   # likewise, when nobody takes the bytes at once

AGAIN = "again"         # for `_sync_asked`: and to have the selector say once more what waits

_get_ident = threading.get_ident


class OnRead(NamedTuple):
    """Receive into memory of your own: into `buffer`, or into what `buffer()` returns, just before each receive.

    `callback(nread, buffer)` replaces 'data'; returning `False` pauses. Node: the `onread` option.
    """

    buffer: Any
    callback: Callable[[int, Any], Any]


class Socket(BlockingMixin, Duplex, lifetime.Handle, Channel):
    """A connection: a duplex stream over TCP or an IPC path. Node: `net.Socket`.

    Keywords: `fd` or `handle` (a stdlib socket, detached from its owner, or a `BoundSocket`); `allow_half_open`;
    `readable`, `writable`; `onread`; `signal`; `high_water_mark` (bytes); `no_delay`, `keep_alive`,
    `keep_alive_initial_delay` (ms), `type_of_service`; `block_list`; `dispatch` (where the listeners run).

    Events: 'close'(had_error), 'connect', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout',
    'data'(chunk), 'drain', 'end', 'error'(error), 'finish', 'lookup', 'pause', 'pipe', 'readable', 'ready', 'resume',
    'timeout', 'unpipe'.
    """

    __slots__ = (
        "_transport", "_connector", "_server", "_intake", "_interest", "_sync_asked", "_life", "_living", "_refed",
        "_connecting", "_next_life", "_readable_half", "_writable_half", "_reset", "_options", "_peer", "_local",
        "_path", "_timeout", "_timer", "_active", "_timed_out", "_onread", "_helpers", "_rearm_posted", "_readers",
        "_signal", "_on_abort", "_block_list", "_steps", "_refused", "_full", "_receive_size",
        "auto_select_family_attempted_addresses",
    )

    if TYPE_CHECKING:       # the same methods, event by event
        on: SocketListening                         # type: ignore[assignment]
        once: SocketListening                       # type: ignore[assignment]
        add_listener: SocketListening               # type: ignore[assignment]
        prepend_listener: SocketListening           # type: ignore[assignment]
        prepend_once_listener: SocketListening      # type: ignore[assignment]

    def __init__(self, *, fd: Optional[int] = None, handle: Any = None, allow_half_open: bool = False,
                 readable: Optional[bool] = None, writable: Optional[bool] = None, onread: Optional[OnRead] = None,
                 signal: Any = None, high_water_mark: Optional[int] = None, no_delay: bool = False,
                 keep_alive: bool = False, keep_alive_initial_delay: int = 0, type_of_service: Optional[int] = None,
                 block_list: Optional[BlockList] = None, dispatch: Optional[Dispatch] = None) -> None:
        check_dispatch(dispatch)
        self._options: Optional[Dict[str, Any]] = None      # what is to be set once there is a connection
        self._onread = check_onread(onread)
        self._block_list = check_block_list(block_list)
        self._signal = check_signal(signal)
        self._transport: Any = None
        if high_water_mark is not None:
            check_mark(high_water_mark)
        remember_options(self, no_delay or None, keep_alive or None, keep_alive_initial_delay, type_of_service)
        given = adopt(fd, handle)       # last: a mistake in the others must leave it with its owner
        can_read, can_write = directions(given) if given is not None else (True, True)
        self._readable_half = can_read if readable is None else bool(readable) and can_read
        self._writable_half = can_write if writable is None else bool(writable) and can_write
        self._begin(allow_half_open, high_water_mark, dispatch)
        bound = isinstance(handle, BoundSocket)
        self._hold_reading = given is None or bound
        if given is not None:
            self._enter(self._attach_bound if bound else self._attach, given)
        if signal is not None:
            self._follow(signal)

    def _begin(self, allow_half_open: bool, high_water_mark: Optional[int], dispatch: Optional[Dispatch]) -> None:
        Duplex.__init__(self, allow_half_open=allow_half_open, readable=self._readable_half,
                        writable=self._writable_half, high_water_mark=high_water_mark)
        self._make_strand(dispatch, self._receive)
        assert self._strand is not None
        # With a foreign dispatch the pool receives, up to the high-water mark, and only the listeners run over there.
        self._intake = self._strand if self._strand.dispatch is None else Strand(self._lock, None, self._receive)
        self._connector: Any = None         # while connecting: a Connector or a PathConnector
        self._server: Any = None
        self._receive_size = RECEIVE    # bytes that the next receive asks for
        self._interest = 0              # what the selector watches; changed by the reactor only
        self._full = False              # the kernel says that there is room, and takes nothing: pause for a moment
        self._sync_asked: Any = False   # the reactor has been asked to look at the interest again; or AGAIN
        self._life = 0                  # counts connections: the same object can connect again
        self._living = False            # from the first step of a life until its 'close' is delivered
        self._refed = True
        self._connecting = False        # from connect() until 'connect' is delivered
        self._steps: Optional[List[Tuple[str, Tuple[Any, ...]]]] = None     # events of connecting, told in this life
        self._refused = False           # connecting failed: what led to it is still told
        self._next_life: Optional[Callable[[], None]] = None        # a connect that waits for the 'close' of this life
        self._reset = False             # close with an RST
        self._peer: Any = None          # the peer's sockaddr, once known
        self._local: Any = None         # ours, likewise
        self._path: Optional[str] = None
        self._timeout: Optional[float] = None       # ms of idleness until 'timeout'; 0 and None: never
        self._timer: Optional[Timer] = None
        self._active = 0.0              # when something happened last; kept only while there is a time-out
        self._timed_out = False         # 'timeout' was told and nothing happened since
        self._readers = None            # threads that wait in `recv`, oldest first
        self._helpers = None            # threads that wait in any blocking helper
        self._rearm_posted = False      # the strand will watch for input again when it is done
        self._on_abort: Any = None
        self.auto_select_family_attempted_addresses: List[str] = []     # 'address:port', in order; Node: same name

    @classmethod
    def _accepted(cls, transport: Any, peer: Any, server: Any) -> "Socket":
        """A connection that a server accepted: on the reactor thread, for many connections a second."""
        made = cls.__new__(cls)
        made._options = None
        made._onread = made._block_list = made._signal = None
        made._readable_half = made._writable_half = True
        made._begin(server.allow_half_open, server._high_water_mark, server._dispatch)
        made._transport = transport
        made._peer = peer
        made._server = server
        made._link = OPEN
        made._living = True
        if server.pause_on_connect:
            made._flowing, made._hold_reading = False, True
        return made

    @classmethod
    def _with_input(cls, sock: stdlib_socket.socket, data: bytes, writable: bool, **options: Any) -> "Socket":
        """For `netcompat.cluster`: a connection that another process had, with what that one had read of it."""
        made = cls(**options)
        made._writable_half = writable
        made._enter(made._attach_with_input, sock, data, writable)
        return made

    def _attach_with_input(self, sock: stdlib_socket.socket, data: bytes, writable: bool) -> None:
        if not writable:
            self._output = ABSENT
        self._hold_reading = False      # it is connected
        if data:
            self._feed(data)
        self._attach(wrap(sock))

    # ---- connecting ----

    def connect(self, *args: Any, **options: Any) -> "Socket":
        """Connect, in the background: `connect(port[, host][, listener])`, `connect(path[, listener])`, or keywords.

        TCP: `port`, `host='localhost'`, `local_address`, `local_port`, `family` (0, 4, 6), `hints` (`socket.AI_*`),
        `lookup`, `no_delay`, `keep_alive`, `keep_alive_initial_delay` (ms), `auto_select_family`,
        `auto_select_family_attempt_timeout` (ms), `block_list`. IPC: `path`, which wins over `port`. Both: `timeout`
        (ms, as `set_timeout`), `connect_listener`. Returns `self`. Raises argument errors only; what the network does
        reaches 'error'. On a closed socket it begins a new life. Node: `socket.connect`.
        """
        plan = plan_connect(args, options, self._block_list)
        remember_options(self, options.get("no_delay"), options.get("keep_alive"),
                         options.get("keep_alive_initial_delay", 0), options.get("type_of_service"))
        listener = plan.listener
        if listener is not None:
            self._emit_if_heard("newListener", "connect", listener)
        if plan.timeout is not None:
            self._enter(self._set_timeout, plan.timeout)
        self._enter(self._connect, plan)
        return self

    def _connect(self, plan: Plan) -> None:
        if self._link is GONE:
            if self._signal is not None and self._signal.aborted:
                return                  # aborted for good
            if self._living:            # its 'close' is still to come
                self._connecting = True
                self._next_life = lambda: self._connect(plan)
                return
            self._next_life = None
            flowing, paused, encoding = self._flowing, self._paused, self._encoding
            hold_reading = self._hold_reading or self._peer is not None     # who asked and never got it asks still
            self._new_life(self._readable_half, self._writable_half)
            if "readable" in self._listeners:
                flowing = False             # it may have come when there was nothing more to read
            self._flowing, self._paused = flowing, paused       # as in Node: who listened then still listens
            self._hold_reading = hold_reading
            if encoding:
                self._set_encoding(encoding)
            self._peer = self._local = self._path = None
            self._reset = False
            self.auto_select_family_attempted_addresses = []
        elif self._link is not NEW:
            number = errno.EISCONN if self._link is OPEN else errno.EALREADY
            target = plan.target
            where = (os.fsdecode(plan.path or ""), None) if target is None else (target.host, target.port)
            self._destroy(system_error(number, "connect", *where))
            return
        self._steps, self._refused = None, False
        self._live()                # first of all: what the reactor cannot start for is raised, and nothing changed
        self._link = self._moved("link", LINK[self._link, "connect"])
        self._connecting = True
        if plan.listener is not None:       # not before: the last life's 'connect' is not for it
            self._insert("connect", _Once(plan.listener), False)
        self._touch()
        bound = (self._options or {}).pop("bound", None)
        connector: Any
        if plan.path is not None:
            connector = PathConnector(self, plan.path, bound)
        else:
            assert plan.target is not None
            connector = Connector(self, plan.target, bound)
        self._connector = connector
        reactor.call_soon(connector.start)

    def _connecting_told(self, event: str, args: Tuple[Any, ...]) -> None:
        """Look-up and race: each step is an event."""
        if self._link is CONNECTING:
            self._post(self._deliver_step, event, *args)

    def _connected(self, transport: Any, peer: Any) -> None:
        self._connector = None
        if self._link is not CONNECTING:
            transport.close()           # destroyed in this very moment; 'close' follows from the connector's `cancel`
            return
        self._transport = transport
        self._peer = peer
        self._touch()
        self._post(self._deliver_connect)
        if not self.is_paused() or "readable" in self._listeners:
            self._hold_reading = False      # else it was paused before, and nothing is read ahead either
        self._apply_options()
        self._established()
        self._interest_changed()
        if self._reset:
            self._post(self._enter, self._destroy, None)        # after 'connect', as in Node

    def _destroy_asked(self, problem: Optional[BaseException]) -> None:
        if self._next_life is not None:     # it was asked for before this, and has not begun
            self._next_life, self._connecting = None, False
        if self._refused:
            self._refused = False           # no further step is told
            if self._running_here() and "error" not in (self._told or ()):
                self._error, self._had_error = problem, problem is not None     # nor what they led to
        super()._destroy_asked(problem)

    def _deliver_error(self, problem: BaseException) -> None:
        """A `destroy` in a listener of a step may have come before the failure that was posted: what it says counts."""
        if self._error is not None:
            super()._deliver_error(self._error)

    def _connect_failed(self, problem: BaseException) -> None:
        self._connector = None
        self._refused = self._link is CONNECTING
        self._destroy(problem)

    def _attach(self, transport: Any) -> None:
        """The connection was there first: `fd` and `handle`."""
        self._transport = transport
        self._link = self._moved("link", LINK[self._link, "attach"])
        self._peer = transport.remote()
        self._live()
        self._apply_options()
        self._interest_changed()

    def _attach_bound(self, transport: Any) -> None:
        """A `BoundSocket`: bound to a local address, still to be connected."""
        self._transport = None
        self._options = dict(self._options or {}, bound=transport)

    def _bound_handle(self) -> Any:
        """Give away the `BoundSocket` that was adopted and not yet used, if there is one: `listen(handle=socket)`."""
        return self._enter((self._options or {}).pop, "bound", None) if self._link is NEW else None

    def _live(self) -> None:
        if not self._living:
            lifetime.opened(self, self._refed)
            self._living = True

    def _follow(self, signal: Any) -> None:
        """Be destroyed when `signal` aborts."""
        def on_abort(*_: Any) -> None:
            self.destroy(AbortError(cause=signal.reason))
        if signal.aborted:
            on_abort()
        else:
            self._on_abort = on_abort
            signal.on("abort", on_abort)
            if signal.aborted:      # in this very moment
                on_abort()

    # ---- life and reference ----

    def ref(self) -> "Socket":
        """Keep the process alive while open, as from the start. Node: `socket.ref`."""
        self._refed = True
        if self._living:
            lifetime.ref(self)
        return self

    def unref(self) -> "Socket":
        """Let the process end although the socket is open. Node: `socket.unref`."""
        self._refed = False
        lifetime.unref(self)
        return self

    def reset_and_destroy(self) -> "Socket":
        """Close with an RST: the peer gets `ECONNRESET`. Node: `socket.resetAndDestroy`.

        Raises `ERR_INVALID_HANDLE_TYPE` on IPC. While connecting it resets as soon as connected. Not connected:
        `ERR_SOCKET_CLOSED` reaches 'error'.
        """
        transport, connector = self._transport, self._connector
        if getattr(transport, "kind", "tcp") != "tcp" or isinstance(connector, PathConnector):
            raise error("ERR_INVALID_HANDLE_TYPE", action="reset")
        self._enter(self._reset_now)
        return self

    def _reset_now(self) -> None:
        if self._link is NEW:
            self._destroy(error("ERR_SOCKET_CLOSED"))
            return
        if self._link is not GONE:
            self._reset = True
        if self._link is OPEN:
            self._destroy(None)

    @property
    def server(self) -> Any:
        """The server that accepted it, or `None`."""
        return self._server

    # ---- state ----

    @property
    def connecting(self) -> bool:
        """True from `connect()` until 'connect'. Node: `socket.connecting`."""
        return self._connecting

    @property
    def pending(self) -> bool:
        """True before it is connected: not yet asked to, or connecting. Node: `socket.pending`."""
        return self._connecting or self._transport is None

    @property
    def ready_state(self) -> str:
        """'opening', 'open', 'readOnly', 'writeOnly' or 'closed'. Node: `socket.readyState`."""
        if self._connecting:
            return "opening"
        return {(True, True): "open", (True, False): "readOnly", (False, True): "writeOnly",
                (False, False): "closed"}[self.readable, self.writable]

    @property
    def buffer_size(self) -> int:
        """Deprecated: `writable_length`. Node: `socket.bufferSize`."""
        warnings.warn("buffer_size is deprecated: use writable_length", DeprecationWarning, 2)
        return self._queued

    # ---- addresses ----

    def address(self) -> AddressInfo:
        """The local `AddressInfo(address, family, port)`; three `None` without a connection. Node: `socket.address`."""
        return self._enter(self._local_info) or AddressInfo(None, None, None)

    @property
    def local_address(self) -> Optional[str]:
        """Node: `socket.localAddress`."""
        return self.address().address

    @property
    def local_port(self) -> Optional[int]:
        """Node: `socket.localPort`."""
        return self.address().port

    @property
    def local_family(self) -> Optional[str]:
        """'IPv4' or 'IPv6'. Node: `socket.localFamily`."""
        return self.address().family

    @property
    def remote_address(self) -> Optional[str]:
        """The peer's address; still there after the close. Node: `socket.remoteAddress`."""
        info = address_info(self._peer)
        return info.address if info else None

    @property
    def remote_port(self) -> Optional[int]:
        """Node: `socket.remotePort`."""
        info = address_info(self._peer)
        return info.port if info else None

    @property
    def remote_family(self) -> Optional[str]:
        """'IPv4' or 'IPv6'. Node: `socket.remoteFamily`."""
        info = address_info(self._peer)
        return info.family if info else None

    def _local_info(self) -> Optional[AddressInfo]:
        if self._local is None and self._transport is not None and self._link is not GONE:
            self._local = self._transport.local()
        return address_info(self._local) if self._link is not GONE else None

    # ---- options ----

    def set_timeout(self, msecs: float, callback: Optional[Callable[[], Any]] = None) -> "Socket":
        """Emit 'timeout' after `msecs` of idleness, once for each idle period; the socket stays open. 0: never.

        `callback` becomes a one-time listener of 'timeout'; with 0 it is taken off. Node: `socket.setTimeout`.
        """
        check_msecs("msecs", msecs)
        check_callback(callback)
        if self.destroyed:
            return self
        self._enter(self._set_timeout, msecs)
        if callback is not None:
            if msecs:
                self.once("timeout", callback)
            else:
                self.off("timeout", callback)
        return self

    @property
    def timeout(self) -> Optional[float]:
        """Milliseconds as set by `set_timeout`, 0 for never; `None` if it was not called. Node: `socket.timeout`."""
        return self._timeout

    def set_no_delay(self, no_delay: bool = True) -> "Socket":
        """Send small writes at once (`TCP_NODELAY`). Without effect on IPC. Node: `socket.setNoDelay`."""
        self._enter(self._option, "no_delay", bool(no_delay))
        return self

    def set_keep_alive(self, enable: bool = False, initial_delay: int = 0, interval: Optional[int] = None,
                       count: Optional[int] = None) -> "Socket":
        """Have the kernel probe an idle connection: first after `initial_delay` ms, then every `interval` ms, `count`
        times; 0 and `None` leave the system's values. Node: `socket.setKeepAlive`."""
        for name, value in (("initial_delay", initial_delay), ("interval", interval), ("count", count)):
            if value is not None:
                check_msecs(name, value)
        self._enter(self._option, "keep_alive", (bool(enable), initial_delay, interval, count))
        return self

    def set_type_of_service(self, tos: int) -> "Socket":
        """Set the IP header's type of service (traffic class), 0 to 255. Node: `socket.setTypeOfService`."""
        check_int("tos", tos, 0, 255)
        self._enter(self._option, "type_of_service", tos)
        return self

    def get_type_of_service(self) -> int:
        """What is set, or was asked for before the connection. Node: `socket.getTypeOfService`."""
        value = self._enter(self._get_tos)
        return int(value or 0)

    def _get_tos(self) -> int:
        if isinstance(self._transport, TcpTransport) and self._link is OPEN:
            try:
                return self._transport.get_type_of_service()
            except OSError as problem:
                raise system_error(problem, "getTypeOfService") from None
        return int((self._options or {}).get("type_of_service", 0))

    def fileno(self) -> int:
        """The descriptor's number, -1 without a connection. It stays the socket's: do not close it."""
        transport = self._transport
        return transport.fileno() if transport is not None and self._link is OPEN else -1

    def setsockopt(self, level: int, option: int, value: Union[int, bytes]) -> None:
        """As `socket.socket.setsockopt`. Raises `OSError`; `ERR_SOCKET_CLOSED` without a connection."""
        self._stdlib().setsockopt(level, option, value)

    def getsockopt(self, level: int, option: int, size: Optional[int] = None) -> Union[int, bytes]:
        """As `socket.socket.getsockopt`. Raises `OSError`; `ERR_SOCKET_CLOSED` without a connection."""
        sock = self._stdlib()
        return sock.getsockopt(level, option) if size is None else sock.getsockopt(level, option, size)

    def _stdlib(self) -> stdlib_socket.socket:
        sock = getattr(self._transport, "socket", None)
        if self._link is not OPEN or not isinstance(sock, stdlib_socket.socket):
            raise error("ERR_SOCKET_CLOSED")
        return sock

    def _option(self, name: str, value: Any) -> None:
        """Remember an option for the next connection, and set it on this one."""
        self._options = dict(self._options or {}, **{name: value})
        if self._link is OPEN:
            self._set_option(name, value)

    def _apply_options(self) -> None:
        for name, value in (self._options or {}).items():
            self._set_option(name, value)

    def _set_option(self, name: str, value: Any) -> None:
        transport = self._transport
        if not isinstance(transport, TcpTransport):
            return
        try:
            if name == "no_delay":
                transport.set_no_delay(value)
            elif name == "keep_alive":
                enable, delay, interval, count = value
                transport.set_keep_alive(enable, whole_seconds(delay), whole_seconds(interval), count)
            elif name == "type_of_service":
                transport.set_type_of_service(value)
        except OSError:
            if self._link is OPEN and transport.remote() is not None:
                raise       # a connection that is gone says so by itself

    # ---- the idle time-out ----

    def _set_timeout(self, msecs: float) -> None:
        self._timeout = msecs
        self._timed_out = False
        if self._timer is not None:
            self._drop_timer()
        if msecs:
            self._active = monotonic()
            self._arm_timer(msecs / 1000)

    def _arm_timer(self, seconds: float) -> None:
        self._timer = timer = Timer(monotonic() + seconds, self._on_timer)
        reactor.holders.add(timer)          # first this: without a connection nothing else keeps the reactor for it
        reactor.call_soon(reactor.arm, timer)

    def _drop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            reactor.holders.discard(timer)
            if not reactor.holders:
                reactor.nudge()

    def _touch(self) -> None:
        """Something happened: the idle period begins anew. The timer is not moved; when due it looks at the stamp."""
        if self._timeout and self._link is not GONE:
            self._active = monotonic()
            self._timed_out = False
            if self._timer is None:
                self._arm_timer(self._timeout / 1000)

    def _helper_waits(self) -> None:
        """A thread begins to wait. If the idle period was over before, it has one of its own; 'timeout' was told."""
        if self._timeout and self._timed_out and self._timer is None:
            self._active = monotonic()
            self._arm_timer(self._timeout / 1000)

    def _on_timer(self) -> None:
        self._enter(self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._drop_timer()
        if not self._timeout or self._link is GONE:
            return
        left = self._active + self._timeout / 1000 - monotonic()
        if left > 0:
            self._arm_timer(left)
            return
        told, self._timed_out = self._timed_out, True
        self._time_out_helpers()
        if not told:
            self._post(self._deliver_timeout)

    def _deliver_timeout(self) -> None:
        if self._link is not GONE:
            self._deliver("timeout")

    # ---- the hooks of the stream; inside the gate ----

    def _running_here(self) -> bool:
        return self._strand is not None and self._strand.runner == _get_ident()

    def _transmit(self, data: Any) -> int:
        sent: int
        try:
            if type(data) is list:
                sent = self._transport.send_many(data)
            else:
                send = self._transport.send
                sent = send(data)
        except OSError as problem:
            if problem.errno not in SEND_LATER:
                raise
            return 0
        if self._timeout and sent:
            self._touch()
        return sent

    def _send_fin(self) -> None:
        self._transport.send_fin()

    def _wants_read(self) -> bool:
        return super()._wants_read() and (
            self._onread is None or (self._flowing is not False and not self._flow_posted))

    def _flows(self) -> bool:
        """Does what is received go to the listeners at once, as it is?"""
        return bool(self._flowing and self._buffer is None and self._decoder is None and self._input is READING
                    and self._link is OPEN and not self._readers and self._intake is self._strand)

    def _wanted(self) -> int:
        wanted = READ if self._readers or self._wants_read() else 0
        if not self._full and self._wants_write():
            return wanted | WRITE
        return wanted | EDGE if self._interest & EDGE and wanted and self._flows() else wanted

    def _interest_changed(self) -> None:
        """Ask the reactor for what is newly wanted. What is no longer wanted goes when the reactor meets it: mostly it
        is wanted again before that, and no system call was needed."""
        if self._transport is None or self._sync_asked:
            return
        wanted, interest = self._wanted(), self._interest
        if wanted & ~interest or interest & ~wanted & EDGE:
            self._ask_sync()

    def _ask_sync_of_edges(self) -> None:
        """What was watched for EDGE was said, and is not received to the end. It must be said again, even if all is
        wanted again, as it was, by the time the reactor comes to it."""
        if not self._interest & EDGE:
            self._ask_sync()
            return
        asked, self._sync_asked = self._sync_asked, AGAIN
        if not asked:
            reactor.call_soon(self._enter, self._sync)

    def _ask_sync(self) -> None:
        if not self._sync_asked:
            self._sync_asked = True
            if _get_ident() == reactor.ident:
                self._sync()
            else:
                reactor.call_soon(self._enter, self._sync)

    def _sync(self) -> None:
        """On the reactor thread: have the selector watch exactly what is wanted."""
        again, self._sync_asked = self._sync_asked is AGAIN, False
        if self._transport is None:
            return
        wanted = self._wanted()
        if wanted != self._interest or again:
            try:
                self._transport.set_interest(wanted, self._interest, self)
            except (OSError, ValueError, KeyError) as problem:      # foreign code closed it; or select() is full
                self._interest = 0
                self._destroy(system_error(problem if isinstance(problem, OSError) else "EBADF", "watch"))
                return
            self._interest = wanted

    def _release(self) -> None:
        """Close the connection. A registered descriptor is closed by the reactor, after it let go of it."""
        self._connecting = False
        if self._timer is not None:
            self._drop_timer()
        self._live()
        self._fail_helpers()
        if self._connector is not None:
            connector, self._connector = self._connector, None
            connector.cancel()
        elif self._transport is None:
            bound = (self._options or {}).pop("bound", None)
            if bound is not None:
                bound.close()
            self._released()
        elif _get_ident() == reactor.ident:
            self._close_transport()
        else:
            reactor.call_soon(self._enter, self._close_transport)

    def _close_transport(self) -> None:
        transport, self._transport = self._transport, None
        if transport is None:
            return              # a `destroy` that was interrupted asked twice
        if self._interest:
            try:
                transport.set_interest(0, self._interest, self)
            except (OSError, KeyError, ValueError):
                pass            # foreign code closed the descriptor: the selector has forgotten it
            self._interest = 0
        if getattr(self._error, "errno", None) in (errno.EBADF, errno.ENOTSOCK):
            transport.forget()      # likewise; its number may be somebody else's by now
        try:
            transport.close(self._reset)
        except OSError:
            pass            # whatever it is, the descriptor is gone
        self._released()

    # ---- the reactor ----

    def _claim_input(self) -> bool:
        if self._readers:
            return False
        if self._intake.claim_readable():
            return True
        if self._interest & EDGE:
            self._intake.note_readable()
            return True
        return False

    def _on_ready(self, mask: int) -> None:
        if mask & WRITE:
            self._enter(self._flush_and_sync)
        if mask & READ and not self._claim_input():
            self._enter(self._on_busy)

    def _on_lost(self, problem: OSError) -> None:
        self._interest = 0
        if self._transport is not None:
            self._transport.forget()
        self.destroy(system_error("EBADF", "read"))

    def _flush_and_sync(self) -> None:
        if self._link is OPEN:
            before = self._queued
            self._flush()
            if self._queued == before and self._wants_write():      # short of memory: do not spin until it has some
                self._full = True
                reactor.call_later(FULL_PAUSE, lambda: self._enter(self._try_again))
            if self._interest != self._wanted():
                self._sync()

    def _try_again(self) -> None:
        self._full = False
        self._interest_changed()

    def _on_busy(self) -> None:
        """There is input for a thread that waits in `recv`, or for a strand that is busy."""
        if self._readers:
            self._wake_reader()
            if self._readers or not self._intake.busy():
                return
        if self._link is not OPEN:
            return
        # Where the selector can say a thing once, the strand remembers it. Else watch no more until it is done; a
        # blocking reader in it watches again when it needs to.
        interest = self._interest & ~READ
        if self._interest == READ and reactor.has_edges and self._onread is None and self._flows():
            interest = READ | EDGE
        try:
            self._transport.set_interest(interest, self._interest, self)
        except (OSError, KeyError, ValueError):
            self._interest = 0
            self._destroy(system_error("EBADF", "read"))
            return
        self._interest = interest
        if not interest & READ and not self._rearm_posted:
            self._rearm_posted = True
            self._intake.post(self._rearm)

    def _rearm(self) -> None:
        self._rearm_posted = False
        self._enter(self._interest_changed)

    # ---- the strand ----

    def _receive(self) -> None:
        """There is input: receive it and run the listeners, here and now."""
        if self._onread is not None:
            self._receive_onread()
            return
        if self._inside and self._must_not_wait():      # a finalizer that pumps an EventQueue: it will be said again
            return
        # Spelled out, at half the price of `with`: this is a worker, and no Ctrl-C strikes between the two lines.
        self._lock.acquire()
        try:
            if self._deferred:
                self._run_deferred()
            self._inside = True
            try:
                if (self._flowing and self._buffer is None and self._decoder is None and self._input is READING
                        and self._link is OPEN and not self._readers and self._intake is self._strand):
                    # `_flows`: most messages go to the listeners as they are, past `_take_in` and what it asks.
                    recv = self._transport.recv
                    chunk = recv(self._receive_size)
                    if chunk:
                        size = len(chunk)
                        self.bytes_read += size
                        if size >= RECEIVE or self._receive_size is not RECEIVE:
                            self._receive_size = RECEIVE_STREAM if size == self._receive_size else RECEIVE
                        if self._interest & EDGE:
                            self._intake.receive_again()        # until there is nothing: that alone is sure
                    else:
                        chunk = self._take_in(chunk)
                elif not self._readers and self._wants_read():
                    chunk = self._take_in(self._transport.recv(RECEIVE_AHEAD))
                    if self._interest & EDGE:
                        self._ask_sync_of_edges()
                else:
                    chunk = None
                    self._ask_sync_of_edges()
            except (BlockingIOError, InterruptedError):
                chunk = None
                self._ask_sync_if_unwanted()
            except (OSError, MemoryError) as problem:
                chunk = None
                self._lost(system_error(problem, "read") if isinstance(problem, OSError) else problem, None)
            finally:
                self._inside = False
                if self._deferred:
                    self._run_deferred()
        finally:
            self._lock.release()
        if self._timeout:
            self._enter(self._touch)
        if chunk is not None:
            self._deliver_data(chunk)
            if self._timeout:
                self._enter(self._touch)

    def _take_in(self, data: Optional[bytes]) -> Any:
        """What was received, none of it at the end: the chunk to deliver now, `None` if there is none. Inside."""
        chunk = self._feed(data) if data is not None else None
        if chunk is None:
            self._ask_sync_if_unwanted()
        elif self._intake is not self._strand:
            self._keep(chunk)
            chunk = None
        return chunk

    def _ask_sync_if_unwanted(self) -> None:
        if self._interest & READ and not self._wanted() & READ and self._link is not GONE:
            self._ask_sync()

    def _receive_onread(self) -> None:
        """`onread`: receive into the user's memory, on the thread on which listeners run."""
        onread = self._onread
        assert onread is not None
        if self._intake is not self._strand:
            if not self._running_here():
                self._enter(self._post_onread)
                return
            self._flow_posted = False
        buffer = onread.buffer
        if callable(buffer):
            try:
                buffer = buffer()
            except BaseException as problem:
                self._raised("data", problem)
                return
        count = self._enter(self._receive_into, buffer)
        if count:
            if self._timeout:
                self._enter(self._touch)
            if not HAS_GIL:
                begins(onread.callback)
            try:
                go_on = onread.callback(count, buffer)
            except BaseException as problem:
                self._raised("data", problem)
                return
            if go_on is False:
                self.pause()
        self._enter(self._interest_changed)

    def _post_onread(self) -> None:
        """Have the input received over there. Until then it is not watched: it would be reported again and again."""
        if not self._flow_posted:
            self._flow_posted = True
            self._post(self._receive_onread)
        self._ask_sync()

    def _receive_into(self, buffer: Any) -> int:
        if not self._wants_read():
            self._ask_sync()
            return 0
        try:
            count = self._transport.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as problem:
            self._lost(system_error(problem, "read"), None)
            return 0
        except (TypeError, ValueError, BufferError) as problem:
            self._destroy(problem)
            return 0
        if count is None:
            return 0
        if not count:
            if not memoryview(buffer).nbytes:
                self._destroy(invalid_value("onread.buffer", "must not be empty", buffer))
                return 0
            self._feed(b"")
            self._ask_sync()
            return 0
        self.bytes_read += count
        return int(count)

    def _deliver_connect(self) -> None:
        if self._enter(self._connect_told):
            self._deliver_state("connect")
            if self._link is not GONE:
                self._deliver_state("ready")

    def _connect_told(self) -> bool:
        if self._link is GONE:
            return False
        self._connecting = False
        self._steps = None
        return True

    def _deliver_step(self, event: str, *args: Any) -> None:
        entries = self._enter(self._remember_step, event, args)
        if entries is not None:
            if self._waiters is not None:
                self._wake_waiters(event, args)
            self._deliver_to(event, entries, args)

    def _remember_step(self, event: str, args: Tuple[Any, ...]) -> Optional[Tuple[Any, ...]]:
        """Note a step of connecting, for late listeners, and take the listeners of this moment."""
        if not self._connecting and not self._refused:
            return None
        self._steps = [*(self._steps or ()), (event, args)]
        return self._listeners.get(event, ())

    def _inserted(self, event: str, entry: Any) -> None:
        super()._inserted(event, entry)
        for told, args in self._steps or ():
            if told == event:
                self._post(self._deliver_late, event, entry, args)

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        for told, args in self._steps or ():
            if told == event:
                return args
        return super()._reached(event)

    def _may_deliver(self, event: str) -> bool:
        return super()._may_deliver(event) or (self._refused and event in _STEPS)

    def _deliver_close(self) -> None:
        signal, on_abort, self._on_abort = self._signal, self._on_abort, None
        if on_abort is not None:
            signal.off("abort", on_abort)
        life, had_error, entries = self._enter(self._close_told)
        if self._waiters is not None:
            self._wake_waiters("close", (had_error,))
        self._deliver_to("close", entries, (had_error,))
        self._enter(self._begin_next_life)
        self._life_over(life)

    def _close_told(self) -> Tuple[Any, ...]:
        """In one step: a `connect` on another thread begins a life that must not have this one's 'close' in it."""
        life = self._life
        self._living = False
        self._life += 1
        return life, self._had_error, self._remember("close", (self._had_error,))

    def _begin_next_life(self) -> None:
        next_life, self._next_life = self._next_life, None
        if next_life is not None and not self._living:
            next_life()

    def _released(self) -> None:
        super()._released()
        if self._strand is not None and self._strand.dispatch is not None:
            call_on_pool(self._enter, self._handed_over, self._life)        # behind the strand in the run queue

    def _handed_over(self, life: int) -> None:
        """'close' was handed to a foreign dispatch, which may never come to it: nobody is kept alive for that."""
        if life == self._life:
            lifetime.closed(self)
            if self._server is not None:
                self._server._socket_handed_over()

    def _life_over(self, life: int) -> None:
        server = self._server
        if server is not None:
            server._socket_closed(self)         # first this: its 'close' is to be delivered too
        if not self._living:
            lifetime.closed(self)

    # ---- what lifetime.py needs ----

    @property
    def _handle_kind(self) -> str:      # type: ignore[override]
        return getattr(self._transport, "kind", "tcp")

    def _queued_items(self) -> int:
        return self._strand.waiting() if self._strand is not None else 0

    def _destroy_handle(self) -> None:
        self._next_life = None
        self.destroy()

    def _abandon(self) -> None:
        self._make_gate()
        self._make_strand(None, self._receive)
        assert self._strand is not None
        self._intake = self._strand
        self._link, self._connecting, self._living = GONE, False, False
        self._queue = self._buffer = self._readers = self._waiters = None
        self._queued = self._buffered = self._interest = 0
        self._timer = self._helpers = None
        for thing in (self._transport, self._connector):
            if thing is not None:
                thing.abandon()
        self._transport = self._connector = None

    def __repr__(self) -> str:
        where = self._path or (f"{self.remote_address}:{self.remote_port}" if self._peer else "")
        return f"<Socket {self.ready_state}{' ' if where else ''}{where}>"


LISTENER_CALLERS.add(Socket._receive_onread.__code__)
GATE_CODES.add(Socket._receive.__code__)

_STEPS = ("lookup", "connectionAttempt", "connectionAttemptFailed", "connectionAttemptTimeout")


# ---- arguments ----

_SOCKET_OPTIONS = {"fd", "handle", "allow_half_open", "readable", "writable", "onread", "signal", "high_water_mark",
                   "no_delay", "keep_alive", "keep_alive_initial_delay", "type_of_service", "block_list", "dispatch"}


def create_connection(*args: Any, **options: Any) -> Socket:
    """A new `Socket`, connecting: the arguments of `Socket.connect` and of `Socket` together. Node: same name."""
    for name in options:
        if name not in CONNECT_OPTIONS and name not in _SOCKET_OPTIONS:
            raise TypeError(f"create_connection() got an unexpected keyword argument {name!r}")
    made = Socket(**{name: value for name, value in options.items()
                     if name in _SOCKET_OPTIONS and name not in ("block_list", "no_delay", "keep_alive",
                                                                 "keep_alive_initial_delay", "type_of_service")})
    try:
        return made.connect(*args, **{name: value for name, value in options.items() if name in CONNECT_OPTIONS})
    except BaseException:
        made.destroy()      # it may hold a descriptor, or listen to a signal
        raise


connect = create_connection


def remember_options(sock: Socket, no_delay: Any, keep_alive: Any, keep_alive_initial_delay: Any,
                     type_of_service: Any) -> None:
    """Options of the constructor and of `connect`, for the connection to come."""
    if keep_alive_initial_delay is not None:
        check_msecs("keep_alive_initial_delay", keep_alive_initial_delay)
    chosen: Dict[str, Any] = {}
    if no_delay is not None:
        chosen["no_delay"] = bool(no_delay)
    if keep_alive is not None:
        chosen["keep_alive"] = (bool(keep_alive), keep_alive_initial_delay, None, None)
    if type_of_service is not None:
        check_int("type_of_service", type_of_service, 0, 255)
        chosen["type_of_service"] = type_of_service
    if chosen:
        sock._options = dict(sock._options or {}, **chosen)


def check_onread(onread: Any) -> Optional[OnRead]:
    if onread is None:
        return None
    if not isinstance(onread, OnRead):
        raise invalid_type("onread", "an OnRead(buffer, callback)", onread)
    if not callable(onread.callback):
        raise invalid_type("onread.callback", "a callable", onread.callback)
    if not callable(onread.buffer):
        try:
            if memoryview(onread.buffer).readonly:
                raise TypeError
        except TypeError:
            raise invalid_type("onread.buffer", "a writable bytes-like object or a callable", onread.buffer) from None
    return onread
