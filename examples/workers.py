"""A server in several processes, as with Node's `cluster`: computing uses every core, and who dies is replaced.

    python3 examples/workers.py

Each worker process runs `serve`. They listen on one port; the primary hands each connection to the next of them.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat                                                    # noqa: E402
from netcompat.cluster import Cluster                               # noqa: E402


def primes_below(limit):
    """Something to compute, which holds the interpreter's lock."""
    return sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(2, limit))


def serve():
    """In each worker process."""
    def on_connection(socket):
        with socket, socket.makefile("rw") as file:
            for line in file:
                file.write("{} primes below {}\n".format(primes_below(int(line)), int(line)))
                file.flush()

    netcompat.create_server(on_connection).listen(0, "127.0.0.1")       # the same port for all


def main():
    """In the primary: start the workers, ask them something, stop one."""
    with Cluster(serve, workers=2, grace=1.0) as cluster:
        cluster.on("exit", lambda worker, code, signal: print("worker", worker.id, "ended:", signal or code))
        _, address = cluster.wait_for("listening", 20)

        with netcompat.connect(address.port, address.address) as client, client.makefile("rw") as file:
            file.write("1000\n")
            file.flush()
            print(file.readline().strip())

        first = min(cluster.workers.values(), key=lambda worker: worker.id)
        first.disconnect()                              # gracefully; kill() would have it replaced
        first.wait_for("exit", 20)
        print(len(cluster.workers), "worker is left, and", cluster.get_connections(), "connections")


if __name__ == "__main__":          # a worker imports this file
    main()
    print("all have ended")
