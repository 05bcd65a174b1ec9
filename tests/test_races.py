"""Races: many sockets, several threads on each, in an order that a seed decides, switched as often as possible.

The environment's NETCOMPAT_RACES is the number of interleavings (10 000), NETCOMPAT_RACES_SEED their seed (today's is
printed by a failure). Whatever the order was: 'close' comes once and last, nothing hangs, nothing is left.
"""
import gc
import os
import random
import socket
import struct
import threading
import time
import weakref
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

import netcompat
from conftest import eventually, open_descriptors

HOST = "127.0.0.1"
ROUNDS = int(os.environ.get("NETCOMPAT_RACES", "10000"))
SEED = int(os.environ.get("NETCOMPAT_RACES_SEED", "1"))
BATCH = 40                  # connections at a time
BUDGET = 25.0 if ROUNDS <= 10000 else 3600.0        # seconds
RESET = struct.pack("ii", 1, 0)

pytestmark = pytest.mark.usefixtures("fast_switching")


class Watched:
    """One socket and what it told; `problem` says what was against the promises."""

    def __init__(self, sock: netcompat.Socket) -> None:
        self.ghost = weakref.ref(sock)
        self.events: List[str] = []
        self.problem = ""
        self.closed = threading.Event()
        for event in ("connect", "data", "end", "error", "finish", "drain", "close"):
            sock.on(event, self.note(event))

    def note(self, event: str) -> Callable[..., None]:
        def listener(*_: Any) -> None:
            if "close" in self.events:
                self.problem = f"{event!r} after 'close'"
            self.events.append(event)
            if event == "close":
                self.closed.set()
        return listener


def actions(sock: netcompat.Socket) -> List[Callable[[], Any]]:
    return [
        lambda: sock.write(b"x" * 10),
        lambda: sock.write(b"x" * 200_000),
        lambda: sock.write(b"x", lambda error: None),
        sock.end,
        lambda: sock.end(b"bye", lambda *_: None),
        sock.destroy,
        lambda: sock.destroy(OSError("mine")),
        sock.pause,
        sock.resume,
        sock.destroy_soon,
        sock.cork,
        sock.uncork,
        lambda: sock.set_timeout(1),
        lambda: sock.on("data", len),
    ]


def peer_actions(raw: socket.socket) -> List[Callable[[], Any]]:
    def reset() -> None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        raw.close()
    return [
        lambda: raw.send(b"y" * 100),
        lambda: raw.recv(1 << 16),
        lambda: raw.shutdown(socket.SHUT_WR),
        raw.close,
        reset,
    ]


def plan(dice: random.Random, choices: List[Callable[[], Any]], most: int) -> List[Callable[[], Any]]:
    return [dice.choice(choices) for _ in range(dice.randint(1, most))]


class Crew:
    """Threads that run one plan each at the same time, again and again."""

    def __init__(self, size: int) -> None:
        self.plans: List[List[Callable[[], Any]]] = [[] for _ in range(size)]
        self.barrier = threading.Barrier(size + 1)
        self.over = False
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(size)]
        for thread in self.threads:
            thread.start()

    def work(self, number: int) -> None:
        while True:
            self.barrier.wait()
            if self.over:
                return
            for step in self.plans[number]:
                try:
                    step()
                except OSError:
                    pass        # of the peer's raw socket
            step = None         # type: ignore[assignment]  # it holds a socket
            self.barrier.wait()

    def run(self, plans: List[List[Callable[[], Any]]]) -> None:
        self.plans = plans
        self.barrier.wait(20)
        self.barrier.wait(20)       # a deadlock breaks it
        self.plans = [[] for _ in plans]

    def end(self) -> None:
        self.over = True
        self.barrier.wait(20)
        for thread in self.threads:
            thread.join(20)


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew(4)
    yield made
    made.end()


def finish(watched: List[Watched], seed: str) -> None:
    """All are closed, told so once and last, and leave nothing."""
    for each in watched:
        assert each.closed.wait(10), (seed, "no 'close'", each.events, each.ghost())
    for each in watched:
        assert not each.problem, (seed, each.problem, each.events)
        assert each.events.count("close") == 1 and each.events[-1] == "close", (seed, each.events)


def test_any_order_of_calls_and_of_what_the_peer_does(crew: Crew) -> None:
    listener = socket.create_server((HOST, 0), backlog=256)
    port = listener.getsockname()[1]
    before = len(open_descriptors())
    deadline = time.monotonic() + BUDGET
    done = 0
    while done < ROUNDS and time.monotonic() < deadline:
        seed = f"{SEED}/{done}"
        dice = random.Random(seed)
        watched, raws, batch = [], [], []
        for _ in range(BATCH):
            sock = netcompat.connect(port, HOST)
            watched.append(Watched(sock))
            raw, _ = listener.accept()
            raw.setblocking(False)
            batch.append((sock, raw))
            raws.append(raw)
        plans: List[List[Callable[[], Any]]] = [[], [], [], []]
        for sock, raw in batch:
            for number in range(3):
                plans[number] += plan(dice, actions(sock), 4)
            plans[3] += plan(dice, peer_actions(raw), 4)
        for steps in plans[:3]:
            if dice.random() < 0.5:
                steps.reverse()         # threads that meet from both ends
        crew.run(plans)
        for sock, raw in batch:
            sock.destroy()
            raw.close()
        plans, batch, steps, sock, raw = [], [], [], None, None      # type: ignore[assignment]
        finish(watched, seed)
        done += BATCH
    listener.close()
    netcompat.shutdown(10)
    ghosts = [each.ghost for each in watched]
    eventually(lambda: gc.collect() >= 0 and not any(ghost() for ghost in ghosts), message="a socket is kept alive")
    eventually(lambda: not before or len(open_descriptors()) < before)      # 0: the system does not tell
    assert done >= min(ROUNDS, 1000), f"too slow: {done} in {BUDGET} s"


def test_nothing_is_kept_alive_by_the_engine() -> None:
    """While the engine runs on: a closed socket is garbage."""
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, HOST)
    ghosts = []
    for number in range(50):
        client = netcompat.connect(server.address().port, HOST)
        client.set_timeout(3_600_000)
        client.write(b"x")
        client.recv(1, 5)
        ghosts.append(weakref.ref(client))
        ghosts.extend(weakref.ref(sock) for sock in server.connections)
        client.end()
        client.wait_for("close", 5)
        del client
    eventually(lambda: not server.connections)
    eventually(lambda: gc.collect() >= 0 and not any(ghost() for ghost in ghosts), message="a socket is kept alive")
    server.close()


def test_connect_and_destroy_from_several_threads(crew: Crew) -> None:
    server = netcompat.create_server(lambda sock: sock.on("error", lambda problem: None).resume()).listen(0, HOST)
    port = server.address().port
    for number in range(40):
        dice = random.Random(f"{SEED}/{number}")
        watched, plans = [], [[], [], [], []]       # type: List[Watched], List[List[Callable[[], Any]]]
        socks = [netcompat.Socket() for _ in range(10)]
        for sock in socks:
            watched.append(Watched(sock))
            sock.on("error", lambda problem: None)
            plans[0].append(lambda sock=sock: sock.connect(port, HOST))
            plans[1] += plan(dice, [sock.destroy, lambda sock=sock: sock.write(b"x")], 2)
            plans[2] += plan(dice, [sock.reset_and_destroy, sock.end, sock.pause], 2)
            plans[3].append(lambda sock=sock: sock.set_timeout(1))
        crew.run([[safely(step) for step in steps] for steps in plans])
        # A connect after the destroy began another life: each has a 'close' of its own.
        for sock in socks:
            sock.destroy()
        for each in watched:
            assert each.closed.wait(10), each.events
        eventually(lambda: all(not sock._living and each.events[-1] == "close" for sock, each in zip(socks, watched)),
                   message=str(number))
        for sock, each in zip(socks, watched):
            assert each.events[-1] == "close" and 1 <= each.events.count("close") <= 2, each.events
            assert each.events.count("connect") <= each.events.count("close")
    server.close()
    eventually(lambda: not server.connections)


def safely(step: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            step()
        except (RuntimeError, OSError):
            pass            # ERR_SOCKET_CLOSED and its like: the call came too late or too early
    return run


def test_listen_and_close_from_several_threads(crew: Crew) -> None:
    for number in range(60):
        server = netcompat.create_server(lambda sock: sock.destroy())
        closes: List[int] = []
        server.on("close", lambda: closes.append(1))

        def visit() -> None:
            where = server.address()
            if where is not None:
                socket.create_connection((HOST, where.port), 5).close()

        def listen() -> None:
            server.listen(0, HOST)
        crew.run([[safely(step) for step in steps] for steps in (
            [listen, visit, listen], [server.close, listen, visit], [server.close_all_connections, visit, server.close],
            [server.close, server.unref, server.ref])])
        server.close()
        eventually(lambda: not server._living and not server._strand.busy(), message=str(number))
        assert not server.listening and server.address() is None
        assert 0 < len(closes) <= 4


def test_writers_and_a_reset(crew: Crew) -> None:
    """Every callback of a write comes exactly once, whatever becomes of the connection."""
    listener = socket.create_server((HOST, 0), backlog=64)
    for number in range(60):
        dice = random.Random(f"{SEED}/{number}")
        sock = netcompat.connect(listener.getsockname()[1], HOST)
        sock.on("error", lambda problem: None)
        raw, _ = listener.accept()
        told: Dict[Tuple[int, int], int] = {}
        plans: List[List[Callable[[], Any]]] = []
        for thread in range(3):
            def step(index: int, thread: int = thread) -> None:
                sock.write(b"z" * 50_000,
                           lambda error: told.update({(thread, index): told.get((thread, index), 0) + 1}))
            plans.append([lambda index=index, step=step: step(index) for index in range(10)])
        plans.append(plan(dice, peer_actions(raw), 3) + [raw.close])
        crew.run(plans)
        sock.destroy()
        eventually(lambda: len(told) == 30, message=str(len(told)))
        assert set(told.values()) == {1}
    listener.close()


def test_readers_in_several_threads_share_what_comes(crew: Crew) -> None:
    server = netcompat.create_server().listen(0, HOST)
    for _ in range(10):
        client = netcompat.connect(server.address().port, HOST)
        peer = server.accept(5)
        total = 300_000
        got: List[bytes] = []

        def read() -> None:
            while True:
                chunk = client.recv(4096, 10)
                if not chunk:
                    return
                got.append(chunk)

        def write() -> None:
            for _ in range(30):
                peer.sendall(bytes(total // 30), 10)
            peer.end()
        crew.run([[read], [read], [read], [write]])
        assert sum(map(len, got)) == total
        client.destroy()
        peer.destroy()
    server.close()
