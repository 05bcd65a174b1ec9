#!/usr/bin/env python3
"""What a cluster gains, and what its hand-over costs: ratios of paired runs on this machine.

    python3 tools/bench_cluster.py [--quick] [--only compute|connects] [--rounds N] [--seconds S] [--strict]

`compute`: a handler that computes for 2 ms a message. Messages a second of one process, of two processes that know
nothing of each other (half of the clients each), and of a cluster with two workers.
`connects`: an echo of one byte on a new connection each time. Connections a second of one process, and of a cluster
with two workers under either policy.

All servers are up during the whole run. In each round all of them are measured for half a second, one after another,
every second round in the reverse order, and their rates compared within the round: whatever else the machine does for
a while is done to all of them. The medians of the rounds are printed, with the middle half of them.

The clients are one process, the same for all, which says how much of a processor it used itself: where it needs a
whole one it is the limit, and where there are no more processors than servers it takes from theirs. That is why a
cluster is compared with two processes in the same run, and not with twice what one does.

`--strict`: the exit status is 1 if the cluster gains less than 0.9 of what two processes gain, or keeps less than 0.75
of the connects of one process, or the shared policy gains none.
"""
from __future__ import annotations

import argparse
import multiprocessing
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

HOST = "127.0.0.1"
COMPUTING = 0.002           # seconds of a processor for each message of `compute`
CLIENTS = 8                 # connections at a time


# ---- the servers ----

def compute(data: bytes) -> None:
    """Two milliseconds of this thread's time on a processor, whoever else wants it."""
    until = time.thread_time() + COMPUTING
    while time.thread_time() < until:
        pass


def serve(kind: str) -> netcompat.Server:
    def introduce(client: netcompat.Socket) -> None:
        client.on("error", lambda error: None)

        @client.on("data")
        def answer(data: bytes) -> None:
            if kind == "compute":
                compute(data)
            client.write(data)

    return netcompat.create_server(introduce).listen(0, HOST)


def serve_alone(kind: str, control: Any) -> None:
    """One process that knows of no other, until `control` closes."""
    server = serve(kind)
    address: Any = server.address()
    control.send(address.port)
    try:
        control.recv()
    except EOFError:
        pass
    server.shutdown(0.0)


class Alone:
    def __init__(self, kind: str) -> None:
        self.control, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve_alone, args=(kind, theirs))
        self.process.start()
        theirs.close()
        self.port: int = self.control.recv()

    def close(self) -> None:
        self.control.send("end")
        self.process.join()
        self.control.close()


class Together:
    def __init__(self, kind: str, policy: str) -> None:
        from netcompat.cluster import Cluster
        self.cluster = Cluster(serve, (kind,), workers=2, policy=policy, context="spawn", grace=0.0)
        listening: List[Any] = []
        self.cluster.on("listening", lambda worker, address: listening.append(address.port))
        self.cluster.start()
        limit = time.monotonic() + 60
        while len(listening) < 2:
            if time.monotonic() > limit:
                raise SystemExit("the workers did not come up")
            time.sleep(0.02)
        self.port: int = listening[0]

    def close(self) -> None:
        self.cluster.shutdown()


# ---- the clients ----

def load(control: Any) -> None:
    """A process of its own: for each (kind, ports, seconds) it is sent, what `measure` says."""
    while True:
        order = control.recv()
        if order is None:
            return
        control.send(measure(*order))


def measure(kind: str, ports: List[int], seconds: float) -> Tuple[float, float]:
    """Answers a second, and the share of a processor that asking took. Each client asks as soon as it has the answer,
    `connects` on a new connection."""
    selector = selectors.DefaultSelector()

    def open_one(port: int) -> None:
        sock = socket.socket()
        sock.connect((HOST, port))
        sock.send(b"x")
        selector.register(sock, selectors.EVENT_READ, port)

    for number in range(CLIENTS):
        open_one(ports[number % len(ports)])
    count, began, used = 0, time.monotonic(), time.process_time()
    end = began + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(1.0):
            sock: Any = key.fileobj
            if sock.recv(16) != b"x":
                raise SystemExit("a connection was lost")
            count += 1
            if kind == "compute":
                sock.send(b"x")
            else:
                selector.unregister(sock)
                sock.close()
                open_one(key.data)
    lasted = time.monotonic() - began
    used = time.process_time() - used
    for key in list(selector.get_map().values()):
        key.fileobj.close()     # type: ignore[union-attr]
    selector.close()
    return count / lasted, used / lasted


# ---- the comparison ----

class Found(List[float]):
    """A figure of each round; in print the median, and the middle half."""

    def __str__(self) -> str:
        low, _, high = statistics.quantiles(self, n=4, method="inclusive")
        return f"{statistics.median(self):.2f} ({low:.2f} to {high:.2f})"


def ratios(some: Sequence[float], others: Sequence[float]) -> Found:
    """Round by round."""
    return Found([one / other for one, other in zip(some, others)])


def compare(kind: str, rounds: int, seconds: float, control: Any) -> Dict[str, List[float]]:
    """The rates of each round."""
    made: Dict[str, List[Any]] = {"one process": [Alone(kind)]}
    try:
        if kind == "compute":
            made["two processes"] = [Alone(kind), Alone(kind)]
        made["cluster, round-robin"] = [Together(kind, "round-robin")]
        made["cluster, shared"] = [Together(kind, "shared")]
        rates: Dict[str, List[float]] = {name: [] for name in made}
        loads: Dict[str, List[float]] = {name: [] for name in made}
        for number in range(rounds + 1):
            for name in list(made) if number % 2 else list(reversed(made)):
                control.send((kind, [server.port for server in made[name]], seconds))
                rate, share = control.recv()
                if number:          # the first warms up
                    rates[name].append(rate)
                    loads[name].append(share)
    finally:
        for servers in made.values():
            for server in servers:
                server.close()
    for name, found in rates.items():
        print(f"  {kind}: {name:20} {statistics.median(found):6.0f} a second, {ratios(found, rates['one process'])} of "
              f"one process; the clients used {statistics.median(loads[name]):.0%} of a processor", flush=True)
    return rates


CONTEXT: Any = multiprocessing.get_context("spawn")


def main() -> int:
    parser = argparse.ArgumentParser(description="What a cluster gains, and what its hand-over costs.")
    parser.add_argument("--quick", action="store_true", help="two short rounds: does it run?")
    parser.add_argument("--only", choices=("compute", "connects"))
    parser.add_argument("--rounds", type=int, default=16, metavar="N", help="rounds (16)")
    parser.add_argument("--seconds", type=float, default=0.5, metavar="S", help="of each measurement (0.5)")
    parser.add_argument("--strict", action="store_true", help="the exit status says whether the ratios are good")
    options = parser.parse_args()
    if not hasattr(socket, "AF_UNIX"):
        print("no cluster on this system")
        return 0
    options.rounds = max(options.rounds, 2)
    if options.quick:
        options.rounds, options.seconds = 2, 0.2
    control, theirs = CONTEXT.Pipe()
    clients = CONTEXT.Process(target=load, args=(theirs,))
    clients.start()
    theirs.close()
    good = True
    try:
        if options.only != "connects":
            rates = compare("compute", options.rounds, options.seconds, control)
            share = ratios(rates["cluster, round-robin"], rates["two processes"])
            print(f"  a cluster of two does {share} of what two processes do (at least 0.9 is wanted)")
            good = good and statistics.median(share) >= 0.9
        if options.only != "compute":
            rates = compare("connects", options.rounds, options.seconds, control)
            kept = ratios(rates["cluster, round-robin"], rates["one process"])
            gained = ratios(rates["cluster, shared"], rates["one process"])
            print(f"  round-robin keeps {kept} of the connects of one process (at least 0.75 is wanted), "
                  f"shared has {gained} (more than 1)")
            good = good and statistics.median(kept) >= 0.75 and statistics.median(gained) > 1
    finally:
        control.send(None)
        clients.join()
    return 1 if options.strict and not good else 0


if __name__ == "__main__":
    sys.exit(main())
