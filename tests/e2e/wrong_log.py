#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client whose log is of one mode and suite meets a server of another: at the first contact, later at the same address,
and with configuration files that were changed by hand. Refused every time, with a text that names both sides, and nothing
changes.
  wrong_log.py BUILD"""

import os
import shutil
import sys
import tempfile

from lib_modes import MODES, SUITES, ContactMonitoring
from lib_programs import Person, check, random_key

SUITE_NAMES = {"ed25519": "KT_128_SHA256_Ed25519", "p256": "KT_128_SHA256_P256"}
LABEL = "alice@example.org"


def kind(log):
    return f"mode {log.mode}, suite {SUITE_NAMES[log.suite]}"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def kept(person):
    """What the home holds of the log: a monitor also keeps when it tried."""
    return person.json("config", "show")["log"] if os.path.exists(person.home) else None


def refused(person, args, pinned, served):
    """Exit code 1, config-mismatch, both kinds, the state as it was."""
    before = kept(person)
    answer = person.json(*args, expect=1)
    text = answer["reason"]["text"]
    check(answer["verdict"] == "failed" and answer["reason"]["code"] == "config-mismatch" and
          text.index(kind(pinned)) < text.index(kind(served)), f"{args[0]}: {kind(pinned)} meets {kind(served)}", answer)
    check(kept(person) == before, "and nothing changes")


def first_contact(work, logs):
    """What was pinned by a file is compared before anything else is asked."""
    nobody = Person(os.path.join(work, "nobody"))
    for pinned in logs:
        for served in logs:
            if pinned is not served:
                refused(nobody, ("init", served.url, "--config", pinned.config), pinned, served)
    check(not os.path.exists(nobody.home), "and no home is made")


def pinned_homes(work, logs):
    homes = []
    for number, log in enumerate(logs):
        person = Person(os.path.join(work, f"home-{number}"))
        person.json("init", log.url, "--config", log.config)
        person.json("account", "create", LABEL)
        person.json("device", "add", LABEL, "--name", "phone", "--key", random_key())
        homes.append(person)
    return homes


def later(logs, homes):
    """Another mode, another suite, and both, at an address where the pinned log is not."""
    for number, person in enumerate(homes):
        for step in (1, 2, 3):  # logs: mode by mode, in each the two suites
            served = logs[(number + step) % len(logs)]
            refused(person, ("lookup", LABEL, "--url", served.url), logs[number], served)


def same_address(pinned, served, person):
    """The operator sets another log up where the pinned one was."""
    port, own_port = pinned.log.port, served.log.port
    pinned.stop()
    served.stop()
    served.log.move(port)
    served.start()
    for args in (("lookup", LABEL), ("lookup", "nobody@example.org"), ("monitor", "once"), ("log", "head"), ("audit",),
                 ("device", "add", LABEL, "--name", "tablet", "--key", random_key())):
        refused(person, args, pinned, served)
    said = person.run("lookup", LABEL)
    check("config-mismatch" not in said.stdout and f"Pinned: {kind(pinned)}." in said.stderr and
          "needs a new --home" in said.stderr, "a person is told the same, and what to do", said.stderr)
    served.stop()
    served.log.move(own_port)
    pinned.start()
    served.start()
    check(person.json("lookup", LABEL)["verdict"] == "verified", "the pinned log, back again, verifies as ever")
    person.json("monitor", "once")
    check(person.alert_kinds() == [], "and there was nothing to be alarmed at")


def another_of_its_kind(work, log, person):
    """Mode and suite are as pinned, the keys are not: the failed check stays the reason."""
    other = ContactMonitoring(os.path.join(work, "twin"), log.suite).start()
    answer = person.run("lookup", LABEL, "--url", other.url)
    check(answer.returncode == 1 and "another log than the pinned one" in answer.stderr and
          "log migration" in answer.stderr, "another log of the same kind", answer.stderr)
    answer = Person(os.path.join(work, "nobody")).json("init", other.url, "--config", log.config, expect=1)
    check("of the same kind" in answer["reason"]["text"], "the same at the first contact", answer)
    other.stop()


def by_hand(work, logs, homes):
    """Octets 0 and 1 are the suite, octet 2 is the mode. With another mode or suite the rest does not fit."""
    path = os.path.join(work, "edited.bin")
    for log, person in zip(logs, homes):
        good = read(log.config)
        other_suite = bytes([0, 3 - good[1]])
        edits = [(other_suite + good[2:], "mode " + log.mode, ("config-keys", "config-format")),
                 (b"\0\x09" + good[2:], "unknown suite 9", ("config-suite",)),
                 (good[:2] + b"\x09" + good[3:], "unknown mode 9", ("config-mode",)),
                 (good[:2], "too short to name", ("config-format",))]
        edits += [(good[:2] + bytes([mode]) + good[3:], SUITE_NAMES[log.suite], ("config-keys", "config-format"))
                  for mode in (1, 2, 3) if mode != good[2]]
        for content, words, codes in edits:
            with open(path, "wb") as file:
                file.write(content)
            for verb in (("init", log.url, "--config", path, "--home", person.home + "-new"), ("config", "update", path)):
                said = person.json(*verb, expect=2)["reason"]
                check(words in said["text"] and path in said["text"] and said["code"] in codes, f"{verb[0]}: {said['text']}",
                      said)
    text = homes[0].run("config", "update", path).stderr
    check("an edited or damaged one fits no log" in text, "and what to do is said", text)


def updates(logs, homes):
    """config update is for a newer configuration of the same log."""
    for number, person in enumerate(homes):
        other = logs[(number + 1) % len(logs)]
        said = person.json("config", "update", other.config, expect=1)["reason"]
        check(said["code"] == "log-identity" and kind(logs[number]) in said["text"] and kind(other) in said["text"],
              "another log is no update", said)


def main():
    work = tempfile.mkdtemp(prefix="kt-wrong-")
    try:
        logs = [mode(os.path.join(work, f"{mode.mode}-{suite}"), suite).start() for mode in MODES for suite in SUITES]
        first_contact(work, logs)
        homes = pinned_homes(work, logs)
        later(logs, homes)
        same_address(logs[0], logs[3], homes[0])
        same_address(logs[2], logs[5], homes[2])
        same_address(logs[5], logs[1], homes[5])
        another_of_its_kind(work, logs[0], homes[0])
        by_hand(work, logs, homes)
        updates(logs, homes)
        for log in logs:
            log.stop()
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
