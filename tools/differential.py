#!/usr/bin/env python3
"""Run seeded random programs in Node and in netcompat and compare what each object saw, step by step.

A program is a client, its server and the server's sockets on the loopback, with random options and a list of steps,
each one operation on one of them: write, end, destroy, pause, read, a listener that comes late, and so on. Both worlds
settle between two steps. Compared after each step: every object's events with their arguments, in order, what the calls
returned, and every public property.

A program that differs is run again alone and slowly, some times (noise is no difference: it is what either world does
now and then, and is listed by name), cut down to the fewest steps that still differ, and printed with both traces.
What differs for a reason is excused by a named rule (`RULES`), as narrow as it can be; docs/node-differences.md gives
the reasons at length. Each rule counts the programs that needed it, and those that could be compared only up to there,
since what follows is another story in each world.

    python3 tools/differential.py --count 2000 --seed 7         # node from $NETCOMPAT_NODE or the PATH
    python3 tools/differential.py --node NEW --against OLD      # two versions of Node with each other
    python3 tools/differential.py --seed 7 --program 123        # one program, with its traces
    python3 tools/differential.py --planted                     # is a netcompat with a defect told from Node?

Last line: `N same, M under named rules, K different`; the exit status is 1 when K is not 0.
"""
import argparse
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

HERE = Path(__file__).resolve().parent
BATCH = 100             # programs side by side in one process
LIMIT = 60.0            # seconds for a batch; a run alone gets half of that
SHRINK_ROUNDS = 40      # of candidates that are tried to make a program smaller
REPEATS = 4             # runs of a program that goes on differing
SHOWN = 12              # programs that are shrunk and printed; the others are only counted
SHORT, LONG = 20, 60000     # milliseconds of set_timeout: passes within a step, never passes
LINGER = 70             # milliseconds that a step lasts at least where a time-out may pass

Program = Dict[str, Any]
Trace = List[Dict[str, Any]]    # for each step: {object: {"events": …, "results": …, "props": …}}


# ---------------------------------------------------------------------------------------------------------------------
# Programs

def weighted(rng: random.Random, choices: Dict[str, int]) -> str:
    return rng.choices(list(choices), list(choices.values()))[0]


SOCKET_OPS = {
    "write": 22, "end": 9, "destroy": 4, "destroy_soon": 2, "reset_and_destroy": 2, "pause": 9, "resume": 9, "cork": 4,
    "uncork": 4, "read": 8, "on": 7, "once": 2, "prepend": 1, "off": 5, "set_encoding": 4, "set_timeout": 3, "ref": 1,
    "unref": 1, "pipe": 1, "unpipe": 1, "when": 7, "together": 7, "set_no_delay": 1, "set_keep_alive": 1,
}
# What some programs have more of, so that what is rare elsewhere meets its like.
THEMES: Dict[str, Dict[str, int]] = {
    "mixed": {}, "text": {"set_encoding": 14, "write": 34}, "events": {"on": 18, "once": 10, "off": 8},
    "flow": {"write": 60, "cork": 20, "uncork": 12, "pause": 24, "resume": 16}, "timers": {"set_timeout": 24},
}
SERVER_OPS = {"close": 6, "listen": 3, "get_connections": 3, "max_connections": 2, "ref": 1, "unref": 1, "on": 1}
DESTROYING = ("destroy", "destroy_soon", "reset_and_destroy")
LATE = {"data": 8, "readable": 5, "end": 4, "finish": 2, "close": 2, "drain": 2, "error": 2, "connect": 2, "ready": 1,
        "timeout": 1, "pause": 1, "resume": 1}
REACTED = {"data": 5, "end": 6, "close": 3, "finish": 3, "connect": 3, "error": 2, "readable": 2, "drain": 2,
           "pause": 1, "resume": 1, "ready": 1}
SIZES = [0, 1, 3, 5, 5, 5, 10, 10, 40, 100, 1000, 20000, 70000, 300000]
HUGE = 12000000         # more than loopback's buffers hold
TEXTS = [["text", "é€"], ["text", "hello"], ["text", ""], ["text", "6869", "hex"], ["text", "aGk", "base64"],
         ["text", "é", "latin1"], ["text", "ab", "utf16le"], ["raw", "\xe2\x82"], ["raw", "\xac"], ["raw", "\xf0\x9f"],
         ["raw", "\x98\x80z"], ["text", "Ünï"]]
HALVES = [text for text in TEXTS if text[0] == "raw"]       # parts of characters
ENCODINGS = ["utf8", "utf8", "utf8", "hex", "latin1", "base64", "utf16le", "ascii"]


class Generator:
    """Makes program `index` of `seed`: the same one in every run."""

    def __init__(self, seed: int, index: int) -> None:
        self.rng = random.Random(f"{seed}/{index}")
        self.theme = weighted(self.rng, {"mixed": 50, "text": 10, "flow": 20, "timers": 8, "events": 12})
        self.timers = self.theme == "timers"
        self.ops = dict(SOCKET_OPS, **THEMES[self.theme])
        self.closing = False            # a step may have closed the connection: one may connect again
        self.connected = False          # the first connect() is among the steps
        self.ended: Set[str] = set()
        self.readable: Set[str] = set()     # who may have a listener of 'readable'
        self.huge = self.rng.random() < 0.03
        self.echoes = self.rng.choice(["client", "peer"])       # one of the two at most, or they never settle

    def make(self) -> Program:
        rng = self.rng
        program: Program = {"client": self.options("client"), "server": self.options("peer"), "steps": [],
                            "timers": self.timers, "calls": rng.choice(["main", "main", "strand"])}
        if rng.random() < 0.2:
            program["server"]["pause_on_connect"] = True
        if rng.random() < 0.15:
            program["server"]["on_connection"] = [self.socket_op("peer", 1) for _ in range(rng.randint(1, 2))]
        steps = program["steps"]
        while rng.random() < 0.2:
            op = self.socket_op("client", 0)
            if op[0] not in ("end", "write") or rng.random() < 0.2:     # which are wrong there, and end the story
                steps.append(["client", *op])
        connect: List[Any] = ["connect", rng.random() < 0.2]
        if rng.random() < 0.15:         # and what is called while it connects
            connect = ["together", connect, *self.together("client", DESTROYING if rng.random() < 0.9 else ())]
        steps.append(["client", *connect])
        self.connected = True
        for _ in range(rng.randint(2, 11)):
            steps.append(self.step())
        if rng.random() < 0.6:          # most leave nothing unread: what is buffered at the end is Node's to keep
            steps += [["client", "resume"], ["peer", "resume"]]
        return program

    def options(self, who: str) -> Dict[str, Any]:
        rng = self.rng
        last = "echo" if who == self.echoes else "data"
        options: Dict[str, Any] = {"reader": rng.choice(["data", "data", "none", "none", "readable", last])}
        if options["reader"] == "readable":
            self.readable.add(who)
        if rng.random() < 0.4:
            options["allow_half_open"] = True
        if rng.random() < 0.3:
            options["high_water_mark"] = rng.choice([0, 1, 4, 16, 1000, 16384, 1 << 20])
        return options

    def step(self) -> List[Any]:
        rng = self.rng
        if rng.random() < 0.08:
            op = weighted(rng, SERVER_OPS)
            arguments: List[Any] = []
            if op in ("close", "listen"):
                arguments = [rng.random() < 0.5]
            elif op == "max_connections":
                arguments = [rng.choice([None, 0, 1, 2])]
            elif op == "on":
                arguments = [rng.choice(["listening", "close", "drop"])]
            return ["server", op, *arguments]
        if rng.random() < (0.12 if self.closing else 0.01):
            return ["client", *self.connect()]
        who = rng.choice(["client", "peer"])
        op = self.socket_op(who, 0)
        if op[0] == "end":
            self.ended.add(who)
        self.closing = self.closing or op[0] in DESTROYING or len(self.ended) == 2
        return [who, *op]

    def socket_op(self, who: str, depth: int) -> List[Any]:
        """One operation on a socket; `depth` 1: inside another."""
        rng = self.rng
        op = weighted(rng, self.ops)
        not_now = ("pipe",) if who != self.echoes else ()
        not_now += ("together", "when", "on", "once", "prepend") if depth else ()
        while op in not_now:
            op = weighted(rng, self.ops)
        if op == "write":
            return [op, self.data(), rng.random() < (0.7 if self.theme == "flow" else 0.4)]
        if op == "end":
            return [op, self.data() if rng.random() < 0.3 else None, rng.random() < 0.4]
        if op == "destroy":
            return [op, rng.random() < 0.4]
        if op == "read":
            return [op] if rng.random() < 0.6 else [op, rng.choice([0, 1, 3, 5, 10, 100, 70000])]
        if op in ("on", "once", "prepend"):
            event = self.event(LATE, who)
            if op == "prepend" and event in ("data", "readable") and rng.random() < 0.8:
                event = "end"
            if event == "readable":
                self.readable.add(who)
            return [op, event]
        if op == "off":
            event = rng.choice(["data", "data", "data", "readable", "readable", "end", "drain"])
            if event == "readable" and who not in self.readable and rng.random() < 0.9:
                event = "data"
            return [op, event]
        if op == "set_encoding":
            return [op, rng.choice(ENCODINGS)]
        if op == "set_timeout":
            return [op, rng.choice([SHORT, SHORT, 0] if self.timers else [LONG, 0]), rng.random() < 0.4]
        if op == "pipe":
            return [op, rng.random() < 0.7]
        if op == "set_no_delay":
            return [op, True]
        if op == "set_keep_alive":
            return [op, rng.random() < 0.5, 1000]
        if op == "when":
            inner = self.connect() if who == "client" and rng.random() < 0.1 else self.socket_op(who, 1)
            return [op, self.event(REACTED, who), inner]
        if op == "together":
            return [op, *self.together(who)]
        return [op]

    def event(self, choices: Dict[str, int], who: str) -> str:
        """One to listen to: mostly one that is still to come, since in Node nobody hears of the others."""
        for _ in range(3):
            event = weighted(self.rng, choices)
            over = event == "finish" and who in self.ended
            if not over and not (event in ("connect", "ready") and self.connected and not self.closing):
                break
        return event

    def connect(self) -> List[Any]:
        """Connect again: mostly if it is not open, since two at a time are nobody's promise."""
        return ["connect", self.rng.random() < 0.3, self.rng.random() < 0.95]

    def together(self, who: str, without: Sequence[str] = ()) -> List[List[Any]]:
        """Some calls in one go, with one piece of data at most: how several are cut in transit is nobody's promise."""
        ops: List[List[Any]] = []
        wrote = False
        for _ in range(self.rng.randint(2, 3)):
            op = self.socket_op(who, 1)
            while op[0] in without:
                op = self.socket_op(who, 1)
            writes = op[0] == "write" or (op[0] == "end" and op[1] is not None)
            if not (writes and wrote):
                ops.append(op)
            wrote = wrote or writes
        return ops

    def data(self) -> List[Any]:
        rng = self.rng
        if rng.random() < (0.8 if self.theme == "text" else 0.2):
            return list(rng.choice(HALVES if self.theme == "text" and rng.random() < 0.6 else TEXTS))
        return ["fill", HUGE if self.huge and rng.random() < 0.4 else rng.choice(SIZES)]


def generate(seed: int, index: int) -> Program:
    return dict(Generator(seed, index).make(), name=f"{seed}/{index}")


def show_program(program: Program) -> str:
    """The program as a person reads it."""
    lines = []
    for who in ("client", "server"):
        options = {name: value for name, value in program[who].items() if name not in ("reader", "on_connection")}
        text = ", ".join(f"{name}={value}" for name, value in options.items())
        lines.append(f"  {who + '(' + text + ')':40} its socket reads by: {program[who].get('reader')}")
    if program["server"].get("on_connection"):
        calls = "; ".join("peer." + show_op(op) for op in program["server"]["on_connection"])
        lines.append(f"  in 'connection': {calls}")
    lines.append(f"  netcompat is called in: {'the main thread' if program.get('calls') != 'strand' else 'the strand'}")
    lines.append("   0. server.listen()")
    for number, (who, *op) in enumerate(program["steps"], 1):
        lines.append(f"  {number:2}. {who}.{show_op(op)}")
    lines.append(f"  {len(program['steps']) + 1:2}. destroy all, close the server")
    return "\n".join(lines)


def show_op(op: Sequence[Any]) -> str:
    name, *args = op
    if name == "together":
        return "together(" + "; ".join(show_op(inner) for inner in args) + ")"
    if name == "when":
        return f"once({args[0]!r}, lambda: {show_op(args[1])})"
    shown = ["if not open"] if name == "connect" and args[1:] == [True] else []
    for arg in args[:1] if name == "connect" else args:
        if isinstance(arg, list):
            shown.append(f"{arg[1]} bytes" if arg[0] == "fill" else ", ".join(map(repr, arg[1:])))
        elif name in ("write", "end", "set_timeout", "connect", "listen", "close") and isinstance(arg, bool):
            shown += ["callback"] if arg else []
        elif name == "destroy":
            shown += ["error"] if arg else []
        elif arg is not None or name == "max_connections":
            shown.append(repr(arg))
    return f"{name}({', '.join(shown)})"


# ---------------------------------------------------------------------------------------------------------------------
# Running them

class World:
    """A process that runs programs, started when needed and again when it hangs or dies."""

    def __init__(self, name: str, command: List[str]) -> None:
        self.name, self.command = name, command
        self.process: Optional["subprocess.Popen[str]"] = None

    def send(self, programs: List[Program], slow: bool) -> None:
        if self.process is None:
            environment = {key: value for key, value in os.environ.items()
                           if not key.startswith(("NODE_", "NETCOMPAT_"))}
            environment["PYTHONPATH"] = str(HERE.parent)
            environment["PYTHONIOENCODING"] = "utf-8"
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            encoding="utf-8", env=environment)
        linger = LINGER if any(program.get("timers") for program in programs) else 0
        # Each has an address of its own, if there are several: a port that was given back may be another's by now.
        hosts = [f"127.0.{index // 250}.{index % 250 + 1}" if sys.platform.startswith("linux") else "127.0.0.1"
                 for index in range(len(programs))]
        placed = [dict(program, host=host) for program, host in zip(programs, hosts)]
        batch = {"programs": placed, "linger": linger, "patience": 20 if slow else 1}
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(batch) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass        # it died; `receive` says so

    def receive(self, limit: float) -> Optional[List[Trace]]:
        """The traces, or `None`: it hung or died, and is gone now."""
        process = self.process
        assert process is not None and process.stdout is not None
        watchdog = threading.Timer(limit, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        try:
            return list(json.loads(line)["traces"])
        except ValueError:
            self.close()
            return None

    def close(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                try:
                    pipe.close()    # type: ignore[union-attr]
                except OSError:
                    pass


Pair = Tuple[Optional[Trace], Optional[Trace]]


class Worlds:
    """The two that are compared."""

    def __init__(self, left: Any, right: Any) -> None:
        self.both = (left, right)

    def run(self, programs: List[Program], slow: bool = False) -> List[Pair]:
        """The traces of each program in both worlds, which run at the same time."""
        for world in self.both:
            world.send(programs, slow)
        answers = [world.receive(LIMIT if len(programs) > 1 else LIMIT / 2) for world in self.both]
        if None in answers and len(programs) > 1:       # find out whose fault it is
            half = len(programs) // 2
            return self.run(programs[:half], slow) + self.run(programs[half:], slow)
        left, right = [answer if answer is not None else [None] for answer in answers]      # type: ignore[list-item]
        return list(zip(left, right))

    def close(self) -> None:
        for world in self.both:
            world.close()


# ---------------------------------------------------------------------------------------------------------------------
# What may differ: the rules

class Excused(Exception):
    """From here on the two cannot be compared, for a reason that a rule names."""


class Moment:
    """One object in one step, in both worlds. Rules make the two alike, as far as they may."""

    def __init__(self, program: Program, index: int, who: str, left: Dict[str, Any], right: Dict[str, Any],
                 memory: Dict[Any, Any], before: Dict[str, Any]) -> None:
        self.program, self.index, self.who = program, index, who
        self.told = left.pop("told", {}), right.pop("told", {})     # what rules ask for and nobody compares
        self.left, self.right = left, right         # Node's and netcompat's; for the rules to change
        self.memory = memory                        # for the rules, as long as the program lasts
        self.before = before                        # netcompat's properties after the last step, by object
        self.drains_rightly = True                  # in both worlds; see the rule 'write-returns'
        steps = program["steps"]
        self.step = steps[index - 1] if 0 < index <= len(steps) else None

    def same(self) -> bool:
        return bool(self.left == self.right)

    def prop(self, name: str) -> Tuple[Any, Any]:
        return self.left["props"].get(name), self.right["props"].get(name)

    def equate(self, *names: str) -> bool:
        """Let Node's value of these properties stand for both; did they differ?"""
        changed = False
        for name in names:
            if self.left["props"].get(name) != self.right["props"].get(name):
                self.right["props"][name] = self.left["props"].get(name)
                changed = True
        return changed

    def drop(self, side: Dict[str, Any], test: Callable[[List[Any]], bool]) -> bool:
        """Take the events for which `test` holds off one side; were there any?"""
        kept = [entry for entry in side["events"] if not test(entry)]
        changed = len(kept) != len(side["events"])
        side["events"] = kept
        return changed

    def results(self, name: str) -> List[List[Any]]:
        """What the calls of this name returned, in both worlds."""
        return [[result for result in side["results"] if result[0] == name] for side in (self.left, self.right)]

    def swap_codes(self, nodes: Optional[str], ours: str) -> bool:
        """Where Node has the one code and netcompat the other, let Node's stand for both; was there such a place?"""
        changed = False
        if len(self.left["events"]) == len(self.right["events"]):
            for mine, other in zip(self.left["events"], self.right["events"]):
                if mine[:-1] == other[:-1] and mine[-1] == nodes and other[-1] == ours:
                    other[-1] = nodes
                    changed = True
        return changed

    def ops(self) -> Iterator[List[Any]]:
        """The calls of this step, those within others too."""
        if self.step is not None:
            yield from inner_ops(list(self.step[1:]))
        if ["connection"] in self.left["events"]:
            for op in self.program["server"].get("on_connection", ()):
                yield from inner_ops(op)

    def asked(self, name: str) -> bool:
        return any(op[0] == name for op in self.ops())

    def ops_here(self) -> Iterator[List[Any]]:
        """The calls on this object in this step, those that listeners made too."""
        if self.step is not None and self.who.startswith(self.step[0]) or ["connection"] in self.left["events"]:
            yield from self.ops()
        for entry in self.left["events"] + self.right["events"]:
            place = str(entry[0]).partition("#when@")[2]
            if place.isdigit():
                for op in inner_ops(list(self.program["steps"][int(place)][1:])):
                    if op[0] == "when":
                        yield from inner_ops(op[2])


def all_ops(program: Program) -> Iterator[List[Any]]:
    for _, *op in program["steps"]:
        yield from inner_ops(op)
    for op in program["server"].get("on_connection", ()):
        yield from inner_ops(op)


def own_ops(program: Program, who: str, steps: Optional[int] = None) -> Iterator[List[Any]]:
    """The calls on this object, wherever they stand in the first `steps`."""
    for name, *op in program["steps"][:steps]:
        if who.startswith(name):
            yield from inner_ops(op)
    if who.startswith("peer"):
        for op in program["server"].get("on_connection", ()):
            yield from inner_ops(op)


def inner_ops(op: List[Any]) -> Iterator[List[Any]]:
    yield op
    if op[0] == "together":
        for inner in op[1:]:
            yield from inner_ops(inner)
    elif op[0] == "when":
        yield from inner_ops(op[2])


Apply = Callable[[Moment], bool]


class Rule(NamedTuple):
    name: str
    reason: str
    apply: Apply                            # makes the sides more alike; `True` if it changed anything
    of_missing: bool = False                # it is about objects that one side does not have


RULES: List[Rule] = []


def rule(name: str, reason: str, of_missing: bool = False) -> Callable[[Apply], Apply]:
    def register(function: Apply) -> Apply:
        RULES.append(Rule(name, reason, function, of_missing))
        return function
    return register


def label_of(entry: List[Any]) -> str:
    """The event of an entry, without the mark of a late listener."""
    return str(entry[0]).partition("#")[0]


@rule("connect-while-open", "the documentation calls the outcome undefined; in netcompat it is 'error'")
def connect_while_open(m: Moment) -> bool:
    if m.drop(m.left, lambda entry: entry[0] == "callback" and entry[1] in m.memory.get("connect failed", ())):
        return True             # the connection of the next life is not what it waited for
    if ["connect", "open"] not in m.right["results"] or not any(
            ["error", code] in m.right["events"] for code in ("EISCONN", "EALREADY")):
        return False
    if ["connect"] in m.left["events"] or m.left["props"].get("connecting"):
        raise Excused           # Linux tells of the first connection once more
    m.memory.setdefault("connect failed", set()).add(f"connect@{m.index - 1}")
    changed = m.drop(m.left, lambda entry: label_of(entry) == "connectionAttempt")
    for entry in m.left["events"]:
        if label_of(entry) in ("error", "callback") and entry[-1] in ("EPIPE", "ECONNRESET"):
            entry[-1] = "EISCONN"
            changed = True
    return changed


@rule("connect-before-close", "a connect() before the 'close' of the last life waits for it; Node begins at once")
def connect_before_close(m: Moment) -> bool:
    if not m.asked("connect") and any(result[0] == "connect" for result in m.left["results"] + m.right["results"]):
        raise Excused
    return False


@rule("end-that-fails", "end() was called, so writable_ended is true, as documented; in Node not if its data failed")
def end_that_fails(m: Moment) -> bool:
    failed = m.memory.setdefault("ends that failed", set())
    if any(entry[0] == "error" for entry in m.right["events"]) and (m.asked("end") or m.asked("destroy_soon")):
        failed.add(m.who)
    return m.who in failed and m.prop("destroyed") == (True, True) and m.prop("writable_ended") == (False, True) and (
        m.equate("writable_ended"))


@rule("new-life-timeout", "the period of set_timeout() holds in the next life; in Node the property alone does")
def new_life_timeout(m: Moment) -> bool:
    if m.who != "client" or not m.memory["lives"]:
        return False
    told = m.memory.setdefault("told of time-outs", [])
    changed = m.drop(m.left, lambda entry: entry in told)
    if m.same():
        return changed
    told += [entry for entry in m.right["events"] if entry[0] == "callback" and entry[1].startswith("set_timeout@")
             and entry not in m.left["events"]]
    changed = m.drop(m.right, lambda entry: entry in told or (
        label_of(entry) == "timeout" and entry not in m.left["events"])) or changed
    return m.equate("listeners timeout") or changed


@rule("end-before-connect", "the FIN that end() asked for is sent once there is a connection; Node forgets it")
def end_before_connect(m: Moment) -> bool:
    if m.who == "client" and m.asked("connect") and m.before.get("client", {}).get("writable_ended") and not (
            m.before["client"]["destroyed"]):
        raise Excused
    return False


@rule("reset-behind-fin", "a reset that follows a FIN at once: which of the two the peer sees is up to the system")
def reset_behind_fin(m: Moment) -> bool:
    others = [props for who, props in m.memory["now"].items() if who[:4] not in ("serv", m.who[:4])]
    for codes in (("EPIPE", "ECONNRESET"), ("ECONNRESET", "EPIPE")):
        if any(props.get("destroyed") for props in others) and m.swap_codes(*codes):
            return True         # a write after the FIN, or after the reset alone
    for one, other in ((m.left, m.right), (m.right, m.left)):
        told = ["end"] in other["events"] or other["props"].get("readable_length")      # or it waits to be told
        if ["error", "ECONNRESET"] in one["events"] and told and ["error", "ECONNRESET"] not in other["events"]:
            raise Excused
    at_once = any(inner[0] in DESTROYING for op in m.program["server"].get("on_connection", ())
                  for inner in inner_ops(op))
    if at_once and m.who == "client" and m.asked("write") and m.asked("connect") and (
            m.prop("destroyed") in ((True, False), (False, True))):
        raise Excused           # it was written before the peer closed in one world, and behind that in the other
    return False


@rule("sticky-events", "a listener that is added after a state was reached is told too")
def sticky_events(m: Moment) -> bool:
    once = m.memory.setdefault("told late", set())
    once.update(str(entry[0])[5:] for entry in m.right["events"] if str(entry[0]).startswith("late "))
    changed = m.drop(m.right, lambda entry: str(entry[0]).startswith("late "))
    return m.drop(m.left, lambda entry: "#once@" in str(entry[0]) and entry[0] in once) or changed


@rule("close-bool", "'close' always carries a bool, in Node nothing where there was no handle")
def close_bool(m: Moment) -> bool:
    changed = False
    mine = [[entry for entry in side["events"] if label_of(entry) == "close"] for side in (m.left, m.right)]
    failed = any(label_of(entry) == "error" for entry in m.right["events"])
    for nodes, ours in zip(*mine):
        if nodes[1:] == [None] and ours[1:] == [failed]:
            nodes[1] = ours[1]
            changed = True
    return changed


@rule("destroyed-holds-nothing", "what is buffered is given back when a socket is destroyed; Node keeps it")
def destroyed_holds_nothing(m: Moment) -> bool:
    if not (m.left["props"].get("destroyed") and m.right["props"].get("destroyed")):
        return False
    changed = False
    if m.prop("readable_length")[1] == 0 and m.equate("readable_length"):
        changed = m.memory.setdefault("held", {})[m.who] = True
    if m.prop("writable_length")[1] == 0:
        changed = m.equate("writable_length") or changed
    for nodes, ours in zip(m.left["results"], m.right["results"]):
        if nodes[0] == ours[0] == "read" and ours[1] is None and nodes[1] is not None:
            nodes[1] = None
            changed = True
    return changed


@rule("bytes-written-accepted",
      "once destroyed, bytes_written counts what was queued, and not a write that failed; in Node it is the reverse")
def bytes_written_accepted(m: Moment) -> bool:
    return bool(m.left["props"].get("destroyed") and m.right["props"].get("destroyed")) and m.equate("bytes_written")


@rule("end-after-destroy",
      "end() after destroy() comes too late, and its callback hears so; Node calls the socket ended all the same")
def end_after_destroy(m: Moment) -> bool:
    if not m.right["props"].get("destroyed"):
        return False
    changed = False
    if m.prop("writable_ended") == (True, False):
        changed = m.memory.setdefault("ended late", {})[m.who] = m.equate("writable_ended")

    def apart(side: Dict[str, Any], late: bool) -> List[Any]:
        return [entry for entry in side["events"] if (
            entry[0] == "callback" and entry[1].startswith("end@")
            and entry[2] in ("ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END")) is late]
    if m.left["events"] != m.right["events"] and apart(m.left, False) == apart(m.right, False) and (
            apart(m.left, True) == apart(m.right, True)):
        m.right["events"] = m.left["events"]        # behind 'close', if that was on its way
        changed = True
    if m.who in m.memory.get("ended late", {}):
        changed = m.swap_codes("ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_DESTROYED") or changed
    return changed


@rule("callbacks-always-called",
      "every callback is called; Node forgets that of end() after destroy(), or calls it in the next life")
def callbacks_always_called(m: Moment) -> bool:
    early = m.memory.setdefault("early callbacks", [])
    labels = [entry[1] for entry in early]
    changed = m.drop(m.left, lambda entry: entry[0] == "callback" and entry[1] in labels)
    kept = [entry[:2] for entry in m.left["events"]]
    for entry in list(m.right["events"]):
        if entry[:2] in kept:
            kept.remove(entry[:2])
        elif entry[0] == "callback" and entry[1].startswith("end@") and entry[2] in ("ERR_STREAM_DESTROYED", "boom"):
            early.append(entry)
            m.right["events"].remove(entry)
            changed = True
    return changed


@rule("write-after-both-ends",
      "what the program ended itself is ended: ERR_STREAM_WRITE_AFTER_END; after the peer's FIN Node says EPIPE for "
      "it")
def write_after_both_ends(m: Moment) -> bool:
    return m.swap_codes("EPIPE", "ERR_STREAM_WRITE_AFTER_END")


@rule("close-once", "'close' comes once for each life; in Node each close() of a closed server brings another")
def close_once(m: Moment) -> bool:
    if m.who != "server" or m.before.get("server", {}).get("listening") or not m.asked("close"):
        return False
    return ["close"] not in m.right["events"] and m.drop(m.left, lambda entry: label_of(entry) == "close")


@rule("pipe-to-ended", "a pipe from or to what has ended ends at once, since that is told to late listeners too")
def pipe_to_ended(m: Moment) -> bool:
    before, piped = m.before.get(m.who, {}), m.memory.setdefault("piped late", set())
    asked = m.asked("pipe") or ["pipe", m.who] in m.left["events"] + m.right["events"]
    if asked and any(before.get(name) or m.right["props"].get(name)
                     for name in ("destroyed", "readable_ended", "writable_ended")):
        piped.add(m.who)
    if m.who not in piped:
        if piped and m.prop("bytes_read")[0] != m.prop("bytes_read")[1]:
            raise Excused       # the pipe of the other end works on
        return False
    changed = m.equate("listeners data")
    for side in (m.left, m.right):
        changed = m.drop(side, lambda entry: label_of(entry) in ("pipe", "unpipe", "pause", "resume")) or changed
    if not m.same() and m.prop("destroyed") != (True, True):
        raise Excused           # the pipe works on, in Node
    return changed


@rule("new-life-fresh",
      "a connection that begins anew has nothing of the one before; in Node corks, buffered input and the beginning of "
      "a character outlive it")
def new_life_fresh(m: Moment) -> bool:
    begun = m.memory.get("begun character")
    if m.who == "client" and begun is not None and begun < m.memory["lives"] and any(
            carries(entry) for entry in m.left["events"]):
        raise Excused           # there its rest, or what stands for it, comes first
    if m.who in m.memory.get("held", {}) and m.prop("destroyed") != (True, True):
        raise Excused
    again = m.memory["lives"] > 0 and m.who == "client" and ["drain"] not in m.right["events"]
    if again and m.drop(m.left, lambda entry: label_of(entry) == "drain"):
        return True             # of a write in the life before
    corked = False
    for who, *op in m.program["steps"][:m.index]:
        corked = corked or any(inner[0] == "cork" for inner in inner_ops(op))
        again = corked and any(inner[0] == "connect" for inner in inner_ops(op))
        if again and m.who == "client" and (m.prop("writable_length")[0] or 0) > (m.prop("writable_length")[1] or 0):
            raise Excused
    return False


@rule("never-connected",
      "a write to a socket that was never connected is ERR_SOCKET_CLOSED at once; Node lets a cork hold it back")
def never_connected(m: Moment) -> bool:
    if ["error", "ERR_SOCKET_CLOSED"] in m.right["events"] and m.prop("pending")[0] and not m.prop("destroyed")[0]:
        raise Excused
    return False


@rule("destroyed-at-once",
      "what fails destroys the socket at once, so that calls behind it in the same turn come too late; Node "
      "destroys it a turn later")
def destroyed_at_once(m: Moment) -> bool:
    late = m.memory.setdefault("too late", {})
    if m.who in late and m.index > late[m.who]:
        if m.right["props"].get("destroyed"):
            return m.equate("readable_flowing", "is_paused", "timeout", "writable_finished", "listeners data")
        raise Excused           # what was too late for the last life holds in this one, in Node
    failed = any(entry[0] == "error" for entry in m.right["events"])
    if not failed or m.before.get(m.who, {}).get("destroyed") or m.prop("destroyed") != (True, True):
        return False
    changed = False
    if m.program["client" if m.who == "client" else "server"].get("reader") == "echo":
        # What the echo could not send destroyed it, in its own listener: no other one heard of these bytes.
        if m.equate("listeners data"):
            m.drop(m.left, lambda entry: carries(entry) and "#" in entry[0] and entry not in m.right["events"])
            changed = True
        changed = same_but_pieces(m) or changed
    if m.step is not None and (m.step[1] == "together" or any(
            "when@" in str(entry) for entry in m.right["events"] + m.left["events"])):
        ours = {entry[1]: entry[2] for entry in m.right["events"] if entry[0] == "callback"}
        for entry in m.left["events"]:
            if entry[0] == "callback" and entry[2] is None and ours.get(entry[1]) == "ERR_STREAM_DESTROYED":
                entry[2], changed = ours[entry[1]], True
        changed = m.equate("readable_flowing", "is_paused", "timeout") or changed
        if m.equate("writable_finished"):
            changed = m.drop(m.left, lambda entry: label_of(entry) == "finish")
        for side in (m.left, m.right):
            changed = m.drop(side, lambda entry: label_of(entry) in ("pause", "resume")) or changed
        if not m.same() and any(["error", code] in m.right["events"] for code in (
                "ERR_SOCKET_CLOSED", "EPIPE", "ERR_STREAM_WRITE_AFTER_END")):
            raise Excused
    if changed:
        late[m.who] = m.index
    return changed


@rule("pipe-at-end",
      "what unpipe() has paused stays paused, and nothing is paused once it is destroyed; in Node the end of a pipe "
      "that waited for 'drain' resumes, and what is destroyed may be paused")
def pipe_at_end(m: Moment) -> bool:
    if not any(op[0] == "pipe" for op in own_ops(m.program, m.who)):
        return False
    left, paused = m.memory.setdefault("left by a pipe", set()), m.prop("is_paused")
    if m.prop("destroyed") == (True, True):
        changed = m.equate("readable_flowing", "is_paused")
    elif all(["unpipe", m.who] in side["events"] for side in (m.left, m.right)) and paused == (False, True):
        changed = m.equate("readable_flowing", "is_paused")
    elif m.who in left and paused[0] != paused[1]:
        raise Excused           # and so it is in the next life
    else:
        return False
    if changed:
        left.add(m.who)
        for one, other in ((m.left, m.right), (m.right, m.left)):
            m.drop(one, lambda entry: label_of(entry) in ("pause", "resume") and entry not in other["events"])
    return changed


@rule("encoding-again",
      "a second set_encoding() reads what is buffered anew; Node leaves it as the first one made it")
def encoding_again(m: Moment) -> bool:
    if sum(op[0] == "set_encoding" for op in own_ops(m.program, m.who, m.index)) < 2:
        return False
    if m.prop("readable_length")[0] != m.prop("readable_length")[1]:
        raise Excused
    if m.prop("bytes_written")[0] != m.prop("bytes_written")[1] and any(
            op[0] == "pipe" for op in own_ops(m.program, m.who)):
        raise Excused           # which was sent back
    read = [[entry for entry in side["events"] if carries(entry)] for side in (m.left, m.right)]
    if read[0] != read[1]:
        raise Excused           # the rest of a character that the first one had begun, or what it had made of bytes
    return False


@rule("new-life-reads",
      "a listener of 'readable' is served in the next life too; Node does not read there before read() is called")
def new_life_reads(m: Moment) -> bool:
    lives = sum(op[0] == "connect" for op in all_ops(m.program)) + m.memory["lives"]
    if lives > 1 and m.who == "client" and m.right["props"].get("listeners readable") and m.prop("is_paused")[0] and (
            len(m.right["events"]) > len(m.left["events"])):
        raise Excused
    if lives > 1 and m.who == "client" and m.right["props"].get("listeners readable") and (
            m.prop("bytes_read")[0] == 0 < m.prop("bytes_read")[1]):
        raise Excused           # part of a character, of which nobody is told
    if lives > 1 and m.who == "client" and m.prop("listeners readable") in ((1, 0), (2, 1)):
        raise Excused           # one that was added by once()
    if lives > 1 and m.who != "client" and m.memory["now"]["client"].get("listeners readable") and (
            m.prop("writable_length")[0] or 0) > (m.prop("writable_length")[1] or 0):
        raise Excused           # what the other end has not read
    return False


@rule("destroy-soon-again",
      "destroy_soon() is over with its life; in Node it destroys the next one when that has finished, if this one did "
      "not")
def destroy_soon_again(m: Moment) -> bool:
    if m.who in m.memory.get("destroyed soon", ()) and m.prop("writable_finished") == (True, True) and (
            m.prop("destroyed") == (True, False) or m.prop("readable_ended") == (False, True)):
        raise Excused
    return False


@rule("resume-in-pause",
      "a resume() in a listener of 'pause' is the last word; in Node is_paused() says paused all the same")
def resume_in_pause(m: Moment) -> bool:
    acts = any(op[0] == "when" and op[1] == "pause" and any(inner[0] == "resume" for inner in inner_ops(op[2]))
               for op in all_ops(m.program))
    return acts and m.prop("readable_flowing") == (True, True) and m.prop("is_paused") == (True, False) and (
        m.equate("is_paused"))


@rule("reset-after-end",
      "reset_and_destroy() resets while end() is under way, too; Node says EINVAL and never closes")
def reset_after_end(m: Moment) -> bool:
    if ["error", "EINVAL"] in m.left["events"] and any(label_of(entry) == "close" for entry in m.right["events"]):
        raise Excused
    return False


@rule("prepended-listeners",
      "a 'data' or 'readable' listener has its effect however it was added, as documented; in Node not by "
      "prependListener()")
def prepended_listeners(m: Moment) -> bool:
    prepended = any(op[0] == "prepend" and op[1] in ("data", "readable") for op in all_ops(m.program))
    if prepended and (m.asked("prepend") or any(
            m.prop(name)[0] != m.prop(name)[1] for name in ("bytes_read", "readable_flowing", "readable_ended"))):
        raise Excused
    return False


@rule("off-readable", "taking off a 'readable' listener that is not there, or not the last one, changes nothing; "
      "in Node it resumes the stream")
def off_readable(m: Moment) -> bool:
    if m.right["props"].get("listeners readable"):
        return ["resume"] not in m.right["events"] and m.drop(m.left, lambda entry: label_of(entry) == "resume")
    ever = any(op[0] in ("on", "once", "prepend", "when") and op[1] == "readable"
               for who, *step in m.program["steps"] if m.who.startswith(who) for op in inner_ops(step))
    reader = m.program["client" if m.who == "client" else "server"].get("reader")
    taken = any(["off", "readable"] == op for op in all_ops(m.program)) if not ever and reader != "readable" else (
        ["off", "readable"] in list(m.ops()) and not m.before.get(m.who, {}).get("listeners readable"))
    if taken and (m.prop("readable_flowing")[0] != m.prop("readable_flowing")[1] or (
            ["resume"] in m.left["events"] and ["resume"] not in m.right["events"])):
        raise Excused
    return False


@rule("listeners-after-calls", "a call in the main thread returns before a listener that it brings about has run")
def listeners_after_calls(m: Moment) -> bool:
    results = [sorted(map(json.dumps, side["results"])) for side in (m.left, m.right)]
    if m.left["results"] == m.right["results"] or results[0] != results[1]:
        return False
    m.right["results"] = m.left["results"]
    return True


@rule("read-whole",
      "read() without a size returns all that is buffered, as documented; since version 26 Node returns the first "
      "piece")
def read_whole(m: Moment) -> bool:
    for nodes, ours in zip(*m.results("read")):
        if isinstance(nodes[1], dict) and isinstance(ours[1], dict) and (
                size_of(nodes[1]) < size_of(ours[1])):
            raise Excused
    return False


def size_of(content: Dict[str, Any]) -> int:
    value = content.get("bytes", content.get("text", 0))
    return len(value) if isinstance(value, str) else int(value)


def carries(entry: List[Any]) -> bool:
    """Does this event carry what was received?"""
    return label_of(entry) in ("data", "read") and isinstance(entry[-1], dict)


def runs_of(contents: Sequence[Dict[str, Any]]) -> Optional[List[Tuple[str, Any, int]]]:
    """What was received, joined: runs of (bytes or text, code, length); `None` if only a checksum is known."""
    runs: List[Tuple[str, Any, int]] = []
    for content in contents:
        if "crc" in content:
            return None
        kind, value = next((kind, content[kind]) for kind in ("bytes", "text") if kind in content)
        pieces = [(ord(letter), 1) for letter in value] if isinstance(value, str) else content["runs"]
        for code, length in pieces:
            if runs and runs[-1][:2] == (kind, code):
                length += runs.pop()[2]
            runs.append((kind, code, length))
    return runs


def begins(short: List[Tuple[str, Any, int]], long: List[Tuple[str, Any, int]]) -> bool:
    """Is the one the beginning of the other, byte for byte?"""
    if not short or short == long:
        return True
    last = len(short) - 1
    return last < len(long) and short[:last] == long[:last] and short[last][:2] == long[last][:2] and (
        short[last][2] <= long[last][2])


def differently_cut(m: Moment, whole: bool = False) -> bool:
    """Did each listener get the same bytes in the same order in both worlds, as far as each of the two got?

    `whole`: and equally many, if it is one that stays.
    """
    labels = {entry[0] for side in (m.left, m.right) for entry in side["events"] if carries(entry)}
    for label in labels:
        got = [runs_of([entry[1] for entry in side["events"] if carries(entry) and entry[0] == label])
               for side in (m.left, m.right)]
        if got[0] is None or got[1] is None or not (begins(got[0], got[1]) or begins(got[1], got[0])):
            return False
        if whole and "#once@" not in label and got[0] != got[1]:
            return False
    return True


def same_but_pieces(m: Moment) -> bool:
    """Let Node's pieces stand for both, where nothing else differs in the events."""
    sides = [[entry[:1] if carries(entry) else entry for entry in side["events"]] for side in (m.left, m.right)]
    if m.left["events"] == m.right["events"] or sides[0] != sides[1] or not differently_cut(m):
        return False
    m.right["events"] = m.left["events"]
    return True


@rule("cut-anywhere",
      "how often several listeners of 'readable' are called for what came in pieces is up to the pieces")
def cut_anywhere(m: Moment) -> bool:
    def total(side: Dict[str, Any], label: str) -> int:
        return sum(size_of(entry[1]) for entry in side["events"] if label_of(entry) == label)
    if (m.right["props"].get("listeners readable") or 0) < 2 or any(
            total(m.left, label) != total(m.right, label) for label in ("read", "data")):
        return False
    return all([m.drop(side, lambda entry: label_of(entry) in ("readable", "read", "data")) for side in (
        m.left, m.right)])


@rule("flow-after-end", "after 'end' a listener of 'readable' still has the say; in Node not one that is added then")
def flow_after_end(m: Moment) -> bool:
    if not m.right["props"].get("listeners readable"):
        return False
    if m.prop("readable_ended") == (True, True):
        again = ["resume"] not in m.left["events"] and m.drop(m.right, lambda entry: label_of(entry) == "resume")
        return m.equate("readable_flowing", "is_paused") or again
    flowing = m.prop("readable_flowing")
    if m.who in m.memory.get("readable after end", ()) and flowing[0] != flowing[1]:
        raise Excused           # nor in the next life
    return False


@rule("end-after-read",
      "'end' follows when all was read, as documented; in Node not if read() took just the rest, or if set_encoding() "
      "left nothing of it")
def end_after_read(m: Moment) -> bool:
    asked = any(m.asked(name) for name in ("read", "set_encoding")) or ["readable"] in m.right["events"]
    if asked and m.prop("readable_ended") == (False, True) and m.prop("readable_length")[0] == 0 and (
            ["end"] in m.right["events"] and ["end"] not in m.left["events"]):
        raise Excused
    return False


@rule("readable-off-at-once", "taking off the last 'readable' listener takes effect at once, in Node a turn later")
def readable_off_at_once(m: Moment) -> bool:
    taken = any(op[:2] == ["when", "readable"] or op[:2] == ["once", "readable"] for op in all_ops(m.program)) or (
        m.step is not None and m.step[1] != "off" and ["off", "readable"] in list(m.ops()))
    if taken and m.prop("readable_flowing")[0] != m.prop("readable_flowing")[1]:
        raise Excused
    return taken and m.prop("readable_ended") == (True, True) and ["resume"] not in m.left["events"] and (
        m.drop(m.right, lambda entry: label_of(entry) == "resume"))


INPUT = ("data", "readable", "read", "end")
OUTPUT = ("callback", "finish", "drain")


@rule("halves-apart",
      "what was read and what was written keep an order each; between the two it is not promised within one turn")
def halves_apart(m: Moment) -> bool:
    def without(side: Dict[str, Any], half: Sequence[str]) -> List[Any]:
        return [entry for entry in side["events"] if label_of(entry) not in half]
    if m.left["events"] == m.right["events"] or any(
            without(m.left, half) != without(m.right, half) for half in (INPUT, OUTPUT)):
        return False
    m.right["events"] = m.left["events"]
    return True


@rule("ready-at-once",
      "'ready' follows 'connect' at once, as documented; in Node after what became of writes that waited for it")
def ready_at_once(m: Moment) -> bool:
    def split(side: Dict[str, Any]) -> List[List[Any]]:
        return [[entry for entry in side["events"] if (label_of(entry) == "ready") is kind] for kind in (True, False)]
    events = m.left["events"]
    readies, others = split(m.left)
    if not readies or m.left["events"] == m.right["events"]:
        return False
    first = next(index for index, entry in enumerate(events) if label_of(entry) == "ready")
    begun = max([index for index, entry in enumerate(events[:first]) if label_of(entry) == "connect" or (
        entry[0] == "callback" and entry[1].startswith("connect@"))], default=first)
    if any(label_of(entry) not in ("callback", "drain", "finish") for entry in events[begun + 1:first]):
        return False
    m.left["events"] = events[:begun + 1] + readies + [
        entry for entry in events[begun + 1:] if label_of(entry) != "ready"]
    return m.left["events"] != events


@rule("destroyed-while-connecting",
      "connect() begins at once, on another thread: whether the server saw a connection that the same turn destroyed "
      "is up to timing; in Node it did not", of_missing=True)
def destroyed_while_connecting(m: Moment) -> bool:
    if m.left["events"] == NOBODY["events"] and m.asked("connect") and m.memory["now"]["client"].get("destroyed"):
        raise Excused
    return False


@rule("reset-while-connecting",
      "a reset that is there before the connection was told of: which of the two the client sees first is up to the "
      "system")
def reset_while_connecting(m: Moment) -> bool:
    code = "ECONNRESET"
    sides = [["connectionAttemptFailed", code] in m.left["events"], ["error", code] in m.right["events"]]
    early = m.memory.setdefault("read before the reset", set())
    if sides[0] and ["connect"] in m.right["events"] and m.right["props"].get("is_paused"):
        raise Excused           # and if it is paused, it does not see the reset for now
    if not all(sides):
        return m.who in early and m.equate("bytes_read", "writable_finished")
    early.add(m.who)
    for side in (m.left, m.right):
        m.drop(side, lambda entry: label_of(entry) in (
            "connect", "ready", "connectionAttemptFailed", "data", "readable", "read", "drain", "finish") or (
                entry[0] == "callback" and entry[1].partition("@")[0] in ("connect", "write", "end")))
    m.equate("bytes_read", "writable_finished")
    return True


@rule("write-behind-reset",
      "what is written behind reset_and_destroy() while connecting reaches the system before the reset; Node says "
      "ERR_SOCKET_CLOSED")
def write_behind_reset(m: Moment) -> bool:
    behind = m.memory.setdefault("written behind a reset", [])
    if m.who == "client" and m.asked("connect") and m.asked("reset_and_destroy"):
        behind.append(m.index)
    changed = bool(behind) and m.who != "client" and m.equate("bytes_read")
    ours = [entry[:2] for entry in m.right["events"] if entry[0] == "callback" and entry[2] is None]
    for entry in m.left["events"] if m.index in behind else ():
        if entry[0] == "callback" and entry[2] in ("ERR_SOCKET_CLOSED", "ERR_STREAM_DESTROYED") and entry[:2] in ours:
            entry[2], changed = None, True
    return changed


@rule("remote-known",
      "remote values are known from the start and stay readable after close; Node asks the system, which forgets "
      "them with the peer")
def remote_known(m: Moment) -> bool:
    return m.prop("remote_address")[0] is None and m.equate("remote_address", "remote_family")


@rule("receive-sizes",
      "how much one 'data' carries is not promised: up to 256 KiB; in Node 64 KiB at most. The bytes and their order "
      "are compared all the same")
def receive_sizes(m: Moment) -> bool:
    pieces = m.memory.setdefault("other pieces", set())
    if m.told[1].get("largest", 0) <= NODES_RECEIVE:
        return m.who in pieces and same_but_pieces(m) or echoed_twice(m)
    read = [m.prop(name)[0] == m.prop(name)[1] for name in ("bytes_read", "readable_length", "destroyed")]
    if not differently_cut(m, whole=all(read) and m.who not in pieces):
        return echoed_twice(m)
    pieces.add(m.who)
    if same_but_pieces(m) and m.same():
        return True
    raise Excused               # what a listener did after the first piece


def echoed_twice(m: Moment) -> bool:
    """Two pipes, or listeners that echo, took turns at the other end, piece by piece: it is all there, at least."""
    if max(m.memory["largest"].values()) <= NODES_RECEIVE or not any(op[0] == "pipe" for op in all_ops(m.program)):
        return False
    totals = []
    for side in (m.left, m.right):
        runs = runs_of([entry[1] for entry in side["events"] if carries(entry)])
        if runs is None:
            return False
        total: Dict[Tuple[str, Any], int] = {}
        for kind, code, length in runs:
            total[kind, code] = total.get((kind, code), 0) + length
        totals.append(([entry[0] for entry in side["events"]], total))
    if totals[0] != totals[1] or m.left["events"] == m.right["events"]:
        return False
    m.right["events"] = m.left["events"]
    return True


NODES_RECEIVE = 65536


@rule("cut-short",
      "how much of what is under way still arrives, when a reset discards the rest or destroy() cuts a write of "
      "megabytes, is up to the system")
def cut_short(m: Moment) -> bool:
    reset = all(["error", "ECONNRESET"] in side["events"] for side in (m.left, m.right))
    others = [props for who, props in m.memory["now"].items() if who[:4] not in ("serv", m.who[:4])]
    cut = wrote_huge(m) and any(props.get("destroyed") for props in others)
    before = m.memory.setdefault("cut short", set())
    if m.who in before:
        return m.prop("destroyed") == (True, True) and m.equate("bytes_read")
    if not (reset or cut) or not differently_cut(m):
        return False
    before.add(m.who)
    changed = m.equate("bytes_read")
    if m.left["events"] != m.right["events"]:
        for side in (m.left, m.right):
            changed = m.drop(side, lambda entry: label_of(entry) in ("data", "readable", "read")) or changed
    return changed


def wrote_huge(m: Moment) -> bool:
    return any(op[0] in ("write", "end") and op[1] and op[1][-1] == HUGE for op in all_ops(m.program))


@rule("writable-length-bytes", "bytes, as documented; Node counts the characters of text that is not encoded yet")
def writable_length_bytes(m: Moment) -> bool:
    wrote = any(op[0] in ("write", "end") and op[1] and op[1][0] == "text" for op in all_ops(m.program))
    wrote = wrote or any(op[0] == "set_encoding" for op in all_ops(m.program))      # what is echoed is text, then
    nodes, ours = m.prop("writable_length")
    return bool(wrote and nodes and ours) and m.equate("writable_length")


@rule("writable-length-partial",
      "what the kernel has taken of a large write is no longer queued; Node counts a write until all of it is gone")
def writable_length_partial(m: Moment) -> bool:
    huge = wrote_huge(m)
    if huge and list(map(label_of, m.left["events"])) == list(map(label_of, m.right["events"])) and (
            m.prop("bytes_written")[0] != m.prop("bytes_written")[1]):
        raise Excused           # what came of it was sent back until the kernel was full
    nodes, ours = m.prop("writable_length")
    return huge and 0 < (ours or 0) < (nodes or 0) and m.equate("writable_length")


@rule("cork-from-now-on",
      "cork() holds back what is written after it; in Node also what was written before and waits behind another write")
def cork_from_now_on(m: Moment) -> bool:
    if not (wrote_huge(m) and any(op[0] == "cork" for op in all_ops(m.program))):
        return False
    for who, ours in m.memory["now"].items():
        nodes = m.memory["nodes"].get(who, {})
        held = (nodes.get("writable_length") or 0) - (ours.get("writable_length") or 0)
        if who != m.who and held > 0 and held == m.prop("bytes_read")[1] - m.prop("bytes_read")[0]:
            raise Excused
    return False


@rule("characters", "with an encoding readable_length counts characters; Node counts the 16-bit units of its strings")
def characters(m: Moment) -> bool:
    nodes, ours = m.prop("readable_length")
    beyond = any(op[0] in ("write", "end") and op[1] and op[1][1] == "\xf0\x9f" for op in all_ops(m.program))
    return beyond and any(op[0] == "set_encoding" for op in all_ops(m.program)) and (
        0 < (ours or 0) < (nodes or 0) <= 2 * ours) and m.equate("readable_length")


@rule("pause-resume-timing",
      "'pause' and 'resume' come at once in the object's own listeners and in their turn otherwise; Node sends "
      "'pause' at once and 'resume' a turn later, once for several calls")
def pause_resume_timing(m: Moment) -> bool:
    def moves(entry: List[Any]) -> bool:
        return label_of(entry) in ("pause", "resume")
    acts = any(op[:2] == ["when", "resume"] and op[2][0] in ("pause", "together") for op in all_ops(m.program))
    if acts and m.prop("readable_length")[0] != m.prop("readable_length")[1]:
        raise Excused           # what waited flowed before the listener of 'resume' could stop it
    told = [sorted({str(entry[0]) for entry in side["events"] if moves(entry)}) for side in (m.left, m.right)]
    if told[0] != told[1]:
        return False
    return [m.drop(side, moves) for side in (m.left, m.right)] == [True, True]


@rule("zero-mark", "a readable high-water mark of 0 lets one chunk wait; Node reads on when it likes")
def zero_mark(m: Moment) -> bool:
    if m.right["props"].get("readable_high_water_mark") != 0:
        return False
    further = [any(label_of(entry) in ("end", "error") for entry in side["events"]) for side in (m.left, m.right)]
    read, waits = m.prop("bytes_read"), m.prop("readable_length")
    text = any(op[0] == "set_encoding" for op in own_ops(m.program, m.who))     # then that counts characters
    if further == [False, True] or read[0] != read[1] and (text or read[0] - waits[0] == read[1] - waits[1]):
        raise Excused
    return False


@rule("past-the-mark", "how far the last chunk goes past the readable high-water mark is up to the kernel")
def past_the_mark(m: Moment) -> bool:
    mark = m.right["props"].get("readable_high_water_mark")
    if mark and m.prop("bytes_read")[0] >= mark and any(op[0] == "set_encoding" for op in all_ops(m.program)) and min(
            m.prop("readable_length")) > 0 and m.prop("bytes_read")[0] != m.prop("bytes_read")[1]:
        raise Excused           # the mark counts characters then
    if not mark or min(m.prop("readable_length")) < mark:
        return False
    return m.equate("readable_length", "bytes_read")


@rule("paused-in-connect",
      "what arrives is read ahead up to the mark from the connection on; Node reads nothing if it was paused in "
      "'connect'")
def paused_in_connect(m: Moment) -> bool:
    pauses = any(op[0] == "when" and op[1] in ("connect", "ready") and any(inner[0] == "pause" for inner in inner_ops(
        op[2])) for op in all_ops(m.program))
    if pauses and m.who == "client" and m.prop("is_paused") == (True, True) and m.prop("bytes_read")[0] == 0 and (
            m.prop("bytes_read")[1] or any(entry[0] in ("end", "error") for entry in m.right["events"])):
        raise Excused
    return False


@rule("nothing-after-destroy", "once destroy() has returned, no listener begins but those of 'error' and 'close'")
def nothing_after_destroy(m: Moment) -> bool:
    if not m.right["props"].get("destroyed"):
        return False
    called = any(op[0] in DESTROYING for op in m.ops_here())
    unheard = m.memory.setdefault("ended unheard", set())       # 'end' would have come behind the call
    if called:
        unheard.add(m.who)
    changed = False
    if m.who in m.memory.get("finish unheard", ()):
        changed = m.equate("writable_finished")
    if m.who in unheard and m.prop("readable_ended") == (True, False):
        changed = m.equate("readable_ended")
        m.drop(m.left, lambda entry: label_of(entry) == "end")
    if called and m.prop("writable_finished") == (True, False) and m.before.get(m.who, {}).get("pending"):
        # What was never connected has nothing to send: there 'finish' is on its way when end() returns.
        m.equate("writable_finished")
        m.drop(m.left, lambda entry: label_of(entry) == "finish")
        ends = [entry for entry in m.left["events"] if entry[0] == "callback" and entry[1].startswith("end@")]
        for entry in ends:
            if [*entry[:2], "ERR_STREAM_DESTROYED"] in m.right["events"]:
                entry[2] = "ERR_STREAM_DESTROYED"
        m.memory.setdefault("finish unheard", set()).add(m.who)
        changed = True
    kept = [entry[0] for entry in m.right["events"]]
    quiet = QUIET_WHEN_DESTROYED + (("data", "readable", "read") if called else ())
    acted = [index for index, entry in enumerate(m.left["events"]) if "#when@" in str(entry[0])]
    if called and acted:        # destroy() was called in there: part of the data came before it, part would come behind
        late = [entry for entry in m.left["events"][acted[-1]:] if carries(entry) and entry not in m.right["events"]]
        changed = m.drop(m.left, lambda entry: entry in late) or changed
    return m.drop(m.left, lambda entry: entry not in m.right["events"] and (
        label_of(entry) in quiet and entry[0] not in kept
        or entry[0] == "callback" and entry[1].startswith("connect@"))) or changed


@rule("answer-before-finish",
      "what the peer answers at once may arrive before destroy_soon() has come to its destroy(): each end has a "
      "thread; here in Node they share one")
def answer_before_finish(m: Moment) -> bool:
    if m.prop("destroyed") != (True, True):
        return False
    answered = m.memory.setdefault("answered", set())
    if m.who in answered:
        return m.equate("bytes_read")
    read = m.prop("bytes_read")
    if not any(op[0] == "destroy_soon" for op in m.ops_here()) or read[0] >= read[1] or not differently_cut(m) or (
            not all(["finish"] in side["events"] for side in (m.left, m.right))):
        return False
    answered.add(m.who)
    m.drop(m.right, lambda entry: label_of(entry) in ("data", "readable", "read") and entry not in m.left["events"])
    return m.equate("bytes_read")


QUIET_WHEN_DESTROYED = ("pipe", "unpipe", "pause", "resume", "ready", "connectionAttempt")


@rule("callbacks-before-error",
      "what was pending at destroy() hears the error, else ERR_STREAM_DESTROYED, before 'error'; what Node had "
      "handed to the system hears ECANCELED, or the error, after it")
def callbacks_before_error(m: Moment) -> bool:
    if not m.right["props"].get("destroyed") or m.before.get(m.who, {}).get("destroyed"):
        return False
    ours = {entry[1]: entry[2] for entry in m.right["events"] if entry[0] == "callback"}
    reasons = ["ERR_STREAM_DESTROYED", *[entry[1] for entry in m.right["events"] if entry[0] == "error"]]
    changed = False
    for entry in m.left["events"]:
        if entry[0] == "callback" and entry[2] == "ECANCELED" and ours.get(entry[1]) in reasons:
            entry[2] = ours[entry[1]]
            changed = True

    def split(side: Dict[str, Any]) -> Tuple[List[Any], List[str]]:
        return ([entry for entry in side["events"] if entry[0] != "callback"],
                sorted(json.dumps(entry) for entry in side["events"] if entry[0] == "callback" and entry[2]))
    if m.left["events"] != m.right["events"] and split(m.left) == split(m.right) and any(
            entry[0] == "error" for entry in m.right["events"]):
        m.right["events"] = m.left["events"]
        changed = True
    return changed


@rule("empty-write", "a write of nothing asks nothing of the system, which might say that the peer has gone, and is no "
      "activity")
def empty_write(m: Moment) -> bool:
    empty = any(op[0] in ("write", "end") and op[1] and op[1][1] in (0, "") for op in all_ops(m.program))
    if empty and any(["error", code] in m.left["events"] for code in ("EPIPE", "ECONNRESET")) and not any(
            entry[0] == "error" for entry in m.right["events"]):
        raise Excused
    kept = [entry[0] for entry in m.right["events"]]
    return empty and m.drop(m.left, lambda entry: label_of(entry) == "timeout" and entry[0] not in kept)


@rule("drain-among-callbacks",
      "'drain' follows the callbacks of what the system took before; where two writes are queued Node tells it before "
      "them, if the system took the second one at once")
def drain_among_callbacks(m: Moment) -> bool:
    def without(side: Dict[str, Any]) -> List[Any]:
        return [entry for entry in side["events"] if label_of(entry) != "drain"]
    if not wrote_huge(m) or m.left["events"] == m.right["events"] or without(m.left) != without(m.right) or (
            len(m.left["events"]) != len(m.right["events"])):
        return False
    between = [entry for mine, other in zip(m.left["events"], m.right["events"]) if mine != other
               for entry in (mine, other)]
    if any(label_of(entry) not in ("drain", "callback") for entry in between):
        return False
    m.right["events"] = m.left["events"]
    return True


@rule("write-returns",
      "write returns what the documentation says, in Node the high-water mark decides; in both 'drain' follows what "
      "was answered with false, and nothing else")
def write_returns(m: Moment) -> bool:
    if not m.drains_rightly:
        return False
    if any(op[0] == "pipe" for op in all_ops(m.program)) and m.prop("readable_flowing") == (True, False) and (
            m.right["props"]["writable_length"]):
        raise Excused           # the pipe waits for 'drain', in Node it does not
    acted = [any(str(entry[0]).startswith("drain#when") for entry in side["events"]) for side in (m.left, m.right)]
    if acted[0] != acted[1]:
        raise Excused
    changed = m.equate("writable_need_drain")
    if ["pipe", m.who] in m.left["events"] and m.told[0].get("refused") != m.told[1].get("refused"):
        for side in (m.left, m.right):      # where a write was answered with false, the new pipe waited for 'drain'
            changed = m.drop(side, lambda entry: label_of(entry) in ("pause", "resume")) or changed
    for nodes, ours in zip(*m.results("write")):
        if isinstance(ours[1], bool) and isinstance(nodes[1], bool):
            changed = changed or ours != nodes
            ours[1] = nodes[1]
    drains = [[entry for entry in side["events"] if label_of(entry) == "drain"] for side in (m.left, m.right)]
    if drains[0] != drains[1]:
        for side in (m.left, m.right):
            m.drop(side, lambda entry: label_of(entry) == "drain")
        changed = True
    return changed


def drains_rightly(side: Dict[str, Any], told: Dict[str, Any], owed: bool, always: bool) -> bool:
    """Does 'drain' follow, in this world, what its own writes were answered in this step, and `owed` before?

    It comes when the queue is empty again after a write that was answered with false, once for several of them at
    least, and not otherwise. What was ended or destroyed has none. `always`: it is owed whenever something is queued.
    """
    props = side["props"]
    counts: Dict[str, int] = {}
    for entry in side["events"]:
        if label_of(entry) == "drain":
            counts[entry[0]] = counts.get(entry[0], 0) + 1
    first, refused = counts.get("drain", 0), told.get("refused", 0) + owed
    if first > refused or any(count > first for count in counts.values()):
        return False
    if props.get("writable_ended") or props.get("destroyed") or props.get("writable_need_drain"):
        return True
    return first > 0 or not (refused or (always and props.get("writable_length")))


# ---------------------------------------------------------------------------------------------------------------------
# Comparing

class Verdict(NamedTuple):
    """What comparing two traces gave."""

    difference: Optional[Tuple[int, str, Dict[str, Any], Dict[str, Any]]]   # the step, the object, both sides
    rules: Tuple[str, ...]          # that were needed
    cut: str = ""                   # the rule that ended the comparison before the program's end
    seen: int = 0                   # how many observations were compared: one object in one step
    alike: int = 0                  # and how many of them were the same without any rule

    def kind(self) -> Tuple[str, ...]:
        """In what the two differ, roughly: what has the same cause mostly differs in the same things."""
        if self.difference is None:
            return ()
        _, who, left, right = self.difference
        words = [who.rstrip("0123456789")]
        for entry in left["events"] + right["events"]:
            count = sum(side["events"].count(entry) * sign for side, sign in ((left, 1), (right, -1)))
            if count:
                words.append(f"{'-' if count > 0 else '+'}{label_of(entry).partition('@')[0]}")
        if left["events"] != right["events"] and len(words) == 1:
            words.append("order")
        words += [f"{mine[0]}()" for mine, other in zip(left["results"], right["results"]) if mine != other]
        words += [prop for prop in left["props"] if left["props"][prop] != right["props"].get(prop)]
        return tuple(sorted(set(words)))


def compare(program: Program, pair: Pair, rules: Sequence[Rule]) -> Verdict:
    left, right = pair
    used: List[str] = []
    if left is None or right is None:
        words = [{"events": [["it hung or died" if side is None else "it ran"]], "results": [], "props": {}}
                 for side in pair]
        return Verdict((0, "process", words[0], words[1]) if left is not right else None, ())
    memory: Dict[Any, Any] = {"lives": 0}
    before: Dict[str, Any] = {}
    seen = alike = 0
    for index, (mine, other) in enumerate(zip(left, right)):
        difference = None
        memory["largest"] = {who: other[who].get("told", {}).get("largest", 0) for who in other}
        memory["now"] = {who: other[who]["props"] for who in other}
        memory["nodes"] = {who: mine[who]["props"] for who in mine}
        for who in sorted({*mine, *other}):         # the client first, then its peers, then the server
            missing = who not in mine or who not in other
            sides = [json.loads(json.dumps(side.get(who, NOBODY))) for side in (mine, other)]
            moment = Moment(program, index, who, sides[0], sides[1], memory, before)
            notice(moment)
            seen += 1
            alike += moment.same()
            excuse = ""
            for each in [*rules, *rules]:       # what one makes alike may let another one see
                if moment.same():
                    break
                if missing and not each.of_missing:
                    continue
                try:
                    if each.apply(moment) and each.name not in used:
                        used.append(each.name)
                except Excused:
                    excuse = excuse or each.name        # unless the others make the two alike
            if not moment.same() and excuse:
                return Verdict(None, tuple(dict.fromkeys([*used, excuse])), excuse, seen - 1, alike)
            if not moment.same() and difference is None:        # if the others have no excuse for it
                difference = (index, who, moment.left, moment.right)
        if difference is not None:
            return Verdict(difference, tuple(used), "", seen, alike)
        closed = any(label_of(entry) == "close" for entry in other["client"]["events"])
        memory["lives"] += closed
        before = {who: other[who]["props"] for who in other}
    return Verdict(None, tuple(used), "", seen, alike)


def notice(m: Moment) -> None:
    """Remember what rules ask for later, whether or not the two are alike now."""
    before = m.before.get(m.who, {})
    for which, side in enumerate((m.left, m.right)):
        owed = m.memory.get(("drain owed", which, m.who), False)
        m.drains_rightly = m.drains_rightly and drains_rightly(side, m.told[which], owed, which == 1)
        m.memory["drain owed", which, m.who] = side["props"].get("writable_need_drain", False)
    if m.who == "client":       # the life in which a character began of which Node's decoder has a part
        begun = m.memory["begun character"] = m.memory.get("character begins")
        m.memory["character begins"] = None if not m.told[0].get("begun") else (
            m.memory["lives"] if begun is None else begun)
    for op in m.ops() if m.step is not None and m.who.startswith(m.step[0]) else ():
        if op[0] in ("on", "once") and op[1] == "readable" and before.get("readable_ended"):
            m.memory.setdefault("readable after end", set()).add(m.who)
        if op[0] == "destroy_soon" and (before.get("destroyed") or (
                m.prop("destroyed")[0] and ["finish"] not in m.left["events"])):
            m.memory.setdefault("destroyed soon", set()).add(m.who)


NOBODY: Dict[str, Any] = {"events": [["does not exist"]], "results": [], "props": {}}


def smaller(program: Program) -> Iterator[Program]:
    """Programs with a little less in them, the greatest cuts first."""
    steps = program["steps"]
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps) - size + 1, size):
            yield dict(program, steps=steps[:start] + steps[start + size:])
        size //= 2
    for number, step in enumerate(steps):
        for simple in simpler(step[1:]):
            yield dict(program, steps=steps[:number] + [[step[0], *simple]] + steps[number + 1:])
    for who in ("client", "server"):
        for name in program[who]:
            if name == "reader" and program[who][name] == "none":
                continue
            changed = {key: value for key, value in program[who].items() if key != name}
            if name == "reader":
                changed["reader"] = "none"
                if program[who][name] != "data":
                    yield dict(program, **{who: dict(changed, reader="data")})
            yield dict(program, **{who: changed})
    if program.get("calls") == "strand":
        yield dict(program, calls="main")


def simpler(op: List[Any]) -> Iterator[List[Any]]:
    name, *args = op
    if name == "together":
        for number in range(len(args)):
            left = args[:number] + args[number + 1:]
            yield [name, *left] if len(left) > 1 else left[0] if left else ["ref"]
        for number, inner in enumerate(args):
            for simple in simpler(inner):
                yield [name, *args[:number], simple, *args[number + 1:]]
    elif name == "when":
        for simple in simpler(args[1]):
            yield [name, args[0], simple]
    elif name in ("write", "end"):
        if args[1]:
            yield [name, args[0], False]
        if name == "end" and args[0] is not None:
            yield [name, None, args[1]]
        elif args[0] != ["fill", 5]:
            yield [name, ["fill", 5], args[1]]
    elif name in ("set_timeout", "connect", "listen", "close") and args and args[-1] is True:
        yield [name, *args[:-1], False]


def shrink(program: Program, differs: Callable[[List[Program]], List[bool]], rounds: int = SHRINK_ROUNDS) -> Program:
    """The smallest program found that still differs; `differs` answers for many at once."""
    for _ in range(rounds):
        candidates = list(smaller(program))
        if not candidates:
            break
        answers = differs(candidates)
        for candidate, answer in zip(candidates, answers):
            if answer:
                program = candidate
                break
        else:
            break
    return program


def show_difference(verdict: Verdict, names: Sequence[str], pair: Pair) -> str:
    """Both sides at the first difference."""
    assert verdict.difference is not None
    index, who, left, right = verdict.difference
    lines = [f"  first difference: step {index}, {who}"]
    width = max(map(len, names)) + 1
    for kind in ("events", "results"):
        if left[kind] != right[kind]:
            for name, side in zip(names, (left, right)):
                shown = " ".join(json.dumps(entry, ensure_ascii=False) for entry in side[kind])
                lines.append(f"    {name:{width}} {kind}: {shown}")
    for prop in sorted(set(left["props"]) | set(right["props"])):
        values = [side["props"].get(prop) for side in (left, right)]
        if values[0] != values[1]:
            lines.append(f"    {prop}: {names[0]} {json.dumps(values[0])}, {names[1]} {json.dumps(values[1])}")
    for name, trace in zip(names, pair):
        lines.append(f"  the events of {who} in {name}:")
        for number, step in enumerate((trace or [])[:index + 1]):
            if who in step and (step[who]["events"] or step[who]["results"]):
                told = [json.dumps(entry, ensure_ascii=False) for entry in step[who]["events"]]
                told += ["-> " + json.dumps(entry, ensure_ascii=False) for entry in step[who]["results"]]
                lines.append(f"    {number:2}. {' '.join(told)}")
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------------------------
# The tool

class Finding(NamedTuple):
    """A program that differed when it ran alone."""

    program: Program        # as small as it could be made
    verdict: Verdict
    pair: Pair


class Checker:
    """Runs programs, batch by batch, and counts."""

    def __init__(self, worlds: Worlds, rules: Sequence[Rule], shown: int = SHOWN) -> None:
        self.worlds, self.rules, self.shown = worlds, rules, shown
        self.same = self.excused = self.different = self.noise = 0
        self.seen = self.alike = self.all = 0       # observations: compared, alike without a rule, of how many
        self.used: Dict[str, int] = {}
        self.cut: Dict[str, int] = {}   # how often a rule ended the comparison
        self.kinds: Dict[Tuple[str, ...], int] = {}
        self.noisy: List[str] = []      # what differed, but not every time
        self.findings: List[Finding] = []

    def check(self, programs: List[Program]) -> None:
        pairs = self.worlds.run(programs)
        verdicts = [compare(program, pair, self.rules) for program, pair in zip(programs, pairs)]
        doubtful = [index for index, verdict in enumerate(verdicts) if verdict.difference is not None]
        kinds = {index: verdicts[index].kind() for index in doubtful}
        if doubtful:        # again, and slowly; what still differs once more, alone
            again = self.worlds.run([programs[index] for index in doubtful], slow=True)
            for index, pair in zip(doubtful, again):
                verdicts[index] = compare(programs[index], pair, self.rules)
                if verdicts[index].difference is not None:
                    verdicts[index] = self.repeat(programs[index])
                if verdicts[index].difference is None:
                    self.noise += 1
                    self.noisy.append(f"{programs[index]['name']} ({' '.join(kinds[index])})")
        for program, verdict, pair in zip(programs, verdicts, pairs):
            self.seen += verdict.seen
            self.alike += verdict.alike
            self.all += sum(map(len, pair[0] or ()))
            if verdict.difference is not None:
                self.different += 1
                kind = verdict.kind()
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
                if self.kinds[kind] == 1 and len(self.findings) < self.shown:
                    self.findings.append(self.reduce(program, verdict))
                continue
            if verdict.rules:
                self.excused += 1
            else:
                self.same += 1
            for name in verdict.rules:
                self.used[name] = self.used.get(name, 0) + 1
            if verdict.cut:
                self.cut[verdict.cut] = self.cut.get(verdict.cut, 0) + 1

    def repeat(self, program: Program) -> Verdict:
        """The verdict on a program that runs alone and slowly, some times. Where the system decides, each of the two
        worlds differs from itself: it is noise if any run of the one is as any run of the other."""
        pairs: List[Pair] = []
        for _ in range(REPEATS):
            pairs += self.worlds.run([program], slow=True)
            verdicts = [compare(program, (pairs[-1][0], right), self.rules) for _, right in pairs]
            verdicts += [compare(program, (left, pairs[-1][1]), self.rules) for left, _ in pairs]
            for verdict in verdicts:
                if verdict.difference is None:
                    return verdict
        return verdicts[-1]

    def reduce(self, program: Program, verdict: Verdict) -> Finding:
        kind = verdict.kind()

        def differs(candidates: List[Program]) -> List[bool]:
            pairs = self.worlds.run(candidates)
            return [compare(candidate, pair, self.rules).kind() == kind for candidate, pair in zip(candidates, pairs)]
        small = shrink(program, differs)
        for candidate in (small, program):
            pair = self.worlds.run([candidate], slow=True)[0]
            again = compare(candidate, pair, self.rules)
            if again.difference is not None:
                return Finding(candidate, again, pair)
        return Finding(program, verdict, pair)


def find_node(given: Optional[str]) -> Optional[str]:
    path = given or os.environ.get("NETCOMPAT_NODE") or shutil.which("node")
    return shutil.which(path) if path else None


def version_of(node: str) -> str:
    return subprocess.run([node, "--version"], stdout=subprocess.PIPE, universal_newlines=True,
                          check=True).stdout.strip()


def batches(programs: List[Program], size: int) -> List[List[Program]]:
    """Those with a time-out apart, since each of their steps takes long; and fewer of them together."""
    out = []
    for timers, count in ((True, max(size // 4, 1)), (False, size)):
        some = [program for program in programs if bool(program.get("timers")) is timers]
        out += [some[start:start + count] for start in range(0, len(some), count)]
    return out


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--node", metavar="PATH", help="the Node to compare with ($NETCOMPAT_NODE, else from the PATH)")
    parser.add_argument("--against", metavar="PATH", help="compare it with another Node, instead of netcompat")
    parser.add_argument("--count", type=int, default=2000, help="programs (2000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pairs of processes (one a core)")
    parser.add_argument("--shown", type=int, default=SHOWN, help=f"differences that are shrunk and printed ({SHOWN})")
    parser.add_argument("--program", type=int, metavar="INDEX", help="this program of the seed alone, with its traces")
    parser.add_argument("--planted", action="store_true",
                        help="plant the defects of differential_defects.py, each alone, and count who sees it")
    parser.add_argument("--quick", action="store_true", help="a few hundred programs, and the planted defects")
    arguments = parser.parse_args(argv)
    node = find_node(arguments.node)
    if node is None:
        print("!!!!!!!! NO NODE HERE: nothing was compared with it (--node PATH, or $NETCOMPAT_NODE) !!!!!!!!")
        return 0
    names = ["Node " + version_of(node), "netcompat"]
    commands = [[node, str(HERE / "differential.js")], [sys.executable, str(HERE / "differential_runner.py")]]
    rules: Sequence[Rule] = RULES
    if arguments.against:
        names[1] = "Node " + version_of(arguments.against)
        commands[1] = [arguments.against, str(HERE / "differential.js")]
        rules = []
    if arguments.program is not None:
        return run_one(generate(arguments.seed, arguments.program), names, commands, rules)
    if arguments.planted:
        return run_planted(arguments.seed, arguments.count, arguments.jobs, commands)
    status = run_many(arguments, names, commands, rules)
    if arguments.quick and not arguments.against:
        print()
        status = run_planted(arguments.seed, 150, arguments.jobs, commands, rare=6) or status
    return status


def run_one(program: Program, names: List[str], commands: List[List[str]], rules: Sequence[Rule]) -> int:
    worlds = Worlds(*(World(name, command) for name, command in zip(names, commands)))
    try:
        pair = worlds.run([program], slow=True)[0]
    finally:
        worlds.close()
    print(show_program(program))
    for name, trace in zip(names, pair):
        print(name)
        for number, step in enumerate(trace or []):
            for who, part in step.items():
                print(f"  {number:2}. {who:7} {json.dumps(part['events'])} -> {json.dumps(part['results'])}")
    verdict = compare(program, pair, rules)
    if verdict.difference is None:
        print("same" if not verdict.rules else "same under the rules " + ", ".join(verdict.rules))
        return 0
    print(show_difference(verdict, names, pair))
    return 1


class Recording:
    """A world that says again what another one has said."""

    def __init__(self, traces: Dict[str, Trace]) -> None:
        self.traces, self.programs = traces, []     # type: Dict[str, Trace], List[Program]

    def send(self, programs: List[Program], slow: bool) -> None:
        self.programs = programs

    def receive(self, limit: float) -> Optional[List[Trace]]:
        return [self.traces[program["name"]] for program in self.programs]

    def close(self) -> None:
        pass


def run_planted(seed: int, count: int, jobs: int, commands: List[List[str]], rare: int = 0) -> int:
    """Compare netcompat with each of the planted defects with Node, and say how many programs see each.

    So many as `rare` may be unseen: those that one program in a hundred or less comes upon.
    """
    begun = time.monotonic()
    known = subprocess.run([*commands[1], "--defects"], stdout=subprocess.PIPE, check=True, universal_newlines=True,
                           env=dict(os.environ, PYTHONPATH=str(HERE.parent)))
    defects: Dict[str, str] = json.loads(known.stdout)
    work = batches([generate(seed, index) for index in range(count)], BATCH)

    def differing(left: Any, options: List[str]) -> Tuple[Set[str], Dict[str, Trace]]:
        """Which programs differ between `left` and netcompat with these options; and what `left` said."""
        worlds, names, traces = Worlds(left, World("netcompat", [*commands[1], *options])), set(), {}
        try:
            for programs in work:
                for program, pair in zip(programs, worlds.run(programs)):
                    traces[program["name"]] = pair[0] or []
                    if compare(program, pair, RULES).difference is not None:
                        names.add(program["name"])
        finally:
            worlds.close()
        return names, traces
    noise, traces = differing(World("Node", commands[0]), [])
    with ThreadPoolExecutor(jobs) as pool:
        found = pool.map(lambda name: differing(Recording(traces), ["--plant", name])[0] - noise, defects)
        seen = dict(zip(defects, map(len, found)))
    for name, number in sorted(seen.items(), key=lambda item: -item[1]):
        print(f"  {number:6} of {count} programs see {name}: {defects[name]}")
    if noise:
        print(f"  {len(noise)} not counted: they differed side by side without a defect, too")
    print(f"{sum(map(bool, seen.values()))} of {len(seen)} planted defects seen; {time.monotonic() - begun:.0f} s")
    return 0 if sum(not number for number in seen.values()) <= rare else 1


def run_many(arguments: argparse.Namespace, names: List[str], commands: List[List[str]],
             rules: Sequence[Rule]) -> int:
    count = 300 if arguments.quick else arguments.count
    begun = time.monotonic()
    work: "queue.Queue[List[Program]]" = queue.Queue()
    size = max(1, min(BATCH, count // max(arguments.jobs, 1)))
    for batch in batches([generate(arguments.seed, index) for index in range(count)], size):
        work.put(batch)
    print(f"{names[0]} and {names[1]}: {count} programs of seed {arguments.seed}", flush=True)
    shown = -(-arguments.shown // arguments.jobs)
    checkers = [Checker(Worlds(*(World(name, command) for name, command in zip(names, commands))), rules, shown)
                for _ in range(arguments.jobs)]

    def run(checker: Checker) -> None:
        try:
            while True:
                checker.check(work.get_nowait())
        except queue.Empty:
            pass
        finally:
            checker.worlds.close()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for future in [pool.submit(run, checker) for checker in checkers]:
            future.result()
    for checker in checkers:
        for finding in checker.findings:
            print(f"\nDIFFERENT: program {finding.program['name']}")
            print(show_program(finding.program))
            print(show_difference(finding.verdict, names, finding.pair))
    print()
    used, cuts = [{each.name: sum(counts.get(each.name, 0) for counts in kind) for each in rules}
                  for kind in ([checker.used for checker in checkers], [checker.cut for checker in checkers])]
    for each in sorted(rules, key=lambda each: -used[each.name]):
        if used[each.name]:
            cut = f" ({cuts[each.name]} up to there)" if cuts[each.name] else ""
            print(f"  {used[each.name]:6} {each.name}{cut}: {each.reason}")
    kinds: Dict[Tuple[str, ...], int] = {}
    for checker in checkers:
        for kind, number in checker.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + number
    for kind, number in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"  {number:6} differ in: {' '.join(kind)}")
    noise, same, excused, different = [sum(getattr(checker, name) for checker in checkers)
                                       for name in ("noise", "same", "excused", "different")]
    for words in [words for checker in checkers for words in checker.noisy][:SHOWN]:
        print(f"  not every time: {words}")
    seen, alike, total = [sum(getattr(checker, name) for checker in checkers) for name in ("seen", "alike", "all")]
    print(f"{total} observations (an object after a step): {100 * seen / max(total, 1):.1f} % compared, "
          f"{100 * alike / max(total, 1):.1f} % the same without any rule")
    print(f"{noise} differed, but not every time; {time.monotonic() - begun:.0f} s")
    print(f"{same} same, {excused} under named rules, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
