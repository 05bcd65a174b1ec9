"""`is_ip` and `SocketAddress`. The values that Node gives for arbitrary texts are in test_values_against_node.py."""
import copy
import json
import pickle

import pytest

from netcompat.addresses import AddressInfo, DropInfo, SocketAddress, is_ip, is_ipv4, is_ipv6


# --- is_ip ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["0.0.0.0", "127.0.0.1", "255.255.255.255", "1.20.199.249"])
def test_dotted_quads_are_ipv4(text):
    assert (is_ip(text), is_ipv4(text), is_ipv6(text)) == (4, True, False)


@pytest.mark.parametrize("text", [
    "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "FE80::a", "::ffff:1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5::1.2.3.4", "fe80::1%eth0", "fe80::1%a-b.c:1"])
def test_all_spellings_of_ipv6_are_ipv6(text):
    assert (is_ip(text), is_ipv4(text), is_ipv6(text)) == (6, False, True)


@pytest.mark.parametrize("text", [
    "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "\u0661.2.3.4", "1.2.3.4%x", "0x7f.1",
    ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2:3:4:5:6:7:8", "12345::", "::g", "::1.2.3",
    "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1%", "::1%eth_0", "::1%\u00e9", "::1\n", "[::1]", "+1::",
    "1_0::", "localhost"])
def test_near_misses_are_no_address(text):
    assert (is_ip(text), is_ipv4(text), is_ipv6(text)) == (0, False, False)


@pytest.mark.parametrize("value", [None, 0, 1.5, b"1.2.3.4", ["1.2.3.4"], object()])
def test_what_is_no_str_is_no_address(value):
    assert (is_ip(value), is_ipv4(value), is_ipv6(value)) == (0, False, False)


# --- SocketAddress --------------------------------------------------------------------------------------------------

def test_the_default_is_the_loopback_address():
    assert SocketAddress().to_json() == {"address": "127.0.0.1", "port": 0, "family": "ipv4", "flowlabel": 0}


def test_the_default_of_ipv6_is_the_unspecified_address():
    assert SocketAddress(family="IPv6").to_json() == {"address": "::", "port": 0, "family": "ipv6", "flowlabel": 0}


@pytest.mark.parametrize("text, canonical", [
    ("FE80:0::1%eth0", "fe80::1"), ("::1%_ any zone", "::1"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::0.0.0.2", "::2"),
    ("::1.2.3.4", "::1.2.3.4"), ("::ffff:102:304", "::ffff:1.2.3.4")])
def test_an_ipv6_address_is_kept_in_canonical_form(text, canonical):
    assert SocketAddress(address=text, family="ipv6").address == canonical


@pytest.mark.parametrize("options, code", [
    ({"address": "::1"}, "ERR_INVALID_ADDRESS"), ({"address": "1.2.3.4", "family": "ipv6"}, "ERR_INVALID_ADDRESS"),
    ({"address": ""}, "ERR_INVALID_ADDRESS"), ({"address": "1.2.3.4\0x"}, "ERR_INVALID_ADDRESS"),
    ({"address": 1}, "ERR_INVALID_ARG_TYPE"), ({"family": 4}, "ERR_INVALID_ARG_TYPE"),
    ({"family": "inet"}, "ERR_INVALID_ARG_VALUE"), ({"port": 65536}, "ERR_SOCKET_BAD_PORT"),
    ({"port": -1}, "ERR_SOCKET_BAD_PORT"), ({"port": True}, "ERR_SOCKET_BAD_PORT"),
    ({"port": "x"}, "ERR_SOCKET_BAD_PORT"), ({"port": "9" * 5000}, "ERR_SOCKET_BAD_PORT"),
    ({"flowlabel": 0x100000}, "ERR_OUT_OF_RANGE"),
    ({"flowlabel": -1}, "ERR_OUT_OF_RANGE"), ({"flowlabel": "1"}, "ERR_INVALID_ARG_TYPE")])
def test_a_bad_argument_is_refused_at_once(options, code):
    with pytest.raises((TypeError, ValueError)) as caught:
        SocketAddress(**options)
    assert caught.value.code == code


def test_a_port_may_be_digits():
    assert SocketAddress(port="8124").port == 8124


def test_ipv4_has_no_flow_label():
    assert SocketAddress(flowlabel=5).flowlabel == 0
    assert SocketAddress(family="ipv6", flowlabel=0xFFFFF).flowlabel == 0xFFFFF


def test_a_socket_address_cannot_be_changed():
    address = SocketAddress()
    for name in ("address", "port", "_key", "other"):
        with pytest.raises(AttributeError):
            setattr(address, name, "1.1.1.1")
    with pytest.raises(AttributeError):
        del address._key


def test_equal_socket_addresses_are_one_key():
    first = SocketAddress(address="FE80::1", family="ipv6", port=1)
    second = SocketAddress(address="fe80:0::1%eth0", family="IPv6", port="1")
    assert first == second and len({first, second}) == 1
    assert first != SocketAddress(address="fe80::1", family="ipv6", port=2)
    assert first != "fe80::1"


def test_socket_addresses_are_sorted_by_number():
    addresses = [SocketAddress(address=text) for text in ("10.0.0.1", "9.0.0.1", "9.0.0.1")]
    assert [one.address for one in sorted(addresses)] == ["9.0.0.1", "9.0.0.1", "10.0.0.1"]
    with pytest.raises(TypeError):
        addresses[0] < "9.0.0.1"


def test_copies_and_pickles_are_equal():
    address = SocketAddress(address="::1", family="ipv6", port=5, flowlabel=7)
    assert pickle.loads(pickle.dumps(address)) == copy.deepcopy(address) == address


def test_to_json_is_ready_for_json():
    assert json.loads(json.dumps(SocketAddress(port=1).to_json()))["port"] == 1


def test_is_socket_address_tells_instances_from_others():
    assert SocketAddress.is_socket_address(SocketAddress())
    assert not SocketAddress.is_socket_address({"address": "127.0.0.1"})


@pytest.mark.parametrize("text, address, family, port", [
    ("1.2.3.4", "1.2.3.4", "ipv4", 0), ("1.2.3.4:81", "1.2.3.4", "ipv4", 81), ("1.2.3.4:80", "1.2.3.4", "ipv4", 80),
    ("[::1]", "::1", "ipv6", 0), ("[FE80::1]:65535", "fe80::1", "ipv6", 65535), ("1.2.3.4:0", "1.2.3.4", "ipv4", 0)])
def test_parse_reads_an_address_with_or_without_port(text, address, family, port):
    found = SocketAddress.parse(text)
    assert (found.address, found.family, found.port) == (address, family, port)


@pytest.mark.parametrize("text", ["", "::1", "::1:80", "1.2.3.4:", "[::1]:", "1.2.3.4:65536", "1.2.3.4:+1",
                                  "1.2.3.4: 1", "[1.2.3.4]", "[::1]80", "[::1", "[fe80::1%eth0]", "0x7f.1",
                                  "1.2.3", " 1.2.3.4", "user@1.2.3.4", "1.2.3.4/path", "1.2.3.4:\u0661",
                                  "1.2.3.4:1\n", "localhost:80"])
def test_parse_takes_nothing_looser(text):
    assert SocketAddress.parse(text) is None


def test_parse_wants_a_str():
    with pytest.raises(TypeError) as caught:
        SocketAddress.parse(1)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_the_tuples_have_the_fields_of_node():
    assert AddressInfo("::1", "IPv6", 1)._asdict() == {"address": "::1", "family": "IPv6", "port": 1}
    assert DropInfo._fields == ("local_address", "local_port", "local_family",
                                "remote_address", "remote_port", "remote_family")
