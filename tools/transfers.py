#!/usr/bin/env python3
"""Files between `netcompat connect` or `listen` and real nc and socat, in every direction, byte for byte.

    python3 tools/transfers.py [--quick] [--megabytes N]

Each line says who sent to whom, how fast, whether the SHA-256 is the same on both sides, and how much memory netcompat
needed at most beyond what it needs for a transfer of one byte. The exit status is 1 if a byte differs, or if memory
grows with the size of the file (by more than 16 MiB). A program that is not installed is said and left out.
"""
from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1 << 20
GROWTH = 16 * MEGABYTE          # what a long transfer may need beyond a short one
LIMIT = 600.0                   # seconds for one transfer
COMMAND = [sys.executable, "-m", "netcompat"]


class Side:
    """One program of a transfer: what goes in comes from a file, what comes out is hashed as it comes.

    `awaits`: its input ends when it has put out so many bytes, and not before. For nc ends as a whole when the other
    side has ended, whatever it has still to send.
    """

    def __init__(self, command: List[str], source: Optional[Path], awaits: int = 0) -> None:
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self.process: Any = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE, env=environment)
        self.command = command
        self.said = b""             # its first line on standard error
        self.peak = 0               # bytes of memory at most
        self.received = 0
        self._source = source
        self._awaits = awaits
        self._enough = threading.Event()
        self._digest = hashlib.sha256()
        self._threads = [threading.Thread(target=call) for call in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status")
        for chunk in iter(lambda: self.process.stdout.read1(MEGABYTE), b""):
            self._digest.update(chunk)
            before, self.received = self.received, self.received + len(chunk)
            if self.received >= self._awaits:
                self._enough.set()
            if before == 0 or before // (16 * MEGABYTE) != self.received // (16 * MEGABYTE):
                self._look(status)
        self._enough.set()

    def _write(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status")
        try:
            with self.process.stdin as stdin:
                if self._source is not None:
                    with self._source.open("rb") as file:
                        for chunk in iter(lambda: file.read(4 * MEGABYTE), b""):
                            stdin.write(chunk)
                            self._look(status)
                if self._awaits:
                    self._enough.wait(LIMIT)
                self._look(status)
        except BrokenPipeError:
            pass                    # it ended early; its exit status and the digests say the rest

    def _look(self, status: Path) -> None:
        """Note the high-water mark of its memory."""
        try:
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, 1024 * int(line.split()[1]))
        except OSError:
            pass                    # it has just ended

    def where(self) -> str:
        """Wait until it listens: the last word of its first line."""
        self.said = self.process.stderr.readline()
        return self.said.decode().split()[-1] if self.said else ""

    def finish(self) -> str:
        """Wait for its end; the SHA-256 of its output."""
        timer = threading.Timer(LIMIT, self.process.kill)
        timer.start()
        for thread in self._threads:
            thread.join()
        status = self.process.wait()
        timer.cancel()
        complaint = self.process.stderr.read().decode(errors="replace").strip()
        self.process.stderr.close()
        self.process.stdout.close()
        if status:
            raise AssertionError(f"{' '.join(self.command[-3:])}: exit status {status}: {complaint}")
        return self._digest.hexdigest()


class Peer(NamedTuple):
    """Another program and how it is called."""

    name: str
    listen: List[str]       # with {port} or {path}
    connect: List[str]
    unix: bool = False


PEERS = [
    Peer("nc", ["nc", "-l", "-N", "127.0.0.1", "{port}"], ["nc", "-N", "127.0.0.1", "{port}"]),
    Peer("socat", ["socat", "-t", "60", "-", "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr"],
         ["socat", "-t", "60", "-", "TCP:127.0.0.1:{port}"]),
    Peer("nc -U", ["nc", "-l", "-N", "-U", "{path}"], ["nc", "-N", "-U", "{path}"], unix=True),
    Peer("socat UNIX", ["socat", "-t", "60", "-", "UNIX-LISTEN:{path}"], ["socat", "-t", "60", "-", "UNIX:{path}"],
         unix=True),
]


def transfer(peer: Peer, ours_listens: bool, ours: Optional[Path], theirs: Optional[Path],
             folder: str) -> Tuple[Side, Side, float]:
    """Run both programs until both have ended; each sends its file, if it has one, and receives the other's."""
    path = os.path.join(folder, "s")
    if os.path.exists(path):
        os.unlink(path)
    if ours_listens:
        us = Side(COMMAND + ["listen", path if peer.unix else "0"], ours, size_of(theirs))
        port = us.where().rpartition(":")[2]
        began = time.monotonic()
        them = Side([word.format(port=port, path=path) for word in peer.connect], theirs)
    else:
        port = str(free_port())
        them = Side([word.format(port=port, path=path) for word in peer.listen], theirs)
        wait_for_listener(None if peer.unix else int(port), path)
        began = time.monotonic()
        us = Side(COMMAND + ["connect", path if peer.unix else f"127.0.0.1:{port}"], ours, size_of(theirs))
    digests = []
    problems = []
    for side in (us, them):
        try:
            digests.append(side.finish())
        except AssertionError as problem:
            problems.append(str(problem))
    if problems:
        raise AssertionError("; ".join(problems))
    elapsed = time.monotonic() - began
    us_got, they_got = digests
    assert they_got == digest_of(ours), f"{peer.name} received {them.received} bytes, and not what was sent"
    assert us_got == digest_of(theirs), f"netcompat received {us.received} bytes, and not what was sent"
    return us, them, elapsed


def free_port() -> int:
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_listener(port: Optional[int], path: str) -> None:
    """Until the other program listens: seen in the system's tables, since a connection to try would be the only one."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if port is None:
            if os.path.exists(path):
                return
        else:
            for table in ("/proc/net/tcp", "/proc/net/tcp6"):
                rows = Path(table).read_text().splitlines()[1:] if os.path.exists(table) else []
                if any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows):
                    return
        time.sleep(0.01)
    raise AssertionError("the other program does not listen")


def size_of(path: Optional[Path]) -> int:
    return 0 if path is None else path.stat().st_size


_digests: Dict[Optional[Path], str] = {}


def digest_of(path: Optional[Path]) -> str:
    if path not in _digests:
        made = hashlib.sha256()
        if path is not None:
            with path.open("rb") as file:
                for chunk in iter(lambda: file.read(MEGABYTE), b""):
                    made.update(chunk)
        _digests[path] = made.hexdigest()
    return _digests[path]


def random_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for begin in range(0, size, MEGABYTE):
            file.write(os.urandom(min(MEGABYTE, size - begin)))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description="Transfers between netcompat and nc or socat.")
    parser.add_argument("--quick", action="store_true", help="24 MB each")
    parser.add_argument("--megabytes", type=int, default=1000, metavar="N", help="size of a file (1000)")
    options = parser.parse_args()
    size = 1000000 * (24 if options.quick else options.megabytes)
    if not sys.platform.startswith("linux"):
        print("not on Linux: left out")
        return 0
    failures = 0
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        tiny = random_file(Path(folder) / "tiny", 1)
        big = random_file(Path(folder) / "big", size)
        other = random_file(Path(folder) / "other", size)
        base = 0
        for peer in PEERS:
            if shutil.which(peer.listen[0]) is None:
                print(f"NOT HERE: {peer.listen[0]}", flush=True)
                continue
            for ours_listens in (False, True):
                role = "listen" if ours_listens else "connect"
                cases: List[Tuple[str, Any, Any]] = [("to", big, None), ("from", None, big), ("both ways", big, other)]
                for what, ours, theirs in cases:
                    name = f"netcompat {role:<7} {what:<9} {peer.name:<10}"
                    try:
                        if not base:
                            base = transfer(peer, ours_listens, tiny, tiny, folder)[0].peak
                        us, them, seconds = transfer(peer, ours_listens, ours, theirs, folder)
                        moved = us.received + them.received
                        growth = us.peak - base
                        print(f"{name} {moved / 1e6:7.0f} MB in {seconds:6.1f} s, {moved / 1e6 / seconds:5.0f} MB/s, "
                              f"SHA-256 equal, memory {us.peak / MEGABYTE:.1f} MiB ({growth / MEGABYTE:+.1f})",
                              flush=True)
                        assert growth < GROWTH, "memory grows with the file"
                    except AssertionError as problem:
                        failures += 1
                        print(f"{name} FAILED: {problem}", flush=True)
    print("all equal" if not failures else f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
