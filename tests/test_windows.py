"""On Windows alone: more sockets than select() takes, the command line with pipes, Ctrl-C after a program's end."""
import multiprocessing
import subprocess
import sys
import time
from typing import Any, Callable, Iterator, List

import pytest

import netcompat
from conftest import eventually, script_environment
from connections import WAIT

if sys.platform != "win32":
    pytest.skip("Windows only", allow_module_level=True)

COMMAND = [sys.executable, "-m", "netcompat"]


@pytest.mark.timeout(150)
def test_two_thousand_connections_at_once_echo_and_then_sleep(capsys: Any) -> None:
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
    port = server.address().port
    clients: List[netcompat.Socket] = []
    for _ in range(20):
        some = [netcompat.connect(port, "127.0.0.1") for _ in range(100)]
        for client in some:
            client.wait_for("connect", 60)
        clients += some
    for number, client in enumerate(clients):
        client.write(b"%d" % number)
    for number, client in enumerate(clients):
        assert client.recv(10, 60) == b"%d" % number
    assert server.get_connections() == 2000
    used: List[float] = []

    def quiet() -> bool:
        wakeups, cpu = netcompat.stats()["reactor_wakeups"], time.process_time()
        time.sleep(1)                               # the claim is about a time in which nothing happens
        used.append(time.process_time() - cpu)
        return bool(netcompat.stats()["reactor_wakeups"] == wakeups)
    eventually(quiet, 20)
    with capsys.disabled():
        print("\n2000 idle connections: {:.3f} s of processor time in a second".format(used[-1]))
    assert used[-1] < 0.2
    server.close()
    server.close_all_connections()
    for client in clients:
        client.destroy()
    server.wait_for("close", 60)


def test_a_cluster_says_that_it_is_not_for_windows_and_what_is() -> None:
    from netcompat import cluster
    with pytest.raises(NotImplementedError, match="clusters do not run on Windows yet: .* WorkerPool"):
        cluster.Cluster(print)
    with netcompat.create_server() as server:
        server.listen(0, "127.0.0.1")
        with pytest.raises(NotImplementedError, match="handles cannot be shared on Windows yet"):
            cluster.share(server)
        near, far = multiprocessing.Pipe()
        with near, far, pytest.raises(NotImplementedError, match="handles cannot be sent on Windows yet"):
            cluster.send_handle(near, server)
    done = subprocess.run(COMMAND + ["echo", "--workers", "2", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=script_environment(), timeout=60)
    assert done.returncode == 1 and done.stderr.startswith(b"netcompat: clusters do not run on Windows yet")


@pytest.fixture
def command() -> Iterator[Callable[..., Any]]:
    running: List[Any] = []

    def begin(*arguments: str, stdin: Any = subprocess.DEVNULL) -> Any:
        running.append(subprocess.Popen(COMMAND + list(arguments), stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=script_environment()))
        return running[-1]
    yield begin
    for process in running:
        process.kill()
        process.communicate()


def said_where(process: Any) -> str:
    line: str = process.stderr.readline().decode()
    assert line.startswith("listening on "), line
    return line.split()[-1]


def test_echo_and_connect_with_pipes(command: Any, ipc_path: str) -> None:
    assert said_where(command("echo", ipc_path)) == ipc_path
    done = subprocess.run(COMMAND + ["connect", ipc_path], input=b"through a pipe", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30, env=script_environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"through a pipe", b"")


def test_listen_with_a_pipe(command: Any, ipc_path: str) -> None:
    process = command("listen", ipc_path)
    assert said_where(process) == ipc_path
    client = netcompat.connect(ipc_path)
    client.end(b"for standard output")
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, b"for standard output")
    client.wait_for("close", WAIT)


def test_proxy_from_tcp_to_a_pipe_and_back(command: Any, ipc_path: str) -> None:
    netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(ipc_path)
    port = int(said_where(command("proxy", "0", ipc_path)).rpartition(":")[2])
    said_where(command("proxy", ipc_path + "-2", str(port)))
    for place in ({"port": port, "host": "127.0.0.1"}, {"path": ipc_path + "-2"}):
        client = netcompat.connect(**place)
        client.write(b"hello")
        assert client.recv(5, 30) == b"hello"
        client.destroy()


@pytest.mark.skipif(sys.version_info < (3, 9), reason="Python 3.8 has no way to wait otherwise")
def test_ctrl_c_ends_a_program_whose_main_thread_has_ended(run_script: Any) -> None:
    """As the console does it: the signal is noted, and nothing that waits for a lock is woken."""
    done = run_script("""
        import signal, threading, time
        import netcompat
        server = netcompat.create_server().listen(0, "127.0.0.1")
        def interrupt():
            threading.main_thread().join(0.5)
            signal.raise_signal(signal.SIGINT)
            time.sleep(20)
            print("still there", flush=True)
        threading.Thread(target=interrupt, daemon=True).start()
    """, timeout=25)
    assert "KeyboardInterrupt" in done.stderr and "still there" not in done.stdout


@pytest.mark.parametrize("wait", ["server.serve_forever()", "server.wait_for('close')", "server.accept()",
                                  "netcompat.connect(server.address().port, '127.0.0.1').recv(1)",
                                  "netcompat.EventQueue().run_forever()"])
def test_ctrl_c_ends_every_wait_of_the_main_thread(run_script: Any, wait: str) -> None:
    done = run_script("""
        import signal, threading, time
        import netcompat
        server = netcompat.create_server().listen(0, "127.0.0.1")
        threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,)).start()
        try:
            {}
        except KeyboardInterrupt:
            print("interrupted")
        netcompat.shutdown(5)
    """.format(wait), timeout=25)
    assert (done.stdout.strip(), done.returncode) == ("interrupted", 0), done.stderr
