"""Two workers share a port, and connections go round among them."""
from clusters import ask, clustered, end, when_listening
from prelude import log, net


def serve(own):
    net.create_server(lambda socket: socket.end(str(own.id))).listen(0, "127.0.0.1")


def body(cluster):
    @when_listening(cluster, 2)
    def listening(address):
        @ask({"port": address.port, "host": "127.0.0.1"}, 6)
        def answered(answers):
            log("clients", "answers", len(answers), sorted(answers))
            end(cluster)


clustered(__name__, serve, body, workers=2, events="listening")
