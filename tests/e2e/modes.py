#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The story of scripts/demo in all three modes and both suites. Between its steps every process ends and starts again, once
by kill -9. Alice, Bob and Carol act alike whatever the mode; what differs is who runs which process (lib_modes.py).
  modes.py BUILD"""

import os
import shutil
import sys
import tempfile

from lib_modes import MODES, SUITES, Auditing
from lib_programs import FAKETIME, Person, check, random_key

ALICE, BOB = "alice@example.org", "bob@example.org"


class Stage:
    def __init__(self, work, mode, suite):
        self.work = work
        self.log = mode(os.path.join(work, "site"), suite)
        self.alice, self.bob, self.carol = (Person(os.path.join(work, name)) for name in ("alice", "bob", "carol"))

    def pin(self, person):
        pinned = person.json("init", self.log.url, "--config", self.log.config)
        check(pinned["verdict"] == "done" and pinned["log"]["tree_size"] >= 1, "the log is pinned")

    def again(self):
        self.log.stop()
        self.log.start()


def pinned(stage):
    for person in (stage.alice, stage.bob, stage.carol):
        stage.pin(person)
    shown = stage.bob.text("config", "show")
    suite = {"ed25519": "KT_128_SHA256_Ed25519", "p256": "KT_128_SHA256_P256"}[stage.log.suite]
    check(stage.log.mode in shown and suite in shown, "in the mode and the suite that were asked for", shown)


def registered(stage):
    stage.alice.json("account", "create", ALICE)
    for name in ("phone", "laptop"):
        added = stage.alice.json("device", "add", ALICE, "--name", name, "--key", random_key())
    check(added["version"] == 1 and len(added["devices"]) == 2, "alice registers phone and laptop", added)


def looked_up(stage):
    found = stage.bob.json("lookup", ALICE)
    expected = {"format", "view", "proof", "signature", "clock", "vrf"} | (
        {"auditor"} if isinstance(stage.log, Auditing) else set())
    check({c["name"] for c in found["checks"] if c["ok"]} == expected, "every check of the mode was made", found["checks"])
    check(found["verdict"] == "verified" and found["version"] == 1 and len(found["devices"]) == 2 and
          all(device["endorsed"] for device in found["devices"]) and found["contact"]["state"] == "unverified" and
          found["account_key"] == stage.alice.json("account", "show", ALICE)["account_key"],
          "bob looks alice up: verified, 2 devices", found)


def compared(stage):
    alice, bob = stage.alice, stage.bob
    bob.json("account", "create", BOB)
    bob.json("device", "add", BOB, "--name", "phone", "--key", random_key())
    alice.json("lookup", BOB)
    code = alice.json("code", "show", BOB)["code"]
    check(bob.json("code", "show", ALICE)["code"] == code and len(code) == 60, "both see one safety number")
    wrong = str((int(code[0]) + 1) % 10) + code[1:]
    check(bob.json("code", "compare", ALICE, wrong, expect=4)["match"] is False, "a wrong digit is an alert")
    check(bob.json("code", "compare", ALICE, code)["contact"]["state"] == "verified" and
          alice.json("code", "compare", BOB, code)["contact"]["state"] == "verified", "verified on both sides")


def hidden_device(stage):
    """The operator's own doing. In management it is the Service Operator who signs it; what a Manager adds without that
    signature nobody accepts (management.py)."""
    alice, bob = stage.alice, stage.bob
    alice.json("monitor", "once")
    stage.log.log.insert(ALICE, "backup")
    stage.log.settled()
    told = alice.json("monitor", "once", expect=4)
    check({"unknown-device", "version-not-mine", "unsigned-set"} <= {a["kind"] for a in told["alerts"]},
          "alice's monitor: unknown-device", told)
    warned = bob.json("lookup", ALICE, expect=4)
    check("unsigned-set" in {a["kind"] for a in warned["alerts"]} and
          not any(device["endorsed"] for device in warned["devices"]), "bob is warned", warned)
    unknown = next(a for a in told["alerts"] if a["kind"] == "unknown-device")
    check(unknown["version"] == 2 and unknown["time_ms"] > 0, "version and time are named", unknown)
    alice.json("device", "remove", ALICE, unknown["device"])
    alice.json("monitor", "once")
    found = bob.json("lookup", ALICE)
    check(found["version"] == 3 and len(found["devices"]) == 2 and found["contact"]["state"] == "verified",
          "both are at peace again", found)


def forked(stage):
    """Every folder is copied. In auditing that includes the auditor's, so that two processes with one key vouch for
    two logs: an auditor who colludes. In management the Manager and the Service Operator collude."""
    log, bob = stage.log, stage.bob
    log.stop()
    copy = log.copied("for-bob")
    alone = log.copied("alone") if isinstance(log, Auditing) else None
    log.start()
    log.log.insert("carol@example.org", "phone")
    log.settled()
    bob.json("lookup", ALICE)
    if alone is not None:
        not_vouched(stage, alone)
    copy.start()
    copy.log.insert("dave@example.org", "phone")
    copy.settled()
    found = bob.json("lookup", ALICE, "--url", copy.url, expect=1)
    check(found["verdict"] == "failed" and found["reason"]["code"] == "fork" and
          [a["kind"] for a in found["alerts"]] == ["fork"], "bob: FAILED fork", found)
    gossip(stage, copy)
    copy.stop()
    log.stop()
    third_person(stage, bob, "fork.evidence")
    log.start()


def third_person(stage, bob, name):
    """Carol verifies Bob's evidence, without asking any log."""
    evidence = [entry for entry in bob.json("evidence", "list")["evidence"] if entry["kind"] in ("fork", "inconsistent")]
    check(len(evidence) == 1, "evidence is saved", evidence)
    path = os.path.join(stage.work, name)
    bob.json("evidence", "export", evidence[0]["id"], path)
    proven = stage.carol.json("evidence", "verify", path, "--url", "http://127.0.0.1:1")
    check(proven["verdict"] == "verified" and proven["contradiction"], "carol verifies it offline", proven)


def gossip(stage, copy):
    """Erin saw only the other history, in which all is well; Bob's list of heads tells her."""
    erin = Person(os.path.join(stage.work, "erin"))
    erin.json("init", copy.url, "--config", stage.log.config)
    erin.json("lookup", "dave@example.org", expect=4)
    heads = os.path.join(stage.work, "bobs-heads")
    with open(heads, "w") as file:
        file.write(stage.bob.text("log", "head"))
    check(erin.json("log", "check", heads, expect=1)["reason"]["code"] == "fork", "erin learns it from bob")


def not_vouched(stage, alone):
    """The copy without the auditor, who does not collude (and refuses to sign it: auditing.py). An hour later its last head,
    from before the copy was made, is too old: who remembers nothing is told that the auditor is missing, which decides
    nothing, and who remembers the other history sees the fork."""
    if FAKETIME is None:
        print("libfaketime is missing: the auditor's head does not grow old", file=sys.stderr)
        return
    alone.auditor_works = False
    alone.start(ahead_h=1)
    alone.log.insert("dave@example.org", "phone")
    frank = Person(os.path.join(stage.work, "frank"), ahead_h=1)
    answer = frank.json("init", alone.url, "--config", stage.log.config, expect=3)
    check(answer["reason"]["code"] == "auditor-missing", "nobody new believes a log without its auditor", answer)
    bob = Person(stage.bob.home + "-later", ahead_h=1)
    shutil.copytree(stage.bob.home, bob.home)
    found = bob.json("lookup", ALICE, "--url", alone.url, expect=1)
    check(found["reason"]["code"] == "fork", "the log signed both: a fork, with or without an auditor", found)
    third_person(stage, bob, "unvouched.evidence")
    alone.stop()


def audited(stage):
    found = stage.carol.json("audit", "--from", "0")
    check(found["verdict"] == "verified" and found["entries"] == found["log"]["tree_size"] and found["leaves"] >= 6,
          "carol audits the whole log", found)


def play(mode, suite):
    print(f"--- {mode.mode}, {suite}")
    with tempfile.TemporaryDirectory(prefix="kt-modes-") as work:
        stage = Stage(work, mode, suite)
        stage.log.start()
        pinned(stage)
        stage.again()
        registered(stage)
        stage.log.kill()
        stage.log.start()
        looked_up(stage)
        stage.again()
        compared(stage)
        stage.again()
        hidden_device(stage)
        forked(stage)  # stops them all
        audited(stage)
        stage.log.stop()


def main():
    for mode in MODES:
        for suite in SUITES:
            play(mode, suite)


main()
