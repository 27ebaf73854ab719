#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two people in one room whose log shows each of them another history: the scan says fork and verifies nobody; the files
that it keeps, exchanged, make evidence of two signatures on both sides, which a third person checks with nothing but the
pinned configuration. That also works when the log stopped answering."""

import os
import shutil
import sys
import tempfile

from lib_people import new_log, new_person
from lib_programs import FAKETIME, Log, Person, check

AHEAD_H = 26  # a reasonable monitoring window later there are distinguished heads that the two do not share


def fork(log):
    """The operator copies the folder; each copy takes entries of its own."""
    log.stop()
    copy = Log(log.folder + "-fork")
    shutil.copytree(log.folder, copy.folder)
    for day in (1, 2):
        for number, branch in enumerate((log, copy)):
            branch.start(ahead_h=AHEAD_H * day)
            branch.insert(f"mallory-{number}-{day}", "m")
            branch.stop()
    log.start(ahead_h=2 * AHEAD_H)
    copy.start(ahead_h=2 * AHEAD_H)
    return copy


def scan(person, other, payload, url):
    before = person.json("contact", "show", other.label)["contact"]
    found = person.json("code", "scan", payload, "--url", url, expect=1)
    check(found["verdict"] == "failed" and found["log_match"] == "fork" and "match" not in found and
          [alert["kind"] for alert in found["alerts"]] == ["fork"], f"{person.label}: the scan finds the fork", found)
    check(person.json("contact", "show", other.label)["contact"] == before, "nobody is verified by it")
    check(os.stat(found["heads_file"]).st_mode & 0o077 == 0 and os.path.dirname(found["heads_file"]) ==
          os.path.join(person.home, "evidence"), "what the log signed is kept", found["heads_file"])
    check(person.json("evidence", "list")["evidence"] == [], "which alone is no evidence yet")
    said = person.run("code", "scan", payload, "--url", url)
    check(found["heads_file"] in said.stderr and "log check FILE" in said.stderr and "proves nothing" in said.stderr,
          "and what to do with it is said", said.stderr)
    return found["heads_file"]


def exported(work, person, name):
    """The evidence of a person, as a file to give away."""
    evidence = [entry for entry in person.json("evidence", "list")["evidence"] if entry["kind"] in ("fork", "inconsistent")]
    check(len(evidence) >= 1 and len(evidence[0]["heads"]) == 2, f"{name} has evidence with two heads", evidence)
    path = os.path.join(work, name + ".evidence")
    person.json("evidence", "export", evidence[0]["id"], path)
    return path


def third_person(work, config, paths):
    """Offline: no home, no log, only the configuration."""
    third = Person(os.path.join(work, "third"))
    for path in paths:
        found = third.json("evidence", "verify", path, "--config", config)
        check(found["contradiction"] and "signed" in found["proves"], f"a third person verifies {path}", found["proves"])
        with open(path, "rb") as file:
            content = file.read()
        with open(path + ".changed", "wb") as file:
            file.write(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        check(third.run("evidence", "verify", path + ".changed", "--config", config).returncode != 0,
              "and none that was changed")


def main():
    if FAKETIME is None:
        print("libfaketime is missing: no day passes", file=sys.stderr)
        return
    work = tempfile.mkdtemp(prefix="kt-scan-")
    try:
        log, config = new_log(work)
        alice, bob = (new_person(work, name, log, config) for name in ("alice", "bob"))
        alice.json("lookup", bob.label)
        bob.json("lookup", alice.label)
        copy = fork(log)
        alice.ahead_h = bob.ahead_h = 2 * AHEAD_H
        from_alice = alice.json("code", "qr", bob.label, "--url", log.url)["payload"]
        from_bob = bob.json("code", "qr", alice.label, "--url", copy.url)["payload"]
        alices = scan(alice, bob, from_bob, log.url)
        bobs = scan(bob, alice, from_alice, copy.url)

        alone = Person(alice.home + "-alone", alice.ahead_h)
        shutil.copytree(alice.home, alone.home)
        gone = alone.json("log", "check", bobs, "--url", "http://127.0.0.1:1", expect=1)
        check(gone["reason"]["code"] == "fork", "two signatures for one size tell without the log", gone)
        same = alone.json("log", "check", alices, "--url", "http://127.0.0.1:1", expect=3)
        check(same["reason"]["code"] == "network", "one's own file proves nothing", same)

        check(alice.json("log", "check", bobs, "--url", log.url, expect=1)["reason"]["code"] == "fork", "alice checks bob's")
        check(bob.json("log", "check", alices, "--url", copy.url, expect=1)["reason"]["code"] == "fork", "bob checks alice's")
        paths = [exported(work, person, name) for person, name in ((alice, "alice"), (bob, "bob"), (alone, "alone"))]
        third_person(work, config, paths)

        # Of unequal size: who sees the larger tree can tie it to the other's signed head, and gives the file away.
        copy.insert("mallory-later", "m")
        bob2 = Person(bob.home + "-later", bob.ahead_h)
        shutil.copytree(bob.home, bob2.home)
        shutil.rmtree(os.path.join(bob2.home, "evidence"))
        check(bob2.json("log", "check", alices, "--url", copy.url, expect=1)["reason"]["code"] == "fork", "a larger tree")
        third_person(work, config, [exported(work, bob2, "bob2")])
        check(alice.alert_kinds() == bob.alert_kinds() == ["fork"], "one alert each, and it stays")
        log.stop()
        copy.stop()
    finally:
        shutil.rmtree(work)


main()
