"""Two workers share a Unix path."""
from clusters import ask, clustered, end, when_listening
from prelude import log, net, tmp


def serve(own):
    net.create_server(lambda socket: socket.end(str(own.id))).listen(tmp("shared.sock"))


def body(cluster):
    @when_listening(cluster, 2)
    def listening(address):
        @ask({"path": tmp("shared.sock")}, 4)
        def answered(answers):
            log("clients", "answers", sorted(answers))
            end(cluster)


clustered(__name__, serve, body, workers=2, events="listening")
