"""The command line: `python3 -m netcompat COMMAND`, also installed as `netcompat`."""
from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from typing import Any, List, Optional

from . import AddressInfo, Socket, __version__, connect, create_server

MESSAGE = b"hello from the client"
DEMO_LIMIT = 5.0        # seconds that each half of the demo may take


class Journal:
    """Prints what happens, each line with a time stamp, in the order in which it happened."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()       # guards the output: lines of two threads are not to mix

    def write(self, who: str, what: str, *details: Any) -> None:
        with self._lock:
            elapsed = (time.monotonic() - self._began) * 1000
            try:
                print(f"{elapsed:8.2f} ms  {who:<7} {what:<12}", *details, flush=True)
            except BrokenPipeError:         # `netcompat demo | head`: nobody reads on, the conversation still ends well
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def watch(self, who: str, socket: Socket) -> None:
        """Print the events of a socket."""
        for event in ("connect", "ready", "end", "finish", "drain", "timeout"):
            socket.on(event, lambda event=event: self.write(who, repr(event)))
        socket.on("data", lambda chunk: self.write(who, "'data'", chunk))
        socket.on("error", lambda error: self.write(who, "'error'", error))
        socket.on("close", lambda had_error: self.write(who, "'close'", f"had_error={had_error}"))


def demo() -> int:
    """A server and a client, over TCP and then over an IPC path; the events of both sides as they happen."""
    journal = Journal()
    print("TCP: a server on a port of the system's choice")
    _converse(journal, 0, "127.0.0.1")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "demo.sock")
        print(f"IPC: a server on {path}")
        _converse(journal, path)
    return 0


def _converse(journal: Journal, *place: Any) -> None:
    server = create_server()

    @server.on("connection")
    def on_connection(socket: Socket) -> None:
        journal.write("server", "'connection'", socket)
        journal.watch("serving", socket)
        socket.on("data", lambda chunk: socket.write(b"echo: " + chunk))

    server.on("listening", lambda: journal.write("server", "'listening'", server.address()))
    server.on("close", lambda: journal.write("server", "'close'"))
    server.listen(*place)
    address = server.address()
    client = connect(address.port, address.address) if isinstance(address, AddressInfo) else connect(address)
    journal.watch("client", client)
    client.on("connect", lambda: client.write(
        MESSAGE, lambda error: journal.write("client", "written", error or f"{len(MESSAGE)} bytes")))
    client.on("data", lambda chunk: client.end())
    client.wait_for("close", DEMO_LIMIT)
    server.close()
    server.wait_for("close", DEMO_LIMIT)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="netcompat", description="Node's net module for threaded Python.",
                                     epilog="example: netcompat demo")
    parser.add_argument("--version", action="version", version=f"netcompat {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("demo", help="a server and a client, over TCP and over an IPC path, event by event")
    parser.parse_args(arguments)
    try:
        return demo()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"netcompat: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
