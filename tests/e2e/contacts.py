#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verified contacts on their way from one client to another, and look-ups of groups, with the real programs."""

import os
import shutil
import tempfile

from lib_owners import World, add, kinds, verify
from lib_programs import Proxy, check


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
    verdicts = [m["verdict"] for m in failed["members"]]
    victim = verdicts.index("failed")  # whoever was asked about second: they are asked about together
    honest = ["alert", "verified", "verified", "absent"]
    check(verdicts == [*honest[:victim], "failed", *honest[victim + 1:]] and
          "devices" not in failed["members"][victim], "failed before everything, and hides nobody else", failed)
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
    work = tempfile.mkdtemp(prefix="kt-contacts-")
    try:
        world = World(work)
        contact_book(world)
        groups(world)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
