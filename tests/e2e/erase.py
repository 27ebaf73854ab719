# SPDX-License-Identifier: Apache-2.0
"""Erasing a label: no byte of it is left in any file of the log's folder or in a copy of the database; what others verify
goes on; its owner and its contacts are told what that means; nobody gets it again; a kill in the middle leaves it either
there or gone.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs."""

import base64
import json
import os
import random
import shutil
import signal
import sqlite3
import string
import subprocess
import sys
import tempfile
import time

from lib_people import new_log, new_person
from lib_programs import SERVER, Person, check, environment, random_key, server_verb

DIE_AT = os.path.join(sys.argv[1], "tests", "libkt-die_at.so")
N_OTHERS = 60
MARK = "".join(random.choices(string.ascii_lowercase, k=40))


def ways(data):
    """The bytes themselves, and as text in hex and Base64."""
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for start in range(3):  # Base64 depends on what came before; its edges with it
        yield base64.b64encode(bytes(start) + data)[4:-4]


def database(folder):
    return sqlite3.connect(f"file:{os.path.join(folder, 'log.db')}?mode=ro", uri=True)


def secrets_of(folder, label, *more):
    """What erasing the label has to remove, in all ways."""
    db = database(folder)
    label_id, state = db.execute("SELECT label_id, state FROM labels WHERE label = ?", (label.encode(),)).fetchone()
    secrets = [label.encode(), *more]
    for opening, value in db.execute("SELECT opening, value FROM versions WHERE key >> 32 = ?", (label_id,)):
        secrets += [opening, value]
    for even, odd in db.execute("SELECT even, odd FROM vrf_proofs WHERE key >> 31 = ?", (label_id,)):
        secrets += [proof[-80:] for proof in (even, odd) if proof]
    secrets.append(state[-32:])
    db.close()
    return [way for secret in secrets for way in ways(secret)]


def files_of(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    yield path, file.read()


def found(folder, secrets):
    return sorted({(os.path.basename(path), secret[:24]) for path, content in files_of(folder) for secret in secrets
                   if secret in content})


def backups(folder, where):
    """The database copied page by page, and written anew."""
    os.makedirs(where)
    db = database(folder)
    copy = sqlite3.connect(os.path.join(where, "pages.db"))
    db.backup(copy)
    copy.close()
    db.execute("VACUUM INTO ?", (os.path.join(where, "anew.db"),))
    db.close()


def fill(folder, work):
    """Many others, before and after, so that pages are split and rows move."""
    path = os.path.join(work, "others.jsonl")
    with open(path, "w") as file:
        for i in range(N_OTHERS):
            devices = [{"name": f"d{k}", "keys": [{"alg": "raw", "key": random_key()[4:]}]} for k in range(1 + i % 5)]
            json.dump({"label": f"other{i}@example.org", "devices": devices}, file)
            file.write("\n")
    server_verb("import", folder, path)


def erase(folder, label, *args, code=0):
    result = subprocess.run([SERVER, "erase", folder, label, *args], capture_output=True, text=True, timeout=60,
                            env=environment(0))
    check(result.returncode == code, f"erase gives {code}", args, result)
    return result.stdout + result.stderr


def is_erasing(folder):
    return json.loads(server_verb("status", folder, "--json"))["erasing"]


def wait_until_overwritten(folder):
    """While somebody reads an older state, copies of what was erased stay; the log's own readers do for a moment."""
    end = time.monotonic() + 60
    while is_erasing(folder):
        check(time.monotonic() < end, "overwritten when nobody reads an older state")
        time.sleep(0.1)


def check_texts(log, alice):
    told = erase(log.folder, alice.label)
    for words in ("2 versions are erased", "backups", "410", "cannot be registered again"):
        check(words in told, f"the operator is told: {words}", told)
    wait_until_overwritten(log.folder)
    check("was erased before" in erase(log.folder, alice.label), "erasing again says that nothing is left")
    erase(log.folder, "nobody@example.org", code=2)
    erase(log.folder, alice.label, "x", code=2)


def check_clients(work, log, config, people):
    alice, bob, carol = people
    for person, args in ((bob, ("lookup", alice.label)), (alice, ("monitor", "once")), (bob, ("monitor", "once")),
                         (alice, ("device", "add", alice.label, "--name", "pad", "--key", random_key()))):
        answer = person.run(*args)
        check(answer.returncode == 3 and "operator erased this" in answer.stdout + answer.stderr
              and "the operator's word alone" in answer.stdout + answer.stderr, f"{args[0]}: told that it was erased",
              answer)
    check(bob.json("lookup", alice.label, expect=3)["reason"]["code"] == "erased", "the reason is `erased`")
    again = Person(os.path.join(work, "again"))
    again.json("init", log.url, "--config", config)
    claimed = again.run("account", "create", alice.label)
    published = again.run("device", "add", alice.label, "--name", "x", "--key", random_key())
    check(3 in (claimed.returncode, published.returncode) and "operator erased this" in
          claimed.stdout + claimed.stderr + published.stdout + published.stderr, "nobody registers it again", claimed,
          published)
    path = os.path.join(work, "alice.json")
    with open(path, "w") as file:
        json.dump({"devices": []}, file)
    refused = subprocess.run([SERVER, "update-label", log.folder, alice.label, path], capture_output=True, text=True,
                             env=environment(0), timeout=60)
    check(refused.returncode == 3 and "erased" in refused.stderr, "nor does the operator", refused)
    check_others(bob, carol)


def check_others(bob, carol):
    """What was verified before goes on from there, with the states from before."""
    check(carol.run("lookup", bob.label).returncode == 0, "another label is looked up")
    check(bob.run("device", "add", bob.label, "--name", "pad", "--key", random_key()).returncode == 0,
          "another label is updated")
    check(carol.run("monitor", "once").returncode == 0, "another label is monitored")
    check(carol.run("audit").returncode == 0, "the whole log is audited")


def check_one_version(folder, bob, carol):
    erase(folder, bob.label, "1", code=2)  # the newest
    secrets = secrets_of_version(folder, bob.label, 0)
    reader = database(folder)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM versions").fetchone()
    told = erase(folder, bob.label, "0")
    check("still in the database's files" in told and is_erasing(folder) and found(folder, secrets),
          "somebody reads an older state: the operator is told what stays", told)
    reader.close()
    wait_until_overwritten(folder)
    check(found(folder, secrets) == [], "nothing of the erased version is left", found(folder, secrets))
    old = carol.run("lookup", bob.label, "--version", "0")
    check(old.returncode == 3 and "erased" in old.stdout + old.stderr, "the erased version says so", old)
    check(carol.run("lookup", bob.label).returncode == 0, "the newest one is there")


def secrets_of_version(folder, label, version):
    db = database(folder)
    row = db.execute("SELECT opening, value FROM versions WHERE key = (SELECT label_id FROM labels WHERE label = ?) << 32"
                     " | ?", (label.encode(), version)).fetchone()
    db.close()
    return [way for secret in row for way in ways(secret)]


# --- a kill in the middle ------------------------------------------------------------------------------------------------


def erase_and_die(folder, label, die_at, count=None):
    env = environment(0)
    env.update(LD_PRELOAD=DIE_AT, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0", KT_DIE_AT=str(die_at))
    if count:
        env["KT_DIE_COUNT"] = count
    return subprocess.run([SERVER, "erase", folder, label], capture_output=True, timeout=60, env=env).returncode


def check_kills(stopped, work, label, secrets):
    """Each copy of the stopped folder dies at another write, and is then opened as after any crash."""
    count = os.path.join(work, "count")
    whole = os.path.join(work, "whole")
    shutil.copytree(stopped, whole)
    check(erase_and_die(whole, label, 0, count) == 0, "erased without a kill")
    n_calls = os.path.getsize(count)
    n_kept = n_gone = 0
    for at in sorted({1, n_calls} | set(range(2, n_calls, max(1, n_calls // 12)))):
        folder = os.path.join(work, f"kill-{at}")
        shutil.copytree(stopped, folder)
        code = erase_and_die(folder, label, at)
        if code != -signal.SIGKILL:
            check(code == 0, f"killed at {at}, or done", code)
        server_verb("status", folder)
        db = database(folder)
        is_there = db.execute("SELECT 1 FROM labels WHERE label = ?", (label.encode(),)).fetchone()
        db.close()
        if is_there:
            n_kept += 1
        else:
            n_gone += 1
            check(found(folder, secrets) == [], f"killed at {at}: finished by the next start", found(folder, secrets))
        check("no damage" in server_verb("fsck", folder), f"killed at {at}: sound")
        shutil.rmtree(folder)
    check(n_kept > 1 and n_gone > 1, "kills before and after the point of no return", n_kept, n_gone, n_calls)


def main():
    with tempfile.TemporaryDirectory() as work:
        log, config = new_log(work)
        fill(log.folder, work)
        alice, bob, carol = (new_person(work, name, log, config) for name in (MARK, "bob", "carol"))
        key = os.urandom(32)
        alice.json("device", "add", alice.label, "--name", MARK[::-1], "--key", "raw:" + base64.b64encode(key).decode())
        for looker, label in ((bob, alice.label), (carol, bob.label), (alice, carol.label)):
            check(looker.run("lookup", label).returncode == 0, "looked up before")
        secrets = secrets_of(log.folder, alice.label, key, MARK[::-1].encode())
        names = {name for name, _ in found(log.folder, secrets)}
        check(names, "it is in the files before", names)
        log.stop()
        stopped = os.path.join(work, "stopped")
        shutil.copytree(log.folder, stopped)
        said = os.path.join(work, "said")
        with open(said, "w") as stderr:
            log.start(stderr=stderr)
        check_texts(log, alice)
        backups(log.folder, os.path.join(work, "backups"))
        for where in (log.folder, os.path.join(work, "backups")):
            check(found(where, secrets) == [], "nothing of it is left", found(where, secrets))
        trail = json.loads(server_verb("trail", log.folder, "--json"))["records"]
        check([(r["result"], r["n"]) for r in trail if r["action"] == "erase"][:1] == [("done", 2)], "on record", trail)
        check_clients(work, log, config, (alice, bob, carol))
        check_one_version(log.folder, bob, carol)
        check(is_erasing(log.folder) is False, "status: nothing is left")
        log.stop()
        check(found(log.folder, secrets) == [], "nor has it come back", found(log.folder, secrets))
        with open(said, "rb") as stderr:
            check(MARK.encode() not in stderr.read(), "nothing of it was said")
        check("no damage" in server_verb("fsck", log.folder), "the log is sound")
        check_kills(stopped, work, alice.label, secrets)


main()
