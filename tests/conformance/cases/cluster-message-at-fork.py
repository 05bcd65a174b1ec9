"""A message that is sent before the worker runs waits for the listener that the worker's program sets."""
import time

from clusters import clustered, collect, end
from prelude import log


def serve(own):
    time.sleep(0.2)         # a program that takes its time to begin

    @own.on("message")
    def message(value):
        log("in worker", "message", value)
        own.send("heard")

    own.wait_for("disconnect")


def body(cluster):
    cluster.on("fork", lambda worker: worker.send("early"))
    collect(cluster, 1)(lambda messages: end(cluster))


clustered(__name__, serve, body, events="message")
