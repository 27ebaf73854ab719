#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The drills of docs/operations.md, Backup and restore and Migration, with the commands as they stand there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from lib_programs import SERVER, VERIFY, Log, Person, check, environment, free_port, random_key, server_verb

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "operations.md")
PROGRAMS = {"kt-server": SERVER, "kt-verify": VERIFY}
STAYS = {"--follow": "checked", "run": "listening on"}  # what goes on, and what it says when it is there
LABEL = "alice@example.org"


def commands(section):
    """The lines of the section's blocks, without their comments."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    body = re.search(rf"(?ms)^## {section}\n(.*?)^## ", text)[1]
    lines = "".join(re.findall(r"(?ms)^```\n(.*?)^```$", body)).splitlines()
    return [shlex.split(line, comments=True) for line in lines]


class Drill:
    def __init__(self, work, names):
        self.names = {name: os.path.join(work, path) for name, path in names.items()}
        self.names.update(URL="", LABEL=LABEL)
        self.running = []

    def place(self, word):
        """DIR, DIR/signing.key, KEYS/: a name of the page, with what follows it."""
        name, slash, rest = word.partition("/")
        return self.names.get(name, name) + slash + rest

    def run(self, words, expect=0, **options):
        command = [PROGRAMS.get(words[0], words[0])] + [self.place(word) for word in words[1:]]
        env = environment(0)
        env.update(options.pop("env", {}))
        waits_for = next((said for word, said in STAYS.items() if word in words), None)
        if waits_for is not None:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
            self.running.append(process)
            check(waits_for in process.stdout.readline(), " ".join(words))
            return ""
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, **options)
        check(done.returncode == expect, " ".join(words), done.returncode, done.stdout, done.stderr)
        return done.stdout

    def end(self):
        for process in self.running:
            process.terminate()
            check(process.wait(timeout=30) == 0, "it ends when it is told")
        self.running = []


def set_up(work):
    """A log with its guard elsewhere, on an address of ours, and an owner in it."""
    log = Log(os.path.join(work, "dir"), free_port())
    server_verb("init", log.folder)
    guard = os.path.join(work, "guard")
    os.rename(os.path.join(log.folder, "head-guard"), guard)
    path = os.path.join(log.folder, "kt-server.yaml")
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"(?m)^head-guard:.*$", "head-guard: " + guard, file.read())
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"(?m)^listen:.*$", f"listen: 127.0.0.1:{log.port}", text))
    log.start()
    config = os.path.join(work, "config")
    server_verb("config", log.folder, "-o", config)
    alice = Person(os.path.join(work, "home"))
    alice.json("init", log.url, "--config", config)
    alice.json("account", "create", LABEL)
    alice.json("device", "add", LABEL, "--name", "phone", "--key", random_key())
    return log, alice


def backup_and_restore(work, log):
    drill = Drill(work, {"DIR": "dir", "KEYS": "keys", "FILE": "file", "DIR2": "dir2"})
    lines = commands("Backup and restore")
    words = [line[1] for line in lines if line[0] == "kt-server"]
    check(words == ["backup", "restore", "run"], "the page backs up, restores, serves", words)
    for line in lines:
        if line[:2] == ["kt-server", "restore"]:
            drill.end()
            log.insert("late", "after the last copy")
            log.stop()
            shutil.rmtree(log.folder)
        said = drill.run(line)
        if line[:2] == ["kt-server", "restore"]:
            check("old copy" in said and "--read-only" in said, "the copy is behind the guard, and it says so", said)
    drill.end()
    return os.path.join(work, "dir2")


def migration(work, log, alice):
    passphrase = os.path.join(work, "passphrase")
    with open(passphrase, "w", encoding="ascii") as file:
        file.write("correct horse\n")
    os.chmod(passphrase, 0o600)
    exported = alice.text("account", "export", LABEL, "--passphrase-file", passphrase)
    drill = Drill(work, {"OLD": "dir2", "NEW": "new", "STATEMENT": "statement", "NEW.config": "new.config",
                         "NEWHOME": "newhome"})
    successor = Log(os.path.join(work, "new"))
    drill.names["URL"] = successor.url
    for line in commands("Migration"):
        env = {"KT_HOME": alice.home, "KT_PASSPHRASE_FILE": passphrase} if line[0] == "kt-verify" else {}
        if line[:2] == ["kt-verify", "init"]:
            successor.start()
        imports = line[:3] == ["kt-verify", "account", "import"]
        drill.run(line, expect=4 if imports else 0, env=env, **({"input": exported} if imports else {}))
    found = Person(os.path.join(work, "newhome")).json("device", "list", LABEL, expect=4)
    check([device["name"] for device in found["devices"]] == ["phone"], "her devices went over", found)
    successor.stop()


def main():
    with tempfile.TemporaryDirectory() as work:
        log, alice = set_up(work)
        old = backup_and_restore(work, log)
        check(os.path.exists(os.path.join(old, "read-only")), "the restored folder is marked")
        migration(work, log, alice)
    return 0


if __name__ == "__main__":
    sys.exit(main())
