"""A signal that is aborted already: AbortError, then 'close'."""
from prelude import net, watch

watch("client", net.connect(port=1, host="127.0.0.1", signal=net.AbortSignal.abort()))
