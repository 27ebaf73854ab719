# SPDX-License-Identifier: Apache-2.0
"""One file of a log's folder is lost, damaged, of another day, or something else than a file: the log does not start, names the
file, says what helps, and leaves everything as it found it. What happens to a file of the running log is noticed at the next update.

KT_SERVER and KT_VERIFY name the programs."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

from lib_people import new_person
from lib_programs import SERVER, Log, Person, check, environment, random_key, server_verb

DATABASE = ("log.db", "log.db-wal", "log.db-shm")
PATIENCE_S = 60  # who waits for a pipe waits for ever


def refused(folder, words, *options):
    """The log does not start, and its message has these words; what it said."""
    done = subprocess.run([SERVER, "run", folder, "--listen", "127.0.0.1:0", *options], capture_output=True, text=True,
                          timeout=PATIENCE_S, env=environment(0), check=False)
    check(done.returncode in (1, 2, 3) and all(word in done.stderr for word in words), f"it does not start: {words}", done)
    return done.stderr


def content(folder, names=DATABASE):
    found = {}
    for name in names:
        path = os.path.join(folder, name)
        if name != "log.db-shm" and os.path.isfile(path):
            with open(path, "rb") as file:
                found[name] = file.read()
    return found


def insert(log, label, name):
    """What the verb says, and its exit code."""
    path = log.folder + ".json"
    with open(path, "w", encoding="ascii") as file:
        json.dump({"label": label, "devices": [{"name": name, "keys": [{"alg": "raw", "key": random_key()[4:]}]}]}, file)
    done = subprocess.run([SERVER, "update-label", log.folder, label, path], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=environment(0), check=False)
    return done.returncode, done.stdout + done.stderr


class World:
    """A stopped log, and its folder as a killed process left it, some entries earlier."""

    def __init__(self, work):
        self.work = work
        self.log = Log(os.path.join(work, "log"))
        self.killed = os.path.join(work, "killed")
        self.config = os.path.join(work, "config.bin")
        server_verb("init", self.log.folder, "--maximum-lifetime", "30d")
        server_verb("config", self.log.folder, "-o", self.config)
        for kill in (True, False):
            self.log.start(stderr=subprocess.DEVNULL)
            for i in range(3):
                self.log.insert(f"label{i}", "phone")
            if kill:
                self.log.kill()
                shutil.copytree(self.log.folder, self.killed, ignore=shutil.ignore_patterns("*.sock"))
            else:
                self.log.stop()

    def copy(self):
        folder = os.path.join(self.work, "copy")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.log.folder, folder)
        return folder


# --- between two starts


def remove(path):
    os.unlink(path)


def cut(path):
    os.truncate(path, 0)


def make_empty(path):
    with open(path, "wb"):
        pass


def folder(path):
    if os.path.exists(path):
        os.unlink(path)
    os.mkdir(path, 0o700)


def pipe(path):
    if os.path.exists(path):
        os.unlink(path)
    os.mkfifo(path, 0o600)


def garble(path):
    with open(path, "r+b") as file:
        file.write(b"\xa5")


MISTAKES = (
    ("log.db", remove, ("log.db: No such file", "restore a backup")),
    ("log.db", cut, ("log.db is empty", "restore a backup")),
    ("log.db", folder, ("log.db is no regular file",)),
    ("log.db", pipe, ("log.db is no regular file",)),
    ("log.db-wal", folder, ("log.db-wal is no regular file",)),
    ("log.db-shm", pipe, ("log.db-shm is no regular file",)),
    ("log.db-journal", pipe, ("log.db-journal is no regular file",)),
    ("config.bin", remove, ("config.bin is missing", "a backup has it")),
    ("config.bin", pipe, ("config.bin is no regular file",)),
    ("kt-server.yaml", remove, ("kt-server.yaml is missing", "a backup has it")),
    ("kt-server.yaml", cut, ("kt-server.yaml:1:1: the file is empty", "a backup has it")),
    ("kt-server.yaml", pipe, ("kt-server.yaml is no regular file",)),
    ("access-tokens", pipe, ("access-tokens is no regular file",)),
    ("vrf.key", pipe, ("vrf.key is no regular file",)),
    ("signing.key", pipe, ("signing.key is no regular file",)),
    ("signing.key", garble, ("signing.key is not a key file", "copy it back from where you keep it")),
    ("head-guard", cut, ("head-guard is damaged", "bring back the newest head guard")),
    ("head-guard", pipe, ("head-guard is damaged", "bring back the newest head guard")),
)


def check_mistakes(world):
    for name, mistake, words in MISTAKES:
        copy = world.copy()
        mistake(os.path.join(copy, name))
        text = refused(copy, words)
        check("init makes one" not in text, "nobody is told to make a new log", text)


def check_trail(world):
    """A trail that cannot be written is told at each line; it keeps nobody from updates."""
    log = Log(world.copy())
    pipe(os.path.join(log.folder, "admin-trail"))
    log.start(stderr=subprocess.DEVNULL)
    code, text = insert(log, "label0", "tablet")
    check(code == 3 and "not on record" in text and "admin-trail is no regular file" in text, "a pipe is no trail", code, text)
    log.stop()


def check_left_as_found(world):
    """An old write-ahead log beside a newer database: SQLite would write its pages over the newer ones. Who takes it away has
    the newest state again."""
    copy = world.copy()
    shutil.copy(os.path.join(world.killed, "log.db-wal"), copy)
    before = content(copy)
    refused(copy, ("this is an old copy",))
    check(content(copy) == before, "a start that is refused changes nothing in the database")
    for name in DATABASE[1:]:
        if os.path.exists(os.path.join(copy, name)):
            os.unlink(os.path.join(copy, name))
    check("no damage found" in server_verb("fsck", copy), "without it the log goes on")


# --- a Configuration that decodes, and is another one


def check_configuration(world):
    """Windows have no checksum of their own. Heads under others would be of a log that nobody knows, and a shorter lifetime
    removes data for good."""
    copy = world.copy()
    path = os.path.join(copy, "config.bin")
    with open(path, "rb") as file:
        good = file.read()
    for at in (len(good) - 3, len(good) - 20):  # maximum lifetime; one of the windows
        with open(path, "wb") as file:
            file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        refused(copy, ("config.bin is not the Configuration", "a backup has it"))
    with open(path, "wb") as file:
        file.write(good)
    check("no damage found" in server_verb("fsck", copy), "with the right one the log goes on")


# --- while it runs


def check_replaced_database(world):
    """What is written to a file that has no name any more is gone when the log stops, so nothing more is promised."""
    log = Log(world.copy())
    said = os.path.join(world.work, "said")
    log.start(stderr=open(said, "w", encoding="ascii"))
    alice = new_person(world.work, "alice", log, world.config)
    path = os.path.join(log.folder, "log.db")
    os.rename(path, path + ".moved")
    shutil.copy(os.path.join(world.killed, "log.db"), path)
    answer = alice.run("device", "add", alice.label, "--name", "tablet", "--key", random_key())
    check(answer.returncode == 3, "no update is acknowledged", answer)
    alice.json("lookup", alice.label)
    log.kill()  # or anything else: it changes nothing any more
    with open(said, encoding="ascii") as file:
        text = file.read()
    check("log.db was moved, replaced or removed" in text and f"/proc/{log.process.pid}/fd" in text, "why, and what helps", text)
    os.rename(path + ".moved", path)
    log.start()
    alice.json("device", "add", alice.label, "--name", "tablet", "--key", random_key())
    log.stop()


class Watched(Log):
    """What it says is kept."""

    def __init__(self, world):
        super().__init__(world.copy())
        self.path = os.path.join(world.work, "said")

    def begin(self):
        self.start(stderr=open(self.path, "w", encoding="ascii"))

    def said(self):
        with open(self.path, encoding="ascii") as file:
            return file.read()

    def read_elsewhere(self):
        """Another program, which reads what is there now until it is closed."""
        other = sqlite3.connect(os.path.join(self.folder, "log.db"), isolation_level=None)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM entries").fetchone()
        return other

    def lose_write_ahead_log(self):
        os.unlink(os.path.join(self.folder, "log.db-wal"))


def add_device(person, name):
    return person.run("device", "add", person.label, "--name", name, "--key", random_key())


def goes_on(log, person):
    log.begin()
    check(add_device(person, "watch").returncode == 0, "the log goes on")
    log.stop()


def check_removed_write_ahead_log(world, name, is_made_anew=False, is_open_elsewhere=False):
    """Those who hold it open have it still: the log writes it into the database, before a kill can lose it, and stops. An empty
    file of that name is another one; and while another program has the database open, closing it would write nothing."""
    log = Watched(world)
    log.begin()
    carol = new_person(world.work, name, log, world.config)
    other = sqlite3.connect(os.path.join(log.folder, "log.db"))
    if is_open_elsewhere:
        other.execute("SELECT count(*) FROM entries").fetchone()
    log.lose_write_ahead_log()
    if is_made_anew:
        make_empty(os.path.join(log.folder, "log.db-wal"))
    answer = add_device(carol, "watch")
    check(answer.returncode == 3, "no update is acknowledged", answer)
    check(log.process.wait(timeout=30) == 3, "the log stops")
    check("log.db-wal was replaced or removed" in log.said() and "is in the database now" in log.said(), "and says why", log.said())
    check("no damage found" in server_verb("fsck", log.folder), "nothing that was acknowledged is lost")
    goes_on(log, carol)
    other.close()


def check_hole(world):
    """Another program goes by the removed log's pages: what is written behind them would be nobody's after a crash. It reads the
    newest state: VRF proofs that were computed for a lookup would be stored a moment later, so there is none since the start."""
    log = Watched(world)
    log.begin()
    frank = new_person(world.work, "frank", log, world.config)
    log.stop()
    log.begin()
    log.insert("label0", "watch")
    other = log.read_elsewhere()
    log.lose_write_ahead_log()
    check(add_device(frank, "watch").returncode == 3, "no update is acknowledged")
    check(log.process.wait(timeout=30) == 3, "the log stops")
    refused(log.folder, ("log.db-wal", "end that first"))
    other.close()
    goes_on(log, frank)


def check_unsaved(world):
    """Another program reads an older state, so what the removed log says cannot be saved: its process keeps it."""
    log = Watched(world)
    log.begin()
    other = log.read_elsewhere()
    grace = new_person(world.work, "grace", log, world.config)
    log.lose_write_ahead_log()
    check(add_device(grace, "watch").returncode == 3, "no update is acknowledged")
    files = f"/proc/{log.process.pid}/fd"
    check("is not saved" in log.said() and files in log.said() and log.process.poll() is None, "it stays, and says why", log.said())
    grace.json("lookup", grace.label)
    other.close()
    lost = [file for file in os.listdir(files) if os.readlink(os.path.join(files, file)).endswith("log.db-wal (deleted)")]
    shutil.copy(os.path.join(files, lost[0]), os.path.join(log.folder, "log.db-wal"))
    log.kill()
    goes_on(log, grace)


def check_told_once(world):
    """Damage that only reading finds: those who ask get no answer, and the journal says why, once."""
    log = Log(world.copy())
    said = os.path.join(world.work, "said")
    bob = Person(os.path.join(world.work, "bob"))
    log.start(stderr=open(said, "w", encoding="ascii"))
    bob.json("init", log.url, "--config", world.config)
    with open(os.path.join(log.folder, "log.db"), "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (os.path.getsize(file.name) - 4096))
    for label in ("label0", "label1"):
        bob.json("lookup", label, expect=3)
    log.kill()
    with open(said, encoding="ascii") as file:
        text = file.read()
    check(text.count("is damaged, restore a backup") == 1, "the journal has it once", text)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-files-") as work:
        world = World(work)
        check_mistakes(world)
        check_trail(world)
        check_left_as_found(world)
        check_configuration(world)
        check_replaced_database(world)
        check_removed_write_ahead_log(world, "carol")
        check_removed_write_ahead_log(world, "dan", is_made_anew=True)
        check_removed_write_ahead_log(world, "erin", is_open_elsewhere=True)
        check_hole(world)
        check_unsaved(world)
        check_told_once(world)


main()
