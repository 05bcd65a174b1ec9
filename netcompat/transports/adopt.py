"""A transport for a connection that somebody else made: the `fd` and `handle` options."""
from __future__ import annotations

import os
import socket
import stat
import sys
from typing import Any, Optional, Tuple

from ..arguments import check_int
from ..errors import error, invalid_type, invalid_value, system_error
from .bound import BoundSocket
from .tcp import TcpTransport
from .unix import PipeTransport, UnixTransport

__all__ = ["adopt", "directions", "wrap"]


def adopt(fd: Optional[int], handle: Any) -> Any:
    """The transport for `fd` or `handle`, or `None` when neither was given."""
    if handle is not None:
        if isinstance(handle, BoundSocket):
            return handle._adopt()
        if not isinstance(handle, socket.socket):
            raise invalid_type("handle", "a socket.socket or a BoundSocket", handle)
        if handle.type != socket.SOCK_STREAM:
            raise error("ERR_INVALID_FD_TYPE", kind="datagram socket")
        if handle.fileno() < 0:
            raise invalid_value("handle", "must not be closed", handle)
        return wrap(socket.socket(handle.family, handle.type, handle.proto, fileno=handle.detach()))
    if fd is None:
        return None
    check_int("fd", fd, 0, 2147483647)
    try:
        mode = os.fstat(fd).st_mode
    except OSError as problem:
        if sys.platform != "win32":
            raise system_error(problem, "fstat") from None
        mode = stat.S_IFSOCK        # perhaps: `fstat` knows no sockets there
    if stat.S_ISFIFO(mode):
        return PipeTransport(fd)
    if not stat.S_ISSOCK(mode):
        raise error("ERR_INVALID_FD_TYPE", kind="FILE" if stat.S_ISREG(mode) else "UNKNOWN")
    try:
        sock = socket.socket(fileno=fd)
    except OSError as problem:
        raise system_error("EBADF" if sys.platform == "win32" else problem, "fstat") from None
    if sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise error("ERR_INVALID_FD_TYPE", kind="UDP")
    return wrap(sock)


def wrap(sock: socket.socket) -> Any:
    """The transport for a connected stdlib socket."""
    if sock.family == getattr(socket, "AF_UNIX", None):
        return UnixTransport(sock)
    return TcpTransport(sock)


def directions(transport: Any) -> Tuple[bool, bool]:
    return getattr(transport, "directions", (True, True))
