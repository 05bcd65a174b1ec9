"""Soak: thousands of connections that behave badly, for minutes or hours, with an account of every byte.

    python3 tools/soak.py [--quick] [--seconds S] [--seed N] [--held N] [--at-once N] [--json FILE]
    python3 tools/soak.py --loris [--seconds S]

Both ends of every connection are in this process; `soak_traffic.py` says what they do and how the books are kept. Here
is what drives it and what watches: descriptors, threads, memory, the reactor's wakeups, reports, and what is left in
the end. The exit status is 1 if anything was unaccounted, out of order or left over.

`--held` connections stay open for a minute at a time; beside them `--at-once` short ones come and go as fast as they
can. `--loris` measures what silent connections cost the others (`soak_loris.py`). `--quick` is both, briefly.
"""
from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import platform
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402
from soak_loris import GOAL, measure_loris  # noqa: E402
from soak_process import descriptors, resident  # noqa: E402
from soak_traffic import LONGEST_WORK, Books, Direction, Fault, Venue, make_venues  # noqa: E402

HOLD = (20.0, 50.0)         # seconds that a held connection lasts
SETTLE = 160.0              # seconds that the rest may take when no new connections are made
REOPEN = 3.0                # seconds between two closes of a server, on average
IDLE_CONNECTIONS, IDLE_SECONDS = 50, 2.0
GROWTH, SLACK = 1.05, 16 << 20      # memory is level if it grows no more than by this factor and these bytes


# ---- what is watched ----

class Sample(NamedTuple):
    seconds: float
    memory: int             # bytes resident
    descriptors: int
    threads: int
    wakeups: int            # of the reactor, since the start
    open: int               # connections whose client is open


def threads() -> List[str]:
    return sorted(thread.name for thread in threading.enumerate())


class Reports:
    """What comes through `threading.excepthook`: one for each listener that raised, and nothing else."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._lock = threading.Lock()       # guards the count
        self.faults = 0
        self._before = threading.excepthook
        threading.excepthook = self._take

    def _take(self, report: Any) -> None:
        if issubclass(report.exc_type, Fault):
            with self._lock:
                self.faults += 1
            return
        self._books.blame("reported: {!r}".format(report.exc_value))
        self._before(report)

    def stop(self) -> None:
        threading.excepthook = self._before


class Warnings(logging.Handler):
    """What the package says on its logger."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: "Counter[str]" = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        self.said[record.getMessage()[:60]] += 1


def is_level(samples: List[Sample]) -> Tuple[bool, float, float]:
    """Was memory level after the first fifth? The peaks, in MiB, of the two halves of what came then."""
    rest = samples[len(samples) // 5:]
    first, second = rest[:len(rest) // 2], rest[len(rest) // 2:]
    if not first:
        return True, 0.0, 0.0
    before, after = (max(sample.memory for sample in half) for half in (first, second))
    return after <= before * GROWTH + SLACK, before / (1 << 20), after / (1 << 20)


# ---- the run ----

class Soak:
    def __init__(self, seed: int, held: int, at_once: int, hold: Tuple[float, float]) -> None:
        self.rng = random.Random(seed)
        Direction.prepare(self.rng)
        self.held, self.at_once, self.hold = held, at_once, hold
        self.books = Books(seed)
        self.reports = Reports(self.books)
        self.warnings = Warnings()
        logging.getLogger("netcompat").addHandler(self.warnings)
        self.folder = tempfile.mkdtemp(prefix="soak-")
        self.samples: List[Sample] = []
        self.begun = time.monotonic()
        self.venues: List[Venue] = []

    def run(self, seconds: float) -> None:
        self.venues = make_venues(self.books, self.rng, self.folder)
        deadline = time.monotonic() + seconds
        reopen_at = look_at = time.monotonic()
        until_held: List[float] = []        # when each of the held connections is over
        while time.monotonic() < deadline:
            now = time.monotonic()
            until_held = [end for end in until_held if end > now]
            missing = self.held - len(until_held)
            for _ in range(min(missing, 20)):
                hold = self.rng.uniform(*self.hold)
                until_held.append(now + hold)
                self.books.start(self.pick(0.02), hold)
            if len(self.books.open) < len(until_held) + self.at_once:
                self.books.start(self.pick(0.3))
            else:
                time.sleep(0.001)
            if now >= look_at:
                look_at = now + 1.0
                self.books.look_after()
                self.sample()
            if now >= reopen_at:
                reopen_at = now + self.rng.uniform(0.5, 2 * REOPEN - 0.5)
                self.rng.choice(self.venues).reopen()
        self.settle()

    def pick(self, unusual: float) -> Venue:
        """Mostly a venue of the usual manner, since the others cost a thread or a pipe."""
        while True:
            venue = self.rng.choice(self.venues)
            if (venue.manner == "mixed" and venue.server.max_connections is None) or self.rng.random() < unusual:
                return venue

    def sample(self) -> None:
        self.samples.append(Sample(time.monotonic() - self.begun, resident(), descriptors(), threading.active_count(),
                                   netcompat.stats()["reactor_wakeups"], len(self.books.open)))

    def settle(self) -> None:
        """No new connections: wait until the last is over, then close the servers."""
        deadline, work = time.monotonic() + SETTLE, time.process_time() + LONGEST_WORK
        while (self.books.open or self.books.busy()) and (time.monotonic() < deadline or (
                time.process_time() < work and time.monotonic() < deadline + SETTLE)):
            time.sleep(0.05)
            self.books.look_after()
        for talk in list(self.books.open.values()):
            self.books.blame("{} did not end; the other end: {}".format(talk.client, talk.server))
            self.books.explain(talk)
        self.idle()
        self.books.ticker.stop()
        for venue in self.venues:
            venue.server.shutdown(5.0)
        self.books.look_after(everything=True)
        for venue in self.venues:
            venue.balance()

    def idle(self) -> None:
        """Open connections on which nothing happens: the reactor must sleep."""
        with netcompat.create_server(lambda sock: None).listen(0, "127.0.0.1") as server:
            clients = [netcompat.connect(server.address().port, "127.0.0.1") for _ in range(IDLE_CONNECTIONS)]
            for client in clients:
                client.wait_for("connect", 10.0)
            time.sleep(0.5)
            before = netcompat.stats()["reactor_wakeups"]
            time.sleep(IDLE_SECONDS)
            wakeups = netcompat.stats()["reactor_wakeups"] - before
            self.books.count("wakeups in {:g} s with {} idle connections".format(IDLE_SECONDS, IDLE_CONNECTIONS),
                             wakeups)
            if wakeups > 1:         # a worker that ends says so
                self.books.blame("{} wakeups while nothing happened".format(wakeups))
            server.close_all_connections()

    def close(self) -> None:
        netcompat.shutdown(30.0)
        self.reports.stop()
        logging.getLogger("netcompat").removeHandler(self.warnings)
        shutil.rmtree(self.folder)
        raised = self.books.totals["listeners that raised"]
        if raised != self.reports.faults:
            self.books.blame("{} listeners raised, {} were reported".format(raised, self.reports.faults))


class Left(NamedTuple):
    """What is there, before and after."""

    descriptors: int
    threads: List[str]
    objects: int


def what_is_there() -> Left:
    gc.collect()
    objects = sum(isinstance(thing, (netcompat.Socket, netcompat.Server)) for thing in gc.get_objects())
    return Left(descriptors(), threads(), objects)


def soak(seconds: float, seed: int, held: int, at_once: int, hold: Tuple[float, float] = HOLD) -> Dict[str, Any]:
    """One run; the results, `failures` among them."""
    netcompat.shutdown()
    before = what_is_there()
    run = Soak(seed, held, at_once, hold)
    try:
        run.run(seconds)
    finally:
        run.close()
    books, samples, warnings = run.books, run.samples, run.warnings
    del run
    books.waiting.clear()
    for _ in range(20):         # a thread that ends may take a moment, and its descriptors with it
        gc.collect()
        if (descriptors(), threads()) == before[:2]:
            break
        time.sleep(0.1)
    after = what_is_there()
    failures = list(books.blames)
    for name, old, new in zip(Left._fields, before, after):
        if old != new:
            failures.append("left: {} before, {} after: {}".format(old, new, name))
    level, first, second = is_level(samples)
    if not level:
        failures.append("memory is not level: {:.0f} MiB, then {:.0f} MiB".format(first, second))
    totals = dict(books.totals)
    connections = totals.get("connections ended well", 0) + totals.get("connections cut", 0)
    last = samples[-1] if samples else None
    return {
        "seed": seed, "seconds": seconds, "connections": connections,
        "most at once": max((sample.open for sample in samples), default=0),
        "most descriptors": max((sample.descriptors for sample in samples), default=0),
        "most threads": max((sample.threads for sample in samples), default=0),
        "reactor wakeups a connection": round(last.wakeups / connections, 3) if last and connections else 0,
        "memory, MiB: peak of the 2nd and 3rd fifth, of the 4th and 5th": [round(first), round(second)],
        "descriptors left": after.descriptors - before.descriptors,
        "threads left": len(after.threads) - len(before.threads),
        "sockets and servers left": after.objects - before.objects,
        "bytes unaccounted": totals.pop("unaccounted", 0),
        "warnings": dict(warnings.said),
        "totals": dict(sorted(totals.items())), "failures": failures,
    }


def show(results: Dict[str, Any]) -> None:
    print("Python {} on {}, selector {}".format(platform.python_version(), platform.system(),
                                                os.environ.get("NETCOMPAT_SELECTOR") or "default"))
    for name, value in results.items():
        if name in ("totals", "failures", "warnings"):
            continue
        print("{:66} {}".format(name, value))
    for name, value in results["totals"].items():
        print("    {:62} {}".format(name, value))
    for text, count in results["warnings"].items():
        print("warned {} times: {}".format(count, text))
    for failure in results["failures"]:
        print("FAILED:", failure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short run of everything, to see that all is well")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--held", type=int, default=2000, help="connections that stay open for a while")
    parser.add_argument("--at-once", type=int, default=100, help="short connections under way at a time")
    parser.add_argument("--loris", action="store_true", help="only: what silent connections cost the others")
    parser.add_argument("--json", metavar="FILE", help="add the results to FILE, one line a run")
    options = parser.parse_args()
    if options.loris:
        return 0 if measure_loris(2000, 50, min(options.seconds, 60.0)) >= GOAL else 1
    seed = options.seed if options.seed is not None else random.randrange(1 << 31)
    if options.quick:
        measure_loris(200, 10, 2.0, rounds=3)
        results = soak(8.0, seed, 100, 30, hold=(2.0, 5.0))
    else:
        results = soak(options.seconds, seed, options.held, options.at_once)
    show(results)
    if options.json:
        with open(options.json, "a", encoding="utf-8") as file:
            file.write(json.dumps(results) + "\n")
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
