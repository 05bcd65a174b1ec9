"""netcompat's half of tools/differential.py: runs batches of programs with netcompat and says what it saw.

One line of JSON in for a batch, one out with the traces. All programs of a batch take their steps at the same time;
between two steps the process settles. differential.js is the same for Node, line by line where possible. What is
netcompat's own here: a step is a call in the main thread, or (`calls: "strand"`) a call among the object's listeners.
`--plant NAME`: with one of the defects of differential_defects.py; `--defects` lists them.
"""
import json
import re
import sys
import threading
import time
import zlib
from typing import Any, Callable, Dict, List, Optional, Tuple

import netcompat
from differential_defects import DEFECTS
from netcompat.runtime.reactor import reactor

SOCKET_EVENTS = ["connectionAttempt", "connectionAttemptFailed", "connect", "ready", "end", "finish", "timeout",
                 "error", "close", "drain", "pause", "resume", "pipe", "unpipe"]
SERVER_EVENTS = ["listening", "drop", "error", "close"]
SOCKET_PROPS = ["ready_state", "readable", "writable", "readable_ended", "writable_ended", "writable_finished",
                "readable_flowing", "readable_length", "writable_length", "writable_need_drain", "destroyed",
                "connecting", "pending", "bytes_read", "bytes_written", "timeout", "readable_high_water_mark",
                "writable_high_water_mark", "allow_half_open", "remote_family", "local_family", "remote_address",
                "local_address"]
APART = ("pause", "resume", "callback", "finish", "drain")      # told beside the data: see the rule 'halves-apart'
RUNS = 20               # of equal bytes, that are told one by one
EQUAL = {1: re.compile(rb"(.)\1*", re.DOTALL), 2: re.compile(rb"(..)\1*", re.DOTALL)}
COUNTED = ["data", "readable", "timeout"]


class Parts(List[Any]):
    """A log entry for data, which further pieces may join: the label, and the pieces."""


def fault(problem: Any) -> Optional[str]:
    return None if problem is None else getattr(problem, "code", None) or str(problem)


def content(parts: List[Any]) -> Dict[str, Any]:
    """What was received, in a form that is short and the same in both worlds.

    As it is, as runs of equal bytes (of text: of 16-bit units, as Node counts), or as a checksum.
    """
    kind, unit, joined = "bytes", 1, type(parts[0])().join(parts)
    data = joined
    if isinstance(joined, str):
        kind, unit, data = "text", 2, joined.encode("utf-16-le", "surrogatepass")
    length = len(data) // unit
    if length <= 60:
        return {kind: joined if kind == "text" else data.decode("latin-1")}
    runs: List[List[int]] = []
    for run in EQUAL[unit].finditer(data):
        if len(runs) == RUNS:
            return {kind: length, "crc": zlib.crc32(data)}
        runs.append([int.from_bytes(run.group(1), "little"), len(run.group()) // unit])
    return {kind: length, "runs": runs}


class World:
    """One program: its objects and what they had in each step."""

    activity = 0            # changes with everything that is logged
    owners: Dict[int, "World"] = {}     # of the objects, by id

    def __init__(self, program: Dict[str, Any]) -> None:
        self.program = program
        self.things: Dict[str, Any] = {}
        self.names: Dict[int, str] = {}
        self.moment: Dict[str, Dict[str, Any]] = {}
        self.steps: List[Dict[str, Any]] = []
        self.filled = self.peers = self.port = 0
        self.late: List[Tuple[str, str, Callable[..., Any]]] = []
        self.readers: Dict[str, Callable[..., Any]] = {}
        self.told: Dict[Tuple[str, str], int] = {}          # how often the first listener had each event
        self.lock = threading.Lock()
        client, server = program["client"], program["server"]
        self.watch("server", netcompat.Server(no_delay=True, **self.options(server)), SERVER_EVENTS)
        self.things["server"].on("connection", self.connection)
        self.watch("client", netcompat.Socket(no_delay=True, **self.options(client)), SOCKET_EVENTS)
        self.read("client", client.get("reader"))

    @staticmethod
    def options(given: Dict[str, Any]) -> Dict[str, Any]:
        return {name: given[name] for name in ("allow_half_open", "high_water_mark", "pause_on_connect")
                if name in given}

    def watch(self, name: str, thing: Any, events: List[str]) -> None:
        self.names[id(thing)] = name
        World.owners[id(thing)] = self
        for event in events:
            thing.on(event, lambda *args, event=event: self.first_heard(name, event, args))
        self.things[name] = thing

    def first_heard(self, name: str, event: str, args: Tuple[Any, ...]) -> None:
        self.told[name, event] = self.told.get((name, event), 0) + 1
        self.heard(name, event, args)

    def heard(self, name: str, event: str, args: Tuple[Any, ...], label: str = "") -> None:
        entry = [event + label]
        if event == "error":
            entry.append(fault(args[0]))
        if event == "close" and name != "server":
            entry.append(args[0])
        if event in ("pipe", "unpipe"):
            entry.append(self.names.get(id(args[0])))
        if event == "connectionAttemptFailed":
            entry.append(fault(args[3]))
        if event == "data":
            self.received(name, event + label, args[0])
        else:
            self.log(name, entry)

    def part(self, name: str) -> Dict[str, Any]:
        return self.moment.setdefault(name, {"events": [], "results": [], "told": {"refused": 0, "largest": 0}})

    def log(self, name: str, entry: List[Any]) -> None:
        World.activity += 1
        self.part(name)["events"].append(entry)

    def received(self, name: str, label: str, chunk: Any) -> None:
        """Data that came in one step count as one piece, for each listener: nobody promises how bytes are cut."""
        World.activity += 1
        part = self.part(name)
        part["told"]["largest"] = max(part["told"]["largest"], len(chunk))
        events = part["events"]
        for entry in reversed(events):
            if entry[0].startswith(APART):
                continue
            if type(entry) is not Parts:
                break
            if entry[0] == label and type(entry[1]) is type(chunk):
                entry.append(chunk)
                return
        events.append(Parts([label, chunk]))

    def connection(self, peer: Any) -> None:
        with self.lock:
            self.peers += 1
            name = f"peer{self.peers}"
        self.log("server", ["connection", name])
        self.log(name, ["connection"])
        self.watch(name, peer, SOCKET_EVENTS)
        self.read(name, self.program["server"].get("reader"))
        for op, *args in self.program["server"].get("on_connection", ()):
            self.perform(name, op, args, "c")

    def read(self, name: str, how: Optional[str]) -> None:
        thing = self.things[name]

        def on_data(chunk: Any) -> None:
            self.received(name, "data", chunk)
            if how == "echo" and thing.writable:
                thing.write(chunk)

        def on_readable() -> None:
            self.read_all(name, "")
        if how in ("data", "echo"):
            self.readers[name] = on_data
            thing.on("data", on_data)
        elif how == "readable":
            self.readers[name] = on_readable
            thing.on("readable", on_readable)

    def read_all(self, name: str, label: str) -> None:
        """One 'readable' and what was read, however many times it came in a row: as for 'data'."""
        events = self.part(name)["events"]
        last = next((entry[0] for entry in reversed(events) if not entry[0].startswith(APART)), "")
        heard = last != "read" + label
        if heard:
            self.log(name, ["readable" + label])
        while True:
            chunk = self.things[name].read()
            if chunk is None:
                break
            self.received(name, "read" + label, chunk)
            heard = True
        if not heard:
            self.log(name, ["readable" + label])

    def data(self, spec: List[Any]) -> List[Any]:
        if spec[0] == "text":
            return spec[1:] if spec[2:] and spec[2] else [spec[1]]
        if spec[0] == "raw":
            return [spec[1].encode("latin-1")]
        self.filled += 1
        return [bytes([97 + (self.filled - 1) % 26]) * spec[1]]

    def callback(self, name: str, label: str, wanted: Any) -> List[Callable[..., Any]]:
        return [lambda problem=None: self.log(name, ["callback", label, fault(problem)])] if wanted else []

    def target(self, who: str) -> str:
        return f"peer{self.peers}" if who == "peer" else who

    def step(self, index: int) -> None:
        who, op, *args = self.program["steps"][index]
        name = self.target(who)
        thing = self.things.get(name)
        if thing is None:
            return
        if op == "together" or self.program.get("calls") == "strand":
            thing._enter(thing._post, self.perform, name, op, args, str(index))
        else:
            self.perform(name, op, args, str(index))

    def perform(self, name: str, op: str, args: List[Any], label: str) -> None:
        thing = self.things[name]
        try:
            result = self.call(name, thing, op, args, f"{op}@{label}")
        except Exception as problem:
            result = {"raised": fault(problem)}
        if result is thing:
            result = "self"
        if result is not NOTHING:
            self.part(name)["results"].append([op, result])

    def call(self, name: str, thing: Any, op: str, args: List[Any], label: str) -> Any:
        if op == "write":
            return thing.write(*self.data(args[0]), *self.callback(name, label, args[1]))
        if op == "end":
            return thing.end(*(self.data(args[0]) if args[0] else ()), *self.callback(name, label, args[1]))
        if op == "destroy":
            return thing.destroy(Exception("boom")) if args[0] else thing.destroy()
        if op in ("destroy_soon", "cork", "uncork"):
            getattr(thing, op)()
        elif op in ("reset_and_destroy", "pause", "resume", "ref", "unref", "set_encoding", "set_no_delay",
                    "set_keep_alive"):
            return getattr(thing, op)(*args)
        elif op == "set_timeout":
            return thing.set_timeout(args[0], *self.callback(name, label, args[1]))
        elif op == "read":
            chunk = thing.read(*args)
            return None if chunk is None else content([chunk])
        elif op == "pipe":
            thing.pipe(thing, end=args[0])
        elif op == "unpipe":
            return thing.unpipe()
        elif op == "emit":
            return thing.emit(args[0])
        elif op in ("on", "once", "prepend"):
            return self.listen(name, thing, op, args[0], label)
        elif op == "off":
            return self.off(name, thing, args[0])
        elif op == "when":
            self.when(name, thing, args[0], args[1], label)
        elif op == "together":
            for inner, *rest in args:
                self.perform(name, inner, rest, label)
        elif op == "connect":
            is_open = not thing.destroyed and (thing.connecting or not thing.pending)
            if is_open and args[1:] == [True]:
                return NOTHING
            thing.connect(self.port or 1, self.program["host"], *self.callback(name, label, args[0]))
            return "open" if is_open else "self"
        elif op == "listen":
            return thing.listen(0, self.program["host"], *self.callback(name, label, args[0]))
        elif op == "close":
            return thing.close(*self.callback(name, label, args[0]))
        elif op == "get_connections":
            thing.get_connections(lambda problem, count: self.log(name, ["callback", label, fault(problem), count]))
        elif op == "max_connections":
            thing.max_connections = args[0]
        else:
            raise ValueError(f"unknown operation {op}")
        return NOTHING

    def listen(self, name: str, thing: Any, op: str, event: str, label: str) -> Any:
        known, now = self.told.get((name, event), 0), len(self.steps)
        pending = [True]

        def on_event(*args: Any) -> None:
            if event == "readable":
                self.read_all(name, "#" + label)
            elif pending[0] and known and now == len(self.steps) and self.told.get((name, event)) == known:
                self.log(name, ["late " + event + "#" + label])     # told before, and told again to this one
            else:
                self.heard(name, event, args, "#" + label)
            pending[0] = False
        self.late.append((name, event, on_event))
        return {"on": thing.on, "once": thing.once, "prepend": thing.prepend_listener}[op](event, on_event)

    def off(self, name: str, thing: Any, event: str) -> Any:
        """Take off the reader from the start, or the youngest listener that a step has added."""
        for entry in reversed(self.late):
            if entry[:2] == (name, event):
                self.late.remove(entry)
                return thing.off(event, entry[2])
        reader = self.readers.get(name)
        return thing.off(event, reader) if reader else NOTHING

    def when(self, name: str, thing: Any, event: str, action: List[Any], label: str) -> None:
        known = self.told.get((name, event), 0)

        def on_event(*args: Any) -> None:
            if known and self.told.get((name, event)) == known:
                self.log(name, ["late " + event + "#" + label])
                return
            thing.off(event, on_event)
            if event == "data":
                told = self.part(name)["told"]
                told["largest"] = max(told["largest"], len(args[0]))
            self.log(name, [event + "#" + label])
            self.perform(name, action[0], action[1:], label)
        thing.on(event, on_event)

    def tidy(self) -> None:
        for name, thing in list(self.things.items()):
            if name != "server":
                thing.destroy()
            elif thing.listening:
                thing.close()

    def signature(self) -> int:
        return sum(thing.bytes_read + thing.writable_length for name, thing in list(self.things.items())
                   if name != "server")

    def note(self) -> None:
        """The step is over: note what each object had and what it says of itself."""
        address = self.things["server"].address()
        if address is not None:
            self.port = address.port
        step = {}
        for name, thing in self.things.items():
            part = self.part(name)
            if name == "server":
                props = {"listening": thing.listening, "connections": len(thing.connections),
                         "address": address is not None}
            else:
                props = {prop: getattr(thing, prop) for prop in SOCKET_PROPS}
                props["is_paused"] = thing.is_paused()
                props["server"] = None if thing.server is None else self.names.get(id(thing.server), "?")
                for event in COUNTED:
                    props["listeners " + event] = thing.listener_count(event)
            step[name] = {"events": [[entry[0], content(entry[1:])] if type(entry) is Parts else entry
                                     for entry in part["events"]], "results": part["results"], "props": props,
                          "told": part["told"]}
        self.steps.append(step)
        self.moment = {}


NOTHING = object()          # a call whose result says nothing


def settle(worlds: List[World], linger: float, patience: float) -> None:
    """Until nothing happens any more: no worker runs, nothing is queued, the reactor sleeps, and so it stays.

    Loopback delivers inside the system call that sends, so the selector has seen what there is to see.
    """
    limit = time.monotonic() + 5.0

    def state() -> Tuple[int, ...]:
        return World.activity, reactor.wakeups, sum(world.signature() for world in worlds)

    def quiet() -> bool:
        if not reactor.asleep or reactor._calls:
            return False
        numbers = netcompat.stats()
        return not numbers["busy"] and not numbers["queued"] and not numbers["queued_items"]
    begun = time.monotonic()
    calm, before = 0, state()
    while calm < 3 and time.monotonic() < limit:
        time.sleep(0.0005)
        now = state()
        calm = calm + 1 if quiet() and now == before else 0
        before = now
        if calm == 3 and patience > 1 or linger:
            rest = begun + max(linger, patience) / 1000 - time.monotonic()
            if rest > 0 and calm == 3:
                time.sleep(rest)
                calm, before = 0, state()


def counted_write(sock: Any, *args: Any, **options: Any) -> bool:
    """`Socket.write`, which is told when it answers `False`: to the writes of pipes, too."""
    answer = write(sock, *args, **options)
    world = World.owners.get(id(sock))
    if answer is False and world is not None:
        world.part(world.names[id(sock)])["told"]["refused"] += 1
    return answer


write: Callable[..., bool] = netcompat.Socket.write


def run(batch: Dict[str, Any]) -> List[Any]:
    World.owners.clear()
    worlds = [World(program) for program in batch["programs"]]
    for world in worlds:
        world.perform("server", "listen", [False], "start")
    settle(worlds, batch["linger"], batch["patience"])
    for world in worlds:
        world.note()
    longest = max(len(program["steps"]) for program in batch["programs"])
    for index in range(longest + 1):
        busy = [world for world in worlds if index <= len(world.program["steps"])]
        for world in busy:
            if index < len(world.program["steps"]):
                world.step(index)
            else:
                world.tidy()
        settle(worlds, batch["linger"], batch["patience"])
        for world in busy:
            world.note()
    return [world.steps for world in worlds]


def main() -> None:
    if sys.argv[1:] == ["--defects"]:
        print(json.dumps({name: plant.__doc__ for name, plant in DEFECTS.items()}))
        return
    if sys.argv[1:2] == ["--plant"]:
        DEFECTS[sys.argv[2]]()
    netcompat.Socket.write = counted_write      # type: ignore[method-assign]
    for line in sys.stdin:
        print(json.dumps({"traces": run(json.loads(line))}), flush=True)


if __name__ == "__main__":
    main()
