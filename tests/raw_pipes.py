"""Named pipes as a foreign program has them: blocking, with the methods of a stdlib socket as far as pipes go."""
import collections
import io
import socket
import sys
import threading
import time
from typing import Any, Deque, Optional, Tuple

import pytest

if sys.platform == "win32":
    import _winapi

BUFFER = 65536
QUIET = 0.05                # seconds of silence after which Node takes a pipe for ended that it has ended itself
_BYTES_BOTH_WAYS, _OVERLAPPED, _UNLIMITED = 3, 0x40000000, 255
_OVER = (109, 232, 233)     # broken pipe, no data, not connected


class RawPipe:
    """One end of a pipe."""

    family = "pipe"

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._timeout: Optional[float] = None
        self._reading = threading.Lock()        # held by the one who reads
        self._kept: Deque[bytes] = collections.deque()      # what was read and nobody has taken
        self._ended = False
        self._ending: Optional[threading.Thread] = None

    @classmethod
    def connect(cls, path: str) -> "RawPipe":
        deadline = time.monotonic() + 10
        while True:
            try:
                return cls(_winapi.CreateFile(path, _winapi.GENERIC_READ | _winapi.GENERIC_WRITE, 0, 0,
                                              _winapi.OPEN_EXISTING, _OVERLAPPED, 0))
            except OSError as problem:
                if problem.winerror != _winapi.ERROR_PIPE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.002)

    def settimeout(self, seconds: Optional[float]) -> None:
        self._timeout = seconds

    def _done(self, operation: Any, error: int, timeout: Optional[float]) -> int:
        """Wait for an operation, and say how many bytes it moved."""
        if error == _winapi.ERROR_IO_PENDING:
            milliseconds = _winapi.INFINITE if timeout is None else int(timeout * 1000)
            if _winapi.WaitForMultipleObjects([operation.event], False, milliseconds) != _winapi.WAIT_OBJECT_0:
                operation.cancel()
                moved, error = operation.GetOverlappedResult(True)
                if moved:
                    return int(moved)
                raise socket.timeout("timed out")
        return int(operation.GetOverlappedResult(True)[0])

    def _hear(self) -> Optional[bytes]:
        """What comes within QUIET; `b""` at the end, `None`: nothing."""
        with self._reading:
            if not self._handle:
                return b""
            try:
                operation, error = _winapi.ReadFile(self._handle, BUFFER, overlapped=True)
                count = self._done(operation, error, QUIET)
                return bytes(operation.getbuffer()[:count])
            except socket.timeout:
                if self._ended:
                    self._close()
                    return b""
                return None
            except OSError as problem:
                if getattr(problem, "winerror", None) in _OVER:
                    return b""
                raise

    def recv(self, size: int) -> bytes:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while not self._kept:
            data = self._hear()
            if data:
                self._kept.append(data)
            elif data is not None and not self._kept:
                return b""
            elif deadline is not None and time.monotonic() > deadline:
                raise socket.timeout("timed out")
        data = self._kept.popleft()
        if len(data) > size:
            self._kept.appendleft(data[size:])
        return data[:size]

    def recv_into(self, buffer: Any) -> int:
        data = self.recv(len(buffer))
        memoryview(buffer)[:len(data)] = data
        return len(data)

    def send(self, data: bytes) -> int:
        operation, error = _winapi.WriteFile(self._handle, bytes(data[:BUFFER]), overlapped=True)
        return self._done(operation, error, self._timeout)

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.send(bytes(view[:BUFFER])):]

    def shutdown(self, how: int) -> None:
        """What Node does for `end()`: hear the peer until it is silent, then close."""
        assert how == socket.SHUT_WR
        self._ended = True
        self._ending = threading.Thread(target=self._end)
        self._ending.start()

    def _end(self) -> None:
        while True:
            data = self._hear()
            if not data:
                return          # silent for long enough, or over
            self._kept.append(data)

    def setsockopt(self, *_: Any) -> None:
        pytest.skip("a named pipe cannot be reset")

    def makefile(self, mode: str) -> Any:
        assert mode == "rwb"
        raw = _File(self)
        return io.BufferedRWPair(raw, raw)

    def _close(self) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            _winapi.CloseHandle(handle)

    def close(self) -> None:
        if self._ending is not None:
            self._ending.join(10)
        self._close()

    def __enter__(self) -> "RawPipe":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _File(io.RawIOBase):
    def __init__(self, pipe: RawPipe) -> None:
        super().__init__()
        self._pipe = pipe

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._pipe.recv_into(buffer)

    def write(self, data: Any) -> int:
        return self._pipe.send(bytes(data))


class RawPipeListener:
    """A name with one instance that waits; `accept` makes the next one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle = self._make()

    def _make(self) -> int:
        return int(_winapi.CreateNamedPipe(self.path, _BYTES_BOTH_WAYS | _OVERLAPPED, 0, _UNLIMITED, BUFFER, BUFFER, 0,
                                           0))

    def settimeout(self, seconds: Optional[float]) -> None:
        self._timeout = seconds

    def getsockname(self) -> str:
        return self.path

    def listen(self, backlog: int = 1) -> None:
        pass

    def accept(self) -> Tuple[RawPipe, None]:
        operation = _winapi.ConnectNamedPipe(self._handle, overlapped=True)
        operation.GetOverlappedResult(True)
        connected, self._handle = self._handle, self._make()
        return RawPipe(connected), None

    def close(self) -> None:
        handle, self._handle = self._handle, 0
        if handle:
            _winapi.CloseHandle(handle)

    def __enter__(self) -> "RawPipeListener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
