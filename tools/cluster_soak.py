#!/usr/bin/env python3
"""A cluster under fire: workers killed, replaced and restarted while clients connect, with an account of each client.

    python3 tools/cluster_soak.py [--quick] [--only kills|restart|replacements] [--policy P] [--context C] [--rate N]

`kills`: ten workers get SIGKILL one after another. Nobody may be refused, nobody may wait in vain, and who is cut off
was served by one of the killed, or cut off at the moment of a kill.
`restart`: `restart()` with 200 long-lived connections. Nobody may be refused or reset, and each of the 200 must have
had `grace` seconds since its worker was to leave.
`replacements`: 1 000 workers are replaced, half of them after SIGKILL. Descriptors and memory of the primary must be
level from the first hundred to the last.

The clients are a process of their own, and connect at `--rate` a second whatever becomes of those before. The exit
status is 1 if anything was not as it must be. Needs Linux or macOS.
"""
from __future__ import annotations

import argparse
import errno
import gc
import logging
import multiprocessing
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402
from soak_process import descriptors, resident  # noqa: E402

PAUSE = 0.1                 # seconds between the two questions of a client
LATE = 15.0                 # seconds after which a client that was not served has waited in vain
AT_A_KILL = 1.0             # seconds after a kill in which it explains a lost client whose worker is not known
LEVEL_DESCRIPTORS = 0
LEVEL_MEMORY = 4 << 20      # bytes
HOST = "127.0.0.1"


# ---- the workers ----

def serve() -> None:
    """Says which process it is, then echoes."""
    def introduce(client: netcompat.Socket) -> None:
        client.on("error", lambda error: None)
        client.write("{}\n".format(os.getpid()))
        client.pipe(client)

    netcompat.create_server(introduce).listen(0, HOST)


# ---- the clients ----

class Ending(NamedTuple):
    """What became of a client."""
    kind: str               # 'served', 'refused', 'cut' (reset or ended before it was served), 'late', or an errno
    held: bool              # one of the long-lived
    pid: int                # who served it, 0 if that is not known
    when: float             # monotonic


class Client:
    def __init__(self, held: bool) -> None:
        self.held = held
        self.began = time.monotonic()
        self.data = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)

    @property
    def pid(self) -> int:
        line, newline, _ = self.data.partition(b"\n")
        return int(line) if newline else 0


class Clients:
    """In a process of its own: opens connections at a rate, and keeps account. One thread, one selector."""

    def __init__(self, port: int, rate: float, held: int) -> None:
        self.port, self.rate = port, rate
        self.selector = selectors.DefaultSelector()
        self.endings: List[Ending] = []
        self.open = 0
        self.held = [self.connect(True) for _ in range(held)]
        self.late: Deque[Tuple[float, Client]] = deque()        # when a client has waited in vain
        self.again: Deque[Tuple[float, Client]] = deque()       # when it asks for the second time

    def connect(self, held: bool) -> Client:
        client = Client(held)
        self.open += 1
        problem = client.socket.connect_ex((HOST, self.port))
        if problem not in (0, errno.EINPROGRESS):
            self.end(client, errno.errorcode.get(problem, str(problem)))
        else:
            self.selector.register(client.socket, selectors.EVENT_WRITE, client)
        return client

    def end(self, client: Client, kind: str) -> None:
        if client.socket.fileno() < 0:
            return
        if client.socket in self.selector.get_map():
            self.selector.unregister(client.socket)
        client.socket.close()
        self.open -= 1
        self.endings.append(Ending(kind, client.held, client.pid, time.monotonic()))

    def ready(self, client: Client, mask: int) -> None:
        try:
            if mask & selectors.EVENT_WRITE:
                problem = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if problem:
                    self.end(client, "refused" if problem == errno.ECONNREFUSED else errno.errorcode[problem])
                    return
                client.socket.send(b"?")
                self.selector.modify(client.socket, selectors.EVENT_READ, client)
                return
            data = client.socket.recv(4096)
        except OSError:
            self.end(client, "reset" if client.held else "cut")
            return
        client.data += data
        if not data:
            self.end(client, "ended" if client.held else "cut")
        elif not client.held and client.data.endswith(b"?"):
            self.again.append((time.monotonic() + PAUSE, client))
        elif not client.held and client.data.endswith(b"!"):
            self.end(client, "served")

    def ask_again(self, client: Client) -> None:
        if client.socket.fileno() >= 0:
            try:
                client.socket.send(b"!")
            except OSError:
                self.end(client, "cut")

    def run(self, control: Any) -> None:
        while not all(client.data.endswith(b"?") or client.socket.fileno() < 0 for client in self.held):
            self.step(0.1)
        control.send("ready")
        self.selector.register(control, selectors.EVENT_READ, None)
        began, number, stopped = time.monotonic(), 0, False
        while not stopped or self.open:
            now = time.monotonic()
            while not stopped and began + number / self.rate <= now:
                number += 1
                self.late.append((now + LATE, self.connect(False)))
            while self.late and self.late[0][0] <= now:
                self.end(self.late.popleft()[1], "late")
            while self.again and self.again[0][0] <= now:
                self.ask_again(self.again.popleft()[1])
            stopped = self.step(0.02 if stopped else max(began + number / self.rate - now, 0.0)) or stopped
            if stopped:
                for client in self.held:
                    self.end(client, "kept")
        control.send(self.endings)

    def step(self, timeout: float) -> bool:
        """Let happen what is ready; is it the end?"""
        over = False
        for key, mask in self.selector.select(timeout):
            if key.data is None:
                self.selector.unregister(key.fileobj)
                over = True
            elif key.fileobj.fileno() >= 0:     # type: ignore[union-attr]
                self.ready(key.data, mask)
        return over


def run_clients(control: Any, port: int, rate: float, held: int) -> None:
    Clients(port, rate, held).run(control)


class Load:
    """The clients, seen from the primary."""

    def __init__(self, port: int, rate: float, held: int = 0) -> None:
        context = multiprocessing.get_context("spawn")
        self.control, theirs = context.Pipe()
        self.process = context.Process(target=run_clients, args=(theirs, port, rate, held))
        self.process.start()
        theirs.close()
        if not self.control.poll(60) or self.control.recv() != "ready":
            raise SystemExit("the clients did not come up")
        self.began = time.monotonic()

    def stop(self) -> List[Ending]:
        seconds = time.monotonic() - self.began
        self.control.send("stop")
        if not self.control.poll(LATE * 3):
            raise SystemExit("the clients do not end")
        endings: List[Ending] = self.control.recv()
        self.process.join()
        self.control.close()
        count = sum(not ending.held for ending in endings)
        print(f"  {count} connects in {seconds:.1f} s, {count / seconds:.0f} a second")
        return endings


# ---- the scenarios ----

class Watched:
    """A cluster, and when its workers began to listen."""

    def __init__(self, options: argparse.Namespace, workers: int, grace: float) -> None:
        from netcompat.cluster import Cluster
        self.changed = threading.Condition()        # guards `listening`
        self.listening: Dict[int, float] = {}       # by worker's number: when
        self.port = 0
        self.cluster = Cluster(serve, workers=workers, policy=options.policy, context=options.context, grace=grace)
        self.cluster.on("listening", self._listens)
        self.cluster.start()
        self.until_full()

    def _listens(self, worker: Any, address: Any) -> None:
        with self.changed:
            self.listening[worker.id] = time.monotonic()
            self.port = address.port
            self.changed.notify_all()

    def until_full(self) -> None:
        """Wait until every place is filled by a worker that listens."""
        def full() -> bool:
            workers = self.cluster.workers
            return len(workers) == self.cluster._size and all(number in self.listening for number in workers)

        limit = time.monotonic() + 60
        with self.changed:
            while not full():
                if time.monotonic() > limit:
                    raise SystemExit("the workers are not replaced: {}".format(self.cluster))
                self.changed.wait(0.05)     # a worker that ends is no event of this condition


def judge(failures: List[str], what: str) -> bool:
    for failure in failures:
        print(f"  NOT AS IT MUST BE: {failure}")
    print(f"{what}: {'failed' if failures else 'passed'}", flush=True)
    return not failures


def soak_kills(options: argparse.Namespace) -> bool:
    print(f"kills: {options.context}, {options.policy}")
    watched = Watched(options, 4, 2.0)
    kills: List[Tuple[int, float]] = []
    try:
        load = Load(watched.port, options.rate)
        for _ in range(5 if options.quick else 10):
            time.sleep(0.3 if options.quick else 0.7)
            watched.until_full()
            oldest = min(watched.cluster.workers.values(), key=lambda worker: worker.id)
            os.kill(oldest.pid or 0, signal.SIGKILL)
            kills.append((oldest.pid or 0, time.monotonic()))
        watched.until_full()
        time.sleep(0.5)
        endings = load.stop()
    finally:
        left = watched.cluster.shutdown(1.0)
    counts = Counter(ending.kind for ending in endings)
    killed = {pid for pid, _ in kills}
    lost = [ending for ending in endings if ending.kind == "cut"]
    known = sum(ending.pid in killed for ending in lost)
    unexplained = [ending for ending in lost if ending.pid not in killed and (
        ending.pid or not any(0 <= ending.when - when < AT_A_KILL for _, when in kills))]
    print(f"  {len(kills)} killed; {dict(counts)}; of the cut {known} had been served by a killed one, "
          f"{len(lost) - known - len(unexplained)} were cut within {AT_A_KILL:g} s of a kill")
    failures = [f"{counts[kind]} {kind}" for kind in counts if kind not in ("served", "cut")]
    if unexplained:
        failures.append(f"{len(unexplained)} cut for no reason, {unexplained[0]}")
    if not counts["served"]:
        failures.append("nobody was served")
    if left:
        failures.append(f"{left} workers had to be killed at the end")
    return judge(failures, "kills")


def soak_restart(options: argparse.Namespace) -> bool:
    grace = 2.0
    print(f"restart: {options.context}, {options.policy}, grace {grace:g} s")
    watched = Watched(options, 2, grace)
    old = {worker.pid: worker.id for worker in watched.cluster.workers.values()}
    try:
        load = Load(watched.port, options.rate, 50 if options.quick else 200)
        watched.cluster.restart(120)
        new = sorted(watched.cluster.workers)
        time.sleep(0.5)
        endings = load.stop()
    finally:
        left = watched.cluster.shutdown(1.0)
    counts = Counter(ending.kind for ending in endings)
    # The workers go in the order of their numbers, each when its successor listens.
    successors = dict(zip(sorted(old.values()), new))
    held = [ending for ending in endings if ending.held]
    times = [ending.when - watched.listening[successors[old[ending.pid]]] for ending in held if ending.pid in old]
    print(f"  {dict(counts)}; {len(held)} long-lived had {min(times):.2f} to {max(times):.2f} s")
    failures = [f"{counts[kind]} {kind}" for kind in counts if kind not in ("served", "ended")]
    if len(times) != len(held) or min(times) < grace - 0.05:
        failures.append("a long-lived connection had less than its time of grace")
    if left:
        failures.append(f"{left} workers had to be killed at the end")
    return judge(failures, "restart")


def soak_replacements(options: argparse.Namespace) -> bool:
    wanted, workers = (32, 8) if options.quick else (options.replacements, 16)
    print(f"replacements: {options.context}, {options.policy}")
    watched = Watched(options, workers, 0.0)
    samples: List[Tuple[int, int, int]] = []
    done, began = 0, time.monotonic()
    first: Optional[Tuple[int, int, int]] = None
    try:
        while done < wanted:
            watched.cluster.restart(120)
            time.sleep(1.0)         # who ends within a second after it began makes its successor wait
            for worker in list(watched.cluster.workers.values()):
                os.kill(worker.pid or 0, signal.SIGKILL)
            time.sleep(0.2)
            watched.until_full()
            done += 2 * workers
            gc.collect()
            samples.append((done, descriptors(), resident()))
            if first is None and done >= wanted / 10:
                first = samples[-1]
    finally:
        watched.cluster.shutdown(1.0)
    assert first is not None
    last = samples[-1]
    print(f"  {done} replaced in {time.monotonic() - began:.0f} s")
    for number, count, memory in (samples[0], first, last):
        print(f"  after {number}: {count} descriptors, {memory / 2**20:.1f} MiB")
    failures = []
    if last[1] > first[1] + LEVEL_DESCRIPTORS:
        failures.append("descriptors grow")
    if last[2] > first[2] + LEVEL_MEMORY:
        failures.append("memory grows")
    return judge(failures, "replacements")


SCENARIOS = {"kills": soak_kills, "restart": soak_restart, "replacements": soak_replacements}


def main() -> int:
    parser = argparse.ArgumentParser(description="A cluster under fire.")
    parser.add_argument("--quick", action="store_true", help="each scenario briefly")
    parser.add_argument("--only", choices=sorted(SCENARIOS), help="one scenario")
    parser.add_argument("--policy", choices=("round-robin", "shared"), default="round-robin")
    parser.add_argument("--context", choices=("spawn", "forkserver", "fork"), default="forkserver")
    parser.add_argument("--rate", type=float, default=300.0, metavar="N", help="connects a second (300)")
    parser.add_argument("--replacements", type=int, default=1000, metavar="N", help="of workers (1000)")
    options = parser.parse_args()
    if not hasattr(socket, "AF_UNIX"):
        print("no cluster on this system")
        return 0
    logging.getLogger("netcompat").setLevel(logging.ERROR)      # that a worker has ended is no news here
    if options.context == "forkserver":
        multiprocessing.set_forkserver_preload(["__main__"])
    passed = [run(options) for name, run in SCENARIOS.items() if options.only in (None, name)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
