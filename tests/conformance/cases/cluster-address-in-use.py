"""An address that somebody else has: each worker gets the 'error', and may go on."""
from clusters import clustered, collect, end
from prelude import call_port, log, net, tmp


def serve(own):
    with open(tmp("port")) as file:
        port = call_port(int(file.read()), "taken")
    server = net.create_server()

    @server.on("error")
    def failed(error):
        log(f"in worker {own.id}", "error", error, server.listening)
        own.send(error.code)

    server.listen(port, "127.0.0.1", lambda: log("server", "listening"))
    own.wait_for("disconnect")


def body(cluster):
    other = net.create_server().listen(0, "127.0.0.1")
    with open(tmp("port"), "w") as file:
        file.write(str(other.address().port))

    @collect(cluster, 2)
    def collected(codes):
        log("primary", "codes", codes)
        end(cluster)
        other.close()


clustered(__name__, serve, body, workers=2, events="listening exit")
