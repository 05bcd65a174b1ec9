"""A socket's block list, and an address that a lookup found."""
from prelude import net, watch

blocked = net.BlockList()
blocked.add_address("127.0.0.1")
watch("client", net.connect(port=1, host="a.test", auto_select_family=False, block_list=blocked,
                            lookup=lambda host, **options: ("127.0.0.1", 4)))
