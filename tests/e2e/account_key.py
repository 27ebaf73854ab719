#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes of the account key with the real programs: endorsed by the old key, by a recovery key, by nobody but the operator.
Who is alerted and who gets a note is checked for everybody concerned."""

import hashlib
import json
import os
import shutil
import tempfile

from lib_owners import World, add, kinds, settle, verify
from lib_programs import Person, Proxy, check, random_key, server_verb


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


def no_code_without_the_key(client, bob):
    """Whoever replaced the key may be a thief: a client that does not hold the new one vouches for it to nobody."""
    bob.label = "friend@example.org"
    bob.json("account", "create", bob.label)
    add(bob, "phone")
    number = bob.json("code", "show", client.label)["code"]
    for words in (["show", bob.label], ["compare", bob.label, number], ["qr", bob.label], ["sas", "start", bob.label],
                  ["public", client.label]):
        refused = client.json("code", *words, expect=2)
        check(refused["reason"]["code"] == "no-key" and "code" not in refused, f"no code {words[0]} without the key", refused)
    check(client.json("contact", "list")["contacts"] == [], "and nobody is verified by one")


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
    no_code_without_the_key(second, world.home("dora-friend"))
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
    # And before the log's answer: the key that waits may be in the log, so it comes first, but whoever copied the home
    # meanwhile has it as well.
    alice.json("account", "rotate", alice.label, "--url", "http://127.0.0.1:9", expect=3)
    thief = Person(os.path.join(world.work, "fay-thief"))
    thief.label = alice.label
    shutil.copytree(alice.home, thief.home)
    rotated = alice.json("account", "rotate", alice.label)
    check(len(rotated["devices"]) == 2 and sorted(os.listdir(folder)) == [os.path.basename(path)], "one key is left",
          rotated)
    thief.run("monitor", "once")
    check(add(thief, "stolen", expect=2)["reason"]["code"] == "no-key", "a copied home is shut out")
    add(alice, "desktop")


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


def only_the_paper(world):
    """On a new computer: what is gone is said, and what to do next. A label chosen by somebody else is no command."""
    label = "lena;reboot@example.org"
    alice = world.home("lena")
    alice.label = label
    alice.json("account", "create", label)
    add(alice, "phone")
    paper(alice)
    made = alice.text("account", "recovery-key", "create", label)
    check("every other paper of yours worthless" in made and "\n    kt-verify account recovery-key use LABEL\n" in made,
          "said beforehand", made)
    text = "".join(line for line in made.splitlines(True) if line.count(" ") >= 6 and set(map(len, line.split())) <= {4, 2})
    new = world.home("lena-new")
    used = new.run("account", "recovery-key", "use", label, stdin=text)
    said = used.stdout + used.stderr
    check(used.returncode == 0 and "\n    kt-verify device add LABEL --name NAME --key ALG:BASE64\n" in said and
          "NO DEVICE IS LISTED" in said and "deleted here" not in said and f"kt-verify code public {label}" not in said,
          "what to do next", said)
    look = new.text("lookup", "kim@example.org")
    check("kt-verify code show kim@example.org\n" in look, "a plain label is in the command", look)


def slips_on_paper(world):
    """Each kind of slip gets words of its own."""
    alice = world.person("kim")
    text = paper(alice)["recovery_key"]
    code = alice.json("code", "public", alice.label)["code"]
    for typed, reason, says, never in ((text.replace("ktr1", "kTr1"), "recovery-case", "not both", "This text has"),
                                       (text[:-6], "recovery-length", "This text has 57 characters", "group"),
                                       (code, "recovery-prefix", "a public code", "This text has")):
        refused = alice.json("account", "recovery-key", "check", alice.label, expect=2, stdin=typed)["reason"]
        check(refused["code"] == reason and says in refused["text"] and never not in refused["text"], f"{reason}: said", refused)


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


def main():
    work = tempfile.mkdtemp(prefix="kt-account-key-")
    try:
        world = World(work)
        rotation(world)
        a_log_that_hides_the_history(world)
        cut_off(world)
        recovery(world)
        slips_on_paper(world)
        only_the_paper(world)
        recovery_of_nobody(world)
        by_the_operator(world)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
