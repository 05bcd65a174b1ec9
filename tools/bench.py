"""Compare netcompat with its neighbours: whole processes, in turns, medians and ratios.

    python3 tools/bench.py [--quick] [--rounds N] [--seconds S] [--only PATTERN] [--python PATH]

Machines are noisy, so a single absolute says little: the contestants of a workload run in turns, one round after the
other, and what counts is the ratio within a round. The load is a C program where a compiler is at hand, else Python.
`--quick` runs everything once, briefly, to see that it works; its figures mean nothing.
"""
from __future__ import annotations

import argparse
import fnmatch
import os
import platform
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

TOOLS = Path(__file__).resolve().parent
WARM_UP = 1         # rounds that are not counted


class Workload(NamedTuple):
    """`connections` echo messages of `size` bytes; `sleepers` connections beside them whose listeners sleep `nap`."""

    name: str
    connections: int
    size: int
    contestants: Tuple[str, ...]
    sleepers: int = 0
    nap: float = 0.0


ECHO = ("netcompat", "asyncio", "executor", "threading", "bare")
BLOCKING = ("netcompat", "executor", "threading")
WORKLOADS = [
    Workload(f"echo {connections} x {size} B", connections, size, ECHO)
    for connections, size in ((1, 64), (50, 64), (50, 1024), (500, 1024), (10, 65536))
] + [
    Workload("quick 1 alone", 1, 64, BLOCKING),
    Workload("quick 1 beside 1 that sleeps 1 s", 1, 64, BLOCKING, 1, 1.0),
    Workload("quick 1 beside 50 that sleep 10 ms", 1, 64, BLOCKING, 50, 0.01),
    Workload("quick 1 beside 50 that sleep 1 ms", 1, 64, BLOCKING, 50, 0.001),
    Workload("quick 45 alone", 45, 1024, BLOCKING),
    Workload("quick 45 beside 5 that sleep 50 ms", 45, 1024, BLOCKING, 5, 0.05),
]


class Load:
    """Drives echo messages against a port, from another process."""

    def __init__(self, folder: str) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.kind = "Python"
        self.command = [sys.executable, str(Path(__file__).resolve()), "--load"]
        if compiler and os.name == "posix":
            program = os.path.join(folder, "load")
            made = subprocess.run([compiler, "-O2", "-o", program, str(TOOLS / "bench_load.c")])
            if made.returncode == 0:
                self.kind, self.command = "C", [program]

    def start(self, port: int, connections: int, size: int, seconds: float) -> "subprocess.Popen[str]":
        arguments = [str(port), str(connections), str(size), str(seconds)]
        return subprocess.Popen(self.command + arguments, stdout=subprocess.PIPE, universal_newlines=True)


def python_load(port: int, connections: int, size: int, seconds: float) -> float:
    """The load without a compiler; the same as bench_load.c."""
    selector = selectors.DefaultSelector()
    message = b"x" * size
    received: Dict[socket.socket, int] = {}
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ)
        received[sock] = 0
    for sock in received:
        sock.sendall(message)
    began = time.monotonic()
    counted = 0.0
    messages = 0
    while time.monotonic() < began + seconds:
        if not counted and time.monotonic() > began + seconds / 5:
            counted, messages = time.monotonic(), 0
        for key, _ in selector.select(0.1):
            sock = key.fileobj      # type: ignore[assignment]
            received[sock] += len(sock.recv(1 << 20))
            if received[sock] >= size:
                received[sock] -= size
                messages += 1
                sock.sendall(message)
    return messages / (time.monotonic() - counted)


def free_ports(count: int) -> List[int]:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def measure(python: str, contestant: str, work: Workload, load: Load, seconds: float) -> Optional[float]:
    """Messages per second of one contestant in a fresh process; `None` if it failed."""
    port, sleepy_port = free_ports(2)
    command = [python, str(TOOLS / "bench_servers.py"), contestant, str(port)]
    if work.sleepers:
        command += [str(sleepy_port), str(work.nap)]
    # The load goes away without a goodbye; what a contestant says about that is of no interest.
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    sleepers: Optional["subprocess.Popen[str]"] = None
    try:
        assert server.stdout is not None
        if not server.stdout.readline():
            return None
        if work.sleepers:
            sleepers = load.start(sleepy_port, work.sleepers, 64, seconds + 1.0)
            time.sleep(0.5)         # part of the workload: the sleepers are asleep when the count begins
        with load.start(port, work.connections, work.size, seconds) as driver:
            output, _ = driver.communicate(timeout=seconds + 30)
        return float(output) if output.strip() else None
    finally:
        for process in (sleepers, server):
            if process is not None:
                process.kill()
                process.communicate()


def run(work: Workload, options: argparse.Namespace, load: Load) -> None:
    figures: Dict[str, List[float]] = {name: [] for name in work.contestants}
    for turn in range(options.warm_up + options.rounds):
        for name in work.contestants:
            rate = measure(options.python, name, work, load, options.seconds)
            if rate is None:
                raise SystemExit(f"{work.name}: {name} did not answer")
            if turn >= options.warm_up:
                figures[name].append(rate)
    ours = figures["netcompat"]
    cells = []
    for name in work.contestants:
        median = statistics.median(figures[name])
        ratios = [a / b if b else float("inf") for a, b in zip(ours, figures[name])]
        shown = "" if name == "netcompat" else f" ({statistics.median(ratios):.2f})"
        cells.append(f"{name} {median:,.0f}{shown}")
    print(f"{work.name:<38} {'   '.join(cells)}", flush=True)


def main() -> int:
    if sys.argv[1:2] == ["--load"]:
        port, connections, size = map(int, sys.argv[2:5])
        print(round(python_load(port, connections, size, float(sys.argv[5]))))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="once, briefly: only to see that it works")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (2)")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="workloads whose name fits, e.g. 'echo*'")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the interpreter of the servers")
    options = parser.parse_args()
    options.warm_up = WARM_UP
    if options.quick:
        options.warm_up, options.rounds, options.seconds = 0, 1, 0.3
    chosen = [work for work in WORKLOADS if fnmatch.fnmatch(work.name, options.only)]
    if not chosen:
        parser.error(f"no workload fits {options.only!r}; there are: " + ", ".join(work.name for work in WORKLOADS))
    with tempfile.TemporaryDirectory() as folder:
        load = Load(folder)
        print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
              f"load in {load.kind}; medians of {options.rounds} rounds of {options.seconds:g} s: messages per second "
              "(in brackets: netcompat's ratio to it, median of the rounds)")
        for work in chosen:
            run(work, options, load)
    return 0


if __name__ == "__main__":
    sys.exit(main())
