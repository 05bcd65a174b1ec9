"""maxConnections on a path: 'drop' without data."""
from prelude import log, net, tmp

server = net.create_server(lambda peer: log("server", "connection"))
server.max_connections = 0
server.on("drop", lambda data: log("server", "drop", data))


@server.on("listening")
def listening():
    client = net.Socket()
    client.on("error", lambda error: None)
    client.resume().on("close", lambda had_error: server.close())
    client.connect(tmp("a.sock"))


server.listen(tmp("a.sock"))
