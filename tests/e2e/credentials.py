#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Credentials from alice to bob over files and pipes: standard, provisional and later final (by a head, by an update, by
an update that came too early, by asking the log at expiry), and what bob refuses: forged, cut, of another log, unknown,
expired, under a wrong clock. Whatever bob is sent, the log is not asked and his own state stays as it is (R62, R66, R67).

All programs read their clock from a file that the test sets forward."""

import base64
import os
import shutil
import sqlite3
import tempfile

import lib_programs
from lib_clock import Clock
from lib_programs import Log, Person, Proxy, check, random_key, server_verb
from lib_server import change_settings

MINUTE = 60 * 1000
HOUR = 60 * MINUTE
WINDOW = HOUR
ALICE = "alice@example.org"
NAMES = ("log", "heads", "accounts", "own_values", "approved", "approved_keys", "contacts", "alerts", "hook_runs")


class World:
    """A log whose distinguished entries come when the test says so, alice, and bob behind a proxy that counts."""

    def __init__(self, work):
        self.work = work
        self.clock = Clock(work)
        lib_programs.environment = self.clock.environment
        folder = os.path.join(work, "log")
        server_verb("init", folder, "--reasonable-monitoring-window", "1h", "--max-behind", "72h")
        change_settings(folder, "clock-jump: 0")  # hours pass at once here
        self.log = Log(folder).start()
        self.asked = []
        self.deny_updates = False
        self.proxy = Proxy(self.log.url, self.answer)
        self.alice = Person(os.path.join(work, "alice"))
        self.alice.json("init", self.log.url, "--first-use")
        self.alice.json("account", "create", ALICE)
        self.alice.json("device", "add", ALICE, "--name", "phone", "--key", random_key())
        self.bob = Person(os.path.join(work, "bob"))
        self.bob.json("init", self.proxy.url, "--first-use")
        self.grow(3)

    def answer(self, path, status, body):
        self.asked.append(path)
        return (422, b"") if self.deny_updates and path == "/v1/credential-update" else (status, body)

    def grow(self, n=1, minutes=61):
        """n entries, each a distinguished one unless it comes too soon after another."""
        for _ in range(n):
            self.clock.set_ms(self.clock.now_ms() + minutes * MINUTE)
            self.log.insert("somebody", "device")

    def add_device(self, name):
        """A version of alice in an entry that will never be distinguished. In a log of 4m entries it becomes entry 4m, the
        left child of 4m + 1; when that one comes within a window of 4m - 1, 4m is done with."""
        self.grow()
        while self.size() % 4 != 0:
            self.grow()
        self.clock.set_ms(self.clock.now_ms() + MINUTE)
        self.alice.json("device", "add", ALICE, "--name", name, "--key", random_key())

    def size(self):
        return self.alice.json("log", "head")["log"]["tree_size"]

    def make(self, *args):
        return self.alice.json("credential", "make", ALICE, *args)

    def check(self, text, expect=0):
        """bob checks what he was sent: nothing is asked, nothing of his own changes."""
        before, asked = state_of(self.bob), len(self.asked)
        found = self.bob.json("credential", "check", "-", stdin=text, expect=expect)
        check(len(self.asked) == asked, "  the log was not asked", self.asked[asked:])
        check(state_of(self.bob) == before, "  bob's own state is what it was (R66)")
        return found


def state_of(person):
    """Every table of the state but that of waiting credentials."""
    with sqlite3.connect(os.path.join(person.home, "state.db")) as db:
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in NAMES} | {
            "named": db.execute("SELECT * FROM named").fetchall()}


def waiting(person):
    with sqlite3.connect(os.path.join(person.home, "state.db")) as db:
        return db.execute("SELECT count(*) FROM credentials").fetchone()[0]


def body_of(text):
    return base64.b64decode(text.split("credential ")[1].split()[0])


def with_body(text, body):
    return text.split("credential ")[0] + "credential " + base64.b64encode(body).decode() + "\n"


def first_time(world):
    made = world.make()
    check(made["type"] == "standard" and made["version"] == 0, "alice makes a standard credential", made)
    found = world.check(made["file"], expect=3)
    check(found["reason"]["code"] == "no-heads", "bob knows no heads yet: undecided", found)
    world.bob.json("monitor", "once")
    check(world.asked[-1] == "/v1/distinguished", "monitor once learns them")
    asked = len(world.asked)
    world.bob.json("monitor", "once")
    check(len(world.asked) == asked, "and not again within the monitoring window")


def standard(world):
    made = world.make()
    found = world.check(made["file"])
    check(found["verdict"] == "verified" and found["type"] == "standard" and found["label"] == ALICE and
          [device["name"] for device in found["devices"]] == ["phone"], "bob checks it", found)
    check(waiting(world.bob) == 0, "nothing is left to confirm")
    path = os.path.join(world.work, "credential.txt")
    text = world.alice.run("credential", "make", ALICE, "--out", path)
    check(text.returncode == 0 and text.stdout == "", "into a file", text)
    text = world.bob.run("credential", "check", path)
    check(text.returncode == 0 and "VERIFIED" in text.stdout and "keys, not people" in text.stdout and
          "The log was not asked" in text.stdout, "with words for a person", text)
    fifo = os.path.join(world.work, "fifo")
    os.mkfifo(fifo)
    if os.fork() == 0:
        with open(fifo, "w") as pipe:
            pipe.write(made["file"])
        os._exit(0)
    check(world.bob.json("credential", "check", fifo)["verdict"] == "verified", "from a pipe")
    os.wait()
    done = world.alice.json("credential", "update", path)
    check(done["needed"] is False and "file" not in done, "it needs no update", done)


def refused(world):
    made = world.make()
    body = body_of(made["file"])
    for what, at in (("the label", 3), ("the opening", 30), ("the value", 200), ("the proof", len(body) - 5)):
        forged = bytearray(body)
        forged[at] ^= 1
        found = world.check(with_body(made["file"], bytes(forged)), expect=1)
        check(found["verdict"] == "failed", f"forged in {what}: {found['reason']['code']}", found)
    for what, text in (("cut", made["file"][:-200]), ("empty", ""), ("something else", "hello\n"),
                       ("a surplus line", made["file"] + "log 00\n"), ("no base64", made["file"] + "\nx")):
        check(world.check(text, expect=2)["reason"]["code"] == "credential-file", f"{what}: no credential")
    check(world.check(with_body(made["file"], body[:-1]), expect=1)["reason"]["code"] == "malformed-credential",
          "a byte short: failed")
    log_id = made["file"].split("log ")[1][:64]
    found = world.check(made["file"].replace(log_id, "00" * 32), expect=2)
    check(found["reason"]["code"] == "other-log", "of another log: refused", found)
    check(world.bob.json("credential", "check", "nowhere.txt", expect=2)["reason"]["code"] == "file", "no file")
    world.grow()
    newest = world.alice.json("log", "distinguished")["heads"]
    unknown = world.make("--position", str(max(head["size"] for head in newest) - 1))
    found = world.check(unknown["file"], expect=3)
    check(found["reason"]["code"] == "unknown-position", "on an entry bob does not know: undecided, nobody asked (R62)",
          found)
    world.alice.json("credential", "make", ALICE, "--position", str(10**6), expect=3)
    world.alice.json("credential", "make", "bob@example.org", expect=2)


def clocks(world):
    made = world.make()
    world.bob.json("monitor", "once")
    now = world.clock.offset_ms
    for hours, code in ((-2, "stale-or-clock"), (25, "heads-too-old")):
        world.clock.force(now + hours * HOUR)
        found = world.check(made["file"], expect=3)
        check(found["reason"]["code"] == code, f"with the clock {hours} hours off: undecided", found)
    world.clock.force(now)
    check(world.check(made["file"])["verdict"] == "verified", "and fine with the right one")


def by_head(world):
    """The newest version gets into an entry that becomes distinguished itself."""
    world.grow()
    world.clock.set_ms(world.clock.now_ms() + 61 * MINUTE)
    world.alice.json("device", "add", ALICE, "--name", "laptop", "--key", random_key())
    made = world.make()
    check(made["type"] == "provisional", "alice's newest version is younger than the settled heads: provisional", made)
    world.bob.json("monitor", "once")
    found = world.check(made["file"])
    check(found["verdict"] == "verified" and found["type"] == "provisional" and
          [c["state"] for c in found.get("credentials", [])] == ["final"], "bob knows the head already: final", found)
    check(waiting(world.bob) == 0, "nothing waits")


def provisional(world):
    world.grow()
    world.add_device("tablet")
    world.bob.json("monitor", "once")
    made = world.make()
    found = world.check(made["file"])
    check(found["verdict"] == "verified" and found["type"] == "provisional" and "credentials" not in found and
          "tablet" in [device["name"] for device in found["devices"]], "provisional, verified, to be confirmed", found)
    check(waiting(world.bob) == 1, "it is kept")
    world.check(made["file"])
    check(waiting(world.bob) == 1, "once")
    said = world.bob.run("credential", "check", "-", stdin=made["file"]).stdout
    check("Provisional:" in said and "monitor once" in said, "and told so", said)
    world.grow(minutes=5)
    return made


def by_update(world):
    made = provisional(world)
    path = os.path.join(world.work, "provisional.txt")
    with open(path, "w") as file:
        file.write(made["file"])
    early = world.alice.json("credential", "update", path, expect=3)
    check(early["reason"]["code"] == "credential-waiting", "no update before there is a head", early)
    world.bob.json("monitor", "once")
    check("/v1/credential-update" not in world.asked and waiting(world.bob) == 1, "bob waits, and asks nothing")
    world.grow(2)
    update = world.alice.json("credential", "update", path)["file"]
    found = world.check(update, expect=3)
    check(found["reason"]["code"] == "credential-waiting", "received before its head is known: kept", found)
    world.bob.json("monitor", "once")
    check(waiting(world.bob) == 0 and "/v1/credential-update" not in world.asked, "final by the kept update, not asked")
    check(world.check(update, expect=2)["reason"]["code"] == "no-credential", "an update of nothing is refused")


def at_once(world):
    """The head first, then a bad update, then the good one."""
    made = provisional(world)
    world.grow(2)
    world.bob.json("monitor", "once")
    check(waiting(world.bob) == 1, "the head alone does not confirm it")
    path = os.path.join(world.work, "at-once.txt")
    with open(path, "w") as file:
        file.write(made["file"])
    update = world.alice.text("credential", "update", path)
    body = bytearray(base64.b64decode(update.split("update ")[1]))
    body[-3] ^= 1
    found = world.check(update.split("update ")[0] + "update " + base64.b64encode(bytes(body)).decode() + "\n", expect=1)
    check(found["verdict"] == "failed" and waiting(world.bob) == 1, "a forged update is refused", found)
    found = world.check(update)
    check(found["verdict"] == "verified" and [c["state"] for c in found["credentials"]] == ["final"] and
          waiting(world.bob) == 0, "a good one confirms it", found)


def expiry(world):
    made = provisional(world)
    world.grow(2)
    world.bob.json("monitor", "once")
    check(waiting(world.bob) == 1 and "/v1/credential-update" not in world.asked, "before, it is waited for")
    world.grow(8)
    world.bob.json("monitor", "once")
    check(world.asked.count("/v1/credential-update") == 1 and waiting(world.bob) == 0,
          "at expiry the log is asked, and confirms it (R67)", world.asked[-5:])
    found = world.check(made["file"], expect=3)
    check(found["reason"]["code"] == "credential-expired", "the file itself has expired", found)


def unconfirmed(world):
    provisional(world)
    world.deny_updates = True
    world.grow(10)
    found = world.bob.json("monitor", "once", expect=4)
    check([alert["kind"] for alert in found["alerts"]] == ["credential-unconfirmed"] and
          [c["state"] for c in found["credentials"]] == ["unconfirmed"], "the log refuses: reported (R67)", found)
    check(waiting(world.bob) == 0 and len(os.listdir(os.path.join(world.bob.home, "evidence"))) == 1,
          "the credential is kept as evidence")
    world.deny_updates = False


def fork(world):
    """alice's log and bob's part after the entry that the credential rests on; the credential brings it to light."""
    world.grow(2)
    world.bob.json("monitor", "once")
    world.log.stop()
    folder = world.log.folder + "-of-bob"
    shutil.copytree(world.log.folder, folder)
    other = Log(folder).start()
    world.log.start()
    world.clock.set_ms(world.clock.now_ms() + 61 * MINUTE)
    world.alice.json("device", "add", ALICE, "--name", "camera", "--key", random_key())
    other.insert("somebody", "else")
    world.proxy.upstream = other.url
    made = world.make()
    found = world.check(made["file"])
    check(found["type"] == "provisional", "bob cannot know yet", found)
    world.clock.set_ms(world.clock.now_ms() + 61 * MINUTE)
    other.insert("somebody", "else")
    found = world.bob.json("monitor", "once", expect=1)
    check(found["reason"]["code"] == "fork" and [c["state"] for c in found["credentials"]] == ["fork"] and
          waiting(world.bob) == 0, "then the credential is proof of a fork (R65)", found)
    listed = world.bob.json("evidence", "list")["evidence"]
    saved = [entry["id"] for entry in listed if entry["kind"] in ("fork", "inconsistent")]
    path = os.path.join(world.work, "evidence")
    world.bob.json("evidence", "export", saved[0], path)
    check(world.alice.json("evidence", "verify", path)["contradiction"] is True, "that alice can verify", listed)
    other.stop()


def contact(world):
    """What bob learned by lookups counts: an older version is superseded, another account key is an alert."""
    made = world.make()
    world.bob.json("lookup", ALICE)
    check(world.check(made["file"])["devices"][0]["endorsed"], "the pinned key stands behind what it shows")
    world.add_device("watch")
    world.bob.json("lookup", ALICE)
    found = world.check(made["file"], expect=3)
    check(found["reason"]["code"] == "superseded", "a newer version is known already", found)


def in_doubt(world):
    world.log.insert(ALICE, "hidden")
    found = world.alice.json("credential", "make", ALICE, expect=4)
    check("file" not in found and "unknown-device" in [alert["kind"] for alert in found["alerts"]],
          "alice hands out nothing while her account is in doubt", found)


def main():
    work = tempfile.mkdtemp(prefix="kt-credentials-")
    try:
        world = World(work)
        for part in (first_time, standard, refused, clocks, by_head, by_update, at_once, expiry, contact, unconfirmed, fork, in_doubt):
            print(f"# {part.__name__}")
            part(world)
        world.log.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
