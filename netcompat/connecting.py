"""From an address, or a name, to a connection: look-up, the race between address families, and giving up.

The race follows RFC 8305 ("Happy Eyeballs") with the events and the timing of Node: the addresses alternate between
the families, the family of the first answer first; one attempt at a time is *started*, the next when the last one
failed or its time is over. Where Node drops an attempt whose time is over, it stays in the race here, as the RFC has
it: on a slow route every single attempt would be dropped, and no connection made although each would succeed.
Left out of the RFC: its look-up half (one `getaddrinfo` answers for both families) and its sorting by history.

Which threads run it: the reactor, all of it but the look-up itself (`runtime/resolver.py`) and `cancel`, which comes
from whoever destroys the socket. The owner's methods (`_connecting_told`, `_connected`, `_connect_failed`) go through
its gate.
"""
from __future__ import annotations

import errno
import os
import socket
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from .addresses import check_port, is_ip
from .arguments import (check_block_list, check_callback, check_host, check_int, check_msecs, check_path, is_path,
                        split_place)
from .blocklist import BlockList
from .errors import AggregateError, error, invalid_type, invalid_value, lookup_error, system_error
from .runtime.clock import monotonic
from .runtime.reactor import WRITE, Channel, Timer, reactor
from .runtime.resolver import resolve
from .transports.base import connect_now, connect_result
from .transports.ipc import connect_path, is_busy
from .transports.tcp import TcpTransport, any_address, family_of, open_tcp, remote_sockaddr

__all__ = ["Connector", "PathConnector", "Plan", "Target", "get_default_auto_select_family",
           "get_default_auto_select_family_attempt_timeout", "plan_connect", "set_default_auto_select_family",
           "set_default_auto_select_family_attempt_timeout"]

PATH_PATIENCE = 30.0                # seconds that a path may be busy; what libuv waits for a named pipe
PATH_PAUSE, LONGEST_PATH_PAUSE = 0.001, 0.02        # seconds between two attempts: the first pause, doubled up to this

Lookup = Callable[..., Any]
Address = Tuple[Any, Any]       # (text, 4 or 6), as a look-up gave it


def _initial_timeout() -> int:
    text = os.environ.get("NETCOMPAT_AUTO_SELECT_FAMILY_ATTEMPT_TIMEOUT", "")
    return max(int(text), 10) if text.isdigit() and int(text) else 250


_auto_select_family = os.environ.get("NETCOMPAT_AUTO_SELECT_FAMILY", "1") != "0"
_attempt_timeout = _initial_timeout()


def get_default_auto_select_family() -> bool:
    """Do connects race the address families unless told otherwise? Node: `net.getDefaultAutoSelectFamily`."""
    return _auto_select_family


def set_default_auto_select_family(value: bool) -> None:
    """Set it; anything but a `bool` is `ERR_INVALID_ARG_TYPE`. Node: `net.setDefaultAutoSelectFamily`."""
    global _auto_select_family
    if not isinstance(value, bool):
        raise invalid_type("value", "bool", value)
    _auto_select_family = value


def get_default_auto_select_family_attempt_timeout() -> int:
    """Milliseconds until the next address is tried too. Node: `net.getDefaultAutoSelectFamilyAttemptTimeout`."""
    return _attempt_timeout


def set_default_auto_select_family_attempt_timeout(value: int) -> None:
    """Set it: milliseconds, a positive int; below 10 becomes 10. Node: `net.setDefault…AttemptTimeout`."""
    global _attempt_timeout
    _attempt_timeout = check_attempt_timeout("value", value)


def check_attempt_timeout(name: str, value: Any) -> int:
    return max(check_int(name, value, 1, 2147483647), 10)


class Target(NamedTuple):
    """Where to connect, checked: what `Socket.connect` was asked for."""

    host: str
    port: int
    local_address: Optional[str] = None
    local_port: Optional[int] = None
    family: int = 0
    hints: int = 0
    lookup: Optional[Lookup] = None
    race: bool = True               # auto_select_family
    attempt_timeout: int = 250      # ms
    block_list: Any = None


class Connector:
    """One `connect` of a socket (`owner`), from look-up to connection."""

    def __init__(self, owner: Any, target: Target, bound: Any = None) -> None:
        self.owner = owner
        self.target = target
        self.bound = bound      # an adopted `BoundSocket` to connect from: one attempt, no race
        self.over = False
        self.queue: List[Tuple[str, int]] = []      # addresses still to be tried
        self.attempts: List[_Attempt] = []          # attempts under way
        self.errors: List[BaseException] = []
        self.attempted: List[str] = owner.auto_select_family_attempted_addresses
        self.racing = False
        self.latest: Optional[_Attempt] = None      # the youngest attempt
        self.timer: Optional[Timer] = None          # until its time is over

    # ---- look-up ----

    def start(self) -> None:
        """On the reactor thread."""
        if self.over:
            return
        target = self.target
        kind = is_ip(target.host)
        if kind:
            self.begin([(target.host, kind)], racing=False)
            return
        every = target.race and target.family == 0 and target.local_address is None
        lookup = target.lookup or _system_lookup
        resolve(lambda: lookup(target.host, family=target.family, hints=target.hints, all=every),
                lambda answer, problem: self.looked_up(answer, problem, every))

    def looked_up(self, answer: Any, problem: Optional[BaseException], every: bool) -> None:
        if self.over:
            return
        host = self.target.host
        if problem is not None:
            if type(problem) is socket.gaierror and self.target.lookup is None:
                problem = lookup_error(problem, host)
            elif isinstance(problem, UnicodeError) and self.target.lookup is None:
                problem = lookup_error("ENOTFOUND", host)       # a name that no name server can be asked for
            self.tell("lookup", problem, None, None, host)
            self.fail(problem)
            return
        addresses = _as_list(answer)
        usable: List[Tuple[str, int]] = []
        for address, family in addresses if every else addresses[:1]:
            self.tell("lookup", None, address, family, host)
            if is_ip(address) and family in (4, 6):
                usable.append((address, family))
        if usable:
            self.begin(_alternate(usable) if every else usable, racing=every)
        elif not addresses:
            self.fail(lookup_error("ENOTFOUND", host))
        elif not is_ip(addresses[0][0]):
            self.fail(error("ERR_INVALID_IP_ADDRESS", received=addresses[0][0]))
        else:
            self.fail(error("ERR_INVALID_ADDRESS_FAMILY", family=addresses[0][1], host=host, port=self.target.port))

    # ---- attempts ----

    def begin(self, addresses: List[Tuple[str, int]], racing: bool) -> None:
        self.queue = addresses if self.bound is None else addresses[:1]
        self.racing = racing and len(self.queue) > 1
        self.next()

    def next(self) -> None:
        """Start the next attempt that can be started, or notice that the race is lost."""
        while self.queue and not self.over:
            address, family = self.queue.pop(0)
            attempt = self.attempt(address, family)
            if attempt is not None:
                if self.queue and not self.over:
                    self.timer = reactor.call_later(self.target.attempt_timeout / 1000, lambda: self.overdue(attempt))
                return
        if not self.attempts and not self.over:
            self.fail(AggregateError(self.errors) if self.racing else self.errors[0])

    def attempt(self, address: str, family: int) -> "Optional[_Attempt]":
        """Start an attempt; `None` if it failed at once."""
        target = self.target
        if self.racing and self.is_blocked(address, family):
            return None
        attempt = _Attempt(self, address, family)
        problem = attempt.open()
        if problem is not None:
            self.errors.append(problem)         # no local address: nothing was attempted
            return None
        if self.racing:
            self.attempted.append(f"{address}:{target.port}")
        self.tell("connectionAttempt", address, target.port, family)
        if not self.racing and self.is_blocked(address, family):
            attempt.close()
            return None
        self.attempts.append(attempt)
        self.latest = attempt
        problem = attempt.start()
        if problem is None:
            return attempt
        self.note_failure(attempt, problem)
        return None

    def is_blocked(self, address: str, family: int) -> bool:
        block_list = self.target.block_list
        if block_list is None or not block_list.check(address):
            return False
        blocked = error("ERR_IP_BLOCKED", address=address)
        self.errors.append(blocked)
        if self.racing:
            self.tell("connectionAttemptFailed", address, self.target.port, family, blocked)
        return True

    def overdue(self, attempt: "_Attempt") -> None:
        """The time of the last attempt is over: it stays in the race, and the next one starts."""
        self.timer = None
        if self.over or attempt not in self.attempts:
            return
        self.tell("connectionAttemptTimeout", attempt.address, self.target.port, attempt.family)
        self.next()

    def failed(self, attempt: "_Attempt", problem: BaseException) -> None:
        """An attempt that was under way has failed."""
        self.note_failure(attempt, problem)
        if self.timer is None or self.latest is attempt:
            self.stop_timer()
            self.next()         # else the youngest attempt still has its time: an old one's failure does not hurry it

    def note_failure(self, attempt: "_Attempt", problem: BaseException) -> None:
        self.attempts.remove(attempt)
        attempt.close()
        self.errors.append(problem)
        self.tell("connectionAttemptFailed", attempt.address, self.target.port, attempt.family, problem)

    def won(self, attempt: "_Attempt") -> None:
        self.attempts.remove(attempt)
        name = f"{attempt.address}:{self.target.port}"
        if self.racing:
            self.attempted.remove(name)
            self.attempted.append(name)         # the winner stands last
        self.finish()
        self.owner._enter(self.owner._connected, TcpTransport(attempt.give()), attempt.sockaddr)

    # ---- the end ----

    def fail(self, problem: BaseException) -> None:
        self.finish()
        self.owner._enter(self.owner._connect_failed, problem)

    def finish(self) -> None:
        self.over = True
        self.stop_timer()
        for attempt in self.attempts:
            attempt.close()
        self.attempts, self.queue = [], []
        bound, self.bound = self.bound, None
        if bound is not None:       # nobody has connected from there
            bound.close()

    def cancel(self) -> None:
        """From every thread: the socket was destroyed."""
        reactor.call_soon(self.cancelled)

    def cancelled(self) -> None:
        if not self.over:
            self.finish()
        self.owner._enter(self.owner._released)

    def abandon(self) -> None:
        """In a forked child."""
        self.over = True
        for holder in (self.bound, *self.attempts):
            if holder is not None and holder.socket is not None:
                holder.socket.close()

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def tell(self, event: str, *args: Any) -> None:
        self.owner._enter(self.owner._connecting_told, event, args)


class _Attempt(Channel):
    """One address, one socket. What the reactor calls when that turns writable."""

    def __init__(self, connector: Connector, address: str, family: int) -> None:
        self.connector, self.address, self.family = connector, address, family
        self.socket: Optional[socket.socket] = None
        self.sockaddr: Any = None
        self.watched = False

    def open(self) -> Optional[BaseException]:
        """Make the socket, bound to the local place that is asked for. Returns what prevented it."""
        connector, target = self.connector, self.connector.target
        bound, connector.bound = connector.bound, None
        try:
            if bound is None:
                self.socket = open_tcp(self.address, target.local_address, target.local_port)
            elif bound.path is None:
                self.socket = bound.socket
            else:
                bound.close()
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))      # a path leads to no TCP address
            return None
        except OSError as problem:
            if target.local_address is None and not target.local_port:
                return system_error(problem, "connect", self.address, target.port)
            return system_error(problem, "bind", target.local_address or any_address(family_of(self.address)),
                                target.local_port or None)

    def start(self) -> Optional[BaseException]:
        """Begin to connect. Returns what prevented it."""
        assert self.socket is not None
        try:
            self.sockaddr = remote_sockaddr(self.address, self.connector.target.port)
            if connect_now(self.socket, self.sockaddr):
                self.connector.won(self)
            else:
                reactor.watch(self.socket.fileno(), WRITE, 0, self)
                self.watched = True
        except (OSError, ValueError) as problem:        # `ValueError`: select() is full
            return self.dressed(problem if isinstance(problem, OSError) else OSError(errno.EMFILE, str(problem)))
        return None

    def _on_ready(self, mask: int) -> None:
        if not self.watched:
            return          # it lost in this very moment
        assert self.socket is not None
        number = connect_result(self.socket)
        if number:
            self.connector.failed(self, self.dressed(OSError(number, "")))
        else:
            self.connector.won(self)

    def _on_lost(self, problem: OSError) -> None:
        """Foreign code closed the descriptor under the selector."""
        self.watched = False
        if self.socket is not None:
            self.socket.detach()        # the number may be somebody else's by now
        self.connector.failed(self, self.dressed(problem))

    def dressed(self, problem: OSError) -> OSError:
        target = self.connector.target
        local: Any = None
        if self.socket is not None and (target.local_address is not None or target.local_port is not None):
            try:
                local = self.socket.getsockname()
            except OSError:
                pass        # closed under us
        return system_error(problem, "connect", self.address, target.port, local_address=local[0] if local else None,
                            local_port=local[1] if local else None)

    def give(self) -> socket.socket:
        """The socket, out of the reactor's hands."""
        sock, self.socket = self.socket, None
        assert sock is not None
        if self.watched:
            self.watched = False
            reactor.watch(sock.fileno(), 0, WRITE, self)
        return sock

    def close(self) -> None:
        if self.socket is not None:
            self.give().close()


class PathConnector:
    """Connect to an IPC path: no look-up and no race. A pipe whose places are all taken is asked again for a while."""

    def __init__(self, owner: Any, path: Union[str, bytes], bound: Any) -> None:
        self.owner, self.path, self.bound = owner, path, bound
        self.over = False
        self.pause = PATH_PAUSE
        self.deadline = 0.0
        self.timer: Optional[Timer] = None

    def start(self) -> None:
        """On the reactor thread."""
        if self.over:
            return
        name = os.fsdecode(self.path)
        self.owner._enter(self.owner._connecting_told, "connectionAttempt", (name, None, None))
        if self.bound is not None and self.bound.path is None:
            self.bound.close()
            self.failed(OSError(errno.EINVAL, os.strerror(errno.EINVAL)))       # a TCP address leads to no path
            return
        self.deadline = monotonic() + PATH_PATIENCE
        self.attempt()

    def attempt(self) -> None:
        """On the reactor thread."""
        self.timer = None
        if self.over:
            return
        try:
            transport = connect_path(self.path, None if self.bound is None else self.bound.socket)
        except OSError as problem:
            if is_busy(problem) and monotonic() < self.deadline:
                self.timer = reactor.call_later(self.pause, self.attempt)
                self.pause = min(2 * self.pause, LONGEST_PATH_PAUSE)
            else:
                self.failed(problem)
            return
        self.over = True
        self.owner._path = os.fsdecode(self.path)
        self.owner._enter(self.owner._connected, transport, None)

    def failed(self, cause: OSError) -> None:
        self.over = True
        owner, name = self.owner, os.fsdecode(self.path)
        problem = _path_error(cause, name)
        owner._enter(owner._connecting_told, "connectionAttemptFailed", (name, None, None, problem))
        owner._enter(owner._connect_failed, problem)

    def cancel(self) -> None:
        reactor.call_soon(self.cancelled)

    def cancelled(self) -> None:
        if not self.over and self.bound is not None:
            self.bound.close()
        self.over = True
        if self.timer is not None:
            self.timer.cancel()
        self.owner._enter(self.owner._released)

    def abandon(self) -> None:
        self.over = True


def _path_error(problem: OSError, path: str) -> OSError:
    detail = problem.strerror if problem.errno == errno.ENAMETOOLONG else None
    return system_error(problem, "connect", path, detail=detail)


def _system_lookup(hostname: str, *, family: int, hints: int, all: bool) -> List[Address]:
    """The default look-up: the system's, in the system's order."""
    wanted = {4: socket.AF_INET, 6: socket.AF_INET6}.get(family, socket.AF_UNSPEC)
    found = socket.getaddrinfo(hostname, None, wanted, socket.SOCK_STREAM, 0, hints)
    addresses: Dict[Address, None] = {}
    for kind, _, _, _, sockaddr in found:
        if kind in (socket.AF_INET, socket.AF_INET6):
            addresses[(sockaddr[0], 6 if kind == socket.AF_INET6 else 4)] = None
    return list(addresses)


def _as_list(answer: Any) -> List[Address]:
    """What a look-up may return: an address, an (address, family) pair, or a list of such."""
    if isinstance(answer, str):
        return [(answer, is_ip(answer))]
    if (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], str)
            and not isinstance(answer[1], tuple)):
        return [(answer[0], _family_number(answer[1]))]
    if isinstance(answer, (list, tuple)):
        return [pair for item in answer for pair in _as_list(item)]
    return [(answer, 0)]


def _family_number(family: Any) -> Any:
    return {socket.AF_INET: 4, socket.AF_INET6: 6, "IPv4": 4, "IPv6": 6}.get(family, family) if isinstance(
        family, (int, str)) else family


def _alternate(addresses: List[Tuple[str, int]]) -> List[Tuple[str, int]]:
    """One family after the other, the family of the first address first, each in its own order."""
    first = addresses[0][1]
    mine = [pair for pair in addresses if pair[1] == first]
    others = [pair for pair in addresses if pair[1] != first]
    mixed: List[Tuple[str, int]] = []
    for index in range(max(len(mine), len(others))):
        mixed += mine[index:index + 1] + others[index:index + 1]
    return mixed


# ---- arguments ----

class Plan(NamedTuple):
    """What a call of `connect` asked for, checked."""

    target: Optional[Target]
    path: Union[str, bytes, None]
    listener: Optional[Callable[..., Any]]
    timeout: Optional[int]


_TCP_OPTIONS = {"port", "host", "local_address", "local_port", "family", "hints", "lookup", "no_delay", "keep_alive",
                "keep_alive_initial_delay", "auto_select_family", "auto_select_family_attempt_timeout", "block_list"}
CONNECT_OPTIONS = _TCP_OPTIONS | {"path", "timeout", "connect_listener", "type_of_service"}


def plan_connect(args: Tuple[Any, ...], options: Dict[str, Any], block_list: Optional[BlockList]) -> Plan:
    """Check the arguments of `Socket.connect`; `block_list` is the socket's own."""
    for name in options:
        if name not in CONNECT_OPTIONS:
            raise TypeError(f"connect() got an unexpected keyword argument {name!r}")
    first, rest, listener = split_place("port", args)
    options = dict(options)
    if first is not None:
        name = "path" if is_path(first) else "port"
        if name in options or (len(rest) > 1 and "host" in options):
            raise TypeError(f"connect() got multiple values for argument {name!r}")
        options[name] = first
        if len(rest) > 1 and name == "port" and rest[1] is not None:
            options["host"] = rest[1]
        if len(rest) > 2 or (name == "path" and len(rest) > 1):
            raise invalid_type("connect_listener", "a callable", rest[-1])
    elif rest and rest[0] is None:
        options["port"] = None
    given = options.get("connect_listener")
    check_callback(given, "connect_listener")
    if listener is not None and given is not None:
        raise TypeError("connect() got multiple values for argument 'connect_listener'")
    timeout = options.get("timeout")
    if timeout is not None:
        check_msecs("timeout", timeout)
    path = options.get("path")
    if path is not None:
        return Plan(None, check_path(path), listener or given, timeout)
    if "port" not in options:
        raise error("ERR_MISSING_ARGS", missing='The "port" or "path" argument')
    return Plan(_target(options, block_list), None, listener or given, timeout)


def _target(options: Dict[str, Any], block_list: Optional[BlockList]) -> Target:
    port = check_port(options["port"], "port")
    host = check_host("host", options.get("host") if options.get("host") is not None else "localhost") or "localhost"
    local_address = options.get("local_address")
    if local_address is not None:
        if not isinstance(local_address, str):
            raise invalid_type("local_address", "str", local_address)
        if not is_ip(local_address):
            raise error("ERR_INVALID_IP_ADDRESS", received=local_address)
    local_port = options.get("local_port")
    if local_port is not None:
        check_int("local_port", local_port, 0, 65535)
    family: Any = options.get("family") or 0
    if family in ("IPv4", "IPv6"):
        family = int(family[-1])
    if check_int("family", family) not in (0, 4, 6):
        raise invalid_value("family", "must be 0, 4 or 6", family)
    hints = options.get("hints", 0) or 0
    if check_int("hints", hints) & ~_KNOWN_HINTS:
        raise invalid_value("hints", "must be a combination of socket.AI_* flags", hints)
    lookup = options.get("lookup")
    check_callback(lookup, "lookup")
    race = options.get("auto_select_family")
    if race is not None and not isinstance(race, bool):
        raise invalid_type("auto_select_family", "bool", race)
    attempt = options.get("auto_select_family_attempt_timeout")
    return Target(
        host, port, local_address, local_port, family, int(hints), lookup,
        get_default_auto_select_family() if race is None else race,
        get_default_auto_select_family_attempt_timeout() if attempt is None
        else check_attempt_timeout("auto_select_family_attempt_timeout", attempt),
        block_list if options.get("block_list") is None else check_block_list(options["block_list"]))


_KNOWN_HINTS = 0
for _flag in ("AI_ADDRCONFIG", "AI_V4MAPPED", "AI_ALL", "AI_NUMERICHOST", "AI_CANONNAME", "AI_NUMERICSERV"):
    _KNOWN_HINTS |= int(getattr(socket, _flag, 0))
