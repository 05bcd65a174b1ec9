"""The properties of a new socket."""
from prelude import log, net, props

socket = net.Socket()
props("socket", socket, "connecting pending destroyed ready_state bytes_read bytes_written timeout allow_half_open "
      "readable writable readable_ended readable_flowing readable_length writable_ended writable_finished "
      "writable_length writable_need_drain local_address local_port local_family remote_address remote_port "
      "remote_family")
log("socket", "address", socket.address())
socket.destroy()
