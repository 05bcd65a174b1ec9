"""Port 0 is the same port for all workers; a second server on port 0 has another one, again the same for all."""
from clusters import clustered, collect, end
from prelude import log, net


def serve(own):
    servers = [net.create_server().listen(0, "127.0.0.1") for _ in range(2)]
    own.send([server.address().port for server in servers])


def body(cluster):
    @collect(cluster, 2)
    def collected(ports):
        one, other = ports
        log("ports", "first", one[0] == other[0])
        log("ports", "second", one[1] == other[1])
        log("ports", "distinct", one[0] != one[1])
        end(cluster)


clustered(__name__, serve, body, workers=2)
