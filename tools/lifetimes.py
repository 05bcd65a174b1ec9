#!/usr/bin/env python3
"""Fork and exit at any moment, under load; and a host program that loads and unloads the package again and again.

    python3 tools/lifetimes.py [--quick] [--forks N] [--exits N] [--loads N] [--seed N]

* Forks: in a program whose threads connect, write, read and close all the time, children are forked: by `os.fork` from
  the main thread, from a thread of the program's and from a listener, and by `multiprocessing` with fork, forkserver
  and spawn. Each child must find its copies closed and use the package afresh; the parent must not lose a byte.
* Exits: programs under the same load end in every way there is. None may hang, crash, or print what does not belong.
  The program's own threads stop when the interpreter says that it ends; the package's are left to themselves.
* Loads: a host imports the package, uses it, shuts it down and forgets it. Threads, descriptors and memory stay level.

Prints one line for each way, with the number of times and the longest. The exit status is 1 if anything was wrong.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 60.0            # seconds that a program may take to end on a machine that is busy with others

# What every program begins with: a server, and threads that talk to it all the time.
LOAD = """
import atexit, os, random, signal, sys, threading, time
import netcompat

server = netcompat.create_server(lambda sock: (sock.unref(), sock.on("error", lambda problem: None),
                                               sock.on("data", sock.write)))
server.listen(0, "127.0.0.1").unref()
port = server.address().port
rounds, stop = [0] * 3, threading.Event()

def talk(me):
    try:
        talk_on(me)
    except (OSError, RuntimeError):
        if server.listening and not stop.is_set():
            raise               # nobody ended anything

def talk_on(me):
    dice = random.Random(me)
    while not stop.is_set():
        client = netcompat.connect(port, "127.0.0.1").unref()
        client.on("error", lambda problem: None)
        size = dice.randint(1, 20000)
        client.write(bytes(size))
        while size:
            chunk = client.recv(size, 60)
            if not chunk:
                raise RuntimeError("bytes were lost")
            size -= len(chunk)
        client.end() if dice.random() < 0.5 else client.destroy()
        rounds[me] += 1

talkers = [threading.Thread(target=talk, args=(me,), daemon=True) for me in range(len(rounds))]
for talker in talkers:
    talker.start()

@atexit.register
def quiet():
    # CPython may hang or crash when a daemon thread of the program's own is inside a collection at the end.
    stop.set()
    for talker in talkers:
        talker.join(5)

def loaded():
    before = sum(rounds)
    while sum(rounds) < before + 3:
        time.sleep(0.001)

loaded()
"""

# Beside it, for the forks: what a child does, and who forks.
FORKS = LOAD + """
import multiprocessing

def work():
    assert not [thread for thread in threading.enumerate()
                if thread.name.startswith("netcompat") and thread is not threading.current_thread()]
    mine = netcompat.create_server(lambda sock: sock.end(b"child")).listen(0, "127.0.0.1")
    other = netcompat.connect(mine.address().port, "127.0.0.1")
    assert b"".join(other) == b"child"
    other.destroy()
    mine.close()
    netcompat.shutdown(30)

def child():
    code = 1
    try:
        assert not server.listening and server.address() is None
        work()
        code = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)

def wait(pid):
    deadline = time.monotonic() + {limit}
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return "" if status == 0 else "status %d" % status
        time.sleep(0.002)
    os.kill(pid, signal.SIGABRT)
    os.waitpid(pid, 0)
    return "hangs"

def by_os_fork():
    pid = os.fork()
    if not pid:
        child()
    return wait(pid)

def from_a_thread():
    result = []
    thread = threading.Thread(target=lambda: result.append(by_os_fork()))
    thread.start()
    thread.join()
    return result[0]

def from_a_listener():
    result, done = [], threading.Event()
    def listener(chunk):
        result.append(by_os_fork())
        done.set()
    client = netcompat.connect(port, "127.0.0.1").unref()
    client.on("data", listener)
    client.write(b"x")
    assert done.wait({limit})
    client.destroy()
    return result[0]

def by_multiprocessing(method):
    def run():
        process = multiprocessing.get_context(method).Process(target=work)
        process.start()
        process.join({limit})
        if process.exitcode is None:
            process.kill()
            return "hangs"
        return "" if process.exitcode == 0 else "exit code %s" % process.exitcode
    return run

WAYS = {{"os.fork": by_os_fork, "os.fork in a thread": from_a_thread, "os.fork in a listener": from_a_listener}}
for method in ("fork", "forkserver", "spawn"):
    WAYS["multiprocessing, " + method] = by_multiprocessing(method)

if __name__ == "__main__":
    name, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    random.seed(seed)
    slowest, bad = 0.0, []
    for _ in range(count):
        time.sleep(random.random() * 0.01)
        began, before = time.monotonic(), sum(rounds)
        problem = WAYS[name]()
        slowest = max(slowest, time.monotonic() - began)
        if problem:
            bad.append(problem)
    stop.set()
    for talker in talkers:
        talker.join({limit})
        if talker.is_alive():
            bad.append("a thread of the parent's hangs")
    netcompat.shutdown({limit})
    print("%d %.3f %s" % (count, slowest, "; ".join(bad)))
"""

# A program that multiprocessing imports again begins no load there.
FORKS = FORKS.replace("talkers = [", "talkers = [] if __name__ != '__main__' else [").replace(
    "\nloaded()\n", "\nif __name__ == '__main__':\n    loaded()\n", 1).replace(
    "server.listen(0, \"127.0.0.1\").unref()\nport = server.address().port",
    "server.listen(0, \"127.0.0.1\").unref()\nport = server.address().port\nif __name__ != '__main__':\n"
    "    server.close()\n    netcompat.shutdown()")


class Exit(NamedTuple):
    """A way for a program to end: its last lines, the exit status, and what must stand in standard error."""

    code: str
    status: int
    error: str = ""
    signal: int = 0         # is sent to it once it says that it is ready


EXITS: Dict[str, Exit] = {
    "the end of main": Exit("", 0),
    "the end of main, while listeners print": Exit(
        "server.on('connection', lambda sock: print('a connection', file=sys.stdout))\nloaded()", 0),
    "sys.exit": Exit("sys.exit(3)", 3),
    "sys.exit in a thread": Exit(
        "thread = threading.Thread(target=sys.exit, args=(3,))\nthread.start()\nthread.join()", 0),
    "os._exit": Exit("os._exit(4)", 4),
    "os._exit in a listener": Exit(
        "server.on('connection', lambda sock: os._exit(4))\ntime.sleep(60)", 4),
    "an unhandled exception": Exit("raise ValueError('on purpose')", 1, "ValueError: on purpose"),
    "an exception while ref'd": Exit("server.ref()\nraise ValueError('on purpose')", 1, "ValueError: on purpose"),
    "an exception in a thread": Exit(
        "def fail(): raise ValueError('on purpose')\n"
        "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()", 0, "ValueError: on purpose"),
    "SIGTERM": Exit("print('ready', flush=True)\ntime.sleep(60)", -signal.SIGTERM, signal=signal.SIGTERM),
    "SIGTERM in a helper": Exit(
        "server.ref()\nprint('ready', flush=True)\nserver.wait_for('close')", -signal.SIGTERM, signal=signal.SIGTERM),
    "SIGTERM that exits": Exit(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nprint('ready', flush=True)\n"
        "server.wait_for('close')", 5, signal=signal.SIGTERM),
    # In one sleep CPython itself loses a Ctrl-C that comes while the thread waits for the GIL on its way into it.
    "Ctrl-C": Exit("print('ready', flush=True)\nwhile True: time.sleep(0.1)", -signal.SIGINT, "KeyboardInterrupt",
                   signal.SIGINT),
    "Ctrl-C in a helper": Exit(
        "server.ref()\nprint('ready', flush=True)\nserver.wait_for('close')", -signal.SIGINT, "KeyboardInterrupt",
        signal.SIGINT),
    "Ctrl-C in serve_forever": Exit(
        "server.ref()\nprint('ready', flush=True)\nserver.serve_forever()", -signal.SIGINT, "KeyboardInterrupt",
        signal.SIGINT),
    "Ctrl-C in a pump": Exit(
        "queue = netcompat.EventQueue()\nprint('ready', flush=True)\nqueue.run_forever()", -signal.SIGINT,
        "KeyboardInterrupt", signal.SIGINT),
    "shutdown, and the end": Exit("stop.set()\nnetcompat.shutdown()", 0),
    "shutdown in a listener": Exit(
        "done = threading.Event()\n"
        "server.on('connection', lambda sock: (stop.set(), netcompat.shutdown(), done.set()))\n"
        "assert done.wait(60)", 0),
}

LOADS = """
import gc, os, sys, threading, weakref

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10

def use():
    import netcompat
    server = netcompat.create_server(lambda sock: sock.on("data", sock.end)).listen(0, "127.0.0.1")
    clients = [netcompat.connect(server.address().port, "127.0.0.1") for _ in range(5)]
    for client in clients:
        client.write(b"hello")
    for client in clients:
        assert b"".join(client) == b"hello"
        client.destroy()
    server.close()
    netcompat.shutdown(60)

def unload():
    for name in [name for name in sys.modules if name.split(".")[0] == "netcompat"]:
        del sys.modules[name]
    gc.collect()

count = int(sys.argv[1])
levels = []
for number in range(count):
    use()
    unload()
    levels.append((threading.active_count(), len(os.listdir("/proc/self/fd")), memory()))
fifth = levels[count // 5]
last = levels[-1]
print("threads", fifth[0], last[0])
print("descriptors", fifth[1], last[1])
print("memory", fifth[2], last[2])
print("a load", round((last[2] - fifth[2]) / max(count - count // 5 - 1, 1)))
"""
LOAD_KIB = 1200         # what a load may leave: the code of the package, which its at-fork hook holds


def environment() -> Dict[str, str]:
    return dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
                PYTHONFAULTHANDLER="1", PYTHONIOENCODING="utf-8", PYTHONWARNINGS="ignore::DeprecationWarning")


def script(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name + ".py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def stacks(process: "subprocess.Popen[str]") -> Tuple[str, str]:
    """End a program that hangs, and have it say where."""
    process.send_signal(signal.SIGABRT)
    try:
        return process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


# ---- forks ----

def forks(folder: str, total: int, seed: int) -> Tuple[int, List[str]]:
    """So many forks, most of them quick ones; (how many there were, what was wrong)."""
    slow = max(total // 50, 1)      # forkserver and spawn start an interpreter each
    shares = {"os.fork in a thread": total // 4, "os.fork in a listener": total // 4,
              "multiprocessing, fork": total // 10, "multiprocessing, forkserver": slow, "multiprocessing, spawn": slow}
    shares["os.fork"] = total - sum(shares.values())
    path = script(folder, "forks", FORKS.format(limit=LIMIT))
    done, problems = 0, []      # type: int, List[str]
    for name, count in shares.items():
        process = subprocess.Popen([sys.executable, path, name, str(count), str(seed)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, universal_newlines=True, env=environment())
        try:
            out, error = process.communicate(timeout=LIMIT * 3 + count)
        except subprocess.TimeoutExpired:
            out, error = stacks(process)
            problems.append("{}: the parent hangs\n{}".format(name, error))
            continue
        words = out.split(None, 2)
        if process.returncode or error or len(words) != 2:
            problems.append("{}: status {}, {}\n{}".format(name, process.returncode, out.strip(), error))
            if len(words) < 2:
                continue
        done += int(words[0])
        print("  {:42} {:5} times, the longest {} s".format(name, words[0], words[1]), flush=True)
    return done, problems


# ---- exits ----

def end_once(path: str, way: Exit, wait: float) -> Tuple[float, Optional[str]]:
    """One program; the seconds that its end took, and what was wrong."""
    process = subprocess.Popen([sys.executable, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True, env=environment())
    began = time.monotonic()
    if way.signal:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        began = time.monotonic()
        process.send_signal(way.signal)
    try:
        out, error = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return LIMIT, "hangs\n" + stacks(process)[1]
    seconds = time.monotonic() - began
    traces = 1 if way.error else 0
    if process.returncode != way.status:
        return seconds, "exit status {} instead of {}\n{}".format(process.returncode, way.status, error)
    if error.count("Traceback") != traces or way.error not in error or (error and not traces):
        return seconds, "prints\n" + error
    if any(line not in ("a connection", "ready") for line in out.split("\n") if line):
        return seconds, "prints on standard output\n" + out[-500:]
    return seconds, None


def exits(folder: str, total: int, seed: int) -> Tuple[int, List[str]]:
    """So many program ends, each way equally often; (how many there were, what was wrong)."""
    dice = random.Random(seed)
    done, problems = 0, []      # type: int, List[str]
    with ThreadPoolExecutor(2) as executor:
        for number, (name, way) in enumerate(EXITS.items()):
            count = total // len(EXITS) + (number < total % len(EXITS))
            path = script(folder, "exit{}".format(number), LOAD + way.code + "\n")
            # Signals come at any moment: while it starts to wait, too.
            waits = [dice.choice((0.0, 0.0, dice.random() * 0.05)) for _ in range(count)]
            results: List[Any] = list(executor.map(lambda wait: end_once(path, way, wait), waits))
            done += count
            problems += ["{}: {}".format(name, problem) for _, problem in results if problem]
            if count:
                print("  {:42} {:5} times, the longest {:.3f} s".format(name, count, max(each for each, _ in results)),
                      flush=True)
    return done, problems


# ---- loads ----

def loads(folder: str, total: int) -> List[str]:
    process = subprocess.run([sys.executable, script(folder, "loads", LOADS), str(total)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, universal_newlines=True, env=environment(), timeout=LIMIT + total)
    if process.returncode or process.stderr:
        return ["loads: status {}\n{}".format(process.returncode, process.stderr)]
    found = {line.rsplit(None, 1)[0].split()[0]: line for line in process.stdout.splitlines()}
    for line in process.stdout.splitlines():
        print("  " + line + (" KiB" if line.startswith(("memory", "a load")) else ""), flush=True)
    problems = []
    for name in ("threads", "descriptors"):
        _, before, after = found[name].split()
        if before != after:
            problems.append("loads: {} grow from {} to {}".format(name, before, after))
    if int(found["a"].split()[-1]) > LOAD_KIB:
        problems.append("loads: each leaves {} KiB".format(found["a"].split()[-1]))
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a part of it, in less than a minute")
    parser.add_argument("--forks", type=int, metavar="N", help="how many (1000)")
    parser.add_argument("--exits", type=int, metavar="N", help="how many (200)")
    parser.add_argument("--loads", type=int, metavar="N", help="how many (100)")
    parser.add_argument("--seed", type=int, metavar="N", default=1)
    options = parser.parse_args()
    if not hasattr(os, "fork") or not os.path.isdir("/proc/self/fd"):
        print("this system has no fork, or no /proc: nothing to do")
        return 0
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:       # as for what a shell starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    usual = (30, len(EXITS), 10) if options.quick else (1000, 200, 100)
    counts = [given if given is not None else count
              for given, count in zip((options.forks, options.exits, options.loads), usual)]
    problems: List[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="netcompat-lifetimes-") as folder:
        if counts[0]:
            print("forks under load")
            forked, bad = forks(folder, counts[0], options.seed)
            print("  {} forks, {} problems".format(forked, len(bad)), flush=True)
            problems += bad
        if counts[1]:
            print("program exits under load")
            ended, bad = exits(folder, counts[1], options.seed)
            print("  {} exits, {} problems".format(ended, len(bad)), flush=True)
            problems += bad
        if counts[2]:
            print("{} loads of the package into one host: after a fifth of them, at the end".format(counts[2]))
            problems += loads(folder, counts[2])
    print("{} problems in {:.0f} s".format(len(problems), time.monotonic() - began))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
