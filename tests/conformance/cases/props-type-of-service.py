"""setTypeOfService() and getTypeOfService()."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "get", lambda: client.get_type_of_service())
    attempt("client", "set", lambda: client.set_type_of_service(16))
    attempt("client", "get", lambda: client.get_type_of_service())
    attempt("client", "set 256", lambda: client.set_type_of_service(256))
    attempt("client", "set x", lambda: client.set_type_of_service("x"))
    client.end()
