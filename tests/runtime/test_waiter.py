"""The waiter: one thread blocks, another has something for it, and the main thread looks up now and then."""
import threading
from typing import Any, List

import pytest

from netcompat.runtime import waiter as module
from netcompat.runtime.waiter import Waiter


class Flag:
    """A lock that is released after so many looks; it notes how long each would have waited."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.waits: List[float] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self.looks -= 1
        if blocking:
            self.waits.append(timeout)
        return self.looks < 0


def test_what_was_set_first_counts() -> None:
    made = Waiter()
    assert made.set("first") and not made.set("second")
    assert made.is_set and made.wait() and made.value == "first"


def test_a_wait_ends_when_its_time_has_passed() -> None:
    made = Waiter()
    assert not made.wait(0.01) and not made.is_set
    assert not made.wait(0.0)


def test_the_main_thread_looks_up_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that arrives just before the wait is seen by nobody: a wait without an end would swallow a Ctrl-C."""
    made = Waiter()
    made._done = flag = Flag(4)     # type: ignore[assignment]
    assert made.wait()
    assert len(flag.waits) == 4 and all(0 < wait <= 1.0 for wait in flag.waits)


def test_no_other_thread_does() -> None:
    made = Waiter()
    made._done = flag = Flag(1)     # type: ignore[assignment]
    thread = threading.Thread(target=made.wait)
    thread.start()
    thread.join()
    assert flag.waits == [-1]


def test_a_time_out_of_the_main_thread_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: List[float] = [0.0]

    class Slow(Flag):
        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            clock[0] += max(timeout, 0.0)
            return super().acquire(blocking, timeout)
    made = Waiter()
    made._done = flag = Slow(1000)      # type: ignore[assignment]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    assert not made.wait(3.5)
    assert clock[0] == pytest.approx(3.5) and max(flag.waits) <= 1.0


def test_a_waiter_in_a_finalizer_that_interrupted_a_method_is_refused() -> None:
    from netcompat.runtime.gate import Gate

    def inside() -> Any:
        with pytest.raises(RuntimeError):
            Waiter().wait()
    Gate()._enter(inside)
