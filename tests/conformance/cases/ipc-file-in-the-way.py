"""A plain file in the way."""
from prelude import log, net, tmp, watch

with open(tmp("file"), "w") as file:
    file.write("x")


def failed(error):
    watch("client", net.connect(tmp("file")))
    with open(tmp("file")) as file:
        log("file", "content", file.read())


server = watch("server", net.create_server())
server.on("error", failed)
server.listen(tmp("file"))
