"""The command line: `python3 -m netcompat COMMAND`, also installed as `netcompat`.

What is piped here is piped with backpressure: the thread that reads standard input waits in `sendall`, and the listener
that writes standard output blocks, which is what listeners may do here.
"""
from __future__ import annotations

import argparse
import contextlib
import errno
import os
import platform
import selectors
import socket as stdlib_socket
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, NoReturn, Optional, Set, Tuple, Union

from . import AddressInfo, Server, Socket, __version__, connect, create_server, is_ipv6, shutdown

CHUNK = 65536           # bytes read from standard input at a time
LOOK = 0.5              # seconds between two lines of progress
GRACE = 1.0             # seconds that connections have to finish when the workers end
DEMO_LIMIT = 5.0        # seconds that each half of the demo may take
FULLEST_QUEUE = 1 << 20     # bytes that may wait for a member of the chat

Place = Dict[str, Any]  # keywords for `connect` and `listen`


class Failure(Exception):
    """What ends a command with one line and exit status 1; the argument may be the exception that says why."""


def in_one_line(problem: BaseException) -> str:
    """What went wrong, and what to do about it if that is known."""
    if isinstance(problem, Failure) and isinstance(problem.args[0], BaseException):
        problem = problem.args[0]
    text = "; ".join(line.strip() for line in str(problem).splitlines() if line.strip()) or type(problem).__name__
    advice = ", ".join(getattr(problem, "__notes__", ()))
    path = getattr(problem, "address", None)
    if getattr(problem, "code", "") == "ENOENT" and path and not set(path) & set("/\\"):
        advice = f"{path!r} was read as a path; a host needs its port: {path}:80"
    return f"{text} ({advice})" if advice else text


# ---- addresses ----

def parse_address(text: str, serving: bool = False) -> Place:
    """'8124', 'host:8124', '[::1]:8124', '/tmp/x.sock', '@abstract', r'\\\\.\\pipe\\x' as keywords.

    Without a host: the loopback interface.
    """
    if not text:
        raise argparse.ArgumentTypeError("an empty address")
    if text.startswith("@"):
        return {"path": "\0" + text[1:]}
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or "/" in host or "\\" in host:
        if colon and not set(text) & set("/\\"):
            raise argparse.ArgumentTypeError(f"{text!r} is no address: the port {port!r} is no number")
        return {"path": text}
    if len(port) > 20 or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: ports end at 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not is_ipv6(host):
            raise argparse.ArgumentTypeError(f"{text!r} is no address: in brackets stands an IPv6 address")
    elif ":" in host:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write [{host}]:{port}")
    return {"port": int(port), "host": host or ("127.0.0.1" if serving else "localhost")}


def serving_address(text: str) -> Place:
    return parse_address(text, serving=True)


def show(address: Union[AddressInfo, str, None]) -> str:
    """An address as it is written on the command line."""
    if isinstance(address, AddressInfo):
        host = f"[{address.address}]" if ":" in str(address.address) else address.address
        return f"{host}:{address.port}"
    return str(address).replace("\0", "@", 1)


def show_peer(socket: Socket) -> str:
    if socket.remote_address is None:
        return "a local client"
    return show(AddressInfo(socket.remote_address, socket.remote_family, socket.remote_port))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- waiting ----

class Ending:
    """Lets the main thread wait, with Ctrl-C, for what listeners report: the end, or a failure."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._failure: Optional[BaseException] = None

    def finish(self, *_: Any) -> None:
        self._over.set()

    def fail(self, problem: BaseException) -> None:
        if not self._over.is_set():
            self._failure = problem
            self._over.set()

    def wait(self, meanwhile: Optional[Callable[[], None]] = None) -> None:
        """Wait for the end, and call `meanwhile()` now and then. Raises `Failure`."""
        while not self._over.wait(LOOK):        # in slices: on some systems Ctrl-C does not end an endless wait
            if meanwhile is not None:
                meanwhile()
        if self._failure is not None:
            raise Failure(self._failure)


def listening(server: Server, place: Place, ending: Ending, quiet: int = 0) -> None:
    """Listen, and say where unless `quiet`, or end with what went wrong."""
    server.on("error", ending.fail)
    server.on("close", ending.finish)
    if not quiet:
        server.on("listening", lambda: say(f"listening on {show(server.address())}"))
    server.listen(**place)


# ---- demo and events ----

class Journal:
    """Prints what happens, each line with a time stamp, in the order in which it happened."""

    EVENTS = ("connect", "ready", "end", "finish", "drain", "timeout", "pause", "resume")

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()       # guards the output: lines of two threads are not to mix

    def write(self, who: str, what: str, *details: Any) -> None:
        with self._lock:
            elapsed = (time.monotonic() - self._began) * 1000
            try:
                print(f"{elapsed:8.2f} ms  {who:<7} {what:<12}", *details, flush=True)
            except OSError:                 # `netcompat demo | head`: nobody reads on, the conversation still ends well
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def watch(self, who: str, socket: Socket) -> None:
        """Print the events of a socket."""
        for event in self.EVENTS:
            socket.on(event, lambda event=event: self.write(who, repr(event)))      # type: ignore[call-overload]
        socket.on("lookup", lambda error, address, family, host: self.write(who, "'lookup'", host, error or address))
        socket.on("connectionAttempt", lambda ip, port, family: self.write(who, "'connectionAttempt'", ip, port))
        socket.on("data", lambda chunk: self.write(who, "'data'", chunk if len(chunk) < 60 else f"{len(chunk)} bytes"))
        socket.on("error", lambda error: self.write(who, "'error'", error))
        socket.on("close", lambda had_error: self.write(who, "'close'", f"had_error={had_error}"))


@contextlib.contextmanager
def free_path() -> Iterator[str]:
    """An IPC path that nobody has, of the kind that this system has."""
    if sys.platform == "win32":
        yield rf"\\.\pipe\netcompat-{os.getpid()}-{time.monotonic_ns()}"
        return
    with tempfile.TemporaryDirectory() as folder:
        yield os.path.join(folder, "netcompat.sock")


def demo(_: argparse.Namespace) -> None:
    """A server and a client, over TCP and then over an IPC path; the events of both sides as they happen."""
    journal = Journal()
    print("TCP: a server on a port of the system's choice", flush=True)
    converse(journal, {"port": 0, "host": "127.0.0.1"})
    with free_path() as path:
        print(f"IPC: a server on {path}", flush=True)
        converse(journal, {"path": path})


def converse(journal: Journal, place: Place) -> None:
    server = create_server()

    @server.on("connection")
    def on_connection(socket: Socket) -> None:
        journal.write("server", "'connection'", show_peer(socket))
        journal.watch("serving", socket)
        socket.on("data", lambda chunk: socket.write(b"echo: " + chunk))

    server.on("listening", lambda: journal.write("server", "'listening'", show(server.address())))
    server.on("close", lambda: journal.write("server", "'close'"))
    server.listen(**place)
    address = server.address()
    client = connect(address.port, address.address) if isinstance(address, AddressInfo) else connect(address)
    journal.watch("client", client)
    message = b"hello from the client"
    client.on("connect", lambda: client.write(
        message, lambda error: journal.write("client", "written", error or f"{len(message)} bytes")))
    client.on("data", lambda chunk: client.end())
    wait_until_told(client)
    wait_until_told(server.close())


def wait_until_told(emitter: Union[Server, Socket]) -> None:
    """Until the listeners of 'close' have run. `wait_for` returns when the event is there, before they have printed."""
    told = threading.Event()
    emitter.on("close", lambda *_: told.set())
    if not told.wait(DEMO_LIMIT):
        raise TimeoutError(f"{emitter!r} did not close within {DEMO_LIMIT:g} seconds")


def events(options: argparse.Namespace) -> None:
    """Connect, and print every event of the connection until it ends."""
    ending = Ending()
    journal = Journal()
    client = Socket()
    journal.watch("client", client)
    client.on("error", ending.fail)
    client.on("close", ending.finish)
    if options.timeout:
        client.set_timeout(options.timeout * 1000, lambda: client.destroy(
            TimeoutError(f"nothing happened for {options.timeout:g} seconds")))
    client.connect(**options.address)
    ending.wait()


# ---- netcat ----

def half_open(options: argparse.Namespace) -> bool:
    """Does sending go on after the peer has ended its side? A file or pipe is sent to its end; who types need not."""
    return bool(options.half_open) or not sys.stdin.isatty()


class Transfer:
    """Standard input to a socket, the socket to standard output, until both directions have ended."""

    def __init__(self, socket: Socket, ending: Ending, timeout: float) -> None:
        self._socket, self._ending = socket, ending
        self._began = time.monotonic()
        self._progress = sys.stderr.isatty() and not (sys.stdin.isatty() and sys.stdout.isatty())
        self._shown = False
        socket.on("data", self._on_data)
        socket.on("error", ending.fail)
        socket.on("close", ending.finish)
        if timeout:
            socket.set_timeout(timeout * 1000, lambda: socket.destroy(
                TimeoutError(f"nothing was sent or received for {timeout:g} seconds")))
        threading.Thread(target=self._send, name="stdin", daemon=True).start()

    def _on_data(self, chunk: bytes) -> None:
        try:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        except OSError:                     # nobody reads our output any more; Windows says so with EINVAL
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._socket.destroy()

    def _send(self) -> None:
        try:
            while True:
                chunk = os.read(sys.stdin.fileno(), CHUNK)
                if not chunk:
                    break
                self._socket.sendall(chunk)
            self._socket.end()
        except OSError as problem:
            if not self._socket.destroyed:
                self._ending.fail(problem)

    def show_progress(self) -> None:
        if self._progress:
            seconds = time.monotonic() - self._began
            sent, received = self._socket.bytes_written, self._socket.bytes_read
            sys.stderr.write(f"\r{sent:,} bytes sent, {received:,} received, {(sent + received) / seconds:,.0f}/s ")
            sys.stderr.flush()
            self._shown = True

    def close(self) -> None:
        if self._shown:
            self.show_progress()        # the final figures
            sys.stderr.write("\n")


def transfer(socket: Socket, ending: Ending, options: argparse.Namespace) -> None:
    running = Transfer(socket, ending, options.timeout)
    try:
        ending.wait(running.show_progress)
    finally:
        running.close()


def connect_command(options: argparse.Namespace) -> None:
    """Join standard input and output with a connection."""
    ending = Ending()
    transfer(connect(allow_half_open=half_open(options), **options.address), ending, options)


def listen_command(options: argparse.Namespace) -> None:
    """Wait for one connection and join standard input and output with it."""
    ending = Ending()
    server = create_server(allow_half_open=half_open(options))
    server.listen(**options.address)
    server.wait_for("listening")
    say(f"listening on {show(server.address())}")
    try:
        socket = server.accept(options.timeout or None)
    except TimeoutError:
        raise Failure(f"nobody connected within {options.timeout:g} seconds") from None
    server.close()
    transfer(socket, ending, options)


# ---- servers ----

def in_workers(options: argparse.Namespace) -> None:
    """Run a command that serves: here, or in so many processes that share the address."""
    if not options.workers:
        options.serve(options)
        return
    from .cluster import Cluster
    ending = Ending()
    told: List[object] = []

    def on_listening(_: object, address: Union[AddressInfo, str, None]) -> None:
        told.append(address)
        if len(told) == options.workers:
            say(f"listening on {show(address)}, {options.workers} workers")

    cluster = Cluster(work, (options,), workers=options.workers, grace=GRACE)
    cluster.on("listening", on_listening)
    cluster.on("message", lambda _, problem: ending.fail(problem))
    with cluster:
        ending.wait()


def work(options: argparse.Namespace) -> None:
    """One worker's part of it."""
    from . import cluster
    try:
        options.serve(options)
    except Failure as problem:
        assert cluster.worker is not None
        cluster.worker.send(str(problem))       # one of them is enough to say so
        cluster.worker.wait_for("disconnect")


def echo(options: argparse.Namespace) -> None:
    """Send everything back."""
    ending = Ending()
    server = create_server(lambda socket: socket.pipe(socket))

    @server.on("connection")
    def on_connection(socket: Socket) -> None:
        socket.on("error", lambda error: say(f"{show_peer(socket)}: {error}"))

    listening(server, options.address, ending, options.workers)
    ending.wait()


def proxy(options: argparse.Namespace) -> None:
    """Hand connections on: TCP to an IPC path and so on."""
    ending = Ending()
    counts = {"open": 0, "in all": 0, "there": 0, "back": 0}
    lock = threading.Lock()         # guards `counts`: connections are handled in parallel
    shown = sys.stderr.isatty() and not options.workers     # each worker would write over the others' line

    def count(**changes: int) -> None:
        with lock:
            for name, change in changes.items():
                counts[name.replace("_", " ")] += change

    def on_connection(near: Socket) -> None:
        count(open=1, in_all=1)
        far = connect(allow_half_open=True, **options.target)

        def on_near_close(had_error: bool) -> None:
            count(open=-1)
            if had_error:
                far.destroy()

        def on_far_close(had_error: bool) -> None:
            if had_error:
                near.destroy()

        near.on("error", lambda error: None)        # 'close' follows, and `far` goes with it
        far.on("error", lambda error: say(f"{show_peer(near)}: {error}"))
        near.on("data", lambda chunk: count(there=len(chunk)))
        far.on("data", lambda chunk: count(back=len(chunk)))
        near.on("close", on_near_close)
        far.on("close", on_far_close)
        near.pipe(far)
        far.pipe(near)

    def show_counts() -> None:
        if shown:
            with lock:
                line = ", ".join(f"{value:,} {name}" for name, value in counts.items())
            sys.stderr.write(f"\r{line}  ")
            sys.stderr.flush()

    listening(create_server(on_connection, allow_half_open=True), options.address, ending, options.workers)
    try:
        ending.wait(show_counts)
    finally:
        if shown:
            show_counts()
            sys.stderr.write("\n")


def chat(options: argparse.Namespace) -> None:
    """Join the chat at an address, or open it there if nobody has."""
    client = connect(**options.address)
    try:
        client.wait_for("connect")
    except OSError as problem:
        if getattr(problem, "code", "") not in ("ECONNREFUSED", "ENOENT"):
            raise
    else:
        ending = Ending()
        transfer(client, ending, argparse.Namespace(timeout=0))
        return
    ending = Ending()
    members: Set[Socket] = set()
    lock = threading.Lock()         # guards `members` and the order of lines: everybody sees the same chat

    def tell(line: str, speaker: Optional[Socket]) -> None:
        with lock:
            for member in members:
                if member.writable_length > FULLEST_QUEUE:
                    member.destroy()            # it does not read: memory must not grow because of it
                elif member is not speaker:
                    member.write(line)
            if speaker is not None:
                sys.stdout.write(line)
                sys.stdout.flush()

    def on_connection(member: Socket) -> None:
        name = show_peer(member)
        with lock:
            members.add(member)
        rest = [""]

        def on_text(text: str) -> None:
            *lines, rest[0] = (rest[0] + text).split("\n")
            for line in lines:
                tell(f"{name}: {line}\n", member)

        def on_close(had_error: bool) -> None:
            with lock:
                members.discard(member)
            tell(f"* {name} has left\n", member)

        member.set_encoding("utf-8")
        member.on("data", on_text)
        member.on("error", lambda error: None)      # 'close' follows and says it
        member.on("close", on_close)
        tell(f"* {name} has joined\n", member)

    def read_lines() -> None:
        for line in sys.stdin:
            tell(f"host: {line}", None)
        ending.finish()

    server = create_server(on_connection)
    listening(server, options.address, ending)
    threading.Thread(target=read_lines, name="stdin", daemon=True).start()
    ending.wait()


# ---- doctor ----

def doctor(_: argparse.Namespace) -> None:
    """What this machine can do."""
    for name, check in (("Python", version), ("interpreter lock", interpreter_lock), ("selector", selector),
                        ("descriptor limit", descriptor_limit), ("IPv4 loopback", lambda: can_listen(host="127.0.0.1")),
                        ("IPv6 loopback", lambda: can_listen(host="::1")), ("dual stack", dual_stack),
                        ("reuse_port", lambda: can_listen(host="127.0.0.1", reuse_port=True)),
                        ("Unix paths", unix_paths), ("abstract names", abstract_names),
                        ("named pipes", named_pipes)):
        try:
            answer = check()
        except OSError as problem:
            answer = f"no ({problem})"
        print(f"{name:<18} {answer}")


def version() -> str:
    return f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"


def interpreter_lock() -> str:
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    return "there: listeners that compute take turns" if enabled else "none: listeners that compute run in parallel"


def selector() -> str:
    if sys.platform == "win32":
        return f"{os.environ.get('NETCOMPAT_SELECTOR') or 'wsapoll'} (there are: select, wsapoll)"
    chosen = os.environ.get("NETCOMPAT_SELECTOR") or selectors.DefaultSelector.__name__
    others = [name[:-8].lower() for name in dir(selectors) if name.endswith("Selector") and not name.startswith("_")]
    return f"{chosen} (there are: {', '.join(sorted(set(others) - {'base', 'default'}))})"


def descriptor_limit() -> str:
    if sys.platform == "win32":
        return "none that Python knows of"
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"{soft} (can be raised to {hard}): about {soft - 20} connections"


def can_listen(**place: Any) -> str:
    server = create_server()
    server.listen(port=0, **place)
    try:
        server.wait_for("listening", 5)
        return "yes"
    finally:
        server.close()


def dual_stack() -> str:
    server = create_server()
    server.listen(port=0)
    try:
        server.wait_for("listening", 5)
        address = server.address()
        assert isinstance(address, AddressInfo)
        if address.family == "IPv4":
            return "no: without a host, servers listen on 0.0.0.0"
        stdlib_socket.create_connection(("127.0.0.1", address.port or 0), 5).close()
        return "yes: without a host, servers listen on :: for both families"
    finally:
        server.close()
        server.close_all_connections()


def unix_paths() -> str:
    if sys.platform == "win32":
        return "no: Windows has named pipes"
    with free_path() as path:
        return can_listen_at(path)


def named_pipes() -> str:
    if sys.platform != "win32":
        return "no: Windows has them"
    with free_path() as path:
        return can_listen_at(path)


def abstract_names() -> str:
    if not sys.platform.startswith("linux"):
        return "no: Linux has them"
    return can_listen_at(f"\0netcompat-doctor-{os.getpid()}")


def can_listen_at(path: str) -> str:
    server = create_server()
    server.listen(path=path)
    try:
        server.wait_for("listening", 5)
        return "yes"
    finally:
        server.close()


# ---- the command line ----

class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (try {self.prog} --help)\n")


ADDRESSES = r"""addresses: 8124, host:8124, [::1]:8124, /tmp/x.sock, @abstract, \\.\pipe\x
Servers listen on the loopback interface unless the address names another host."""

Command = Tuple[str, Callable[[argparse.Namespace], None], str, List[str]]
COMMANDS: List[Command] = [
    ("demo", demo, "a server and a client talk, over TCP and an IPC path", ["netcompat demo"]),
    ("echo", echo, "a server that sends everything back",
     ["netcompat echo", "netcompat echo 0.0.0.0:7000", "netcompat echo --workers 4 8124"]),
    ("connect", connect_command, "join standard input and output with a connection",
     ["netcompat connect example.org:80", "netcompat connect /tmp/x.sock < file"]),
    ("listen", listen_command, "wait for one connection and join standard input and output with it",
     ["netcompat listen 8124 > file", "netcompat listen @name"]),
    ("proxy", proxy, "hand connections on to another address",
     ["netcompat proxy 8080 /run/app.sock", "netcompat proxy /tmp/x.sock host:5432"]),
    ("chat", chat, "join the chat at an address, or open it there", ["netcompat chat 8124"]),
    ("events", events, "print each event of a connection as it happens", ["netcompat events localhost:8124"]),
    ("doctor", doctor, "what this machine can do", ["netcompat doctor"]),
]


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="netcompat", description="Node's net module for threaded Python: programs to try it with.",
                    epilog=ADDRESSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"netcompat {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, run, summary, examples in COMMANDS:
        epilog = "examples:\n" + "\n".join(f"  {example}" for example in examples)
        if name not in ("demo", "doctor"):
            epilog += f"\n\n{ADDRESSES}"
        command = commands.add_parser(name, help=summary, description=run.__doc__, epilog=epilog,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        command.set_defaults(run=run)
        if name == "echo":
            command.add_argument("address", type=serving_address, nargs="?", default=serving_address("8124"),
                                 metavar="ADDRESS", help="where to listen (127.0.0.1:8124)")
        elif name in ("listen", "proxy"):
            command.add_argument("address", type=serving_address, metavar="FROM" if name == "proxy" else "ADDRESS",
                                 help="where to listen")
        elif name in ("connect", "events", "chat"):
            command.add_argument("address", type=serving_address if name == "chat" else parse_address,
                                 metavar="ADDRESS", help="where to connect")
        if name in ("echo", "proxy"):
            command.set_defaults(run=in_workers, serve=run)
            command.add_argument("--workers", type=number, default=0, metavar="N",
                                 help="serve in N processes that share the address")
        if name == "proxy":
            command.add_argument("target", type=parse_address, metavar="TO", help="where to connect")
        if name in ("connect", "listen"):
            command.add_argument("--half-open", action="store_true",
                                 help="at a terminal too, go on sending after the peer has ended its side; what comes "
                                      "from a file or a pipe is always sent to its end")
        if name in ("connect", "listen", "events"):
            command.add_argument("--timeout", type=seconds, default=0.0, metavar="SECONDS",
                                 help="give up when nothing happens for so long")
    return parser


def number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def output_is_gone(problem: BaseException) -> bool:
    """Does nobody read our output any more? Windows says so with EINVAL. An error of ours names its system call."""
    if not isinstance(problem, OSError) or hasattr(problem, "syscall"):
        return False
    return isinstance(problem, BrokenPipeError) or (os.name == "nt" and problem.errno == errno.EINVAL)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return value


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; returns the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        options.run(options)
        print(end="", flush=True)      # or it would be written when nobody can catch what comes of it
        return 0
    except KeyboardInterrupt:
        status, problem = 130, ""
    except (Failure, NotImplementedError, OSError, ValueError) as error:
        status, problem = 1, f"netcompat: {in_one_line(error)}"
        if output_is_gone(error):       # `netcompat doctor | head`
            problem = ""
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if problem:
        say(problem)
    try:
        shutdown(1.0)       # connections that are still open are no reason to stay
    except TimeoutError:
        pass                # a listener that is stuck in a write to standard output is none either: workers are daemons
    return status


if __name__ == "__main__":
    from .__main__ import main as run_main      # under its own name, by which a worker process can import it too
    sys.exit(run_main())
