"""destroySoon() after two writes: both arrive."""
from prelude import ends


def speak(peer):
    peer.write("one ")
    peer.write("two")
    peer.destroy_soon()


ends(peer=speak, events="data")
