#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several clients of one owner, changes of the account key, contacts on their way from one client to another, groups: with
the real programs. Who is alerted and who gets a note is checked for everybody concerned."""

import base64
import concurrent.futures
import hashlib
import json
import os
import shutil
import tempfile

from lib_people import new_log, new_person
from lib_programs import Person, Proxy, check, random_key, server_verb


class World:
    def __init__(self, work):
        self.work = work
        self.log, self.config = new_log(work)
        self.passphrase = self.file("passphrase", "correct horse battery staple\n")

    def file(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def home(self, name):
        person = Person(os.path.join(self.work, name))
        person.json("init", self.log.url, "--config", self.config)
        return person

    def person(self, name):
        return new_person(self.work, name, self.log, self.config)

    def second(self, owner, name):
        """Another client of the owner's, on which everything listed is approved."""
        client = self.home(name)
        client.label = owner.label
        exported = owner.text("account", "export", owner.label, "--passphrase-file", self.passphrase)
        client.run("account", "import", owner.label, "--passphrase-file", self.passphrase, stdin=exported)
        shown = client.json("account", "show", owner.label)
        for device in shown["devices"]:
            client.run("monitor", "approve", owner.label, device["id"])
        for key in shown.get("recovery_keys", []):
            client.run("monitor", "approve", owner.label, key["fingerprint"])
        client.json("monitor", "once")
        return client


def add(client, name, key=None, expect=0):
    return client.json("device", "add", client.label, "--name", name, "--key", key or random_key(), expect=expect)


def kinds(found):
    return sorted(alert["kind"] for alert in found.get("alerts", []))


def verify(bob, label):
    bob.json("lookup", label)
    key = bob.json("contact", "show", label)["account_key"]
    bob.json("contact", "trust", label, "--key", hashlib.sha256(bytes.fromhex(key)).hexdigest())


def settle(client):
    """Look, approve what is listed, acknowledge the rest."""
    client.run("monitor", "once")
    for device in client.json("account", "show", client.label)["devices"]:
        if not device["endorsed"]:
            client.run("monitor", "approve", client.label, device["id"])
    for alert in client.json("alerts", "list")["alerts"]:
        client.run("alerts", "ack", alert["id"])


# --- several clients ---------------------------------------------------------------------------------------------------------


def the_loser_is_told(world):
    first = world.person("ada")
    second = world.second(first, "ada2")
    won = add(first, "tablet")
    key = random_key()
    lost = add(second, "desktop", key, expect=4)
    check(lost["verdict"] == "alert" and lost["reason"]["code"] == "not-first" and "same command again" in
          lost["reason"]["text"] and {"unknown-device", "version-not-mine"} == set(kinds(lost)), "the loser is told", lost)
    check([(d["name"], d["endorsed"]) for d in sorted(lost["devices"], key=lambda d: d["name"])] ==
          [("phone", True), ("tablet", False)] and lost["version"] == won["version"], "and sees the new list", lost)
    again = add(second, "desktop", key, expect=4)
    check(again["reason"]["code"] == "undecided" and again["version"] == won["version"],
          "trying again overwrites nothing: first decide", again)
    tablet = next(d["id"] for d in lost["devices"] if d["name"] == "tablet")
    human = second.run("device", "add", second.label, "--name", "desktop", "--key", key)
    check(f"kt-verify monitor approve {second.label} {tablet}" in human.stderr and
          f"kt-verify device remove {second.label} {tablet}" in human.stderr, "with both commands", human)
    second.json("monitor", "approve", second.label, tablet)
    done = add(second, "desktop", key)
    check({d["name"] for d in done["devices"]} == {"phone", "tablet", "desktop"}, "then both changes are there", done)
    return first, second


def removals_do_not_wait_for_each_other(world, first, second):
    """Two devices of a thief are removed at once; one alone would leave the other undecided."""
    settle(first)
    for name in ("x", "y"):
        settle(second)
        add(second, name)
    first.run("monitor", "once")
    ids = [d["id"] for d in first.json("device", "list", first.label, expect=4)["devices"] if d["name"] in "xy"]
    check(first.json("device", "remove", first.label, ids[0], expect=4)["reason"]["code"] == "undecided", "one is not enough")
    left = first.json("device", "remove", first.label, *ids)
    check({d["name"] for d in left["devices"]} == {"phone", "tablet", "desktop"}, "both are gone at once", left)
    check(first.alert_kinds() == [], "which settles all alerts")


def planned_changes_merge(world):
    """Each client approved the other's device beforehand: both changes are made, nobody is asked."""
    first = world.person("bea")
    second = world.second(first, "bea2")
    keys = [random_key(), random_key()]
    for client, key in ((first, keys[1]), (second, keys[0])):
        client.json("monitor", "approve", client.label,
                    hashlib.sha256(b"\0\x09" + base64.b64decode(key[4:])).hexdigest())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(add, client, name, key) for client, name, key in
                ((first, "one", keys[0]), (second, "two", keys[1]))]
        for run in runs:
            run.result()
    for client in (first, second):
        found = client.json("monitor", "once")
        check(found["verdict"] == "verified" and client.alert_kinds() == [], "no alert", found)
        check({d["name"] for d in client.json("device", "list", client.label)["devices"]} == {"phone", "one", "two"},
              "both devices are listed")


def a_crowd_loses_nothing(world):
    """Four clients add at once, none of them knowing the others' devices; each loser settles and tries again."""
    clients = [world.person("cleo")]
    clients += [world.second(clients[0], f"cleo{i}") for i in range(2, 5)]

    def insist(number):
        key = random_key()
        for _ in range(12):
            run = clients[number].run("device", "add", clients[number].label, "--name", f"d{number}", "--key", key)
            if run.returncode == 0:
                return
            check(run.returncode == 4, f"client {number} is told", run)
            settle(clients[number])
        check(False, f"client {number} never came through")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(insist, range(4)))
    listed = {d["name"] for d in clients[0].json("device", "list", clients[0].label, expect=4)["devices"]}
    check(listed == {"phone", "d0", "d1", "d2", "d3"}, "nothing was lost", listed)


# --- another account key -------------------------------------------------------------------------------------------------------


def contacts_of(world, label, name):
    """Verified, merely seen, strict: each looked the label up before the key changes. Plus one who looks for the first time."""
    verified, unverified, strict, late = (world.home(f"{name}-{kind}") for kind in
                                          ("verified", "unverified", "strict", "late"))
    for bob in (verified, unverified, strict, late):
        bob.json("lookup", label)
    for bob in (verified, strict, late):
        verify(bob, label)
    strict.json("contact", "policy", label, "strict")
    return verified, unverified, strict, late


def expect_note(bob, label, state, by):
    before = bob.json("contact", "show", label)["contact"]
    found = bob.json("lookup", label)
    note = [alert for alert in found["alerts"] if alert["kind"] == "account-key-changed"]
    check(found["verdict"] == "verified" and len(note) == 1 and by in note[0]["detail"], "a note, no alert", found)
    check(found["contact"]["state"] == state and found["contact"].get("method") == before.get("method") and
          found["contact"]["since_ms"] == before["since_ms"], f"still {state}, by the same method, since then", found)
    check(bob.alert_kinds() == [], "nothing is open")
    check(bob.json("lookup", label).get("alerts", []) == [], "and it is said once")


def rotation(world):
    alice = world.person("dora")
    second = world.second(alice, "dora2")
    verified, unverified, strict, late = contacts_of(world, alice.label, "dora")
    old = alice.json("account", "show", alice.label)["account_key"]
    rotated = alice.json("account", "rotate", alice.label)
    new = rotated["account_key"]
    check(new != old and rotated["verdict"] == "done" and len(rotated["devices"]) == 1, "the key is replaced", rotated)
    for bob, state in ((verified, "verified"), (unverified, "unverified"), (strict, "verified")):
        expect_note(bob, alice.label, state, "The account key you knew endorsed")
    add(alice, "tablet")  # published under the new key
    alice.json("account", "rotate", alice.label)
    add(alice, "desktop")
    found = late.json("lookup", alice.label)
    check(kinds(found) == ["account-key-changed"] * 2 + ["contact-device-added"] * 2 and
          found["contact"]["state"] == "verified" and len(found["devices"]) == 3,
          "who looks late follows both changes", found)
    two = strict.json("lookup", alice.label, expect=4)
    check(set(kinds(two)) == {"account-key-changed", "contact-device-added"} and strict.alert_kinds() ==
          ["contact-device-added"], "strict: an alert for the devices, a note for the key", two)
    told = second.json("monitor", "once", expect=4)
    check("version-not-mine" in kinds(told) and "account-key-changed" not in kinds(told),
          "the other client is alerted that another client did something", told)
    refused = add(second, "x", expect=2)
    check(refused["reason"]["code"] == "no-key", "its key is no longer the account's", refused)
    exported = alice.text("account", "export", alice.label, "--passphrase-file", world.passphrase)
    second.json("account", "import", alice.label, "--passphrase-file", world.passphrase, stdin=exported, expect=4)
    settle(second)
    add(second, "watch")
    check(second.json("monitor", "once")["verdict"] == "verified", "with the new key it publishes again")
    second.json("account", "import", alice.label, "--passphrase-file", world.passphrase, stdin=exported, expect=2)
    return alice


def a_log_that_hides_the_history(world):
    """Whoever runs the log cannot turn the alert into silence by refusing the versions in between, nor forge them."""
    alice = world.person("erna")
    bobs = [world.home(f"erna-bob{i}") for i in range(3)]
    for bob in bobs:
        verify(bob, alice.label)
    alice.json("account", "rotate", alice.label)
    add(alice, "tablet")
    searches = []

    def refuse(path, status, body):
        if path == "/v1/search":
            searches.append(path)
        return (410, b"{}") if path == "/v1/search" and len(searches) == 2 else (status, body)

    found = bobs[0].json("lookup", alice.label, "--url", Proxy(world.log.url, refuse).url, expect=4)
    check(kinds(found) == ["account-key-changed"] and found["contact"]["state"] == "changed" and "reason" not in found,
          "without the history it is an alert", found)
    del searches[:]

    def forge(path, status, body):
        if path == "/v1/search":
            searches.append(path)
        return status, body[:-9] + bytes([body[-9] ^ 1]) + body[-8:] if len(searches) == 2 else body

    found = bobs[1].json("lookup", alice.label, "--url", Proxy(world.log.url, forge).url, expect=1)
    check(bobs[1].json("contact", "show", alice.label)["contact"]["state"] == "verified", "a forged one fails", found)
    expect_note(bobs[2], alice.label, "verified", "The account key you knew endorsed")


def cut_off(world):
    """The program ends between the log's answer and the move of the key file."""
    alice = world.person("fay")
    folder = os.path.join(alice.home, "keys")
    path = os.path.join(folder, os.listdir(folder)[0])
    with open(path) as file:
        old = file.read()
    new = alice.json("account", "rotate", alice.label)["account_key"]
    os.rename(path, path + ".next")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(old)
    added = add(alice, "tablet")
    check(alice.json("account", "show", alice.label)["account_key"] == new and not os.path.exists(path + ".next"),
          "the next command finishes the change", added)
    # And before the log's answer: the key that waits is taken up again.
    alice.json("account", "rotate", alice.label, "--url", "http://127.0.0.1:9", expect=3)
    with open(path + ".next") as file:
        waiting = file.read()
    alice.json("account", "rotate", alice.label)
    with open(path) as file:
        check(file.read() == waiting, "an attempt that reached nobody is taken up again")
    check(sorted(os.listdir(folder)) == [os.path.basename(path)], "one key is left")


def paper(person):
    return person.json("account", "recovery-key", "create", person.label)


def recovery(world):
    alice = world.person("gwen")
    second = world.second(alice, "gwen2")
    verified, unverified, strict, late = contacts_of(world, alice.label, "gwen")
    made = paper(alice)
    text = made["recovery_key"]
    fingerprint = made["recovery_keys"][0]["fingerprint"]
    keys = os.path.join(alice.home, "keys")
    secrets = b"".join(open(os.path.join(root, name), "rb").read() for root, _, names in os.walk(alice.home)
                       for name in names)
    check(text.replace("\n", " ").split()[3].encode() not in secrets, "nothing of the paper is kept")
    told = second.json("monitor", "once", expect=4)
    check(kinds(told) == ["version-not-mine"] and "recovery keys" in told["alerts"][0]["detail"],
          "the other client hears of a new recovery key", told)
    check(add(second, "x", expect=4)["reason"]["code"] == "undecided", "which it neither drops nor vouches for unasked")
    other = paper(world.person("hans"))["recovery_key"]
    foreign = alice.json("account", "recovery-key", "check", alice.label, expect=4, stdin=other)
    check(foreign["reason"]["code"] == "not-listed", "another's paper is told apart from a slip", foreign)
    file = world.file("paper", text.upper().replace(" ", "-"))
    alice.json("account", "recovery-key", "use", alice.label, file, expect=2)
    for name in os.listdir(keys):
        os.remove(os.path.join(keys, name))
    check(add(alice, "x", expect=2)["reason"]["code"] == "no-key", "the key is lost")
    used = alice.json("account", "recovery-key", "use", alice.label, file)
    check(used["verdict"] == "done" and [d["name"] for d in used["devices"]] == ["phone"] and
          "recovery_keys" not in used, "approved devices stay, the paper is used up", used)
    for bob, state in ((verified, "verified"), (unverified, "unverified"), (strict, "verified")):
        expect_note(bob, alice.label, state, "A recovery key of this contact endorsed")
    add(alice, "laptop")
    found = late.json("lookup", alice.label)
    check(kinds(found) == ["account-key-changed", "contact-device-added"] and found["contact"]["state"] == "verified",
          "who looks late gets the note as well", found)
    told = second.json("monitor", "once", expect=4)
    check("account-key-changed" not in kinds(told) and any("recovery keys endorsed" in a["detail"] for a in told["alerts"]),
          "the other client is alerted", told)
    again = alice.json("account", "recovery-key", "check", alice.label, file, expect=4)
    check(again["reason"]["code"] == "not-listed", "a paper is good once", again)
    check(fingerprint != paper(alice)["recovery_keys"][0]["fingerprint"], "the next one is another")
    lost = paper(alice)["recovery_keys"]
    left = alice.json("account", "recovery-key", "remove", alice.label, lost[0]["fingerprint"])["recovery_keys"]
    check(left == lost[1:] and len(left) == 1, "a lost paper is struck out", left)
    alice.json("account", "recovery-key", "remove", alice.label, lost[0]["fingerprint"], expect=2)


def recovery_of_nobody(world):
    """Nothing is kept of an attempt on an account that does not list the paper, or does not exist."""
    text = paper(world.person("ida"))["recovery_key"]
    home = world.home("stranger")
    for label, code in (("gwen@example.org", 4), ("nobody@example.org", 5)):
        refused = home.json("account", "recovery-key", "use", label, stdin=text, expect=code)
        check(home.json("account", "show", label, expect=2)["reason"]["code"] == "no-account", "nothing is kept", refused)
    check(not os.path.exists(os.path.join(home.home, "keys")), "no key was made")
    home.json("account", "recovery-key", "bury", "x", expect=2)
    home.json("account", "recovery-key", "create", "x", expect=2)


def by_the_operator(world):
    """Nobody who knew the account is spared the alert, and one comparison each settles it."""
    alice = world.person("jill")
    second = world.second(alice, "jill2")
    contacts = contacts_of(world, alice.label, "jill")
    keys = os.path.join(alice.home, "keys")
    for name in os.listdir(keys):
        os.remove(os.path.join(keys, name))
    made = alice.json("account", "create", alice.label, expect=4)
    check(made["reason"]["code"] == "label-taken" and [d["endorsed"] for d in made["devices"]] == [True],
          "a new key, which nobody stands by yet", made)
    path = world.file("jill.json", json.dumps({"label": alice.label, "devices": [], "account_key": made["account_key"]}))
    server_verb("update-label", world.log.folder, alice.label, path)
    own = random_key()
    first = alice.json("device", "add", alice.label, "--name", "laptop", "--key", own, expect=4)
    check(set(kinds(first)) >= {"version-not-mine", "device-removed", "unsigned-set"} and "unknown-device" not in kinds(first),
          "the owner is told of what the operator did", first)
    done = add(alice, "laptop", own)
    check({d["name"] for d in done["devices"]} == {"phone", "laptop"} and alice.alert_kinds() == [],
          "and publishes: everything is back", done)
    for bob in contacts:
        found = bob.json("lookup", alice.label, expect=4)
        check(found["contact"]["state"] == "changed" and kinds(found) == ["account-key-changed"] and
              not any(d["endorsed"] for d in found["devices"]), "alerted", found)
        bob.json("lookup", alice.label, "--require-verified", expect=4)
    told = second.json("monitor", "once", expect=4)
    check("account-key-changed" in kinds(told), "so is the other client", told)
    bob = contacts[0]
    bob.json("contact", "trust", alice.label, "--key", hashlib.sha256(bytes.fromhex(made["account_key"])).hexdigest())
    check(bob.json("lookup", alice.label, "--require-verified")["contact"]["state"] == "verified", "a comparison settles it")


# --- contacts and groups -----------------------------------------------------------------------------------------------------------


def contact_book(world):
    alice = world.person("jane")
    people = [world.person(name) for name in ("kim", "lee", "mia", "noa")]
    kim, lee, mia, noa = people
    for person in people[:3]:
        verify(alice, person.label)
    alice.json("contact", "policy", kim.label, "strict")
    alice.json("lookup", noa.label)  # not verified, so not exported
    book = os.path.join(world.work, "book")
    check(alice.json("contact", "export", book)["exported"] == 3 and os.stat(book).st_mode & 0o777 == 0o600, "exported")
    second = world.second(alice, "jane2")
    second.json("lookup", lee.label)
    before = {person: alice.json("contact", "show", person.label)["contact"] for person in people}
    merged = second.json("contact", "import", book)
    results = {contact["label"]: contact["result"] for contact in merged["contacts"]}
    check(results == {kim.label: "added", lee.label: "verified", mia.label: "added"}, "imported", merged)
    for person in people[:3]:
        check(second.json("contact", "show", person.label)["contact"] == before[person], "with method and time")
    found = second.json("lookup", kim.label, "--require-verified")
    check(found["contact"]["state"] == "verified" and len(found["devices"]) == 1, "keys are handed out", found)
    add(kim, "tablet")
    check(kinds(second.json("lookup", kim.label, expect=4)) == ["contact-device-added"], "strict came with it")
    again = second.json("contact", "import", book)
    check({c["result"] for c in again["contacts"]} == {"known"}, "twice is as good as once", again)
    tampered_books(world, alice, second, book)
    conflicts(world, alice, book, lee, mia)


def tampered_books(world, alice, second, book):
    with open(book) as file:
        text = file.read().strip()
    middle = len(text) // 2
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1:]
    for content, code in ((changed, 1), (text[:-8], 1), (text[:20], 2), ("", 2), ("not a book\n", 2)):
        refused = second.json("contact", "import", "-", stdin=content, expect=code)
        check(refused["reason"]["code"] == "contact-file" and "contacts" not in refused, "refused", refused["reason"])
    stranger = world.person("olga")
    refused = stranger.json("contact", "import", book, expect=1)
    check(stranger.json("contact", "list")["contacts"] == [], "a foreign file is refused", refused)
    piped = alice.text("contact", "export")
    check(second.json("contact", "import", stdin=piped)["verdict"] == "done", "a pipe will do")


def conflicts(world, alice, book, lee, mia):
    """A changed contact stays changed, and another pinned key stays."""
    third = world.second(alice, "jane3")
    third.json("lookup", lee.label)
    third.json("lookup", mia.label)
    other = third.json("code", "public", alice.label)["code"]
    third.json("code", "check-public", lee.label, other, expect=4)  # a mismatch is open
    state = third.json("contact", "show", lee.label)["contact"]
    mia.json("account", "rotate", mia.label)
    third.json("lookup", mia.label)  # a first sight of another key than the one verified on the first client
    pinned = third.json("contact", "show", mia.label)["account_key"]
    found = third.json("contact", "import", book, expect=4)
    results = {contact["label"]: contact["result"] for contact in found["contacts"]}
    check(results[lee.label] == "kept-changed" and results[mia.label] == "differs" and
          found["reason"]["code"] == "contacts-differ", "a person has to look", found)
    check(third.json("contact", "show", lee.label)["contact"] == state and
          third.json("contact", "show", mia.label)["account_key"] == pinned, "nothing was touched")
    check(third.json("contact", "show", "kim@example.org")["contact"]["state"] == "verified", "the others are there")
    alice.json("account", "rotate", alice.label)
    check(alice.json("contact", "import", book, expect=1)["reason"]["code"] == "contact-file",
          "a file of before the key was replaced does not open")


def groups(world):
    bob = world.person("pia")
    members = [world.person(name) for name in ("quin", "rosa")]
    verify(bob, members[0].label)
    world.log.insert("sven@example.org", "s")
    labels = [member.label for member in members]
    file = world.file("group", "\n".join([*labels, "", labels[0], bob.label]) + "\r\n")
    found = bob.json("lookup", "--group", file)
    check(found["verdict"] == "verified" and [m["label"] for m in found["members"]] == [*labels, bob.label] and
          all(m["verdict"] == "verified" and m["devices"] for m in found["members"]), "each member once", found)
    check({check["name"] for check in found["members"][0]["checks"]} >= {"proof", "signature"}, "with its checks")
    absent = bob.json("lookup", "--group", "-", stdin="\n".join([*labels, "nobody"]), expect=5)
    check([m["verdict"] for m in absent["members"]] == ["verified", "verified", "absent"], "absent before verified", absent)
    alert = bob.json("lookup", "--group", "-", stdin="\n".join(["sven@example.org", "nobody", *labels]), expect=4)
    check([m["verdict"] for m in alert["members"]] == ["alert", "absent", "verified", "verified"], "alert before absent")
    needs = bob.json("lookup", "--group", "-", "--require-verified", stdin="\n".join(labels), expect=4)
    check([("devices" in m, m["verdict"]) for m in needs["members"]] == [(True, "verified"), (False, "alert")],
          "keys of verified members only", needs)

    def lie(path, status, body):
        lies.append(path)
        change = path == "/v1/search" and lies.count("/v1/search") == 2
        return status, body[:99] + bytes([body[99] ^ 1]) + body[100:] if change else body

    lies = []
    text = "\n".join(["sven@example.org", *labels, "nobody"])
    failed = bob.json("lookup", "--group", "-", "--url", Proxy(world.log.url, lie).url, stdin=text, expect=1)
    check([m["verdict"] for m in failed["members"]] == ["alert", "failed", "verified", "absent"] and
          "devices" not in failed["members"][1], "failed before everything", failed)
    world.log.stop()
    down = bob.json("lookup", "--group", "-", stdin=text, expect=3)
    check({m["verdict"] for m in down["members"]} == {"undecided"} and
          [m["reason"]["code"] for m in down["members"]] == ["network"] + ["not-asked"] * 3, "an outage", down)
    world.log.start()
    for text, code in (("", "group"), ("\n\n", "group"), (f"{labels[0]}\n{'x' * 256}\n", "label")):
        check(bob.json("lookup", "--group", "-", stdin=text, expect=2)["reason"]["code"] in (code, "label"), "refused")
    bob.json("lookup", "--group", "nowhere", expect=2)
    bob.json("lookup", labels[0], "--group", file, expect=2)
    bob.json("lookup", expect=2)
    human = bob.text("lookup", "--group", file).splitlines()
    check(human[-1] == "VERIFIED group of 3: 3 verified, 0 with alerts, 0 failed, 0 undecided, 0 absent", "one line", human)


def main():
    work = tempfile.mkdtemp(prefix="kt-accounts-")
    try:
        world = World(work)
        removals_do_not_wait_for_each_other(world, *the_loser_is_told(world))
        planned_changes_merge(world)
        a_crowd_loses_nothing(world)
        rotation(world)
        a_log_that_hides_the_history(world)
        cut_off(world)
        recovery(world)
        recovery_of_nobody(world)
        by_the_operator(world)
        contact_book(world)
        groups(world)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
