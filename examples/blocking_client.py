"""Old blocking code, moved over: the protocol code stays as it is, only the making of the connection changes.

    python3 examples/blocking_client.py

`fetch` was written against the standard library's `socket.socket`. It does not know what it is given here.
"""
import http.client
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

WORDS = {"cat": "a small animal that owns a house", "net": "holes, tied together"}


# ---- the legacy code, unchanged ----

def fetch(sock, word):
    """Ask a dictionary server for one word: 'DEFINE word' is answered with a status line and a text line."""
    sock.sendall("DEFINE {}\r\n".format(word).encode())
    with sock.makefile("r", encoding="utf-8", newline="\r\n") as file:
        status = file.readline().rstrip("\r\n")
        if not status.startswith("250"):
            raise LookupError(status)
        return file.readline().rstrip("\r\n")


# ---- the server, in the same straight style ----

def serve(socket):
    """A 'connection' listener may simply block: others go on meanwhile."""
    with socket, socket.makefile("rw", encoding="utf-8", newline="\r\n") as file:
        for line in file:
            word = line.split()[-1]
            file.write("250 ok\r\n{}\r\n".format(WORDS[word]) if word in WORDS else "552 no such word\r\n")
            file.flush()


def serve_http(socket):
    with socket, socket.makefile("rb") as file:
        while file.readline().strip():
            pass
        socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n")


def main():
    with netcompat.create_server(serve).listen(0, "127.0.0.1") as server:
        # was: sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        client = netcompat.connect(server.address().port, "127.0.0.1")
        client.wait_for("connect", timeout=5)
        sock = client.as_stdlib()
        sock.settimeout(5)

        for word in ("cat", "net", "dog"):
            try:
                print("{}: {}".format(word, fetch(sock, word)))
            except LookupError as problem:
                print("{}: {}".format(word, problem))
        sock.close()

    # The standard library's own code works on it as well.
    with netcompat.create_server(serve_http).listen(0, "127.0.0.1") as server:
        client = netcompat.connect(server.address().port, "127.0.0.1")
        client.wait_for("connect", timeout=5)
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = client.as_stdlib()
        connection.request("GET", "/")
        response = connection.getresponse()
        print("http.client:", response.status, response.read())
        connection.close()


if __name__ == "__main__":
    main()
