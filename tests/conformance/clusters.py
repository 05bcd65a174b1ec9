"""What the cases of `netcompat.cluster` share, beside prelude.py: the helpers of clusters.js under PEP 8 names.

Each worker imports the case anew, so its target stands at the top of the file and the rest in functions.
"""
import threading

from netcompat import cluster as cluster_module
from prelude import log, net

__all__ = ["ask", "clustered", "collect", "end", "when_listening"]

EVENTS = ["fork", "online", "listening", "message", "disconnect", "exit"]


def _shown(event, args):
    """What of an event's arguments is compared: an address is called otherwise on the other side."""
    if event != "listening":
        return args
    if isinstance(args[0], str):
        return [{"address": args[0]}]
    return [{"address": args[0].address, "port": args[0].port}]


def run_worker(serve):
    """The target of the workers."""
    serve(cluster_module.worker)


def clustered(name, serve, body, workers=1, events="", policy="round-robin", grace=10.0):
    """Where the case is the program: start workers and run body(cluster); `events` of each worker are logged.

    `name` is the module's `__name__`: in a worker, which imports the case, nothing is to be done.
    """
    if name != "__main__":
        return
    cluster = cluster_module.Cluster(run_worker, (serve,), workers=workers, policy=policy, respawn=False, grace=grace)
    for event in EVENTS:
        if event in events.split():
            cluster.on(event, lambda worker, *args, event=event: log(f"worker {worker.id}", event,
                                                                     *_shown(event, args)))
    body(cluster)
    cluster.start().wait()


def collect(cluster, count):
    """The decorated body(list) runs when `count` messages have come; the list is sorted by the workers' numbers."""
    got = []

    def decorate(body):
        @cluster.on("message")
        def message(worker, message):
            got.append((worker.id, message))
            if len(got) == count:
                body([message for _, message in sorted(got, key=lambda pair: pair[0])])
        return body
    return decorate


def when_listening(cluster, count):
    """The decorated body(address) runs when `count` workers listen."""
    seen = []

    def decorate(body):
        @cluster.on("listening")
        def listening(worker, address):
            seen.append(worker)
            if len(seen) == count:
                body(address)
        return body
    return decorate


def end(cluster):
    """Let every worker end."""
    for worker in cluster.workers.values():
        worker.disconnect()


def ask(place, count):
    """Connect to one place after another; the decorated body(answers) has what each peer said until it ended."""
    def decorate(body):
        def run():
            answers = []
            for _ in range(count):
                with net.connect(**place) as client:
                    answers.append(b"".join(client).decode())
            body(answers)
        threading.Thread(target=run).start()
        return body
    return decorate
