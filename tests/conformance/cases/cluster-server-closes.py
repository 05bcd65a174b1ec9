"""A worker closes its server and lives on: connections go to the other one."""
from clusters import ask, clustered, collect, end, when_listening
from prelude import log, net


def serve(own):
    server = net.create_server(lambda socket: socket.end(str(own.id)))
    server.listen(0, "127.0.0.1")
    own.on("message", lambda _: server.close(lambda error: own.send("closed")))
    own.wait_for("disconnect")


def body(cluster):
    place = {"host": "127.0.0.1"}

    @when_listening(cluster, 2)
    def listening(address):
        place["port"] = address.port
        cluster.workers[1].send("close")

    @collect(cluster, 1)
    def closed(messages):
        @ask(place, 4)
        def answered(answers):
            log("clients", "answers", answers)
            end(cluster)


clustered(__name__, serve, body, workers=2)
