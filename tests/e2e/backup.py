#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kt-server backup and restore, and a log that is served read only: what a copy holds, what it may do, who notices."""

import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from lib_programs import SERVER, Log, Person, check, environment, server_verb

KEYS = ("signing.key", "vrf.key")


def verb(*args, code=0):
    done = subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=120, env=environment(0))
    check(done.returncode == code, f"{args[0]} exits with {code}", args, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def verb_json(*args, code=0):
    done = subprocess.run([SERVER, *args, "--json"], capture_output=True, text=True, timeout=120, env=environment(0))
    check(done.returncode == code, f"{args[0]} exits with {code}", args, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def new_log(work, name="log"):
    """A log whose guard is on another disk, and the operator's own copy of its keys."""
    folder = os.path.join(work, name)
    server_verb("init", folder)
    guard = os.path.join(work, name + "-guard")
    os.rename(os.path.join(folder, "head-guard"), guard)
    settings = os.path.join(folder, "kt-server.yaml")
    with open(settings, encoding="utf-8") as file:
        text = re.sub(r"(?m)^#? ?head-guard:.*$", "head-guard: " + guard, file.read(), count=1)
    with open(settings, "w", encoding="utf-8") as file:
        file.write(text)
    keys = os.path.join(work, name + "-keys")
    os.mkdir(keys, 0o700)
    for key in KEYS:
        shutil.copy(os.path.join(folder, key), keys)
    return Log(folder), keys


def new_person(work, name, log):
    config = os.path.join(work, name + ".config")
    server_verb("config", log.folder, "-o", config)
    person = Person(os.path.join(work, name))
    person.json("init", log.url, "--config", config)
    return person


def get(url, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class ReadOnly(Log):
    """A restored folder at the address of the log that it was."""

    def start(self, ahead_h=0, stderr=None):
        self.process = subprocess.Popen([SERVER, "run", self.folder, "--listen", f"127.0.0.1:{self.port}", "--read-only"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(0))
        check(self.process.stdout.readline().startswith("listening on "), "it is served read only")
        self.said = ""
        self.health = None
        threading.Thread(target=self.listen, daemon=True).start()
        for _ in range(500):
            match = re.search(r"health and metrics on (\S+)", self.said)
            if match and "READ ONLY" in self.said:
                self.health = match[1]
                return self
            time.sleep(0.01)
        return sys.exit("a read-only log does not say so")

    def listen(self):
        for line in self.process.stderr:
            self.said += line


def a_copy_of_a_running_log_goes_on(work):
    log, keys = new_log(work)
    log.start()
    alice = new_person(work, "alice", log)
    log.insert("alice", "phone")
    alice.json("lookup", "alice", "--allow-unsigned")
    file = os.path.join(work, "all.backup")
    made = verb_json("backup", log.folder, file)
    check(made["log"]["tree_size"] == json.loads(server_verb("status", log.folder, "--json"))["log"]["tree_size"],
          "the copy holds the head that is published now, signature and all", made)
    check(os.stat(file).st_mode & 0o777 == 0o600, "nobody else reads it")
    check(not [name for name in os.listdir(work) if name.startswith("all.backup") and name != "all.backup"],
          "nothing is left beside it")
    log.stop()
    shutil.rmtree(log.folder)
    restored = verb_json("restore", file, log.folder, "--keys", keys)
    check(restored["guard"] == "fits" and not restored["read_only"] and restored["log"]["tree_size"] ==
          made["log"]["tree_size"], "nothing was signed that it does not have", restored)
    log.start()
    log.insert("alice", "phone", "tablet")
    check(alice.json("lookup", "alice", "--allow-unsigned")["version"] == 1, "the log goes on, for those who knew it")
    log.stop()
    check("restore" in verb("trail", log.folder), "how it came to be is on record")
    verb("fsck", log.folder)
    return log, keys, file


def no_key_is_in_it(keys, file):
    with open(file, "rb") as f:
        content = f.read()
    for key in KEYS:
        with open(os.path.join(keys, key), encoding="ascii") as f:
            seed = f.read().split()[2]
        check(seed.encode() not in content and bytes.fromhex(seed) not in content, f"{key} is not in the backup")


def an_old_copy_never_signs(work, log, keys, file):
    old = os.path.join(work, "old")
    said = verb("restore", file, old, "--keys", keys)
    check("old copy" in said and "--read-only" in said and "kt-server migrate" in said, "what it is, and the ways on", said)
    said = verb("run", old, "--listen", "127.0.0.1:0", code=1)
    check("marked" in said and "--read-only" in said and "migrate" in said, "without the option it does not start", said)
    said = verb("run", old, "--listen", "127.0.0.1:0", "--accept-missing-guard", code=1)
    check("marked" in said, "nor with another one", said)
    said = verb("signer", old, "--listen", "unix:" + os.path.join(work, "signer.sock"), code=1)
    check("marked" in said, "nor does a signer of its own", said)
    with open(os.path.join(work, "log-guard"), "rb") as f:
        guard = f.read()
    served = ReadOnly(old, log.port).start()
    bob = new_person(work, "bob", served)
    found = bob.json("lookup", "alice", "--allow-unsigned")
    check(found["version"] == 0 and bob.json("lookup", "nobody", expect=5)["verdict"] == "absent", "answers are proved as ever", found)
    status, body = get(served.health + "/readyz")
    check(status == 503 and "read-only" in body, "readyz says it", body)
    body = get(served.health + "/metrics")[1]
    check("kt_read_only 1\n" in body and "kt_signing 0\n" in body and "kt_ready 0\n" in body, "metrics say it")
    view = verb_json("status", old)["status"] if "status" in verb_json("status", old) else verb_json("status", old)
    check(view["read_only"] and not view["signing"], "status says it", view)
    update_is_refused(work, bob, served)
    verb("token", old, code=3)
    verb("import", old, os.path.join(old, "kt-server.yaml"), code=1)
    again = verb_json("backup", old, os.path.join(work, "again.backup"))
    check(again["log"]["tree_size"] == view["log"]["tree_size"], "a backup of it can be made")
    newer_head_is_noticed(work)
    served.stop()
    with open(os.path.join(work, "log-guard"), "rb") as f:
        check(f.read() == guard, "nothing was signed: the guard is what it was")
    check(not os.path.exists(os.path.join(old, "signer.lock")), "no signer was ever started in it")
    verb("fsck", old)


def update_is_refused(work, bob, served):
    bob.json("account", "create", "bob")
    done = bob.run("device", "add", "bob", "--name", "phone", "--key", "raw:AAEC", "--json")
    check(done.returncode == 3, "an update is undecided", done.returncode, done.stdout, done.stderr)
    check("read-only" in done.stdout or "read only" in done.stdout, "and says why", done.stdout)
    check(served.process.poll() is None, "which the log survives")


def newer_head_is_noticed(work):
    """Whoever saw a newer head: the log is smaller than what it once signed."""
    seen = Person(os.path.join(work, "alice")).json("lookup", "alice", "--allow-unsigned", expect=1)
    check(seen["verdict"] == "failed" and seen["alerts"][0]["kind"] == "rollback", "a client that saw more is alerted", seen)


def a_damaged_copy_is_refused(work, keys, file):
    target = os.path.join(work, "damaged")
    copy = os.path.join(work, "damaged.backup")
    for damage in ("DELETE FROM meta WHERE name = 'log/head'", "DELETE FROM meta WHERE name = 'backup/files'",
                   "UPDATE entries SET timestamp_ms = timestamp_ms + 1 WHERE pos = 1",
                   "UPDATE versions SET value = zeroblob(length(value))", "DELETE FROM prefix_leaves WHERE row > 300",
                   # one file by the name of ../evil; the list cut off
                   "UPDATE meta SET value = x'01072e2e2f6576696c00000000' WHERE name = 'backup/files'",
                   "UPDATE meta SET value = substr(value, 1, 40) WHERE name = 'backup/files'"):
        shutil.copy(file, copy)
        db = sqlite3.connect(copy)
        db.execute(damage)
        db.commit()
        db.close()
        done = subprocess.run([SERVER, "restore", copy, target, "--keys", keys], capture_output=True, text=True,
                              timeout=60, env=environment(0))
        check(done.returncode in (1, 2), f"refused: {damage}", done.returncode, done.stdout, done.stderr)
        check(not os.path.exists(target) and not os.path.exists(os.path.join(work, "evil")), "and nothing is left of it")
    verb("restore", os.path.join(work, "missing"), target, code=2)
    verb("restore", file, work, code=2)


def what_is_not_signed_yet_is_checked_too(work, log, keys, file):
    """A copy whose head is older than its newest entries: they count when they are signed, so they must be sound."""
    newer = os.path.join(work, "newer.backup")
    target = os.path.join(work, "unsigned")
    verb("backup", log.folder, newer)
    db = sqlite3.connect(file)
    head, = db.execute("SELECT value FROM meta WHERE name = 'log/head'").fetchone()
    db.close()
    db = sqlite3.connect(newer)
    db.execute("UPDATE meta SET value = ? WHERE name = 'log/head'", (head,))
    db.commit()
    check("in use" in verb("restore", newer, target, "--keys", keys, code=2), "half a database is no backup")
    db.close()
    restored = verb_json("restore", newer, target, "--keys", keys)
    check(restored["entries"] > restored["log"]["tree_size"], "entries are behind the head", restored)
    shutil.rmtree(target)
    check("behind it" in verb("restore", newer, target, "--keys", keys), "a person is told")
    served = ReadOnly(target).start()
    check(verb_json("status", target)["log"]["tree_size"] == restored["log"]["tree_size"], "they are in no answer")
    served.stop()
    db = sqlite3.connect(newer)
    db.execute("UPDATE versions SET value = zeroblob(length(value)) WHERE pos = (SELECT MAX(pos) FROM versions)")
    db.commit()
    db.close()
    verb("restore", newer, target + "2", "--keys", keys, code=1)


def keys_are_the_operators(work, keys, file):
    bare = os.path.join(work, "bare")
    said = verb("restore", file, bare)
    check("vrf.key" in said and "NOT the VRF outputs" in said, "what is missing is said", said)
    verb("run", bare, "--listen", "127.0.0.1:0", "--read-only", code=2)
    shutil.copy(os.path.join(keys, "vrf.key"), bare)
    ReadOnly(bare).start().stop()
    loose = os.path.join(work, "loose")
    shutil.copytree(keys, loose)
    os.chmod(os.path.join(loose, "signing.key"), 0o640)
    check("0600" in verb("restore", file, bare + "2", "--keys", loose, code=2), "keys that others read are refused")
    check(not os.path.exists(bare + "2"), "and nothing is left")
    os.chmod(os.path.join(loose, "signing.key"), 0o600)
    with open(os.path.join(loose, "signing.key"), "w", encoding="ascii") as f:
        f.write("kt-key/1 signing " + "11" * 32 + "\n")
    check("does not belong" in verb("restore", file, bare + "2", "--keys", loose, code=2), "another log's keys too")


def only_a_backup_is_replaced(work, log, file):
    with open(os.path.join(log.folder, "log.db"), "rb") as f:
        before = f.read()
    other = os.path.join(work, "letter.txt")
    with open(other, "w", encoding="ascii") as f:
        f.write("dear operator")
    for place in (other, os.path.join(log.folder, "log.db"), os.path.join(log.folder, "kt-server.yaml")):
        check("no backup" in verb("backup", log.folder, place, code=2), f"{os.path.basename(place)} is left alone")
    with open(os.path.join(log.folder, "log.db"), "rb") as f:
        check(f.read() == before, "the log is as it was")
    for _ in range(2):
        verb("backup", log.folder, file, "--keep", "3")
    older = file + ".2"
    shutil.copy(other, older)
    check("no backup" in verb("backup", log.folder, file, "--keep", "3", code=2), "nor is one of the older names taken")
    with open(older, encoding="ascii") as f:
        check(f.read() == "dear operator", "whatever is there")
    os.remove(older)
    for _ in range(2):
        verb("backup", log.folder, file, "--keep", "3")
    check(sorted(name for name in os.listdir(work) if name.startswith("all.backup")) ==
          ["all.backup", "all.backup.1", "all.backup.2"], "three are kept", os.listdir(work))
    check("at least" in verb("backup", log.folder, file, "--every", "1ms", code=2), "--every has a least")
    verb("backup", log.folder, file, "--keep", "0", code=2)


def a_failure_leaves_what_was_there(work, log, file):
    """A disk that takes only so much, and what kill -9 leaves behind."""
    with open(file, "rb") as f:
        before = f.read()

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40960, 40960))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run([SERVER, "backup", log.folder, file, "--keep", "9"], capture_output=True, text=True, timeout=60,
                          env=environment(0), preexec_fn=no_room, restore_signals=False)
    check(done.returncode == 3 and done.stderr, "no room: undecided", done.returncode, done.stderr)
    with open(file, "rb") as f:
        check(f.read() == before, "the copy that was there is still there")
    check(not os.path.exists(file + ".new") and not os.path.exists(file + ".3"), "and nothing else")
    with open(file + ".new", "wb") as f:
        f.write(b"half a copy")
    verb("backup", log.folder, file)
    check(not os.path.exists(file + ".new"), "what an interrupted one left is cleared away")


def a_signer_of_its_own_decides(work, keys, file):
    """The guard is the signer's, which cannot be asked now: it refuses at the start, where it has to."""
    folder = os.path.join(work, "vaulted")
    verb("restore", file, folder, "--keys", keys)
    settings = os.path.join(folder, "kt-server.yaml")
    with open(settings, encoding="utf-8") as f:
        text = re.sub(r"(?m)^signer:.*$", "signer: unix:/nowhere/signer.sock", f.read())
    with open(settings, "w", encoding="utf-8") as f:
        f.write(text)
    os.remove(os.path.join(folder, "signing.key"))
    if os.path.exists(os.path.join(folder, "read-only")):
        os.remove(os.path.join(folder, "read-only"))
    check("cannot be reached" in verb("run", folder, "--listen", "127.0.0.1:0", code=3), "without its signer nothing runs")
    served = ReadOnly(folder).start()
    copy = os.path.join(work, "vaulted.backup")
    verb("backup", folder, copy)
    served.stop()
    again = verb_json("restore", copy, folder + "2", "--keys", keys)
    check(again["guard"] == "signer" and not again["read_only"], "who decides is said", again)


def size_in(line):
    return int(line.split(": ")[1].split()[0])


def copied_until(process, file, holds):
    """The line of the copy that it holds of; a commit that came before may have had one of its own."""
    for _ in range(5):
        line = process.stdout.readline()
        with open(file, "rb") as f:
            if holds(f.read()):
                return line
    return sys.exit("not ok: the change is in no copy")


def following_copies_every_change(work, log):
    file = os.path.join(work, "follow.backup")
    log.start()
    process = subprocess.Popen([SERVER, "backup", log.folder, file, "--follow", "--every", "100ms", "--keep", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(0))
    first = process.stdout.readline()
    check("checked" in first, "the first copy is made at once", first)
    log.insert("carol", "phone")
    second = process.stdout.readline()
    check("checked" in second and second != first, "the next one when the head has changed", second)
    verb("erase", log.folder, "carol")
    third = process.stdout.readline()
    with open(file, "rb") as f:
        check(b"carol" not in f.read(), "what was erased is not in the next one, though the head is the same", third)
    token = verb_json("access-create", log.folder, "search")["id"].encode()
    third = copied_until(process, file, lambda content: token in content)
    print("ok: an access token is in the next one, though nothing was committed")
    verb("access-revoke", log.folder, token.decode())
    third = copied_until(process, file, lambda content: token not in content)
    print("ok: nor is one that was revoked left in it")
    log.stop()
    log.start()
    log.insert("dave", "laptop")
    while size_in(third) <= size_in(second):
        third = process.stdout.readline()
        check("checked" in third, "the log may restart meanwhile", third)
    process.send_signal(signal.SIGTERM)
    out, said = process.communicate(timeout=30)
    check(process.returncode == 0 and "stopping" in said and "Traceback" not in said, "it ends when it is told", said)
    check(os.path.exists(file) and os.path.exists(file + ".1") and not os.path.exists(file + ".2"), "two are kept")
    check(all("checked" in line for line in out.splitlines()), "every copy had its line", out)
    log.stop()
    restored = verb_json("restore", file, os.path.join(work, "followed"))
    check(restored["log"]["tree_size"] >= size_in(third) and restored["guard"] == "fits", "the last one is whole", restored)


def main():
    with tempfile.TemporaryDirectory() as work:
        log, keys, file = a_copy_of_a_running_log_goes_on(work)
        no_key_is_in_it(keys, file)
        an_old_copy_never_signs(work, log, keys, file)
        a_damaged_copy_is_refused(work, keys, file)
        what_is_not_signed_yet_is_checked_too(work, log, keys, file)
        keys_are_the_operators(work, keys, file)
        only_a_backup_is_replaced(work, log, file)
        a_failure_leaves_what_was_there(work, log, file)
        a_signer_of_its_own_decides(work, keys, file)
        following_copies_every_change(work, log)


if __name__ == "__main__":
    main()
