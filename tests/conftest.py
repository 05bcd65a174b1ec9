"""What all tests share: the watch over what a test leaves behind, and fixtures for addresses, scripts and real Node.

Every test is checked, without asking for it: after `netcompat.shutdown()` no thread of ours, no descriptor and no
unexpected report through `threading.excepthook` may be left. A test that expects a report takes it out of the fixture
`reported`.
"""
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import traceback
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Type, TypeVar

import pytest

ROOT = Path(__file__).resolve().parent.parent
THREAD_PREFIX = "netcompat"
OLDEST_NODE = 20

T = TypeVar("T")


def eventually(predicate: Callable[[], T], timeout: float = 5.0, message: str = "") -> T:
    """Polls until `predicate()` is true, and returns what it returned.

    Only for what the outside world shows (descriptors, threads, files, another process). What netcompat itself tells
    by an event is waited for with `wait_for` or a `threading.Event`.
    """
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError("not within {} s: {}".format(timeout, message or predicate))
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


# --- reports through threading.excepthook -----------------------------------------------------------------------------

class Reports(List[Any]):
    """The reports that came through `threading.excepthook`, oldest first (its argument objects)."""

    def take(self, kind: Type[BaseException] = BaseException, timeout: float = 5.0) -> Any:
        """Waits for a report of an exception of this kind, and takes it out of the list."""
        def find() -> Any:
            for report in list(self):
                if issubclass(report.exc_type, kind):
                    return report
            return None
        report = eventually(find, timeout, "a report of {}, there are {}".format(kind.__name__, self))
        self.remove(report)
        return report

    def __repr__(self) -> str:
        return "[{}]".format(", ".join("{}: {}".format(r.exc_type.__name__, r.exc_value) for r in self))


REPORTS = Reports()
_ORIGINAL_HOOK = threading.excepthook


def _collect(report: Any) -> None:
    """Stands in `threading.excepthook`. Like the original, it ignores `SystemExit`."""
    if report.exc_type is not SystemExit:
        REPORTS.append(report)


def pytest_configure(config: pytest.Config) -> None:
    threading.excepthook = _collect
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:       # as shells start what runs in the background:
        signal.signal(signal.SIGINT, signal.default_int_handler)    # programs started by tests would inherit it


def pytest_unconfigure(config: pytest.Config) -> None:
    threading.excepthook = _ORIGINAL_HOOK


def pytest_report_header(config: pytest.Config) -> str:
    return "netcompat: selector {}, node {}".format(
        os.environ.get("NETCOMPAT_SELECTOR", "default"), os.environ.get("NETCOMPAT_NODE", "from PATH"))


@pytest.fixture(autouse=True)
def reported() -> Iterator[Reports]:
    """The reports of this test. Those that it does not take (`take`, `pop`, `clear`) make it fail."""
    yield REPORTS
    left = list(REPORTS)
    REPORTS.clear()         # they hold tracebacks, and so frames, and so sockets
    if left:
        text = "".join("in thread {}:\n{}".format(
            report.thread.name if report.thread else None,
            "".join(traceback.format_exception(report.exc_type, report.exc_value, report.exc_traceback)))
            for report in left)
        pytest.fail("{} unexpected report(s) through threading.excepthook, of this test or late from the one "
                    "before:\n{}".format(len(left), text), pytrace=False)


# --- nothing is left --------------------------------------------------------------------------------------------------

def open_descriptors() -> Dict[int, str]:
    """The open descriptors of this process and what they refer to; empty where there is no /proc or /dev/fd.

    On Windows it is empty, too: Wine has a /proc, of the system that it runs on.
    """
    folders = ("/proc/self/fd", "/dev/fd") if os.name == "posix" else ()
    folder = next((name for name in folders if os.path.isdir(name)), None)
    found: Dict[int, str] = {}
    for name in os.listdir(folder) if folder else ():
        try:
            os.fstat(int(name))
        except OSError:
            continue        # the one that listed the folder
        try:
            found[int(name)] = os.readlink("{}/{}".format(folder, name))
        except OSError:
            found[int(name)] = "?"
    return found


def our_threads() -> List[threading.Thread]:
    """The living threads that netcompat started."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_PREFIX)]


def _stacks(threads: List[threading.Thread]) -> str:
    frames = sys._current_frames()
    return "\n".join("{}:\n{}".format(thread.name, "".join(traceback.format_stack(frames[thread.ident])))
                     for thread in threads if thread.ident in frames)


@pytest.fixture(autouse=True)
def nothing_left(reported: Reports) -> Iterator[None]:
    """Shuts netcompat down after the test, and fails the test if a thread or a descriptor outlives that."""
    before = open_descriptors()
    threads = set(our_threads())        # left by an earlier test, which has been blamed for them
    yield
    package = sys.modules.get("netcompat")
    if package is not None:
        package.shutdown(timeout=5)

    def extra_threads() -> List[threading.Thread]:
        return [thread for thread in our_threads() if thread not in threads]

    def fewer_descriptors() -> bool:
        if len(open_descriptors()) <= len(before):
            return True
        gc.collect()
        return len(open_descriptors()) <= len(before)

    _wait_quietly(lambda: not extra_threads())
    _wait_quietly(fewer_descriptors)
    problems = []
    left = extra_threads()
    if left:
        problems.append("threads left after shutdown:\n" + _stacks(left))
    now = open_descriptors()
    if len(now) > len(before):
        new = ["{} -> {}".format(number, now[number]) for number in sorted(now) if before.get(number) != now[number]]
        problems.append("descriptors left after shutdown: {} before, {} now; new: {}".format(
            len(before), len(now), ", ".join(new)))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def _wait_quietly(predicate: Callable[[], bool]) -> None:
    try:
        eventually(predicate)
    except AssertionError:
        pass        # the caller looks again, and says what is left


# --- addresses --------------------------------------------------------------------------------------------------------

@pytest.fixture
def tcp_address() -> Tuple[str, int]:
    """A loopback address on which nobody listens at the moment. To listen, rather use port 0."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    return host, port


@pytest.fixture
def ipc_path() -> Iterator[str]:
    """A short path for a Unix socket, or the name of a pipe on Windows; what is there afterwards is removed."""
    if sys.platform == "win32":
        yield "\\\\.\\pipe\\netcompat-" + uuid.uuid4().hex
        return
    folder = tempfile.mkdtemp(prefix="nc-", dir="/tmp" if os.path.isdir("/tmp") else None)
    yield os.path.join(folder, "s")
    shutil.rmtree(folder, ignore_errors=True)


# --- threads and processes --------------------------------------------------------------------------------------------

@pytest.fixture
def fast_switching() -> Iterator[None]:
    """Threads are switched as often as the interpreter can, which shows races."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The name of an X display of our own."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    reading, writing = os.pipe()
    process = subprocess.Popen([server, "-displayfd", str(writing), "-screen", "0", "900x400x24", "-nolisten", "tcp"],
                               pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb does not start")
        yield ":" + number
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs the text of a Python program in a process of its own, with the repository on the path.

    `run_script(code, *arguments, timeout=30, env=None, input=None)`: `env` is added to the environment (a value of
    `None` removes a name). Returns the `CompletedProcess` with `stdout` and `stderr` as text. A program that is not
    done in time fails the test, with the stacks of its threads.
    """
    count = 0

    def run(code: str, *arguments: object, timeout: float = 30.0, env: Optional[Mapping[str, Optional[str]]] = None,
            input: Optional[str] = None) -> "subprocess.CompletedProcess[str]":
        nonlocal count
        count += 1
        script = tmp_path / "script{}.py".format(count)
        script.write_text(textwrap.dedent(code), encoding="utf-8")
        command = [sys.executable, str(script)] + [str(argument) for argument in arguments]
        process = subprocess.Popen(command, cwd=str(tmp_path), env=script_environment(env), universal_newlines=True,
                                   stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            stdout, stderr = process.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            stdout, stderr = _end_with_stacks(process)
            pytest.fail("the script was not done within {} s\n--- stdout\n{}\n--- stderr\n{}".format(
                timeout, stdout, stderr))
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    return run


def script_environment(changes: Optional[Mapping[str, Optional[str]]] = None) -> Dict[str, str]:
    """The environment for a Python child process that shall import the package from this tree."""
    environment = dict(os.environ, PYTHONFAULTHANDLER="1", PYTHONIOENCODING="utf-8")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    for name, value in (changes or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def _end_with_stacks(process: "subprocess.Popen[str]") -> Tuple[str, str]:
    """Ends a process that hangs; where there is SIGABRT, faulthandler writes its stacks first."""
    if os.name == "posix":
        process.send_signal(signal.SIGABRT)
        try:
            return process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            pass
    process.kill()
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:       # a grandchild holds the pipes
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return "", ""


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a real Node, from NETCOMPAT_NODE or PATH; without one the test is skipped."""
    path = os.environ.get("NETCOMPAT_NODE") or shutil.which("node")
    if not path:
        pytest.skip("no Node: set NETCOMPAT_NODE")
    try:
        answer = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                universal_newlines=True, timeout=30, check=True).stdout.strip()
        major = int(answer.lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pytest.skip("{} does not run: {}".format(path, error))
    if major < OLDEST_NODE:
        pytest.skip("{} is Node {}, the tests need {} or newer".format(path, answer, OLDEST_NODE))
    return path
