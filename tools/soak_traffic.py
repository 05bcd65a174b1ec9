"""The traffic of tools/soak.py: connections that behave badly by plan, and the account of every byte.

A *conversation* is one connection with both its *ends* in this process; a *venue* is an address with a server that now
and then closes and listens again. What flows in a *direction* of a conversation is known beforehand (a number, then an
excerpt of one random block), so the receiver compares each byte with the one that must stand there, and both sides hash
what they sent and got. When both ends have closed, the books are balanced:

* each write's callback came once and before 'close'; the writes that succeeded did so in order, before any that failed;
* what arrived is what was sent, from the first byte on; after an 'end' nothing that was in the kernel is missing;
* what was in the kernel and did not arrive is missing because an end cut the connection, or heard an error. Else it is
  *unaccounted*, and the run has failed.

Which threads run it: the listeners netcompat's workers, one at a time for each end; delayed actions the ticker's
thread. An end's sending is one chain of calls, so what belongs to the sender's side of a direction is changed by one
thread at a time, and so is the receiver's. Locks: `Books._lock` guards the totals and the tables of conversations,
`Venue._lock` one counter.
"""
from __future__ import annotations

import hashlib
import heapq
import itertools
import os
import random
import socket
import threading
import time
from collections import Counter
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

import netcompat

import soak_explain

BLOCK = 1 << 20             # bytes; the streams are excerpts of a block that repeats
HEADER = 8                  # bytes at the start of a client's stream: the number of the conversation
CHUNKS = (1, 7, 100, 100, 600, 600, 1500, 4000, 16000, 70000)       # usual sizes of writes
CUTS = ("destroy", "destroy_soon", "reset", "fail", "raise", "timeout", "abort")
LONGEST = 60.0              # seconds that a conversation may take beside its planned pauses ...
LONGEST_WORK = 20.0         # ... provided that this process had so many of processor time meanwhile
EXPLAINED = 5               # conversations whose failure is explained at length
UNCLAIMED = 60.0            # seconds after its client's close in which a server may still meet a conversation


class Fault(Exception):
    """What listeners raise by plan."""


# ---- what is planned ----

class Plan(NamedTuple):
    """What one end does."""

    chunks: Tuple[int, ...]         # bytes of each write
    pause: float                    # seconds between two writes; 0: as fast as the other end takes it
    reading: str                    # 'flow', 'slow', 'pause', 'readable'
    ending: str                     # 'end', 'end_data' or one of CUTS
    cut_after: Optional[int]        # received bytes after which a cut is made; None: when all is written
    hold: float                     # seconds of silence before the ending
    corked: bool                    # all writes leave together
    early: bool                     # (client) write before it is connected
    half_open: bool


def make_plan(rng: random.Random, hold: float = 0.0) -> Plan:
    """Mostly short and well-behaved; everything else often enough."""
    many = rng.random()
    count = rng.randrange(4) if hold or many < 0.8 else rng.randrange(30)
    chunks = [rng.choice(CHUNKS) for _ in range(count)]
    if many > 0.98:
        chunks.append(rng.randrange(BLOCK))
    cut = rng.random() < 0.25
    return Plan(
        chunks=tuple(chunks),
        pause=rng.choice((0.0, 0.0, 0.0, 0.0, 0.002, 0.05)) if not hold else rng.uniform(hold / 20, hold / 6),
        reading=rng.choice(("flow", "flow", "flow", "pause", "readable", "slow" if rng.random() < 0.3 else "flow")),
        ending=rng.choice(CUTS) if cut else rng.choice(("end", "end", "end_data")),
        cut_after=rng.randrange(3000) if cut and rng.random() < 0.5 else None,
        hold=hold, corked=rng.random() < 0.05, early=rng.random() < 0.5, half_open=rng.random() < 0.3)


# ---- the account of one direction ----

class Direction:
    """What flows from one end to the other."""

    __slots__ = ("header", "place", "offered", "in_kernel", "failed", "received", "sent", "got", "writes", "called",
                 "succeeded")

    material = b""          # the block, twice

    def __init__(self, place: int, header: bytes = b"") -> None:
        self.header, self.place = header, place
        self.offered = self.in_kernel = self.failed = 0     # bytes given to write; whose callback said: there; error
        self.received = 0
        self.sent, self.got = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
        self.writes = self.called = self.succeeded = 0      # how many writes, callbacks of them, those without error

    @classmethod
    def prepare(cls, rng: random.Random) -> None:
        cls.material = bytes(rng.getrandbits(8) for _ in range(BLOCK)) * 2

    def excerpt(self, start: int, size: int) -> bytes:
        """What stands there in this stream."""
        head = self.header[start:start + size]
        at = (self.place + max(start - len(self.header), 0)) % BLOCK
        return head + self.material[at:at + size - len(head)]

    def next(self, size: int) -> bytes:
        """The next bytes to be written."""
        data = self.excerpt(self.offered, size)
        self.offered += size
        self.sent.update(data)
        return data

    def arrived(self, data: bytes) -> bool:
        """`False` if something else should have come."""
        right = data == self.excerpt(self.received, len(data))
        self.received += len(data)
        self.got.update(data)
        return right


# ---- the ticker ----

class Ticker:
    """Makes calls later, on a thread of its own: the foreign thread of all sockets."""

    def __init__(self, books: "Books") -> None:
        self._books = books
        self._heap: List[Tuple[float, int, Callable[[], Any]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()       # guards the heap and the flag
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="soak-ticker", daemon=True)
        self._thread.start()

    def later(self, seconds: float, call: Callable[[], Any]) -> None:
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._order), call))
            if self._heap[0][2] is call:
                self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._heap.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._heap or self._heap[0][0] > time.monotonic()):
                    self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
                if self._stopped:
                    return
                call = heapq.heappop(self._heap)[2]
            try:
                call()
            except Exception as problem:
                self._books.blame("a call of a foreign thread raised {!r}".format(problem))
            del call


# ---- one end of a connection ----

class End:
    """Does what its plan says, and watches over what it hears."""

    def __init__(self, books: "Books", name: str, plan: Plan, outgoing: Optional[Direction]) -> None:
        self.books, self.name, self.plan, self.outgoing = books, name, plan, outgoing
        self.socket: Any = None
        self.incoming: Optional[Direction] = None       # of a server: once the header came
        self.chunks = list(plan.chunks)
        self.cut = ""               # how this end cut the connection, if it did; set before it does
        self.problem: Optional[BaseException] = None    # what 'error' told
        self.ended = self.finished = self.closed = False
        self.on_closed: Callable[[], None] = lambda: None
        self.on_header: Callable[[bytes], bool] = lambda head: True
        self.tcp = True
        self.controller: Any = None     # of the signal that was given to the socket
        self._head = b""
        self._sending_over = False
        self._raise_next = False
        self._paused = False
        self.met = False            # it was connected
        self._inside = threading.Lock()     # tried, never waited for: a listener of this end runs
        self._after_close: List[int] = []   # writes whose callback came after 'close' ...
        self._late: Set[int] = set()        # ... and those that may, since they were made on a destroyed socket

    # -- what it hears --

    def attach(self, sock: Any, connected: bool) -> None:
        self.socket, self.met = sock, connected
        for event, listener in (("connect", self._on_connect), ("end", self._on_end), ("finish", self._on_finish),
                                ("error", self._on_error), ("close", self._on_close), ("drain", self._on_drain)):
            sock.on(event, partial(self._heard, event, listener))

    def read(self) -> None:
        """Begin to read, in the way that is planned."""
        if self.plan.reading == "readable":
            self.socket.on("readable", partial(self._heard, "readable", self._on_readable))
        else:
            self.socket.on("data", partial(self._heard, "data", self._on_data))

    def _heard(self, event: str, listener: Callable[..., None], *args: Any) -> None:
        """Every event comes through here."""
        if not self._inside.acquire(False):
            self._blame("two listeners at once, the second for {}".format(event))
            return
        try:
            if self.closed:
                self._blame("{} after close".format(event))
            elif self.problem is not None and event != "close":
                self._blame("{} after error".format(event))
            elif not self.met and event in ("data", "readable", "end", "finish", "drain"):
                self._blame("{} before connect".format(event))
            listener(*args)
        finally:
            self._inside.release()

    def _on_connect(self) -> None:
        if self.met:
            self._blame("connect twice")
        self.met = True
        if not self.plan.early:
            self.begin()

    def _on_data(self, chunk: bytes) -> None:
        if self.ended:
            self._blame("data after end")
        if self._paused:
            self._blame("data while paused")
        if self._raise_next:
            self._raise_next = False
            self.cut = "raise"
            self.books.count("listeners that raised")
            raise Fault(self.name)
        self.take(chunk)
        if self.plan.reading == "slow":
            time.sleep(0.002)
        elif self.plan.reading == "pause" and len(chunk) % 3 == 0 and not self.socket.destroyed:
            self._paused = True
            self.socket.pause()
            self.books.later(0.01 if len(chunk) % 2 else 0.2, self._resume)

    def _resume(self) -> None:
        self._paused = False
        self.socket.resume()

    def _on_readable(self) -> None:
        while True:
            chunk = self.socket.read()
            if chunk is None:
                return
            self.take(chunk)

    def _on_end(self) -> None:
        if self.ended:
            self._blame("end twice")
        self.ended = True
        if self.outgoing is None:
            self.socket.end()                   # it never said who it is, and will not hear anything either
        if not self.plan.half_open:
            self._sending_over = True           # the socket ends itself after this

    def _on_finish(self) -> None:
        if self.finished:
            self._blame("finish twice")
        self.finished = True

    def _on_drain(self) -> None:
        self.books.count("drains")

    def _on_error(self, problem: BaseException) -> None:
        self.problem = problem
        self.books.count("errors: {}".format(getattr(problem, "code", type(problem).__name__)))

    def _on_close(self, had_error: bool) -> None:
        if had_error != (self.problem is not None):
            self._blame("close says had_error={}, error was {!r}".format(had_error, self.problem))
        self.closed = True
        self._sending_over = True
        self.on_closed()

    # -- receiving --

    def take(self, chunk: bytes) -> None:
        """A chunk came: compare it with what must come here."""
        if self.incoming is None:
            self._head += chunk
            if len(self._head) < HEADER:
                return
            if not self.on_header(self._head[:HEADER]):
                self._blame("a header that nobody sent: {!r}".format(self._head[:HEADER]))
                self.socket.destroy()
                return
            chunk, self._head = self._head, b""
        assert self.incoming is not None
        if not self.incoming.arrived(chunk):
            self._blame("other bytes than were sent, before byte {}".format(self.incoming.received))
        if self.plan.cut_after is not None and self.incoming.received >= self.plan.cut_after and not self.cut:
            self._cut()

    # -- sending: one chain of calls, each made by the one before --

    def begin(self) -> None:
        if self.plan.corked:
            self.socket.cork()
        self.send()

    def send(self) -> None:
        """Write until the socket is full, a pause is due, or all is written."""
        out, sock = self.outgoing, self.socket
        assert out is not None
        while self.chunks and not self._sending_over:
            if len(self.chunks) == 1 and self.plan.ending == "end_data":
                break
            size = self.chunks.pop()
            number = out.writes
            out.writes += 1
            room = sock.write(out.next(size), callback=partial(self._written, number, size))
            if sock.destroyed:
                self._late.add(number)
                return
            if self.plan.pause:
                self.books.later(self.plan.pause, self.send)
                return
            if not room and not self.plan.corked:
                sock.once("drain", self.send)       # it is told of a 'drain' that came in between
                return
        if self.plan.corked:
            sock.uncork()
        if self.plan.hold:
            self.books.later(self.plan.hold, self.finish)
        else:
            self.finish()

    def _written(self, number: int, size: int, problem: Optional[BaseException]) -> None:
        out = self.outgoing
        assert out is not None
        out.called += 1
        if problem is None:
            if number != out.succeeded:
                self._blame("write {} succeeded as number {}".format(number, out.succeeded))
            out.succeeded += 1
            out.in_kernel += size
        else:
            out.failed += size
        if self.closed:
            self._after_close.append(number)

    def finish(self) -> None:
        """All is written: end, or cut."""
        out, sock, ending = self.outgoing, self.socket, self.plan.ending
        assert out is not None
        if self._sending_over:
            return
        if ending in CUTS:
            self._cut()
            return
        if ending == "end_data" and self.chunks:
            size = self.chunks.pop()
            number = out.writes
            out.writes += 1
            sock.end(out.next(size), callback=partial(self._written, number, size))
            if sock.destroyed:
                self._late.add(number)
        else:
            sock.end()

    def give_up(self) -> None:
        if not self.closed:
            self.cut = self.cut or "given up"
            self.socket.destroy()

    def _cut(self) -> None:
        sock, ending = self.socket, self.plan.ending
        if ending == "reset" and not self.tcp:
            ending = "destroy"          # a Unix socket cannot be reset
        if ending == "abort" and self.controller is None:
            ending = "destroy"
        self._sending_over = True
        if ending == "raise" and self.plan.reading != "readable" and not self.ended:
            self._raise_next = True
            self.books.later(0.5, self.give_up)     # if nothing comes that could raise
            return
        self.cut = ending
        if ending == "destroy_soon":
            sock.destroy_soon()
        elif ending == "reset":
            sock.reset_and_destroy()
        elif ending == "fail":
            sock.destroy(Fault(self.name))
        elif ending == "timeout":
            sock.set_timeout(50, sock.destroy)
        elif ending == "abort":
            self.controller.abort()
        else:
            sock.destroy()

    # -- the end --

    def balance(self) -> None:
        """It is closed: look at what its own side of the books says."""
        out = self.outgoing
        for number in self._after_close:
            if number not in self._late:
                self._blame("the callback of write {} came after close".format(number))
        if out is not None and out.offered != out.in_kernel + out.failed:
            self._blame("{} bytes were written, {} are said to be in the kernel and {} failed".format(
                out.offered, out.in_kernel, out.failed))

    def _blame(self, what: str) -> None:
        self.books.blame("{}: {}".format(self, what))

    def explain(self) -> str:
        """Where it stands: for who looks into a conversation that did not end."""
        out, into = self.outgoing, self.incoming
        sent = "nothing" if out is None else (
            "{} bytes in {} writes, {} callbacks, {} bytes in the kernel, {} failed, {} writes left".format(
                out.offered, out.writes, out.called, out.in_kernel, out.failed, len(self.chunks)))
        return "\n    ".join((
            "{}: {}".format(self, self.socket),
            "sent {}; got {} bytes".format(sent, into.received if into is not None else len(self._head)),
            "met {}, ended {}, finished {}, closed {}; {}".format(self.met, self.ended, self.finished, self.closed,
                                                                  self.plan._replace(chunks=())),
            soak_explain.of_socket(self.socket)))

    def __repr__(self) -> str:
        return "{} ({}, {}, cut {!r}, error {!r})".format(
            self.name, self.plan.reading, self.plan.ending, self.cut, self.problem)


class Mirror(End):
    """A server's end that pipes what comes back to where it came from."""

    def begin(self) -> None:
        """The pipe sends."""

    def read(self) -> None:
        super().read()                      # first this: it knows the header before the first byte goes back
        self.socket.pipe(self.socket)

    def balance(self) -> None:
        """A pipe's writes have no callbacks of ours."""


# ---- one connection ----

class Conversation:
    def __init__(self, books: "Books", number: int, venue: "Venue", rng: random.Random, hold: float) -> None:
        self.books, self.number, self.venue = books, number, venue
        self.generation = venue.generation
        place = rng.randrange(BLOCK)
        self.there = Direction(place, number.to_bytes(HEADER, "big"))
        self.back = Direction(place, self.there.header) if venue.manner == "mirror" else Direction(rng.randrange(BLOCK))
        self.client = End(books, "client {}".format(number), make_plan(rng, hold), self.there)
        self.client.chunks.append(HEADER)           # the first to be written
        self.client.incoming = self.back
        self.client.on_closed = self.client_closed
        self.client.tcp = "port" in venue.where
        self.answer = make_plan(rng, hold)          # what the server's end will do
        self.server: Optional[End] = None
        self.late_at = time.monotonic() + 2 * hold + LONGEST
        self.late_after = time.process_time() + LONGEST_WORK    # a machine that is busy with others is no reason
        self.closed_at = 0.0        # when the client had closed

    def start(self) -> None:
        client, plan = self.client, self.client.plan
        options: Dict[str, Any] = {"allow_half_open": plan.half_open}
        if plan.ending == "abort":
            client.controller = netcompat.AbortController()
            options["signal"] = client.controller.signal
        client.attach(netcompat.connect(**self.venue.where, **options), connected=False)
        client.read()
        if plan.early:
            client.begin()

    def client_closed(self) -> None:
        self.closed_at = time.monotonic()
        self.books.client_closed(self)

    def called_back(self) -> bool:
        """Did every write's callback come? Those of writes on a destroyed socket come after 'close'."""
        return self.there.called >= self.there.writes and self.back.called >= self.back.writes

    def over(self) -> bool:
        return self.client.closed and (self.server is None or self.server.closed)

    def never_connected(self) -> bool:
        return not self.client.met and getattr(self.client.problem, "syscall", "") == "connect"


# ---- one address ----

class Venue:
    """A server that closes and listens again. `manner`: how its ends behave: 'mixed', 'mirror' or 'blocking'."""

    def __init__(self, books: "Books", manner: str, where: Dict[str, Any], rng: random.Random,
                 limit: Optional[int] = None) -> None:
        self.books, self.manner, self.where, self.rng = books, manner, where, rng
        self.generation = 0         # counts the closes
        self.cut_before = 0         # connections of generations before this one were all destroyed
        self._lock = threading.Lock()       # guards `nobody`
        self.nobody = 0             # connections that ended before they said who they are
        self.missed = 0             # conversations that ended well on the client's side and that no end here met
        self.half_open = manner == "mixed" and rng.random() < 0.5
        self.server = netcompat.create_server(self._on_connection, allow_half_open=self.half_open)
        self.server.max_connections = limit
        self.server.on("error", lambda problem: books.blame("a server's error: {!r}".format(problem)))
        self.server.on("drop", self._on_drop)
        self.listen()

    def listen(self) -> None:
        self.server.listen(**self.where)

    def reopen(self) -> None:
        """Close and listen at the same place, with the connections or without."""
        self.generation += 1
        self.server.close()
        if self.rng.random() < 0.3:
            self.cut_before = self.generation
            self.server.close_all_connections()
        self.books.count("servers closed and opened again")
        if self.rng.random() < 0.5:
            self.listen()
        else:
            self.books.later(self.rng.uniform(0.0, 0.3), self.listen)

    def _ended_without_a_word(self) -> None:
        with self._lock:
            self.nobody += 1

    def closed_since(self, generation: int) -> bool:
        return self.generation != generation

    def balance(self) -> None:
        """Everything is over: whom no end ever met is one of those who left, or were dropped, without a word."""
        if self.missed > self.nobody:
            self.books.count("unaccounted", (self.missed - self.nobody) * HEADER)
            self.books.blame("{} clients ended well that no server ever met, {} connections at {} ended without a word"
                             .format(self.missed, self.nobody, self.where))

    def _on_drop(self, _: Any) -> None:
        self._ended_without_a_word()
        self.books.count("connections dropped at a limit")

    def _on_connection(self, sock: Any) -> None:
        number = next(self.books.accepted)
        plan = make_plan(random.Random(number))._replace(half_open=self.half_open)
        if self.manner == "mixed" and number % 97 == 0:
            self._ended_without_a_word()
            self.books.count("listeners that raised")
            raise Fault("connection {}".format(number))
        end = (Mirror if self.manner == "mirror" else End)(self.books, "server's {}".format(number), plan, None)
        if self.manner == "mirror":
            end.plan = plan._replace(reading="flow", ending="end", cut_after=None, corked=False)
        end.tcp = "port" in self.where
        end.on_header = partial(self._met, end)
        end.on_closed = partial(self._closed, end, self.generation)
        end.attach(sock, connected=True)
        if self.manner == "blocking":
            self._serve(end)
        else:
            end.read()

    def _serve(self, end: End) -> None:
        """The straight style: one listener that blocks in `recv` until the end, then sends."""
        end.plan = end.plan._replace(reading="recv", ending="end", pause=0.0, hold=0.0, cut_after=None, corked=False)
        try:
            for chunk in end.socket:
                end.take(chunk)
            out = end.outgoing
            for size in end.chunks if out is not None else ():
                out.failed += size
                end.socket.sendall(out.next(size))
                out.failed -= size
                out.in_kernel += size
        except (OSError, RuntimeError) as problem:
            self.books.count("recv: {}".format(getattr(problem, "code", type(problem).__name__)))

    def _met(self, end: End, header: bytes) -> bool:
        """The first bytes tell which conversation this is."""
        talk = self.books.claim(int.from_bytes(header, "big"), end)
        if talk is None:
            return False
        end.incoming, end.outgoing = talk.there, talk.back
        if self.manner == "mixed":
            end.plan = talk.answer._replace(reading=end.plan.reading, half_open=self.half_open)
            end.chunks = list(end.plan.chunks)
            end.begin()
        elif self.manner == "blocking":
            end.chunks = list(end.plan.chunks)
        return True

    def _closed(self, end: End, generation: int) -> None:
        if generation < self.cut_before:
            end.cut = end.cut or "close_all_connections"
        if end.incoming is None:
            self._ended_without_a_word()
        self.books.server_closed(end)


# ---- all together ----

class Books:
    """The totals, the conversations under way, and what went wrong."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()           # guards everything below
        self.totals: "Counter[str]" = Counter()
        self.blames: List[str] = []
        self.explained = 0
        self.open: Dict[int, Conversation] = {}         # the client is open
        self.waiting: Dict[int, Conversation] = {}      # the client is closed, the server's end is not or unknown
        self._talks: Dict[int, Conversation] = {}       # not yet claimed by a server's end
        self._by_end: Dict[End, Conversation] = {}      # claimed, the server's end is open
        self._closed: List[Conversation] = []           # both ends are closed
        self.seed = seed
        self.started = itertools.count(1)
        self.accepted = itertools.count(1)
        self.ticker = Ticker(self)
        self.later = self.ticker.later

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.totals[what] += number

    def blame(self, what: str) -> None:
        with self._lock:
            self.totals["blames"] += 1
            if len(self.blames) < 50:
                self.blames.append(what)

    def explain(self, talk: Conversation) -> None:
        """Have it said, for the first few, where a conversation stands that did not end."""
        if self.explained < EXPLAINED:
            self.explained += 1
            for end in (talk.client, talk.server):
                self.blame(end.explain() if end is not None else "no server's end has met it")
            self.blame("the engine: " + soak_explain.of_engine())

    def start(self, venue: Venue, hold: float = 0.0) -> None:
        """One more connection."""
        number = next(self.started)
        talk = Conversation(self, number, venue, random.Random(self.seed << 32 | number), hold)
        with self._lock:
            self.open[number] = self._talks[number] = talk
        talk.start()

    def claim(self, number: int, end: End) -> Optional[Conversation]:
        with self._lock:
            talk = self._talks.pop(number, None)
            if talk is not None:
                talk.server = end
                self._by_end[end] = talk
            return talk

    def client_closed(self, talk: Conversation) -> None:
        with self._lock:
            self.open.pop(talk.number, None)
            if talk.never_connected():
                del self._talks[talk.number]
            elif talk.server is None or talk.server in self._by_end:
                self.waiting[talk.number] = talk
                return
            self._closed.append(talk)

    def server_closed(self, end: End) -> None:
        with self._lock:
            talk = self._by_end.pop(end, None)
            if talk is not None and self.waiting.pop(talk.number, None) is not None:
                self._closed.append(talk)       # else nobody's, or the client is still open

    def busy(self) -> int:
        """How many servers' ends are open that know their conversation, or wait to be settled."""
        return len(self._by_end) + len(self._closed)

    def look_after(self, everything: bool = False) -> None:
        """Now and then: end what takes too long, and settle what no server's end has ever met."""
        now, work = time.monotonic(), time.process_time()
        with self._lock:
            late = [talk for table in (self.open, self.waiting) for talk in table.values()
                    if talk.late_at < now and talk.late_after < work and not talk.over()]
            unmet = [talk for talk in self.waiting.values()
                     if talk.server is None and (everything or talk.closed_at < now - UNCLAIMED)]
            for talk in unmet:
                del self.waiting[talk.number], self._talks[talk.number]
            closed, self._closed = self._closed, []
        for talk in late:
            talk.late_at = float("inf")
            self.blame("did not end in time: {} and {}".format(talk.client, talk.server))
            self.explain(talk)
            for end in (talk.client, talk.server):
                if end is not None:
                    end.give_up()
        for talk in unmet:
            excused = talk.client.cut or talk.client.problem or talk.venue.closed_since(talk.generation)
            if talk.there.in_kernel and not excused:
                talk.venue.missed += 1
            self._settle(talk)
        for talk in closed:
            if talk.called_back() or everything:
                self._settle(talk)
            else:
                with self._lock:
                    self._closed.append(talk)

    def _settle(self, talk: Conversation) -> None:
        """Both ends are closed, or there is no other."""
        client, server = talk.client, talk.server
        client.balance()
        if server is None:
            self._add(talk)
            return
        server.balance()
        cut = client.cut or server.cut or client.problem or server.problem
        if type(server) is Mirror:
            talk.back.offered = talk.back.in_kernel = talk.there.received if not cut else talk.back.received
            talk.back.sent = talk.there.got
        for way, receiver in ((talk.there, server), (talk.back, client)):
            missing = way.in_kernel - way.received
            if way.received > way.offered:
                self.blame("{} got {} bytes of {}".format(receiver, way.received, way.offered))
            if missing > 0 and (receiver.ended or not cut):
                self.count("unaccounted", missing)
                self.blame("{} misses {} bytes; the ends: {} and {}".format(receiver, missing, client, server))
            if not cut and not way.failed and way.sent.digest() != way.got.digest():
                self.blame("{}: the hashes of both sides differ".format(receiver))
        self._add(talk)

    def _add(self, talk: Conversation) -> None:
        ended_well = talk.server is not None and not (talk.client.cut or talk.server.cut or talk.client.problem
                                                      or talk.server.problem)
        with self._lock:
            totals = self.totals
            totals["connections ended well" if ended_well else "connections cut"] += 1
            for way in (talk.there, talk.back):
                totals["bytes written"] += way.offered
                totals["bytes delivered"] += way.received
                totals["bytes whose callback had an error"] += way.failed
                totals["bytes in the kernel when an end cut"] += max(way.in_kernel - way.received, 0)


def make_venues(books: Books, rng: random.Random, folder: str) -> List[Venue]:
    """Loopback of both families and Unix paths; ports below those that clients get."""
    def tcp(host: str) -> Dict[str, Any]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            port = rng.randrange(20000, 32000)
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                try:
                    probe.bind((host, port))
                except OSError:
                    continue
            return {"port": port, "host": host}

    places: List[Tuple[str, Dict[str, Any], Optional[int]]] = [
        ("mixed", tcp("127.0.0.1"), None), ("mixed", tcp("127.0.0.1"), None), ("mirror", tcp("127.0.0.1"), None),
        ("blocking", tcp("127.0.0.1"), None), ("mixed", tcp("127.0.0.1"), 20)]
    if _has_ipv6():
        places.append(("mixed", tcp("::1"), None))
    if hasattr(socket, "AF_UNIX"):
        places += [(manner, {"path": os.path.join(folder, name)}, None)
                   for manner, name in (("mixed", "a"), ("mixed", "b"), ("mirror", "c"), ("blocking", "d"))]
    return [Venue(books, manner, where, random.Random(rng.random()), limit) for manner, where, limit in places]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False
