"""A plug-in that starts inside a host program and stops without leaving anything behind.

    python3 examples/plugin.py

The rules that it keeps: nothing happens at import; `start` returns at once; the server never keeps the host alive
(`unref`); `stop` gives connections a moment to finish, then is done for certain; other users of netcompat in the same
process are not disturbed (no `netcompat.shutdown()`, no default that is changed).
"""
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402


class StatusPlugin:
    """Answers every connection with one line about the host program."""

    def __init__(self, status):
        self._status = status           # called on a worker thread: the host's function must allow that
        self._server = None

    def start(self, port=0):
        """Listen on a loopback port; the address. Raises what the system says, `OSError` with `code`."""
        server = netcompat.create_server(self._on_connection).unref()
        server.on("error", lambda error: print("plug-in:", error))
        server.listen(port, "127.0.0.1")
        server.wait_for("listening", 5)
        self._server = server
        return server.address()

    def stop(self):
        """Stop for certain, within a second; how many connections had to be cut. Harmless when it is not running."""
        server, self._server = self._server, None
        return server.shutdown(1.0) if server is not None else 0

    def _on_connection(self, socket):
        socket.unref()
        socket.on("error", lambda error: None)          # a client that goes away is nobody's problem
        socket.end(self._status() + "\n")


def main():
    """The host program."""
    before = set(threading.enumerate())
    plugin = StatusPlugin(lambda: "all is well")
    address = plugin.start()
    client = netcompat.connect(address.port, address.address)
    print("status:", b"".join(client).decode().rstrip())
    client.wait_for("close", 5)
    print("cut:", plugin.stop())

    # The threads end by themselves once nothing needs them; here we wait for it only to show it.
    deadline = time.monotonic() + 2
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    print("threads left:", len(set(threading.enumerate()) - before))


if __name__ == "__main__":
    main()
