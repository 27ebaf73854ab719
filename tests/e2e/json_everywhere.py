#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--json of every verb that the completion offers: exactly one object on stdout, of the verb's own schema, whose verdict is
what the exit code says; with nothing set up, with nonsense, and with arguments that are right. A verb that is not in the
table of right arguments fails the test."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile

from lib_people import new_log, new_person
from lib_programs import VERIFY, Person, check, random_key

VERDICTS = {0: ("verified", "done"), 1: ("failed",), 2: ("usage",), 3: ("undecided",), 4: ("alert",), 5: ("absent",)}
NONSENSE = ("no-such-thing", "another one", "", "-", "\x1b[31m", "ü" * 300)


def offered(*before):
    asked = subprocess.run([VERIFY, "completion", "words", "--", *before, ""], capture_output=True, text=True, check=True)
    lines = asked.stdout.splitlines()
    return [line.split("\t") for line in lines if "\t" in line]


def verbs():
    """As the shells offer them: a word with "…" begins several verbs."""
    found = []
    for word, text in offered():
        if text == "…":
            found += [(word, second) for second, _ in offered(word)]
        else:
            found.append((word,))
    check(len(found) >= 45, "the completion offers the verbs", len(found))
    return found


def one_object(person, verb, *args, stdin="", env=None):
    """The exit code and the object."""
    result = person.run(*verb, *args, "--json", stdin=stdin, env=env)
    name = " ".join(verb + args)[:70].encode("ascii", "backslashreplace").decode()
    try:
        found = json.loads(result.stdout)
    except ValueError:
        found = None
    if not (isinstance(found, dict) and result.stdout.count("\n") == 1 and result.stdout.isascii()):
        check(False, f"{name}: one object on one line", result)
    code = result.returncode
    right = found["schema"] == f"kt.{'-'.join(verb)}/1" and found["verdict"] in VERDICTS[code]
    if code in (1, 2, 3):
        reason = found.get("reason", {})
        right = right and reason.get("code") and reason.get("text")
    if not right:
        check(False, f"{name}: schema, verdict and reason fit the exit code", result)
    return code, found


def goes_wrong(person, verb, arguments, what):
    seen = set()
    for args in arguments:
        if args or verb != ("monitor", "run"):  # a daemon has nothing to say before it is told to stop
            seen.add(one_object(person, verb, *args)[0])
    code, _ = one_object(person, verb, "--no-such-option")
    print(f"ok: {' '.join(verb)} {what}: {sorted(seen | {code})}")


class Cases:
    """Right arguments: of each verb at least one call, and the exit code that it ends with."""

    def __init__(self, work, log, config):
        self.work = work
        self.alice = new_person(work, "alice", log, config)
        self.bob = new_person(work, "bob", log, config)
        for one, other in ((self.alice, self.bob), (self.bob, self.alice)):
            one.json("lookup", other.label)
        self.key = hashlib.sha256(bytes.fromhex(self.bob.json("account", "show", self.bob.label)["account_key"])).hexdigest()
        self.digits = self.alice.json("code", "show", self.bob.label)["code"]
        self.payload = self.bob.json("code", "qr", self.alice.label)["payload"]
        self.public = self.bob.json("code", "public", self.bob.label)["code"]
        self.device = self.alice.json("device", "list", self.alice.label)["devices"][0]["id"]
        self.secret = self.file("passphrase", "correct horse battery staple\n")
        self.heads = self.file("heads", self.bob.text("log", "distinguished"))
        self.exported = self.alice.text("account", "export", self.alice.label, "--passphrase-file", self.secret)
        # A mismatch keeps what the log signed as evidence, and is an alert.
        wrong = ("1" if self.digits[0] == "0" else "0") + self.digits[1:]
        self.alice.json("code", "compare", self.bob.label, wrong, expect=4)
        self.alert = self.alice.json("alerts", "list")["alerts"][0]["id"]
        self.evidence = self.alice.json("evidence", "list")["evidence"][0]["id"]
        self.alice.json("evidence", "export", self.evidence, self.path("exported.evidence"))
        self.credential = self.file("credential", self.bob.text("credential", "make", self.bob.label))
        self.url, self.config = log.url, config

    def path(self, name):
        return os.path.join(self.work, name)

    def file(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def calls(self):
        """In an order in which each finds what it needs."""
        alice, bob = self.alice.label, self.bob.label
        return (
            ("init", (self.url, "--config", self.config), 2),
            ("config show", (), 0),
            ("config update", (self.config,), 0),
            ("account create", (alice,), 2),
            ("account show", (alice,), 0),
            ("account forget", (alice,), 2),
            ("account export", (alice, "--passphrase-file", self.secret), 2),
            ("account import", (alice, "--passphrase-file", self.secret), 2, self.exported),
            ("device list", (alice,), 0),
            ("device add", (alice, "--name", "tablet", "--key", random_key()), 0),
            ("device remove", (alice, self.device), 0),
            ("account recovery-key", ("create", alice), 0),
            ("account rotate", (alice,), 0),
            ("lookup", (bob,), 4),
            ("lookup", ("nobody@example.org",), 5),
            ("lookup", ("--group", self.file("group", bob + "\nnobody@example.org\n")), 4),
            ("evidence list", (), 0),
            ("evidence show", (self.evidence,), 0),
            ("evidence export", (self.evidence, self.path("copy.evidence")), 0),
            ("evidence verify", (self.path("exported.evidence"),), 1),
            ("alerts list", (), 0),
            ("alerts ack", (self.alert,), 0),
            ("contact list", (), 0),
            ("contact show", (bob,), 0),
            ("contact trust", (bob, "--key", self.key), 0),
            ("contact policy", (bob, "strict"), 0),
            ("contact export", (self.path("book"),), 0),
            ("contact import", (self.path("book"),), 0),
            ("contact untrust", (bob,), 0),
            ("code show", (bob,), 0),
            ("code compare", (bob, "1" * 60), 4),
            ("code qr", (bob, "--png", self.path("code.png")), 4),
            ("code scan", (self.payload,), 4),
            ("code public", (alice,), 0),
            ("code check-public", (bob, self.public), 0),
            ("code sas", ("start", bob, "--url", "http://127.0.0.1:1"), 3),
            ("monitor add", ("carol@example.org",), 0),
            ("monitor once", (), None),
            ("monitor status", (), 0),
            ("monitor remove", ("carol@example.org",), 0),
            ("monitor test-alert", (), 0),
            ("monitor approve", (alice, "0" * 64), 0),
            ("monitor run", ("--interval", "0"), 2),
            ("audit", (), 0),
            ("audit", ("--follow", "--sign", self.path("nowhere")), 2),
            ("auditor keygen", (self.path("auditor.key"),), 0),
            ("log head", (), 0),
            ("log distinguished", (), 0),
            ("log check", (self.heads,), 0),
            ("log migration", (self.heads,), 1),
            ("credential make", (alice,), 0),
            ("credential check", (self.credential,), None),
            ("credential update", (self.credential,), None),
            ("completion", ("bash",), 0),
            ("version", (), 0),
        )


def goes_right(cases, names):
    calls = cases.calls()
    missing = {" ".join(verb) for verb in names} - {call[0] for call in calls}
    check(not missing, "right arguments are known for every verb", missing)
    for name, args, expect, *stdin in calls:
        code, found = one_object(cases.alice, tuple(name.split()), *args, stdin=stdin[0] if stdin else "")
        check(expect is None or code == expect, f"{name} {' '.join(args)[:40]}: {code}", found)


def main():
    work = tempfile.mkdtemp(prefix="kt-json-")
    os.chdir(work)  # nonsense that is taken for a file's name stays here
    try:
        empty = Person(os.path.join(work, "empty"))
        names = verbs()
        for verb in names:
            goes_wrong(empty, verb, [(), NONSENSE[:2]], "with no log pinned")
        log, config = new_log(work)
        cases = Cases(work, log, config)
        goes_right(cases, names)
        for verb in names:
            goes_wrong(cases.alice, verb, [(), *((word,) for word in NONSENSE), NONSENSE[:2], NONSENSE[1:3], NONSENSE[:3]],
                       "with nonsense")
        log.stop()
        for verb in names:
            one_object(cases.alice, verb, cases.bob.label)
    finally:
        shutil.rmtree(work)


main()
