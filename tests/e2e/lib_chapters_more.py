# SPDX-License-Identifier: Apache-2.0
"""The chapters of docs/tutorial.md about several clients, groups, a night with an alert, an auditor and credentials."""

import os

from lib_book import Computer
from lib_people import another_key
from lib_programs import Log, check
from lib_stories import ASKED_ONCE, ASKED_TWICE, befriend, devices, hand_over, new_computer


def several_clients(book):
    book.begin("Several computers of one person", """
        Dora wants her account on her laptop and on her desktop. The account key goes from one to the other in an encrypted
        file. From then on each of them follows the account, approves devices and raises alerts for itself: a stolen one
        cannot talk the other into anything.""")
    laptop = Computer(book, "dora-laptop").joins("dora@example.org")
    label = laptop.label
    laptop.types(f"kt-verify account export {label} > dora.key", answers=ASKED_TWICE)
    desktop = new_computer(book, laptop, "dora-desktop")
    desktop.pins()
    hand_over(laptop, desktop, "dora.key")
    desktop.types(f"kt-verify account import {label} < dora.key", expect=4, answers=ASKED_ONCE, says=["NOT APPROVED"])
    phone = devices(desktop, expect=4)["phone"]
    book.say("""
        The desktop asks about every device, once, because it cannot know. Dora looks at her phone, finds the same fingerprint,
        and says yes:""")
    desktop.types(f"kt-verify monitor approve {label} {phone['id']}", says=["approved"])
    book.say("""
        Now both are at work at the same time. The desktop adds a tablet, and a moment later the laptop, which has not heard of
        it, adds a watch. The log takes one change after the other; who comes second is told, and nothing is lost:""")
    desktop.device_key("tablet")
    laptop.device_key("watch")
    desktop.types(f"kt-verify device add {label} --name tablet --key x25519:@tablet.pub", says=["published and verified"])
    watch = f"kt-verify device add {label} --name watch --key x25519:@watch.pub"
    laptop.types(watch, expect=4, says=["another version was published before yours", "nothing was overwritten"])
    tablet = devices(laptop, expect=4)["tablet"]
    laptop.types(f"kt-verify monitor approve {label} {tablet['id']}", says=["approved"])
    laptop.types(watch, says=["published and verified"])
    check(set(devices(laptop)) == {"phone", "tablet", "watch"}, "nothing was lost")


def a_group(book):
    book.begin("A group, and contacts on another computer", """
        Before Alice writes to a group, she wants to know about everybody in it. She puts the labels into a file. Each member
        gets a verdict of their own, and the group gets the worst of them.""")
    alice = Computer(book, "alice").joins("alice@example.org")
    bob, carol = (Computer(book, name).joins(f"{name}@example.org") for name in ("bob", "carol"))
    befriend(alice, bob)
    alice.quietly(f"kt-verify lookup {carol.label}")
    another_key(book.folder, "thief", book.log, book.config, carol.label)
    alice.file("friends", "bob@example.org\ncarol@example.org\ndave@example.org\n")
    alice.types("cat friends")
    alice.types("kt-verify lookup --group friends", expect=4, says=["1 verified, 1 with alerts", "1 absent"])
    book.say("""
        Bob is fine, Carol's key changed without her word, and there is no Dave. An app encrypts to Bob, asks Alice about Carol, and
        never quietly sends to fewer people than she thinks.

        Alice's verified contacts can go to her other computer. The file opens with her account key only, and an import never
        takes anything back: a contact whose key changed is left alone.""")
    alice.types("kt-verify contact export friends.book", says=["Only your account key opens the file"])
    laptop = new_computer(book, alice, "alice-laptop")
    laptop.pins()
    secret = alice.file("passphrase", "correct horse battery staple\n")
    laptop.quietly(f"kt-verify account import {alice.label} --passphrase-file {os.path.join(alice.home, secret)}; test $? = 4",
                   stdin=alice.quietly(f"kt-verify account export {alice.label} --passphrase-file {secret}"))
    hand_over(alice, laptop, "friends.book")
    laptop.types("kt-verify contact import friends.book", says=["pinned and verified, as on your other computer"])
    laptop.types("kt-verify contact list", says=["verified"])
    alice.types("kt-verify contact policy bob@example.org strict", says=["policy strict"])
    book.say("""
        The last line is for people with much to lose: with *strict*, a new device of Bob's is an alert, endorsed or not, until
        Alice has asked him.""")


HOOK = """#!/bin/sh
# Whatever wakes you up: a mail, a message, a bell. Here it is a line in a file.
echo "$KT_SUMMARY" >> "$HOME/woken-by"
"""


def three_in_the_morning(book):
    book.begin("Three in the morning", """
        Erin has a hook: a small program that is called once for every new alert. She tried it when she set it up, and so should you.
        An alarm that was never tested is a decoration.""")
    erin = Computer(book, "erin").joins("erin@example.org")
    folder = os.path.join(erin.home, ".local/state/kt-verify/hooks")
    os.makedirs(folder, exist_ok=True)
    hook = os.path.join(folder, "wake-me")
    with open(hook, "w") as file:
        file.write(HOOK)
    os.chmod(hook, 0o700)
    erin.types("cat .local/state/kt-verify/hooks/wake-me")
    erin.types("kt-verify monitor test-alert", says=["hooks that were told: 1"])
    erin.types("cat woken-by", says=["test"])
    os.remove(os.path.join(erin.home, "woken-by"))
    book.say("""
        At three in the morning somebody who has broken into the operator's machine puts a device into Erin's account. Twelve
        minutes later her timer looks:""")
    book.log.insert(erin.label, "cloud backup")
    erin.types("kt-verify monitor once", expect=4, says=["unknown-device", "unsigned-set"])
    erin.types("sort woken-by", says=["unknown-device"])
    book.say("""
        Four alerts, one cause. There is a device she does not know, in a version she did not publish, which leaves her phone out
        and is not signed by her. Two of them tell her who: *only the operator of the log can add such* a version. So she does
        what the first one says. Had *version-not-mine* said that the version is signed with her account key, that would not be
        enough: who has a copy of the key adds the next device tomorrow. Then the key goes as well, with `account rotate`, and
        until it has, or until she says with `alerts ack` that the version was made by a computer of hers, that alert stays open.""")
    spy = devices(erin, expect=4)["cloud backup"]
    erin.types(f"kt-verify device remove {erin.label} {spy['id']}", says=["published and verified"])
    book.say("""
        Removing is enough: it publishes her own list again, signed by her key. What the operator took off came back with it, and
        all four alerts are settled. The entry of three in the morning stays in the log for good, where an auditor, a journalist
        or a judge can find it. Before she goes back to bed she looks at what is left:""")
    erin.types("kt-verify monitor once", says=["VERIFIED"])
    erin.types("kt-verify alerts list | sort -k 3")
    erin.types("kt-verify monitor status", says=["last good check"])
    book.say("""
        And if nothing had come at all? When the monitor cannot reach the log for longer than the log's monitoring window, that
        is an alert of its own, *monitor-blind*: silence is not good news. [alerts.md](alerts.md) shows every kind of alert there is.""")


def an_auditors_day(book):
    book.begin("An auditor's day", """
        An auditor is somebody else's machine that goes through every entry of a log and signs that nothing was changed or
        hidden. A log can be set up so that nobody believes it without that signature. Frank makes a key, and gives the public
        half to the operator.""")
    frank = Computer(book, "frank")
    frank.types("kt-verify auditor keygen auditor.key", says=["the secret key is in auditor.key"])
    book.log.stop()
    hand_over(frank, book.operator, "auditor.key.pub")
    book.operator.types("kt-server init audited --mode third-party-auditing --auditor-key auditor.key.pub")
    folder = os.path.join(book.operator.home, "audited")
    book.operator.types("kt-server config audited -o log.config")
    book.log = Log(folder, book.log.port).start()
    book.config = os.path.join(book.operator.home, "log.config")
    book.say("""Grace wants to use the log. Frank has not begun yet, so she is told to wait. That is no failure, and no success either:""")
    grace = Computer(book, "grace")
    grace.pins()
    grace.types("kt-verify lookup heidi@example.org", expect=3, says=["auditor-missing"])
    book.say("""Frank starts. `--follow` goes on with new entries until somebody stops it; he does so with Ctrl-C here.""")
    frank.pins()
    terminal = frank.begins("kt-verify audit --follow --sign auditor.key")
    terminal.until("our signature under it")
    terminal.type("\x03")
    frank.shows("kt-verify audit --follow --sign auditor.key", terminal, says=["auditing ends"])
    grace.types("kt-verify lookup heidi@example.org", expect=5)
    book.say("""
        The log answers, and Grace's program has checked Frank's signature together with everything else. Anybody may audit any
        log, without a key and without asking. Grace does:""")
    grace.types("kt-verify audit", says=["they lead to the tree the log signed"])


def a_credential(book):
    book.begin("A credential", """
        Each look-up tells the log who asks about whom. If Heidi does not want that, Ivan can hand her the proof himself: a
        *credential*, a piece of text that holds what the log would have answered. It holds no secret.""")
    ivan, heidi = (Computer(book, name).joins(f"{name}@example.org") for name in ("ivan", "heidi"))
    for ahead_h in (26, 52, 78):  # the entries that everybody checks come once a day
        book.log.stop()
        book.log.start(ahead_h)
        book.log.insert("somebody", "device")
        for computer in (ivan, heidi):
            computer.later(ahead_h)
            computer.quietly("kt-verify monitor once")
    heidi.types("kt-verify monitor once", says=["VERIFIED"])
    ivan.types(f"kt-verify credential make {ivan.label} --out ivan.txt", says=["ivan@example.org"])
    hand_over(ivan, heidi, "ivan.txt")
    book.say("""Heidi checks it. Her program asks nobody: it knows the log's signed statements from its monitor's rounds.""")
    heidi.types("kt-verify credential check ivan.txt", says=["ivan@example.org"])
    book.say("""
        It shows Ivan's newest keys at the time it names, not later ones, and like everything here it is about keys. For the person,
        compare codes.""")


MORE_DAYS = (several_clients, a_group)
NIGHTS = (three_in_the_morning, an_auditors_day, a_credential)
