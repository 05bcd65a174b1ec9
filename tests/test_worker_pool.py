"""`WorkerPool` and `set_default_workers`, as programs use them (tests/runtime/test_workers.py has the threads)."""
import os
import threading
from typing import Any, List

import pytest

import netcompat
from conftest import eventually
from netcompat.runtime import workers


# ---- arguments ----

@pytest.mark.parametrize("options", [{"max_workers": 0}, {"max_workers": -1}, {"idle_seconds": -1}])
def test_numbers_out_of_range(options: Any) -> None:
    with pytest.raises(ValueError) as caught:
        netcompat.WorkerPool(**options)
    assert caught.value.code == "ERR_OUT_OF_RANGE"      # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{"max_workers": "2"}, {"max_workers": True}, {"idle_seconds": None},
                                     {"thread_name_prefix": 1}])
def test_types(options: Any) -> None:
    with pytest.raises(TypeError):
        netcompat.WorkerPool(**options)


def test_the_default_limit() -> None:
    assert netcompat.WorkerPool().max_workers == 32 + (os.cpu_count() or 1)


# ---- submit and shutdown ----

def test_submit_runs_on_a_daemon_with_the_pools_name() -> None:
    pool = netcompat.WorkerPool(1, thread_name_prefix="netcompat-mine")
    ran: List[threading.Thread] = []
    pool.submit(lambda: ran.append(threading.current_thread()))
    eventually(lambda: ran)
    assert ran[0].name.startswith("netcompat-mine") and ran[0].daemon


def test_a_call_that_raises_ends_no_worker(reported: Any) -> None:
    pool = netcompat.WorkerPool(1)
    pool.submit(lambda: 1 // 0)
    over = threading.Event()
    pool.submit(over.set)
    assert over.wait(5)
    reported.take(ZeroDivisionError)


def test_submit_takes_callables_only() -> None:
    with pytest.raises(TypeError):
        netcompat.WorkerPool(1).submit(3)       # type: ignore[arg-type]


def test_after_shutdown_what_is_queued_is_still_run_and_the_threads_end() -> None:
    pool = netcompat.WorkerPool(1, thread_name_prefix="netcompat-ending")
    go = threading.Event()
    began: List[int] = []

    def call() -> None:
        began.append(len(began))
        go.wait(10)
    for _ in range(5):
        pool.submit(call)
    eventually(lambda: began)
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.submit(print)
    go.set()
    eventually(lambda: began == [0, 1, 2, 3, 4])
    eventually(lambda: not any(thread.name.startswith("netcompat-ending") for thread in threading.enumerate()))


def test_its_repr_tells_what_it_does() -> None:
    assert repr(netcompat.WorkerPool(3)) == "<WorkerPool of 3: 0 busy, 0 idle, 0 queued>"


# ---- the default pool ----

@pytest.mark.parametrize("wrong", ["2", None, True, 2.0])
def test_the_default_pool_must_be_a_pool_or_a_number(wrong: Any) -> None:
    with pytest.raises(TypeError):
        netcompat.set_default_workers(wrong)


def test_the_default_pool_may_be_a_number() -> None:
    before = workers.default_pool()
    try:
        netcompat.set_default_workers(3)
        assert workers.default_pool().max_workers == 3
    finally:
        workers.use(before)
