"""A worker's server counts the connections that it has, not those of other workers."""
import threading

from clusters import clustered, collect, end, when_listening
from prelude import log, net


def serve(own):
    server = net.create_server(lambda socket: socket.resume().write("."))
    server.listen(0, "127.0.0.1")
    own.on("message", lambda _: server.get_connections(lambda error, count: own.send([error, count])))


def body(cluster):
    clients = []

    def use(port):
        clients.extend(net.connect(port, "127.0.0.1") for _ in range(4))
        for client in clients:
            client.recv(1)
        for worker in cluster.workers.values():
            worker.send("count")

    @when_listening(cluster, 2)
    def listening(address):
        threading.Thread(target=use, args=(address.port,)).start()

    @collect(cluster, 2)
    def collected(answers):
        log("counts", "errors", [error for error, _ in answers])
        log("counts", "sum", answers[0][1] + answers[1][1])
        log("counts", "both", all(count > 0 for _, count in answers))
        for client in clients:
            client.destroy()
        end(cluster)


clustered(__name__, serve, body, workers=2)
