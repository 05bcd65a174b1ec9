"""A line protocol as a careful server has it: idle time-out, longest line, most connections, block list.

    python3 examples/line_server.py

The protocol: the client sends a line, the server answers with its length; 'quit' ends it.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

IDLE = 200              # ms; a real server would give minutes
LONGEST_LINE = 512
MOST_CONNECTIONS = 100


class Session:
    """One connection. Its listeners run one at a time, so its attributes need no lock."""

    def __init__(self, socket):
        self.socket = socket
        self.rest = b""
        socket.set_timeout(IDLE, self.on_timeout)
        socket.on("data", self.on_data)
        socket.on("error", lambda error: print("server: connection lost:", error))

    def on_data(self, chunk):
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if line == b"quit":
                self.socket.end("bye\n")
                return
            self.socket.write("{}\n".format(len(line)))
        if len(self.rest) > LONGEST_LINE:
            self.refuse("line too long\n")

    def on_timeout(self):
        self.refuse("too slow\n")      # 'timeout' only tells; what to do is ours to decide

    def refuse(self, reason):
        """Say why, and close as soon as that is sent, whatever else the client has to say."""
        self.socket.off("data", self.on_data)
        self.socket.end(reason)
        self.socket.destroy_soon()


def make_server(block_list):
    server = netcompat.create_server(Session, block_list=block_list)
    server.max_connections = MOST_CONNECTIONS
    server.on("drop", lambda info: print("server: full, dropped", info))
    return server


def ask(address, text):
    """All that the server says in answer to `text`, as blocking code."""
    client = netcompat.connect(address.port, address.address)
    try:
        if text:
            client.sendall(text)
        return b"".join(client)
    except OSError as problem:
        return "nothing: {}".format(problem)
    finally:
        client.destroy()


def main():
    blocked = netcompat.BlockList()
    with make_server(blocked).listen(0, "127.0.0.1") as server:
        address = server.address()
        print("two lines:  ", ask(address, b"hello\nyou there\nquit\n"))
        print("long line:  ", ask(address, b"x" * 1000))
        print("no line:    ", ask(address, b""))
        blocked.add_cidr("127.0.0.0/8")         # holds for the next connection, here and in any form of the address
        print("blocked:    ", ask(address, b"hello\n"))


if __name__ == "__main__":
    main()
