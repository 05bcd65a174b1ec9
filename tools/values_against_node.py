#!/usr/bin/env python3
"""Compare addresses, block lists and encodings with real Node, on generated values.

    tools/values_against_node.py --node PATH [--count 100000] [--seed 1] [--record FILE]

Makes `count` cases from `seed` (valid values, near misses, mutations), asks one Node process about all of them, and
prints every disagreement that is not one of the differences named in `DIFFERENCES`. The last line is
'N agree, M documented differences, K disagree'; exits 1 if K is not 0. `--record` writes cases and answers down
instead, for the tests: tests/data/values_from_node.jsonl was made with `--count 400 --seed 7`.
"""
import argparse
import collections
import ipaddress
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from netcompat.addresses import SocketAddress, is_ip  # noqa: E402
from netcompat.blocklist import BlockList  # noqa: E402
from netcompat.encodings import decoder, encode, normalize  # noqa: E402

DIFFERENCES = {
    "absent": "Node before 22.13 has no SocketAddress.parse",
    "parse": "SocketAddress.parse takes addresses only, where Node takes what its URL parser makes an address of",
    "port 80": "SocketAddress.parse keeps port 80, the default of the URL that Node makes of the text",
    "unreadable": "BlockList.check raises for what is no address, where Node says 'not blocked'",
    "repeated": "a rule that is added again is one rule, and the newest (Node lists it twice, 26 where it was)",
    "by kind": "rules are listed newest first (Node 26 lists addresses, then subnets, then ranges)",
    "wide range": "an IPv6 range that contains IPv4-mapped addresses holds for these IPv4 addresses too",
    "python codec": "Python's text codecs are known besides Node's encodings",
    "long zone": "Node cuts an IPv6 address before a zone after 39 characters",
}

NODE_PROGRAM = r"""
'use strict';
const { BlockList, SocketAddress, isIP } = require('net');
const { StringDecoder } = require('string_decoder');
const tried = (call) => { try { return call(); } catch (error) { return { code: String(error.code) }; } };
const methods = { address: 'addAddress', range: 'addRange', subnet: 'addSubnet' };
const answers = {
  ip: (text) => isIP(text),
  parse: (text) => {
    if (!SocketAddress.parse) throw { code: 'ABSENT' };
    const found = SocketAddress.parse(text);
    return found === undefined ? null : found.toJSON();
  },
  address: (options) => new SocketAddress(options).toJSON(),
  block(rules, checks) {
    const list = new BlockList();
    const added = rules.map(([kind, ...rest]) => tried(() => { list[methods[kind]](...rest); return null; }));
    return [added, list.rules, checks.map((check) => tried(() => list.check(...check)))];
  },
  encode: (text, encoding) => Buffer.from(text, encoding).toString('hex'),
  decode(hex, encoding, cuts) {
    const bytes = Buffer.from(hex, 'hex');
    const decoder = new StringDecoder(encoding);
    let text = '', last = 0;
    for (const cut of [...cuts, bytes.length]) {
      text += decoder.write(bytes.subarray(last, cut));
      last = cut;
    }
    return text + decoder.end();
  },
  name: (encoding) => new StringDecoder(encoding).encoding,
};
const output = [];
for (const line of require('fs').readFileSync(0, 'utf8').split('\n')) {
  if (line === '') continue;
  const [kind, ...rest] = JSON.parse(line);
  output.push(JSON.stringify(tried(() => answers[kind](...rest))));
}
process.stdout.write(output.join('\n') + '\n');
"""

# ---- ours ----

METHODS = {"address": "add_address", "range": "add_range", "subnet": "add_subnet"}


def tried(call):
    """What `call()` returns, or the code of its error as Node's program reports it."""
    try:
        return call()
    except (TypeError, ValueError) as problem:
        return {"code": problem.code}


def ours_parse(text):
    found = SocketAddress.parse(text)
    return None if found is None else found.to_json()


def ours_block(rules, checks):
    block_list = BlockList()
    added = [tried(lambda: getattr(block_list, METHODS[kind])(*rest)) for kind, *rest in rules]
    return [added, block_list.rules, [tried(lambda: block_list.check(*check)) for check in checks]]


def ours_decode(text, encoding, cuts):
    data = bytes.fromhex(text)
    decoding = decoder(encoding)
    parts = [decoding.decode(data[low:high]) for low, high in zip([0] + cuts, cuts + [len(data)])]
    return "".join(parts) + decoding.decode(b"", True)


OURS = {"ip": is_ip, "parse": ours_parse, "address": lambda options: SocketAddress(**options).to_json(),
        "block": ours_block, "encode": lambda text, encoding: encode(text, encoding).hex(), "decode": ours_decode,
        "name": normalize}

# ---- cases ----


def ipv4(rng):
    return ".".join(str(rng.choice((0, 1, 9, 10, 99, 127, 192, 249, 255, rng.randrange(256)))) for _ in range(4))


def ipv6(rng):
    """An IPv6 address in one of its spellings."""
    words = ["%x" % rng.choice((0, 0, 0, 1, 0xffff, rng.randrange(65536))) for _ in range(8)]
    if rng.random() < 0.3:
        words = ["0"] * 5 + [rng.choice(("ffff", "FFFF", "0"))] + words[6:]
    if rng.random() < 0.3:
        words = [word.zfill(rng.randint(1, 4)) for word in words]
    if rng.random() < 0.2:
        words[6:] = [ipv4(rng)]
    if rng.random() < 0.6:
        start = rng.randrange(len(words))
        end = rng.randint(start, min(start + 5, len(words)))
        text = ":".join(words[:start]) + "::" + ":".join(words[end:])
    else:
        text = ":".join(words)
    if rng.random() < 0.2:
        text = text.upper()
    if rng.random() < 0.1:
        text += "%" + "".join(rng.choice("abz019-.:_% é") for _ in range(rng.randrange(6)))
    return text


def mutated(rng, text):
    """`text` with a few characters inserted, removed, replaced or repeated."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.randint(0, len(text))
        what = rng.choice("0123456789abcdefABCF::::....%[]/ gZ-_xX+@\u0663\uff11\n")
        text = rng.choice((text[:place] + what + text[place:], text[:place] + text[place + 1:],
                           text[:place] + what + text[place + 1:], text[:place] + text[place - 2:]))
    return text


def address(rng, odds=0.3):
    text = ipv4(rng) if rng.random() < 0.5 else ipv6(rng)
    return mutated(rng, text) if rng.random() < odds else text


def port_text(rng):
    return rng.choice(("", "", ":80", ":81", ":0", ":", ":65535", ":65536", ":008080", ":99999", ":+1", ": 1",
                       ":%d" % rng.randrange(70000)))


def near(rng, text):
    """An address close to `text`: its neighbours decide whether a rule's edges are right."""
    found = ipaddress.ip_address(text.partition("%")[0])
    bits = found.max_prefixlen
    number = int(found) + rng.choice((0, 0, 1, -1, 255, -256, 1 << rng.randrange(bits), -(1 << rng.randrange(bits))))
    near_by = type(found)(number % (1 << bits))
    if bits == 32 and rng.random() < 0.3:
        return rng.choice(("::ffff:%s" % near_by, "::%s" % near_by))
    if bits == 128 and near_by.ipv4_mapped and rng.random() < 0.5:
        return str(near_by.ipv4_mapped)
    return str(near_by)


def family_of(text):
    return "ipv6" if ":" in text else "ipv4"


def valid(rng):
    """An address that both sides read without difference."""
    while True:
        text = address(rng, 0)
        if is_ip(text) and len(text) < 39:
            return text


def block_case(rng):
    rules, known = [], [valid(rng) for _ in range(3)]
    for _ in range(rng.randint(0, 8)):
        kind = rng.choice(("address", "range", "subnet"))
        first = rng.choice(known)
        if rng.random() < 0.1:
            first = mutated(rng, first)
        family = rng.choice((family_of(first), family_of(first).upper())) if rng.random() < 0.97 else "ipv4"
        if kind == "address":
            rules.append([kind, first, family])
        elif kind == "range":
            last = near(rng, first) if is_ip(first) and rng.random() < 0.7 else rng.choice(known)
            rules.append([kind, first, last, family])
        else:
            bits = 32 if family.lower() == "ipv4" else 128
            rules.append([kind, first, rng.choice((0, 8, bits - 8, bits, bits + 1, rng.randint(0, bits))), family])
    checks = []
    for _ in range(10):
        text = near(rng, rng.choice(known)) if rng.random() < 0.9 else address(rng)
        checks.append([text, family_of(text)])
    return ["block", rules, checks]


def any_text(rng):
    alphabet = rng.choice(("abc", "\x00\x7f\x80\xff", "é€\u07ff\u0800\uffff", "😀\U0010ffff\ud800\udbff\udc00\udfff",
                           "aé€😀\ud83d\ude00"))
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def digits(rng, encoding):
    """Text in `encoding`, mostly readable."""
    if encoding == "hex":
        text = bytes(rng.randrange(256) for _ in range(rng.randrange(rng.choice((12, 200))))).hex()
    else:
        text = "".join(rng.choice("ABCXYZabcxyz0189+/-_") for _ in range(rng.randrange(rng.choice((12, 60, 400)))))
        text += "=" * (-len(text) % 4 if rng.random() < 0.5 else rng.randrange(4))
    for _ in range(rng.choice((0, 0, 0, 1, 2, 5))):
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice("=\n \t*,gG~\x00é\u0161\u2603\U0001f600") + text[place + rng.randint(0, 1):]
    return text


FRAGMENTS = [bytes.fromhex(text) for text in (
    "41 7f 80 bf c0 c1 c2 c3a9 df e0 e0a0 e080 e282 e282ac ed eda080 edb080 ed9fbf ee8080 ef ef bf efbbbf efbfbd f0 "
    "f09f f09f98 f09f9880 f0808080 f48fbfbf f4908080 f5 f8 ff fe 3dd8 00de 3d d8 de 4100 fffe 00").split()]


def some_bytes(rng):
    return b"".join(rng.choice(FRAGMENTS) if rng.random() < 0.8 else bytes([rng.randrange(256)])
                    for _ in range(rng.randrange(rng.choice((4, 10, 80)))))


NAMES = ("utf8 utf-8 ucs2 ucs-2 utf16le utf-16le latin1 binary ascii hex base64 base64url UTF-8 Utf8 UCS-2 Latin1 "
         "BASE64 utf_8 utf-16-le iso-8859-1 cp1252 utf-16 rot13 zlib bz2 idna undefined buffer none utf_7 hex_codec "
         "base_64 shift_jis big5 koi8-r").split()
DATA_ENCODINGS = ("utf8", "utf8", "utf16le", "latin1", "ascii", "hex", "base64", "base64url")


def encode_case(rng):
    encoding = rng.choice(("utf8", "utf16le", "latin1", "ascii", "hex", "base64", "base64url"))
    text = digits(rng, encoding) if encoding in ("hex", "base64", "base64url") else any_text(rng)
    return ["encode", text, encoding]


def decode_case(rng):
    data = some_bytes(rng)
    cuts = sorted(rng.randint(0, len(data)) for _ in range(rng.randrange(5)))
    return ["decode", data.hex(), rng.choice(DATA_ENCODINGS), cuts]


def address_case(rng):
    text = address(rng)
    options = {"address": text, "family": family_of(text)}
    if rng.random() < 0.1:
        options["family"] = rng.choice(("ipv4", "IPv6", "IPV4", "inet", ""))
    if rng.random() < 0.3:
        options["port"] = rng.choice((0, 1, 80, 65535, 65536, -1))
    if rng.random() < 0.3:
        options["flowlabel"] = rng.choice((0, 1, 0xFFFFF, -1, 1 << 32))
    return ["address", options]


def parse_case(rng):
    text = address(rng, 0)
    text = ("[%s]" % text if ":" in text else text) + port_text(rng)
    return ["parse", mutated(rng, text) if rng.random() < 0.4 else text]


CASES = ((25, lambda rng: ["ip", address(rng, 0.6)]), (15, parse_case), (15, address_case), (10, block_case),
         (15, encode_case), (18, decode_case),
         (2, lambda rng: ["name", rng.choice(NAMES) if rng.random() < 0.7 else mutated(rng, rng.choice(NAMES))]))


def make_cases(seed, count):
    rng = random.Random(seed)
    weights, makers = zip(*CASES)
    return [make(rng) for make in rng.choices(makers, weights, k=count)]

# ---- comparing ----


def number_of(text):
    return int(ipaddress.ip_address(text.partition("%")[0]))


def wide_range(rules, text):
    """Does one of the IPv6 ranges in `rules` contain the IPv4-mapped form of `text` but begin or end elsewhere?"""
    if ":" in text:
        return False
    number, block = number_of("::ffff:" + text), range(0xFFFF << 32, 0x10000 << 32)
    for rule in rules:
        if rule.startswith("Range: IPv6 "):
            low, high = map(number_of, rule[12:].split("-"))
            if low <= number <= high and not (low in block and high in block):
                return True
    return False


def identity(rule):
    """What two texts of the same rule have in common."""
    if rule.startswith("Subnet: "):
        return str(ipaddress.ip_network(rule.split(" ")[2], strict=False))
    return rule


def without_repeats(rules):
    """Node's rules, newest first, without those that are the same rule as a newer one."""
    kept = {}
    for rule in rules:
        kept.setdefault(identity(rule), rule)
    return list(kept.values())


def by_kind(rules):
    """In the order of Node 26: addresses, subnets, ranges, in each the order that they have."""
    return sorted(rules, key=lambda rule: ("Address", "Subnet", "Range").index(rule.partition(":")[0]))


def verdict_on_rules(ours, node):
    if ours == node:
        return "agree"
    if ours == without_repeats(node):
        return "repeated"
    if by_kind(ours) == node:
        return "by kind"
    same = set(map(identity, ours)) == set(map(identity, node))
    return "repeated" if same and node == by_kind(node) else "disagree"


def cut_zone(text):
    return isinstance(text, str) and text.find("%") > 39


def compare(case, ours, node):
    """Yield (verdict, what, ours, node) for each thing that a case compares: 'agree', 'disagree' or a difference."""
    kind = case[0]
    if kind == "block" and isinstance(ours, list) and isinstance(node, list):
        for rule, mine, theirs in zip(case[1], ours[0], node[0]):
            cut = any(map(cut_zone, rule))
            yield "agree" if mine == theirs else "long zone" if cut else "disagree", rule, mine, theirs
        if ours[0] != node[0]:
            return
        yield verdict_on_rules(ours[1], node[1]), case[1], ours[1], node[1]
        for check, mine, theirs in zip(case[2], ours[2], node[2]):
            verdict = "agree" if mine == theirs else "disagree"
            if mine == {"code": "ERR_INVALID_ADDRESS"}:
                verdict = "long zone" if cut_zone(check[0]) else "unreadable" if theirs is False else "disagree"
            elif mine is not theirs and cut_zone(check[0]):
                verdict = "long zone"
            elif mine is True and theirs is False and wide_range(ours[1], check[0]):
                verdict = "wide range"
            yield verdict, [ours[1], check], mine, theirs
        return
    verdict = "agree" if ours == node else "disagree"
    if verdict == "disagree":
        if kind == "parse" and node == {"code": "ABSENT"}:
            verdict = "absent"
        elif kind == "parse" and ours is None:
            verdict = "parse"
        elif kind == "parse" and ours and node and ours["port"] == 80 and dict(ours, port=0) == node:
            verdict = "port 80"
        elif kind == "name" and node == {"code": "ERR_UNKNOWN_ENCODING"} and "".encode(ours) is not None:
            verdict = "python codec"
        elif kind == "address" and cut_zone(case[1]["address"]):
            verdict = "long zone"
    yield verdict, case, ours, node


def ask(node, cases):
    """The answers of the Node program `node` to `cases`."""
    asked = "".join(json.dumps(case) + "\n" for case in cases)
    answer = subprocess.run([node, "-e", NODE_PROGRAM], input=asked, stdout=subprocess.PIPE, check=True,
                            encoding="utf-8").stdout
    answers = [json.loads(line) for line in answer.split("\n") if line]
    if len(answers) != len(cases):
        sys.exit("Node answered %d of %d cases" % (len(answers), len(cases)))
    return answers


def verdicts_on(cases, answers):
    """Count the verdicts; returns the counts and the disagreements: (what, ours, node)."""
    counts, disagreements = collections.Counter(), []
    for case, node in zip(cases, answers):
        ours = tried(lambda: OURS[case[0]](*case[1:]))
        for verdict, what, mine, theirs in compare(case, ours, node):
            counts[verdict] += 1
            if verdict == "disagree":
                disagreements.append((what, mine, theirs))
    return counts, disagreements


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--node", default="node", help="the Node program to ask (default: node)")
    parser.add_argument("--count", type=int, default=100000, help="number of cases (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generator (default: 1)")
    parser.add_argument("--record", metavar="FILE", help="write cases and answers to this file, and compare nothing")
    options = parser.parse_args()

    cases = make_cases(options.seed, options.count)
    answers = ask(options.node, cases)
    if options.record:
        with open(options.record, "w") as file:
            file.writelines(json.dumps(pair) + "\n" for pair in zip(cases, answers))
        return
    counts, disagreements = verdicts_on(cases, answers)
    for disagreement in disagreements[:50]:
        print("%s\n  netcompat: %s\n  Node:      %s" % tuple(map(json.dumps, disagreement)))
    for name in sorted(DIFFERENCES):
        if counts[name]:
            print("%6d x %s: %s" % (counts[name], name, DIFFERENCES[name]))
    documented = sum(counts[name] for name in DIFFERENCES)
    print("%d agree, %d documented differences, %d disagree" % (counts["agree"], documented, counts["disagree"]))
    sys.exit(1 if disagreements else 0)


if __name__ == "__main__":
    main()
