"""A `socketserver` handler class, unchanged, on netcompat: over TCP and over a Unix path, many at a time.

    python3 examples/old_handler.py

`Handler` was written for `http.server.ThreadingHTTPServer`, one thread for each connection. Here its connections that
wait for a request cost no worker, and the server can be shut down together with them.
"""
import http.client
import http.server
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402


# ---- the old code, unchanged ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = "you asked for {}\n".format(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, template, *args):
        pass


# ---- what is new ----

def make_server():
    # was: http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler)
    return netcompat.create_server(netcompat.request_handler(Handler))


def get(connection, path):
    connection.request("GET", path)
    return connection.getresponse().read().decode().rstrip()


def main():
    with make_server().listen(0, "127.0.0.1") as server:
        idle = [netcompat.connect(server.address().port, "127.0.0.1") for _ in range(100)]
        for client in idle:
            client.wait_for("connect", 5)
        connection = http.client.HTTPConnection("127.0.0.1", server.address().port, timeout=5)
        print("TCP, beside", len(idle), "others:", get(connection, "/a"), "|", get(connection, "/b"))
        connection.close()
        for client in idle:
            client.destroy()

    if sys.platform != "win32":
        with tempfile.TemporaryDirectory(prefix="nc-") as folder:
            path = os.path.join(folder, "s")
            with make_server().listen(path):
                client = netcompat.connect(path)
                connection = http.client.HTTPConnection("localhost")
                connection.sock = client.as_stdlib()
                print("Unix path:", get(connection, "/c"))
                connection.close()


if __name__ == "__main__":
    main()
