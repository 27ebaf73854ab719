#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the owner of an account is told stays told, and in time: a log that keeps a contact's answer back delays no alert about
one's own account, and what a stolen key signed is not settled by publishing another list;
a clock that is set back ends no alert; hooks work whatever was made of the signal that tells of their end.

    owner_alerts.py BUILD"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import lib_programs
from lib_clock import Clock
from lib_programs import VERIFY, Log, Person, Proxy, ProxyHandler, check, random_key, server_verb

HOUR = 3600 * 1000
CONTACTS = ("bob", "carol")


class Stalling(ProxyHandler):
    """Does not answer about the labels in `stalled` before `go`, and then with nothing."""

    def forward(self, body):
        asked = [label for label in CONTACTS if label.encode() in (body or b"")]
        self.server.asked += asked
        if any(label in self.server.stalled for label in asked):
            self.server.go.wait(60)
            self.close_connection = True
        else:
            super().forward(body)


class World:
    def __init__(self, work):
        self.work = work
        folder = os.path.join(work, "log")
        server_verb("init", folder)
        self.log = Log(folder).start()
        self.proxy = Proxy(self.log.url, lambda path, status, body: (status, body))
        self.proxy.RequestHandlerClass = Stalling
        self.proxy.stalled, self.proxy.asked, self.proxy.go = (), [], threading.Event()
        self.alice = Person(os.path.join(work, "alice"))
        self.alice.json("init", self.proxy.url, "--first-use")
        self.alice.json("account", "create", "alice")
        self.alice.json("device", "add", "alice", "--name", "phone", "--key", random_key())
        for label in CONTACTS:
            self.log.insert(label, "device")
            self.alice.json("lookup", label, "--allow-unsigned")
            self.alice.json("monitor", "add", label)


def until(found, seconds):
    """Whether it comes true within this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return True
        time.sleep(0.1)
    return False


def told_in_time(world):
    """The hook is called while the log keeps the answer about a contact back."""
    told = os.path.join(world.work, "told")
    world.log.insert("alice", "hidden")
    world.proxy.stalled = CONTACTS
    monitor = subprocess.Popen([VERIFY, "monitor", "run", "--home", world.alice.home, "--hook", f'echo "$KT_EVENT" >>{told}'],
                               stdout=subprocess.PIPE, text=True, env=lib_programs.environment(0))
    try:
        check(until(lambda: os.path.exists(told), 30), "the hook is called while an answer about a contact is waited for")
        check(world.proxy.asked[-1] in CONTACTS or until(lambda: world.proxy.asked[-1] in CONTACTS, 20), "which is waited for")
    finally:
        world.proxy.go.set()
        monitor.send_signal(signal.SIGTERM)
        said = monitor.communicate(timeout=60)[0]
    check("version-not-mine alice" in said and monitor.returncode == 0, "and it was said", said)


def asked_in_some_round(world, label):
    for _ in range(40):
        world.proxy.asked.clear()
        world.alice.json("monitor", "once", expect=4)
        if label in world.proxy.asked:
            return True
    return False


def one_time_out(world):
    """An answer that stays out is waited for once in a round, and does not hide the others for ever."""
    world.proxy.asked.clear()
    found = world.alice.json("monitor", "once", expect=4)
    check(len(world.proxy.asked) == 1, "an answer that stays out is waited for once", world.proxy.asked)
    check([label["verdict"] for label in found["labels"]] == ["alert", "undecided", "undecided"], "the others are undecided", found)
    text = world.alice.run("monitor", "once").stdout
    check(text.count(": not asked for this time") == 1, "and the person is told which were not asked for", text)
    world.proxy.stalled = CONTACTS[:1]
    check(asked_in_some_round(world, CONTACTS[1]), "a contact behind one that is kept back is asked for in another round")
    world.proxy.stalled = ()
    found = world.alice.json("monitor", "once", expect=4)
    check([label["verdict"] for label in found["labels"]] == ["alert"] * 3, "it goes on", found)


def kinds_open(person):
    return sorted(alert["kind"] for alert in person.json("alerts", "list")["alerts"])


def stolen_key(world):
    """Publishing does not answer a version that the account key signed; another key does."""
    erin, thief = Person(os.path.join(world.work, "erin")), Person(os.path.join(world.work, "thief"))
    erin.json("init", world.log.url, "--first-use")
    erin.json("account", "create", "erin")
    phone = erin.json("device", "add", "erin", "--name", "phone", "--key", random_key())["devices"][0]["id"]
    shutil.copytree(erin.home, thief.home)
    listed = thief.json("device", "add", "erin", "--name", "spy", "--key", random_key())["devices"]
    spy = next(device["id"] for device in listed if device["name"] == "spy")
    erin.json("monitor", "once", expect=4)
    text = erin.text("device", "remove", "erin", spy, expect=4)
    check("account rotate erin" in text and kinds_open(erin) == ["version-not-mine"], "the device is off, the key is not", text)
    thief.run("monitor", "once")
    listed = thief.json("device", "add", "erin", "--name", "spy 2", "--key", random_key(), expect=4)["devices"]
    thief.json("device", "remove", "erin", next(device["id"] for device in listed if device["name"] == "spy 2"), expect=4)
    erin.json("monitor", "once", expect=4)
    erin.json("monitor", "approve", "erin", phone, expect=4)
    erin.json("device", "add", "erin", "--name", "pad", "--key", random_key(), expect=4)
    check(kinds_open(erin) == ["version-not-mine"] * 3, "nothing that is published or approved settles them", kinds_open(erin))
    erin.json("account", "rotate", "erin")
    check(kinds_open(erin) == [], "another key does")
    erin.json("monitor", "once")


def clock_set_back(work):
    """Without a check nobody knows whether the account was left alone: a clock that goes back ends no alert."""
    clock = Clock(work)
    lib_programs.environment = clock.environment
    folder = os.path.join(work, "log-2")
    server_verb("init", folder, "--reasonable-monitoring-window", "6h", "--max-behind", "72h")
    log = Log(folder).start()
    fay = Person(os.path.join(work, "fay"))
    fay.json("init", log.url, "--first-use")
    fay.json("account", "create", "fay")
    fay.json("monitor", "once")
    log.stop()
    clock.force(48 * HOUR)
    fay.json("monitor", "once", expect=3)
    check(kinds_open(fay) == ["monitor-blind"], "nothing was checked for two days")
    clock.force(-365 * 24 * HOUR)
    fay.json("monitor", "once", expect=3)
    check(kinds_open(fay) == ["monitor-blind"], "a clock that goes back ends no alert")
    status = fay.json("monitor", "status", expect=3)
    check(status["labels"][0]["overdue"], "what was checked in the future is overdue", status)
    text = fay.run("monitor", "status").stdout
    check("OVERDUE" in text and "last good check in the future: look at the clock" in text, "and the person is told why", text)
    clock.force(0)
    fay.json("monitor", "status")
    check(kinds_open(fay) == ["monitor-blind"], "nor does one that is right again")
    log.start()
    fay.json("monitor", "once")
    check(kinds_open(fay) == [], "the next check ends it")
    log.stop()


class Slow(ProxyHandler):
    """Valid answers; each about one of server.slow takes an hour."""

    def forward(self, body):
        about = [label for label in ("gus", *CONTACTS) if label.encode() in (body or b"")]
        if about and self.server.asked[-1:] != about:
            self.server.asked += about
        if about and about[0] in self.server.slow:
            self.server.clock.set_ms(self.server.clock.now_ms() + HOUR)
        super().forward(body)


def slow_answers(work, name, slow):
    """However long answers take: one's own account is looked at again in time, and every contact has their turn."""
    clock = Clock(work)
    lib_programs.environment = clock.environment
    folder = os.path.join(work, f"log-{name}")
    server_verb("init", folder, "--max-behind", "72h")
    log = Log(folder).start()
    proxy = Proxy(log.url, lambda path, status, body: (status, body))
    proxy.RequestHandlerClass, proxy.asked, proxy.clock, proxy.slow = Slow, [], clock, ()
    gus = Person(os.path.join(work, f"{name}-home"))
    gus.json("init", log.url, "--first-use")
    gus.json("account", "create", "gus")
    for label in CONTACTS:
        log.insert(label, "device")
        gus.json("lookup", label, "--allow-unsigned")
        gus.json("monitor", "add", label)
    proxy.slow = slow
    monitor = subprocess.Popen([VERIFY, "monitor", "run", "--home", gus.home, "--url", proxy.url, "--interval", "600"],
                               stdout=subprocess.PIPE, text=True, env=lib_programs.environment(0))
    until(lambda: len(proxy.asked) >= 5, 30)
    monitor.send_signal(signal.SIGTERM)
    monitor.communicate(timeout=60)
    check(len(proxy.asked) >= 5 and all(label == "gus" for label in proxy.asked[:5:2]),
          "one's own account is looked at again before the next contact", proxy.asked)
    check(set(proxy.asked[1:5:2]) == set(CONTACTS), "and no contact is left out for that", proxy.asked)
    log.stop()


def ends_ignored(work):
    """Whoever starts the program may have the ends of children ignored."""
    person = Person(os.path.join(work, "alice"))
    began = time.monotonic()
    tried = subprocess.run([VERIFY, "monitor", "test-alert", "--home", person.home, "--hook", "true"], capture_output=True,
                           text=True, timeout=120, env=lib_programs.environment(0),
                           preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    check(tried.returncode == 0 and time.monotonic() - began < 30, "a hook's end is noticed", tried)


def main():
    work = tempfile.mkdtemp(prefix="kt-owner-alerts-")
    try:
        world = World(work)
        told_in_time(world)
        one_time_out(world)
        stolen_key(world)
        ends_ignored(work)
        world.log.stop()
        clock_set_back(work)
        slow_answers(work, "slow-contacts", CONTACTS)
        slow_answers(work, "slow-log", ("gus", *CONTACTS))
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
