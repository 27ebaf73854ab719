# SPDX-License-Identifier: Apache-2.0
"""Playing the attacks of kt-evil-server. Each play is done twice: with an honest log, where every step has to come out well,
and with the attack. What failed to verify must not have changed the victim's state (R59). In a build with sanitizers
each sighting is played in one mode and one suite."""

import concurrent.futures
import json
import os
import shutil
import sqlite3
import sys
import tempfile

from lib_evil import OTHER, VICTIM, Stage, World
from lib_evil_table import AUDITING, CM, MANAGEMENT, SIGHTINGS
from lib_programs import check, random_key

SUITES = ("ed25519", "p256")

VERBS = {
    "lookup": ["lookup", VICTIM],
    "lookup-0": ["lookup", VICTIM, "--version", "0"],
    "lookup-1": ["lookup", VICTIM, "--version", "1"],
    "monitor": ["monitor", "once"],
    "heads": ["log", "distinguished"],
    "audit": ["audit"],
    "audit-all": ["audit", "--from", "0"],
    "add": ["device", "add", VICTIM, "--name", "tablet", "--key", random_key()],
    "takes": ["account", "create", OTHER],
}

# What the last step must leave as it was when it fails. A run of several requests keeps what the first of them proved.
KEPT = {
    "lookup": ("log", "heads", "contacts", "accounts", "named"),
    "lookup-0": ("log", "heads", "contacts", "accounts", "named"),
    "lookup-1": ("log", "heads", "contacts", "accounts", "named"),
    "monitor": ("contacts.monitoring", "accounts.owner", "approved"),
    "heads": ("log", "heads", "named"),
    "audit": ("contacts", "accounts"),
    "audit-all": ("contacts", "accounts"),
    "add": ("log", "heads", "accounts"),
    "takes": ("accounts",),
    "compares": ("contacts", "accounts"),
    "joins": (),
}


class Failed(Exception):
    pass


def kept(person, verb):
    """The rows that a failure leaves alone."""
    if not KEPT[verb]:
        return []
    database = sqlite3.connect(f"file:{person.home}/state.db?mode=ro", uri=True)
    try:
        found = []
        for name in KEPT[verb]:
            table, _, column = name.partition(".")
            found += [name, sorted(database.execute(f"SELECT {column or '*'} FROM {table}").fetchall(), key=repr)]
        return found
    finally:
        database.close()


class Play:
    """The steps of one sighting, in one world or two."""

    def __init__(self, stage, sighting, attacked, work):
        self.stage, self.sighting, self.attacked, self.work = stage, sighting, attacked, work
        self.evil = World(stage, sighting.attack if attacked else "honest")
        has_other_face = attacked and any("@honest" in step for step in sighting.steps)
        self.honest = World(stage, "honest") if has_other_face else self.evil
        self.people = {}

    def person(self, name):
        if name not in self.people:
            self.people[name] = self.stage.copy(name, self.work)
        return self.people[name]

    def run(self, step):
        who, verb, *others = step.split()
        name, _, face = who.partition("@")
        world = self.honest if face else self.evil
        person = self.person(name)
        args = VERBS.get(verb)
        if verb == "compares":
            args = ["log", "check", self.heads_of(others[0])]
        if verb == "joins":
            args = ["init", world.url, "--config", self.stage.config]
        else:
            args = [*args, "--url", world.url]
        before = kept(person, verb)
        result = person.run(*args, "--json")
        found = json.loads(result.stdout)
        unchanged = result.returncode not in (1, 3) or kept(person, verb) == before
        return result.returncode, found, unchanged

    def heads_of(self, name):
        """As the person has them, from the log as it is shown to them."""
        path = os.path.join(self.work, name + ".heads")
        result = self.person(name).run("log", "distinguished", "--url", self.evil.url)
        if result.returncode != 0:
            raise Failed(f"{name} has no heads to compare: {result.stdout}{result.stderr}")
        with open(path, "w") as file:
            file.write(result.stdout)
        return path

    def strike(self):
        self.evil.strike()
        if self.honest is not self.evil:
            self.honest.strike()

    def end(self):
        self.evil.end()
        if self.honest is not self.evil:
            self.honest.end()


def judge(sighting, attacked, is_last, step, code, found, unchanged):
    wanted = sighting.exit if is_last and attacked else sighting.honest if is_last else 0
    reason = found.get("reason", {}).get("code")
    kinds = {alert["kind"] for alert in found.get("alerts", [])}
    if code != wanted:
        raise Failed(f"{step}: exit code {code}, expected {wanted}: {reason} {sorted(kinds)}")
    if not unchanged and sighting.kept:
        raise Failed(f"{step}: failed ({reason}) and changed the state")
    if is_last and attacked:
        if sighting.code and reason != sighting.code:
            raise Failed(f"{step}: {reason}, expected {sighting.code} ({found['reason']['text']})")
        if not set(sighting.alerts) <= kinds or (sighting.exit != 4 and kinds != set(sighting.alerts)):
            raise Failed(f"{step}: alerts {sorted(kinds)}, expected {sighting.alerts}")


def play(stage, sighting, attacked):
    with tempfile.TemporaryDirectory(dir=stage.work) as work:
        this = Play(stage, sighting, attacked, work)
        try:
            for number, step in enumerate(sighting.steps, 1):
                if step == "strike":
                    this.strike()
                    continue
                judge(sighting, attacked, number == len(sighting.steps), step, *this.run(step))
            failed = None
        except Failed as told:
            failed = str(told)
        try:
            this.end()
        except OSError as error:
            return f"kt-evil-server ended by itself: {failed} {error}"
        return failed


def is_slow(build):
    """Under the sanitizers a program takes many times as long to start."""
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        return any(line.startswith("KT_SANITIZE") and line.rstrip().partition("=")[2] for line in file)


def rows(mode, suite, names, one_in_six):
    """one_in_six: each sighting in one of its modes and in one suite only, all of them together in all."""
    found = []
    for number, sighting in enumerate(SIGHTINGS):
        if names and sighting.attack not in names or mode not in sighting.modes:
            continue
        turn = (sighting.modes[number % len(sighting.modes)], SUITES[number // 3 % 2])
        if not one_in_six or turn == (mode, suite):
            found.append(sighting)
    return found


def plays_of(sightings):
    """Each sighting, and each way of playing once without an attack."""
    ways = {(sighting.steps, sighting.honest): sighting for sighting in sightings}
    return [(sighting, True) for sighting in sightings] + [(sighting, False) for sighting in ways.values()]


def play_stage(pool, stage, name, sightings, is_told):
    todo = plays_of(sightings)
    failures = 0
    for (sighting, attacked), failed in zip(todo, pool.map(lambda one: play(stage, *one), todo)):
        what = f"{name}: {sighting.attack if attacked else 'no attack'}: {', '.join(sighting.steps)}"
        if failed is not None:
            failures += 1
            print(f"not ok: {what}: {failed}", file=sys.stderr)
        elif is_told:
            print(f"ok: {what}")
    print(f"{name}: {len(todo)} plays, {failures} not as told")
    return failures


def play_suite(build, suite, names):
    """In every mode; names: of the attacks to play and to tell of, none: all."""
    one_in_six = is_slow(build) and not names
    work = tempfile.mkdtemp(prefix="kt-evil-")
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            failures = sum(play_stage(pool, Stage(build, os.path.join(work, mode), mode, suite), f"{mode}, {suite}",
                                      rows(mode, suite, names, one_in_six), bool(names))
                           for mode in (CM, AUDITING, MANAGEMENT))
    finally:
        shutil.rmtree(work)
    check(failures == 0, "every attack is noticed as told")
