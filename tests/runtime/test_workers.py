"""The worker pool: limits, what counts, what blocks, warnings, retirement, shutdown."""
import logging
import socket
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List

import pytest

import netcompat
from conftest import eventually
from connections import on_wine
from netcompat import emitter, stream
from netcompat.runtime import workers
from netcompat.runtime.strand import Strand
from netcompat.runtime.verdicts import known_to_block
from netcompat.runtime.waiter import Waiter


@pytest.fixture
def small() -> Iterator[Callable[..., workers.Pool]]:
    """Makes pools, the default one too, and puts the old default back."""
    before = workers.default_pool()

    def make(size: int, default: bool = False, idle_seconds: float = 10.0) -> workers.Pool:
        pool = workers.Pool(size, idle_seconds, "netcompat-small")
        if default:
            workers.use(pool)
        return pool
    yield make
    netcompat.shutdown(5)
    workers.use(before)


def fill(pool: workers.Pool, count: int, wait: Callable[[], Any]) -> List[int]:
    """Submits `count` calls of `wait`; the list grows as they begin."""
    began: List[int] = []
    for number in range(count):
        def call(number: int = number) -> None:
            began.append(number)
            wait()
        pool.submit(call)
    return began


# ---- submit ----

def test_many_submits_from_many_threads_all_run(small: Any, fast_switching: None) -> None:
    pool, ran = small(4), []     # type: workers.Pool, List[int]

    def submit() -> None:
        for number in range(300):
            pool.submit(lambda: ran.append(1))
    threads = [threading.Thread(target=submit) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(ran) == 1500)


# ---- limits ----

def test_no_more_than_the_limit_run_at_once(small: Any) -> None:
    pool, go = small(3), threading.Event()
    began = fill(pool, 10, lambda: go.wait(10))
    eventually(lambda: len(began) == 3)
    time.sleep(0.05)        # a fourth would begin now
    assert len(began) == 3 == len(pool.threads())
    go.set()
    eventually(lambda: len(began) == 10)


def test_a_worker_that_waits_in_a_helper_does_not_count(small: Any) -> None:
    pool = small(2)
    waiters = [Waiter() for _ in range(10)]
    left = list(waiters)
    began = fill(pool, 10, lambda: left.pop().wait(10))
    eventually(lambda: len(began) == 10)
    assert pool.counts()["waiting"] == 10
    over = threading.Event()
    pool.submit(over.set)
    assert over.wait(5)
    for waiter in waiters:
        waiter.set()
    eventually(lambda: len(pool.threads()) <= 2, message="those above the limit go")


def test_waiting_may_be_nested(small: Any) -> None:
    pool, counts = small(1), []

    def call() -> None:
        with workers.blocking():
            with workers.blocking():
                counts.append(pool.counts()["waiting"])
            counts.append(pool.counts()["waiting"])
        counts.append(pool.counts()["waiting"])
    pool.submit(call)
    eventually(lambda: len(counts) == 3)
    assert counts == [1, 1, 0]


def test_workers_that_wait_and_go_on_lose_no_call(small: Any, fast_switching: None) -> None:
    """Those that are started in the place of a waiting one are too many when it goes on: whoever leaves, all run."""
    pool, ran = small(2), []

    def call() -> None:
        with workers.blocking():
            pass
        ran.append(1)
    for _ in range(30):
        for _ in range(20):
            pool.submit(call)
        time.sleep(0)
    eventually(lambda: len(ran) == 600)


def test_idle_workers_retire_but_the_last(small: Any) -> None:
    pool, go = small(4, idle_seconds=0.05), threading.Event()
    keep = netcompat.create_server().listen(0, "127.0.0.1")     # the engine runs on
    began = fill(pool, 4, lambda: go.wait(10))
    eventually(lambda: len(began) == 4)
    go.set()
    eventually(lambda: len(pool.threads()) == 1)
    time.sleep(0.2)         # longer than the idle time
    assert len(pool.threads()) == 1
    keep.close()
    eventually(lambda: not pool.threads())


def test_retiring_workers_lose_no_call(small: Any, fast_switching: None) -> None:
    pool, ran = small(3, idle_seconds=0), []
    keep = netcompat.create_server().listen(0, "127.0.0.1")
    for number in range(1, 301):
        pool.submit(lambda: ran.append(1))
        if number % 3 == 0:
            eventually(lambda: len(ran) == number)
    keep.close()


def test_an_idle_time_of_nothing_does_not_spin(small: Any) -> None:
    pool = small(1, idle_seconds=0)
    keep = netcompat.create_server().listen(0, "127.0.0.1")
    over = threading.Event()
    pool.submit(over.set)
    assert over.wait(5)
    eventually(lambda: pool.counts()["idle"] == 1)
    before = time.process_time()
    time.sleep(0.3)         # the claim is about a time in which nothing happens
    assert time.process_time() - before < 0.15
    keep.close()


# ---- the default pool ----

def echo_through(server: netcompat.Server) -> bytes:
    client = netcompat.connect(server.address().port, "127.0.0.1")
    client.write(b"x")
    try:
        return client.recv(1, 5)
    finally:
        client.destroy()


def test_the_default_pool_can_be_replaced(small: Any) -> None:
    names: List[str] = []

    def handle(sock: netcompat.Socket) -> None:
        names.append(threading.current_thread().name)
        sock.on("data", sock.write)
    server = netcompat.create_server(handle).listen(0, "127.0.0.1")
    assert echo_through(server) == b"x"
    small(2, default=True)
    assert echo_through(server) == b"x"
    netcompat.set_default_workers(3)
    assert echo_through(server) == b"x"
    assert names[1].startswith("netcompat-small") and not names[0].startswith("netcompat-small")
    server.close()


def test_what_is_queued_in_the_old_pool_is_still_run(small: Any) -> None:
    old = small(1, default=True)
    go, ran = threading.Event(), []     # type: threading.Event, List[int]
    began = fill(old, 1, lambda: go.wait(10))
    eventually(lambda: began)
    for number in range(20):
        workers.call_on_pool(ran.append, number)
    small(2, default=True)
    go.set()
    eventually(lambda: ran == list(range(20)))


def test_replacing_it_all_the_time_loses_nothing(small: Any, fast_switching: None) -> None:
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")

    def replace() -> None:
        for _ in range(200):        # each of them leaves a thread until the end
            small(2, default=True)
            time.sleep(0.001)
    thread = threading.Thread(target=replace)
    thread.start()
    try:
        while thread.is_alive():
            assert echo_through(server) == b"x"
    finally:
        thread.join()
    server.close()


# ---- listeners that block ----

@on_wine("takes longer for a send than a quick listener may")
def test_a_blocked_listener_is_remembered_and_forgotten_again(small: Any) -> None:
    small(4, default=True)
    pause = [0.02]

    def listener(chunk: bytes) -> None:
        if pause[0]:
            time.sleep(pause[0])
    server = netcompat.create_server(lambda sock: sock.on("data", lambda c: (listener(c), sock.write(c))))
    server.listen(0, "127.0.0.1")
    client = netcompat.connect(server.address().port, "127.0.0.1")

    def turn() -> None:
        client.write(b"x")
        assert client.recv(1, 5) == b"x"
    for _ in range(5):
        turn()
    sock, = server.connections
    assert sock._strand.blocking
    pause[0] = 0
    deadline = time.monotonic() + 20
    while sock._strand.blocking:
        assert time.monotonic() < deadline
        turn()
    client.destroy()
    server.close()


def test_what_ran_before_on_the_same_connection_is_not_blamed(small: Any) -> None:
    small(4, default=True)
    go = threading.Event()

    def introduce(sock: netcompat.Socket) -> None:
        sock.on("data", lambda chunk: go.wait(10))
    server = netcompat.create_server(introduce).listen(0, "127.0.0.1")
    with netcompat.connect(server.address().port, "127.0.0.1") as client:
        client.write(b"x")
        eventually(lambda: any(sock._strand.blocking for sock in server.connections))
        assert known_to_block(introduce.__code__) is None
        go.set()
    server.close()


def test_who_ran_last_is_not_kept_alive(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GIL a worker notes whose listener it runs."""
    for module in (emitter, stream):
        monkeypatch.setattr(module, "HAS_GIL", False)
    pool = small(2, default=True)
    noted: List[Any] = []

    def introduce(sock: netcompat.Socket) -> None:
        noted.append(workers._here.worker.listener)
        sock.on("data", sock.write)
    server = netcompat.create_server(introduce).listen(0, "127.0.0.1")
    assert echo_through(server) == b"x"
    assert noted == [introduce]
    eventually(lambda: not any(worker.listener for worker in pool._workers))
    server.close()


def test_after_a_slow_moment_one_worker_serves_the_run_queue_again(small: Any) -> None:
    """Another was woken when a call blocked. When that gets on, the two must not share what is always full."""
    small(4, default=True)
    keep = netcompat.create_server().listen(0, "127.0.0.1")
    go, ran, over = threading.Event(), [], threading.Event()        # type: threading.Event, List[int], threading.Event

    def quick() -> None:
        time.sleep(0)               # lets go of the interpreter lock, as a system call does
        ran.append(threading.get_ident())
        if len(ran) < 6000:
            workers.call_on_pool(quick)
        else:
            over.set()
    workers.call_on_pool(go.wait, 10)
    for _ in range(50):
        workers.call_on_pool(quick)
    eventually(lambda: len(ran) > 500)
    go.set()
    assert over.wait(20)
    changes = sum(one != other for one, other in zip(ran[1000:], ran[1001:]))
    assert changes < 1000, "two workers take turns"
    keep.close()


@contextmanager
def ten_that_block() -> Iterator[int]:
    """Ten connections whose listeners block for ever, all with the same code; some of them wait for a worker."""
    go = threading.Event()
    server = netcompat.create_server(lambda sock: sock.on("data", lambda chunk: go.wait(20))).listen(0, "127.0.0.1")
    clients = [netcompat.connect(server.address().port, "127.0.0.1") for _ in range(10)]
    eventually(lambda: len(server.connections) == 10)
    for client in clients:
        client.write(b"x")
        client.flush(5)
    try:
        eventually(lambda: netcompat.stats()["queued"] > 0)
        yield server.address().port
    finally:
        go.set()
    for client in clients:
        client.destroy()
    server.close()


def test_who_is_deposed_between_two_items_does_not_lead_from_the_other_queue(small: Any) -> None:
    """It had looked at its queue; then the reactor sent it to the other one. To lead from there would be to lead
    nobody, and no other worker would come."""
    pool = small(2, default=True)
    worker = workers._Worker(pool, pool.queue)
    assert pool._leads(worker) and pool._leader is worker
    pool._resign(worker)
    worker.queue = pool.blocking_queue
    assert not pool._leads(worker)
    assert pool._leader is None


def test_one_worker_is_kept_for_what_does_not_block(small: Any) -> None:
    small(3, default=True)
    quick = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    with ten_that_block():
        for _ in range(20):
            assert echo_through(quick) == b"x"
    quick.close()


def test_one_worker_is_kept_although_the_workers_get_no_processor(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has taken something, and is not in the listener yet: who will block is not to be seen. The patience that
    this takes begins anew whenever one gets on."""
    small(3, default=True)
    quick = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    run = Strand.run

    def late(strand: Strand) -> None:
        time.sleep(0.035)       # stands for a machine that is busy with others
        run(strand)
    monkeypatch.setattr(Strand, "run", late)
    with ten_that_block():
        for _ in range(5):
            assert echo_through(quick) == b"x"
    quick.close()


def test_no_trial_takes_the_worker_that_is_kept(small: Any) -> None:
    """A listener that is known to block is tried again after a while; not while the others are in it."""
    small(3, default=True)
    quick = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    clients = []
    with ten_that_block() as port:
        for _ in range(4):
            clients.append(netcompat.connect(port, "127.0.0.1"))
            clients[-1].write(b"x")
            time.sleep(0.25)        # the first terms of a verdict are over sooner
            assert echo_through(quick) == b"x"
    for client in clients:
        client.destroy()
    quick.close()


def test_the_worker_that_is_kept_stays_so_when_its_listener_was_slow(small: Any) -> None:
    small(3, default=True)
    quick = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")

    def slow(sock: netcompat.Socket) -> None:
        def listener(chunk: bytes) -> None:
            time.sleep(0.05)
            sock.write(chunk)
        sock.on("data", listener)
    once = netcompat.create_server(slow).listen(0, "127.0.0.1")
    with ten_that_block():
        assert echo_through(once) == b"x"
        for _ in range(20):
            assert echo_through(quick) == b"x"
    once.close()
    quick.close()


# ---- saturation ----

def listen_to_log() -> "Any":
    class Keep(logging.Handler):
        def __init__(self) -> None:
            super().__init__(logging.WARNING)
            self.texts: List[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.texts.append(record.getMessage())
    return Keep()


def test_a_saturated_pool_is_warned_of_once(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SATURATED_AFTER", 0.1)
    kept, go = listen_to_log(), threading.Event()
    logging.getLogger("netcompat").addHandler(kept)
    try:
        began = fill(small(2), 5, lambda: go.wait(20))
        eventually(lambda: kept.texts)
        time.sleep(0.35)        # three times the period
        assert len(kept.texts) == 1
        assert "2 workers" in kept.texts[0]
        assert f"call ({__file__}" in kept.texts[0].replace("fill.<locals>.", "")       # what they are in
        go.set()
        eventually(lambda: len(began) == 5)
    finally:
        go.set()
        logging.getLogger("netcompat").removeHandler(kept)


def test_a_pool_whose_workers_are_in_a_dispatch_is_warned_of_too(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SATURATED_AFTER", 0.1)
    kept, go = listen_to_log(), threading.Event()
    logging.getLogger("netcompat").addHandler(kept)
    try:
        small(1, default=True)
        servers = [netcompat.create_server(dispatch=lambda call: (go.wait(20), call())).listen(0, "127.0.0.1")
                   for _ in range(3)]
        eventually(lambda: kept.texts)
        assert "netcompat itself" in kept.texts[0]
        go.set()
        for server in servers:
            server.wait_for("listening", 10)
            server.close()
    finally:
        go.set()
        logging.getLogger("netcompat").removeHandler(kept)


def test_a_pool_that_gets_on_is_not_warned_of(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SATURATED_AFTER", 0.2)
    kept = listen_to_log()
    logging.getLogger("netcompat").addHandler(kept)
    try:
        began = fill(small(1), 20, lambda: time.sleep(0.02))
        eventually(lambda: len(began) == 20)
        assert not kept.texts
    finally:
        logging.getLogger("netcompat").removeHandler(kept)


def test_the_numbers_of_stats(small: Any) -> None:
    pool, go = small(2), threading.Event()
    began = fill(pool, 3, lambda: go.wait(10))
    eventually(lambda: len(began) == 2)
    counts = pool.counts()
    assert (counts["workers"], counts["busy"], counts["idle"], counts["queued"]) == (2, 2, 0, 1)
    go.set()
    eventually(lambda: len(began) == 3)


# ---- the turn ----

@pytest.fixture
def busy_echo() -> Iterator[netcompat.Server]:
    """A server whose quick listeners are kept busy without a pause, so that a worker has the turn all the time."""
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    stop = threading.Event()

    def ask() -> None:
        with socket.create_connection(server.address()[::2]) as client:
            while not stop.is_set():
                client.sendall(b"x")
                assert client.recv(10)
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    eventually(lambda: netcompat.stats()["bytes_read"] > 100)
    yield server
    stop.set()
    for thread in asking:
        thread.join()
    server.close()


def test_a_busy_server_takes_connections(busy_echo: netcompat.Server) -> None:
    for _ in range(20):
        assert echo_through(busy_echo) == b"x"


def test_timers_fire_beside_a_busy_server(busy_echo: netcompat.Server) -> None:
    fired = threading.Event()
    client = netcompat.connect(busy_echo.address().port, "127.0.0.1")
    client.set_timeout(20, fired.set)
    assert fired.wait(5)
    client.destroy()


def test_a_listener_that_blocks_beside_a_busy_server_stops_nobody(busy_echo: netcompat.Server) -> None:
    go = threading.Event()
    blocked = netcompat.create_server(lambda sock: sock.on("data", lambda chunk: go.wait(20))).listen(0, "127.0.0.1")
    client = netcompat.connect(blocked.address().port, "127.0.0.1")
    client.write(b"x")
    try:
        before = netcompat.stats()["bytes_read"]
        eventually(lambda: netcompat.stats()["bytes_read"] > before + 500)
        assert echo_through(busy_echo) == b"x"
    finally:
        go.set()
    client.destroy()
    blocked.close()


def test_a_busy_strand_that_is_watched_for_edges_loses_nothing(small: Any) -> None:
    """Input that comes while a listener blocks is received when it is done, although nobody says it again."""
    small(4, default=True)
    seen: List[bytes] = []

    def listener(chunk: bytes) -> None:
        time.sleep(0.002)       # is what makes the strand busy
        seen.append(chunk)
    server = netcompat.create_server(lambda sock: sock.on("data", listener)).listen(0, "127.0.0.1")
    with socket.create_connection(server.address()[::2]) as client:
        for number in range(300):
            client.sendall(b"%4d" % number)
        eventually(lambda: sum(map(len, seen)) == 1200)
        assert b"".join(seen) == b"".join(b"%4d" % number for number in range(300))
    eventually(lambda: not server.connections, message="the end is seen too")
    server.close()
