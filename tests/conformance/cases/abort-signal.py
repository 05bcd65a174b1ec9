"""AbortController, AbortSignal: reason, aborted, 'abort' once."""
from prelude import attempt, log, net

controller = net.AbortController()
log("signal", "aborted", controller.signal.aborted)
controller.signal.on("abort", lambda *args: log("signal", "abort"))
controller.abort(RuntimeError("reason"))
controller.abort(RuntimeError("another"))
log("signal", "aborted", controller.signal.aborted, controller.signal.reason)
attempt("signal", "throwIfAborted", lambda: controller.signal.throw_if_aborted())
attempt("other", "throwIfAborted", lambda: net.AbortController().signal.throw_if_aborted())
