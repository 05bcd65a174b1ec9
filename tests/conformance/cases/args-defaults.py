"""Setters of defaults with bad values."""
from prelude import attempt, net

attempt("net", "family", lambda: net.set_default_auto_select_family(1))
for value in (0, -1, "5", 1.5):
    attempt("net", "timeout", lambda: net.set_default_auto_select_family_attempt_timeout(value))
