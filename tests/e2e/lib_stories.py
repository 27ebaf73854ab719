# SPDX-License-Identifier: Apache-2.0
"""Five bad days of docs/tutorial.md, each a story that is told and played: losing the laptop, losing the passphrase, a
stolen second client, an operator recovery, a planned new phone. `says` names what has to be on the screen."""

import hashlib
import json
import re
import shutil

from lib_book import Computer
from lib_programs import check

PASSPHRASE = "correct horse battery staple"
ASKED_TWICE = (("Passphrase:", PASSPHRASE), ("The same again:", PASSPHRASE))
ASKED_ONCE = (("Passphrase:", PASSPHRASE),)


def fingerprint(raw_key):
    """Of an X25519 device key, as the phone itself shows it: docs/formats.md, Key algorithms."""
    return hashlib.sha256(b"\0\x02" + raw_key).hexdigest()


def devices(computer, expect=0):
    listed = computer.json(f"kt-verify device list {computer.label}", expect)["devices"]
    return {device["name"]: device for device in listed}


def contact(computer, label):
    return computer.json(f"kt-verify contact show {label}")["contact"]


def paper(screen):
    """The lines that a person copies from the screen."""
    return [line.strip() for line in screen.splitlines() if re.fullmatch(r"    ([a-z0-9]{2,4} ?)+", line)]


def befriend(one, other):
    """They compared safety numbers, on both sides."""
    for person, friend in ((one, other), (other, one)):
        person.quietly(f"kt-verify lookup {friend.label}")
    code = one.json(f"kt-verify code show {other.label}")["code"]
    one.quietly(f"kt-verify code compare {other.label} {code}")
    other.quietly(f"kt-verify code compare {one.label} {code}")


def with_a_friend(book, name, computer="laptop"):
    """Somebody with an account and a phone, and Bob, who compared codes with them."""
    person = Computer(book, f"{name}-{computer}").joins(f"{name}@example.org")
    bob = Computer(book, "bob").joins("bob@example.org")
    befriend(person, bob)
    return person, bob


def new_computer(book, person, name):
    """One that has the log's configuration and nothing else."""
    computer = Computer(book, name)
    computer.label = person.label
    computer.file_from(book.config)
    return computer


def hand_over(one, other, name):
    """On a stick, by a cable, out of a backup."""
    other.file(name, one.read(name))


def approves_all(computer, papers):
    """What is listed now: set up long ago, when it was bought."""
    shown = computer.json(f"kt-verify account show {computer.label}")
    recovery_keys = [key["fingerprint"] for key in shown.get("recovery_keys", [])]
    for one in [device["id"] for device in shown["devices"]] + (recovery_keys if papers else []):
        computer.quietly(f"kt-verify monitor approve {computer.label} {one}")


# --- the laptop is gone; the exported key and its passphrase are there ------------------------------------------------------


def losing_the_laptop(book):
    book.begin("Losing the laptop", """
        Lara did one thing right on a quiet Sunday. She exported her account key to a file under a passphrase, together with
        the contacts she had verified, and put both on a stick in a drawer.""")
    laptop, bob = with_a_friend(book, "lara")
    label = laptop.label
    laptop.types(f"kt-verify account export {label} > lara.key", answers=ASKED_TWICE)
    laptop.types("kt-verify contact export lara.contacts",
                 says=["1 verified contact exported. Only your account key opens the file"])
    new = new_computer(book, laptop, "lara-new")
    for name in ("lara.key", "lara.contacts"):
        hand_over(laptop, new, name)
    shutil.rmtree(laptop.home)
    book.say("""
        On Tuesday the laptop is left on a train. Lara buys another one, pins the log again, and imports the key:""")
    new.types(f"kt-verify init {book.log.url} --config log.config")
    new.types(f"kt-verify account import {label} < lara.key", expect=4, answers=ASKED_ONCE, says=[
        f"account {label} is followed from here", "NOT APPROVED", "unknown-device"])
    phone = devices(new, expect=4)["phone"]
    book.say("""
        That looks alarming, and it is meant to be looked at. This laptop was never told which devices are Lara's; the old
        one knew, and it is gone. She compares the fingerprint with the one that her phone shows in its settings. It is the
        same, so the phone is hers. Until she has decided, nothing is published, so nothing can be vouched for by accident:""")
    new.device_key("laptop")
    add = f"kt-verify device add {label} --name laptop --key x25519:@laptop.pub"
    new.types(add, expect=4, says=["The list shows what was never approved on this computer",
                                   f"if it is yours: kt-verify monitor approve {label} {phone['id']}"])
    new.types(f"kt-verify monitor approve {label} {phone['id']}", says=["nothing needs publishing"])
    new.types(add, says=["published and verified"])
    book.say("""
        Her contacts come back from the second file, with the day and the way she verified them:""")
    new.types("kt-verify contact import lara.contacts", says=["pinned and verified, as on your other computer"])
    new.types("kt-verify monitor once", says=["VERIFIED"])
    check(set(devices(new)) == {"phone", "laptop"}, "nothing was lost")
    book.say("""
        And Bob? He hears of the new device in a *note*. No alert, and nothing to compare again: the same account key signed
        for it.""")
    bob.types(f"kt-verify lookup {label}", says=["NOTE contact-device-added", "contact verified"])
    book.say("""
        One thing is left. Whoever finds the old laptop has the account key on it. If Lara had not encrypted its disk, she would
        now type `kt-verify account rotate`; the story after the next one shows that.""")


# --- the laptop is gone and the passphrase forgotten; there is a recovery key on paper ----------------------------------------


def losing_the_passphrase(book):
    book.begin("Losing the passphrase", """
        Paul does not trust his memory, and he is right. So he makes a *recovery key* and writes it on paper.""")
    laptop, bob = with_a_friend(book, "paul")
    label = laptop.label
    use = f"kt-verify account recovery-key use {label}"
    screen = laptop.types(f"kt-verify account recovery-key create {label}", says=[
        "Write it on paper now: it is not kept here and is never shown again", "keep it where you keep your passport"])
    lines = paper(screen)
    note = "\n".join(lines)
    check(len(note.split()) == 16, "four lines of four groups", screen)
    book.say("""Does he have it right? A paper that was never tried is a hope, so he types it back:""")
    check_line = f"kt-verify account recovery-key check {label}"
    laptop.types(check_line, answers=[("line by line:", note)], says=["the paper is right"])
    laptop.quietly(use, expect=2, stdin=note + "\n")  # nothing needs recovering
    phone = devices(laptop)["phone"]
    shutil.rmtree(laptop.home)
    new = new_computer(book, laptop, "paul-new")
    new.pins()
    book.say("""
        A year later the laptop is stolen, and the passphrase of his exported key is gone as well. On the next laptop Paul
        pins the log and takes the paper out. He misreads a letter, and is told where:""")
    first, rest = lines[1].split(" ", 1)
    slip = "\n".join([lines[0], first[:-1] + ("p" if first[-1] != "p" else "q") + " " + rest, *lines[2:]])
    new.types(use, expect=2, answers=[("line by line:", slip)], says=["Look at line 2, group 1 again"])
    new.types(use, answers=[("line by line:", note.upper())], says=[
        "Contacts who know the old key see a note at their next look-up, no alert, and stay verified",
        "The recovery key is used up: burn the paper", f"the new list leaves out device {phone['id']}"])
    check(devices(new) == {}, "nothing is endorsed that nobody looked at")
    check(new.json("kt-verify alerts list")["alerts"] == [], "all is settled")
    book.say("""
        The paper vouched for a new account key, which was made here. His phone is not in the list now: this laptop had
        never seen it, and a list vouches for what is in it. The phone is in Paul's hand, its fingerprint is on its
        screen, and so he lists it again, and the laptop.""")
    new.types(f"kt-verify monitor approve {label} {phone['id']}", says=["published and verified"])
    new.device_key("laptop")
    new.types(f"kt-verify device add {label} --name laptop --key x25519:@laptop.pub", says=["published and verified"])
    new.quietly("kt-verify monitor once")
    check(set(devices(new)) == {"phone", "laptop"}, "all is as before")
    new.quietly(use, expect=2, stdin=note + "\n")  # nothing needs recovering
    book.say("""
        Bob looks only now, three versions later. He sees a note: another account key, endorsed by the one he knows. Paul
        is still a verified contact of his.""")
    bob.types(f"kt-verify lookup {label}", says=[
        "NOTE account-key-changed", "endorsed by the one you know", "contact verified"])
    bob.quietly(f"kt-verify lookup {label} --require-verified")


# --- a second computer with the account on it is stolen, unlocked -------------------------------------------------------------


def a_stolen_second_client(book):
    book.begin("A stolen second client", """
        Sara uses her account on a desktop at home and on a laptop. She also has a recovery key on paper. In a café somebody
        takes the laptop while it is unlocked, and with it a copy of her account key. The thief adds a device of his own, and
        gives it a name that Sara would not wonder about.""")
    desktop, bob = with_a_friend(book, "sara", "desktop")
    label = desktop.label
    note = "\n".join(paper(desktop.quietly(f"kt-verify account recovery-key create {label}")))
    thief = second_computer(book, desktop, "sara-laptop")
    thief.device_key("spy")
    thief.types(f'kt-verify device add {label} --name "phone (new)" --key x25519:@spy.pub', says=["published and verified"])
    book.say("""Within the hour the monitor on her desktop looks, and this is in her mailbox:""")
    desktop.types("kt-verify monitor once", expect=4, says=[
        "A device you never approved is listed in your account", "phone (new)",
        "by another computer of yours, or by somebody who has a copy of the key"])
    book.say("""
        The name does not matter, the fingerprint does: none of her devices shows it. Sara takes the device off, and then
        she takes the key away from the thief. `rotate` makes a new account key that the old one vouches for; from then on
        the old one counts for nothing.""")
    spy = devices(desktop, expect=4)["phone (new)"]
    desktop.types(f"kt-verify device remove {label} {spy['id']}", expect=4,
                  says=["published and verified", "This is not over", "kt-verify account rotate"])
    desktop.types(f"kt-verify account rotate {label}", says=["The old key is no longer accepted"])
    book.say("""The thief tries again. His copy of the key opens nothing any more:""")
    again = f"kt-verify device add {label} --name again --key x25519:@spy.pub"
    thief.types(again, expect=4)
    thief.quietly(again, expect=2)  # the account key is not in this home
    desktop.quietly(f"kt-verify account recovery-key check {label}", stdin=note + "\n")
    desktop.types("kt-verify monitor once", says=["VERIFIED"])
    book.say("""Bob sees a note about the new account key. The thief's device is not among those he encrypts to.""")
    found = bob.types(f"kt-verify lookup {label}", says=["NOTE account-key-changed", "contact verified"])
    check("phone (new)" not in found.split("contact verified")[0], "bob does not encrypt to the thief", found)


def second_computer(book, one, name, papers=True):
    """With the account on it and everything approved, from better days. papers: the recovery keys, too."""
    other = new_computer(book, one, name)
    other.pins()
    secret = one.file("passphrase", PASSPHRASE + "\n")
    other.file("passphrase", PASSPHRASE + "\n")
    exported = one.quietly(f"kt-verify account export {one.label} --passphrase-file {secret}")
    other.quietly(f"kt-verify account import {one.label} --passphrase-file {secret}; test $? = 0 -o $? = 4", stdin=exported)
    approves_all(other, papers)
    return other


# --- the operator puts a new key in place ---------------------------------------------------------------------------------------


def an_operator_recovery(book):
    book.begin("An operator recovery", """
        The same theft, a worse ending. This time the thief thinks of it first: he replaces the account key himself, and
        strikes out Sara's recovery key while he is at it.""")
    desktop, bob = with_a_friend(book, "sara", "desktop")
    label = desktop.label
    note = "\n".join(paper(desktop.quietly(f"kt-verify account recovery-key create {label}")))
    thief = second_computer(book, desktop, "sara-tablet", papers=False)
    thief.types(f"kt-verify account rotate {label}", says=["the new list leaves out recovery key"])
    book.say("""Sara is told at the next check, and the paper does not help any more:""")
    desktop.types("kt-verify monitor once", expect=4, says=[
        "Your account key was replaced", "somebody with a copy of your key has taken the account over"])
    desktop.types(f"kt-verify account recovery-key use {label}", expect=4, answers=[("line by line:", note)], says=[
        "the account does not list it", "only the operator of the log can help now"])
    book.say("""
        So Sara makes a new key, and is told what to do with it. She goes to whoever runs the log, with her passport, and
        gives them the line of hex digits.""")
    created = desktop.types(f"kt-verify account create {label}", expect=4, says=[
        "belongs to another account key in the log", "Prove to them who you are", 'with it as "account_key"'])
    key = re.search(r"^ +(45[0-9a-f]{64})$", created, re.M).group(1)
    book.operator.file("sara.json", json.dumps({"label": label, "devices": [], "account_key": key}) + "\n")
    book.operator.types("cat sara.json")
    book.operator.types(f"kt-server update-label log {label} sara.json")
    book.say("""
        This is the one thing an operator can do to an account, and everybody sees that it was done. Sara publishes her
        devices under the new key. The first attempt tells her of the operator's entry; then it goes through.""")
    add = f"kt-verify device add {label} --name phone --key x25519:@phone.pub"
    desktop.types(add, expect=4, says=["not published"])
    desktop.types(add, says=["published and verified"])
    desktop.types("kt-verify monitor once", says=["VERIFIED"])
    book.say("""
        Everybody who knew her gets an alert, and rightly so. From where Bob sits, this looks the same as an operator who
        takes over her account. An app that asks for verified contacts only gets no keys, until he has compared codes with
        her. He calls her, and she reads the fingerprint of her new key to him.""")
    bob.types(f"kt-verify lookup {label} --require-verified", expect=4, says=[
        "The account key of this contact changed, and the old key did not endorse the new one", "no keys are handed out"])
    check(contact(bob, label)["state"] == "changed", "the contact is changed")
    new_print = hashlib.sha256(bytes.fromhex(key)).hexdigest()
    bob.types(f"kt-verify contact trust {label} --key {new_print}")
    bob.types(f"kt-verify lookup {label}", says=["contact verified"])


# --- a new phone arrives tomorrow -----------------------------------------------------------------------------------------------


def a_planned_new_phone(book):
    book.begin("A planned new phone", """
        Nina does what most people never do: she prepares. Tomorrow she gets a new phone. It has made its keys already and
        shows the fingerprint on its screen. On her laptop she says beforehand that this key is hers.""")
    laptop, bob = with_a_friend(book, "nina")
    label = laptop.label
    phone = second_computer(book, laptop, "nina-phone")
    phone.device_key("new")
    with open(f"{phone.home}/new.pub", "rb") as file:
        new_print = fingerprint(file.read())
    old = devices(laptop)["phone"]
    laptop.types(f"kt-verify monitor approve {label} {new_print}", says=["in advance", "raises no alert"])
    book.say("""The next day the new phone, which has the account on it as well, lists itself:""")
    phone.types(f'kt-verify device add {label} --name "new phone" --key x25519:@new.pub', says=["published and verified"])
    book.say("""
        Her laptop notices, as it would notice anybody's device, and finds that it was announced. Nobody is alarmed: an
        alert that is usually false is an alert that nobody reads.""")
    laptop.types("kt-verify monitor once", says=["listed a device that you approved beforehand", "VERIFIED"])
    check(laptop.json("kt-verify alerts list")["alerts"] == [], "no false alarm")
    book.say("""Then the old phone goes. Nina takes it off the list on the laptop, and the new phone asks whether that is right:""")
    laptop.types(f"kt-verify device remove {label} {old['id']}", says=["published and verified"])
    phone.types("kt-verify monitor once", expect=4, says=["A device that you approved is gone from your account"])
    for alert in sorted(phone.json("kt-verify alerts list")["alerts"], key=lambda alert: alert["kind"]):
        phone.types(f"kt-verify alerts ack {alert['id']}")
    phone.types("kt-verify monitor once", says=["VERIFIED"])
    book.say("""Bob sees one note, and Nina stays verified.""")
    bob.types(f"kt-verify lookup {label}", says=["NOTE contact-device-added", "contact verified"])


BAD_DAYS = (losing_the_laptop, losing_the_passphrase, a_stolen_second_client, an_operator_recovery, a_planned_new_phone)
