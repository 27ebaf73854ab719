#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vector files beside this script, from the model in model.py. Run it after changing either; the files are
committed. With an argument N, from-kt.json gets N random logs instead of a few, and goes to the standard output.
"""

import hashlib
import hmac
import json
import os
import random
import sys

sys.dont_write_bytecode = True  # no cache beside the vectors

from model import (Log, Prover, balanced, base_ladder, combined_proof, copath, distinguished, flat, frontier,
                   ibst_children, ibst_path, leaf_value, log_value, opaque16, opaque32, opaque8, optional, prefix_proof,
                   prefix_value, search_ladder, sha256, u32, u64, u8, update_view, vrf_prove, DAY_MS, START_MS, WINDOW_MS)

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")


def check_rfc9381():
    """Appendix B.3, Example 16."""
    public, proof, output = vrf_prove(SEED, b"")
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert proof.hex() == ("8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed"
                           "1f479d9727d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805")
    assert output.hex() == ("90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d0345045"
                            "1af026798e8f81cd2e333de5cdf4f3e140fdd8ae")


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


def key_list(log, n):
    return [{"version": v, "vrf_output": log.key(v).hex(),
             **({"commitment": log.commitments[v].hex()} if v in log.commitments else {})} for v in range(n)]


def worked_cases():
    """The log of the draft's worked example, for a user who has retained nothing: a label with versions 0 to 2, the
    last of them in entry 10."""
    versions_at = [1 if pos in (1, 5, 10) else 0 for pos in range(13)]
    log = Log(worked_timestamps(), versions_at, WINDOW_MS)
    assert max(log.distinguished) == 11

    def proof(lookups, extra_ms=(), roots=(7,), inclusion=True):
        proofs = [prefix_proof(log.trees[pos], [log.key(v) for v in ladder])[2] for pos, ladder in lookups]
        elements = [log_value(log.leaves, *part) for part in copath(13, [7, 11, 12], 0)]
        return combined_proof([log.timestamps[i] for i in (7, 11, 12)] + list(extra_ms), proofs,
                              [prefix_value(log.trees[i]) for i in roots], elements if inclusion else elements[:-1])

    full, omitted = (11, [0, 1, 3, 2]), (12, [3])
    for name, verdict, encoded in (
            ("worked-example", "accept", proof([full, omitted])),
            ("nothing-omitted", "reject", proof([full, (12, [0, 1, 3, 2])])),
            ("non-inclusion-omitted", "reject", proof([full, (12, [])])),
            ("lookups-out-of-order", "reject", proof([(11, [0, 1, 2, 3]), omitted])),
            ("starts-at-the-root", "reject", proof([(7, [0, 1, 3, 2]), full, omitted], roots=())),
            ("timestamp-too-many", "reject", proof([full, omitted], extra_ms=[log.timestamps[3]])),
            ("root-too-few", "reject", proof([full, omitted], roots=())),
            ("root-too-many", "reject", proof([full, omitted], roots=(7, 11))),
            ("element-too-few", "reject", proof([full, omitted], inclusion=False)),
            ("trailing-byte", "reject", proof([full, omitted]) + b"\x00")):
        yield {"kind": "combined-search", "name": name, "expect": verdict, "operation": "greatest-version", "size": 13,
               "greatest": 2, "timestamps": log.timestamps, "versions": key_list(log, 4), "proof": encoded.hex()}


def random_log(rng):
    """Some of these have no distinguished entry, some only distinguished ones."""
    size, step = rng.randint(2, 16), rng.choice((0, DAY_MS // 2, 3 * DAY_MS, 16 * DAY_MS))
    timestamps = [rng.choice((0, START_MS))]
    while len(timestamps) < size:
        timestamps.append(timestamps[-1] + rng.randint(0, step))
    return Log(timestamps, [rng.choice((0, 0, 1, 1, 2, 3)) for _ in range(size)], WINDOW_MS)


def search_case(rng, log, operation):
    prover = Prover(log)
    greatest = log.greatest[-1]
    fields = {}
    if operation == "greatest-version":
        prover.greatest_version(greatest)
    elif operation == "fixed-version":
        greatest = rng.randint(0, greatest)
        prover.fixed_version(greatest)
    else:
        positions = [p for p in range(log.size) if log.greatest[p] > (log.greatest[p - 1] if p else -1)]
        chosen = sorted(rng.sample(positions, rng.randint(1, min(3, len(positions)))))
        fields["map"] = [{"position": p, "version": log.greatest[p]} for p in chosen]
        if not prover.contact_monitor([(p, log.greatest[p]) for p in chosen]):
            return None
    return {"kind": "combined-search", "operation": operation, "size": log.size, "greatest": greatest, **fields,
            "timestamps": log.timestamps, "versions": key_list(log, 2 * len(log.commitments) + 2),
            "proof": prover.finish().hex()}


def update_case(rng, log):
    """An owner who has processed everything before the insertion at `position`, one version an entry."""
    starts = [p for p in sorted(log.distinguished) if p + 1 < log.size]
    if not starts:
        return None
    start = rng.choice(starts)
    added = [(p, log.greatest[p] - log.greatest[p - 1]) for p in range(start + 1, log.size)]
    inserted = [(p, n) for p, n in added if n > 0]
    upcoming = []
    for position, n_new in inserted:
        if n_new > 1 or rng.random() < 0.3:
            break
        upcoming.append(position)
    else:
        return None
    prover = Prover(log)
    prover.owner_update(position, n_new, upcoming[-1] if upcoming else start)
    owner = {"starting": start, "upcoming": upcoming}
    if log.greatest[start] >= 0:
        owner["version_at_starting"] = log.greatest[start]
    return {"kind": "owner-update", "size": log.size, "position": position, "new_versions": n_new, "owner": owner,
            "timestamps": log.timestamps, "keys": key_list(log, 2 * len(log.commitments) + 2),
            "proof": prover.finish().hex()}


def random_cases(count):
    rng = random.Random(1)
    for i in range(count):
        log = random_log(rng)
        if log.greatest[-1] < 0:
            continue
        for operation in ("greatest-version", "fixed-version", "contact-monitor", "owner-update"):
            made = update_case(rng, log) if operation == "owner-update" else search_case(rng, log, operation)
            if made is not None:
                yield {"name": f"random-{i}-{operation}", "expect": "accept", **made}


def combined_cases(count=8):
    yield from worked_cases()
    yield from random_cases(count)


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
    if len(sys.argv) > 1:
        print(json.dumps({"primitive": "from-kt", "cases": list(combined_cases(int(sys.argv[1])))}))
        return
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
