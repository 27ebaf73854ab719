#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where a Service Operator and its Manager come to their limits: a label whose updates the Manager refuses again and again,
bodies that the signatures make longer, a Manager that answers slowly, an insertion whose answer was lost."""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from lib_managed import ManagedLog, read_manager_update
from lib_programs import SERVER, Person, check, random_key, server_verb

ALICE = "alice@example.org"
SKIPPING_MAX = 188  # docs/conformance.md
MIB = 1 << 20


def post(url, path, body, token=None, kind="application/octet-stream"):
    headers = {"Content-Type": kind, **({"Authorization": "Bearer " + token} if token else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data=body, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def person(work, name, log):
    someone = Person(os.path.join(work, name))
    someone.json("init", log.url, "--config", log.config)
    return someone


def provision(log, label, count):
    """`count` insertions of the operator, each with another key, 100 at a time; what the last call said."""
    path = log.folder + ".jsonl"
    said = ""
    for begin in range(0, count, 100):
        with open(path, "w") as file:
            for _ in range(begin, min(count, begin + 100)):
                devices = [{"name": "d", "keys": [{"alg": "raw", "key": random_key()[4:]}]}]
                file.write(json.dumps({"label": label, "devices": devices}) + "\n")
        done = subprocess.run([SERVER, "import", log.folder, path, "--json"], capture_output=True, text=True, timeout=300)
        said = done.stdout + done.stderr.split("\n")[0]
    return said


def add(someone, label, name, expect):
    """kt-verify's answer; some exits are possible."""
    done = someone.run("device", "add", label, "--name", name, "--key", random_key(), "--json")
    check(done.returncode in expect, f"device add: {done.returncode} of {expect}", done)
    return done


def a_full_label_goes_on(work, log):
    """The Manager refuses updates of one label until no version could be skipped any more; then it takes them again."""
    alice, bob = person(work, "alice", log), person(work, "bob", log)
    alice.json("account", "create", ALICE)
    alice.json("device", "add", ALICE, "--name", "phone", "--key", random_key())
    log.gate.mode = "refuse"
    add(alice, ALICE, "first", (3,))
    said = provision(log, ALICE, SKIPPING_MAX + 4)
    recorded = log.recorded(ALICE)
    check(len(recorded) == 1 + SKIPPING_MAX, "no version is signed that could not be published", len(recorded), said)
    add(alice, ALICE, "second", (3,))
    check(log.recorded(ALICE) == recorded, "nor later")
    log.gate.mode = "open"
    done = add(alice, ALICE, "third", (0, 2, 3, 4))
    found = bob.json("lookup", ALICE)
    check(found["version"] >= 1, "the Manager has a version more, which alice signed", done, found)
    check(all(device["endorsed"] for device in found["devices"]), "the chain holds", found)
    add(alice, ALICE, "fourth", (0,))
    found = bob.json("lookup", ALICE)
    names = {device["name"] for device in found["devices"]}
    check({"phone", "fourth"} <= names and all(device["endorsed"] for device in found["devices"]), "alice goes on", found)
    alice.json("monitor", "once")
    log.check_signed_once()


def a_full_label_of_the_operator(log):
    """The newest recorded value that the Manager takes, in one step."""
    label = "provisioned@x"
    newest = SKIPPING_MAX - 9
    log.gate.mode = "refuse"
    provision(log, label, SKIPPING_MAX + 4)
    check(len(log.recorded(label)) == SKIPPING_MAX, "the operator's own insertions have the same bound")
    log.gate.refuse_from = newest + 1
    said = provision(log, label, 1)
    check(len(log.recorded(label)) == SKIPPING_MAX, "what is recorded is published first", said)
    check("not acknowledged" in said, "and the operator is told", said)
    sent_label, version, values = read_manager_update(log.gate.last_update)
    check((sent_label, version, values) == (label.encode(), newest, [log.recorded(label)[newest]]),
          "the newest value that the Manager takes", version)
    log.gate.mode = "open"
    log.gate.refuse_from = 0
    said = provision(log, label, 1)
    check(len(log.recorded(label)) == SKIPPING_MAX + 1 and '"inserted":1' in said, "then the next", said)
    log.check_signed_once()


def signatures_have_room(log):
    with open(os.path.join(log.folder, "operator.token")) as file:
        token = file.read().strip()
    for size, want in ((MIB + 4 + 255 * 66, 400), (MIB + 4 + 255 * 66 + 1, 413)):
        status, body = post(log.manager.url, "/v1/manager/update", b"\xff" * size, token)
        check(status == want, f"the Manager answers {status} to {size} bytes", body)
    status, body = post(log.manager.url, "/v1/update", b"\xff" * (MIB + 1))
    check(status == 413, "other bodies have the limit as it is", body)


def one_slow_answer(log, bob):
    """Somebody's answer needs a question to the Manager that takes long: nobody else waits for it."""
    bob.json("lookup", ALICE)
    request = b"\1" + struct.pack(">Q", 1 << 40) + bytes([1]) + b"z" + b"\0\0"  # UpdateRequest; last: far beyond the log
    log.gate.slow_path, log.gate.slow_s = "/v1/distinguished", 6
    log.gate.arrived.clear()
    slow = threading.Thread(target=post, args=(log.url, "/v1/update", request))
    slow.start()
    check(log.gate.arrived.wait(10), "the operator asks the Manager for its newest head")
    search = b"\0" + bytes([len(ALICE)]) + ALICE.encode() + b"\0"
    began = time.monotonic()
    status, body = post(log.url, "/v1/search", search)
    took = time.monotonic() - began
    check(status == 200 and took < 4, f"meanwhile a search takes {took:.2f} s", status, body)
    slow.join()
    log.gate.slow_path = None


def a_mistake_asks_nothing(log):
    """A `last` beyond what the operator verified is the user's mistake: no question to the Manager."""
    log.gate.paths.clear()
    status, body = post(log.url, "/v1/search", b"\1" + struct.pack(">Q", 1 << 40) + b"\1z\0")
    check(status == 409, "last is larger than the log", body)
    check(log.gate.paths == ["/v1/search"], "one request, one question", log.gate.paths)


def an_insertion_again(log):
    """The Manager has it, nobody heard so."""
    label = "again@x"
    log.gate.mode = "lose"
    provision(log, label, 1)
    log.gate.mode = "open"
    said = provision(log, label, 1)
    check("somebody else" not in said and "not acknowledged" in said, "the operator learns what happened", said)
    check(len(log.recorded(label)) == 1, "nothing else was signed")
    said = provision(log, label, 1)
    check('"inserted":1' in said, "and goes on", said)


def readiness(said):
    """/readyz, where the operator said that it is."""
    with open(said, encoding="utf-8") as file:
        url = re.search(r"health and metrics on (\S+)", file.read()).group(1)
    try:
        with urllib.request.urlopen(url.rstrip("/") + "/readyz", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def nothing_is_signed_without_the_guard(log):
    """A label whose recorded values would be sent next; the record guard is gone, then behind."""
    label = "guarded@x"
    said_to = os.path.join(log.folder, "said")
    log.stop()
    with open(said_to, "w", encoding="utf-8") as file:
        log.start(stderr=file)
    guard = os.path.join(log.folder, "head-guard")
    log.gate.mode = "refuse"
    provision(log, label, SKIPPING_MAX - 1)
    with open(guard, "rb") as file:
        before = file.read()
    provision(log, label, 1)
    recorded = log.recorded(label)
    check(len(recorded) == SKIPPING_MAX, "the label is full")
    log.gate.mode = "open"
    log.gate.last_update = None
    os.rename(guard, guard + ".away")
    for name in (label, "other@x", label):
        said = provision(log, name, 1)
        check(log.gate.last_update is None, "nothing is signed while the guard is away", said)
    check(log.recorded(label) == recorded and log.recorded("other@x") == {}, "and no version is used up")
    os.rename(guard + ".away", guard)
    provision(log, label, 1)
    check(log.gate.last_update is None, "nor by itself when it is back: somebody has to look")
    status = json.loads(server_verb("status", log.folder, "--json"))
    check(not status["signing"] and "head-guard" in status["stopped"], "the status says why", status)
    status, body = readiness(said_to)
    check(status == 503 and "fatal" in body, "nor is it ready", body)
    with open(said_to, encoding="utf-8") as file:
        said = file.read()
    check(said.count("signs nothing any more") == 1, "which is said once", said)
    log.stop()
    with open(guard, "wb") as file:  # as a crash between a record and its guard leaves it
        file.write(before)
    log.start()
    said = provision(log, label, 1)
    check("not acknowledged" in said and log.gate.last_update is not None, "after a restart it goes on in order", said)
    with open(guard, "rb") as file:
        check(file.read() != before, "with a guard that holds what it signed")
    said = provision(log, label, 1)
    check('"inserted":1' in said, "then with the next", said)
    log.check_signed_once()


with tempfile.TemporaryDirectory() as folder:
    managed = ManagedLog(folder, "ed25519").start_both()
    a_full_label_goes_on(folder, managed)
    a_full_label_of_the_operator(managed)
    signatures_have_room(managed)
    reader = person(folder, "reader", managed)
    one_slow_answer(managed, reader)
    a_mistake_asks_nothing(managed)
    an_insertion_again(managed)
    nothing_is_signed_without_the_guard(managed)
    managed.stop()
    managed.manager.stop()
