#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kt-server import: order, labels that occur more than once, bad lines, kill -9, a running log under load."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from lib_programs import SERVER, Log, Person, check, random_key, server_verb

N = 1000
ORDERED = 6000
LONG = 40000  # lines that take longer than it takes to interrupt them


def line(label, name, key=None):
    key = key or random_key()[4:]
    return json.dumps({"label": label, "devices": [{"name": name, "keys": [{"alg": "raw", "key": key}]}]})


def write(path, lines):
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def run(folder, path, expect=0):
    """The object of an import, and what it said to a person."""
    done = subprocess.run([SERVER, "import", folder, path, "--json"], capture_output=True, text=True, timeout=300)
    check(done.returncode == expect, f"import exits with {expect}", done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout), done.stderr


def counts(said):
    return said["inserted"], said["unchanged"], said["refused"]


def status(folder):
    return json.loads(server_verb("status", folder, "--json"))


def new_log(work, name):
    folder = os.path.join(work, name)
    server_verb("init", folder)
    return folder


def lines_stand_in_their_order(work):
    folder = new_log(work, "order")
    # Labels of their own; one label again at once, far away, and in every batch; a set that comes back unchanged; one that
    # goes back and forth between two sets, each of which is news every time. More lines than are under way at once.
    sets = []
    for i in range(ORDERED):
        sets.append((f"own{i}", f"o{i}"))
        if i % 100 == 0:
            sets += [("often", f"f{i}"), ("twin", f"t{i}"), ("twin", f"u{i}")]
            sets.append(("flip", "there" if i % 200 else "back"))
        if i % 1000 == 0:
            sets += [("same", "s"), ("same", "s")]
    keys = {"same": random_key()[4:], "flip": random_key()[4:]}
    lines = [line(label, name, keys.get(label)) for label, name in sets]
    path = write(os.path.join(work, "order.jsonl"), lines)
    n_same = sum(label == "same" for label, _ in sets)
    check(counts(run(folder, path)[0]) == (len(sets) - n_same + 1, n_same - 1, 0), "one set says nothing new, the rest does")
    check(status(folder)["labels"] == ORDERED + 4, "labels")
    log = Log(folder).start()
    config = os.path.join(work, "order.config")
    server_verb("config", folder, "-o", config)
    bob = Person(os.path.join(work, "bob"))
    bob.json("init", log.url, "--config", config)
    for label in ("often", "twin", "flip"):
        names = [name for other, name in sets if other == label]
        for version in (0, 1, len(names) // 2, len(names) - 1):
            found = bob.json("lookup", label, "--version", str(version), "--allow-unsigned")
            check([device["name"] for device in found["devices"]] == [names[version]], f"{label} {version} is its line")
        check(bob.json("lookup", label, "--allow-unsigned")["version"] == len(names) - 1, f"{label} has no more versions")
    log.stop()
    # The log's own order is that of the file: entries are full, so the same import again makes no entry.
    size = status(folder)["log"]["tree_size"]
    unique = list({label: text for (label, _), text in zip(sets, lines)}.values())
    check(counts(run(folder, write(path, unique))[0]) == (0, ORDERED + 4, 0), "the newest sets are there already")
    check(status(folder)["log"]["tree_size"] <= size + 1, "and nothing was added", size)
    changed = [line(f"own{i}", "other") for i in range(0, ORDERED, 20)]
    check(counts(run(folder, write(path, unique[:50] + changed))[0])[0] == len(changed), "what changed is inserted")
    server_verb("fsck", folder)


def entries_are_full(work):
    folder = new_log(work, "full")
    before = status(folder)["log"]["tree_size"]
    run(folder, write(os.path.join(work, "full.jsonl"), [line(f"l{i}", "x") for i in range(2040)]))
    size = status(folder)["log"]["tree_size"]
    check(size - before == 8, "2040 labels are eight entries of 255", before, size)


def bad_lines_are_named(work):
    folder = new_log(work, "bad")
    good = [line(f"l{i}", "x") for i in range(1500)]
    path = os.path.join(work, "bad.jsonl")
    lines = list(good)
    lines[700] = ""
    lines[701] = "  \t"
    lines[900] = "{"
    lines[1200] = '{"label":"y","devices":[{"name":"a"}]}'
    lines[1300] = '{"label":"' + "z" * (1 << 20) + '","devices":[]}'
    lines[1400] = '{"label":"nul\0","devices":[]}'
    said, text = run(folder, write(path, lines), expect=2)
    check(counts(said) == (0, 0, 4), "nothing was imported", said)
    check([refusal["line"] for refusal in said["refusals"]] == [901, 1201, 1301, 1401], "in order, by their numbers", said)
    for number in (901, 1201, 1301, 1401):
        check(f"{path}:{number}: " in text, f"line {number} is named", text)
    check("longer than 1 MiB" in text and "keys" in text, "and what is wrong with it", text)
    check(status(folder)["labels"] == 0, "the log is as it was")
    with open(path, "w") as file:
        file.write("\n".join(good[:3]))
    check(counts(run(folder, path)[0]) == (3, 0, 0), "the last line needs no newline")
    with open(path, "w") as file:
        file.write("\n\n")
    check(counts(run(folder, path)[0]) == (0, 0, 0), "an empty file is none to complain about")
    fifo = os.path.join(work, "fifo")
    os.mkfifo(fifo)
    holder = os.open(fifo, os.O_RDWR)
    check("has to be a file" in run(folder, fifo, expect=2)[1], "a pipe cannot be read twice")
    os.close(holder)


def survives(work):
    """kill -9 at any moment: what is there is whole, and the same import again does the rest."""
    folder = new_log(work, "killed")
    path = write(os.path.join(work, "killed.jsonl"), [line(f"l{i}", "x") for i in range(2 * N)])
    reached = []
    for delay in (0.05, 0.15, 0.3, 0.5):
        process = subprocess.Popen([SERVER, "import", folder, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(delay)
        process.kill()
        process.communicate()
        now = status(folder)
        check(now["labels"] == now["versions"], "no label twice", now)
        reached.append(now["labels"])
    check(reached == sorted(reached), "nothing is lost", reached)
    inserted, unchanged, refused = counts(run(folder, path)[0])
    check(inserted + unchanged == 2 * N and unchanged == reached[-1] and refused == 0, "the rest follows", reached)
    check(status(folder)["versions"] == 2 * N, "each label has one version")
    server_verb("fsck", folder)


class Load:
    """Somebody who asks all the time."""

    def __init__(self, log):
        self.url = log.url + "/v1/tree-head"
        self.n = 0
        self.failures = []
        self.stopping = False
        self.thread = threading.Thread(target=self.ask)
        self.thread.start()

    def ask(self):
        while not self.stopping:
            try:
                with urllib.request.urlopen(self.url, timeout=30) as answer:
                    answer.read()
                self.n += 1
            except OSError as error:
                self.failures.append(str(error))

    def stop(self):
        self.stopping = True
        self.thread.join()


def a_running_log_imports(work):
    folder = new_log(work, "running")
    config = os.path.join(work, "running.config")
    server_verb("config", folder, "-o", config)
    log = Log(folder).start()
    alice = Person(os.path.join(work, "alice"))
    alice.json("init", log.url, "--config", config)
    alice.json("account", "create", "alice")
    path = write(os.path.join(work, "running.jsonl"), [line(f"l{i}", "x") for i in range(2 * N)])
    load = Load(log)
    process = subprocess.Popen([SERVER, "import", folder, path, "--json"], stdout=subprocess.PIPE, text=True)
    alice.json("device", "add", "alice", "--name", "phone", "--key", random_key())
    check(status(folder)["running"] is True, "the log answers its operator meanwhile")
    log.insert("l1", "tablet")  # may come before or after the line about it
    said = json.loads(process.communicate(timeout=120)[0])
    load.stop()
    check(process.returncode == 0 and said["inserted"] == 2 * N, "everything is inserted", said)
    check(load.n > 0 and not load.failures, "others are served", load.n, load.failures[:3])
    alice.json("device", "add", "alice", "--name", "laptop", "--key", random_key())
    check(status(folder)["labels"] == 2 * N + 1, "labels")
    ended_early(work, folder, log)


def begin(folder, path):
    """An import in a running log, when its first lines are in."""
    before = status(folder)["labels"]
    process = subprocess.Popen([SERVER, "import", folder, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.time() + 60
    while status(folder)["labels"] == before and time.time() < until:
        time.sleep(0.01)
    return process


def ended_early(work, folder, log):
    before = status(folder)["labels"]
    lines = [line(f"m{i}", "x") for i in range(LONG)]
    path = write(os.path.join(work, "early.jsonl"), lines)
    process = begin(folder, path)
    log.process.send_signal(signal.SIGTERM)
    said, text = process.communicate(timeout=60)
    check(process.returncode == 3 and "goes on from there" in text, "an import ends with its log", said, text)
    check(log.process.wait(timeout=60) == 0, "which stops in order")
    first = status(folder)["labels"] - before
    check(0 < first < LONG, "what was inserted stays", first)
    log.start()
    process = begin(folder, path)
    said, text = run(folder, path, expect=3)
    check("another import is under way" in text, "one import at a time", text)
    process.kill()
    process.communicate()
    reached = []
    while len(reached) < 2 or reached[-1] != reached[-2]:
        reached.append(status(folder)["labels"] - before)
        time.sleep(0.5)
    check(first < reached[-1] < LONG, "an import ends with the one who asked for it", first, reached)
    log.stop()
    rest = write(os.path.join(work, "rest.jsonl"), lines[: reached[-1] + N])
    left = min(N, LONG - reached[-1])
    check(counts(run(folder, rest)[0]) == (left, reached[-1], 0), "the rest follows, of which this is a part", left, reached)


def main():
    with tempfile.TemporaryDirectory() as work:
        for part in (lines_stand_in_their_order, entries_are_full, bad_lines_are_named, survives, a_running_log_imports):
            print("#", part.__name__)
            part(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
