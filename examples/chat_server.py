"""A chat server: what one client says, all others hear.

    python3 examples/chat_server.py             three clients chat with each other, then everything ends
    python3 examples/chat_server.py 8124        serve on a port of 127.0.0.1 until Ctrl-C; join with `nc 127.0.0.1 8124`

Listeners of different sockets run in parallel, so what they share (the table of members) needs a lock. `write` needs
none: it may be called from every thread, and two writes never mix inside one chunk.
"""
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

LONGEST_LINE = 1000
FULLEST_QUEUE = 1 << 20     # bytes that may wait for a client who does not read


class Room:
    """Who is there. `join` and its kin run in the listeners of many sockets at once."""

    def __init__(self):
        self._lock = threading.Lock()       # guards `_members`
        self._members = {}

    def join(self, socket):
        with self._lock:
            name = "guest{}".format(len(self._members) + 1)
            self._members[socket] = name
        self.tell("* {} joined\n".format(name))

    def leave(self, socket):
        with self._lock:
            name = self._members.pop(socket, None)
        if name is not None:
            self.tell("* {} left\n".format(name))

    def say(self, socket, line):
        with self._lock:
            name = self._members.get(socket)
        if name is not None:
            self.tell("{}: {}\n".format(name, line), but=socket)

    def tell(self, text, but=None):
        with self._lock:
            members = [member for member in self._members if member is not but]
        for member in members:
            if member.writable_length > FULLEST_QUEUE:
                member.destroy()            # it does not read: memory must not grow because of it
            else:
                member.write(text)


def make_server():
    room = Room()
    server = netcompat.create_server()

    @server.on("connection")
    def on_connection(socket):
        rest = ""

        def on_data(text):
            nonlocal rest                   # one socket's listeners run one at a time: no lock needed
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                room.say(socket, line.rstrip("\r"))
            if len(rest) > LONGEST_LINE:
                socket.destroy()

        socket.set_encoding("utf-8")        # no character is torn between two chunks
        socket.on("data", on_data)
        socket.on("error", lambda error: print("server:", error))
        socket.on("close", lambda had_error: room.leave(socket))
        room.join(socket)

    return server


def talk_to_myself():
    """Three clients, written as blocking code; each waits until it has heard what it waits for."""
    with make_server().listen(0, "127.0.0.1") as server:
        address = server.address()

        def enter(name):
            """A client that is in the room: it has read the line that says so."""
            client = netcompat.connect(address.port, address.address)
            file = client.makefile("rw", encoding="utf-8")
            hear(name, file, " joined")
            return client, file

        def hear(name, file, wanted):
            for line in file:
                print("{:<6} hears  {}".format(name, line.rstrip()))
                if wanted in line:
                    return

        def say(file, text):
            file.write(text + "\n")
            file.flush()

        (ann, ann_file), (bob, bob_file) = enter("ann"), enter("bob")
        hear("ann", ann_file, "guest2 joined")
        cyd, cyd_file = enter("cyd")
        say(bob_file, "hello, all of you")
        hear("ann", ann_file, "hello")
        hear("cyd", cyd_file, "hello")
        cyd.end()
        hear("ann", ann_file, "left")
        for client in (ann, bob, cyd):
            with client:        # leaving the block ends the connection, and reads what was still on its way
                pass


def main(arguments):
    if not arguments:
        talk_to_myself()
        return
    server = make_server().listen(arguments[0], "127.0.0.1")
    print("chat on port", server.address().port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("bye")


if __name__ == "__main__":
    main(sys.argv[1:])
