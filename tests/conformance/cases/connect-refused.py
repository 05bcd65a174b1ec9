"""A refused connection: the error's details, then 'close' with true."""
from prelude import log, net, props, watch

client = net.Socket()
watch("client", client, "lookup connectionAttempt connectionAttemptFailed ready")


@client.on("error")
def failed(error):
    log("client", "details", error.code, error.syscall, error.address, error.port)
    props("client", client, "destroyed connecting pending ready_state")


client.connect(1, "127.0.0.1")
