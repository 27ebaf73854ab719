#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vector files beside this script.

A second model of the protocol, written from the text of draft-ietf-keytrans-protocol and RFC 9381 alone and as plainly
as possible: whole trees, no proofs without building them, Python's integers and hashes. The C library shares nothing
with it. The VRF is first held against an example of RFC 9381. Run it after changing it; the files are committed.
"""

import hashlib
import hmac
import json
import os

DAY_MS = 86400000
START_MS = 1700000000000
WINDOW_MS = 7 * DAY_MS


def sha256(data):
    return hashlib.sha256(data).digest()


def u8(n):
    return n.to_bytes(1, "big")


def u32(n):
    return n.to_bytes(4, "big")


def u64(n):
    return n.to_bytes(8, "big")


def opaque8(data):
    return u8(len(data)) + data


def opaque16(data):
    return len(data).to_bytes(2, "big") + data


def opaque32(data):
    return u32(len(data)) + data


def optional(data):
    return b"\x00" if data is None else b"\x01" + data


# --- Implicit Binary Search Tree, Updating Views of the Tree ---------------------------------------------------------


def ibst_root(low, high):
    return low + (1 << ((high - low).bit_length() - 1)) - 1


def ibst_path(size, pos):
    """Root first, pos last."""
    low, high, path = 0, size, []
    while True:
        root = ibst_root(low, high)
        path.append(root)
        if root == pos:
            return path
        low, high = (low, root) if pos < root else (root + 1, high)


def ibst_children(size):
    """Every node's (left, right), from the inductive definition."""
    children = {}

    def walk(low, high):
        if low == high:
            return None
        root = ibst_root(low, high)
        children[root] = (walk(low, root), walk(root + 1, high))
        return root

    walk(0, size)
    return children


def frontier(size):
    return ibst_path(size, size - 1)


def update_view(size, advertised):
    if advertised == size:
        return []
    if advertised == 0:
        return frontier(size)
    entries = [p for p in reversed(ibst_path(size, advertised - 1)) if p >= advertised]
    last = entries[-1] if entries else advertised - 1
    return entries + [p for p in frontier(size) if p > last]


def distinguished(timestamps, window):
    found = set()

    def walk(low, high, left, right):
        if low == high or right - left < window:
            return
        root = ibst_root(low, high)
        found.add(root)
        walk(low, root, left, timestamps[root])
        walk(root + 1, high, timestamps[root], right)

    walk(0, len(timestamps), 0, timestamps[-1])
    return found


# --- Binary Ladder ---------------------------------------------------------------------------------------------------


def base_ladder(greatest):
    """"First, version x of the label is looked up, where x is a consecutively higher power of two minus one", until one
    is missing; then a binary search. Versions that cannot exist are skipped as if missing."""
    versions, lower, upper, step = [], 0, None, 0
    while upper is None:
        version = (1 << step) - 1
        versions.append(version)
        if version <= greatest:
            lower = version
        else:
            upper = version
        step += 1
    while lower + 1 < upper:
        version = (lower + upper) // 2
        versions.append(version)
        if version <= greatest:
            lower = version
        else:
            upper = version
    return [v for v in versions if v < 1 << 32]


def search_ladder(target, greatest, left_inclusion=(), right_non_inclusion=()):
    versions = []
    for version in base_ladder(target):
        versions.append(version)
        if (version <= greatest) != (version <= target):
            break
    return [v for v in versions if v not in left_inclusion and v not in right_non_inclusion]


# --- Log Tree --------------------------------------------------------------------------------------------------------


def leaf_value(timestamp, prefix_root):
    return sha256(u64(timestamp) + prefix_root)


def log_value(leaves, low, high):
    if high - low == 1:
        return leaves[low]
    half = 1 << ((high - low - 1).bit_length() - 1)

    def content(a, b):
        return (b"\x00" if b - a == 1 else b"\x01") + log_value(leaves, a, b)

    return sha256(content(low, low + half) + content(low + half, high))


def balanced(low, high):
    """Largest balanced subtrees of [low, high), left to right, low being where a balanced subtree may begin."""
    parts = []
    while low < high:
        half = 1 << ((high - low).bit_length() - 1)
        parts.append((low, low + half))
        low += half
    return parts


def copath(size, leaves, retained):
    """Heads a proof carries: of balanced subtrees, none of them computable from what the verifier has."""
    known = balanced(0, retained)

    def walk(low, high):
        inside = [leaf for leaf in leaves if low <= leaf < high]
        if high - low == 1 and inside:
            return []
        if not inside and (low, high) in known:
            return []
        is_balanced = (high - low) & (high - low - 1) == 0
        touches = any(a < high and low < b and (a, b) != (low, high) and b - a <= high - low for a, b in known)
        if not inside and not touches and is_balanced:
            return [(low, high)]
        half = 1 << ((high - low - 1).bit_length() - 1)
        return walk(low, low + half) + walk(low + half, high)

    return walk(0, size)


def flat(low, high):
    return 2 * low + (high - low) - 1


# --- Prefix Tree -----------------------------------------------------------------------------------------------------

ZERO = bytes(32)


def bit(key, depth):
    return key[depth // 8] >> (7 - depth % 8) & 1


def prefix_value(tree, depth=0):
    """tree: {vrf_output: commitment}, all sharing `depth` bits."""
    if not tree:
        return ZERO
    if len(tree) == 1:
        ((key, commitment),) = tree.items()
        return sha256(b"\x02" + key + commitment)
    sides = [{k: v for k, v in tree.items() if bit(k, depth) == side} for side in (0, 1)]
    return sha256(b"\x03" + prefix_value(sides[0], depth + 1) + prefix_value(sides[1], depth + 1))


def prefix_search(tree, key):
    depth = 0
    while len(tree) > 1:
        tree = {k: v for k, v in tree.items() if bit(k, depth) == bit(key, depth)}
        depth += 1
    if not tree:
        return {"result_type": 3, "depth": depth} if depth else {"result_type": 3, "depth": 0}
    ((leaf, commitment),) = tree.items()
    if leaf == key:
        return {"result_type": 1, "depth": depth}
    return {"result_type": 2, "depth": depth,
            "leaf": {"vrf_output": leaf.hex(), "commitment": commitment.hex()}}


def prefix_elements(tree, keys, depth=0):
    if not keys:
        return [prefix_value(tree, depth)]
    if len(tree) <= 1:
        return []
    elements = []
    for side in (0, 1):
        elements += prefix_elements({k: v for k, v in tree.items() if bit(k, depth) == side},
                                    [k for k in keys if bit(k, depth) == side], depth + 1)
    return elements


def prefix_proof(tree, keys):
    results = [prefix_search(tree, key) for key in keys]
    elements = prefix_elements(tree, keys)
    encoded = u8(len(results))
    for result in results:
        leaf = result.get("leaf")
        encoded += u8(result["result_type"])
        encoded += bytes.fromhex(leaf["vrf_output"] + leaf["commitment"]) if leaf else b""
        encoded += u8(result["depth"])
    return results, elements, encoded + len(elements).to_bytes(2, "big") + b"".join(elements)


def combined_proof(timestamps, prefix_proofs, prefix_roots, inclusion):
    return (u8(len(timestamps)) + b"".join(u64(t) for t in timestamps) +
            u8(len(prefix_proofs)) + b"".join(prefix_proofs) +
            u8(len(prefix_roots)) + b"".join(prefix_roots) +
            len(inclusion).to_bytes(2, "big") + b"".join(inclusion))


# --- ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381) -------------------------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P)


def point_mul(n, a):
    result = (0, 1)
    while n:
        if n & 1:
            result = point_add(result, a)
        a = point_add(a, a)
        n >>= 1
    return result


def point_decode(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    square = u * pow(v, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x, y)


def point_encode(a):
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def expand(seed):
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return int.from_bytes(digest[:32], "little"), bytes(digest[32:])


def vrf_prove(seed, alpha):
    """(public key, proof, whole output)"""
    x, nonce_key = expand(seed)
    public = point_encode(point_mul(x, BASE))
    point, counter = None, 0
    while point is None:
        digest = hashlib.sha512(b"\x03\x01" + public + alpha + u8(counter) + b"\x00").digest()
        point = point_decode(digest[:32])
        counter += 1
    point = point_mul(8, point)
    hashed = point_encode(point)
    gamma = point_mul(x, point)
    k = int.from_bytes(hashlib.sha512(nonce_key + hashed).digest(), "little") % Q
    parts = [public, hashed, point_encode(gamma), point_encode(point_mul(k, BASE)), point_encode(point_mul(k, point))]
    challenge = hashlib.sha512(b"\x03\x02" + b"".join(parts) + b"\x00").digest()[:16]
    s = (k + int.from_bytes(challenge, "little") * x) % Q
    output = hashlib.sha512(b"\x03\x03" + point_encode(point_mul(8, gamma)) + b"\x00").digest()
    return public, point_encode(gamma) + challenge + s.to_bytes(32, "little"), output


SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")


def check_rfc9381():
    """Appendix B.3, Example 16."""
    public, proof, output = vrf_prove(SEED, b"")
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert proof.hex() == ("8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed"
                           "1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805")
    assert output.hex() == ("90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d0345045"
                            "1af026798e8f81cd2e333de5cdf4f3e140fdd8ae")


# --- the files ---------------------------------------------------------------------------------------------------------


def case(name, given, expect):
    return {"name": name, "input": given, "expect": expect}


def ibst_cases():
    for size in (1, 2, 14, 50):
        children = ibst_children(size)
        nodes = [{"index": i, "left": children[i][0], "right": children[i][1]} for i in range(size)]
        yield case(f"size-{size}", {"size": size}, {"root": frontier(size)[0], "frontier": frontier(size), "nodes": nodes})
    assert frontier(50) == [31, 47, 49] and frontier(13) == [7, 11, 12]  # the draft's examples


def ladder_cases():
    assert base_ladder(6) == [0, 1, 3, 7, 5, 6] and base_ladder(2) == [0, 1, 3, 2]  # the draft's examples
    for n in (0, 2, 6, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1):
        yield case(f"base-greatest-{n}", {"kind": "base", "greatest": n}, {"versions": base_ladder(n)})
        yield case(f"monitoring-target-{n}", {"kind": "monitoring", "target": n},
                   {"versions": [v for v in base_ladder(n) if v <= n]})
    for t, n, left, right in ((2, 2, [], []), (2, 2, [0, 1, 2], []), (2, 2, [], [3]), (6, 2, [0], [7]), (2, 6, [], []),
                              (2**32 - 1, 5, [], []), (5, 2**32 - 1, [], []), (2**32 - 1, 2**32 - 1, [0, 1], [])):
        yield case(f"search-target-{t}-greatest-{n}-omitting-{len(left)}-{len(right)}",
                   {"kind": "search", "target": t, "greatest": n, "left_inclusion": left, "right_non_inclusion": right},
                   {"versions": search_ladder(t, n, left, right)})


def interpretation_cases():
    pairs = [(t, n) for t in range(9) for n in range(9)] + [(2**32 - 1, 2**31), (2**31, 2**32 - 2)]
    for t, n in pairs:
        ladder = search_ladder(t, n)
        yield case(f"target-{t}-greatest-{n}",
                   {"target": t, "greatest": n, "ladder": ladder, "results": [v <= n for v in ladder]},
                   {"verdict": (n > t) - (n < t)})


def update_view_cases():
    assert update_view(13, 4) == [7, 11, 12]  # the draft's worked example
    for size in (1, 2, 3, 13, 31, 50):
        for advertised in range(size + 1):
            given = {"size": size, "advertised": advertised} if advertised else {"size": size}
            yield case(f"size-{size}-advertised-{advertised}", given, {"entries": update_view(size, advertised)})


def worked_timestamps():
    """T_12 - T_7 is at least the window, T_12 - T_11 is less."""
    return [START_MS + i * DAY_MS * 2 for i in range(13)]


def distinguished_cases():
    for name, timestamps, window in (("worked-example", worked_timestamps(), WINDOW_MS),
                                     ("window-zero", worked_timestamps(), 0),
                                     ("all-at-once", [START_MS] * 13, WINDOW_MS),
                                     ("none", list(range(13)), WINDOW_MS)):
        found = sorted(distinguished(timestamps, window))
        size = len(timestamps)
        left = [p for p in found if p < size - 1]

        def asked(path):
            """Down a path, until an entry is not distinguished: the last one's timestamp is known."""
            return [p for i, p in enumerate(path) if all(q in found for q in path[:i + 1])]

        rightmost = [size - 1] + [p for p in asked(frontier(size)) if p != size - 1]
        previous = [size - 1] + [p for p in asked(ibst_path(size, size - 2)) if p != size - 1]
        expect = {"requested_rightmost": rightmost, "requested_previous": previous,
                  "requested": sorted(set(rightmost + previous))}
        if found:
            expect["rightmost"] = found[-1]
        if left:
            expect["previous_rightmost"] = left[-1]
        yield case(name, {"size": size, "window": window, "timestamps": timestamps}, expect)


def log_math_cases():
    for size in (1, 2, 6, 7, 13):
        yield case(f"full-subtrees-size-{size}", {"kind": "full-subtrees", "size": size},
                   {"indices": [flat(*part) for part in balanced(0, size)]})
    # The draft's two illustrations and its worked example, whose answers it gives.
    for name, size, leaves, retained, parts in (
            ("figure-inclusion-of-leaf-2", 6, [2], 0, [(0, 2), (3, 4), (4, 6)]),
            ("figure-consistency-of-5-and-7", 7, [], 5, [(5, 6), (6, 7)]),
            ("worked-example", 13, [7, 11, 12], 4, [(4, 6), (6, 7), (8, 10), (10, 11)])):
        assert copath(size, leaves, retained) == parts
        yield case(name, {"kind": "batch-copath", "size": size, "leaves": leaves, "retained_size": retained},
                   {"indices": [flat(*part) for part in parts]})


def prefix_roots(n):
    return [sha256(b"prefix tree " + u8(i)) for i in range(n)]


def log_tree_cases():
    for size, requests in ((1, [([0], 0)]), (6, [([2], 0)]), (7, [([], 5)]), (13, [([7, 11, 12], 4), ([3], 4), ([], 8)])):
        roots = prefix_roots(size)
        leaves = [leaf_value(START_MS + i, roots[i]) for i in range(size)]
        proofs = []
        for proven, retained in requests:
            elements = [log_value(leaves, *part) for part in copath(size, proven, retained)]
            proofs.append({"elements": [e.hex() for e in elements],
                           "proof": (len(elements).to_bytes(2, "big") + b"".join(elements)).hex()})
        yield case(f"size-{size}",
                   {"entries": [{"timestamp": START_MS + i, "prefix_tree": roots[i].hex()} for i in range(size)],
                    "requests": [{"proven_leaves": p, "retained_size": r} for p, r in requests]},
                   {"leaf_values": [v.hex() for v in leaves], "root": log_value(leaves, 0, size).hex(),
                    "full_subtrees": [log_value(leaves, *part).hex() for part in balanced(0, size)], "proofs": proofs})


def log_append_cases():
    for size in range(1, 14):
        roots = prefix_roots(size)
        leaves = [leaf_value(START_MS + i, roots[i]) for i in range(size)]
        entry = {"timestamp": START_MS + size - 1, "prefix_tree": roots[-1].hex()}
        yield case(f"size-{size}", {"size": size, "leaves": [v.hex() for v in leaves], "entries": [entry]},
                   {"full_subtrees": [log_value(leaves, *part).hex() for part in balanced(0, size)],
                    "root": log_value(leaves, 0, size).hex()})


def bits(text):
    """A search key that begins with these bits."""
    return int(text.ljust(256, "0"), 2).to_bytes(32, "big")


def prefix_tree_cases():
    figure = {bits(text): sha256(name) for text, name in
              (("00010", b"A"), ("00101", b"B"), ("10001", b"C"), ("10111", b"D"), ("11011", b"E"))}
    with_f = dict(figure)
    with_f[bits("01101")] = sha256(b"F")
    for name, tree, keys in (("empty-tree", {}, ["1"]), ("figure-of-five", figure, ["00010", "01101", "10111", "111"]),
                             ("figure-of-six", with_f, ["01101"]), ("figure-of-six-absent", with_f, ["0111", "1010"])):
        keys = [bits(text) for text in keys]
        results, elements, encoded = prefix_proof(tree, keys)
        yield case(name, {"entries": [{"vrf_output": k.hex(), "commitment": v.hex()} for k, v in tree.items()],
                          "searches": [k.hex() for k in keys]},
                   {"root": prefix_value(tree).hex(), "results": results, "elements": [e.hex() for e in elements],
                    "proof": encoded.hex(), "commitments": [tree.get(k, b"").hex() for k in keys]})


def commitment_cases():
    constant = bytes.fromhex("d821f8790d97709796b4d7903357c3f5")
    for name, label, version, value in (("a-label", b"alice@example.org", 7, b"a value"), ("empty", b"", 0, b""),
                                        ("greatest-version", b"\xff" * 255, 2**32 - 1, b"\x00" * 300)):
        opening = sha256(name.encode())[:16]
        content = opening + opaque8(label) + u32(version) + opaque32(value)
        commitment = hmac.new(constant, content, hashlib.sha256).digest()
        given = {"opening": opening.hex(), "label": label.hex(), "version": version, "update": {"value": value.hex()}}
        yield case(name, given, {"commitment_value": content.hex(), "commitment": commitment.hex()})
        wrong = dict(given, version=version ^ 1, commitment=commitment.hex())
        yield case(name + "-for-another-version", wrong, {"error": True})


def vrf_cases():
    for name, label, version in (("a-label", b"alice@example.org", 0), ("a-later-version", b"alice@example.org", 258),
                                 ("empty-label", b"", 1), ("longest-label", b"\xff" * 255, 2**32 - 1)):
        alpha = opaque8(label) + u32(version)
        public, proof, output = vrf_prove(SEED, alpha)
        given = {"private_key": SEED.hex(), "public_key": public.hex(), "label": label.hex(), "version": version}
        yield case(name, given, {"vrf_input": alpha.hex(), "proof": proof.hex(), "output": output[:32].hex()})
        yield case(name + "-for-another-version", dict(given, version=version ^ 1, proof=proof.hex()), {"error": True})


def request_cases():
    label = b"alice@example.org"
    entries = [(3, 1), (2**40, 2**32 - 1)]
    encoded_map = u8(len(entries)) + b"".join(u64(p) + u32(v) for p, v in entries)
    json_map = [{"position": p, "version": v} for p, v in entries]
    for last in (None, 2**40 + 1):
        known = {} if last is None else {"last": last}
        begin = optional(None if last is None else u64(last)) + opaque8(label)
        form = "first-time" if last is None else "returning"
        for kind, fields, rest in (
                ("search-request", {}, optional(None)),
                ("search-request", {"version": 9}, optional(u32(9))),
                ("contact-monitor-request", {"entries": json_map}, encoded_map),
                ("owner-init-request", {"start": 31}, u64(31)),
                ("owner-monitor-request", {"entries": json_map, "start": 31, "greatest_version": 0},
                 encoded_map + u64(31) + optional(u32(0))),
                ("update-request", {"values": [b"new".hex(), ""]}, optional(None) + u8(2) + opaque32(b"new") + opaque32(b"")),
        ):
            name = "-".join([kind, form] + sorted(fields))
            yield case(name, {"kind": kind, "label": label.hex(), **known, **fields}, {"encoding": (begin + rest).hex()})
    opening, signature = sha256(b"opening")[:16], sha256(b"r") + sha256(b"s")
    yield case("update-info-management",
               {"kind": "update-info", "mode": 2, "opening": opening.hex(), "signature": signature.hex()},
               {"encoding": (opening + opaque16(signature)).hex()})


def worked_example():
    """The log of the draft's worked example, for a user who has retained nothing: a label with versions 0 to 2, the
    last of them in entry 10, and one other leaf in every entry."""
    timestamps = worked_timestamps()
    keys = {v: sha256(b"search key " + u8(v)) for v in range(4)}
    commitments = {v: sha256(b"commitment " + u8(v)) for v in range(3)}
    inserted = {0: 1, 1: 5, 2: 10}
    trees = []
    for pos in range(13):
        tree = {sha256(b"other " + u8(i)): sha256(b"value " + u8(i)) for i in range(pos + 1)}
        tree.update({keys[v]: commitments[v] for v in inserted if inserted[v] <= pos})
        trees.append(tree)
    leaves = [leaf_value(timestamps[i], prefix_value(trees[i])) for i in range(13)]
    versions = [{"version": v, "vrf_output": keys[v].hex(),
                 **({"commitment": commitments[v].hex()} if v in commitments else {})} for v in range(4)]
    return timestamps, keys, trees, leaves, versions


def combined_cases():
    timestamps, keys, trees, leaves, versions = worked_example()
    assert sorted(distinguished(timestamps, WINDOW_MS))[-1] == 11

    def proof(lookups, extra_ms=(), roots=(7,), inclusion=True):
        proofs = [prefix_proof(trees[pos], [keys[v] for v in ladder])[2] for pos, ladder in lookups]
        elements = [log_value(leaves, *part) for part in copath(13, [7, 11, 12], 0)]
        return combined_proof([timestamps[i] for i in (7, 11, 12)] + list(extra_ms), proofs,
                              [prefix_value(trees[i]) for i in roots], elements if inclusion else elements[:-1])

    full, omitted = (11, [0, 1, 3, 2]), (12, [3])
    for name, verdict, encoded in (
            ("worked-example", "accept", proof([full, omitted])),
            ("nothing-omitted", "reject", proof([full, (12, [0, 1, 3, 2])])),
            ("non-inclusion-omitted", "reject", proof([full, (12, [])])),
            ("lookups-out-of-order", "reject", proof([(11, [0, 1, 2, 3]), omitted])),
            ("starts-at-the-root", "reject", proof([(7, [0, 1, 3, 2]), full, omitted], roots=())),
            ("timestamp-too-many", "reject", proof([full, omitted], extra_ms=[timestamps[3]])),
            ("root-too-few", "reject", proof([full, omitted], roots=())),
            ("root-too-many", "reject", proof([full, omitted], roots=(7, 11))),
            ("element-too-few", "reject", proof([full, omitted], inclusion=False)),
            ("trailing-byte", "reject", proof([full, omitted]) + b"\x00")):
        yield {"kind": "combined-search", "name": name, "expect": verdict, "operation": "greatest-version", "size": 13,
               "greatest": 2, "timestamps": timestamps, "versions": versions, "proof": encoded.hex()}
    assert combined_proof([], [], [], []) == b"\x00\x00\x00\x00\x00"


FILES = {
    "ibst": (ibst_cases, None),
    "binary-ladder": (ladder_cases, None),
    "ladder-interpretation": (interpretation_cases, 2),
    "update-view": (update_view_cases, None),
    "distinguished": (distinguished_cases, None),
    "log-math": (log_math_cases, None),
    "log-tree": (log_tree_cases, 2),
    "log-append": (log_append_cases, 2),
    "prefix-tree": (prefix_tree_cases, 2),
    "commitment": (commitment_cases, 2),
    "vrf": (vrf_cases, 2),
    "requests": (request_cases, 2),
    "from-kt": (combined_cases, 2),
}


def main():
    check_rfc9381()
    here = os.path.dirname(os.path.abspath(__file__))
    for primitive, (cases, suite) in FILES.items():
        document = {"primitive": primitive, "draft": "draft-ietf-keytrans-protocol",
                    "generator": "make_vectors.py"}
        if suite is not None:
            document["cipher_suite"] = suite
        document["cases"] = list(cases())
        with open(os.path.join(here, primitive + ".json"), "w", encoding="ascii") as file:
            file.write(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
