#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Five bad days, and what people see: losing the laptop, losing the passphrase, a stolen second client, an operator
recovery, a planned new phone. Each story is a function; its commands stand in the order in which a person types them.
`says` names what has to be on the screen, on stdout or stderr."""

import hashlib
import base64
import json
import os
import re
import shutil
import tempfile

from lib_people import new_log
from lib_programs import Person, check, random_key, server_verb

PASSPHRASE = "correct horse battery staple\n"


class Computer(Person):
    """One home of somebody, who reads what the program says."""

    def __init__(self, work, name, log, config):
        super().__init__(os.path.join(work, name))
        self.name = name
        self.types("init", log.url, "--config", config)

    def types(self, *args, expect=0, says=(), stdin=None):
        result = self.run(*args, stdin=stdin)
        seen = result.stdout + result.stderr
        check(result.returncode == expect, f"{self.name}: {' '.join(args[:3])}: exit {expect}", seen)
        for text in says:
            check(text in " ".join(seen.split()), f"  … sees: {text}", seen)
        return result.stdout

    def key_export(self, label, passphrase):
        return self.types("account", "export", label, "--passphrase-file", passphrase)

    def devices(self, label, expect=0):
        return {device["name"]: device for device in self.json("device", "list", label, expect=expect)["devices"]}

    def contact(self, label):
        return self.json("contact", "show", label)["contact"]


def fingerprint(key):
    """Of a raw device key, as the phone itself shows it: docs/formats.md, Key algorithms."""
    return hashlib.sha256(b"\0\x09" + base64.b64decode(key[4:])).hexdigest()


def account_fingerprint(key):
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()


def paper(screen):
    """The four lines that a person copies from the screen."""
    return "\n".join(line.strip() for line in screen.splitlines() if re.fullmatch(r"    ([a-z0-9]{2,4} ?)+", line)) + "\n"


def befriend(bob, alice, label, own_label):
    """They compare safety numbers on both sides."""
    bob.types("lookup", label)
    alice.types("lookup", own_label)
    code = alice.json("code", "show", own_label)["code"]
    bob.types("code", "compare", label, code)
    alice.types("code", "compare", own_label, code)


def people(work, log, config, name):
    """Somebody with an account and a phone, and a friend who verified them."""
    label, friend = f"{name}@example.org", f"{name}s-friend@example.org"
    alice, bob = Computer(work, name, log, config), Computer(work, f"{name}s-friend", log, config)
    for person, own in ((alice, label), (bob, friend)):
        person.types("account", "create", own)
        person.types("device", "add", own, "--name", "phone", "--key", random_key())
    befriend(bob, alice, label, friend)
    return alice, bob, label


def secret(work, name, text=PASSPHRASE):
    path = os.path.join(work, name)
    with open(path, "w") as file:
        file.write(text)
    return path


# The laptop is gone; alice exported the account key when she made the account, and has the file and the passphrase.
def losing_the_laptop(work, log, config):
    laptop, bob, label = people(work, log, config, "lara")
    passphrase = secret(work, "lara.pass")
    backup = laptop.key_export(label, passphrase)
    book = os.path.join(work, "lara.contacts")
    laptop.types("contact", "export", book, says=["1 verified contact exported. Only your account key opens the file"])
    shutil.rmtree(laptop.home)

    # On the new laptop: pin the log, import the key, look at every device, go on.
    new = Computer(work, "lara-new-laptop", log, config)
    new.types("account", "import", label, "--passphrase-file", passphrase, stdin=backup, expect=4, says=[
        f"account {label} is followed from here", "NOT APPROVED", "unknown-device",
        "monitor approve if you know it, device remove if not"])
    phone = new.devices(label, expect=4)["phone"]
    new.types("device", "add", label, "--name", "new laptop", "--key", random_key(), expect=4, says=[
        "The list shows what was never approved on this computer",
        f"if it is yours: kt-verify monitor approve {label} {phone['id']}"])
    new.types("monitor", "approve", label, phone["id"], says=["nothing needs publishing"])
    new.types("device", "add", label, "--name", "new laptop", "--key", random_key(), says=["published and verified"])
    new.types("contact", "import", book, says=["pinned and verified, as on your other computer"])
    new.types("monitor", "once", says=["VERIFIED"])
    check(set(new.devices(label)) == {"phone", "new laptop"}, "nothing was lost")

    # Bob hears of the new device and of nothing else.
    bob.types("lookup", label, says=["(note) contact-device-added", "contact verified"])


# The laptop is gone and the passphrase forgotten; there is a recovery key on paper.
def losing_the_passphrase(work, log, config):
    laptop, bob, label = people(work, log, config, "paul")
    screen = laptop.types("account", "recovery-key", "create", label, says=[
        "Write it on paper now: it is not kept here and is never shown again", "keep it where you keep your passport"])
    note = paper(screen)
    check(len(note.split()) == 16, "four lines of four groups", screen)
    laptop.types("account", "recovery-key", "check", label, stdin=note, says=["the paper is right"])
    laptop.types("account", "recovery-key", "use", label, stdin=note, expect=2, says=["nothing needs recovering"])
    phone = laptop.devices(label)["phone"]
    shutil.rmtree(laptop.home)

    # A slip of the pen is named by its place, and is no alert.
    new = Computer(work, "paul-new-laptop", log, config)
    wrong = note.replace(note.split()[5], ("p" if note.split()[5][0] != "p" else "q") + note.split()[5][1:], 1)
    new.types("account", "recovery-key", "use", label, stdin=wrong, expect=2, says=["Look at line 2, group 2 again"])
    new.types("account", "recovery-key", "use", label, stdin=note.upper(), says=[
        "Contacts who know the old key see a note at their next look-up, no alert, and stay verified",
        "The recovery key is used up: burn the paper", f"the new list leaves out device {phone['id']}",
        f"kt-verify monitor approve {label} {phone['id']}"])
    check(new.devices(label) == {}, "nothing is endorsed that nobody looked at")
    check(new.json("alerts", "list")["alerts"] == [], "all is settled")

    # The phone is in his hand: its fingerprint is on its screen, so he lists it again, and the new laptop.
    new.types("monitor", "approve", label, phone["id"], says=["published and verified"])
    new.types("device", "add", label, "--name", "new laptop", "--key", random_key())
    new.types("monitor", "once", says=["VERIFIED"])
    check(set(new.devices(label)) == {"phone", "new laptop"}, "all is as before")
    new.types("account", "recovery-key", "use", label, stdin=note, expect=2, says=["nothing needs recovering"])

    # Bob looks only now, three versions later: a note, still verified, and codes are new.
    bob.types("lookup", label, says=["(note) account-key-changed", "endorsed by the one you know", "contact verified"])
    check(bob.contact(label)["state"] == "verified", "bob still counts paul as verified")
    bob.types("lookup", label, "--require-verified")


# A second computer with the account on it is stolen, unlocked. The thief adds a device of his own.
def a_stolen_second_client(work, log, config):
    desktop, bob, label = people(work, log, config, "sara")
    passphrase = secret(work, "sara.pass")
    note = paper(desktop.types("account", "recovery-key", "create", label))
    stolen = Computer(work, "sara-stolen-laptop", log, config)
    stolen.types("account", "import", label, "--passphrase-file", passphrase,
                 stdin=desktop.key_export(label, passphrase), expect=4)
    stolen.types("monitor", "approve", label, *[device["id"] for device in stolen.devices(label, expect=4).values()])
    listed = stolen.json("account", "show", label)["recovery_keys"][0]
    stolen.types("monitor", "approve", label, listed["fingerprint"], says=["in advance"])
    stolen.types("device", "add", label, "--name", "phone (new)", "--key", random_key())

    # Sara's desktop tells her, whatever the name says; she takes the device off and replaces the key.
    desktop.types("monitor", "once", expect=4, says=[
        "A device you never approved is listed in your account", "phone (new)",
        "by another computer of yours, or by somebody who has a copy of the key"])
    spy = desktop.devices(label, expect=4)["phone (new)"]
    desktop.types("device", "remove", label, spy["id"], says=["published and verified"])
    desktop.types("account", "rotate", label, says=["The old key is no longer accepted"])

    # The thief is out: his key signs nothing that the log takes, and the recovery key on paper still counts.
    stolen.types("device", "add", label, "--name", "again", "--key", random_key(), expect=4)
    stolen.types("device", "add", label, "--name", "again", "--key", random_key(), expect=2, says=[
        "the account key is not in this home"])
    desktop.types("account", "recovery-key", "check", label, stdin=note, says=["the paper is right"])
    desktop.types("monitor", "once", says=["VERIFIED"])
    found = bob.types("lookup", label, says=["(note) account-key-changed", "contact verified"])
    check("phone (new)" not in found.split("contact verified")[0], "bob does not encrypt to the thief", found)

    # The same again, and this time the thief is faster: he replaces the key and strikes the paper out.
    passphrase2 = secret(work, "sara.pass2")
    stolen2 = Computer(work, "sara-stolen-tablet", log, config)
    stolen2.types("account", "import", label, "--passphrase-file", passphrase2,
                  stdin=desktop.key_export(label, passphrase2), expect=4)
    stolen2.types("account", "rotate", label, expect=0, says=["the new list leaves out recovery key"])
    desktop.types("monitor", "once", expect=4, says=[
        "The account key was replaced", "somebody with a copy of your key has taken the account over"])
    desktop.types("account", "recovery-key", "use", label, stdin=note, expect=4, says=[
        "the account does not list it", "only the operator of the log can help now"])
    return desktop, bob, label


# The thief of the last story holds the account. The operator puts sara's new key in place, once she has proven who she is.
def an_operator_recovery(work, log, desktop, bob, label):
    created = desktop.types("account", "create", label, expect=4, says=[
        "belongs to another account key in the log", "Prove to them who you are", 'with it as "account_key"'])
    key = re.search(r"^ +(45[0-9a-f]{64})$", created, re.M).group(1)
    path = secret(work, "sara.json", json.dumps({"label": label, "devices": [], "account_key": key}))
    server_verb("update-label", log.folder, label, path)
    own = random_key()
    desktop.types("device", "add", label, "--name", "desktop", "--key", own, expect=4, says=["not published"])
    desktop.types("device", "add", label, "--name", "desktop", "--key", own, says=["published and verified"])
    desktop.types("monitor", "once", says=["VERIFIED"])

    # Everybody who knew the account is alerted, and stays so until codes are compared.
    bob.types("lookup", label, expect=4, says=[
        "The account key of this contact changed, and the old key did not endorse the new one"])
    check(bob.contact(label)["state"] == "changed", "the contact is changed")
    bob.types("lookup", label, "--require-verified", expect=4, says=["no keys are handed out"])
    bob.types("contact", "trust", label, "--key", account_fingerprint(key))
    bob.types("lookup", label, says=["contact verified"])


# A new phone arrives tomorrow. It makes its keys, its owner approves it on the laptop first: nobody is alarmed.
def a_planned_new_phone(work, log, config):
    laptop, bob, label = people(work, log, config, "nina")
    passphrase = secret(work, "nina.pass")
    key = random_key()
    laptop.types("monitor", "approve", label, fingerprint(key), says=["in advance", "raises no alert"])

    phone = Computer(work, "nina-new-phone", log, config)
    phone.types("account", "import", label, "--passphrase-file", passphrase, stdin=laptop.key_export(label, passphrase),
                expect=4, says=["NOT APPROVED"])
    old = phone.devices(label, expect=4)["phone"]
    phone.types("monitor", "approve", label, old["id"])
    phone.types("device", "add", label, "--name", "new phone", "--key", key, says=["published and verified"])

    laptop.types("monitor", "once", says=["listed a device that you approved beforehand", "VERIFIED"])
    check(laptop.json("alerts", "list")["alerts"] == [], "no false alarm")
    laptop.types("device", "remove", label, old["id"], says=["published and verified"])
    phone.types("monitor", "once", expect=4, says=["A device that you approved is gone from your account"])
    for alert in phone.json("alerts", "list")["alerts"]:
        phone.types("alerts", "ack", alert["id"])
    phone.types("monitor", "once", says=["VERIFIED"])
    bob.types("lookup", label, says=["(note) contact-device-added", "contact verified"])


def main():
    work = tempfile.mkdtemp(prefix="kt-stories-")
    try:
        log, config = new_log(work)
        losing_the_laptop(work, log, config)
        losing_the_passphrase(work, log, config)
        an_operator_recovery(work, log, *a_stolen_second_client(work, log, config))
        a_planned_new_phone(work, log, config)
        log.stop()
    finally:
        shutil.rmtree(work)


main()
