"""Helpers for the tests of `netcompat.cluster`: a started cluster, and clients that say what became of them.

No conftest.py, since the one in `tests` is imported under that name. A test file imports the fixtures that it uses, and
`helpers_of_multiprocessing` in any case.
"""
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from cluster_targets import WAIT

if sys.platform == "win32":
    pytest.skip("clusters do not run on Windows yet", allow_module_level=True)

METHODS = ["spawn", "forkserver", "fork"]

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(autouse=True, scope="session")
def helpers_of_multiprocessing() -> None:
    """Starts the processes that `multiprocessing` keeps to itself, so that no test is blamed for their descriptors."""
    from multiprocessing import forkserver, resource_tracker
    multiprocessing.get_context("forkserver").set_forkserver_preload(["cluster_targets"])
    resource_tracker.ensure_running()
    forkserver.ensure_running()


class Running:
    """A cluster that is started and watched."""

    def __init__(self, target: Callable[..., Any], args: Any = (), **options: Any) -> None:
        from netcompat.cluster import Cluster
        options.setdefault("context", "forkserver")
        options.setdefault("workers", 2)
        options.setdefault("grace", 5.0)
        self.events: List[Any] = []         # (event, worker's id, further arguments)
        self._changed = threading.Condition()
        self.cluster = Cluster(target, args, **options)
        for event in ("fork", "online", "listening", "message", "disconnect", "exit"):
            self.cluster.on(event, lambda worker, *more, event=event: self._note(event, worker, more))

    def _note(self, event: str, worker: Any, more: Any) -> None:
        with self._changed:
            self.events.append((event, worker.id) + more)
            self._changed.notify_all()

    def until(self, predicate: Callable[[], Any], what: str = "") -> Any:
        """Waits until the events make `predicate()` true, and returns what it returned."""
        with self._changed:
            found = self._changed.wait_for(predicate, WAIT)
            assert found, "{}; the events: {}".format(what or "not in time", self.events)
        return found

    def all_of(self, event: str) -> List[Any]:
        return [told for told in list(self.events) if told[0] == event]

    def messages(self, count: int) -> List[Any]:
        """The first messages, when so many have come."""
        self.until(lambda: len(self.all_of("message")) >= count, "{} messages".format(count))
        return [told[2] for told in self.all_of("message")][:count]

    def port(self, listening: int = 0) -> int:
        """The port, when all workers (or so many) listen."""
        count = listening or self.cluster._size
        self.until(lambda: len(self.all_of("listening")) >= count, "{} times 'listening'".format(count))
        address = self.all_of("listening")[0][2]
        return address.port

    def workers(self) -> List[Any]:
        return sorted(self.cluster.workers.values(), key=lambda worker: worker.id)


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """`running(target, args, **options)`: a `Running` that is started, and shut down after the test."""
    made: List[Running] = []

    def start(target: Callable[..., Any], args: Any = (), **options: Any) -> Running:
        one = Running(target, args, **options)
        made.append(one)
        one.cluster.start()
        return one

    yield start
    for one in made:
        one.cluster.shutdown(1.0)


def ask(port: Any, data: bytes = b"?", host: str = "127.0.0.1") -> bytes:
    """Connects, sends, and returns all that comes back, which is all when the server ends."""
    with open_client(port, host) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def open_client(port: Any, host: str = "127.0.0.1") -> socket.socket:
    if isinstance(port, (str, bytes)):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(WAIT)
        client.connect(port)
        return client
    return socket.create_connection((host, port), WAIT)


def read_all(client: socket.socket) -> bytes:
    parts = []
    while True:
        part = client.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


class Load:
    """Connects so many times a second, in a process of its own, and counts what becomes of it."""

    def __init__(self, port: int, rate: float) -> None:
        context = multiprocessing.get_context("forkserver")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_generate, args=(theirs, port, rate))
        self._process.start()
        theirs.close()
        assert self._ours.poll(WAIT) and self._ours.recv() == "ready"

    def stop(self) -> "Counter[str]":
        """What happened: 'echoed', 'ended', or the name of an exception; how often."""
        self._ours.send("stop")
        assert self._ours.poll(WAIT), "the load does not end"
        found = self._ours.recv()
        self._process.join(WAIT)
        self._ours.close()
        self._process.close()
        return Counter(found)


def _generate(control: Any, port: int, rate: float) -> None:
    counts: "Counter[str]" = Counter()
    lock = threading.Lock()         # guards `counts`
    threads = []

    def once() -> None:
        what = "connect"
        try:
            with socket.create_connection(("127.0.0.1", port), WAIT) as client:
                what = "use"
                client.sendall(b"x")
                result = "echoed" if client.recv(1) == b"x" else "ended"
        except OSError as problem:
            result = "{}: {}".format(what, type(problem).__name__)
        with lock:
            counts[result] += 1

    control.send("ready")
    began, number = time.monotonic(), 0
    while not control.poll(max(began + number / rate - time.monotonic(), 0.0)):
        number += 1
        thread = threading.Thread(target=once)
        thread.start()
        threads = [other for other in threads if other.is_alive()] + [thread]
    for thread in threads:
        thread.join()
    control.send(dict(counts))


def session(number: int) -> List[int]:
    """The living processes of a session; only on Linux."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX" and int(fields[3]) == number:
                found.append(int(name))
    return found
