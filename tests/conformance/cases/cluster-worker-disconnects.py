"""A worker disconnects itself: its server closes, and its process ends with status 0."""
from clusters import clustered
from prelude import log, net


def serve(own):
    own.on("disconnect", lambda: log("in worker", "disconnect", own.connected))
    server = net.create_server().on("close", lambda: log("server", "close"))
    server.listen(0, "127.0.0.1", lambda: own.disconnect())


clustered(__name__, serve, lambda cluster: None, events="online disconnect exit")
