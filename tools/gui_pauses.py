#!/usr/bin/env python3
"""How long a GUI's thread is kept from its work while the network is busy and its handlers block.

    python3 tools/gui_pauses.py [--seconds 20] [--limit 50]

Two windows of `examples/tk_chat.py` and some twenty connections without a window chat through a server in the same
process whose handlers sleep for each line, or compute. A timer of the GUI's ticks every 5 ms; what it is late is a
pause. The same windows without any traffic are measured before each, for the machine makes pauses of its own. Ends with
exit status 1 when the longest pause beside handlers that sleep is above `--limit` milliseconds. Those that compute want
the interpreter lock, as any Python thread that computes, and it is the size of the pool that bounds what they cost.

Opens an Xvfb of its own where there is one; else the windows show on the display that there is.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Iterator, List

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

TICK = 5                # ms
PAUSE_OF_A_LINE = 0.05  # seconds that a handler sleeps over a line
WORK_OF_A_LINE = 0.005  # seconds that another kind of handler computes
TALKERS = 20


@contextmanager
def display() -> Iterator[None]:
    """An X server for this process, if one can be had."""
    server = shutil.which("Xvfb")
    if server is None:
        yield
        return
    reading, writing = os.pipe()
    process = subprocess.Popen([server, "-displayfd", str(writing), "-screen", "0", "900x400x24", "-nolisten", "tcp"],
                               pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            os.environ["DISPLAY"] = ":" + numbers.readline().strip()
        yield
    finally:
        process.terminate()
        process.wait()


def lateness(root: Any, seconds: float) -> List[float]:
    """Milliseconds by which each tick of the GUI's timer was late in so many seconds."""
    late: List[float] = []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last, timer
        now = time.perf_counter()
        late.append((now - last) * 1000 - TICK)
        last = now
        timer = root.after(TICK, tick)
    timer = root.after(TICK, tick)
    root.after(int(seconds * 1000), root.quit)
    root.mainloop()
    root.after_cancel(timer)
    return late[1:]


def serve(compute: bool) -> Any:
    """A chat server with a blocking handler: it sleeps over each line, or computes."""
    import netcompat
    members: List[Any] = []
    lock = threading.Lock()

    def handle(socket: Any) -> None:
        with lock:
            members.append(socket)
        with suppress(ConnectionError), socket, socket.makefile("rb") as lines:     # at the end all go away at once
            for line in lines:
                if compute:
                    over = time.thread_time() + WORK_OF_A_LINE
                    while time.thread_time() < over:
                        pass
                else:
                    time.sleep(PAUSE_OF_A_LINE)
                with lock:
                    for member in members:
                        if member is not socket:
                            member.write(line)
    return netcompat.create_server(handle).listen(0, "127.0.0.1")


class Talker:
    """A connection that says a line and, when it hears enough, another."""

    def __init__(self, port: int, number: int) -> None:
        import netcompat
        self.socket = netcompat.connect(port, "127.0.0.1")
        self.line = "talker {} has something to say\n".format(number)
        self.heard = 0
        self.socket.on("data", self.hear)
        self.socket.on("error", lambda error: None)         # the server ends first
        self.socket.write(self.line)

    def hear(self, chunk: bytes) -> None:
        self.heard += chunk.count(b"\n")
        if self.heard >= TALKERS:
            self.heard = 0
            self.socket.write(self.line)


def describe(name: str, late: List[float]) -> float:
    longest = max(late)
    print("{:<36} {:>6} ticks, late by {:5.1f} ms (median), {:5.1f} ms (p99), {:5.1f} ms (at most)".format(
        name, len(late), statistics.median(late), sorted(late)[int(len(late) * 0.99)], longest), flush=True)
    return longest


def measure(seconds: float) -> float:
    """Prints a line for each situation; the longest pause beside handlers that sleep."""
    import tkinter

    import netcompat
    root = tkinter.Tk()         # one for all: what is left of a `Tk` must not be collected by another thread
    root.withdraw()
    longest = beside(root, seconds, "handlers that sleep", compute=False)
    beside(root, seconds, "handlers that compute", compute=True)
    netcompat.set_default_workers(2)
    beside(root, seconds, "handlers that compute, two workers", compute=True)
    root.destroy()
    return longest


def beside(root: Any, seconds: float, name: str, compute: bool) -> float:
    """The longest pause of two windows beside such handlers."""
    import tkinter

    import tk_chat
    tops = tkinter.Toplevel(root), tkinter.Toplevel(root)
    describe("no network", lateness(root, seconds / 4))
    server = serve(compute)
    port = server.address().port
    windows = [tk_chat.ChatWindow(top, port, "127.0.0.1", name) for top, name in zip(tops, ("ann", "bob"))]
    talkers = [Talker(port, number) for number in range(TALKERS)]

    def type_on(number: int) -> None:
        windows[number].entry.insert("end", "and I type")
        windows[number].say()
        typing[number] = root.after(100, type_on, number)
    typing = {0: "", 1: ""}
    for number in typing:
        type_on(number)
    longest = describe(name, lateness(root, seconds))
    for timer in typing.values():
        root.after_cancel(timer)
    for talker in talkers:
        talker.socket.destroy()
    for window in reversed(windows):
        window.close()
    server.shutdown(5)
    return longest


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="of each situation (20)")
    parser.add_argument("--limit", type=float, default=50, metavar="MS", help="the longest pause allowed (50)")
    parser.add_argument("--quick", action="store_true", help="two seconds each, no limit: only to see that it works")
    options = parser.parse_args()
    try:
        import tkinter
    except ImportError:
        print("this Python has no tkinter: nothing is measured")
        return 0
    with display():
        try:
            tkinter.Tk().destroy()
        except tkinter.TclError as problem:
            print("no display ({}): nothing is measured".format(problem))
            return 0
        longest = measure(2 if options.quick else options.seconds)
    print("the longest pause: {:.1f} ms".format(longest))
    return 1 if longest > options.limit and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
