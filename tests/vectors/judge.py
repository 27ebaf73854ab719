#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""judge.py FILE…: says of every case of a `from-kt` file whether its proof is to be accepted, and compares with `expect`.

A verifier written from the draft's text and from model.py, sharing nothing with the library: it takes proofs apart, where
model.py makes them. Exit code 1 when a verdict differs.
"""

import json
import sys

sys.dont_write_bytecode = True  # no cache beside the vectors

from model import (WINDOW_MS, ZERO, balanced, base_ladder, bit, copath, distinguished, frontier, ibst_path, ibst_root,
                   sha256)

INCLUSION, OTHER_LEAF, MISSING = 1, 2, 3


class Refused(Exception):
    pass


def require(claim, why):
    if not claim:
        raise Refused(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        require(self.at + n <= len(self.data), "truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def vector(self, width, read):
        return [read() for _ in range(self.number(width))]

    def end(self):
        require(self.at == len(self.data), "trailing bytes")


# --- Log Tree --------------------------------------------------------------------------------------------------------


def judge_log_tree(case):
    size, entries, retained_size = case["size"], case["entries"], case.get("retained_size", 0)
    values = dict(zip(entries, map(bytes.fromhex, case["values"])))
    require(all(0 <= entry < size for entry in entries), "a leaf outside the tree")
    parts = balanced(0, retained_size)
    retained = dict(zip(parts, map(bytes.fromhex, case.get("retained", []))))
    require(len(retained) == len(parts) and len(values) == len(case["values"]), "counts")
    elements = list(map(bytes.fromhex, case["elements"]))
    wanted = copath(size, entries, retained_size)
    require(len(elements) == len(wanted), "number of elements")
    given = dict(zip(wanted, elements))

    def value(low, high):
        if (low, high) in given:
            return given[low, high]
        if not any(low <= entry < high for entry in entries) and (low, high) in retained:
            return retained[low, high]
        if high - low == 1:
            computed = values[low]
        else:
            half = 1 << ((high - low - 1).bit_length() - 1)
            content = [(b"\x00" if b - a == 1 else b"\x01") + value(a, b)
                       for a, b in ((low, low + half), (low + half, high))]
            computed = sha256(b"".join(content))
        require(retained.get((low, high), computed) == computed, "a retained head")
        return computed

    require(value(0, size).hex() == case["root"], "root")


# --- Prefix Tree -----------------------------------------------------------------------------------------------------


def read_leaf(reader):
    return reader.take(32), reader.take(32)


def read_prefix_proof(reader):
    def result():
        kind = reader.number(1)
        require(kind in (INCLUSION, OTHER_LEAF, MISSING), "result_type")
        leaf = read_leaf(reader) if kind == OTHER_LEAF else None
        return kind, leaf, reader.number(1)

    results = reader.vector(1, result)
    return results, reader.vector(2, lambda: reader.take(32))


def leaf_hash(leaf):
    return sha256(b"\x02" + leaf[0] + leaf[1])


def terminal(key, commitment, result):
    """What a search ended at: a leaf, or None for a missing one."""
    kind, leaf, depth = result
    if kind == INCLUSION:
        require(commitment is not None, "inclusion without a commitment")
        return key, commitment
    if kind == OTHER_LEAF:
        require(leaf[0] != key, "the searched key's own leaf")
        require(all(bit(leaf[0], i) == bit(key, i) for i in range(depth)), "a leaf that belongs elsewhere")
    return leaf


class PrefixTree:
    """What a proof shows of a tree: nested pairs, leaves, None for nothing, and bytes for a value without its node."""

    def __init__(self, searches, proof):
        results, self.elements = proof
        require(len(results) == len(searches), "number of results")
        require(len({key for key, _ in searches}) == len(searches), "a key searched twice")
        ends = [(key, result[2], terminal(key, commitment, result))
                for (key, commitment), result in zip(searches, results)]
        self.elements = list(self.elements)
        self.top = self.build(ends, 0)
        require(not self.elements, "elements left")

    def build(self, ends, depth):
        if not ends:
            require(self.elements, "elements missing")
            return self.elements.pop(0)
        if any(end[1] <= depth for end in ends):
            require(all(end[1] == depth and end[2] == ends[0][2] for end in ends), "depths")
            return ends[0][2]
        return tuple([self.build([end for end in ends if bit(end[0], depth) == side], depth + 1) for side in (0, 1)] +
                     ["parent"])

    def root(self):
        return node_value(self.top)


def is_parent(node):
    return isinstance(node, tuple) and len(node) == 3


def node_value(node):
    if node is None:
        return ZERO
    if isinstance(node, bytes):
        return node
    return sha256(b"\x03" + node_value(node[0]) + node_value(node[1])) if is_parent(node) else leaf_hash(node)


def removed(node, key, depth=0):
    if not is_parent(node):
        require(node is not None and not isinstance(node, bytes) and node[0] == key, "not there")
        return None
    sides = [node[0], node[1]]
    sides[bit(key, depth)] = removed(sides[bit(key, depth)], key, depth + 1)
    return (sides[0], sides[1], "parent")


def added(node, leaf, depth=0):
    if node is None:
        return leaf
    require(not isinstance(node, bytes), "a change where nothing is shown")
    if not is_parent(node):
        require(node[0] != leaf[0], "already there")
        sides = [None, None]
        sides[bit(node[0], depth)] = node
        return added((sides[0], sides[1], "parent"), leaf, depth)
    sides = [node[0], node[1]]
    sides[bit(leaf[0], depth)] = added(sides[bit(leaf[0], depth)], leaf, depth + 1)
    return (sides[0], sides[1], "parent")


def settled(node):
    """Parents with at most one leaf give way to it."""
    if not is_parent(node):
        return node
    left, right = settled(node[0]), settled(node[1])
    if left in (None, ZERO) or right in (None, ZERO):
        other = right if left in (None, ZERO) else left
        if not is_parent(other):
            require(other in (None, ZERO) or not isinstance(other, bytes), "undeterminable")
            return None if other == ZERO else other
    return left, right, "parent"


def json_leaves(leaves):
    return [(bytes.fromhex(leaf["vrf_output"]), bytes.fromhex(leaf["commitment"])) for leaf in leaves]


def judge_prefix_tree(case):
    reader = Reader(bytes.fromhex(case["proof"]))
    proof = read_prefix_proof(reader)
    reader.end()
    searches = [(bytes.fromhex(s["vrf_output"]), bytes.fromhex(s["commitment"]) if s.get("commitment") else None)
                for s in case["searches"]]
    require(PrefixTree(searches, proof).root().hex() == case["root"], "root")


def changed_roots(adds, removes, proof):
    """Steps 2 to 4, 6 and 7 of Auditing, without the comparison."""
    results, _ = proof
    for leaves in (adds, removes):
        require(all(a[0] < b[0] for a, b in zip(leaves, leaves[1:])), "order")
    require(len(results) == len(adds) + len(removes), "number of results")
    require(all(result[0] != INCLUSION for result in results[:len(adds)]), "an added key was there")
    require(all(result[0] == INCLUSION for result in results[len(adds):]), "a removed key was not there")
    tree = PrefixTree([(key, None) for key, _ in adds] + removes, proof)
    after = tree.top
    for key, _ in removes:
        after = removed(after, key)
    for leaf in adds:
        after = added(after, leaf)
    return tree.root().hex(), node_value(settled(after) if removes else after).hex()


def judge_prefix_mutation(case):
    reader = Reader(bytes.fromhex(case["proof"]))
    proof = read_prefix_proof(reader)
    reader.end()
    roots = changed_roots(json_leaves(case["added"]), json_leaves(case["removed"]), proof)
    require(roots == (case["before"], case["after"]), "roots")


def judge_auditor_update(case):
    reader = Reader(bytes.fromhex(case["encoding"]))
    reader.number(8)
    adds, removes = (reader.vector(2, lambda: read_leaf(reader)) for _ in range(2))
    proof = read_prefix_proof(reader)
    reader.end()
    changed_roots(adds, removes, proof)


# --- Combined Tree ---------------------------------------------------------------------------------------------------


class Replay:
    """For a user who has retained nothing."""

    def __init__(self, case, keys):
        self.size, self.log = case["size"], case["timestamps"]
        require(len(self.log) == self.size, "number of timestamps")
        self.keys = {key["version"]: (bytes.fromhex(key["vrf_output"]),
                                      bytes.fromhex(key["commitment"]) if "commitment" in key else None) for key in keys}
        reader = Reader(bytes.fromhex(case["proof"]))
        self.queue = reader.vector(1, lambda: reader.number(8))
        self.proofs = reader.vector(1, lambda: read_prefix_proof(reader))
        self.prefix_roots = reader.vector(1, lambda: reader.take(32))
        self.inclusion = reader.vector(2, lambda: reader.take(32))
        reader.end()
        self.known, self.roots, self.shown = {}, {}, []
        for pos in frontier(self.size):
            self.timestamp(pos)
        self.distinguished = distinguished(self.log, WINDOW_MS)

    def timestamp(self, pos):
        if pos not in self.known:
            require(self.queue, "timestamps missing")
            self.known[pos] = self.queue.pop(0)
            require(self.known[pos] == self.log[pos], "a timestamp of another log")
            ordered = [self.known[p] for p in sorted(self.known)]
            require(ordered == sorted(ordered), "timestamps go back")

    def lookups(self, pos, versions):
        """The outcome for each; versions: exactly those that the proof has."""
        self.timestamp(pos)
        require(self.proofs, "prefix proofs missing")
        proof = self.proofs.pop(0)
        require(len(proof[0]) == len(versions), "number of lookups")
        root = PrefixTree([self.keys[v] for v in versions], proof).root()
        require(self.roots.setdefault(pos, root) == root, "two roots of one entry")
        return [result[0] == INCLUSION for result in proof[0]]

    def ladder(self, pos, target):
        """-1, 0, 1: the greatest version there is below the target, the target, above."""
        require(self.proofs, "prefix proofs missing")
        results = [result[0] == INCLUSION for result in self.proofs[0][0]]
        wanted, outcomes, verdict = [], [], 0
        for version in base_ladder(target):
            before = [included for p, v, included in self.shown
                      if v == version and (p < pos if included else p > pos)]
            if before:
                included = before[0]
            else:
                require(len(wanted) < len(results), "lookups missing")
                included = results[len(wanted)]
                wanted.append(version)
                outcomes.append((pos, version, included))
            if included != (version <= target):
                verdict = 1 if included else -1
                break
        self.lookups(pos, wanted)
        self.shown += outcomes
        return verdict

    def path(self, pos):
        for ancestor in ibst_path(self.size, pos)[:-1]:
            if ancestor not in self.distinguished:
                return
            self.timestamp(ancestor)

    def greatest_version(self, target):
        entries = frontier(self.size)
        found = [p for p in entries if p in self.distinguished]
        for pos in entries[max(len(found) - 1, 0):]:
            verdict = self.ladder(pos, target)
            require(verdict <= 0, "a greater version")
            require(verdict == 0 or pos != self.size - 1, "the greatest version is missing")

    def fixed_version(self, target):
        low, high, above = 0, self.size, None
        while low < high:
            pos = ibst_root(low, high)
            self.timestamp(pos)
            verdict = self.ladder(pos, target)
            if verdict == 0:
                return
            if verdict < 0:
                low = pos + 1
            else:
                high, above = pos, pos
        require(above is not None, "no such version")
        require(all(self.lookups(above, [target])), "the version is missing")

    def contact_monitor(self, monitored):
        ladders = {}
        for pos, version in reversed(monitored):
            self.path(pos)
            if pos in self.distinguished:
                continue
            for entry in [p for p in reversed(ibst_path(self.size, pos)[:-1]) if p > pos]:
                if entry in ladders:
                    require(ladders[entry] > version, "a later entry with no greater version")
                    break
                require(all(self.lookups(entry, [v for v in base_ladder(version) if v <= version])), "rolled back")
                ladders[entry] = version
                if entry in self.distinguished:
                    break

    def assumed(self, pos, target, greatest):
        for version in base_ladder(target):
            if not any(v == version and (p < pos if included else p > pos) for p, v, included in self.shown):
                self.shown.append((pos, version, version <= greatest))
            if (version <= greatest) != (version <= target):
                return

    def owner_update(self, position, n_new, owner):
        start, upcoming = owner["starting"], owner["upcoming"]
        at_start = owner.get("version_at_starting", -1)
        previous = at_start + len(upcoming)
        greatest = previous + n_new
        previous_position = upcoming[-1] if upcoming else start
        require(n_new > 0 and greatest < 1 << 32, "number of new versions")
        require(previous_position < position < self.size, "position")
        entries = frontier(position)
        self.path(position - 1)
        n_distinguished = len([p for p in entries if p in self.distinguished])
        for index in range(max(n_distinguished - 1, 0), len(entries)) if n_distinguished < len(entries) else ():
            pos = entries[index]
            if index < n_distinguished or (previous >= 0 and pos <= previous_position):
                self.assumed(pos, max(previous, 0), at_start + len([p for p in upcoming if p <= pos]))
            else:
                require(self.ladder(pos, max(previous, 0)) == (0 if previous >= 0 else -1), "the previous tree")
        self.path(position)
        extra = [v for v in range(previous + 1, greatest + 1) if v not in base_ladder(greatest)]
        if position not in self.distinguished:
            require(self.ladder(position, greatest) == 0, "the new version is not the greatest")
        if extra:
            require(all(self.lookups(position, extra)), "a new version is missing")

    def finish(self):
        require(not self.queue, "timestamps left")
        require(not self.proofs, "prefix proofs left")
        entries = sorted(self.known)
        without = [p for p in entries if p not in self.roots]
        require(len(self.prefix_roots) == len(without), "number of prefix roots")
        require(len(self.inclusion) == len(copath(self.size, entries, 0)), "number of inclusion elements")


def judge_combined_search(case):
    replay = Replay(case, case["versions"])
    if case["operation"] == "contact-monitor":
        replay.contact_monitor([(entry["position"], entry["version"]) for entry in case["map"]])
    elif case["operation"] == "fixed-version":
        replay.fixed_version(case["greatest"])
    else:
        assert case["operation"] == "greatest-version"
        replay.greatest_version(case["greatest"])
    replay.finish()


def judge_owner_update(case):
    replay = Replay(case, case["keys"])
    replay.owner_update(case["position"], case["new_versions"], case["owner"])
    replay.finish()


KINDS = {
    "log-tree": judge_log_tree,
    "prefix-tree": judge_prefix_tree,
    "prefix-mutation": judge_prefix_mutation,
    "auditor-update": judge_auditor_update,
    "combined-search": judge_combined_search,
    "owner-update": judge_owner_update,
}


def verdict(case):
    try:
        KINDS[case["kind"]](case)
    except Refused as refused:
        return "reject", str(refused)
    return "accept", ""


def main():
    n, differing = 0, 0
    for path in sys.argv[1:]:
        with open(path, encoding="ascii") as file:
            cases = json.load(file)["cases"]
        for case in cases:
            said, why = verdict(case)
            n += 1
            if said != case["expect"]:
                differing += 1
                print(f"{path}: {case['name']}: {said} instead of {case['expect']}{why and ': '}{why}")
    print(f"{n} judged, {differing} differ")
    return 1 if differing or n == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
