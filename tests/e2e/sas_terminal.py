#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live comparisons as people have them: each at a terminal of their own, who answer, hesitate, give up, hang up or go
away. Whatever one of them does, both are told how it ended, and only two times yes verifies anybody. Then the same over
files with somebody in between who changes lines."""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import lib_programs
from lib_people import forget, new_log, new_person
from lib_programs import FAKETIME, VERIFY, check
from lib_terminal import CTRL_C, Terminal
from sas_relay import Side, attacks, next_room, state

TOLD_S = 10  # within which the other side has to hear of an end
PROMPT = "Type yes or no"


class Comparing(Terminal):
    """One `code sas` at a terminal."""

    def __init__(self, person, role, label, *args, env=None):
        super().__init__([VERIFY, "code", "sas", role, label, *args, "--home", person.home],
                         dict(env or lib_programs.environment(0), TERM="xterm"))

    def numbers(self):
        self.until(PROMPT)
        return next(line for line in self.screen.splitlines() if line.startswith("or as numbers: "))

    def room(self):
        self.until("room ")
        self.until("waiting for")
        return self.screen.split("room ")[1].split()[0]


def pair(alice, bob, env=None):
    """Both at the question, with the same numbers before them."""
    room = next_room()
    starter = Comparing(alice, "start", bob.label, room, env=env)
    joiner = Comparing(bob, "join", alice.label, room, env=env)
    check(starter.numbers() == joiner.numbers(), "both see the same numbers")
    return starter, joiner


def states(alice, bob):
    return [state(alice, bob)[0], state(bob, alice)[0]]


def answers(alice, bob):
    for said, codes, after in ((("yes", "yes"), [0, 0], ["verified", "verified"]),
                               (("yes", "no"), [3, 4], ["unverified", "changed"]),
                               (("no", "yes"), [4, 3], ["changed", "unverified"]),
                               (("no", "no"), None, None)):
        forget(alice, bob)
        starter, joiner = pair(alice, bob)
        starter.type(said[0] + "\n")
        joiner.type(said[1] + "\n")
        found = [starter.end(), joiner.end()]
        if codes is None:  # whoever was first; the other may have heard of it before the answer was read
            check(4 in found and set(found) <= {3, 4} and "verified" not in states(alice, bob), "no, no", found)
            continue
        check(found == codes and states(alice, bob) == after, f"{said[0]}, {said[1]}", found, states(alice, bob))
        for side, code in ((starter, found[0]), (joiner, found[1])):
            if code == 3:
                check("sees another code" in side.words() and "ask on the call" in side.words() and
                      "Nothing was changed" in side.words(), "and the other is told", side.screen)
            if code == 4:
                check("MISMATCH" in side.words() and "Send nothing secret" in side.words(), "who said no is told what to do",
                      side.screen)


def hesitant(alice, bob):
    """What is typed before the question is no answer, nor is half a word; case and blanks do not matter."""
    forget(alice, bob)
    room = next_room()
    starter = Comparing(alice, "start", bob.label, room)
    starter.until("waiting for")
    starter.type("yes\n")
    joiner = Comparing(bob, "join", alice.label, room)
    check(starter.numbers() == joiner.numbers(), "both see the same numbers")
    joiner.type("yes\n")
    joiner.until("waiting for the answer of")
    for text in ("\n", "y\n", "yesno\n", "not sure\n", "x" * 200 + "\n"):
        before = starter.words().count("please type yes or no")
        starter.type(text)
        while starter.words().count("please type yes or no") == before and starter.read(10):
            pass
        check(starter.words().count("please type yes or no") > before, f"asked again after {text[:10]!r}")
    check(states(alice, bob) == ["unverified", "unverified"], "nothing is decided before the answer")
    starter.type("  YES \n")
    check([starter.end(), joiner.end()] == [0, 0] and states(alice, bob) == ["verified", "verified"], "then yes")


def giving_up(alice, bob):
    """Ctrl-C, an end of the input, a closed terminal, a kill: at the question, on either side."""
    forget(alice, bob)
    ways = {
        "Ctrl-C": lambda side: side.type(CTRL_C),
        "an end of the input": lambda side: side.type("\x04"),
        "a closed terminal": Terminal.hang_up,
        "SIGTERM": lambda side: os.kill(side.pid, signal.SIGTERM),
    }
    for number, (name, leave) in enumerate(ways.items()):
        sides = pair(alice, bob)
        leaver, other = sides if number % 2 == 0 else sides[::-1]
        leave(leaver)
        check(leaver.end() in (2, 3) if leaver.master is None else leaver.end() == 3, f"{name} ends it", leaver.code)
        check(other.end() == 3 and "the other person stopped the comparison" in other.words() and
              "Nothing was changed" in other.words(), "and the other is told", other.code, other.screen)
    sides = pair(alice, bob)
    sides[0].type("yes\n")
    sides[0].until("waiting for the answer of")
    sides[0].type(CTRL_C)
    check([sides[0].end(), sides[1].end()] == [3, 3], "Ctrl-C after yes ends it, too")
    check(states(alice, bob) == ["unverified", "unverified"], "nobody is verified by any of it")


def before_the_code(alice, bob):
    """Ctrl-C while nobody has joined; who comes later is told."""
    starter = Comparing(alice, "start", bob.label)
    room = starter.room()
    starter.until("waiting for")
    starter.type(CTRL_C)
    check(starter.end() == 3 and "stopped here" in starter.words(), "Ctrl-C before anybody joined", starter.screen)
    joiner = Comparing(bob, "join", alice.label, *room.split("-"))
    check(joiner.end() == 3 and "stopped the comparison" in joiner.words(), "who joins later is told", joiner.screen)


def too_late(work, alice, bob):
    """Ten minutes pass: at the question, and while nobody joins."""
    if FAKETIME is None:
        print("libfaketime is missing: ten minutes do not pass", file=sys.stderr)
        return
    clock = os.path.join(work, "clock")

    def set_clock(seconds):
        with open(clock + ".new", "w") as file:
            file.write(f"+{seconds}\n")
        os.rename(clock + ".new", clock)

    env = dict(lib_programs.environment(0), **lib_programs.fake_clock(FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE="1"))
    set_clock(0)
    starter, joiner = pair(alice, bob, env)
    waiting = Comparing(alice, "start", bob.label, next_room(), env=env)
    waiting.until("waiting for")
    set_clock(590)
    starter.read(1)
    check("over" not in starter.words(), "ten minutes are not over yet")
    set_clock(601)
    for name, side in (("starter", starter), ("joiner", joiner), ("who waits for nobody", waiting)):
        check(side.end() == 3 and "ten minutes for the comparison are over" in side.words(), f"ten minutes: {name}",
              side.code, side.screen)
    set_clock(0)
    starter, joiner = pair(alice, bob, env)
    starter.type("yes\n")
    starter.until("waiting for the answer of")
    set_clock(601)
    joiner.type("yes\n")
    check([starter.end(), joiner.end()] == [3, 3] and states(alice, bob) == ["unverified", "unverified"],
          "a yes that comes too late verifies nobody")


def at_the_terminal_over_pipes(work, alice, bob):
    for kind in ("pipe", "file"):
        forget(alice, bob)
        there, back = (os.path.join(work, f"{kind}-{name}") for name in ("there", "back"))
        if kind == "pipe":
            os.mkfifo(there)
            os.mkfifo(back)
        starter = Comparing(alice, "start", bob.label, "--in", back, "--out", there)
        joiner = Comparing(bob, "join", alice.label, "--in", there, "--out", back)
        check(starter.numbers() == joiner.numbers(), f"over a {kind}: both see the same")
        starter.type("yes\n")
        joiner.type("yes\n")
        check([starter.end(), joiner.end()] == [0, 0], f"over a {kind}: yes, yes")
        if kind == "pipe":
            starter = Comparing(alice, "start", bob.label, "--in", back, "--out", there)
            joiner = Comparing(bob, "join", alice.label, "--in", there, "--out", back)
            check(starter.numbers() == joiner.numbers(), "over the same pipes again")
            joiner.type(CTRL_C)
            check([starter.end(), joiner.end()] == [3, 3], "over a pipe: Ctrl-C is heard", starter.screen)


# --- somebody between two files ------------------------------------------------------------------------------------------


class Between(threading.Thread):
    """Copies the lines of one side's file to the file that the other reads, through an attack of sas_relay.py."""

    def __init__(self, role, source, target, attack):
        super().__init__(daemon=True)
        self.role, self.source, self.target, self.attack = role, source, target, attack
        self.ended = threading.Event()
        for path in (source, target):
            with open(path, "wb"):
                pass

    def run(self):
        with open(self.source, "rb") as source, open(self.target, "ab", buffering=0) as target:
            number, rest = 0, b""
            while not self.ended.is_set():
                rest += source.read()
                while b"\n" in rest:
                    line, rest = rest.split(b"\n", 1)
                    for message in self.attack.put(None, self.role, number, line):
                        target.write(message + b"\n")
                    number += 1
                time.sleep(0.02)


def changed_lines(work, alice, bob):
    names = ("another account key of the joiner in start", "another version in start", "another commitment",
             "another key of the starter", "another key of the joiner", "a key of small order from the joiner",
             "another mac of the starter", "a message that is not JSON", "an empty message",
             "a message of 5000 bytes", "start twice", "the joiner's key before its commitment")
    cases = attacks({"starter": [], "joiner": []})
    for name in names:
        forget(alice, bob)
        files = [os.path.join(work, file) for file in ("a-out", "b-in", "b-out", "a-in")]
        between = [Between("starter", files[0], files[1], cases[name]), Between("joiner", files[2], files[3], cases[name])]
        sides = [Side(alice, "start", bob.label, "--in", files[3], "--out", files[0]),
                 Side(bob, "join", alice.label, "--in", files[1], "--out", files[2])]
        for thread in between:
            thread.start()
        people = [threading.Thread(target=lambda side=side: side.numbers() and side.answer("yes"), daemon=True)
                  for side in sides]
        for thread in people:
            thread.start()
        codes = []
        for side in sides:
            try:
                codes.append(side.process.wait(timeout=TOLD_S))
            except Exception:  # who holds what it waits for: nobody may be left waiting
                side.process.kill()
                codes.append(None)
            side.end()
        for thread in between:
            thread.ended.set()
            thread.join()
        # Two yes to different numbers are two mistakes; the MAC is what finds them.
        allowed = ["unverified", "verified"] if name == "another mac of the starter" else ["unverified"]
        check(None not in codes and any(codes) and set(states(alice, bob)) <= set(allowed), f"{name}: both ended", codes,
              states(alice, bob), sides[0].errors, sides[1].errors)
        check(all(code == 0 or "Nothing was changed" in side.errors for side, code in zip(sides, codes)),
              f"{name}: both are told why", sides[0].errors, sides[1].errors)


def scripted(alice, bob):
    """--json: one object, also when it is stopped."""
    found = json.loads(alice.run("code", "sas", "start", bob.label, "--json", "--url", "http://127.0.0.1:1").stdout)
    check(found["verdict"] == "undecided" and found["reason"]["code"] == "network", "no network, one object", found)


def main():
    work = tempfile.mkdtemp(prefix="kt-terminal-")
    try:
        log, config = new_log(work)
        alice, bob = (new_person(work, name, log, config) for name in ("alice", "bob"))
        for person, other in ((alice, bob), (bob, alice)):
            person.json("lookup", other.label)
        answers(alice, bob)
        hesitant(alice, bob)
        giving_up(alice, bob)
        before_the_code(alice, bob)
        too_late(work, alice, bob)
        at_the_terminal_over_pipes(work, alice, bob)
        changed_lines(work, alice, bob)
        scripted(alice, bob)
        log.stop()
    finally:
        shutil.rmtree(work)


main()
