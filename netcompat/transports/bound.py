"""`BoundSocket`: an address taken before it is decided what listens there, or connects from there."""
from __future__ import annotations

import errno
import os
import socket
from typing import Any, Optional, Union

from ..addresses import check_port, is_ip
from ..arguments import check_path
from ..errors import error, invalid_type, invalid_value, system_error
from .ipc import bind_path
from .tcp import address_info, bind_tcp, family_of
from .unix import OwnPath

__all__ = ["BoundSocket"]

_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EINVAL)


class BoundSocket:
    """A socket that is bound to an address and does not listen yet. Adopted by `listen` or `Socket(handle=…)`.

    `BoundSocket(port=0, host=None, ipv6_only=False, reuse_port=False)`, or `BoundSocket(path=…)`. Without a host it
    takes every address, `::` where IPv6 is there. Raises what the system says: `OSError` with `.code`. A context
    manager: what nobody adopted is closed at its end.
    """

    __slots__ = ("_socket", "_path", "_own", "_adopted", "__weakref__")

    def __init__(self, *, port: Optional[int] = None, host: Optional[str] = None, ipv6_only: bool = False,
                 reuse_port: bool = False, path: Any = None) -> None:
        self._socket: Any = None        # a stdlib socket; for a named pipe: a `BoundPipe`
        self._adopted = False
        self._path: Union[str, bytes, None] = None
        self._own: Optional[OwnPath] = None
        if path is not None and not (port is None and host is None):
            raise invalid_value("path", "excludes port and host", path)
        if path is not None:
            self._path = check_path(path)
            try:
                self._socket, self._own = bind_path(self._path)
            except OSError as problem:
                raise system_error(problem, "bind", os.fsdecode(self._path), detail=problem.strerror) from None
            return
        number = check_port(0 if port is None else port)
        if host is not None and not isinstance(host, str):
            raise invalid_type("host", "str or None", host)
        if host is not None and not is_ip(host):
            raise error("ERR_INVALID_IP_ADDRESS", received=host)
        try:
            self._socket = bind_somewhere(host, number, ipv6_only, reuse_port)
        except OSError as problem:
            raise system_error(problem, "bind", host or "::", number) from None

    @classmethod
    def _holding(cls, sock: socket.socket, path: Union[str, bytes, None], own: Optional[OwnPath]) -> "BoundSocket":
        """For `netcompat.cluster`: one that another process has bound."""
        made = cls.__new__(cls)
        made._socket, made._path, made._own, made._adopted = sock, path, own, False
        return made

    def address(self) -> Any:
        """`AddressInfo`, or the path. Raises when it was closed or adopted."""
        sock = self._open()
        return os.fsdecode(self._path) if self._path is not None else address_info(sock.getsockname())

    def fd(self) -> int:
        """The number of the descriptor."""
        return int(self._open().fileno())

    @property
    def is_pipe(self) -> bool:
        """Is it an IPC path?"""
        return self._path is not None

    def close(self) -> None:
        """Give the address back; harmless when it was closed or adopted."""
        sock, self._socket = self._socket, None
        if sock is not None:
            if self._own is not None:
                self._own.unlink()
            sock.close()

    def _open(self) -> Any:
        if self._adopted:
            raise error("ERR_SOCKET_HANDLE_ADOPTED")
        if self._socket is None:
            raise error("ERR_SOCKET_CLOSED")
        return self._socket

    def _adopt(self) -> "Adopted":
        """Hand the socket over, once."""
        sock = self._open()
        self._adopted = True
        self._socket = None
        return Adopted(sock, self._path, self._own)

    def __enter__(self) -> "BoundSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "adopted" if self._adopted else "closed" if self._socket is None else self.address()
        return f"<BoundSocket {state}>"


class Adopted:
    """What a `BoundSocket` hands over: the bound socket and, for IPC, its path."""

    __slots__ = ("socket", "path", "own")

    def __init__(self, sock: Any, path: Union[str, bytes, None], own: Optional[OwnPath]) -> None:
        self.socket, self.path, self.own = sock, path, own

    def close(self) -> None:
        if self.own is not None:
            self.own.unlink()
        self.socket.close()


def bind_somewhere(host: Optional[str], port: int, ipv6_only: bool = False, reuse_port: bool = False) -> socket.socket:
    """Bind to `host`, or to every address: dual-stack, or IPv4 alone where IPv6 is missing. Raises `OSError`."""
    if host is not None:
        return bind_tcp(host, port, ipv6_only=ipv6_only and family_of(host) == socket.AF_INET6, reuse_port=reuse_port)
    if socket.has_ipv6:
        try:
            return bind_tcp("::", port, ipv6_only=ipv6_only, reuse_port=reuse_port)
        except OSError as problem:
            if problem.errno not in _NO_IPV6:
                raise
    return bind_tcp("0.0.0.0", port, reuse_port=reuse_port)
