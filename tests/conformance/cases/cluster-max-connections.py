"""A worker at maxConnections leaves the next connection to the other one; when both are full it waits."""
import threading

from clusters import clustered, end, when_listening
from prelude import log, net


def serve(own):
    server = net.create_server(lambda socket: socket.resume().write(str(own.id)))
    server.on("drop", lambda data: log(f"in worker {own.id}", "drop"))
    server.max_connections = 1
    server.listen(0, "127.0.0.1")


def use(cluster, port):
    clients = [net.connect(port, "127.0.0.1") for _ in range(1)]
    served = [clients[0].recv(1)]
    clients.append(net.connect(port, "127.0.0.1"))
    served.append(clients[1].recv(1))
    log("clients", "two", sorted(one.decode() for one in served))
    clients.append(net.connect(port, "127.0.0.1", timeout=300))
    clients[2].wait_for("timeout")
    log("clients", "the third waits", clients[2].bytes_read == 0)
    clients[0].end()
    log("clients", "the third is served", clients[2].recv(1) == served[0])
    for client in clients:
        client.end()
    end(cluster)


def body(cluster):
    @when_listening(cluster, 2)
    def listening(address):
        threading.Thread(target=use, args=(cluster, address.port)).start()


clustered(__name__, serve, body, workers=2)
