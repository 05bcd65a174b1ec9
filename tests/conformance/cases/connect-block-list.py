"""A block list of the client: ERR_IP_BLOCKED."""
from prelude import net, watch

blocked = net.BlockList()
blocked.add_subnet("127.0.0.0", 8)
client = watch("client", net.Socket(block_list=blocked), "connectionAttempt")
client.connect(port=1, host="127.0.0.1", block_list=blocked)
