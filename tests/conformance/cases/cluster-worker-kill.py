"""worker.kill() in the primary: the worker ends."""
from clusters import clustered
from prelude import net


def serve(own):
    net.create_server().listen(0, "127.0.0.1")


def body(cluster):
    cluster.on("listening", lambda worker, address: worker.kill())


clustered(__name__, serve, body, events="disconnect exit")
