"""What netcompat says, and to whom."""
from typing import Any


def test_what_nobody_hears_names_its_emitter_and_what_to_do(run_script: Any) -> None:
    """The note below the message is printed with it, by the interpreter or, before 3.11, by netcompat."""
    done = run_script("""
        import netcompat
        with netcompat.create_server().listen(0, "127.0.0.1") as first:
            second = netcompat.create_server().listen(first.address().port, "127.0.0.1")
            netcompat.shutdown(10)
    """)
    assert "unhandled 'error' of <Server" in done.stderr and "EADDRINUSE" in done.stderr, done.stderr
    assert done.stderr.count("another program") + done.stderr.count("port 0") >= 1, done.stderr


def test_notes_are_printed_where_the_interpreter_does_not(run_script: Any) -> None:
    done = run_script("""
        from netcompat.errors import note
        from netcompat.runtime import report
        report.PRINTS_NOTES = False
        report.report(note(ValueError("on purpose"), "try something else"))
    """)
    assert done.stderr.splitlines()[-1] == "try something else", done.stderr


def test_a_hook_of_the_programs_own_that_fails_is_the_interpreters_last_resort(run_script: Any) -> None:
    done = run_script("""
        import threading
        from netcompat.runtime.report import report
        def hook(arguments):
            raise LookupError("the hook failed")
        threading.excepthook = hook
        report(ValueError("on purpose"))
        print("goes on")
    """)
    assert (done.stdout, done.returncode) == ("goes on\n", 0)
    assert "the hook failed" in done.stderr and done.stderr.count("Traceback") == 1, done.stderr


def test_the_debug_log_tells_of_each_transition(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        with netcompat.create_server(lambda sock: sock.end()).listen(0, "127.0.0.1") as server:
            with netcompat.connect(server.address().port, "127.0.0.1") as client:
                assert client.recv(1) == b""
    """, env={"NETCOMPAT_DEBUG": "1"})
    assert done.returncode == 0
    for step in ("link connecting", "link open", "output ending", "output flushed", "input eof", "link gone"):
        assert step in done.stderr, done.stderr
