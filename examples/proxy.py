"""A TCP proxy: what comes in on one side goes out on the other, with backpressure in both directions.

    python3 examples/proxy.py                               proxy an echo server of its own, then end
    python3 examples/proxy.py 8124 example.org 80           from 127.0.0.1:8124, until Ctrl-C
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402


def make_proxy(port, host):
    """A server whose connections are joined to `host`:`port`."""
    def on_connection(inner):
        outer = netcompat.connect(port, host, allow_half_open=True)
        # `pipe` pauses its source while the other side is full, and passes the end on: half-open connections
        # (a client that sends its FIN and still reads) work through the proxy.
        inner.pipe(outer)
        outer.pipe(inner)
        # When one side fails, the other is not left waiting.
        inner.on("error", lambda error: outer.destroy())
        outer.on("error", lambda error: (print("proxy:", error), inner.destroy()))
        inner.on("close", lambda had_error: had_error and outer.destroy())

    return netcompat.create_server(on_connection, allow_half_open=True)


def talk_to_myself():
    data = b"0123456789abcdef" * 65536
    with netcompat.create_server(lambda socket: socket.pipe(socket), allow_half_open=True) as echo:
        echo.listen(0, "127.0.0.1")
        with make_proxy(echo.address().port, "127.0.0.1").listen(0, "127.0.0.1") as proxy:
            client = netcompat.connect(proxy.address().port, "127.0.0.1", allow_half_open=True)
            client.end(data)                    # our FIN goes through the proxy; the answer still comes
            answer = b"".join(client)
            print("{} bytes through the proxy and back, {}".format(len(answer), "equal" if answer == data else "WRONG"))
            client.wait_for("close", 5)


def main(arguments):
    if not arguments:
        talk_to_myself()
        return
    port, remote_host, remote_port = arguments
    proxy = make_proxy(remote_port, remote_host).listen(port, "127.0.0.1")
    print("proxy on port", proxy.address().port)
    try:
        proxy.serve_forever()
    except KeyboardInterrupt:
        print("bye")


if __name__ == "__main__":
    main(sys.argv[1:])
