#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every attack of kt-evil-server on people with the real kt-verify, in two modes and both suites; and docs/attacks.md,
which lists them with who notices and what they see.

    evil.py BUILD              plays all of it and compares docs/attacks.md
    evil.py BUILD --write      writes docs/attacks.md from the tables
    evil.py BUILD NAME…        plays these attacks only, and says all that comes of them

Each play is done twice: with an honest log, where every step has to come out well, and with the attack. What failed to
verify must not have changed the victim's state (R59)."""

import concurrent.futures
import json
import os
import shutil
import sqlite3
import sys
import tempfile

from lib_evil import OTHER, VICTIM, Stage, World, listed, server_is_missing
from lib_evil_table import AUDITING, CM, SIGHTINGS
from lib_programs import check, random_key

BUILD = sys.argv[1]
NAMES = [name for name in sys.argv[2:] if not name.startswith("--")]
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "attacks.md")
STAGES = ((CM, "ed25519"), (CM, "p256"), (AUDITING, "ed25519"), (AUDITING, "p256"))

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


def plays_of(mode, sightings):
    """Each sighting, and each way of playing once without an attack."""
    mine = [sighting for sighting in sightings if mode in sighting.modes]
    ways = {(sighting.steps, sighting.honest): sighting for sighting in mine}
    return [(sighting, True) for sighting in mine] + [(sighting, False) for sighting in ways.values()]


def play_stage(pool, stage, mode, suite, sightings):
    todo = plays_of(mode, sightings)
    failures = 0
    for (sighting, attacked), failed in zip(todo, pool.map(lambda one: play(stage, *one), todo)):
        name = f"{mode}, {suite}: {sighting.attack if attacked else 'no attack'}: {', '.join(sighting.steps)}"
        if failed is not None:
            failures += 1
            print(f"not ok: {name}: {failed}", file=sys.stderr)
        elif NAMES:
            print(f"ok: {name}")
    print(f"{mode}, {suite}: {len(todo)} plays, {failures} not as told")
    return failures


# --- the document -----------------------------------------------------------------------------------------------------------

HEAD = """# Attacks, and who notices

Written by `tests/e2e/evil.py --write`; the test run plays every row with the real `kt-verify` and compares this page.

`kt-evil-server` (`tests/evil`) is a log run by somebody who lies. It holds the log's signing key and VRF key, so whatever it
shows is signed as far as a log can sign it: where a changed answer leads to another root, it signs that root. In
third-party-auditing mode the auditor signs along as if it had been deceived, except in the attacks that are about it.
Every play is done once more without the attack, and then comes out well. All rows hold in both cipher suites, and in
contact-monitoring and third-party-auditing mode unless one is named.

`%s` is the reason's code in `--json`, `reason.code`; alerts are those of [alerts.md](alerts.md). A failure leaves what the
victim retained as it was. What a log shows only to people who never saw another history of it, nobody can notice alone:
there the row says who does, and that is why people compare heads, monitor, and audit.

| attack | what the log does | who notices | how | exit code | reason | alerts |
|---|---|---|---|---|---|---|
""" % "reason"

WORDS = {"strike": "(attack)", "lookup": "lookup", "lookup-0": "lookup --version", "lookup-1": "lookup --version", "monitor": "monitor once",
         "heads": "log distinguished", "audit": "audit", "audit-all": "audit --from 0", "add": "device add", "takes": "account create",
         "compares": "log check", "joins": "init"}


def shown_how(sighting):
    """The verb that notices, and the person's earlier ones after which it can."""
    verbs = [WORDS[step.split()[1]] for step in sighting.steps if step != "strike"]
    return "`" + "`, then `".join(verbs) + "`"


def row(sighting, does):
    mode = "" if len(sighting.modes) > 1 else f" ({sighting.modes[0]})"
    code = f"`{sighting.code}`" if sighting.code else ""
    alerts = ", ".join(f"`{kind}`" for kind in sighting.alerts)
    return (f"| {sighting.attack} | {does} | {sighting.who}{mode} | {shown_how(sighting)} | {sighting.exit} | {code} | "
            f"{alerts} |\n")


def document(attacks):
    return HEAD + "".join(row(sighting, attacks[sighting.attack]) for sighting in SIGHTINGS)


# --- all of it --------------------------------------------------------------------------------------------------------------


def main():
    if server_is_missing(BUILD):
        return
    attacks = listed(BUILD)
    told = {sighting.attack for sighting in SIGHTINGS}
    check(told == set(attacks) and len(attacks) >= 60, f"{len(attacks)} attacks, each with who notices",
          sorted(told ^ set(attacks)))
    if "--write" in sys.argv:
        with open(DOCUMENT, "w") as file:
            file.write(document(attacks))
        return
    sightings = [sighting for sighting in SIGHTINGS if not NAMES or sighting.attack in NAMES]
    work = tempfile.mkdtemp(prefix="kt-evil-")
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            stages = [(Stage(BUILD, os.path.join(work, mode + suite), mode, suite), mode, suite)
                      for mode, suite in STAGES]
            failures = sum(play_stage(pool, *stage, sightings) for stage in stages)
    finally:
        shutil.rmtree(work)
    check(failures == 0, "every attack is noticed as told")
    with open(DOCUMENT) as file:
        check(file.read() == document(attacks), "docs/attacks.md lists them (evil.py --write)")


main()
