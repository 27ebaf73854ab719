#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups of one log at N ages, each restored as an operator might: with the keys and the newest guard it never signs, served read
only it proves what it held, and where the guard is gone too, whoever saw more is alerted. Arguments: build folder, N, folder that
keeps the backups and counters, seed. Called by scripts/old-backups."""

import json
import os
import random
import re
import shutil
import subprocess
import sys

from lib_counters import LongRun, write_whole
from lib_programs import SERVER, Log, Person, die_with_us, environment, server_verb

LABELS = 7
GROWTH_MAX = 3   # entries between two backups
PAST_NEWEST = 8  # a fork that is at most so far behind is grown beyond what was signed
COUNTERS = ("refused", "newest", "unmarked_refused", "proofs", "alerted", "forks_rollback", "forks_fork")


class Trial(SystemExit):
    """What must not be; the folder stays for inspection."""


def need(condition, text, *details):
    if not condition:
        raise Trial(f"not ok: {text}: {' '.join(str(detail) for detail in details)}")


def run(*args):
    return subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=120, env=environment(0))


def done_json(*args):
    result = run(*args, "--json")
    need(result.returncode == 0, f"{args[0]} failed", result.stdout, result.stderr)
    return json.loads(result.stdout)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def set_guard(folder, path):
    settings = os.path.join(folder, "kt-server.yaml")
    with open(settings, encoding="utf-8") as file:
        text = re.sub(r"(?m)^head-guard:.*$", "head-guard: " + path, file.read(), count=1)
    with open(settings, "w", encoding="utf-8") as file:
        file.write(text)


class Served:
    """A folder that is served; ends with the block."""

    def __init__(self, folder, port, *options):
        self.process = subprocess.Popen([SERVER, "run", folder, "--listen", f"127.0.0.1:{port}", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(0),
                                        preexec_fn=die_with_us)
        if not self.process.stdout.readline().startswith("listening on "):
            self.process.wait(timeout=30)
            raise Trial(f"{folder} is not served {options}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class World:
    """The log, its backups and counters, all below one folder."""

    def __init__(self, folder, n, seed):
        self.folder, self.n = folder, n
        self.random = random.Random(seed)
        self.state_path = os.path.join(folder, "state.json")
        self.state = {"port": 0, "backups": [], "heads": {}, "done": 0, "grown": False,
                      "counters": dict.fromkeys(COUNTERS, 0)}
        if os.path.exists(self.state_path):
            with open(self.state_path, encoding="utf-8") as file:
                self.state = json.load(file)
        self.guard = self.path("guard")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def save(self):
        write_whole(self.state_path, self.state)

    def count(self, name, n=1):
        self.state["counters"][name] += n

    # --- growing -------------------------------------------------------------------------------------------------------

    def grow(self):
        """Backups at n ages; now and then the log is killed in between. Not resumed in the middle: it is begun again."""
        for name in os.listdir(self.folder):
            if name not in ("state.json", "counters.json", "lock", "kt-long-run"):
                entry = self.path(name)
                shutil.rmtree(entry) if os.path.isdir(entry) else os.remove(entry)
        log = Log(self.path("log"))
        server_verb("init", log.folder)
        os.rename(os.path.join(log.folder, "head-guard"), self.guard)
        set_guard(log.folder, self.guard)
        os.mkdir(self.path("keys"), 0o700)
        for key in ("signing.key", "vrf.key"):
            shutil.copy(os.path.join(log.folder, key), self.path("keys"))
        server_verb("config", log.folder, "-o", self.path("config"))
        versions, backups, heads = {}, [], {}
        log.start(stderr=subprocess.DEVNULL)
        for i in range(self.n):
            for _ in range(self.random.randint(1, GROWTH_MAX)):
                label = f"label{self.random.randrange(LABELS)}"
                log.insert(label, f"device{i}")
                versions[label] = versions.get(label, -1) + 1
                self.note_head(log, heads)
            backup = self.path(f"backup{i}")
            made = done_json("backup", log.folder, backup)["log"]
            need(heads.get(str(made["tree_size"])) == made["root"], "a backup holds a head that was published", made)
            backups.append({"size": made["tree_size"], "versions": dict(versions)})
            if self.random.random() < 0.15:
                log.kill()
                log.start(stderr=subprocess.DEVNULL)
                self.note_head(log, heads)
        log.insert("label0", "last")
        self.note_head(log, heads)
        watcher = Person(self.path("watcher"))
        watcher.json("init", log.url, "--config", self.path("config"))
        watcher.json("lookup", "label0", "--allow-unsigned")
        log.process.terminate()
        log.process.wait(timeout=30)
        self.state.update(port=log.port, backups=backups, heads=heads, done=0, grown=True,
                          counters=dict.fromkeys(COUNTERS, 0))
        self.save()

    @staticmethod
    def note_head(log, heads):
        head = done_json("status", log.folder)["log"]
        need(heads.setdefault(str(head["tree_size"]), head["root"]) == head["root"], "one size has two roots", head)

    # --- one backup -----------------------------------------------------------------------------------------------------

    def restore(self, i, name):
        folder = self.path(name)
        shutil.rmtree(folder, ignore_errors=True)
        said = done_json("restore", self.path(f"backup{i}"), folder, "--keys", self.path("keys"))
        size = self.state["backups"][i]["size"]
        need(said["log"]["tree_size"] == size and said["log"]["root"] == self.state["heads"][str(size)], "its head", said)
        return folder, said

    def never_signs(self, folder, said):
        """With the keys, and the newest guard."""
        guard = read_bytes(self.guard)
        need(said["guard"] == "ahead" and said["read_only"], "the guard is ahead", said)
        for options in ((), ("--accept-missing-guard",)):
            refused = run("run", folder, "--listen", "127.0.0.1:0", *options)
            need(refused.returncode == 1 and "read-only" in refused.stderr, "it refuses to start", refused.stderr)
        self.count("refused")
        os.rename(os.path.join(folder, "read-only"), folder + ".mark")  # an operator who knows better
        for args in (("run", folder, "--listen", "127.0.0.1:0"), ("token", folder)):
            refused = run(*args)
            need(refused.returncode == 1 and "old copy" in refused.stderr, "without its mark too", args, refused.stderr)
        os.rename(folder + ".mark", os.path.join(folder, "read-only"))
        self.count("unmarked_refused")
        need(read_bytes(self.guard) == guard, "the guard did not move")

    def proves_what_it_held(self, i, folder):
        with Served(folder, self.state["port"], "--read-only"):
            self.look_around(i)
            self.alerted_by(os.path.join(self.folder, "watcher"), ("rollback",))
            self.count("alerted")

    def look_around(self, i):
        home = self.path("fresh")
        shutil.rmtree(home, ignore_errors=True)
        fresh = Person(home)
        fresh.json("init", f"http://127.0.0.1:{self.state['port']}", "--config", self.path("config"))
        backup = self.state["backups"][i]
        for label, version in sorted(backup["versions"].items()):
            found = fresh.json("lookup", label, "--allow-unsigned")
            need(found["version"] == version, "the version of that time", label, found)
            need(self.state["heads"][str(found["log"]["tree_size"])] == found["log"]["root"], "a head of the log", found)
            self.count("proofs")
        need(fresh.run("lookup", "nobody", "--json").returncode == 5, "absence is proved")
        self.count("proofs")

    def alerted_by(self, home, kinds):
        """A copy of a home that saw the newest head looks; what it was alerted of."""
        copy = self.path("alerted")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home, copy)
        seen = Person(copy).run("lookup", "label0", "--allow-unsigned", "--json")
        view = json.loads(seen.stdout)
        need(seen.returncode == 1 and view["verdict"] == "failed", "whoever saw more accepts nothing", seen.stdout)
        found = {alert["kind"] for alert in view.get("alerts", [])} & set(kinds)
        need(found, "and is alerted", seen.stdout)
        return sorted(found)[0]

    def without_a_guard(self, i):
        """Keys, backup, no guard, and an operator who insists: it forks, and whoever saw the other side is alerted."""
        folder, _ = self.restore(i, "guardless")
        set_guard(folder, "head-guard")
        if os.path.exists(os.path.join(folder, "read-only")):
            os.remove(os.path.join(folder, "read-only"))
        refused = run("run", folder, "--listen", "127.0.0.1:0")
        need(refused.returncode == 2 and "--accept-missing-guard" in refused.stderr, "not by itself", refused.stderr)
        newest = max(int(size) for size in self.state["heads"])
        behind = newest - self.state["backups"][i]["size"]
        grows = behind + 2 if behind <= PAST_NEWEST else 1
        log = Log(folder, self.state["port"])
        with Served(folder, self.state["port"], "--accept-missing-guard"):
            for _ in range(grows):
                log.insert("label0", "forked")
            kind = self.alerted_by(os.path.join(self.folder, "watcher"), ("rollback", "fork"))
        self.count("forks_" + kind)

    def trial(self, i):
        folder, said = self.restore(i, "restored")
        if said["guard"] == "fits":
            self.count("newest")
        else:
            self.never_signs(folder, said)
            self.proves_what_it_held(i, folder)
        self.without_a_guard(i)
        for name in ("restored", "guardless", "fresh", "alerted"):
            shutil.rmtree(self.path(name), ignore_errors=True)

    def run_all(self):
        if not self.state["grown"]:
            self.grow()
        for i in range(self.state["done"], self.n):
            self.trial(i)
            self.state["done"] = i + 1
            self.save()

    def tell(self):
        counters, newest = self.state["counters"], max(map(int, self.state["heads"]))
        ages = [newest - backup["size"] for backup in self.state["backups"]]
        print(f"old-backups: {self.n} restored, {min(ages)} to {max(ages)} entries behind the newest head: {counters['refused']} refused to "
              f"sign, {counters['unmarked_refused']} of them with their mark taken away too, 0 signed a fork; {counters['proofs']} answers "
              f"served read only and verified, {counters['alerted']} times whoever saw more was alerted; without the guard "
              f"{counters['forks_rollback']} rollbacks and {counters['forks_fork']} forks found by a client, 0 missed")


def main():
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    folder, seed = (sys.argv[3:5] + ["", ""])[:2]
    with LongRun("old-backups", folder, seed or 1, n=n) as run:
        world = World(run.folder, n, run.seed)
        world.run_all()
        world.tell()


if __name__ == "__main__":
    main()
