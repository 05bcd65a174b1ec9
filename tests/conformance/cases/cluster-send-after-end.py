"""A message to a worker that has ended is an error that names no address."""
from clusters import clustered
from prelude import attempt, watch


def serve(own):
    own.disconnect()


def body(cluster):
    cluster.on("fork", lambda worker: watch("worker", worker, "error"))
    cluster.on("exit", lambda worker, code, signal: attempt("worker", "send", lambda: worker.send("late")))


clustered(__name__, serve, body, events="exit")
