"""A worker that a signal ends: 'disconnect' and 'exit', with the signal's name."""
import os
import signal

from clusters import clustered
from prelude import net


def serve(own):
    net.create_server().listen(0, "127.0.0.1")


def body(cluster):
    cluster.on("listening", lambda worker, address: os.kill(worker.pid, signal.SIGKILL))


clustered(__name__, serve, body, events="listening disconnect exit")
