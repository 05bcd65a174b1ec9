"""TCP: connections and listeners over IPv4 and IPv6."""
from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any, Optional, Tuple

from ..addresses import AddressInfo
from .base import SocketListener, SocketTransport, open_socket

__all__ = ["TcpListener", "TcpTransport", "address_info", "any_address", "bind_tcp", "family_of", "open_tcp"]

_ENOTSUP = getattr(errno, "ENOTSUP", errno.EINVAL)

_KEEP_IDLE = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
_KEEP_INTERVAL = getattr(socket, "TCP_KEEPINTVL", None)
_KEEP_COUNT = getattr(socket, "TCP_KEEPCNT", None)


def address_info(sockaddr: Any) -> Optional[AddressInfo]:
    """A `sockaddr` of the socket module as `AddressInfo`."""
    if not isinstance(sockaddr, tuple) or len(sockaddr) < 2:
        return None
    return AddressInfo(sockaddr[0], "IPv6" if ":" in sockaddr[0] else "IPv4", sockaddr[1])


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class TcpTransport(SocketTransport):
    """A TCP connection."""

    __slots__ = ()

    kind = "tcp"

    def set_no_delay(self, value: bool) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(value))

    def set_keep_alive(self, enable: bool, delay: int, interval: Optional[int], count: Optional[int]) -> None:
        """`delay` and `interval` in seconds, 0 or `None` leaves the system's."""
        sock = self.socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(enable))
        if not enable:
            return
        for option, value in ((_KEEP_IDLE, delay), (_KEEP_INTERVAL, interval), (_KEEP_COUNT, count)):
            if option is not None and value:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def set_type_of_service(self, value: int) -> None:
        if self.socket.family == socket.AF_INET6 and hasattr(socket, "IPV6_TCLASS"):
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)
            if not sys.platform.startswith("linux"):
                return
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)

    def get_type_of_service(self) -> int:
        if self.socket.family == socket.AF_INET6 and hasattr(socket, "IPV6_TCLASS"):
            return self.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        return self.socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)


class TcpListener(SocketListener):
    """A TCP port that listens."""

    __slots__ = ()

    kind = "tcp"

    def accept(self) -> Optional[Tuple[TcpTransport, Any]]:
        accepted = self.accept_socket()
        if accepted is None:
            return None
        return TcpTransport(accepted[0]), accepted[1]

    def address(self) -> Optional[AddressInfo]:
        return address_info(self.socket.getsockname())


def bind_tcp(host: str, port: int, *, ipv6_only: bool = False, reuse_port: bool = False) -> socket.socket:
    """A socket bound to an address, not yet listening. Raises `OSError`."""
    family = family_of(host)
    sock = open_socket(family)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)      # SO_REUSEADDR would let others in
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            if not hasattr(socket, "SO_REUSEPORT"):
                raise OSError(_ENOTSUP, "reuse_port is not supported here")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(ipv6_only))
        sock.bind(_sockaddr(host, port, family))
    except BaseException:
        sock.close()
        raise
    return sock


def open_tcp(address: str, local_address: Optional[str], local_port: Optional[int]) -> socket.socket:
    """A socket from which to connect to `address`, bound to a local place if one is given. Raises `OSError`."""
    family = family_of(address)
    if local_address is None and local_port is None:
        return open_socket(family)
    local = local_address or any_address(family)
    if family_of(local) != family:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return bind_tcp(local, local_port or 0)


def any_address(family: int) -> str:
    """What stands for every local address."""
    return "::" if family == socket.AF_INET6 else "0.0.0.0"


def remote_sockaddr(address: str, port: int) -> Any:
    return _sockaddr(address, port, family_of(address))


def _sockaddr(address: str, port: int, family: int) -> Any:
    """With the number of the zone where the address names one ('fe80::1%eth0')."""
    if family == socket.AF_INET6 and "%" in address:
        try:
            return socket.getaddrinfo(address, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)[0][4]
        except socket.gaierror:     # no such zone
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
    return (address, port)
