# SPDX-License-Identifier: Apache-2.0
"""Owners with several clients, for tests of accounts and of what clients hand to each other."""

import hashlib
import os

from lib_people import new_log, new_person
from lib_programs import Person, random_key


class World:
    """A log, and people with accounts, some of them on several clients."""

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
