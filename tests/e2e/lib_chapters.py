# SPDX-License-Identifier: Apache-2.0
"""The chapters of docs/tutorial.md about ordinary days: first steps, comparing codes, several clients, groups."""

import os
import shutil
import subprocess
import time

from lib_book import Computer
from lib_people import another_key
from lib_programs import VERIFY, Log, environment

# --- first steps ----------------------------------------------------------------------------------------------------------


def first_steps(book):
    book.begin("First steps", """
        You need two things from whoever runs the log: its address, and a small file, its *configuration*. The file says
        which keys the log signs with. Take it from a source you trust (the app's own download page, somebody who uses the
        log already), because everything else is checked against it. Then *pin* the log: from now on no other log, and no
        other past of this log, is accepted here.""")
    alice = Computer(book, "alice")
    alice.file_from(book.config)
    url = book.log.url
    alice.types(f"kt-verify init {url} --config log.config", says=["log pinned"])
    book.say("""
        Now make your account. It has a key of its own, the *account key*, which stays on this computer and signs the list
        of your devices. Then list your phone. Its *public* key comes from the phone, here as a file; the secret half
        never leaves it.""")
    alice.types("kt-verify account create alice@example.org", says=["is followed from here"])
    alice.device_key("phone")
    alice.types("kt-verify device add alice@example.org --name phone --key x25519:@phone.pub",
                says=["published and verified"])
    book.say("""
        *published and verified* is meant literally: the program did not believe the log that it took your list, it checked
        the proof. Next to it stands *approved*: this computer knows that the device is yours. From here on a timer does the
        work (`systemctl --user enable --now kt-verify-monitor.timer`). What it does every hour is this:""")
    alice.types("kt-verify monitor once", says=["VERIFIED"])
    bob = Computer(book, "bob").joins("bob@example.org")
    book.say("""
        Bob has an account in the same log. Let us look him up, and then somebody who does not exist.""")
    alice.types("kt-verify lookup bob@example.org", says=["contact unverified"])
    alice.types("kt-verify lookup bobby@example.org", expect=5, says=["the log proves that this label does not exist"])
    book.say("""
        The first answer is what an app encrypts to: one device, *endorsed*, which means listed in a list that Bob's account
        key signed. The second one is no error. The log *proves* that there is nobody of that name; it cannot hide a person
        from you by shrugging.

        *contact unverified* is the honest word for what you know now: this is what the log shows to everybody. Whether
        the Bob in the log is the Bob you know, no log can tell. For that you compare codes, once. The next chapter has
        four ways.""")

# --- ceremonies -----------------------------------------------------------------------------------------------------------


def friends(book):
    """Alice and Bob, who looked each other up, each at a computer of their own."""
    alice, bob = (Computer(book, name).joins(f"{name}@example.org") for name in ("alice", "bob"))
    alice.quietly("kt-verify lookup bob@example.org")
    bob.quietly("kt-verify lookup alice@example.org")
    return alice, bob


def with_digits(book):
    book.begin("Comparing with digits", """
        The simplest way: both of you have the same sixty digits on your screens. Send or read them to each other by a way
        that whoever runs the log does not control. A phone call is good, and so is a letter; the messenger whose keys you are
        checking is not. Let the *program* compare: people who compare long numbers by eye stop after the first ones.""")
    alice, bob = friends(book)
    code = alice.types("kt-verify code show bob@example.org").splitlines()
    digits = " ".join(" ".join(code[:3]).split())
    book.say("""Alice reads them to Bob, and Bob types what he hears:""")
    bob.types(f"kt-verify code compare alice@example.org {digits}", says=["MATCH", "contact verified"])
    book.say("""Then Bob reads his, which are the same, and Alice types them. Now both have a verified contact. It stays
        verified when either of you gets a new phone, because what you compared are the account keys, and these sign for the
        phones.""")
    alice.types(f"kt-verify code compare bob@example.org {digits}", says=["MATCH", "contact verified"])
    book.say("""If a digit is not the same, the program says where, and what to do. Perhaps it was misheard; a second try
        settles it. Until then the contact counts as *changed*, and an app that uses `--require-verified` gets no keys.""")
    wrong = digits[:12] + ("1" if digits[12] == "0" else "0") + digits[13:]
    alice.types(f"kt-verify code compare bob@example.org {wrong}", expect=4,
                says=["MISMATCH", "Of the 12 groups these differ: 3", "Send nothing secret yet"])
    alice.types("kt-verify lookup bob@example.org --require-verified", expect=4, says=["no keys are handed out"])
    alice.types(f"kt-verify code compare bob@example.org {digits}", says=["MATCH", "contact verified"])


def in_one_room(book):
    book.begin("Comparing in one room", """
        The best way, when you meet anyhow. Each of you shows a QR code and scans the other's. One scan compares both of your
        account keys, both ways, *and* whether the two of you are shown the same log at all.""")
    alice, bob = friends(book)
    bob.types("kt-verify code qr alice@example.org --png alice.png", says=["for alice@example.org only"])
    book.say("""Bob holds his screen out. Alice takes a picture of it with her laptop's camera and hands the picture to the
        program. (A scanner that types what it reads will do as well, and so will the text under the code.)""")
    shutil.copy(os.path.join(bob.home, "alice.png"), os.path.join(alice.home, "photo.png"))
    alice.types("kt-verify code scan photo.png", says=["MATCH", "both of you see the same log"])
    alice.quietly("kt-verify code qr bob@example.org --png bob.png")
    text = alice.json("kt-verify code qr bob@example.org")["payload"]
    book.say("""Then Alice shows hers (`kt-verify code qr bob@example.org`), and Bob's scanner types it:""")
    bob.types("kt-verify code scan -", answers=[("", text + "\n\x04")], says=["MATCH"])
    book.say("""Now the bad case. The operator of the log, or somebody who broke in, names a key of their own as Bob's. The
        next time Alice and Bob meet and scan, it comes out, whatever the log says:""")
    another_key(book.folder, "thief", book.log, book.config, bob.label)
    alice.types("kt-verify code scan photo.png", expect=4, says=["MISMATCH", "code-mismatch"])
    book.say("""Two alerts say the same thing from two sides: the log shows another key than before, and it is not the one
        on Bob's screen. The picture settles which of the two is Bob's. What the log signed is kept as evidence.""")


def on_a_call(book):
    book.begin("Comparing on a call", """
        You are far apart, and you know each other's voices. One of you starts and reads a room number to the other, who
        joins. Then both see seven little pictures. You need not trust the room: whoever carries the messages can stop them,
        and nothing more.""")
    alice, bob = friends(book)
    sas(book, (alice, "bob@example.org"), (bob, "alice@example.org"), ("yes", "yes"), (0, 0))
    book.say("""Both said the same seven words to each other, both typed *yes*, and each is a verified contact of the other.
        Read all seven: somebody in the middle who gets one wrong hopes that you stop at six.

        And this is what it looks like with somebody in the middle. Mallory runs the log. He shows Alice a key of his own as
        Bob's, and Bob a key of his own as Alice's, and he takes part in two comparisons at the same time, each of them
        perfectly correct. The programs cannot see it. But he cannot make the pictures the same:""")
    mallory_in_the_middle(book, alice, bob)
    book.say("""Different pictures, so both type *no*. From then on the contact is *changed*, and says so at every look-up,
        until a comparison matches.""")


def sas(book, starting, joining, said, codes, rooms=None, urls=("", "")):
    """Both at their terminals, at the same time; told one after the other."""
    (one, other_of_one), (two, other_of_two) = starting, joining
    start = f"kt-verify code sas start {other_of_one}" + (f" {rooms[0]}" if rooms else "")
    first = one.begins(start + urls[0])
    first.until("waiting for")
    room = rooms[1] if rooms else first.text().split("room ")[1].split()[0]
    join = f"kt-verify code sas join {other_of_two} {room}"
    second = two.begins(join + urls[1])
    for terminal in (first, second):
        terminal.until_asked("Type yes or no")
    first.type(said[0] + "\n")
    if said[0] == "yes":
        first.until_asked("waiting for the answer")
        time.sleep(2)  # the other program has heard of it before its person answers
    second.type(said[1] + "\n")
    told = {0: "VERIFIED MATCH", 4: "MISMATCH"}
    one.shows(start, first, codes[0], says=[told[codes[0]]])
    two.shows(join, second, codes[1], says=[told[codes[1]]])


def mallory_in_the_middle(book, alice, bob):
    log = book.log
    log.stop()
    shutil.copytree(log.folder, log.folder + "-bob")
    for_alice, for_bob = Log(log.folder, log.port).start(), Log(log.folder + "-bob").start()
    as_bob = another_key(book.folder, "as-bob", for_alice, book.config, bob.label)
    as_alice = another_key(book.folder, "as-alice", for_bob, book.config, alice.label)
    him = [quiet_side(as_bob, "join", alice.label, "11112222", for_alice.url),
           quiet_side(as_alice, "start", bob.label, "33334444", for_bob.url)]
    sas(book, (alice, bob.label), (bob, alice.label), ("no", "no"), (4, 4), rooms=("1111-2222", "3333-4444"),
        urls=("", f" --url {for_bob.url}"))
    for side in him:
        side.wait(timeout=30)
    for_bob.stop()
    book.log = for_alice


def quiet_side(person, role, label, room, url):
    """Mallory's program, which nobody sees."""
    return subprocess.Popen([VERIFY, "code", "sas", role, label, room, "--url", url, "--confirm", "yes", "--home", person.home],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(0))


def by_public_code(book):
    book.begin("Comparing with a public code", """
        Some people have many readers and cannot call them all: journalists, shops, maintainers of software. They put one
        code where everybody can see that it is they who write there: on a card, under a blog, in a printed book.""")
    alice, bob = friends(book)
    alice.types("kt-verify code public alice@example.org")
    code = alice.json("kt-verify code public alice@example.org")["code"]
    book.say("""Bob finds it on Alice's card:""")
    bob.types(f"kt-verify code check-public alice@example.org {code}", says=["MATCH", "contact verified"])
    book.say("""A slip of the finger is told apart from another code; it raises no alert:""")
    slip = code[:20] + ("q" if code[20] != "q" else "p") + code[21:]
    bob.types(f"kt-verify code check-public alice@example.org {slip}", expect=2, says=["look at character"])
    book.say("""A code without a slip that belongs to something else does. Here Bob checks it against the wrong person:""")
    carol = Computer(book, "carol").joins("carol@example.org")
    bob.quietly(f"kt-verify lookup {carol.label}")
    bob.types(f"kt-verify code check-public {carol.label} {code}", expect=4, says=["MISMATCH"])


ORDINARY_DAYS = (first_steps, with_digits, in_one_room, on_a_call, by_public_code)
