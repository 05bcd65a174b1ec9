"""What `bench.py` measures, each in processes of its own: one file, one way to measure a workload.

A workload is told the contestant and returns figures: a dict from names to numbers. `Bench` knows the interpreters and
the load. Nothing here compares anything.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
THIRD_PARTY = ("uvloop", "gevent", "trio", "twisted")
PATIENCE = 60.0         # seconds after which a process that should be done has failed

Figures = Dict[str, float]


class Failed(Exception):
    """A contestant did not answer, or the load broke off."""


class Bench:
    """The interpreters, the load, and how long things are measured."""

    def __init__(self, folder: str, python: str = sys.executable, free_threaded: Optional[str] = None,
                 peer_python: Optional[str] = None, node: Optional[str] = None, seconds: float = 1.0,
                 scale: float = 1.0) -> None:
        self.folder = folder
        self.python, self.free_threaded = python, free_threaded
        self.peer_python = peer_python or python
        self.node = node or os.environ.get("NETCOMPAT_NODE") or shutil.which("node")
        self.seconds = seconds          # that an echo run counts
        self.scale = scale              # of what is big: bytes of a stream, numbers of connections
        self._versions: Dict[Tuple[str, bool], Optional[str]] = {}
        self.load_kind, self.load_command = self._load()

    def _load(self) -> Tuple[str, List[str]]:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler and os.name == "posix":
            program = os.path.join(self.folder, "load")
            if not subprocess.run([compiler, "-O2", "-o", program, str(TOOLS / "bench_load.c")]).returncode:
                return "C", [program]
        return "Python", [sys.executable, str(TOOLS / "bench_load.py")]

    def interpreter(self, contestant: str, free_threaded: bool = False) -> Optional[str]:
        """The program that runs this contestant; `None` if there is none."""
        if contestant == "node":
            return self.node
        if free_threaded:
            return self.free_threaded
        return self.peer_python if contestant in THIRD_PARTY else self.python

    def version(self, contestant: str, free_threaded: bool = False) -> Optional[str]:
        """What is compared, with its version; `None` if it cannot run here."""
        key = contestant, free_threaded
        if key not in self._versions:
            self._versions[key] = self._find_version(*key)
        return self._versions[key]

    def _find_version(self, contestant: str, free_threaded: bool) -> Optional[str]:
        program = self.interpreter(contestant, free_threaded)
        if program is None:
            return None
        if contestant == "node":
            code = [program, "--version"]
        else:
            package = contestant if contestant in THIRD_PARTY else ""
            code = [program, "-c", "import sys, platform; name = sys.argv[1]\n"
                    "if name: __import__(name)\n"
                    "free = not getattr(sys, '_is_gil_enabled', lambda: True)()\n"
                    "print('CPython' if platform.python_implementation() == 'CPython' else 'Python',"
                    " platform.python_version() + ('t' if free else ''),"
                    " ', '.join(['', name + ' ' + getattr(sys.modules[name], '__version__', '')]) if name else '')",
                    package]
        try:
            answer = subprocess.run(code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True,
                                    timeout=PATIENCE)
        except (OSError, subprocess.SubprocessError):
            return None
        text = answer.stdout.strip().replace(" ,", ",")
        if answer.returncode or not text:
            return None
        return f"Node {text.lstrip('v')}" if contestant == "node" else text

    def command(self, contestant: str, free_threaded: bool) -> List[str]:
        program = self.interpreter(contestant, free_threaded)
        if program is None:
            raise Failed(f"no interpreter for {contestant}")
        if contestant == "node":
            return [program, str(TOOLS / "bench_servers.js")]
        return [program, str(TOOLS / "bench_servers.py"), contestant]

    def path(self, name: str) -> str:
        """A path for a Unix socket that is not in use."""
        path = os.path.join(self.folder, name)
        if os.path.exists(path):
            os.unlink(path)
        return path


# ---- processes ----

class Process:
    """A child that answers with lines; ended by `with`."""

    def __init__(self, command: List[str], **options: Any) -> None:
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      universal_newlines=True, **options)
        self.name = " ".join(Path(word).name for word in command)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.communicate()

    def line(self) -> str:
        assert self.popen.stdout is not None
        watchdog = threading.Timer(PATIENCE, self.popen.kill)
        watchdog.start()
        text = self.popen.stdout.readline().strip()
        watchdog.cancel()
        if not text:
            raise Failed(f"{self.name}: ended without an answer")
        return text

    def result(self) -> Dict[str, Any]:
        """Let it come to its end, and return what it says there."""
        try:
            output, _ = self.popen.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: not done in {PATIENCE:g} s") from None
        if self.popen.returncode or not output.strip():
            raise Failed(f"{self.name}: exit status {self.popen.returncode}")
        found: Dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return found

    # Figures of the system; `None` where it does not tell.

    def cpu(self) -> Optional[float]:
        """Seconds of CPU that it used so far."""
        try:
            fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> Optional[float]:
        """Bytes of memory that are its own."""
        try:
            lines = Path(f"/proc/{self.popen.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            answer = subprocess.run(["ps", "-o", "rss=", "-p", str(self.popen.pid)], stdout=subprocess.PIPE,
                                    universal_newlines=True) if os.name == "posix" else None
            return float(answer.stdout) * 1024 if answer and answer.stdout.strip() else None
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024.0

    def wakeups(self) -> Optional[int]:
        """How often a thread of it went to sleep of its own will so far."""
        total = 0
        try:
            for status in Path(f"/proc/{self.popen.pid}/task").glob("*/status"):
                total += int(status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        except (OSError, IndexError):
            return None
        return total

    def settle(self, at_most: float = 5.0) -> None:
        """Wait until it has nothing to do any more."""
        deadline = time.monotonic() + at_most
        before = self.cpu()
        while before is not None and time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.cpu()
            if now is None or now - before < 0.02:
                return
            before = now


class Server(Process):
    """A contestant that serves these roles: `(address, role)` pairs as in bench_servers.py."""

    def __init__(self, bench: Bench, contestant: str, free_threaded: bool, *roles: Tuple[str, str]) -> None:
        words = [word for pair in roles for word in pair]
        # What a contestant says about a load that goes away without a goodbye is of no interest.
        super().__init__(bench.command(contestant, free_threaded) + words, stderr=subprocess.DEVNULL)
        try:
            self.addresses = self.line().split()
        except BaseException:
            self.__exit__()
            raise


class Load(Process):
    def __init__(self, bench: Bench, mode: str, address: str, *numbers: float) -> None:
        super().__init__(bench.load_command + [mode, address] + [f"{number:g}" if isinstance(number, float) else
                                                                 str(number) for number in numbers])

    def begun(self) -> None:
        """Wait until it counts, or until all its connections stand."""
        if self.line() != "begin":
            raise Failed(f"{self.name}: unexpected answer")


# ---- workloads ----

class Workload:
    """`measure` runs one contestant once."""

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        raise NotImplementedError


class Echo(Workload):
    """`connections` with `window` messages of `size` bytes under way on each, echoed.

    `role`: what the listeners do. `beside`: a role and a number of connections that are busy with it meanwhile. Each
    run is in a fresh process, after a warm-up load of a third of the time whose connections were closed again: only
    then has the C library of some contestants learned how big their buffers are, see `FirstSecond`.
    """

    def __init__(self, connections: int, size: int, window: int = 1, role: str = "quick",
                 beside: Optional[Tuple[str, int]] = None) -> None:
        self.connections, self.size, self.window, self.role, self.beside = connections, size, window, role, beside

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        count = scaled(self.connections, bench)
        roles = [("tcp", self.role)] + ([("tcp", self.beside[0])] if self.beside else [])
        with Server(bench, contestant, free_threaded, *roles) as server:
            others = None
            if self.beside:
                mode = ("drink",) if self.beside[0] == "chatter" else \
                       ("echo", self.beside[1], 64, 1, 0.0, bench.seconds * 2 + PATIENCE)
                others = Load(bench, mode[0], server.addresses[1], *mode[1:])   # type: ignore[arg-type]
                others.begun()
            try:
                with Load(bench, "echo", server.addresses[0], count, self.size, self.window, 0.0,
                          bench.seconds / 3) as load:
                    load.result()
                if not self.beside:
                    server.settle()
                with Load(bench, "echo", server.addresses[0], count, self.size, self.window, bench.seconds / 5,
                          bench.seconds) as load:
                    load.begun()
                    cpu, began = server.cpu(), time.monotonic()
                    answer = json.loads(load.line())
                    used, took = server.cpu(), time.monotonic() - began
            finally:
                if others:
                    others.__exit__()
        figures = {name: float(answer[name]) for name in ("rate", "p50_us", "p99_us", "load_cpu")}
        if cpu is not None and used is not None and figures["rate"]:
            figures["cpu_us"] = (used - cpu) / took / figures["rate"] * 1e6     # of the server, for each message
        return figures


class Churn(Workload):
    """Connect, echo one message, close, again, `connections` at a time."""

    def __init__(self, connections: int, size: int) -> None:
        self.connections, self.size = connections, size

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        with Server(bench, contestant, free_threaded, ("tcp", "quick")) as server:
            with Load(bench, "churn", server.addresses[0], self.connections, self.size, bench.seconds / 3,
                      bench.seconds) as load:
                answer = load.result()
        return {name: float(answer[name]) for name in ("rate", "p50_us", "p99_us", "load_cpu")}


class Stream(Workload):
    """`size` bytes one way over one connection, with backpressure, from a server to a client.

    `ends`: 'both' are the contestant's, or only the one that is 'sending' or 'receiving': then the other is the load.
    """

    def __init__(self, family: str, ends: str, size: int) -> None:
        self.family, self.ends, self.size = family, ends, size

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        size = int(self.size * bench.scale)
        address = "tcp" if self.family == "tcp" else bench.path("stream")
        role = "sink" if self.ends == "receiving" else f"source:{size}"
        with Server(bench, contestant, free_threaded, (address, role)) as server:
            where = server.addresses[0]
            if self.ends == "both":
                reader = Process(bench.command(contestant, free_threaded) + ["receive", where])
            else:
                reader = Load(bench, *(("send", where, size) if self.ends == "receiving" else ("receive", where)))
            with reader:
                answer = reader.result()
        if answer["bytes"] != size:
            raise Failed(f"{contestant}: {answer['bytes']} of {size} bytes came")
        return {"rate": answer["rate"] / 1e6}


class Memory(Workload):
    """KiB of the server's own memory for each connection that does nothing, `connections` open at once.

    `spoken`: each has echoed one message before.
    """

    def __init__(self, connections: int, spoken: bool = False) -> None:
        self.connections, self.spoken = connections, spoken

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        count = scaled(self.connections, bench)
        with Server(bench, contestant, free_threaded, ("tcp", "quick")) as server:
            with Load(bench, "echo", server.addresses[0], 10, 64, 1, 0.0, 0.1) as load:    # whatever is made once
                load.result()
            server.settle()
            before = server.memory()
            with Load(bench, "idle", server.addresses[0], count, 64 if self.spoken else 0) as load:
                load.begun()
                server.settle()
                after = server.memory()
        if before is None or after is None:
            raise Failed("this system does not tell how much memory a process has")
        return {"kib": (after - before) / 1024 / count}


class Idle(Workload):
    """What a process costs whose `connections` do nothing: CPU and wakeups in a minute."""

    def __init__(self, connections: int, seconds: float = 5.0) -> None:
        self.connections, self.seconds = connections, seconds

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        with Server(bench, contestant, free_threaded, ("tcp", "quick")) as server:
            with Load(bench, "idle", server.addresses[0], self.connections, 64) as load:
                load.begun()
                server.settle()
                cpu, wakeups = server.cpu(), server.wakeups()
                time.sleep(min(self.seconds, bench.seconds * self.seconds))     # it is what is measured
                used, woken = server.cpu(), server.wakeups()
        if cpu is None or used is None or wakeups is None or woken is None:
            raise Failed("this system does not tell what a process costs")
        share = 60 / min(self.seconds, bench.seconds * self.seconds)
        return {"cpu_ms": (used - cpu) * 1000 * share, "wakeups": (woken - wakeups) * share}


class FirstSecond(Workload):
    """Messages in the first second of a fresh process and in its tenth; between them its connections were closed."""

    def __init__(self, connections: int, size: int) -> None:
        self.connections, self.size = connections, size

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        rates = []
        with Server(bench, contestant, free_threaded, ("tcp", "quick")) as server:
            for seconds in (1.0, 8.0, 1.0):
                with Load(bench, "echo", server.addresses[0], self.connections, self.size, 1, 0.0,
                          seconds * min(bench.seconds, 1.0)) as load:
                    rates.append(float(load.result()["rate"]))
        return {"first": rates[0], "tenth": rates[2]}


class Import(Workload):
    """Milliseconds that `import` of the contestant takes, over the modules of the standard library that it needs."""

    CODE = """if 1:
        import sys, time
        sys.path.insert(0, sys.argv[1])
        for name in sys.argv[3].split():
            __import__(name)
        began = time.perf_counter()
        __import__(sys.argv[2])
        print((time.perf_counter() - began) * 1000)
    """
    NEEDED = """if 1:
        import sys
        sys.path.insert(0, sys.argv[1])
        before = set(sys.modules)
        __import__(sys.argv[2])
        print(*(name for name in sys.modules if name not in before and sys.argv[2] not in name))
    """

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        python = bench.interpreter(contestant, free_threaded)
        if python is None:
            raise Failed(f"no interpreter for {contestant}")

        # Compiled files, as an installed package has them, wherever this process keeps its own.
        environment = dict(os.environ, PYTHONPYCACHEPREFIX=os.path.join(bench.folder, "compiled"))
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(code: str, *words: str) -> str:
            return subprocess.run([python, "-c", code, str(ROOT), contestant, *words], stdout=subprocess.PIPE,
                                  universal_newlines=True, check=True, timeout=PATIENCE, env=environment).stdout

        needed = run(self.NEEDED)
        own = min(float(run(self.CODE, needed)) for _ in range(3))
        return {"own_ms": own, "all_ms": min(float(run(self.CODE, "")) for _ in range(3))}


class BlockListCheck(Workload):
    """Microseconds of one `BlockList.check` of an address that no rule has, with `rules` single addresses."""

    PYTHON = """if 1:
        import sys, time
        sys.path.insert(0, sys.argv[1])
        from netcompat import BlockList
        rules, checks = int(sys.argv[2]), int(sys.argv[3])
        blocked = BlockList()
        for number in range(rules):
            blocked.add_address("10.%d.%d.%d" % (number >> 16, number >> 8 & 255, number & 255))
        addresses = ["11.0.%d.%d" % (number >> 8 & 255, number & 255) for number in range(checks)]
        check = blocked.check
        check("11.1.1.1")
        began = time.perf_counter()
        for address in addresses:
            check(address)
        print((time.perf_counter() - began) / checks * 1e6)
    """
    NODE = """
        const { BlockList } = require('node:net');
        const [rules, checks] = process.argv.slice(-2).map(Number);
        const blocked = new BlockList();
        for (let n = 0; n < rules; n++) blocked.addAddress(`10.${n >> 16}.${n >> 8 & 255}.${n & 255}`);
        const addresses = [];
        for (let n = 0; n < checks; n++) addresses.push(`11.0.${n >> 8 & 255}.${n & 255}`);
        blocked.check('11.1.1.1');
        const began = process.hrtime.bigint();
        for (const address of addresses) blocked.check(address);
        console.log(Number(process.hrtime.bigint() - began) / checks / 1e3);
    """

    def __init__(self, rules: int, checks: int) -> None:
        self.rules, self.checks = rules, checks

    def measure(self, bench: Bench, contestant: str, free_threaded: bool) -> Figures:
        program = bench.interpreter(contestant, free_threaded)
        if program is None:
            raise Failed(f"no interpreter for {contestant}")
        checks = max(int(self.checks * bench.scale), 10)
        command = [program, "-e", self.NODE] if contestant == "node" else [program, "-c", self.PYTHON, str(ROOT)]
        answer = subprocess.run(command + [str(self.rules), str(checks)], stdout=subprocess.PIPE, check=True,
                                universal_newlines=True, timeout=PATIENCE).stdout
        return {"check_us": float(answer)}


def scaled(connections: int, bench: Bench) -> int:
    """Fewer connections for a brief run; a handful stays what it is."""
    return connections if connections <= 50 else max(50, int(connections * bench.scale))


def make_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="nc-bench-", dir="/tmp" if os.path.isdir("/tmp") else None)


class Limit(NamedTuple):
    """How many descriptors a process may have here."""

    descriptors: int

    @classmethod
    def raised(cls) -> "Limit":
        """Ask for as many as there may be; the children inherit it."""
        try:
            import resource
        except ImportError:         # Windows has no such limit
            return cls(1 << 20)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for wanted in (1 << 16, hard):
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
                return cls(wanted)
            except (ValueError, OSError):
                continue
        return cls(soft)
