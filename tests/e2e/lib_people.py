# SPDX-License-Identifier: Apache-2.0
"""A log and people with accounts, for tests of what people do with each other."""

import hashlib
import json
import os

from lib_programs import Log, Person, check, random_key, server_verb


def new_log(work):
    """A running log, and the file that pins it."""
    folder = os.path.join(work, "log")
    server_verb("init", folder)
    config = os.path.join(work, "config.bin")
    server_verb("config", folder, "-o", config)
    return Log(folder).start(), config


def new_person(work, name, log, config):
    """Somebody with the account NAME@example.org and one device."""
    person = Person(os.path.join(work, name))
    person.label = f"{name}@example.org"
    person.json("init", log.url, "--config", config)
    person.json("account", "create", person.label)
    person.json("device", "add", person.label, "--name", "phone", "--key", random_key())
    return person


def forget(alice, bob):
    """Neither verified nor changed, and no alert open."""
    for person, other in ((alice, bob), (bob, alice)):
        key = bytes.fromhex(person.json("contact", "show", other.label)["account_key"])
        person.run("contact", "trust", other.label, "--key", hashlib.sha256(key).hexdigest())
        person.json("contact", "untrust", other.label)
        for alert in person.json("alerts", "list")["alerts"]:
            if "settled" not in alert:
                person.run("alerts", "ack", alert["id"])


def another_key(work, name, log, config, label):
    """The operator names another account key for the label, and its holder publishes under it."""
    thief = Person(os.path.join(work, name))
    thief.json("init", log.url, "--config", config)
    key = thief.json("account", "create", label, expect=4)["account_key"]  # taken, as the log shows
    path = os.path.join(work, name + ".json")
    with open(path, "w") as file:
        json.dump({"label": label, "devices": [], "account_key": key}, file)
    server_verb("update-label", log.folder, label, path)
    for _ in range(2):  # the first attempt is told of the operator's version
        added = thief.run("device", "add", label, "--name", "stolen", "--key", random_key())
    check("stolen" in added.stdout, "the operator's key takes the label over", added)
    return thief
