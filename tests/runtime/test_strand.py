"""The strand: items run one at a time and in order, on the pool or through a dispatch."""
import asyncio
import concurrent.futures
import threading
from typing import Any, Callable, Iterator, List

import pytest

import netcompat
from conftest import eventually
from netcompat.runtime.gate import Gate
from netcompat.runtime.strand import BATCH, Strand, default_dispatch


class Box(Gate):
    """The least that has a strand."""

    def __init__(self, dispatch: Any = None, receive: Any = None) -> None:
        super().__init__()
        self.strand = Strand(self._lock, dispatch, receive)

    def post(self, call: Callable[..., Any], *args: Any) -> None:
        self._enter(self.strand.post, call, *args)

    def settle(self) -> None:
        over = threading.Event()
        self.post(over.set)
        assert over.wait(10)


@pytest.fixture
def executor() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    with concurrent.futures.ThreadPoolExecutor(4) as made:
        yield made


def test_items_run_in_order() -> None:
    box, seen = Box(), []       # type: Box, List[int]
    for number in range(5 * BATCH):
        box.post(seen.append, number)
    box.settle()
    assert seen == list(range(5 * BATCH))


def test_each_poster_keeps_its_order_and_nothing_is_lost(fast_switching: None) -> None:
    box, seen = Box(), []       # type: Box, List[Any]

    def post(name: int) -> None:
        for number in range(500):
            box.post(seen.append, (name, number))
    threads = [threading.Thread(target=post, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.settle()
    assert len(seen) == 3000
    for name in range(6):
        assert [number for other, number in seen if other == name] == list(range(500))


def test_a_long_queue_does_not_keep_the_worker() -> None:
    """After a batch others get their turn, though one strand has always more."""
    from netcompat.runtime import workers
    before, pool = workers.default_pool(), netcompat.WorkerPool(1)
    netcompat.set_default_workers(pool)
    try:
        busy, other, stop = Box(), Box(), threading.Event()

        def again() -> None:
            if not stop.is_set():
                busy.post(again)
        busy.post(again)
        other.settle()
        stop.set()
    finally:
        netcompat.shutdown(5)
        workers.use(before)


def test_what_was_queued_comes_before_what_is_received() -> None:
    seen: List[Any] = []
    box = Box(receive=lambda: seen.append("received"))
    box.strand.hold()
    for number in range(2 * BATCH):
        box.post(seen.append, number)
    box.strand._readable = True
    box.strand.release()
    eventually(lambda: len(seen) == 2 * BATCH + 1)
    assert seen == [*range(2 * BATCH), "received"]


def test_a_held_strand_runs_nothing() -> None:
    box, seen = Box(), []       # type: Box, List[int]
    box.strand.hold()
    box.post(seen.append, 1)
    Box().settle()
    assert not seen
    box.strand.release()
    box.settle()
    assert seen == [1]


def test_a_suspended_strand_runs_nothing_behind() -> None:
    box, seen = Box(), []       # type: Box, List[int]
    inside, go = threading.Event(), threading.Event()

    def first() -> None:
        inside.set()
        assert go.wait(10)
        box.strand.suspend()
    box.post(first)
    assert inside.wait(5)
    box.post(seen.append, 1)
    go.set()
    eventually(lambda: not box.strand.runner)
    Box().settle()
    assert not seen
    box.strand.release()
    box.settle()
    assert seen == [1]


def test_a_strand_that_is_released_before_its_item_returns_goes_on() -> None:
    box, seen = Box(), []       # type: Box, List[int]

    def first() -> None:
        box.strand.suspend()
        box.strand.release()
        seen.append(1)
    box.post(first)
    box.settle()
    assert seen == [1]


def test_input_that_is_noted_once_is_received() -> None:
    """At rest, and while an item runs; then after it."""
    received: List[str] = []
    inside, go = threading.Event(), threading.Event()
    box = Box(receive=lambda: received.append("input"))
    box.strand.note_readable()
    eventually(lambda: received == ["input"])
    box.post(lambda: (inside.set(), go.wait(10), received.append("item")))
    assert inside.wait(5)
    box.strand.note_readable()
    go.set()
    eventually(lambda: received == ["input", "item", "input"])


def test_receiving_that_fails_is_reported_and_the_strand_goes_on(reported: Any) -> None:
    def receive() -> None:
        raise LookupError("on purpose")
    box = Box(receive=receive)
    box.strand.note_readable()
    reported.take(LookupError)
    box.settle()


def test_a_held_strand_with_a_dispatch_and_nothing_in_it_can_be_released() -> None:
    queue, seen = netcompat.EventQueue(), []        # type: netcompat.EventQueue, List[int]
    box = Box(queue.put)
    box.strand.hold()
    box.strand.release()
    queue.run_until(lambda: not box.strand.busy(), 5)
    box.post(seen.append, 1)
    queue.run_until(lambda: seen, 5)


def test_an_idle_strand_pays_for_no_queue() -> None:
    box = Box()
    box.settle()
    eventually(lambda: not box.strand.busy())
    assert box.strand._items is None


def test_dispatch_through_an_executor(executor: Any, fast_switching: None) -> None:
    box, seen = Box(executor.submit), []        # type: Box, List[Any]
    for number in range(1000):
        box.post(lambda number=number: seen.append((number, threading.current_thread().name)))
    box.settle()
    assert [number for number, _ in seen] == list(range(1000))
    assert not [name for _, name in seen if name.startswith("netcompat")]


def test_dispatch_through_asyncio() -> None:
    seen: List[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        box = Box(loop.call_soon_threadsafe)
        for number in range(200):
            box.post(lambda number=number: seen.append((number, threading.get_ident())))
        box.post(over.set_result, None)
        await asyncio.wait_for(over, 10)
    asyncio.run(main())
    assert seen == [(number, threading.get_ident()) for number in range(200)]


def test_dispatch_through_an_event_queue() -> None:
    queue = netcompat.EventQueue()
    box, seen = Box(queue.put), []      # type: Box, List[int]
    for _ in range(200):
        box.post(lambda: seen.append(threading.get_ident()))
    queue.run_until(lambda: len(seen) == 200, 10)
    assert set(seen) == {threading.get_ident()}
    assert queue.run_pending() == 0


def test_dispatch_through_a_pool_of_ones_own() -> None:
    pool = netcompat.WorkerPool(2, thread_name_prefix="netcompat-mine")
    box, seen = Box(pool.submit), []        # type: Box, List[str]
    for _ in range(200):
        box.post(lambda: seen.append(threading.current_thread().name))
    box.settle()
    assert len(seen) == 200 and all(name.startswith("netcompat-mine") for name in seen)


def test_a_dispatch_that_raises_is_reported_once_and_left(reported: Any) -> None:
    calls: List[int] = []

    def dispatch(call: Callable[[], None]) -> None:
        calls.append(1)
        raise ZeroDivisionError
    box, seen = Box(dispatch), []       # type: Box, List[int]
    for number in range(100):
        box.post(seen.append, number)
    box.settle()
    assert seen == list(range(100))
    assert calls == [1]
    reported.take(ZeroDivisionError)


def test_a_dispatch_that_calls_and_raises_or_calls_twice_runs_once(reported: Any, executor: Any) -> None:
    def calls_and_raises(call: Callable[[], None]) -> None:
        call()
        raise ZeroDivisionError

    def twice(call: Callable[[], None]) -> None:
        executor.submit(call)
        executor.submit(call)
    for dispatch in (calls_and_raises, twice):
        box, seen = Box(dispatch), []       # type: Box, List[int]
        for number in range(300):
            box.post(seen.append, number)
        box.settle()
        assert seen == list(range(300))
    reported.take(ZeroDivisionError)


def test_a_dispatch_is_called_on_pool_threads_only() -> None:
    names: List[str] = []

    def dispatch(call: Callable[[], None]) -> None:
        names.append(threading.current_thread().name)
        call()
    Box(dispatch).settle()
    assert all(name.startswith("netcompat-worker") for name in names) and names


def test_the_default_dispatch_counts_from_then_on() -> None:
    queue = netcompat.EventQueue()
    server = netcompat.create_server()
    netcompat.set_default_dispatch(queue.put)
    try:
        assert default_dispatch() == queue.put
        seen: List[int] = []
        later = netcompat.create_server().on("listening", lambda: seen.append(threading.get_ident()))
        later.listen(0, "127.0.0.1")
        queue.run_until(lambda: seen, 5)
        assert seen == [threading.get_ident()]
        server.on("listening", lambda: seen.append(threading.get_ident())).listen(0, "127.0.0.1")
        eventually(lambda: len(seen) == 2)
        assert seen[1] != threading.get_ident()
        later.close()
        queue.run_until(lambda: not later._living, 5)
        server.close()
    finally:
        netcompat.set_default_dispatch(None)
    with pytest.raises(TypeError):
        netcompat.set_default_dispatch(3)       # type: ignore[arg-type]


def test_it_knows_whose_thread_it_is(executor: Any) -> None:
    box, here = Box(), []       # type: Box, List[bool]
    box.post(lambda: here.append(box.strand.here()))
    box.settle()
    assert here == [True] and not box.strand.here()
    queue = netcompat.EventQueue()
    mine = Box(queue.put)
    mine.post(here.append, True)
    queue.run_until(lambda: len(here) == 2, 5)
    assert mine.strand.here()


def test_an_executor_has_no_one_thread() -> None:
    """A listener on one thread of an executor may wait for an emitter that ran there before: others can serve it."""
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        box = Box(executor.submit)
        block = threading.Event()
        box.settle()
        first = box.strand.home
        executor.submit(block.wait, 10)
        box.settle()
        box.settle()
        block.set()
        eventually(lambda: not box.strand.busy())
        assert box.strand.home in (0, first)
        assert box.strand._roams == (box.strand.home == 0)


def test_it_knows_that_it_depends_on_a_loop_that_runs_here() -> None:
    async def ask() -> bool:
        box = Box(asyncio.get_running_loop().call_soon_threadsafe)
        return box.strand.depends_on_me() and not await asyncio.get_running_loop().run_in_executor(
            None, box.strand.depends_on_me)
    assert asyncio.run(ask())
    loop = asyncio.new_event_loop()
    assert not Box(loop.call_soon_threadsafe).strand.depends_on_me()        # it runs nowhere yet
    loop.close()
