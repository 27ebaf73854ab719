#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log that keeps entries for seconds, with the real programs: people who are on time are served while it prunes; an
owner and a contact who were away too long are told so and go on; whoever asks for what is gone hears 410; an audit begins
where the log still reaches; the check of the store finds nothing. A log that ran once on a clock far ahead has lost
nothing when the clock is right again, and says why it waits."""

import json
import os
import struct
import tempfile
import time
import urllib.error
import urllib.request

from lib_people import new_person
from lib_programs import FAKETIME, Log, Person, Proxy, check, random_key, server_verb

LIFETIME_S = 8
WINDOW_S = 2


def get(log, path):
    """(status, body) of a GET."""
    try:
        with urllib.request.urlopen(log.url + path, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def short_lived_log(work):
    folder = os.path.join(work, "log")
    server_verb("init", folder, "--reasonable-monitoring-window", f"{WINDOW_S}s", "--maximum-lifetime", f"{LIFETIME_S}s", "--max-behind", "4s",
                "--max-ahead", "1s")
    config = os.path.join(work, "config.bin")
    server_verb("config", folder, "-o", config)
    return Log(folder).start(), config


def status(log):
    return json.loads(server_verb("status", log.folder, "--json"))


def live(log, seconds, *people):
    """The people are on time, time after time."""
    until = time.monotonic() + seconds
    gaps = []
    while time.monotonic() < until:
        for person in people:
            gaps += person.json("monitor", "once").get("gaps", [])
        time.sleep(1)
    check(gaps == [], f"who is on time misses nothing ({seconds} s)", gaps)


def gaps_of(answer):
    return [gap["what"] for gap in answer.get("gaps", [])]


def clock_far_ahead(work):
    """600 hours ahead for a moment, with entries that are kept for two."""
    folder = os.path.join(work, "ahead")
    server_verb("init", folder, "--reasonable-monitoring-window", "1h", "--maximum-lifetime", "2h")
    log = Log(folder).start()
    log.insert("alice@example.org", "phone")
    log.insert("alice@example.org", "phone", "tablet")
    log.stop()
    said = os.path.join(work, "ahead.stderr")
    with open(said, "w") as stderr:
        log.start(ahead_h=600, stderr=stderr)
        log.insert("alice@example.org", "phone", "tablet", "watch")
        time.sleep(2)
        pruned = status(log)["pruned"]
        log.stop()
    check(pruned["first_entry"] == pruned["values"] == 0 and pruned["waiting"] and "clock" in pruned["reason"],
          "a clock that jumps ahead removes nothing", pruned)
    with open(said) as lines:
        check(sum("maximum lifetime" in line for line in lines) == 1, "and is reported once")
    log.start()
    check(status(log)["clock"]["code"] == "clock-behind", "set right, the clock is behind the newest entry")
    pruned = status(log)["pruned"]
    check(pruned["first_entry"] == pruned["values"] == 0 and "PRUNING WAITS" in server_verb("status", folder),
          "nor when it is set right", pruned)
    log.stop()
    pruned = status(log)["pruned"]
    check(pruned["waiting"] and not pruned["stopped"], "the status of a log that does not run says so too", pruned)
    server_verb("fsck", folder)


def main():
    if FAKETIME:
        with tempfile.TemporaryDirectory(prefix="kt-lifetime-") as work:
            clock_far_ahead(work)
    with tempfile.TemporaryDirectory(prefix="kt-lifetime-") as work:
        log, config = short_lived_log(work)
        alice = new_person(work, "alice", log, config)
        carol = new_person(work, "carol", log, config)
        bob = Person(os.path.join(work, "bob"))
        dave = Person(os.path.join(work, "dave"))
        for person in bob, dave:
            person.json("init", log.url, "--config", config)
            person.json("lookup", alice.label)
        dave.json("lookup", carol.label)

        # Alice and Bob stay, Carol and Dave leave; Alice's device set changes meanwhile.
        live(log, 2, alice, bob)
        alice.json("device", "add", alice.label, "--name", "tablet", "--key", random_key())
        log.insert(carol.label, "phone", "intruder")
        live(log, 2, alice, bob)
        log.insert(carol.label, "phone", "second intruder")
        live(log, LIFETIME_S + WINDOW_S + 5, alice, bob)
        bob.json("lookup", alice.label)

        pruned = status(log)["pruned"]
        boundary = pruned["first_entry"]
        check(boundary > 3 and pruned["entries"] > 0 and pruned["nodes"] > 0, "the status tells what was pruned", pruned)
        check(pruned["values"] > 0 and not pruned["stopped"], "old values went too", pruned)
        check("removed as past the maximum lifetime" in server_verb("status", log.folder), "also in words")

        for path in ("/v1/audit?start=0&limit=5", f"/v1/audit?start={boundary}&limit=5", "/v1/audit/state?size=1",
                     f"/v1/audit/state?size={boundary}", f"/v1/log/consistency?old=1&size={boundary + 1}"):
            code, body = get(log, path)
            check(code == 410 and json.loads(body)["type"] == "urn:kt:problem:pruned", f"{path} is gone", code, body)
        size = status(log)["log"]["tree_size"]
        first = size - 2  # a little later than the boundary, which moves on
        code, page = get(log, f"/v1/audit?start={first}&limit=5")
        check(code == 200 and struct.unpack(">I", page[:4])[0] >= 2, "what is kept can be audited", code)
        check(get(log, f"/v1/audit/state?size={first}")[0] == 200, "an audit can begin there")

        expired = bob.run("lookup", alice.label, "--version", "0", "--json")
        check(expired.returncode == 3 and json.loads(expired.stdout)["reason"]["code"] == "expired",
              "a version that expired is said to have expired", expired.stdout, expired.stderr)

        # Dave is back: his view is begun anew, which he is told; what he sees is verified.
        back = dave.json("lookup", alice.label)
        check("the log" in gaps_of(back), "somebody who was away too long is told", back)
        check("gaps" not in dave.json("lookup", alice.label), "once")
        back = json.loads(dave.run("lookup", carol.label, "--json").stdout)
        check(carol.label in gaps_of(back), "also that what he saw could not be followed up", back)
        check("gaps" not in json.loads(dave.run("lookup", carol.label, "--json").stdout), "once")

        # Carol is back: the account is initialized anew, and what is there now is judged.
        answer = carol.run("monitor", "once", "--json")
        told = json.loads(answer.stdout)
        check(carol.label in gaps_of(told), "an owner who was away too long is told", told, answer.stderr)
        check("unknown-device" in carol.alert_kinds() or "version-not-mine" in carol.alert_kinds(),
              "and hears of what is there now", carol.alert_kinds())
        again = json.loads(carol.run("monitor", "once", "--json").stdout)
        check("gaps" not in again, "once", again)

        # A log that says so to somebody who was not away is not believed.
        refusal = json.dumps({"type": "urn:kt:problem:last-pruned", "title": "Gone", "status": 410}).encode()
        liar = Proxy(log.url, lambda path, code, body: (410, refusal))
        bob.json("monitor", "once")
        lied = bob.run("lookup", alice.label, "--url", liar.url, "--json")
        check(lied.returncode == 3 and "gaps" not in json.loads(lied.stdout), "nobody is made to forget", lied.stdout)
        refusal = refusal.replace(b"last-pruned", b"pruned")
        alice.json("monitor", "once")
        lied = alice.run("monitor", "once", "--url", liar.url, "--json")
        check(lied.returncode == 3 and "gaps" not in json.loads(lied.stdout), "nor to begin anew", lied.stdout)
        liar.shutdown()

        # Late starts, and nothing is damaged.
        size = status(log)["log"]["tree_size"]
        dave.json("audit", "--from", str(size - 1))
        check(True, "a late audit begins where the log still reaches")
        late = dave.run("audit", "--from", "1", "--json")
        check(late.returncode == 3, "not before", late.stdout, late.stderr)
        log.stop()
        server_verb("fsck", log.folder)
        log.start()
        live(log, 2, alice, bob)
        log.stop()


if __name__ == "__main__":
    main()
