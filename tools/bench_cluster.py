#!/usr/bin/env python3
"""What a cluster gains, and what its hand-over costs: ratios of paired runs on this machine.

    python3 tools/bench_cluster.py [--quick] [--only compute|connects] [--rounds N] [--seconds S] [--strict]

`compute`: a handler that computes for 2 ms a message. Messages a second of one process, of two processes that know
nothing of each other (half of the clients each), and of a cluster with two workers.
`connects`: an echo of one byte on a new connection each time. Connections a second of one process, and of a cluster
with two workers under either policy.

All servers are up during the whole run. In each round all of them are measured, one after another, and their rates
divided by that of the one process; the medians of the rounds are printed. `--strict`: the exit status is 1 if the
cluster gains less than 0.9 of what two processes gain, or keeps less than 0.75 of the connects of one process.
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
from typing import Any, Dict, List

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
    """A process of its own: for each (kind, ports, seconds) it is sent, the rate that the servers had."""
    while True:
        order = control.recv()
        if order is None:
            return
        control.send(measure(*order))


def measure(kind: str, ports: List[int], seconds: float) -> float:
    """Answers a second. Each client asks as soon as it has the answer, `connects` on a new connection."""
    selector = selectors.DefaultSelector()

    def open_one(port: int) -> None:
        sock = socket.create_connection((HOST, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.send(b"x")
        selector.register(sock, selectors.EVENT_READ, port)

    for number in range(CLIENTS):
        open_one(ports[number % len(ports)])
    count, began = 0, time.monotonic()
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
    rate = count / (time.monotonic() - began)
    for key in list(selector.get_map().values()):
        key.fileobj.close()     # type: ignore[union-attr]
    selector.close()
    return rate


# ---- the comparison ----

def compare(kind: str, rounds: int, seconds: float, control: Any) -> Dict[str, float]:
    """Rates as ratios to that of one process: the medians of the rounds."""
    made: Dict[str, List[Any]] = {"one process": [Alone(kind)]}
    try:
        if kind == "compute":
            made["two processes"] = [Alone(kind), Alone(kind)]
        made["cluster, round-robin"] = [Together(kind, "round-robin")]
        made["cluster, shared"] = [Together(kind, "shared")]
        rates: Dict[str, List[float]] = {name: [] for name in made}
        for number in range(rounds + 1):
            for name, servers in made.items():
                control.send((kind, [server.port for server in servers], seconds if number else seconds / 4))
                rate = control.recv()
                if number:          # the first warms up
                    rates[name].append(rate)
    finally:
        for servers in made.values():
            for server in servers:
                server.close()
    ratios = {}
    for name, found in rates.items():
        each = [rate / one for rate, one in zip(found, rates["one process"])]
        ratios[name] = statistics.median(each)
        print(f"  {kind}: {name}: {statistics.median(found):.0f} a second; {ratios[name]:.2f} of one process "
              f"({min(each):.2f} to {max(each):.2f})", flush=True)
    return ratios


CONTEXT: Any = multiprocessing.get_context("spawn")


def main() -> int:
    parser = argparse.ArgumentParser(description="What a cluster gains, and what its hand-over costs.")
    parser.add_argument("--quick", action="store_true", help="two short rounds: does it run?")
    parser.add_argument("--only", choices=("compute", "connects"))
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--seconds", type=float, default=1.5, metavar="S", help="of each measurement (1.5)")
    parser.add_argument("--strict", action="store_true", help="the exit status says whether the ratios are good")
    options = parser.parse_args()
    if not hasattr(socket, "AF_UNIX"):
        print("no cluster on this system")
        return 0
    if options.quick:
        options.rounds, options.seconds = 2, 0.3
    control, theirs = CONTEXT.Pipe()
    clients = CONTEXT.Process(target=load, args=(theirs,))
    clients.start()
    theirs.close()
    good = True
    try:
        if options.only != "connects":
            ratios = compare("compute", options.rounds, options.seconds, control)
            share = ratios["cluster, round-robin"] / ratios["two processes"]
            print(f"  a cluster of two gains {share:.2f} of what two processes gain (at least 0.9 is wanted)")
            good = good and share >= 0.9
        if options.only != "compute":
            ratios = compare("connects", options.rounds, options.seconds, control)
            good = good and ratios["cluster, round-robin"] >= 0.75
    finally:
        control.send(None)
        clients.join()
    return 1 if options.strict and not good else 0


if __name__ == "__main__":
    sys.exit(main())
