"""Two programs on one machine talk over an IPC path: one JSON message a line.

    python3 examples/ipc.py                     starts itself a second time as the other program

The path can be reached by this user alone: the folder is private, and on Unix the umask decides about the socket.
Windows' named pipes are planned; until then this example needs a system with Unix-domain sockets.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402


def serve(path):
    """The first program: a calculator."""
    def on_connection(socket):
        with socket, socket.makefile("rw", encoding="utf-8") as file:
            for line in file:
                request = json.loads(line)
                print("server {}: {}".format(os.getpid(), request))
                file.write(json.dumps({"result": sum(request["add"])}) + "\n")
                file.flush()

    return netcompat.create_server(on_connection).listen(path)


def ask(path):
    """The second program: sends two requests and prints the answers."""
    with netcompat.connect(path) as socket, socket.makefile("rw", encoding="utf-8") as file:
        for numbers in ([1, 2, 3], [40, 2]):
            file.write(json.dumps({"add": numbers}) + "\n")
            file.flush()
            print("client {}: {}".format(os.getpid(), json.loads(file.readline())), flush=True)


def main(arguments):
    if arguments:
        ask(arguments[0])
        return 0
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:       # mode 0700
        path = os.path.join(folder, "s")
        with serve(path):
            status = subprocess.run([sys.executable, __file__, path], timeout=30).returncode
        assert not os.path.exists(path), "the server removes the path that it made"
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
