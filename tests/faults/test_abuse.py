"""Strangers and their tricks: floods, spellings that would slip past a block list, links and files in the way."""
import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from conftest import ROOT, eventually
from connections import WAIT, Told, needs_unix
from namespaces import TUN, in_namespace, linux

import netcompat
from netcompat import BlockList
from netcompat.transports import unix

sys.path.insert(0, str(ROOT / "tools"))
import fuzz  # noqa: E402

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


# ---- floods ----

def test_a_flood_over_max_connections_is_dropped_and_leaves_those_inside_alone():
    drops = []
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write).on("error", lambda problem: None))
    server.max_connections = 5
    server.on("drop", drops.append).listen(0, "127.0.0.1").wait_for("listening", WAIT)
    where = ("127.0.0.1", server.address().port)
    inside = [socket.create_connection(where, WAIT) for _ in range(5)]
    eventually(lambda: len(server.connections) == 5)
    for _ in range(4):
        flood = [socket.create_connection(where, WAIT) for _ in range(100)]
        for sock in flood:
            with pytest.raises(ConnectionError):
                sock.sendall(b"let me in")
                if sock.recv(1) == b"":         # a FIN, or else a reset
                    raise ConnectionError
            sock.close()
    eventually(lambda: len(drops) == 400, WAIT)
    for sock in inside:
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        sock.close()
    eventually(lambda: not server.connections, WAIT)
    with socket.create_connection(where, WAIT) as late:
        late.sendall(b"y")
        assert late.recv(1) == b"y"


def test_connections_that_say_nothing_keep_nobody_out():
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write).on("error", lambda problem: None))
    server.listen(0, "127.0.0.1").wait_for("listening", WAIT)
    where = ("127.0.0.1", server.address().port)
    silent = [socket.create_connection(where, WAIT) for _ in range(200)]
    with socket.create_connection(where, WAIT) as honest:
        for _ in range(100):
            honest.sendall(b"ping")
            assert honest.recv(4, socket.MSG_WAITALL) == b"ping"
    assert netcompat.stats()["workers"] < 10        # who says nothing has no thread
    for sock in silent:
        sock.close()
    eventually(lambda: not server.connections, WAIT)


# ---- block lists ----

SPELLINGS = ["127.0.0.1", "::ffff:127.0.0.1", "::FFFF:7F00:1", "0:0:0:0:0:ffff:7f00:0001", "::ffff:127.0.0.1%lo",
             "127.1", "0x7f.1", "2130706433", "017700000001", "localhost", "LOCALHOST"]


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("race", [True, False])
def test_no_spelling_of_a_blocked_address_is_connected_to(host, race):
    came = Told()
    server = netcompat.create_server(came.add).listen(0)
    block_list = BlockList()
    for network in ("127.0.0.0/8", "::1/128"):
        block_list.add_cidr(network)
    sock = netcompat.Socket()
    told = Told().listen(sock, "connect", "error", "close")
    sock.connect(server.address().port, host, block_list=block_list, auto_select_family=race)
    eventually(lambda: "close" in told.all, WAIT)
    assert "connect" not in told.all and came.all == []


def test_an_ipv4_compatible_address_leads_nowhere():
    """'::127.0.0.1' is no spelling of 127.0.0.1 to the kernel, so the list need not take it for one."""
    server = netcompat.create_server().listen(0)
    sock = netcompat.Socket()
    told = Told().listen(sock, "connect", "error", "close")
    sock.connect(server.address().port, "::127.0.0.1")
    sock.set_timeout(500, sock.destroy)
    eventually(lambda: "close" in told.all, WAIT)
    assert "connect" not in told.all


@linux
def test_a_zone_does_not_hide_a_link_local_client(run_script):
    output = in_namespace(run_script, TUN, """
        import netcompat, socket
        ip('addr add fe80::77/64 dev tun0 nodad')
        blocked = netcompat.BlockList()
        blocked.add_cidr('fe80::/10')
        came = []
        for block_list in (None, blocked):
            server = netcompat.create_server(came.append, block_list=block_list).listen(0, '::')
            client = socket.create_connection(('fe80::77%tun0', server.address().port), 10)
            client.settimeout(10)
            if block_list is None:
                while not came:
                    time.sleep(0.01)
                print(came[0].remote_address.partition('%')[0])
            else:
                try:
                    print(client.recv(1), len(came))
                except ConnectionResetError:
                    print(b'', len(came))
            client.close()
            server.close()
            server.close_all_connections()
    """)
    assert output == ["fe80::77", "b'' 1"]


# ---- links, files and permissions around Unix paths ----

@pytest.fixture
def folder(ipc_path):
    return Path(ipc_path).parent


def listening_on(path, **options):
    server = netcompat.create_server(lambda sock: sock.end(b"hello")).listen(str(path), **options)
    server.wait_for("listening", WAIT)
    return server


@needs_unix
def test_a_link_in_the_way_is_not_followed(folder):
    (folder / "victim").write_text("precious")
    for name, target in (("link", folder / "victim"), ("dangling", folder / "nowhere")):
        (folder / name).symlink_to(target)
        server = netcompat.create_server()
        told = Told().listen(server, "error")
        server.listen(str(folder / name), readable_all=True, writable_all=True)
        told.until(("error", "EADDRINUSE"))
        assert (folder / name).is_symlink()
    assert (folder / "victim").read_text() == "precious" and not (folder / "nowhere").exists()


@needs_unix
@pytest.mark.parametrize("trick", ["link", "file", "folder"])
def test_what_was_put_in_the_place_of_a_path_is_not_removed(folder, trick):
    (folder / "victim").write_text("precious")
    home = folder / "home"
    home.mkdir()
    server = listening_on(home / "s")
    if trick == "folder":               # the way to it leads elsewhere now
        home.rename(folder / "moved")
        other = folder / "other"
        other.mkdir()
        with socket.socket(socket.AF_UNIX) as foreign:
            foreign.bind(str(other / "s"))
        home.symlink_to(other)
    else:
        (home / "s").unlink()
        if trick == "link":
            (home / "s").symlink_to(folder / "victim")
        else:
            (home / "s").write_text("somebody else's")
    server.close()
    server.wait_for("close", WAIT)
    assert (home / "s").exists() and (folder / "victim").read_text() == "precious"


@needs_unix
@posix
def test_a_link_put_in_the_place_of_a_new_path_passes_no_permissions_on(folder, monkeypatch):
    victim = folder / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    real = unix.OwnPath

    def swapped(path):
        own = real(path)
        os.unlink(path)
        os.symlink(str(victim), path)
        return own
    monkeypatch.setattr(unix, "OwnPath", swapped)
    before = os.umask(0o077)            # so that the path is to be given what the umask took
    try:
        server = netcompat.create_server().on("error", lambda problem: None)
        server.listen(str(folder / "s"), readable_all=True, writable_all=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600
    server.close()


@needs_unix
@posix
def test_a_narrow_umask_does_not_keep_a_path_from_being_opened_to_all(folder):
    before = os.umask(0o077)
    try:
        server = listening_on(folder / "s", readable_all=True, writable_all=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o666
    server.close()


# ---- parsers ----

@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_no_parser_is_brought_down_by_the_corpus_or_what_is_made_of_it(name):
    tried, failed = fuzz.fuzz(name, seed=1, count=300)
    assert failed is None and tried >= 300


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "iso2022_jp_2004", "utf-7", "unicode_escape"])
def test_no_bytes_of_a_peer_make_a_decoder_fail(encoding):
    server = netcompat.create_server()
    told = Told()
    server.on("connection", lambda sock: sock.set_encoding(encoding).on("data", lambda text: None)
              .on("end", lambda: told.add("end")).on("error", told.add))
    server.listen(0, "127.0.0.1").wait_for("listening", WAIT)
    hostile = (b"A===" + b"\xff\xfe\xfe\xff" + b"\x1b$(Q" * 9 + b"\\x" + b"\xd8\x00\xd8" + bytes(range(256))) * 20
    with socket.create_connection(("127.0.0.1", server.address().port), WAIT) as peer:
        for place in range(0, len(hostile), 97):
            peer.sendall(hostile[place:place + 97])
        peer.shutdown(socket.SHUT_WR)
        told.until("end")
