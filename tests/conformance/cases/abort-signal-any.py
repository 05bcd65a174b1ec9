"""AbortSignal.any() aborts with the first."""
from prelude import log, net

first = net.AbortController()
second = net.AbortController()
any_signal = net.AbortSignal.any([first.signal, second.signal])
any_signal.on("abort", lambda *args: log("any", "abort"))
log("any", "aborted", any_signal.aborted)
second.abort(RuntimeError("second"))
first.abort(RuntimeError("first"))
log("any", "aborted", any_signal.aborted, any_signal.reason)
log("any", "at once", net.AbortSignal.any([net.AbortSignal.abort(RuntimeError("now"))]).aborted,
    net.AbortSignal.any([]).aborted)
