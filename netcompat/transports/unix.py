"""Unix-domain sockets: connections and listeners by path, and Linux' abstract names."""
from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from typing import Any, List, Optional, Tuple, Union

from ..runtime.reactor import reactor
from .base import SocketListener, SocketTransport, Transport, connect_now, open_socket

__all__ = ["OwnPath", "PATH_LIMIT", "PipeTransport", "UnixListener", "UnixTransport", "bind_path", "check_path_length",
           "connect_path", "is_abstract", "is_busy"]

PATH_LIMIT = 107 if sys.platform.startswith("linux") else 103        # bytes of sun_path, less the closing NUL

Path = Union[str, bytes]


def is_abstract(path: Path) -> bool:
    return path[:1] in ("\0", b"\0")


def check_path_length(path: Path) -> None:
    """Raises `OSError(ENAMETOOLONG)`. An abstract name may use the NUL's place too."""
    limit = PATH_LIMIT + 1 if is_abstract(path) else PATH_LIMIT
    if len(os.fsencode(path)) > limit:
        raise OSError(errno.ENAMETOOLONG, f"the limit is {PATH_LIMIT} bytes")


class UnixTransport(SocketTransport):
    """A connection over a Unix-domain socket (Node calls it a pipe)."""

    __slots__ = ()

    kind = "pipe"


class PipeTransport(Transport):
    """One end of an `os.pipe`, or a FIFO: bytes in one direction."""

    __slots__ = ("descriptor", "directions")

    kind = "pipe"

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        if sys.platform == "win32":         # an anonymous pipe there knows neither readiness nor overlapped operations
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        import fcntl
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        self.directions = (mode != os.O_WRONLY, mode != os.O_RDONLY)       # (can be read, can be written)
        os.set_blocking(descriptor, False)

    def set_interest(self, interest: int, before: int, owner: Any) -> None:
        reactor.watch(self.descriptor, interest, before, owner)

    def recv(self, size: int) -> bytes:
        return os.read(self.descriptor, size)

    def recv_into(self, buffer: Any) -> int:
        if sys.platform == "win32":
            raise NotImplementedError
        return os.readv(self.descriptor, [buffer])

    def send(self, data: Any) -> int:
        return os.write(self.descriptor, data)

    def send_many(self, chunks: List[Any]) -> int:
        if sys.platform == "win32":
            raise NotImplementedError
        return os.writev(self.descriptor, chunks)

    def send_fin(self) -> None:
        """A pipe has one direction: its end is the close, which follows."""

    def close(self, reset: bool = False) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def forget(self) -> None:
        self.descriptor = -1

    def abandon(self) -> None:
        self.close()

    def fileno(self) -> int:
        return self.descriptor

    def local(self) -> Any:
        return None

    def remote(self) -> Any:
        return None


class UnixListener(SocketListener):
    """A path that listens; `own`: it was made here, so it is unlinked here."""

    __slots__ = ("path", "_own")

    kind = "pipe"

    def __init__(self, sock: socket.socket, path: Path, own: "Optional[OwnPath]" = None, shared: bool = False) -> None:
        super().__init__(sock, shared)
        self.path = path
        self._own = own

    def accept(self) -> Optional[Tuple[UnixTransport, Any]]:
        accepted = self.accept_socket()
        if accepted is None:
            return None
        return UnixTransport(accepted[0]), accepted[1]

    def leave(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.unlink()        # before the shutdown: from then on the path would refuse who comes
        super().leave()

    def abandon(self) -> None:
        self._own = None        # it is the parent's
        super().abandon()

    def address(self) -> str:
        return os.fsdecode(self.path)


class OwnPath:
    """A path that a socket of ours was bound to; the open socket keeps its inode from being used again."""

    __slots__ = ("path", "_inode")

    def __init__(self, path: Path) -> None:
        self.path = path if is_abstract(path) else os.path.abspath(path)    # the working directory may change
        self._inode = _inode(self.path)

    @classmethod
    def known(cls, identity: "Tuple[Path, Optional[Tuple[int, int]]]") -> "OwnPath":
        """What `identity` of another process' object told."""
        made = cls.__new__(cls)
        made.path, made._inode = identity
        return made

    def identity(self) -> "Tuple[Path, Optional[Tuple[int, int]]]":
        return self.path, self._inode

    def set_mode(self, mode: int) -> None:
        """Give it these permission bits; never to what somebody put in its place, nor to where a link leads."""
        if sys.platform != "win32" and hasattr(os, "O_PATH"):
            descriptor = os.open(self.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                status = os.fstat(descriptor)
                if (status.st_dev, status.st_ino) == self._inode and stat.S_IMODE(status.st_mode) != mode:
                    os.chmod(f"/proc/self/fd/{descriptor}", mode)
            finally:
                os.close(descriptor)
        elif _inode(self.path) == self._inode and stat.S_IMODE(os.lstat(self.path).st_mode) != mode:
            os.chmod(self.path, mode, follow_symlinks=os.chmod not in os.supports_follow_symlinks)

    def unlink(self) -> None:
        """Remove it from the file system, unless it is somebody else's by now."""
        if self._inode is not None and _inode(self.path) == self._inode:
            try:
                os.unlink(self.path)
            except OSError:
                pass        # somebody was faster, or the folder may not be changed any more


def _inode(path: Path) -> Optional[Tuple[int, int]]:
    if is_abstract(path):
        return None
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISSOCK(status.st_mode) else None


def bind_path(path: Path, mode: Optional[int] = None) -> Tuple[socket.socket, OwnPath]:
    """A socket bound to `path`, not yet listening; `mode`: its permission bits, never wider. Raises `OSError`."""
    if sys.platform == "win32":
        raise NotImplementedError
    check_path_length(path)
    sock = open_socket(socket.AF_UNIX)
    own = None
    try:
        if mode is not None and not is_abstract(path):
            os.fchmod(sock.fileno(), mode)      # Linux makes the path with the mode of the descriptor
        sock.bind(path)
        own = OwnPath(path)
        if mode is not None and not is_abstract(path):
            own.set_mode(mode)                  # other systems, and a umask that took bits away
    except BaseException:
        if own is not None:
            own.unlink()
        sock.close()
        raise
    return sock, own


def connect_path(path: Path, bound: Optional[socket.socket] = None) -> UnixTransport:
    """Connect to `path`, from a bound socket if one is given. Raises `OSError`; a path needs no waiting."""
    if sys.platform == "win32":
        raise NotImplementedError
    if bound is None:
        check_path_length(path)
    sock = open_socket(socket.AF_UNIX) if bound is None else bound
    try:
        connect_now(sock, path)
    except OSError:
        sock.close()
        raise
    return UnixTransport(sock)


def is_busy(problem: OSError) -> bool:
    """Would it be different in a moment? A full backlog is an error here, as in Node."""
    return False
