"""end() after 'finish': its callback gets ERR_STREAM_ALREADY_FINISHED."""
from prelude import log, pair


@pair(events="data", server=dict(allow_half_open=True))
def body(client, peer, server):
    client.end("bye")

    def again(error):
        log("client", "ended again", error)
        peer.on("end", lambda: peer.end())

    client.on("finish", lambda: client.end(again))
