#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kt-server migrate: a log that can sign no more goes on as a new one, and people can check who says so."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from backup import ReadOnly, new_log, new_person, verb, verb_json
from signer import Service, set_signer
from lib_programs import Log, Person, check, random_key, server_verb

BROKEN_CRYPTO = os.path.join(sys.argv[1], "tests", "libkt-broken_crypto.so")


def owner(work, log):
    """Alice has an account key and a device of hers in the log."""
    alice = new_person(work, "alice", log)
    alice.json("account", "create", "alice@example.org")
    alice.json("device", "add", "alice@example.org", "--name", "phone", "--key", random_key())
    return alice


def migrate(old, new, statement, *options, code=0):
    return verb_json("migrate", old, new, statement, *options, code=code)


def lost_entries(work):
    """The backup is behind the guard: read only, then a new log; nothing pretends that nothing was lost."""
    log, keys = new_log(work)
    log.start()
    alice = owner(work, log)
    log.insert("bob", "old", "older")
    verb("backup", log.folder, os.path.join(work, "copy"))
    log.insert("late", "gone")
    alice.json("device", "add", "alice@example.org", "--name", "tablet", "--key", random_key())
    log.stop()
    old = os.path.join(work, "old")
    restored = verb_json("restore", os.path.join(work, "copy"), old, "--keys", keys)
    check(restored["read_only"], "it is behind")
    shutil.rmtree(log.folder)
    new = os.path.join(work, "new")
    server_verb("init", new)
    statement = os.path.join(work, "statement")
    served = ReadOnly(old, log.port).start()
    told = migrate(old, new, statement)
    check(told["carried"] == 2 and told["signed_by_old"] and told["last_size"] == restored["log"]["tree_size"] and
          told["lost_size"] > told["last_size"], "two labels went over; what was lost is said", told)
    check([name for name in os.listdir(work) if name.startswith("statement")] == ["statement"],
          "no list of everybody's devices is left", os.listdir(work))
    with open(statement, "rb") as file:
        stated = file.read()
    refused = migrate(old, new, statement, code=2)
    with open(statement, "rb") as file:
        check("is there already" in refused["reason"]["text"] and file.read() == stated, "no statement is overwritten", refused)
    again = migrate(old, new, statement + "-again")
    check(again["carried"] == 0 and again["already_there"] == 2, "a second time changes nothing", again)
    served.stop()
    return alice, old, new, statement, log


def people_check_it(work, alice, old, new, statement, log):
    config = os.path.join(work, "next.config")
    seen = alice.json("log", "migration", statement, expect=4)
    check(seen["reason"]["code"] == "migration-lost" and "says that some are lost" in seen["reason"]["text"],
          "who saw what was lost is alerted", seen)
    served = ReadOnly(old, log.port).start()
    carol = new_person(work, "carol", served)
    carol.json("lookup", "bob", "--allow-unsigned")
    seen = carol.json("log", "migration", statement, "--out", config)
    check(seen["verdict"] == "verified" and seen["signed_by_old"] and os.path.getsize(config) > 0, "the others verify it",
          seen)
    served.stop()
    with open(statement, "rb") as file:
        content = bytearray(file.read())
    content[len(content) // 2] ^= 1
    damaged = statement + ".damaged"
    with open(damaged, "wb") as file:
        file.write(content)
    check(carol.json("log", "migration", damaged, expect=1)["verdict"] == "failed", "a changed statement is refused")
    next_log = Log(new).start()
    who_was_not_told(carol, next_log, config)
    moved = Person(os.path.join(work, "alice-new"))
    moved.json("init", next_log.url, "--config", config)
    found = moved.json("lookup", "bob", "--allow-unsigned")
    check(sorted(device["name"] for device in found["devices"]) == ["old", "older"], "values are what they were", found)
    the_owner_takes_over(work, alice, next_log, config)
    next_log.stop()


def who_was_not_told(carol, next_log, config):
    """The old log is pinned and the new one answers: what a person reads then names the verb that checks the statement."""
    way = "kt-verify log migration STATEMENT"
    said = carol.run("lookup", "bob", "--url", next_log.url)
    check(said.returncode == 1 and "another log than the pinned one" in said.stderr and way in said.stderr,
          "who meets the new log is told how to check it", said.stderr)
    said = carol.run("config", "update", config)
    check(said.returncode == 1 and way in said.stderr, "so is who takes it for a newer configuration", said.stderr)


def the_owner_takes_over(work, alice, next_log, config):
    """With the old account key, which the new log names; nobody else's gets the label."""
    label = "alice@example.org"
    passphrase = os.path.join(work, "passphrase")
    with open(passphrase, "w", encoding="ascii") as file:
        file.write("correct horse\n")
    os.chmod(passphrase, 0o600)
    thief = Person(os.path.join(work, "thief"))
    thief.json("init", next_log.url, "--config", config)
    thief.json("account", "create", label, expect=4)
    stolen = thief.run("device", "add", label, "--name", "evil", "--key", random_key(), "--json")
    check(stolen.returncode not in (0, 4), "another account key does not get the label", stolen.stdout, stolen.stderr)
    exported = alice.text("account", "export", label, "--passphrase-file", passphrase)
    moved = Person(os.path.join(work, "alice-moved"))
    moved.json("init", next_log.url, "--config", config)
    brought = moved.json("account", "import", label, "--passphrase-file", passphrase, stdin=exported, expect=4)
    check(not brought["signed"] and [device["name"] for device in brought["devices"]] == ["phone"],
          "she is shown what went over", brought)
    moved.run("monitor", "approve", label, brought["devices"][0]["id"])
    added = moved.run("device", "add", label, "--name", "laptop", "--key", random_key(), "--json")
    check(added.returncode in (0, 4), "and goes on with her key", added.stdout, added.stderr)
    frank = Person(os.path.join(work, "frank"))
    frank.json("init", next_log.url, "--config", config)
    found = frank.json("lookup", label)
    check(found["signed"] and {device["name"] for device in found["devices"]} == {"phone", "laptop"},
          "which everybody sees signed", found)


def without_the_old_key(work, old, new):
    """The old key is gone: the statement is the new log's claim, and says so."""
    bare = os.path.join(work, "bare")
    shutil.copytree(old, bare)
    os.remove(os.path.join(bare, "signing.key"))
    statement = os.path.join(work, "claim")
    check(not migrate(bare, new, statement)["signed_by_old"], "only the new key signs")
    served = ReadOnly(bare).start()
    dave = new_person(work, "dave", served)
    dave.json("lookup", "bob", "--allow-unsigned")
    seen = dave.json("log", "migration", statement, expect=3)
    check(seen["reason"]["code"] == "migration-unsigned", "which convinces nobody by itself", seen)
    served.stop()


def an_ended_log_signs_nothing(work):
    """A planned end: the old log is whole and has its guard, and signs nothing after the statement all the same."""
    log, _ = new_log(work, "planned")
    log.start()
    log.insert("erin", "phone")
    new = os.path.join(work, "planned-new")
    statement = os.path.join(work, "planned-statement")
    server_verb("init", new)
    migrate(log.folder, new, statement, code=3)
    check(not os.path.exists(os.path.join(log.folder, "read-only")), "a running log is not ended")
    log.stop()
    log.start()
    log.insert("erin", "phone", "laptop")
    newest = verb_json("status", log.folder)["log"]["tree_size"]
    log.kill()
    migrate(log.folder, log.folder, statement, code=3)
    migrate(log.folder, new, statement, "--old-key", os.path.join(new, "signing.key"), code=2)
    check(not os.path.exists(statement) and not os.path.exists(os.path.join(log.folder, "read-only")),
          "a wrong key ends nothing")
    migrate(log.folder, new, log.folder + ".json", code=2)
    migrate(log.folder, new, os.path.join(work, "nowhere", "statement"), code=3)
    check(not os.path.exists(os.path.join(log.folder, "read-only")), "nor does a statement that has no place")
    os.close(os.open(statement, os.O_CREAT | os.O_WRONLY))  # as a crash before the statement leaves it
    told = migrate(log.folder, new, statement)
    check(told["carried"] == 1 and told["last_size"] == newest and "lost_size" not in told,
          "nothing is lost, not even what was signed just before the crash", told)
    check("marked" in verb("run", log.folder, "--listen", "127.0.0.1:0", code=1), "the old log does not start again")
    verb("update-label", log.folder, "erin", log.folder + ".json", code=3)
    ReadOnly(log.folder, log.port).start().stop()
    trail = verb("trail", log.folder) + verb("trail", new)
    check("migrate-away" in trail and "migrate " in trail and "n 1" in trail, "both trails say it", trail)


def a_crash_and_no_key(work):
    """The newest head cannot be signed once more, so the statement cannot have it; but what it is of is all there."""
    log, _ = new_log(work, "crashed")
    log.start()
    log.insert("erin", "phone")
    log.insert("fred", "phone")
    log.kill()
    os.remove(os.path.join(log.folder, "signing.key"))
    new = os.path.join(work, "crashed-new")
    server_verb("init", new)
    key = os.path.join(new, "signing.key")  # as for a signer of its own
    told = migrate(log.folder, new, os.path.join(work, "crashed-statement"), "--new-key", key)
    check(told["carried"] == 2, "what was acknowledged last goes over", told)
    check(told["lost_size"] > told["last_size"] and not told["signed_by_old"], "its head's signature does not", told)


def a_guard_that_cannot_be_read(work):
    """What was signed last is not known, so nothing is stated, nor is the old log ended."""
    log, _ = new_log(work, "unguarded")
    log.start()
    log.insert("hugo", "phone")
    log.stop()
    new = os.path.join(work, "unguarded-new")
    statement = os.path.join(work, "unguarded-statement")
    server_verb("init", new)
    guard = os.path.join(work, "unguarded-guard")
    with open(guard, "rb") as file:
        content = file.read()
    with open(guard, "wb") as file:
        file.write(b"x" * len(content))
    for options in (), ("--accept-missing-guard",):
        refused = migrate(log.folder, new, statement, *options, code=2)
        check("is damaged" in refused["reason"]["text"] and "--accept-missing-guard" in refused["reason"]["text"],
              "a damaged guard is refused", refused)
    os.remove(guard)
    refused = migrate(log.folder, new, statement, code=2)
    check("--accept-missing-guard" in refused["reason"]["text"], "so is none", refused)
    check(not os.path.exists(statement) and not os.path.exists(os.path.join(log.folder, "read-only")), "nothing was done")
    told = migrate(log.folder, new, statement, "--accept-missing-guard")
    check(told["guard_missing"] and "lost_size" not in told, "it goes on when the operator says so", told)


def two_histories(work):
    """The guard has another head of a size that the data has, too: not by itself, and then the statement says both."""
    log, _ = new_log(work, "forked")
    guard = os.path.join(work, "forked-guard")
    log.start()
    early = new_person(work, "kim", log)
    log.insert("kim", "phone")
    early.json("lookup", "kim", "--allow-unsigned")
    log.stop()
    other = os.path.join(work, "forked-other")
    shutil.copytree(log.folder, other)
    shutil.copy(guard, guard + ".old")
    log.start()
    log.insert("kim", "phone", "tablet")
    late = new_person(work, "lou", log)
    late.json("lookup", "kim", "--allow-unsigned")
    log.stop()
    os.rename(guard, guard + ".signed")
    os.rename(guard + ".old", guard)
    branch = Log(other)
    branch.port = log.port
    branch.start()
    branch.insert("kim", "phone", "evil")
    newest = verb_json("status", other)["log"]["tree_size"]
    branch.stop()
    os.rename(guard + ".signed", guard)
    new = os.path.join(work, "forked-new")
    statement = os.path.join(work, "forked-statement")
    server_verb("init", new)
    refused = migrate(other, new, statement, code=1)
    check("two histories" in refused["reason"]["text"] and "--state-fork" in refused["reason"]["text"], "a fork is refused", refused)
    check(not os.path.exists(statement) and not os.path.exists(os.path.join(other, "read-only")), "before anything is done")
    claim(work, other, early)
    told = migrate(other, new, statement, "--state-fork")
    check(told["fork_size"] == newest == told["last_size"] and told["fork_root"] != told["last_root"] and
          "lost_size" not in told, "or stated", told)
    seen = early.json("log", "migration", statement, expect=4)
    check(seen["reason"]["code"] == "migration-fork" and seen["fork_root"] == told["fork_root"], "everybody is alerted", seen)
    seen = late.json("log", "migration", statement, expect=1)
    check(seen["reason"]["code"] == "fork", "who saw the other history has evidence", seen)


def claim(work, folder, person):
    """Whoever has a copy without the key can say that there was a fork."""
    copy, new, statement = [os.path.join(work, f"claimed-{name}") for name in ("old", "new", "statement")]
    shutil.copytree(folder, copy)
    os.remove(os.path.join(copy, "signing.key"))
    server_verb("init", new)
    migrate(copy, new, statement, "--state-fork")
    seen = person.json("log", "migration", statement, expect=3)
    check(seen["reason"]["code"] == "migration-unsigned", "a fork that the old key does not state is a claim", seen)


def another_logs_guard(work):
    """Of more entries than the last head, and of no more than the data has: nothing of this log was lost."""
    log, _ = new_log(work, "mistaken")
    other, _ = new_log(work, "stranger")
    for one in (log, other):
        one.start()
        for number in range(2):
            one.insert("pat", f"phone {number}")
    log.kill()
    other.stop()
    shutil.copy(os.path.join(work, "stranger-guard"), os.path.join(work, "mistaken-guard"))
    new, statement = os.path.join(work, "mistaken-new"), os.path.join(work, "mistaken-statement")
    server_verb("init", new)
    refused = migrate(log.folder, new, statement, code=1)
    check("another log's" in refused["reason"]["text"] and not os.path.exists(statement), "another log's guard is refused", refused)


def an_old_guard(work):
    """It knows of fewer entries than were signed, so nothing shows that these are all."""
    log, _ = new_log(work, "oldguard")
    guard = os.path.join(work, "oldguard-guard")
    shutil.copy(guard, guard + ".old")
    log.start()
    log.insert("mia", "phone")
    log.stop()
    os.rename(guard + ".old", guard)
    os.remove(os.path.join(log.folder, "signing.key"))
    new = os.path.join(work, "oldguard-new")
    server_verb("init", new)
    refused = migrate(log.folder, new, os.path.join(work, "oldguard-statement"), code=1)
    check("old copy" in refused["reason"]["text"], "an old copy of the guard is refused", refused)


def the_signer_is_asked(work):
    """A backup is behind a guard that only a service has: the statement names what was lost, and restore says so before."""
    log, keys = new_log(work, "served")
    vault = Service(os.path.join(work, "served-vault"))
    os.mkdir(vault.folder, 0o700)
    shutil.move(os.path.join(log.folder, "signing.key"), vault.folder)
    shutil.move(os.path.join(work, "served-guard"), os.path.join(vault.folder, "head-guard"))
    shutil.copy(os.path.join(log.folder, "config.bin"), vault.folder)
    os.remove(os.path.join(keys, "signing.key"))
    set_signer(log, vault)
    vault.start()
    log.start()
    log.insert("ivan", "phone")
    copy = os.path.join(work, "served-copy")
    verb("backup", log.folder, copy)
    log.insert("ivan", "tablet")
    log.insert("judy", "phone")
    newest = verb_json("status", log.folder)["log"]["tree_size"]
    log.stop()
    old = os.path.join(work, "served-old")
    restored = verb_json("restore", copy, old, "--keys", keys)
    check(restored["guard"] == "ahead" and restored["read_only"], "the signer says that the copy is behind", restored)
    os.remove(os.path.join(old, "read-only"))  # as where the signer could not be asked
    new = os.path.join(work, "served-new")
    statement = os.path.join(work, "served-statement")
    server_verb("init", new)
    key = ("--old-key", os.path.join(vault.folder, "signing.key"))
    vault.stop()
    refused = migrate(old, new, statement, *key, "--accept-missing-guard", code=3)
    check("cannot be reached" in refused["reason"]["text"] and not os.path.exists(os.path.join(old, "read-only")),
          "a signer that is stopped is not one without a guard", refused)
    vault.start()
    told = verb("migrate", old, new, statement, *key)
    check(f"LOST: a head of {newest} entries" in told and "signer's folder" in told, "what was lost is stated", told)
    vault.stop()


def a_failure_of_this_machine(work):
    """Nobody hears that a signature is wrong when this machine could not verify it."""
    old = os.path.join(work, "p256")
    new = os.path.join(work, "p256-new")
    statement = os.path.join(work, "p256-statement")
    for folder in old, new:
        server_verb("init", folder, "--suite", "p256")
    log = Log(old).start()
    gina = new_person(work, "gina", log)
    log.stop()
    migrate(old, new, statement)
    gina.json("log", "migration", statement)
    codes = []
    while 0 not in codes:
        broken = {"LD_PRELOAD": BROKEN_CRYPTO, "KT_BROKEN_FROM": str(len(codes) + 1),
                  "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        seen = gina.run("log", "migration", statement, "--json", env=broken)
        codes.append(seen.returncode)
        if seen.returncode == 3:
            reason = json.loads(seen.stdout)["reason"]
            check(reason["code"] == "not-examined" and "wrong" not in seen.stderr and "FAILED" not in seen.stderr,
                  "which signature it was makes no difference: nothing is accused", reason, seen.stderr)
    n_self_tests = codes.count(2)
    check(n_self_tests > 0 and codes == [2] * n_self_tests + [3, 3, 3, 0],
          "each of the three signatures is undecided when libcrypto fails", codes)


def main():
    with tempfile.TemporaryDirectory() as work:
        alice, old, new, statement, log = lost_entries(work)
        people_check_it(work, alice, old, new, statement, log)
        without_the_old_key(work, old, new)
        an_ended_log_signs_nothing(work)
        a_crash_and_no_key(work)
        a_guard_that_cannot_be_read(work)
        two_histories(work)
        an_old_guard(work)
        another_logs_guard(work)
        the_signer_is_asked(work)
        a_failure_of_this_machine(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
