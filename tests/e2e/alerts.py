#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of alert, raised by the behaviour it names, once; and docs/alerts.md, which shows what the person sees.

    alerts.py BUILD            plays all of it and compares docs/alerts.md with what was seen
    alerts.py BUILD --write    writes docs/alerts.md from what was seen"""

import os
import re
import shutil
import tempfile

from lib_people import another_key, new_log, new_person
from lib_programs import Log, Person, Proxy, check, random_key, server_verb
from lib_transcript import compare_or_write, plain

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "alerts.md")
HEAD = """# Alerts: what a person sees, and why

Written by `tests/e2e/alerts.py --write` from runs of the real programs; the test run compares it with what the programs
say now. Ids, keys and times stand for themselves only. Each alert is raised once per cause and stays open until it is
settled; `kt-verify alerts list` shows all of them. A list of devices that the owner publishes settles what the operator did.
A version that is signed with the owner's account key is another matter, because whoever made it has the key: that alert stays
open until the key is replaced (`account rotate`, `account recovery-key use`), the device that it brought is approved, or the
owner says that it was theirs (`alerts ack`).

| kind | told to | exit code | what happened |
|---|---|---|---|
"""


def shown(person, kind, args, expect, label=None):
    """The paragraph about this kind in what the verb prints, and that it is one."""
    text = person.text(*args, expect=expect)
    wanted = f"{kind} {label}" if label else kind
    found = [part for part in text.split("\n\n") if re.search(rf"^(ALERT|NOTE|FAILED|UNDECIDED) {wanted}\b", part, re.MULTILINE)]
    check(len(found) == 1, f"{kind}: told once", text)
    at = re.search(rf"^(ALERT|NOTE|FAILED|UNDECIDED) {wanted}\b", found[0], re.MULTILINE).start()
    return found[0][at:].rstrip()


def only_once(person, kind, args, expect):
    """The same look again finds the same alert in the ledger, not a second one."""
    person.json(*args, expect=expect)
    ids = [alert["id"] for alert in person.json("alerts", "list")["alerts"] if alert["kind"] == kind]
    check(len(ids) == 1, f"{kind}: once in the ledger", ids)


# --- the owner ------------------------------------------------------------------------------------------------------


def operator_inserts(scene):
    alice = scene.person("alice")
    scene.log.insert(alice.label, "alice's new phone")
    return alice, ["monitor", "once"], 4


def thief_publishes(scene):
    alice = scene.person("alice")
    thief = Person(os.path.join(scene.work, "thief"))
    shutil.copytree(alice.home, thief.home)
    thief.json("device", "add", alice.label, "--name", "alice's new phone", "--key", random_key())
    return alice, ["monitor", "once"], 4


def operator_names_another_key(scene):
    alice = scene.person("alice")
    another_key(scene.work, "thief", scene.log, scene.config, alice.label)
    return alice, ["monitor", "once"], 4


def long_silence(scene):
    alice = scene.person("alice")
    alice.json("monitor", "once")
    scene.log.stop()
    alice.ahead_h = 30
    return alice, ["monitor", "status"], 3


# --- contacts -------------------------------------------------------------------------------------------------------


def pinned_by_bob(scene):
    alice, bob = scene.person("alice"), scene.person("bob")
    bob.json("lookup", alice.label)
    return alice, bob


def bob_sees_another_key(scene):
    alice, bob = pinned_by_bob(scene)
    another_key(scene.work, "thief", scene.log, scene.config, alice.label)
    return bob, ["lookup", alice.label], 4


def bob_sees_an_unsigned_set(scene):
    alice, bob = pinned_by_bob(scene)
    scene.log.insert(alice.label, "alice's new phone")
    return bob, ["lookup", alice.label], 4


def strict_bob_sees_a_device(scene):
    alice, bob = pinned_by_bob(scene)
    bob.json("contact", "policy", alice.label, "strict")
    alice.json("device", "add", alice.label, "--name", "tablet", "--key", random_key())
    return bob, ["lookup", alice.label], 4


def bob_compares_wrong_digits(scene):
    alice, bob = pinned_by_bob(scene)
    code = bob.json("code", "show", alice.label)["code"]
    wrong = code[:10] + ("1" if code[10] == "0" else "0") + code[11:]
    return bob, ["code", "compare", alice.label, wrong], 4


def bob_waits_in_vain(scene):
    """A credential for a version that no distinguished entry has, and a log that answers no question about it."""
    proxy = Proxy(scene.log.url, lambda path, status, body: (422, b"") if path == "/v1/credential-update" else (status, body))
    alice, bob = scene.person("alice"), Person(os.path.join(scene.work, "bob"))
    bob.json("init", proxy.url, "--config", scene.config)
    bob.json("monitor", "once")
    alice.json("device", "add", alice.label, "--name", "tablet", "--key", random_key())
    bob.json("credential", "check", "-", stdin=alice.text("credential", "make", alice.label, "--position", "0"))
    for ahead_h in (1, *range(26, 26 + 9 * 25, 25)):
        scene.log.stop()
        scene.log.start(ahead_h)
        scene.log.insert("somebody", "device")
    bob.ahead_h = ahead_h
    return bob, ["monitor", "once"], 4


# --- the log --------------------------------------------------------------------------------------------------------


def two_histories(scene):
    """A stopped log is copied, and each copy goes its own way."""
    alice, bob = pinned_by_bob(scene)
    scene.log.stop()
    copy = Log(os.path.join(scene.work, "copy"), scene.log.port)
    shutil.copytree(scene.log.folder, copy.folder)
    scene.log.start()
    alice.json("device", "add", alice.label, "--name", "tablet", "--key", random_key())
    bob.json("lookup", alice.label)
    scene.log.stop()
    copy.start()
    scene.log = copy
    return alice, bob


def forked(scene):
    alice, bob = two_histories(scene)
    scene.log.insert("mallory", "m")
    return bob, ["lookup", alice.label], 1


def rolled_back(scene):
    alice, bob = two_histories(scene)
    return bob, ["lookup", alice.label], 1


def without_auditor(scene):
    """A log that needs an auditor's word, before there is any."""
    scene.log.stop()
    key, folder, config = (os.path.join(scene.work, name) for name in ("auditor.key", "audited", "audited.bin"))
    bob = Person(os.path.join(scene.work, "bob"))
    bob.json("auditor", "keygen", key)
    server_verb("init", folder, "--mode", "third-party-auditing", "--auditor-key", key + ".pub")
    server_verb("config", folder, "-o", config)
    scene.log = Log(folder).start()
    bob.json("init", scene.log.url, "--config", config)
    return bob, ["lookup", "alice@example.org"], 3


SCENES = (  # kind, told to, what happened, how
    ("unknown-device", "the owner", "The operator of the log lists a device in Alice's account.", operator_inserts),
    ("version-not-mine", "the owner", "The same: a version that none of Alice's computers made.", operator_inserts),
    ("version-not-mine", "the owner of a copied key", "Somebody with a copy of Alice's account key lists a device.", thief_publishes),
    ("device-removed", "the owner", "The operator's list from above leaves Alice's own device out.", operator_inserts),
    ("unsigned-set", "the owner", "The same: the operator's list has no signature of Alice's.", operator_inserts),
    ("account-key-changed", "the owner", "The operator names a key of somebody else as that of Alice's account.",
     operator_names_another_key),
    ("monitor-blind", "the owner", "The log was out of reach for longer than its monitoring window.", long_silence),
    ("account-key-changed", "a contact", "The same as above, seen by Bob, who had looked Alice up before.",
     bob_sees_another_key),
    ("unsigned-set", "a contact", "The operator lists a device in Alice's account; Bob looks her up.",
     bob_sees_an_unsigned_set),
    ("contact-device-added", "a contact", "Alice adds a device; Bob set her policy to strict.", strict_bob_sees_a_device),
    ("code-mismatch", "both", "Bob compares digits of which one is not what he sees.", bob_compares_wrong_digits),
    ("credential-unconfirmed", "a contact", "Alice sends Bob a provisional credential, and the log never confirms it.",
     bob_waits_in_vain),
    ("fork", "anyone", "The operator runs two copies of the log, and Bob is shown the one, then the other.", forked),
    ("rollback", "anyone", "The operator puts an older copy of the log in place.", rolled_back),
    ("auditor-missing", "anyone", "The log's auditor has not vouched for it; Bob looks somebody up.", without_auditor),
)


class Scene:
    """A log of its own for one behaviour."""

    def __init__(self, work):
        self.work = work
        os.mkdir(work)
        self.log, self.config = new_log(work)

    def person(self, name) -> Person:
        return new_person(self.work, name, self.log, self.config)


def seen_by(text):
    """The same text in every run."""
    text = re.sub(r"/tmp/kt-alerts-[^/ ]*/[0-9]+/(\w+)", r"~/\1", text)
    text = re.sub(r"differ: [\d, ]+\d", "differ: 3", text)
    return plain(text, "alerts.md")


def play(work, number, kind, told, what, raise_it):
    scene = Scene(os.path.join(work, str(number)))
    person, args, expect = raise_it(scene)
    text = seen_by(shown(person, kind, args, expect))
    if kind not in ("monitor-blind", "code-mismatch", "credential-unconfirmed"):
        only_once(person, kind, args, expect)
    scene.log.stop() if scene.log.process.poll() is None else None
    command = " ".join(["kt-verify", *args])
    command = re.sub(r"(compare \S+) \d+", r"\1 DIGITS", command)
    row = f"| [`{kind}`](#{kind}-{told.replace(' ', '-')}) | {told} | {expect} | {what} |\n"
    return row, f"\n## {kind}: {told}\n\n{what} `{command}`, exit code {expect}:\n\n```\n{text}\n```\n"


def document(work):
    rows, parts = zip(*(play(work, number, *scene) for number, scene in enumerate(SCENES)))
    return HEAD + "".join(rows) + "".join(parts)


def main():
    work = tempfile.mkdtemp(prefix="kt-alerts-")
    try:
        text = document(work)
    finally:
        shutil.rmtree(work)
    compare_or_write(DOCUMENT, "docs/alerts.md", text)


main()
