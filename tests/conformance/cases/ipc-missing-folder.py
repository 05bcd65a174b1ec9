"""listen() in a folder that is not there."""
from prelude import net, tmp, watch

server = watch("server", net.create_server())
server.listen(tmp("no/such/folder/a.sock"))
