"""The adapter: what a transport must do, and the half of it that all stdlib sockets share.

A transport is one connection as the operating system has it; a listener is one place where connections arrive. They
are without state of their own beyond that: `stream.py` decides, they do. Every `OSError` leaves here as the system
raised it; `netcompat.errors.system_error` dresses it where it is known what was tried.

Which threads run it: `recv`, `send`, `send_fin` and the options whoever is inside the gate of the socket that owns the
transport; `set_interest`, `accept` and `close` the reactor. Since both are one at a time, the descriptor cannot be
closed under a system call.
"""
from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import Any, List, Optional, Tuple

from ..runtime.reactor import reactor

__all__ = ["Listener", "SocketListener", "SocketTransport", "Transport", "open_socket"]

# The interpreter itself tries again after EINTR; what comes in its place (gevent, a socket of one's own) may not.
_LATER = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, getattr(errno, "WSAEWOULDBLOCK", errno.EAGAIN))
# ENOBUFS: the kernel has no memory for what is to be sent, at the moment. libuv waits too.
SEND_LATER = _LATER + (errno.ENOBUFS, getattr(errno, "WSAENOBUFS", errno.ENOBUFS))
# Linux passes on what befell a connection before it was accepted (accept(2)): that is no fault of the listener. On
# Windows it was reset, or the connection that one got is none any more.
_CONNECTION_GONE = (errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN,
                    errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EOPNOTSUPP, getattr(errno, "ENONET", errno.ENETDOWN),
                    errno.ECONNRESET, errno.ENOTCONN)


class Transport:
    """One connection. Methods in the order of its life; each transport has them in this order."""

    __slots__ = ()

    kind = ""           # 'tcp' or 'pipe': what Node calls the handle

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        """Have `owner._on_ready(mask)` called when reading or writing (selector masks) is possible."""
        raise NotImplementedError

    def recv(self, size: int) -> Optional[bytes]:
        """Up to `size` bytes; `b''` at the end; `None`, or `BlockingIOError`, when there is nothing now."""
        raise NotImplementedError

    def recv_into(self, buffer: Any) -> Optional[int]:
        """As `recv`, into `buffer`: the number of bytes."""
        raise NotImplementedError

    def send(self, data: Any) -> int:
        """Send a buffer: how many bytes were taken; 0, or an error of `SEND_LATER`, when the kernel is full."""
        raise NotImplementedError

    def send_many(self, chunks: List[Any]) -> int:
        """As `send`, several buffers with one system call where the system has such a one."""
        return self.send(b"".join(chunks))

    def send_fin(self) -> None:
        """Nothing more will be sent."""
        raise NotImplementedError

    def close(self, reset: bool = False) -> None:
        """Give the descriptor back; `reset`: with an RST where there is such a thing."""
        raise NotImplementedError

    def forget(self) -> None:
        """Foreign code closed the descriptor: leave the number alone, it may be somebody else's by now."""
        raise NotImplementedError

    def fileno(self) -> int:
        raise NotImplementedError


class SocketTransport(Transport):
    """A connection that is a stdlib socket."""

    __slots__ = ("socket", "recv", "send")

    recv: Any           # the socket's own, which saves two calls for each message
    send: Any

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.recv, self.send = sock.recv, sock.send
        sock.setblocking(False)

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        reactor.watch(self.socket.fileno(), interest, before, owner)

    def recv_into(self, buffer: Any) -> Optional[int]:
        try:
            return self.socket.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return None

    def send_many(self, chunks: List[Any]) -> int:
        if sys.platform != "win32":
            return self.socket.sendmsg(chunks)
        return self.socket.send(b"".join(chunks))

    def send_fin(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as problem:
            if problem.errno != errno.ENOTCONN:     # the peer reset it: the next read says so
                raise

    def close(self, reset: bool = False) -> None:
        try:
            if reset:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        except OSError:
            pass            # the connection is gone already; there is nobody to reset
        finally:
            self.socket.close()

    def forget(self) -> None:
        self.socket.detach()

    def fileno(self) -> int:
        return self.socket.fileno()

    def abandon(self) -> None:
        """In a forked child: close the copy of the descriptor; the parent's connection hears nothing of it."""
        self.socket.close()

    # ---- addresses and options ----

    def local(self) -> Any:
        """What `getsockname` says, or `None`."""
        try:
            return self.socket.getsockname()
        except OSError:
            return None

    def remote(self) -> Any:
        try:
            return self.socket.getpeername()
        except OSError:
            return None


_LINGER_ZERO = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)


class Listener:
    """A place where connections arrive."""

    __slots__ = ()

    kind = ""
    passes_on = False   # connections that are not taken here go to another process: a full server leaves them alone

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        raise NotImplementedError

    def accept(self) -> Optional[Tuple[Transport, Any]]:
        """The next connection and its peer's address, or `None` when nobody waits now."""
        raise NotImplementedError

    def leave(self) -> None:
        """Give the address back to the system as far as that is possible while somebody waits on the descriptor."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def forget(self) -> None:
        """As a transport's."""
        raise NotImplementedError

    def abandon(self) -> None:
        """In a forked child: close the copy of the descriptor; nobody is to notice."""
        raise NotImplementedError

    def address(self) -> Any:
        """`AddressInfo` or a path."""
        raise NotImplementedError


class SocketListener(Listener):
    """A listening stdlib socket; `shared`: other descriptors of it exist, in this process or in another."""

    __slots__ = ("socket", "shared")

    def __init__(self, sock: socket.socket, shared: bool = False) -> None:
        self.socket = sock
        self.shared = shared
        sock.setblocking(False)

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        reactor.watch(self.socket.fileno(), interest, before, owner)

    def accept_socket(self) -> Optional[Tuple[socket.socket, Any]]:
        try:
            return self.socket.accept()
        except OSError as problem:
            if problem.errno in _LATER or problem.errno in _CONNECTION_GONE:
                return None         # nobody there, or gone again before we came
            raise

    def leave(self) -> None:
        if self.shared or not sys.platform.startswith("linux"):
            return              # a shutdown would end the listening of all who share the socket
        try:
            # Frees the port for everybody with SO_REUSEADDR; one that was asked for by number is not free for others
            # until the descriptor is closed.
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass                # foreign code closed the descriptor: the port is free

    def close(self) -> None:
        try:
            self.socket.close()
        except OSError:
            pass                # likewise

    def forget(self) -> None:
        self.socket.detach()

    def abandon(self) -> None:
        self.socket.close()


def open_socket(family: int, protocol: int = 0) -> socket.socket:
    """A non-blocking stream socket that a child program does not inherit."""
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def connect_now(sock: socket.socket, address: Any) -> bool:
    """Begin to connect: `True` when done at once, `False` when the socket will be writable then. Raises `OSError`."""
    number = sock.connect_ex(address)
    if number == 0:
        return True
    if number in (errno.EINPROGRESS, errno.EINTR, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)):
        return False
    raise OSError(number, os.strerror(number))


def connect_result(sock: socket.socket) -> int:
    """What became of the connect of a socket that turned writable: 0, or the error's number."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
