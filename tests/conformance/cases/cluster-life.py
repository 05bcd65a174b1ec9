"""The events of a worker that starts, listens, and is told to end."""
from clusters import clustered, end, when_listening
from prelude import log, net


def serve(own):
    own.on("disconnect", lambda: log("in worker", "disconnect", own.connected))
    net.create_server().listen(0, "127.0.0.1")


def body(cluster):
    when_listening(cluster, 1)(lambda address: end(cluster))


clustered(__name__, serve, body, events="fork online listening disconnect exit")
