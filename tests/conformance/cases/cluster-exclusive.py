"""With exclusive each worker has a port of its own; the primary hears of no 'listening'."""
from clusters import clustered, collect, end
from prelude import log, net


def serve(own):
    server = net.create_server()
    server.listen(port=0, host="127.0.0.1", exclusive=True, callback=lambda: own.send(server.address().port))


def body(cluster):
    @collect(cluster, 2)
    def collected(ports):
        log("ports", "distinct", ports[0] != ports[1])
        end(cluster)


clustered(__name__, serve, body, workers=2, events="listening exit")
