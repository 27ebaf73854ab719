# SPDX-License-Identifier: Apache-2.0
"""Answers of a running log are as long as the draft's structures make them, and their tree proofs are, byte for byte, what
the second model (tests/vectors/model.py) makes of the log's own leaves. The model rebuilds the whole log from the feed
for auditors; search keys come from the VRF proofs in the answers."""

import hashlib
import json
import os
import struct
import sys
import tempfile
import urllib.request

from lib_programs import Log, check, random_key, server_verb

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "vectors"))
import model  # noqa: E402

N_LABELS = 300
HEAD = 1 + 8 + 2 + 64  # FullTreeHead: updated, tree_size, signature<0..2^16-1> of Ed25519
VRF_PROOF = 80
OPENING = 16


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")


def fetch(url, body=None):
    headers = {"Content-Type": "application/octet-stream"} if body else {}
    with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=30) as answer:
        return answer.read()


def search_key(proof):
    """VRF_proof_to_hash (RFC 9381), cut to 32 bytes."""
    gamma = model.point_decode(proof[:32])
    return hashlib.sha512(b"\x03\x03" + model.point_encode(model.point_mul(8, gamma)) + b"\x00").digest()[:32]


class Rebuilt:
    """Every entry of the log as the feed for auditors tells it, for one label."""

    def __init__(self, url):
        feed = Reader(fetch(url + "/v1/audit?start=0&limit=256"))
        self.timestamps, self.trees = [], []
        tree = {}
        self.size = feed.number(4)
        for _ in range(self.size):
            start = feed.at
            self.timestamps.append(feed.number(8))
            added = self.read_leaves(feed)
            check(self.read_leaves(feed) == {}, "nothing is removed")
            _, _, proof = model.prefix_proof(tree, list(added))
            length = 8 + 2 + 64 * len(added) + 2 + len(proof)
            check(feed.take(len(proof)) == proof and feed.at - start == length,
                  f"entry {len(self.trees)}: {len(added)} leaves, a proof of {len(proof)} bytes")
            tree = {**tree, **added}
            self.trees.append(tree)
        check(feed.at == len(feed.data), "nothing else is in the feed")
        self.leaves = [model.leaf_value(t, model.prefix_value(tree))
                       for t, tree in zip(self.timestamps, self.trees)]
        self.distinguished = model.distinguished(self.timestamps, model.WINDOW_MS)

    @staticmethod
    def read_leaves(feed):
        return {feed.take(32): feed.take(32) for _ in range(feed.number(2))}

    def look_at(self, keys):
        """keys: {version: search key} of one label."""
        self.keys = keys
        self.greatest = [max((v for v, key in keys.items() if key in tree), default=-1) for tree in self.trees]

    def key(self, version):
        return self.keys[version]


def judge_search(url, rebuilt, label, target, fixed):
    """The label's greatest version is `target`, or version `target` is asked for."""
    request = b"\x00" + model.opaque8(label.encode()) + (b"\x01" + model.u32(target) if fixed else b"\x00")
    answer = Reader(fetch(url + "/v1/search", request))
    answer.take(HEAD)
    check(fixed or answer.number(4) == target, f"{label}: version {target}")
    versions = model.base_ladder(target)
    answer.take(OPENING)
    value_len = answer.number(4)
    answer.take(value_len)
    check(answer.number(1) == len(versions), f"{label}: the ladder has the model's {len(versions)} steps")
    steps = {}
    keys = {}
    for version in versions:
        keys[version] = search_key(answer.take(VRF_PROOF))
        steps[version] = answer.take(32) if answer.number(1) else None
    rebuilt.look_at(keys)
    newest = rebuilt.trees[-1]
    for version, commitment in steps.items():
        wanted = newest.get(keys[version]) if version != target else None
        check(commitment == wanted, f"{label}: step {version} has a commitment exactly when it is needed")
    prover = model.Prover(rebuilt)
    (prover.fixed_version if fixed else prover.greatest_version)(target)
    proof = prover.finish()
    check(answer.data[answer.at:] == proof, f"{label}: a proof of {len(proof)} bytes")
    n_commitments = sum(commitment is not None for commitment in steps.values())
    length = HEAD + (0 if fixed else 4) + OPENING + 4 + value_len + 1 + len(proof) + len(steps) * (VRF_PROOF + 1) + \
        32 * n_commitments
    check(len(answer.data) == length, f"{label}: {length} bytes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        server_verb("init", path)
        labels = os.path.join(folder, "labels.jsonl")
        with open(labels, "w") as file:
            for i in range(N_LABELS):
                devices = [{"name": "phone", "keys": [{"alg": "raw", "key": random_key()[4:]}]}]
                file.write(json.dumps({"label": f"user-{i}@example.org", "devices": devices}) + "\n")
        server_verb("import", path, labels)
        log = Log(path).start()
        for n, label in ((5, "five@example.org"), (2, "two@example.org")):
            for _ in range(n):
                log.insert(label, "phone")
        rebuilt = Rebuilt(log.url)
        size = struct.unpack(">Q", fetch(log.url + "/v1/tree-head")[1:9])[0]
        check(size == rebuilt.size, "the feed shows the whole log", size, rebuilt.size)
        for label, target in (("user-0@example.org", 0), ("user-299@example.org", 0), ("five@example.org", 4),
                              ("two@example.org", 1)):
            judge_search(log.url, rebuilt, label, target, fixed=False)
        for target in (0, 3):
            judge_search(log.url, rebuilt, "five@example.org", target, fixed=True)
        log.stop()


main()
