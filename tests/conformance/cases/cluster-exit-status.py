"""A worker that ends with a status: 'disconnect' and 'exit', with the status."""
import sys

from clusters import clustered


def serve(own):
    sys.exit(3)


clustered(__name__, serve, lambda cluster: None, events="online disconnect exit")
