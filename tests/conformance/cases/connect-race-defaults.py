"""The defaults of the family race, and their setters."""
from prelude import log, net

log("net", "family", net.get_default_auto_select_family())
net.set_default_auto_select_family(False)
log("net", "family", net.get_default_auto_select_family())
log("net", "timeout", net.get_default_auto_select_family_attempt_timeout())
net.set_default_auto_select_family_attempt_timeout(5)
log("net", "timeout", net.get_default_auto_select_family_attempt_timeout())
net.set_default_auto_select_family_attempt_timeout(123)
log("net", "timeout", net.get_default_auto_select_family_attempt_timeout())
