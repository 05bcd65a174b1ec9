"""Messages in both directions arrive whole and in order."""
from clusters import clustered, collect, end
from prelude import log

VALUES = ["text", 17, None, True, [1, "two"], {"three": 3}]


def serve(own):
    @own.on("message")
    def message(value):
        log("in worker", "message", value)
        own.send([value])

    own.wait_for("disconnect")


def body(cluster):
    @cluster.on("online")
    def online(worker):
        for value in VALUES:
            worker.send(value)

    collect(cluster, len(VALUES))(lambda messages: end(cluster))


clustered(__name__, serve, body, events="message")
