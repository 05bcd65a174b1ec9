"""What `bench.py` compares, and the goals. Each cell has sides, which run in turns; each goal compares sides of cells.

The first side of a cell is netcompat; the ratios of a cell are those of its first side to each other one.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from bench_measure import (BlockListCheck, Churn, Echo, FirstSecond, Idle, Import, Memory, Stream, Workload)

LABELS = {
    "netcompat": "netcompat", "netcompat-onread": "netcompat, `onread`", "asyncio": "asyncio Protocol",
    "streams": "asyncio streams", "executor": "asyncio + `run_in_executor`", "threading": "`ThreadingTCPServer`",
    "plain": "blocking sockets", "bare": "bare `selectors` loop", "uvloop": "uvloop Protocol", "node": "Node",
    "gevent": "gevent", "trio": "trio", "twisted": "Twisted",
    "asyncio, the package": "asyncio",
}
PEERS = ("asyncio", "streams", "executor", "threading", "bare", "uvloop", "node", "gevent", "trio", "twisted")
SIZES = ((64, "64B"), (1024, "1KiB"), (65536, "64KiB"))
STREAM_BYTES = 2 * 1000 ** 3


class Side(NamedTuple):
    """What runs in turns with the others of its cell."""

    name: str
    contestant: str
    workload: Workload


class Figure(NamedTuple):
    """A number that a workload returns: its name, unit, and whether more is better."""

    name: str
    unit: str
    more_is_better: bool = True


RATE = Figure("rate", "messages/s")
P50 = Figure("p50_us", "µs, median", False)
P99 = Figure("p99_us", "µs, p99", False)
CPU = Figure("cpu_us", "µs of server CPU a message", False)


class Cell(NamedTuple):
    """`quick`: the sides that the quick form runs; none: it leaves the cell out."""

    name: str
    title: str
    group: str
    figures: Tuple[Figure, ...]         # the first is the one that the tables show
    sides: Tuple[Side, ...]
    free_threaded: bool = False
    quick: Tuple[str, ...] = ()


class Group(NamedTuple):
    title: str
    text: str
    matrix: bool = False        # one column for each side, instead of one row


GROUPS: Dict[str, Group] = {
    "echo": Group("Echo", "One message under way on each connection. Messages a second; below each, the ratio of "
                  "netcompat to it.", True),
    "pipelined": Group("Echo, 16 messages in flight", "Messages a second.", True),
    "churn": Group("Connections that come and go", "16 clients at a time connect, echo one message of 64 bytes and "
                   "close."),
    "stream": Group("One way", "One connection, with backpressure; megabytes a second. Where both ends are the "
                    "contestant's, each is a process of its own; else the load is the other end."),
    "blocking": Group("Listeners that block", "Messages a second on the quick connections, or on all where all "
                      "block."),
    "scale": Group("Many connections", "1 KiB a message; the server's CPU time for each message."),
    "first": Group("A fresh process", "50 connections, 1 KiB: messages in the first and in the tenth second of a "
                   "process's work, as a ratio."),
    "memory": Group("Memory", "KiB of the server's own memory for each connection that is open and idle."),
    "idle": Group("An idle process", "100 connections on which nothing happens: CPU and wakeups in a minute."),
    "import": Group("Import", "Milliseconds; without, and with, the modules of the standard library that are needed."),
    "blocklist": Group("Block lists", "Microseconds of a `check` that finds nothing, with so many rules."),
    "free-threaded": Group("Free-threaded CPython", "Every contestant on that build. Messages a second; below each, "
                           "the ratio of netcompat to it.", True),
    "cores": Group("Listeners that compute", "Messages a second of connections each of whose listeners runs 20 000 "
                   "steps of a Python loop."),
}


def contestants(workload: Workload, names: Sequence[str]) -> Tuple[Side, ...]:
    """The same for all."""
    return tuple(Side(name, name, workload) for name in names)


def echo_cells() -> List[Cell]:
    cells = []
    for window, group in ((1, "echo"), (16, "pipelined")):
        for connections in (1, 50, 500, 5000) if window == 1 else (1, 50, 500):
            for size, label in SIZES:
                peers = tuple(peer for peer in PEERS if connections < 5000 or peer not in ("threading", "trio"))
                quick = ("netcompat",) + peers if (connections, size) == (50, 1024) and window == 1 else \
                    ("netcompat",) if (connections, size, window) in ((5000, 64, 1), (50, 65536, 16)) else ()
                cells.append(Cell(f"echo-{connections}x{label}" + ("-16" if window > 1 else ""),
                                  f"{connections} × {with_space(label)}", group, (RATE, P50, P99, CPU),
                                  contestants(Echo(connections, size, window), ("netcompat",) + peers), quick=quick))
    return cells


def with_space(label: str) -> str:
    return label.replace("KiB", " KiB").replace("64B", "64 B")


def beside_cell(name: str, title: str, connections: int, size: int, beside: Tuple[str, int],
                peers: Sequence[str]) -> Cell:
    sides = []
    for contestant in ("netcompat",) + tuple(peers):
        sides.append(Side(contestant, contestant, Echo(connections, size, beside=beside)))
        sides.append(Side(f"{contestant} alone", contestant, Echo(connections, size)))
    return Cell(name, title, "blocking", (RATE, P99), tuple(sides), quick=("netcompat",))


def stream_cells() -> List[Cell]:
    cells = []
    rate = (Figure("rate", "MB/s"),)
    for family, label in (("tcp", "TCP"), ("unix", "Unix socket")):
        peers = ("plain", "asyncio", "streams", "uvloop", "node")
        cells.append(Cell(f"stream-{family}", f"{label}, both ends", "stream", rate,
                          contestants(Stream(family, "both", STREAM_BYTES),
                                      ("netcompat", "netcompat-onread") + peers),
                          quick=("netcompat", "netcompat-onread", "plain", "asyncio", "streams", "node")))
        for ends in ("sending", "receiving"):
            cells.append(Cell(f"stream-{family}-{ends}", f"{label}, {ends}", "stream", rate,
                              contestants(Stream(family, ends, STREAM_BYTES), ("netcompat",) + peers),
                              quick=("netcompat",)))
    return cells


def free_threaded_cells() -> List[Cell]:
    cells = []
    for connections in (1, 50, 500):
        for size, label in SIZES:
            cells.append(Cell(f"ft-echo-{connections}x{label}", f"{connections} × {with_space(label)}",
                              "free-threaded", (RATE, P50, P99, CPU),
                              contestants(Echo(connections, size), ("netcompat", "asyncio", "executor", "threading")),
                              True))
    return cells


def compute_cell(name: str, title: str, free_threaded: bool) -> Cell:
    sides = []
    for contestant in ("netcompat", "asyncio", "threading"):
        for count in (2, 1):
            sides.append(Side(contestant if count == 2 else f"{contestant}, 1 connection", contestant,
                              Echo(count, 64, role="compute:20000")))
    return Cell(name, title, "cores", (RATE,), tuple(sides), free_threaded, () if free_threaded else ("netcompat",))


SCALE_SIDES = tuple(Side(f"{contestant}, {count} connections", contestant, Echo(count, 1024))
                    for contestant in ("netcompat", "asyncio", "node") for count in (5000, 50))

CELLS: List[Cell] = [
    *echo_cells(),
    Cell("churn", "connect, echo, close", "churn", (Figure("rate", "connections/s"), P99),
         contestants(Churn(16, 64), ("netcompat", "asyncio", "streams", "threading", "bare", "uvloop", "node")),
         quick=("netcompat",)),
    *stream_cells(),
    beside_cell("sleepers", "45 quick beside 5 that sleep 50 ms", 45, 1024, ("nap:0.05", 5),
                ("asyncio", "executor", "threading")),
    beside_cell("quick-beside-sleeping", "1 quick beside 50 that sleep 10 ms", 1, 64, ("nap:0.01", 50),
                ("executor", "threading")),
    beside_cell("quick-beside-blocking", "1 quick beside 50 that block 1 ms", 1, 64, ("nap:0.001", 50),
                ("executor", "threading")),
    beside_cell("chatter", "50 quick beside 1 whose write callbacks write for ever", 50, 1024, ("chatter", 1), ()),
    Cell("block-1ms", "50 of which every one blocks 1 ms", "blocking", (RATE, P99),
         contestants(Echo(50, 64, role="nap:0.001"), ("netcompat", "asyncio", "executor", "threading")),
         quick=("netcompat",)),
    Cell("scale", "5 000 connections against 50", "scale", (CPU, RATE), SCALE_SIDES),
    Cell("first-second", "the first second against the tenth", "first",
         (Figure("first", "messages/s, first second"), Figure("tenth", "messages/s, tenth second")),
         contestants(FirstSecond(50, 1024), ("netcompat", "asyncio", "node")), quick=("netcompat",)),
    *(Cell(f"memory-{count}", f"{count:,} connections".replace(",", " "), "memory",
           (Figure("kib", "KiB a connection", False),),
           contestants(Memory(count), ("netcompat", "streams", "asyncio", "bare", "uvloop", "node")),
           quick=("netcompat",) if count == 1000 else ()) for count in (1000, 10000)),
    Cell("memory-10000-spoken", "10 000 connections, each of which has echoed one message", "memory",
         (Figure("kib", "KiB a connection", False),),
         contestants(Memory(10000, True), ("netcompat", "streams", "asyncio", "uvloop", "node"))),
    Cell("idle", "100 idle connections", "idle",
         (Figure("cpu_ms", "ms of CPU a minute", False), Figure("wakeups", "wakeups a minute", False)),
         contestants(Idle(100), ("netcompat", "asyncio", "threading", "node")), quick=("netcompat",)),
    Cell("import", "import", "import",
         (Figure("own_ms", "ms", False), Figure("all_ms", "ms with the standard library's", False)),
         (Side("netcompat", "netcompat", Import()), Side("asyncio, the package", "asyncio", Import())),
         quick=("netcompat",)),
    *(Cell(f"blocklist-{rules}", f"{rules:,} rules".replace(",", " "), "blocklist",
           (Figure("check_us", "µs a check", False),),
           (Side("netcompat", "netcompat", BlockListCheck(rules, 20000)),
            Side("netcompat, 100 rules", "netcompat", BlockListCheck(100, 20000)),
            Side("node", "node", BlockListCheck(rules, 2000))), quick=("netcompat", "node") if rules < 2000 else ())
      for rules in (1000, 10000, 100000)),
    *free_threaded_cells(),
    compute_cell("compute", "computing listeners, with a GIL", False),
    compute_cell("ft-compute", "computing listeners, free-threaded", True),
]
BY_NAME = {cell.name: cell for cell in CELLS}


class Comparison(NamedTuple):
    """`figure` of the side `ours` over that of the side `theirs`; over `their_figure` where the names differ.

    Without `theirs`: the figure itself.
    """

    cell: str
    ours: str
    theirs: Optional[str]
    figure: str = "rate"
    their_figure: str = ""


class Goal(NamedTuple):
    """Every comparison's median is at least `at_least`, or at most `at_most`."""

    name: str
    text: str
    comparisons: Tuple[Comparison, ...]
    at_least: Optional[float] = None
    at_most: Optional[float] = None

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def limit(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


def against(peer: str, cells: Sequence[str], figure: str = "rate") -> Tuple[Comparison, ...]:
    return tuple(Comparison(cell, "netcompat", peer, figure) for cell in cells)


ECHO9 = tuple(f"echo-{connections}x{label}" for connections in (1, 50, 500) for _, label in SIZES)
ELSEWHERE = tuple(name for name in ECHO9 if name not in ("echo-500x1KiB", "echo-1x64B"))

GOALS: List[Goal] = [
    Goal("goal-asyncio", "asyncio Protocol, 1/50/500 connections × 64 B/1 KiB/64 KiB", against("asyncio", ECHO9),
         at_least=1.0),
    Goal("goal-free-threaded", "the same on free-threaded CPython, each on that build",
         against("asyncio", ["ft-" + name for name in ECHO9]), at_least=1.0),
    Goal("goal-uvloop", "uvloop Protocol (compiled), the same cells", against("uvloop", ECHO9), at_least=0.85),
    Goal("goal-executor-500x1KiB", "asyncio with `run_in_executor`, 500 × 1 KiB",
         against("executor", ["echo-500x1KiB"]), at_least=4),
    Goal("goal-executor-1x64B", "asyncio with `run_in_executor`, 1 × 64 B", against("executor", ["echo-1x64B"]),
         at_least=1.8),
    Goal("goal-executor-elsewhere", "asyncio with `run_in_executor`, the other cells", against("executor", ELSEWHERE),
         at_least=3),
    Goal("goal-threading-50", "`ThreadingTCPServer`, 50 connections, up to 1 KiB",
         against("threading", ["echo-50x64B", "echo-50x1KiB"]), at_least=1.3),
    Goal("goal-threading-500", "`ThreadingTCPServer`, 500 connections, up to 1 KiB",
         against("threading", ["echo-500x64B", "echo-500x1KiB"]), at_least=2),
    Goal("goal-block-executor", "every listener blocks 1 ms, 50 connections: `run_in_executor` with 32 workers",
         against("executor", ["block-1ms"]), at_least=1.0),
    Goal("goal-block-threading", "every listener blocks 1 ms, 50 connections: `ThreadingTCPServer`",
         against("threading", ["block-1ms"]), at_least=0.8),
    Goal("goal-beside-sleeping", "1 quick connection beside 50 whose listeners sleep 10 ms, against it alone",
         (Comparison("quick-beside-sleeping", "netcompat", "netcompat alone"),), at_least=0.6),
    Goal("goal-beside-blocking", "1 quick connection beside 50 whose listeners block 1 ms, against it alone",
         (Comparison("quick-beside-blocking", "netcompat", "netcompat alone"),), at_least=0.3),
    Goal("goal-chatter", "50 quick connections beside one whose write callbacks write for ever, against them alone",
         (Comparison("chatter", "netcompat", "netcompat alone"),), at_least=0.5),
    Goal("goal-node", "Node, echo cells", against("node", ECHO9), at_least=0.9),
    Goal("goal-latency", "p99 latency against asyncio Protocol, 50 connections",
         against("asyncio", [f"echo-50x{label}" for _, label in SIZES], "p99_us"), at_most=1.2),
    Goal("goal-churn", "connect-echo-close a second against asyncio Protocol", against("asyncio", ["churn"]),
         at_least=1.0),
    Goal("goal-stream", "one-way stream, TCP and Unix, against blocking `sendall` and `recv_into`",
         against("plain", ["stream-tcp", "stream-unix"]), at_least=0.9),
    Goal("goal-sleepers", "45 quick connections beside 5 whose listeners sleep 50 ms, against the 45 alone",
         (Comparison("sleepers", "netcompat", "netcompat alone"),), at_least=0.8),
    Goal("goal-memory", "memory for each of 10 000 idle connections against asyncio streams",
         against("streams", ["memory-10000"], "kib"), at_most=1.0),
    Goal("goal-scale", "cost of a message at 5 000 connections against that at 50",
         (Comparison("scale", "netcompat, 5000 connections", "netcompat, 50 connections", "cpu_us"),), at_most=1.3),
    Goal("goal-first-second", "the first second of a fresh process against its tenth, 50 connections × 1 KiB",
         (Comparison("first-second", "netcompat", "netcompat", "first", "tenth"),), at_least=0.8),
    Goal("goal-import", "import, over the modules of the standard library that it needs (ms)",
         (Comparison("import", "netcompat", None, "own_ms"),), at_most=30),
    Goal("goal-cores", "2 connections whose listeners compute against 1, free-threaded, on two cores",
         (Comparison("ft-compute", "netcompat", "netcompat, 1 connection"),), at_least=1.6),
    Goal("goal-blocklist", "`BlockList.check` with 100 000 rules against 100",
         (Comparison("blocklist-100000", "netcompat", "netcompat, 100 rules", "check_us"),), at_most=2),
]
