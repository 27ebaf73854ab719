#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Labels that somebody surely did not mean to type: the end of a pasted line, blanks around. Refused with what is in them and
where, before anything is asked or kept; a log and a home that have such a label keep it."""

import shutil
import tempfile

from lib_owners import World, add
from lib_programs import check

SLIPS = (("alice@example.org\n", "control character", 18), ("alice@example.org\r", "control character", 18),
         ("al\tice@example.org", "control character", 3), ("alice@example.org ", "blank at its end", 18),
         (" alice@example.org", "blank at its beginning", 1), ("\u00a0alice@example.org", "blank at its beginning", 1),
         ("\u00e9lodie\u0085", "control character", 7))


def refused(person, *args, **how):
    said = person.json(*args, expect=2, **how)
    check(said["reason"]["code"] == "label", f"{args} is refused", said)
    return said["reason"]["text"]


def slips(world, person):
    for label, what, at in SLIPS:
        for verb in (("account", "create"), ("lookup",), ("code", "show"), ("code", "public")):
            text = refused(person, *verb, label)
            check(what in text and f"(character {at})" in text, "it says what and where", text)
    check("labels" not in person.json("monitor", "status") or len(person.json("monitor", "status")["labels"]) == 1,
          "nothing is kept of them")
    said = person.run("lookup", "--group", world.file("group", "alice@example.org \nbob@example.org\n"))
    check(said.returncode == 2 and "line 1" in said.stderr and "blank at its end" in said.stderr, "so in a file", said)
    for verb in (("lookup",), ("code", "public"), ("code", "show")):
        check("1 to 255 bytes of UTF-8" in refused(person, *verb, "x" * 256), "a label that is too long, in the same words")


def what_is_there_stays(world, person):
    """The owner of such a label, from before this rule, brings its key to a home: there it is a label like any other."""
    owner = world.home("owner")
    owner.label = "odd@example.org "
    refused(owner, "account", "create", owner.label)
    exported = person.text("account", "export", person.label, "--passphrase-file", world.passphrase)
    owner.json("account", "import", owner.label, "--passphrase-file", world.passphrase, stdin=exported)
    add(owner, "phone")
    check(owner.json("lookup", owner.label)["devices"][0]["name"] == "phone" and
          owner.json("code", "public", owner.label)["verdict"] == "done", "it is published, looked up and has a code")
    refused(person, "lookup", owner.label)
    person.json("monitor", "add", owner.label)
    check(person.json("lookup", owner.label)["devices"][0]["name"] == "phone", "who watches it can look it up")


def main():
    work = tempfile.mkdtemp(prefix="kt-odd-labels-")
    try:
        world = World(work)
        person = world.person("bob")
        slips(world, person)
        what_is_there_stays(world, person)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
