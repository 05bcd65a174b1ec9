"""A path that this user may not open: EACCES."""
import os

from prelude import net, tmp, watch

server = net.create_server()


@server.on("listening")
def listening():
    os.chmod(tmp(""), 0o755)
    os.chmod(tmp("a.sock"), 0o600)
    os.seteuid(65534)
    second = watch("second", net.create_server())
    second.listen(tmp("b.sock"))
    client = net.Socket()
    watch("client", client)

    @client.on("close")
    def closed(had_error):
        os.seteuid(0)
        server.close()

    client.connect(tmp("a.sock"))


server.listen(tmp("a.sock"))
