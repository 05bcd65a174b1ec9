"""What the workers of the tests run. In a module of its own, since `spawn` and `forkserver` import it by name."""
import os
import signal
import sys
import threading
import time

import netcompat
from netcompat import cluster

WAIT = 20.0                         # seconds that something may take on a busy machine


def introduce(socket):
    """Say which worker it is, then send back what comes."""
    socket.write("{}\n".format(os.getpid()))
    socket.pipe(socket)


def echo(**place):
    """An echo server. What `listen` could not do is told to the primary."""
    server = netcompat.create_server(lambda socket: socket.pipe(socket))
    server.on("error", lambda error: cluster.worker.send((error.code, error.syscall, str(error))))
    server.listen(**place)
    return server


def echo_at(place):
    echo(**place)


def introduce_at(place):
    netcompat.create_server(introduce).listen(**place)


def limited(limit, drop, place):
    """At most `limit` connections; a message tells of those that were dropped."""
    server = netcompat.create_server(introduce)
    server.max_connections = limit
    server.drop_max_connection = drop
    server.on("drop", lambda data: cluster.worker.send(("drop", None if data is None else data.remote_port)))
    server.listen(**place)


def tell_address(place, times=1):
    """Listen, and tell what `address()` says at once and how many servers there are."""
    servers = [netcompat.create_server(introduce) for _ in range(times)]
    cluster.worker.send([server.listen(**place).address() for server in servers])


def answer_messages():
    """Send back each message, with what this process thinks it is."""
    own = cluster.worker
    own.on("message", lambda message: own.send((message, own.id, cluster.is_worker, cluster.is_primary)))
    own.wait_for("disconnect")


def listen_late(how):
    """Send back what came before anybody listened."""
    own = cluster.worker
    time.sleep(0.3)                     # so that everything has come
    if how == "listener":
        own.on("message", own.send)
    else:
        for _ in range(4):
            own.send(own.wait_for("message", WAIT)[0])
    own.wait_for("disconnect")


def wait_for_disconnect():
    cluster.worker.wait_for("disconnect")


def return_at_once():
    pass


def raise_at_once():
    raise RuntimeError("the target of a test raises at once")


def end_with(code):
    sys.exit(code)


def raise_unless_first(port):
    """The first worker serves; every later one ends at once."""
    if cluster.worker.id > 1:
        sys.exit(3)
    echo(port=port, host="127.0.0.1")


def stuck(place):
    """Listens, and does not end by itself: neither when told to nor by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    echo(**place)
    while True:
        time.sleep(60)


def recycle(place):
    """Leaves of its own accord when it is told to by a message."""
    cluster.worker.on("message", lambda message: cluster.worker.disconnect())      # before the primary can know of us
    echo(**place)


def send_much(count, size):
    for number in range(count):
        cluster.worker.send((number, b"x" * size))
    cluster.worker.wait_for("disconnect")


def listen_again(place):
    """Listen; when told to, close and listen again."""
    server = netcompat.create_server(introduce)

    def again(_):
        first = server.address()
        server.close()
        server.wait_for("close", WAIT)
        cluster.worker.send((first, server.listen(**place).address()))

    cluster.worker.on("message", again)         # before the primary can know of us
    server.listen(**place)
    cluster.worker.wait_for("disconnect")       # between the two nothing is open, and the worker would end


def listen_on(descriptor):
    netcompat.create_server(introduce).listen(fd=descriptor)


def arguments_child(ready, socket, server, bound):
    other = netcompat.create_server(lambda client: client.end("bound")).listen(bound)
    server.on("connection", lambda client: client.end("server"))
    socket.sendall(b"read before: " + socket.recv(100))
    socket.end()
    ready.send("ready")
    ready.recv()
    for server in (server, other):
        server.close()
    netcompat.shutdown(WAIT)


def shared_child(ready, socket, server, bound):
    arguments_child(ready, socket.open(), server.open(), bound.open())


def receiving_child(connection):
    """Receives a socket, a server and a bound socket, and uses them."""
    arguments_child(connection, *[cluster.recv_handle(connection) for _ in range(3)])


def one_thread_computes(place):
    """An echo server beside a thread that holds the interpreter lock most of the time."""
    def compute():
        while True:
            sum(range(10000))
    threading.Thread(target=compute, daemon=True).start()
    echo(**place)


def nested():
    """A cluster inside a worker; its worker's message is passed on."""
    own = cluster.worker
    inner = cluster.Cluster(tell_inner, workers=1, context="forkserver", respawn=False)
    inner.on("message", lambda worker, message: own.send(message))
    with inner:
        inner.wait(WAIT)
    own.wait_for("disconnect", WAIT)


def tell_inner():
    cluster.worker.send(("inner", cluster.worker.id, cluster.is_worker))
