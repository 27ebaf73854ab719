# SPDX-License-Identifier: Apache-2.0
"""What kt-server says of a folder that is damaged, incomplete or none, and with which exit code: the cause first, then what helps.

Called with the build folder; KT_SERVER names the program."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile

from lib_programs import SERVER, check, environment, server_verb
from lib_server import change_settings

LABELS = 300


def said(*args, code):
    done = subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=60, env=environment(0), check=False)
    check(done.returncode == code, f"{args[0]} ends with {code}", done)
    return done.stdout + done.stderr


def refused_start(folder, code, *args):
    return said("run", folder, "--listen", "127.0.0.1:0", *args, code=code)


def make_log(where, name):
    folder = os.path.join(where, name)
    server_verb("init", folder)
    return folder


def comes_before(text, first, second):
    return -1 < text.find(first) < text.find(second)


# --- damage


def roots(file):
    """The page of each table's root, by name, with everything in the one file; and the size of a page."""
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0").fetchall())
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    return pages, size


def check_damage(where):
    folder = make_log(where, "damaged")
    lines, file = os.path.join(where, "lines"), os.path.join(folder, "log.db")
    with open(lines, "w", encoding="ascii") as out:
        for i in range(LABELS):
            device = {"name": "phone", "keys": [{"alg": "raw", "key": "AAAA"}]}
            out.write(json.dumps({"label": f"label{i}", "devices": [device]}) + "\n")
    server_verb("import", folder, lines)
    for name in overwritten_pages(folder, file, ("header", "meta", "entries", "labels", "versions")):
        if name in ("header", "meta", "entries"):
            check("restore a backup" in refused_start(folder, 1), "nor is it served, and what helps is said")


def overwritten_pages(folder, file, names):
    """One after the other; then the file is as it was."""
    pages, size = roots(file)
    with open(file, "rb") as whole:
        content = whole.read()
    for name in names:
        at = (pages.get(name, 1) - 1) * size
        with open(file, "wb") as damaged:
            damaged.write(content[:at] + b"\xa5" * size + content[at + size:])
        text = said("fsck", folder, code=1)
        check("is damaged" in text, f"a page of {name} that was overwritten is damage", text)
        yield name
    with open(file, "wb") as whole:
        whole.write(content)
    check("no damage found" in said("fsck", folder, code=0), "the whole one is sound")


def check_operators_damage(where):
    """The same of a Service Operator's folder, with the same exit code."""
    folder, log = os.path.join(where, "operator"), os.path.join(where, "manager")
    mode = ("--mode", "third-party-management", "--role")
    server_verb("init", folder, *mode, "operator", "--upstream", "http://127.0.0.1:1")
    server_verb("init", log, *mode, "manager", "--leaf-key", os.path.join(folder, "leaf.pub"))
    server_verb("config", log, "-o", os.path.join(folder, "config.bin"))
    os.rename(os.path.join(log, "operator.token"), os.path.join(folder, "operator.token"))
    for name in overwritten_pages(folder, os.path.join(folder, "operator.db"), ("header", "meta", "labels", "signed", "tokens")):
        if name in ("header", "meta"):
            check("operator.db is damaged" in refused_start(folder, 1), "nor is it served")
    with sqlite3.connect(os.path.join(folder, "operator.db")) as db:
        db.execute("UPDATE meta SET value = x'00' WHERE name = 'records'")
    db.close()
    check("operator.db is damaged" in refused_start(folder, 1), "so is a count that is none")


# --- keys and the guard


def check_signing_key(where):
    folder = make_log(where, "keys")
    key, kept = os.path.join(folder, "signing.key"), os.path.join(where, "signing.key")
    os.chmod(key, 0o644)
    for text in (refused_start(folder, 2), said("check-config", folder, code=2)):
        check("mode 0644, others may use this secret key" in text and "guard" not in text, "a key that others may read", text)
    os.chmod(key, 0o600)
    os.rename(key, kept)
    text = refused_start(folder, 2)
    check(comes_before(text, "signing.key: No such file", "copy signing.key back"), "a missing key: the cause, and what helps", text)
    check(comes_before(text, "copy signing.key back", "three ways on"), "then what is left without it", text)
    check("guard" not in text, "nothing is said of the guard", text)
    os.rename(kept, key)
    os.unlink(os.path.join(folder, "head-guard"))
    text = refused_start(folder, 2)
    check(comes_before(text, "guard", "--accept-missing-guard") and "three ways on" not in text, "a missing guard", text)


def check_old_guard(where):
    """From another day than the database: nothing shows that the database is not from another day than the log."""
    folder = make_log(where, "old guard")
    guard, line = os.path.join(folder, "head-guard"), os.path.join(where, "line")
    shutil.copy(guard, guard + ".old")
    with open(line, "w", encoding="ascii") as out:
        out.write(json.dumps({"label": "alice", "devices": [{"name": "phone", "keys": [{"alg": "raw", "key": "AAAA"}]}]}) + "\n")
    server_verb("import", folder, line)
    os.rename(guard + ".old", guard)
    check("the guard is an old copy" in refused_start(folder, 1), "an old copy of the guard is refused")
    check("old copy" in said("import", folder, line, code=1), "by every verb that signs")


# --- folders and arguments


def check_no_log(where):
    nowhere, file = os.path.join(where, "nowhere"), os.path.join(where, "a file")
    with open(file, "w", encoding="ascii"):
        pass
    for folder in (nowhere, file):
        for verb in ("run", "config", "check-config", "status", "token", "access-list", "trail", "fsck", "prove"):
            check("no log here" in said(verb, folder, code=2), f"{verb}: there is no log")
    check(not os.path.exists(nowhere), "and nothing was made")


def check_settings(where):
    folder = make_log(where, "settings")
    settings = os.path.join(folder, "kt-server.yaml")
    change_settings(folder, "tls-certificate: tls.pem\ntls-key: tls.key\n")
    check("tls.key: No such file" in said("check-config", folder, code=2), "check-config looks at the TLS files")
    with open(settings, "w", encoding="ascii") as file:
        file.write("listen: localhost\n")
    check(settings + ':1:1: listen: "localhost" is not' in said("check-config", folder, code=2), "an address is told with its place")


def check_arguments(where):
    folder = make_log(where, "arguments")
    check(said("fsck", "--help", code=0).startswith("usage: kt-server fsck DIR"), "VERB --help is of this verb")
    text = said("nonsense", code=2)
    check("unknown verb: nonsense" in text and text.count("\n") == 1, "an unknown verb gets one line", text)
    text = said("update-label", folder, "alice", os.path.join(where, "hidden.json"), code=2)
    check("hidden.json: No such file" in text and ":-1" not in text, "a file that is not there", text)
    plain = os.path.join(where, "plain")
    with open(plain, "w", encoding="ascii"):
        pass
    text = said("run", folder, "--listen", "unix:" + plain, code=3)
    check("is no socket" in text and "another program" not in text, "a file that is in a socket's place", text)
    check("Z, " in next(line for line in said("status", folder, code=0).splitlines() if line.startswith("newest")),
          "status has a date")


def check_nouns(where):
    """A log that has its first entry only."""
    folder, other = make_log(where, "one"), make_log(where, "next")
    check(": 1 entry, the newest of" in said("backup", folder, os.path.join(where, "copy"), code=0), "a backup of one entry")
    text = said("migrate", folder, other, os.path.join(where, "statement"), code=0)
    check("the old log ends with 1 entry, root" in text, "a log that ends with one entry", text)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-broken-") as where:
        check_damage(where)
        check_operators_damage(where)
        check_signing_key(where)
        check_old_guard(where)
        check_no_log(where)
        check_settings(where)
        check_arguments(where)
        check_nouns(where)


main()
