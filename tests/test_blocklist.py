"""`BlockList`: rules, checks, what a check costs, and what holds while other threads change the list."""
import copy
import ipaddress
import json
import os
import pickle
import random
import threading

import pytest

from netcompat import blocklist
from netcompat.addresses import MAPPED, SocketAddress
from netcompat.blocklist import BlockList


@pytest.fixture
def block_list():
    return BlockList()


def code_of(call, *arguments, **options):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*arguments, **options)
    return caught.value.code


# --- rules and checks -----------------------------------------------------------------------------------------------

def test_an_empty_list_blocks_nothing(block_list):
    assert not block_list.check("1.1.1.1") and not block_list.check("::1")
    assert block_list.rules == [] and block_list.size == len(block_list) == 0


def test_an_address_is_blocked_alone(block_list):
    block_list.add_address("1.1.1.1")
    assert [block_list.check(text) for text in ("1.1.1.0", "1.1.1.1", "1.1.1.2")] == [False, True, False]


def test_a_range_includes_its_ends(block_list):
    block_list.add_range("10.0.0.2", "10.0.0.9")
    assert [block_list.check("10.0.0.%d" % last) for last in (1, 2, 5, 9, 10)] == [False, True, True, True, False]


@pytest.mark.parametrize("net, prefix, inside, outside", [
    ("10.1.2.3", 8, "10.255.255.255", "11.0.0.0"), ("1.2.3.4", 32, "1.2.3.4", "1.2.3.5"),
    ("fe80::1", 10, "febf::", "fec0::"), ("::1", 128, "::1", "::2"),
    ("8592:757c:efae:4e45::", 64, "8592:757c:efae:4e45:ffff::", "8592:757c::")])
def test_a_subnet_blocks_what_shares_its_prefix(block_list, net, prefix, inside, outside):
    block_list.add_subnet(net, prefix)
    assert block_list.check(inside) and not block_list.check(outside)


def test_rules_are_written_as_node_writes_them_newest_first(block_list):
    block_list.add_address("1.1.1.1")
    block_list.add_range("10.0.0.1", "10.0.0.10")
    block_list.add_subnet("8592:757C:efae:4e45:0::", 64)
    assert block_list.rules == ["Subnet: IPv6 8592:757c:efae:4e45::/64", "Range: IPv4 10.0.0.1-10.0.0.10",
                                "Address: IPv4 1.1.1.1"]


def test_a_rule_that_is_added_again_is_the_newest_and_not_counted_again(block_list):
    block_list.add_subnet("10.0.0.0", 8)
    block_list.add_address("1.1.1.1")
    block_list.add_subnet("10.1.2.3", 8)
    assert block_list.rules == ["Subnet: IPv4 10.1.2.3/8", "Address: IPv4 1.1.1.1"]
    assert block_list.size == 2


@pytest.mark.parametrize("add, blocked", [
    (lambda it: it.add_address("1.2.3.4"), "::ffff:1.2.3.4"), (lambda it: it.add_address("::ffff:1.2.3.4"), "1.2.3.4"),
    (lambda it: it.add_range("1.2.3.0", "1.2.3.9"), "::ffff:102:304"),
    (lambda it: it.add_range("::ffff:1.2.3.0", "::ffff:1.2.3.9"), "1.2.3.4"),
    (lambda it: it.add_subnet("1.2.3.0", 24), "::ffff:1.2.3.4"),
    (lambda it: it.add_subnet("::ffff:1.2.3.0", 120), "1.2.3.4"),
    (lambda it: it.add_subnet("::", 0), "1.2.3.4"), (lambda it: it.add_range("::", "ffff::"), "1.2.3.4")])
def test_a_rule_holds_for_both_spellings_of_an_ipv4_address(block_list, add, blocked):
    add(block_list)
    assert block_list.check(blocked)


def test_an_ipv4_rule_holds_for_no_other_ipv6_address(block_list):
    block_list.add_subnet("0.0.0.0", 0)
    assert not any(map(block_list.check, ("::1.2.3.4", "::fffe:1.2.3.4", "::1:0:0:0", "8::")))


def test_a_zone_does_not_matter(block_list):
    block_list.add_address("fe80::1%eth0")
    assert block_list.check("fe80::1") and block_list.check("FE80::1%eth_1")
    assert block_list.rules == ["Address: IPv6 fe80::1"]


def test_overlapping_and_adjacent_rules_do_not_hide_each_other(block_list):
    block_list.add_subnet("10.0.0.0", 8)
    block_list.add_address("10.1.1.1")
    block_list.add_range("9.255.255.0", "9.255.255.255")
    assert block_list.check("10.255.0.1") and block_list.check("9.255.255.0") and not block_list.check("11.0.0.0")


def test_random_rules_block_what_ipaddress_says():
    rng = random.Random(5)
    for _ in range(30):
        block_list, ranges = BlockList(), []
        for _ in range(150):
            first = rng.randrange(2000)
            last = min(first + rng.choice((0, 0, 1, 7, 60)), 2000)
            block_list.add_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
            ranges.append((first, last))
            if rng.random() < 0.1 and ranges:
                first, last = ranges.pop(rng.randrange(len(ranges)))
                if (first, last) not in ranges:
                    block_list.remove_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
            if rng.random() < 0.3:
                number = rng.randrange(2000)
                expected = any(low <= number <= high for low, high in ranges)
                assert block_list.check(ipaddress.IPv4Address(number)) is expected


# --- arguments ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["", "x", "1.2.3", "01.2.3.4", "::g", "1.2.3.4/8", "localhost", "1.2.3.4%eth0"])
def test_what_is_no_address_is_refused_everywhere(block_list, text):
    for call in (block_list.add_address, block_list.remove_address, block_list.check, block_list.__contains__,
                 lambda text: block_list.add_range(text, "1.1.1.1"), lambda text: block_list.add_range("1.1.1.1", text),
                 lambda text: block_list.add_subnet(text, 8), lambda text: block_list.add_addresses(["1.1.1.1", text])):
        assert code_of(call, text) == "ERR_INVALID_ADDRESS"


def test_a_family_that_does_not_fit_is_an_invalid_address(block_list):
    block_list.add_address("1.1.1.1", "IPv4")
    assert block_list.check("::1", "ipv6") is False
    for call in (block_list.add_address, block_list.check):
        assert code_of(call, "1.1.1.1", "ipv6") == "ERR_INVALID_ADDRESS"
        assert code_of(call, "::ffff:1.1.1.1", "ipv4") == "ERR_INVALID_ADDRESS"
    assert code_of(block_list.add_range, "1.1.1.1", "::2") == "ERR_INVALID_ADDRESS"


def test_other_bad_arguments_have_the_codes_of_node(block_list):
    assert code_of(block_list.check, 1) == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.check, "1.1.1.1", 4) == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.check, "1.1.1.1", "inet") == "ERR_INVALID_ARG_VALUE"
    assert code_of(block_list.add_range, "1.1.1.2", "1.1.1.1") == "ERR_INVALID_ARG_VALUE"
    assert code_of(block_list.add_subnet, "1.1.1.1", 33) == "ERR_OUT_OF_RANGE"
    assert code_of(block_list.add_subnet, "::", -1) == "ERR_OUT_OF_RANGE"
    assert code_of(block_list.add_subnet, "1.1.1.1", "8") == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.add_subnet, "1.1.1.1", True) == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.add_subnet, "1.1.1.1") == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.add_addresses, "1.1.1.1") == "ERR_INVALID_ARG_TYPE"
    assert code_of(block_list.add_addresses, 5) == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize("cidr, code", [
    ("10.0.0.0", "ERR_INVALID_ARG_VALUE"), ("10.0.0.0/", "ERR_INVALID_ARG_VALUE"),
    ("10.0.0.0/8x", "ERR_INVALID_ARG_VALUE"), ("10.0.0.0/-1", "ERR_INVALID_ARG_VALUE"),
    ("10.0.0.0/33", "ERR_OUT_OF_RANGE"), ("10.0.0/8", "ERR_INVALID_ADDRESS"),
    ("10.0.0.0/8/8", "ERR_INVALID_ADDRESS"), (8, "ERR_INVALID_ARG_TYPE")])
def test_a_bad_cidr_is_refused(block_list, cidr, code):
    assert code_of(block_list.add_cidr, cidr) == code
    assert code_of(block_list.remove_cidr, cidr) == code
    assert code_of(block_list.add_cidrs, ["1.0.0.0/8", cidr]) == code
    assert block_list.size == 0


def test_ipaddress_objects_and_socket_addresses_are_addresses(block_list):
    block_list.add_address(ipaddress.ip_address("1.1.1.1"))
    block_list.add_address(SocketAddress(address="::5", family="ipv6", port=80))
    block_list.add_range(ipaddress.ip_address("2.0.0.0"), "2.0.0.9")
    block_list.add_subnet(ipaddress.ip_network("10.0.0.0/8"))
    block_list.add_cidr(ipaddress.ip_network("fc00::/7"))
    for text in ("1.1.1.1", "2.0.0.5", "10.9.9.9"):
        assert text in block_list and ipaddress.ip_address(text) in block_list
        assert SocketAddress(address=text) in block_list
    assert ipaddress.ip_address("::5") in block_list and "fd00::" in block_list
    assert block_list.size == 5


# --- many at once, removing -----------------------------------------------------------------------------------------

def test_many_addresses_are_added_at_once_or_not_at_all(block_list):
    assert code_of(block_list.add_addresses, ["1.1.1.1", "x"]) == "ERR_INVALID_ADDRESS"
    assert block_list.size == 0
    block_list.add_addresses(["1.1.1.1", "::2"])
    assert block_list.rules == ["Address: IPv6 ::2", "Address: IPv4 1.1.1.1"]


def test_private_ranges_are_the_networks_that_are_not_routed(block_list):
    block_list.add_cidrs(BlockList.PRIVATE_RANGES)
    assert block_list.size == 8
    for text in ("10.0.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "::1", "169.254.169.254", "fe80::1",
                 "fd00::1", "::ffff:10.0.0.1"):
        assert block_list.check(text), text
    for text in ("8.8.8.8", "172.32.0.0", "2001:db8::1", "::2", "fec0::1"):
        assert not block_list.check(text), text


@pytest.mark.parametrize("add, remove", [
    (lambda it: it.add_address("10.0.0.1"), lambda it: it.remove_address("10.0.0.1")),
    (lambda it: it.add_range("10.0.0.1", "10.0.0.9"), lambda it: it.remove_range("10.0.0.1", "10.0.0.9")),
    (lambda it: it.add_subnet("10.1.2.3", 8), lambda it: it.remove_subnet("10.0.0.0", 8)),
    (lambda it: it.add_cidr("10.0.0.0/8"), lambda it: it.remove_cidr("10.0.0.0/8"))])
def test_a_rule_can_be_removed(block_list, add, remove):
    add(block_list)
    assert block_list.check("10.0.0.1")
    remove(block_list)
    assert not block_list.check("10.0.0.1") and block_list.rules == []


def test_removing_one_rule_leaves_those_that_overlap_it(block_list):
    block_list.add_cidrs(["10.0.0.0/8", "10.1.0.0/16"])
    block_list.remove_cidr("10.0.0.0/8")
    assert block_list.check("10.1.1.1") and not block_list.check("10.2.0.0")


def test_removing_what_is_not_there_changes_nothing(block_list):
    block_list.add_cidr("10.0.0.0/8")
    block_list.remove_address("10.0.0.0")
    block_list.remove_range("10.0.0.0", "10.255.255.255")
    block_list.remove_cidr("10.0.0.0/9")
    assert block_list.rules == ["Subnet: IPv4 10.0.0.0/8"] and block_list.check("10.0.0.0")


def test_clear_removes_all_rules(block_list):
    block_list.add_cidrs(BlockList.PRIVATE_RANGES)
    assert block_list.check("10.0.0.1")
    block_list.clear()
    assert block_list.size == 0 and not block_list.check("10.0.0.1")


# --- JSON and copies ------------------------------------------------------------------------------------------------

def filled():
    block_list = BlockList()
    block_list.add_cidrs(["10.1.2.3/8", "fe80::/10", "::ffff:1.2.3.4/100"])
    block_list.add_range("2001:db8::1", "2001:db8::9")
    block_list.add_address("99.1.1.1")
    return block_list


@pytest.mark.parametrize("way", [lambda rules: rules, json.dumps, tuple])
def test_from_json_restores_the_rules_and_their_order(block_list, way):
    block_list.from_json(way(filled().to_json()))
    assert block_list.rules == filled().rules
    assert block_list.check("1.2.255.255") and block_list.check("2001:db8::5")


@pytest.mark.parametrize("data, code", [
    ("x", "ERR_INVALID_ARG_VALUE"), ("{}", "ERR_INVALID_ARG_TYPE"), ([1], "ERR_INVALID_ARG_TYPE"),
    (5, "ERR_INVALID_ARG_TYPE"), (["garbage"], "ERR_INVALID_ARG_VALUE"), (["Address: IPv4 x"], "ERR_INVALID_ADDRESS"),
    (["Address: IPv4 ::1"], "ERR_INVALID_ADDRESS"), (["Subnet: IPv6 1.1.1.1/8"], "ERR_INVALID_ADDRESS"),
    (["Range: IPv4 1.1.1.1"], "ERR_INVALID_ADDRESS"), (["Subnet: IPv4 1.1.1.1"], "ERR_INVALID_ARG_VALUE"),
    pytest.param("[" * 100000, "ERR_INVALID_ARG_VALUE", id="nested-ERR_INVALID_ARG_VALUE")])
def test_from_json_adds_nothing_of_what_it_cannot_read(block_list, data, code):
    data = ["Address: IPv4 1.1.1.1"] + data if isinstance(data, list) else data
    assert code_of(block_list.from_json, data) == code
    assert block_list.size == 0


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_has_the_rules_and_a_life_of_its_own(way):
    original = filled()
    made = way(original)
    made.remove_address("99.1.1.1")
    assert original.check("99.1.1.1") and not made.check("99.1.1.1")
    assert made.rules == original.rules[1:]


def test_is_block_list_tells_instances_from_others(block_list):
    assert BlockList.is_block_list(block_list) and not BlockList.is_block_list([])


# --- what a check costs ---------------------------------------------------------------------------------------------

class CountingInt(int):
    """A number that counts how often it is compared."""

    count = 0

    def _compared(self, result):
        type(self).count += 1
        return result

    def __lt__(self, other):
        return self._compared(int(self) < other)

    def __le__(self, other):
        return self._compared(int(self) <= other)

    def __gt__(self, other):
        return self._compared(int(self) > other)

    def __ge__(self, other):
        return self._compared(int(self) >= other)


def comparisons(rules):
    """The most comparisons that a check needed in a list of so many rules that cannot be merged."""
    block_list = BlockList()
    block_list.add_addresses(ipaddress.IPv4Address(3 * number) for number in range(rules))
    block_list.check("0.0.0.0")
    worst = 0
    for number in range(0, 3 * rules, max(1, rules // 50)):
        CountingInt.count = 0
        assert block_list._table.covers(CountingInt(MAPPED + number)) is (number % 3 == 0)
        worst = max(worst, CountingInt.count)
    return worst


def test_a_check_among_100_000_rules_needs_little_more_than_twice_the_comparisons_of_100():
    few, many = comparisons(100), comparisons(100000)
    assert few >= 7
    assert many <= 18
    assert many / few < 2.5


@pytest.fixture
def sorts(monkeypatch):
    """How many rules were sorted, each time that all were."""
    counts = []
    original = blocklist._Table.of.__func__

    def counted(cls, keys):
        keys = list(keys)
        counts.append(len(keys))
        return original(cls, keys)
    monkeypatch.setattr(blocklist._Table, "of", classmethod(counted))
    return counts


def test_adding_many_rules_one_by_one_sorts_them_once(block_list, sorts):
    for number in range(20000):
        block_list.add_address(ipaddress.IPv4Address(2 * number))
    assert block_list.check(ipaddress.IPv4Address(2000)) and not block_list.check(ipaddress.IPv4Address(2001))
    assert sorts == [20000]


def test_adding_a_rule_between_checks_sorts_nothing(block_list, sorts):
    block_list.add_addresses(ipaddress.IPv4Address(2 * number) for number in range(1000))
    block_list.check("::")
    del sorts[:]
    for number in range(1, 300, 2):
        block_list.add_address(ipaddress.IPv4Address(number))
        assert block_list.check(ipaddress.IPv4Address(number))
    assert sorts == []


# --- threads, signal handlers, forks --------------------------------------------------------------------------------

def run_in_threads(*calls):
    problems = []

    def guarded(call):
        try:
            call()
        except BaseException as problem:
            problems.append(problem)
    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_check_beside_changes_sees_the_old_or_the_new_rules(block_list, fast_switching):
    block_list.add_cidr("10.0.0.0/8")
    done = threading.Event()

    def change():
        try:
            for number in range(1500):
                address = ipaddress.IPv4Address((11 << 24) + 2 * (number % 200))
                block_list.add_address(address)
                assert block_list.check(address)
                if number % 3 == 0:
                    block_list.remove_address(address)
                    assert not block_list.check(address)
        finally:
            done.set()

    def check():
        while not done.is_set():
            assert block_list.check("10.1.1.1")
            assert not block_list.check("11.0.0.1")
            assert "Subnet: IPv4 10.0.0.0/8" in block_list.rules
    run_in_threads(change, check, check)


def test_rules_added_by_many_threads_are_all_there(block_list, fast_switching):
    def add(first):
        for number in range(300):
            block_list.add_address(ipaddress.IPv4Address((first << 16) + 2 * number))
            block_list.check("::1")
    run_in_threads(*[lambda first=first: add(first) for first in range(1, 5)])
    assert block_list.size == 1200
    for first in range(1, 5):
        for number in range(300):
            assert block_list.check(ipaddress.IPv4Address((first << 16) + 2 * number))


def test_a_change_made_in_the_middle_of_another_is_done_on_the_way_out(block_list):
    def interrupted():
        block_list.add_address("1.1.1.1")           # as a signal handler or a finalizer does
        assert block_list.check("2.2.2.2") is True
        block_list.remove_address("2.2.2.2")
    block_list.add_address("2.2.2.2")
    block_list._change(interrupted)
    assert block_list.check("1.1.1.1") and not block_list.check("2.2.2.2")


def test_a_check_in_the_middle_of_a_change_is_answered(block_list):
    block_list.add_address("2.2.2.2")
    answers = []
    block_list._change(lambda: answers.append((block_list.check("2.2.2.2"), block_list.check("3.3.3.3"))))
    assert answers == [(True, False)]


def test_a_change_that_is_broken_off_leaves_a_sound_list(block_list):
    class Stop(BaseException):
        pass

    class Rules(dict):
        def update(self, *arguments):
            super().update(*arguments)
            raise Stop
    block_list.check("::")
    block_list._rules = Rules()
    with pytest.raises(Stop):
        block_list.add_address("1.1.1.1")
    assert block_list.check("1.1.1.1") is True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_can_change_a_list_that_another_thread_was_changing(block_list):
    inside, leave = threading.Event(), threading.Event()

    def hold():
        inside.set()
        leave.wait()
    holder = threading.Thread(target=block_list._change, args=(hold,))
    holder.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        try:
            block_list.add_address("1.1.1.1")
            os._exit(0 if block_list.check("1.1.1.1") else 1)
        finally:
            os._exit(2)
    leave.set()
    holder.join()
    assert os.waitpid(child, 0)[1] == 0
