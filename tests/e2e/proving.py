#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kt-server prove: every label's proofs are there, none is computed again, kill -9 loses nothing that was stored, and people
who look labels up believe what they get."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

from lib_programs import SERVER, Log, Person, check, random_key, server_verb

N = 2100  # labels: three ranges, the last one not full
MANY = 6000
BUDGET_S = 60


def line(label, name):
    return json.dumps({"label": label, "devices": [{"name": name, "keys": [{"alg": "raw", "key": random_key()[4:]}]}]})


def new_log(work, name, lines):
    folder = os.path.join(work, name)
    path = folder + ".jsonl"
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    server_verb("init", folder)
    server_verb("import", folder, path)
    return folder


def prove(folder, *options, expect=0):
    done = subprocess.run([SERVER, "prove", folder, "--json", *options], capture_output=True, text=True, timeout=120)
    check(done.returncode == expect, f"prove exits with {expect}", done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def stored(folder):
    """(label's number, version): (has an output, the proof)"""
    db = sqlite3.connect(f"file:{folder}/log.db?mode=ro", uri=True)
    rows = {}
    for key, *pair in db.execute("SELECT key, even, odd FROM vrf_proofs"):
        for side, proof in enumerate(pair):
            if proof is not None:
                rows[key >> 31, (key & 0x7fffffff) * 2 + side] = (proof[0], proof[33 * proof[0] + 1 - proof[0]:])
    db.close()
    return rows


def ladder(greatest):
    """The versions of a binary ladder (draft: Binary Ladder): powers of two less one up to the first that is not there, then
    halvings of what is left."""
    versions, low, power = set(), -1, 1
    while power - 1 <= greatest:
        versions.add(power - 1)
        low, power = power - 1, power * 2
    high = power - 1
    versions.add(high)
    while low + 1 < high:
        middle = (low + high) // 2
        versions.add(middle)
        low, high = (middle, high) if middle <= greatest else (low, middle)
    return versions


def everything_is_proved_once(work):
    lines = [line(f"l{i}", "x") for i in range(N)]
    lines += [line("often", f"d{i}") for i in range(7)] + [line("twice", f"d{i}") for i in range(2)]
    folder = new_log(work, "once", lines)
    check(stored(folder) == {}, "an import leaves the proofs to others")
    some = prove(folder, "--limit", "1500")
    check((some["labels"], some["proofs"]) == (1500, 3000), "the first labels alone", some)
    first = stored(folder)
    check({label for label, _ in first} == set(range(1, 1501)), "in their order")
    rest = prove(folder)
    want = {(label, version) for label in range(1, N + 1) for version in ladder(0)}
    want |= {(N + 1, version) for version in ladder(6)} | {(N + 2, version) for version in ladder(1)}
    check(rest["labels"] == N + 2 and rest["proofs"] == len(want) - 3000, "what is there is not computed again", rest)
    rows = stored(folder)
    check(set(rows) == want, "the ladder of each newest version, and nothing else")
    check(all(rows[key] == value for key, value in first.items()), "and what is there stays")
    greatest = {N + 1: 6, N + 2: 1}
    check(all(row[0] == (version > greatest.get(label, 0)) for (label, version), row in rows.items()),
          "an output is kept where no leaf has it")
    again = prove(folder)
    check((again["labels"], again["proofs"]) == (N + 2, 0), "a log that is proved stays as it is", again)
    said = server_verb("prove", folder)
    check("already" in said and str(N + 2) in said, "and a person is told so", said)
    server_verb("trail", folder)
    with open(os.path.join(folder, "admin-trail")) as file:
        trail = [json.loads(record) for record in file]
    steps = [(record["result"], record["n"]) for record in trail if record["action"] == "prove"]
    check(steps[:4] == [("begun", 0), ("done", 3000), ("begun", 0), ("done", rest["proofs"])], "the trail tells", steps)
    server_verb("fsck", folder)
    people_believe_it(work, folder)
    return folder


def vrf_rows(folder):
    return len(stored(folder))


def people_believe_it(work, folder):
    before = vrf_rows(folder)
    log = Log(folder).start()
    refused = prove(folder, expect=3)
    check("stop the log first" in refused["reason"]["text"], "not beside a running log", refused)
    config = os.path.join(work, "config")
    server_verb("config", folder, "-o", config)
    bob = Person(os.path.join(work, "bob"))
    bob.json("init", log.url, "--config", config)
    for label, version in (("l0", 0), ("l1499", 0), (f"l{N - 1}", 0), ("often", 6), ("twice", 1)):
        found = bob.json("lookup", label, "--allow-unsigned")
        check(found["version"] == version, f"{label} verifies", found)
    log.stop()
    check(vrf_rows(folder) == before, "lookups of newest versions needed no other proof")


def survives(work):
    """kill -9 at any moment: what is stored stays, and the next one goes on from there."""
    folder = new_log(work, "killed", [line(f"l{i}", "x") for i in range(MANY)])
    reached = [0]
    begun = time.monotonic()
    while len(reached) < 4 and time.monotonic() - begun < BUDGET_S:
        process = subprocess.Popen([SERVER, "prove", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < until and vrf_rows(folder) == reached[-1]:
            time.sleep(0.02)
        process.kill()
        process.communicate()
        reached.append(vrf_rows(folder))
        if reached[-1] == 2 * MANY:
            break
    check(reached == sorted(reached) and reached[1] > 0, "nothing is lost", reached)
    rows = stored(folder)
    check(sorted(rows)[-1][0] * 2 == len(rows), "what is stored are the first labels, without a gap", reached)
    rest = prove(folder)
    check(rest["labels"] == MANY and rest["proofs"] == 2 * MANY - reached[-1], "the rest follows", rest, reached)


def odd_folders(work):
    empty = os.path.join(work, "empty")
    server_verb("init", empty)
    check(prove(empty)["proofs"] == 0, "a log without labels")
    check("no labels" in server_verb("prove", empty), "is named")
    for limit in ("0", "-1", "many", ""):
        refused = prove(empty, "--limit", limit, expect=2)
        check("--limit" in refused["reason"]["text"], f"no limit: {limit!r}", refused)
    with open(os.path.join(empty, "read-only"), "w") as file:
        file.write("a copy\n")
    refused = prove(empty, expect=1)
    check("read only" in refused["reason"]["text"], "a marked folder is left alone", refused)
    folder = new_log(work, "gaps", [line(f"l{i}", "x") for i in range(20)])
    for i in (0, 7, 19):
        server_verb("erase", folder, f"l{i}")
    said = prove(folder)
    check((said["labels"], said["proofs"]) == (17, 34), "erased labels have none", said)
    check(re.search(r"\b17 labels", server_verb("prove", folder)) is not None, "and are not counted")


def main():
    with tempfile.TemporaryDirectory() as work:
        for part in (everything_is_proved_once, survives, odd_folders):
            print("#", part.__name__)
            part(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
