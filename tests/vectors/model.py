# SPDX-License-Identifier: Apache-2.0
"""A second model of the protocol, for make_vectors.py.

Written from the text of draft-ietf-keytrans-protocol and RFC 9381 alone and as plainly as possible: whole trees, no
proofs without building them, Python's integers and hashes. The C library shares nothing with it.
"""

import hashlib

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
        has_known = any(low <= a and b <= high for a, b in known)
        if not inside and not has_known and is_balanced:
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
        return {"result_type": 3, "depth": depth}
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


# --- a log with one label, and the proofs it gives ----------------------------------------------------------------------


class Log:
    """versions_at[i]: how many versions of the label entry i adds. Every entry adds one other leaf."""

    def __init__(self, timestamps, versions_at, window):
        self.timestamps = timestamps
        self.size = len(timestamps)
        self.distinguished = distinguished(timestamps, window)
        self.keys, self.commitments, self.greatest, self.trees = {}, {}, [], []
        tree, n = {}, 0
        for pos, added in enumerate(versions_at):
            tree = dict(tree)
            tree[sha256(b"other " + u8(pos))] = sha256(b"value " + u8(pos))
            for _ in range(added):
                self.commitments[n] = sha256(b"commitment " + u8(n))
                tree[self.key(n)] = self.commitments[n]
                n += 1
            self.greatest.append(n - 1)
            self.trees.append(tree)
        self.leaves = [leaf_value(t, prefix_value(tree)) for t, tree in zip(timestamps, self.trees)]

    def key(self, version):
        return self.keys.setdefault(version, sha256(b"search key " + u32(version)))


class Prover:
    """A CombinedTreeProof in the making, for a user who has retained nothing. `shown` is what omission goes by."""

    def __init__(self, log):
        self.log, self.asked, self.series, self.inspected, self.shown = log, [], [], [], []
        for pos in frontier(log.size):
            self.timestamp(pos)

    def timestamp(self, pos):
        if pos not in self.asked:
            self.asked.append(pos)

    def lookups(self, pos, versions):
        self.timestamp(pos)
        self.inspected.append(pos)
        self.series.append(prefix_proof(self.log.trees[pos], [self.log.key(v) for v in versions])[2])

    def ladder(self, pos, target, provide=True):
        """A search binary ladder "omitting redundant lookups"; provide False: as if it had been."""
        greatest = self.log.greatest[pos]
        left = [v for p, v, included in self.shown if included and p < pos]
        right = [v for p, v, included in self.shown if not included and p > pos]
        versions = search_ladder(target, greatest, left, right)
        self.shown += [(pos, v, v <= greatest) for v in versions]
        if provide:
            self.lookups(pos, versions)

    def path(self, pos):
        """Timestamps "on the path from the root to the parent of the log entry …, stopping if a non-distinguished log
        entry is established".
        """
        for ancestor in ibst_path(self.log.size, pos)[:-1]:
            if ancestor not in self.log.distinguished:
                return
            self.timestamp(ancestor)

    def greatest_version(self, target):
        entries = frontier(self.log.size)
        found = [p for p in entries if p in self.log.distinguished]
        for pos in entries[max(len(found) - 1, 0):]:
            self.ladder(pos, target)

    def fixed_version(self, target):
        low, high, above = 0, self.log.size, None
        while low < high:
            pos = ibst_root(low, high)
            self.ladder(pos, target)
            if self.log.greatest[pos] == target:
                return
            if self.log.greatest[pos] < target:
                low = pos + 1
            else:
                high, above = pos, pos
        self.lookups(above, [target])

    def contact_monitor(self, monitored):
        """monitored: [(position, version)], ascending. False where the algorithm ends with an error."""
        ladders = {}
        for pos, version in reversed(monitored):
            self.path(pos)
            if pos in self.log.distinguished:
                continue
            for entry in [p for p in reversed(ibst_path(self.log.size, pos)[:-1]) if p > pos]:
                if entry in ladders:
                    if ladders[entry] > version:
                        break
                    return False
                self.lookups(entry, [v for v in base_ladder(version) if v <= version])
                ladders[entry] = version
                if entry in self.log.distinguished:
                    break
        return True

    def owner_update(self, position, n_new, previous_position):
        previous = self.log.greatest[position - 1]
        greatest = previous + n_new
        entries = frontier(position)
        self.path(position - 1)
        n_distinguished = len([p for p in entries if p in self.log.distinguished])
        if n_distinguished < len(entries):
            # The greatest-version search that step 2 is a part of starts at the rightmost distinguished entry.
            for index in range(max(n_distinguished - 1, 0), len(entries)):
                pos = entries[index]
                skipped = index < n_distinguished or (previous >= 0 and pos <= previous_position)
                self.ladder(pos, max(previous, 0), provide=not skipped)
        self.path(position)
        extra = [v for v in range(previous + 1, greatest + 1) if v not in base_ladder(greatest)]
        if position not in self.log.distinguished:
            self.ladder(position, greatest)
        if extra:
            self.lookups(position, extra)

    def finish(self):
        log = self.log
        roots = [prefix_value(log.trees[p]) for p in sorted(self.asked) if p not in self.inspected]
        elements = [log_value(log.leaves, *part) for part in copath(log.size, sorted(self.asked), 0)]
        return combined_proof([log.timestamps[p] for p in self.asked], self.series, roots, elements)
