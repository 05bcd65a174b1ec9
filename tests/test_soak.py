"""tools/soak.py finds what it looks for: a lost byte, a doubled callback, a late event, a descriptor left open."""
import socket
import sys
from typing import Any

import pytest
from conftest import ROOT

from netcompat.runtime.reactor import READ
from netcompat.socket import Socket
from netcompat.stream import Duplex
from netcompat.transports.base import SocketTransport

sys.path.insert(0, str(ROOT / "tools"))
import soak  # noqa: E402


def failures_of_a_short_run(monkeypatch: Any, settle: float = 5.0) -> str:
    for name, value in (("IDLE_SECONDS", 0.0), ("SETTLE", settle), ("LONGEST_WORK", 1.0)):
        monkeypatch.setattr(soak, name, value)
    return "\n".join(soak.soak(0.7, seed=1, held=0, at_once=10)["failures"])


def test_a_short_run_is_clean(monkeypatch: Any) -> None:
    assert failures_of_a_short_run(monkeypatch) == ""


def test_a_lost_byte_is_noticed(monkeypatch: Any) -> None:
    real = SocketTransport.__init__

    def with_a_hole(self: Any, sock: socket.socket) -> None:
        real(self, sock)
        receive = self.recv

        def lossy(size: int) -> bytes:
            data = receive(size)
            return data[:-1] if len(data) > 100 else data
        self.recv = lossy
    monkeypatch.setattr(SocketTransport, "__init__", with_a_hole)
    assert "other bytes than were sent" in failures_of_a_short_run(monkeypatch)


def test_a_doubled_callback_is_noticed(monkeypatch: Any) -> None:
    real = Duplex._complete

    def doubled(self: Any, callback: Any, problem: Any) -> None:
        real(self, callback, problem)
        if problem is None:
            real(self, callback, problem)
    monkeypatch.setattr(Duplex, "_complete", doubled)
    assert "succeeded as number" in failures_of_a_short_run(monkeypatch)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_descriptor_left_open_is_noticed(monkeypatch: Any) -> None:
    left = []
    real = soak.Soak.close

    def leaky(self: Any) -> None:
        real(self)
        left.append(socket.socket())
    monkeypatch.setattr(soak.Soak, "close", leaky)
    assert "descriptors" in failures_of_a_short_run(monkeypatch)
    left[0].close()


def test_a_conversation_that_stands_still_is_explained(monkeypatch: Any) -> None:
    """What was lost here is a wakeup: the stream wants to read, and nobody watches the descriptor."""
    real = Socket._sync

    def forgetful(self: Any) -> None:
        real(self)
        if self._server is None and self._interest == READ and self._transport.fileno() // 4 % 4 == 0:
            self._transport.set_interest(0, READ, self)
    monkeypatch.setattr(Socket, "_sync", forgetful)
    failures = failures_of_a_short_run(monkeypatch, settle=1.0)
    assert "did not end" in failures and "not in the selector" in failures
    assert ("bytes to receive" if sys.platform != "win32" else "the kernel does not say") in failures
