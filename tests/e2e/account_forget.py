#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""account forget: an account that was begun and never published leaves the home, its key does not; any other one stays."""

import os
import shutil
import tempfile

from lib_owners import World, add
from lib_programs import Person, check, random_key


def followed(person):
    return [label["label"] for label in person.json("monitor", "status").get("labels", [])]


def keys(person):
    return sorted(os.listdir(os.path.join(person.home, "keys")))


def a_slip(world):
    alice = world.home("alice")
    alice.label = "alcie@example.org"
    key = alice.json("account", "create", alice.label)["account_key"]
    kept = keys(alice)
    check(followed(alice) == [alice.label], "an account is begun")
    world.log.stop()
    said = alice.json("account", "forget", alice.label, expect=3)
    check(followed(alice) == [alice.label], "nothing is forgotten while the log cannot be asked", said)
    world.log.start()
    said = alice.run("account", "forget", alice.label)
    check(said.returncode == 0 and f"account create {alice.label}" in said.stdout + said.stderr and
          "keys" in said.stdout + said.stderr, "it is forgotten, and what is left is said", said)
    check(followed(alice) == [] and keys(alice) == kept, "nothing follows it any more, and the key is where it was")
    said = alice.json("account", "forget", alice.label, expect=2)
    check(said["reason"]["code"] == "no-account", "twice is an error", said)
    check(alice.json("account", "create", alice.label)["account_key"] == key, "it can be begun again, with the same key")
    add(alice, "phone")


def what_was_published_stays(world):
    bob = world.person("bob")
    for client in (bob, world.second(bob, "bob2")):
        before = client.json("account", "show", bob.label)
        said = client.json("account", "forget", bob.label, expect=2)
        check(said["reason"]["code"] == "account-published" and "this home's key" in said["reason"]["text"],
              "an account that is in the log stays", said)
        check(client.json("account", "show", bob.label)["devices"] == before["devices"], "as it was")


def what_another_computer_published_last(world):
    """The home believes that nothing is in the log; the log is asked."""
    first = world.home("carol")
    first.label = "carol@example.org"
    first.json("account", "create", first.label)
    exported = first.text("account", "export", first.label, "--passphrase-file", world.passphrase)
    other = world.home("carol2")
    other.label = first.label
    other.json("account", "import", other.label, "--passphrase-file", world.passphrase, stdin=exported)
    add(other, "phone")
    said = first.run("account", "forget", first.label, "--json")
    check(said.returncode in (2, 4) and "account-published" in said.stdout, "the log knows better than the home", said)


def somebody_elses(world):
    """Who took another one's label is told to choose another; the wrong one need not be followed for ever."""
    mallory = world.home("mallory")
    mallory.json("account", "create", "bob@example.org", expect=4)
    said = mallory.run("account", "forget", "bob@example.org")
    check(said.returncode == 0 and followed(mallory) == [], "it is forgotten", said)
    check(mallory.json("lookup", "bob@example.org")["verdict"] == "verified", "and a contact like any other")


def main():
    work = tempfile.mkdtemp(prefix="kt-account-forget-")
    try:
        world = World(work)
        a_slip(world)
        what_was_published_stays(world)
        what_another_computer_published_last(world)
        somebody_elses(world)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
