#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Audit, heads and evidence with the real programs: a log of a few hundred entries is audited, the audit is resumed, a
tampered page is refused, a forked copy of the log is found, and the evidence convinces somebody who has nothing but the
configuration."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

from lib_programs import Log, Person, Proxy, VERIFY, check, server_verb

ENTRIES = 300


# --- programs -------------------------------------------------------------------------------------------------------


def verify(home, *args, expect=0):
    return Person(home).json(*args, expect=expect)


def text_of(home, *args, expect=0):
    return Person(home).text(*args, expect=expect)


def device_set(label, number):
    key = base64.b64encode(number.to_bytes(32, "big")).decode()
    return {"label": label, "devices": [{"name": "phone", "keys": [{"alg": "raw", "key": key}]}]}


# --- answers that are changed on the way ------------------------------------------------------------------------------


def split_updates(page):
    """Offsets in a page of AuditorUpdates: (start, first proof element or None) of each."""
    at = 4
    found = []
    for _ in range(int.from_bytes(page[:4], "big")):
        start = at
        at += 8
        for _ in range(2):  # added, removed
            at += 2 + 64 * int.from_bytes(page[at:at + 2], "big")
        results = page[at]
        at += 1
        for _ in range(results):
            at += 2 + (64 if page[at] == 2 else 0)
        elements = int.from_bytes(page[at:at + 2], "big")
        found.append((start, at + 2 if elements else None))
        at += 2 + 32 * elements
    assert at == len(page)
    return found


def flip(entry, of_proof):
    """Change one bit of an entry, in its proof or in its timestamp."""

    def change(path, status, body):
        if path.startswith("/v1/audit?start=0&"):
            start, element = split_updates(body)[entry]
            at = element if of_proof else start + 7
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        return status, body

    return change


def prune(path, status, body):
    return (410, b"{}") if path.startswith("/v1/audit?") else (status, body)


# --- the story ------------------------------------------------------------------------------------------------------


def make_log(work):
    folder = os.path.join(work, "log")
    config = os.path.join(work, "config.bin")
    server_verb("init", folder)
    settings = os.path.join(folder, "kt-server.yaml")
    with open(settings) as file:
        text = file.read()
    with open(settings, "w") as file:
        file.write(text.replace("cadence: 250ms", "cadence: 0"))
    lines = os.path.join(work, "import.jsonl")
    with open(lines, "w") as file:  # a label's next version needs the one before it: an entry for every line
        for number in range(ENTRIES):
            file.write(json.dumps(device_set("busy", number)) + "\n")
    server_verb("import", folder, lines)
    server_verb("config", folder, "-o", config)
    return folder, config


def add_entry(work, folder, label, number):
    path = os.path.join(work, "set.json")
    with open(path, "w") as file:
        json.dump(device_set(label, number), file)
    server_verb("update-label", folder, label, path)


def new_home(work, name, log, config):
    home = os.path.join(work, name)
    verify(home, "init", log.url, "--config", config)
    return home


def audit_and_resume(work, log, config):
    home = new_home(work, "auditor", log, config)
    first = verify(home, "audit")
    size = first["log"]["tree_size"]
    check(first["verdict"] == "verified" and first["entries"] == size > ENTRIES and first["leaves"] >= size,
          "every entry of the log is audited", first)
    for number in range(3):
        add_entry(work, log.folder, "late", number)
    second = verify(home, "audit")
    check(second["entries"] == second["log"]["tree_size"] >= size + 3 and
          second["new_entries"] == second["entries"] - size, "the audit goes on where it stopped", second)
    again = verify(home, "audit", "--from", "0")
    check(again["new_entries"] == again["entries"] >= second["entries"] and again["leaves"] >= second["leaves"],
          "an audit from the beginning counts the same", again)
    part = verify(home, "audit", "--from", "100", "--to", "199")
    check(part["entries"] == 100 and part["from"] == 100, "a part in the middle is audited", part)
    check(verify(home, "audit")["from"] == 0, "which leaves the progress alone")
    usage = verify(home, "audit", "--from", "5", "--to", "4", expect=2)
    check(usage["verdict"] == "usage", "an empty range is a mistake")


def tampered_pages(work, log, config):
    for of_proof in (True, False):
        proxy = Proxy(log.url, flip(120, of_proof))
        home = new_home(work, f"tampered-{of_proof}", log, config)
        found = verify(home, "audit", "--url", proxy.url, expect=1)
        reason = found["reason"]
        if of_proof:
            check(reason["position"] == 120, "a changed proof is refused, and the entry named", reason)
            saved = verify(home, "evidence", "list")["evidence"]
            check(len(saved) == 1 and saved[0]["kind"] == "failed", "what was received is kept", saved)
        else:
            check(reason["code"] in ("audit-root", "audit-timestamp"), "a changed timestamp is refused", reason)
        honest = verify(home, "audit")
        check(honest["entries"] == honest["log"]["tree_size"], "nothing of it was kept as progress")
        proxy.shutdown()
    proxy = Proxy(log.url, prune)
    home = new_home(work, "pruned", log, config)
    found = verify(home, "audit", "--url", proxy.url, expect=3)
    check(found["reason"]["code"] == "pruned", "pruned entries are said to be", found)
    proxy.shutdown()


def cut(body, n):
    """Only the first n entries of a page."""
    starts = [start for start, _ in split_updates(body)] + [len(body)]
    n = min(n, len(starts) - 1)
    return n.to_bytes(4, "big") + body[4:starts[n]]


def short_pages(change):
    """Pages of 20 entries, so that several are under way; change(first entry, body) may break them."""

    def answer(path, status, body):
        if path.startswith("/v1/audit?"):
            start = int(path.split("start=")[1].split("&")[0])
            return change(start, cut(body, 20))
        return status, body

    return answer


def break_element(body, entry):
    at = split_updates(body)[entry][1]
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]


# What an audit finds first, although worse comes right behind it.
BROKEN = {
    "an honest log": lambda start, body: (200, body),
    "two broken proofs": lambda start, body: (200, break_element(body, 7) if start in (40, 80) else body),
    "a broken proof before pruned entries": lambda start, body:
        (410, b"{}") if start > 60 else (200, break_element(body, 19) if start == 60 else body),
    "pruned entries before a broken proof": lambda start, body:
        (410, b"{}") if start == 60 else (200, break_element(body, 3) if start > 60 else body),
    "a count that lies": lambda start, body: (200, b"\0\0\0\x15" + body[4:] if start == 60 else body),
    "a page with bytes left over": lambda start, body: (200, body + b"\0" if start == 60 else body),
    "a page cut off": lambda start, body: (200, body[:-9] if start == 60 else body),
    "an empty page": lambda start, body: (200, b"\0\0\0\0" if start == 60 else body),
    "half a count": lambda start, body: (200, b"\0\0" if start == 60 else body),
}


def any_number_of_threads(work, log, config):
    """One thread or many: the same verdict, the same entry, the same evidence."""
    for number, (what, change) in enumerate(BROKEN.items()):
        proxy = Proxy(log.url, short_pages(change))
        seen = []
        for jobs in ("1", "2", "7"):
            home = new_home(work, f"jobs-{number}-{jobs}", log, config)
            result = Person(home).run("audit", "--url", proxy.url, "--jobs", jobs, "--json")
            found = json.loads(result.stdout)
            kept = [e["kind"] for e in verify(home, "evidence", "list")["evidence"]]
            seen.append((result.returncode, found["verdict"], found.get("reason"), kept))
            check(verify(home, "audit")["verdict"] == "verified", "nothing of it was kept as progress")
        check(seen[0] == seen[1] == seen[2], f"{what}: as with one thread", seen)
        proxy.shutdown()
    for jobs in ("0", "65", "many"):
        check(verify(home, "audit", "--jobs", jobs, expect=2)["verdict"] == "usage", f"--jobs {jobs} is a mistake")


def killed_and_resumed(work, log, config):
    home = new_home(work, "killed", log, config)
    proxy = Proxy(log.url, short_pages(lambda start, body: time.sleep(0.02) or (200, body)))
    process = subprocess.Popen([VERIFY, "audit", "--url", proxy.url, "--jobs", "3", "--home", home],
                               stdout=subprocess.DEVNULL)
    time.sleep(0.4)
    process.kill()
    process.wait(timeout=30)
    proxy.shutdown()
    found = verify(home, "audit", "--jobs", "3")
    check(found["verdict"] == "verified" and found["entries"] == found["log"]["tree_size"],
          "an audit that was killed is completed by the next", found)


def exchange(work, log, config):
    alice = new_home(work, "alice", log, config)
    bob = new_home(work, "bob", log, config)
    theirs = os.path.join(work, "heads")
    for verb in ("head", "distinguished"):
        for content in (text_of(bob, "log", verb), json.dumps(verify(bob, "log", verb))):
            with open(theirs, "w") as file:
                file.write(content)
            found = verify(alice, "log", "check", theirs)
            check(found["verdict"] == "verified" and found["common_size"] > 0, f"log {verb}: the same log", found)
    with open(theirs, "w") as file:
        file.write("kt-heads/1\nlog %s\nhead 4000000000 %s 5\n" % (found["log"]["id"], "ab" * 32))
    found = verify(alice, "log", "check", theirs, expect=3)
    check(found["reason"]["code"] == "no-common-size", "heads that are all larger leave it undecided")
    with open(theirs, "w") as file:
        file.write("kt-heads/1\nlog %s\nhead 7 %s 5\n" % (found["log"]["id"], "ab" * 32))
    found = verify(alice, "log", "check", theirs, expect=1)
    check(found["reason"]["code"] == "fork", "another root at a known size is a fork")
    check(verify(alice, "evidence", "list")["evidence"] == [], "but an unsigned claim makes no evidence")
    return alice


def evidence_convinces(work, home, config, kind):
    """Of the saved evidence of this kind."""
    saved = [e for e in verify(home, "evidence", "list")["evidence"] if e["kind"] == kind]
    check(len(saved) == 1, f"evidence of kind {kind} is saved", saved)
    file = os.path.join(work, "exported")
    verify(home, "evidence", "show", saved[0]["id"])
    verify(home, "evidence", "export", saved[0]["id"][:12], file)
    nobody = os.path.join(work, "nobody")  # a home that does not exist
    found = verify(nobody, "evidence", "verify", file, "--config", config)
    check(found["verdict"] == "verified" and found["contradiction"] and found["does_not_prove"],
          "a third person verifies it offline", found)
    with open(file, "rb") as damaged:
        content = bytearray(damaged.read())
    content[len(content) // 2] ^= 1
    with open(file, "wb") as damaged:
        damaged.write(content)
    verify(nobody, "evidence", "verify", file, "--config", config, expect=1)
    verify(nobody, "evidence", "verify", file, expect=2)  # by what?


def rollback(work, folder, config):
    old = os.path.join(work, "old")
    shutil.copytree(folder, old)
    for number in range(3):
        add_entry(work, folder, "alice", 100 + number)
    log, before = Log(folder).start(), Log(old).start()
    home = new_home(work, "rollback", log, config)
    found = verify(home, "log", "head", "--url", before.url, expect=1)
    check(found["reason"]["code"] == "rollback", "a log that shows less than before is noticed", found["reason"])
    saved = verify(home, "evidence", "list")["evidence"]
    check([e["kind"] for e in saved] == ["rollback"], "both heads are kept", saved)
    file = os.path.join(work, "rollback-file")
    verify(home, "evidence", "export", saved[0]["id"], file)
    found = verify(home, "evidence", "verify", file, expect=1)
    check(found["reason"]["code"] == "no-contradiction" and not found["contradiction"],
          "which by itself is no contradiction, and the program says so")
    check(verify(home, "evidence", "show", saved[0]["id"])["does_not_prove"], "and why")
    log.stop()
    before.stop()


def fork(work, folder, config):
    copy = os.path.join(work, "copy")
    shutil.copytree(folder, copy)
    add_entry(work, folder, "alice", 1)
    add_entry(work, copy, "bob", 2)
    add_entry(work, copy, "bob", 3)
    original, forked = Log(folder).start(), Log(copy).start()
    alice = new_home(work, "alice-fork", original, config)
    bob = new_home(work, "bob-fork", forked, config)
    found = verify(alice, "log", "head", "--url", forked.url, expect=1)
    check(found["reason"]["code"] == "fork", "a client that saw the log notices its forked copy", found["reason"])
    evidence_convinces(work, alice, config, "inconsistent")
    heads = os.path.join(work, "heads")
    carol = new_home(work, "carol-fork", original, config)
    with open(heads, "w") as file:
        file.write(text_of(carol, "log", "distinguished"))
    found = verify(bob, "log", "check", heads, expect=1)
    check(found["reason"]["code"] == "fork", "two people who compare heads notice it as well", found["reason"])
    evidence_convinces(work, bob, config, "inconsistent")
    found = verify(bob, "audit")
    check(found["verdict"] == "verified", "each copy on its own is a flawless log")
    number = 4
    while True:  # until both have the same size
        sizes = [verify(home, "log", "head")["log"]["tree_size"] for home in (carol, bob)]
        if sizes[0] == sizes[1]:
            break
        add_entry(work, folder if sizes[0] < sizes[1] else copy, "even", number)
        number += 1
    with open(heads, "w") as file:
        file.write(json.dumps(verify(carol, "log", "head")))
    found = verify(bob, "log", "check", heads, expect=1)
    check(found["reason"]["code"] == "fork", "heads of one size are compared directly")
    evidence_convinces(work, bob, config, "fork")
    original.stop()
    forked.stop()


def main():
    with tempfile.TemporaryDirectory() as work:
        folder, config = make_log(work)
        log = Log(folder).start()
        audit_and_resume(work, log, config)
        tampered_pages(work, log, config)
        any_number_of_threads(work, log, config)
        killed_and_resumed(work, log, config)
        exchange(work, log, config)
        log.stop()
        rollback(work, folder, config)
        fork(work, folder, config)
    print("audit, heads and evidence: as told")


main()
