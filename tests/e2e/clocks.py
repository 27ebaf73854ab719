# SPDX-License-Identifier: Apache-2.0
"""Clocks that jump by -1 s, -1 day, +1 year, to 1970 and to 2106, and back: the server's while it runs and when it starts, and
the client's. No smaller timestamp is ever signed, none of a wrong time; lookups go on; a client with a wrong clock is
undecided, blames nobody, and loses nothing.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import lib_programs
from lib_people import new_person
from lib_programs import SERVER, check, random_key, server_verb
from lib_server import RunningServer

WALL_CLOCK = os.path.join(sys.argv[1], "tests", "libkt-wall_clock.so")
DAY_MS = 24 * 3600 * 1000
NOW_MS = int(time.time() * 1000)
# What the clock is set ahead by.
JUMPS = {"-1 s": -1000, "-1 day": -DAY_MS, "+1 year": 365 * DAY_MS, "to 1970": 60000 - NOW_MS,
         "to 2106": 4294967296000 - NOW_MS}
SMALL = "-1 s"


class Clock:
    """The wall clock of the programs that are started with its environment, while they run."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, ahead_ms):
        with open(self.path, "w") as file:
            file.write(f"{ahead_ms:+031d}\n")

    def environment(self, _ahead_h):
        env = {name: value for name, value in os.environ.items() if not name.startswith("KT_")}
        env.update(LD_PRELOAD=WALL_CLOCK, KT_CLOCK_FILE=self.path, TZ="UTC",
                   ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        return env


class World:
    def __init__(self, work):
        self.work = work
        self.clocks = {name: Clock(os.path.join(work, name)) for name in ("server", "client")}
        lib_programs.environment = self.clocks["client"].environment
        self.folder = os.path.join(work, "log")
        server_verb("init", self.folder, "--max-ahead", "5m", "--max-behind", "72h")
        self.config = os.path.join(work, "config.bin")
        server_verb("config", self.folder, "-o", self.config)
        self.start()
        self.url = self.server.url
        self.alice, self.bob = (new_person(work, name, self.server, self.config) for name in ("alice", "bob"))
        check(self.lookup() == 0, "looked up before")

    def start(self):
        self.server = RunningServer(self.folder, args=("--listen", f"127.0.0.1:{self.port}"),
                                    env=self.clocks["server"].environment(0))

    port = lib_programs.free_port()

    def set(self, name, offset_ms):
        self.clocks[name].set(offset_ms)

    def lookup(self):
        return self.bob.run("lookup", self.alice.label).returncode

    def update(self):
        return self.alice.run("device", "add", self.alice.label, "--name", "pad", "--key", random_key())

    def head(self):
        return json.loads(server_verb("status", self.folder, "--json"))["log"]

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.server.health}/readyz", timeout=20) as answer:
                return answer.status, None
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)["type"].rsplit(":", 1)[1]

    def believed(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.health}/metrics", timeout=20) as answer:
            return b"\nkt_clock_believed 1\n" in answer.read()

    def until_ready(self, expected):
        """The clock is looked at every second."""
        for _ in range(100):
            if self.ready() == expected:
                return
            time.sleep(0.1)
        check(False, "readyz", self.ready(), expected)


def timestamps(folder):
    db = sqlite3.connect(f"file:{os.path.join(folder, 'log.db')}?mode=ro", uri=True)
    found = [row[0] for row in db.execute("SELECT timestamp_ms FROM entries ORDER BY pos")]
    db.close()
    return found


def refused(world, code):
    """Nothing is added, everything else goes on, and everybody is told why."""
    before = world.head()
    answer = world.update()  # which has the log look at its clock; without one it does so every second
    world.until_ready((503, code))
    check(answer.returncode == 3 and "clock" in answer.stdout + answer.stderr, "an update is refused for the clock", answer)
    check(world.lookup() == 0, "lookups go on")
    check(not world.believed(), "metrics tell")
    check(world.head() == before, "nothing was signed", before, world.head())


def goes_on(world):
    before = world.head()["timestamp_ms"]
    answer = world.update()
    check(answer.returncode == 0, "an update goes through", answer)
    world.until_ready((200, None))
    check(world.lookup() == 0, "and is looked up")
    check(before <= world.head()["timestamp_ms"] <= time.time() * 1000 + 1000, "with the right time")


def server_jumps(world):
    for name, offset_ms in JUMPS.items():
        print(f"--- the server's clock: {name}")
        world.set("server", offset_ms)
        if name == SMALL:
            goes_on(world)
        else:
            refused(world, "clock-jumped")
        world.set("server", 0)
        goes_on(world)


def server_starts(world):
    for name, offset_ms in JUMPS.items():
        print(f"--- the server starts with a clock that is wrong: {name}")
        world.server.stop()
        world.set("server", offset_ms)
        world.start()
        if name == SMALL:
            goes_on(world)
        else:
            refused(world, "clock-behind" if offset_ms < 0 else "clock-ahead")
        world.set("server", 0)
        goes_on(world)


def client_jumps(world):
    alerts = world.bob.json("alerts", "list")["alerts"]
    for name, offset_ms in JUMPS.items():
        print(f"--- the client's clock: {name}")
        world.set("client", offset_ms)
        expected = 0 if name == SMALL else 3
        for args in (("lookup", world.alice.label), ("monitor", "once"), ("audit",), ("log", "head")):
            answer = world.bob.run(*args)
            text = answer.stdout + answer.stderr
            check(answer.returncode == expected, f"{args[0]} gives {expected}", answer)
            if expected == 3:
                check("clock" in text, "and says that a clock is wrong", text)
        if expected == 3:
            reason = world.bob.json("lookup", world.alice.label, expect=3)["reason"]
            parts = ("log's newest entry: ", "this machine's clock: ", "they may be ", " s apart")
            check(reason["code"] == "stale-or-clock" and all(part in reason["text"] for part in parts),
                  "the reason names both times, and how far apart they may be", reason)
            added = world.update()
            check(added.returncode == 3, "an update is undecided", added)
        world.set("client", 0)
        for args in (("lookup", world.alice.label), ("monitor", "once"), ("audit",), ("log", "head")):
            answer = world.bob.run(*args)
            check(answer.returncode == 0, f"with the right time {args[0]} verifies", answer)
        check(world.update().returncode == 0, "and so does an update")
        check(world.bob.json("evidence", "list")["evidence"] == [], "nobody was accused")
        check(world.bob.json("alerts", "list")["alerts"] == alerts, "and no alert is left", alerts)


def accept(folder, env, code=0):
    result = subprocess.run([SERVER, "accept-clock", folder], capture_output=True, text=True, timeout=60, env=env)
    check(result.returncode == code, f"accept-clock gives {code}", result)
    return result.stdout + result.stderr


def accepted(world):
    print("--- accept-clock")
    ahead = world.clocks["server"].environment
    world.set("server", 3 * DAY_MS)
    world.until_ready((503, "clock-jumped"))
    check("believed" in accept(world.folder, ahead(0)), "the new time is accepted")
    world.until_ready((200, None))
    check(world.head()["timestamp_ms"] > time.time() * 1000 + 2 * DAY_MS, "an entry has it")
    check(world.bob.json("lookup", world.alice.label, expect=3)["reason"]["code"] == "stale-or-clock",
          "a client of another time is undecided")
    world.set("client", 3 * DAY_MS)
    check(world.lookup() == 0, "one of the same time is not")
    world.set("server", 0)
    world.until_ready((503, "clock-jumped"))
    check("never go back" in accept(world.folder, ahead(0), code=1), "going back is not accepted")
    world.set("server", 3 * DAY_MS)
    world.until_ready((200, None))
    actions = [record["action"] for record in json.loads(server_verb("trail", world.folder, "--json"))["records"]]
    check(actions.count("accept-clock") == 2, "both are on record", actions)
    world.server.stop()
    world.set("server", 3 * 365 * DAY_MS)
    accept(world.folder, ahead(0))
    world.start()
    world.until_ready((200, None))
    world.server.stop()


def main():
    with tempfile.TemporaryDirectory() as work:
        world = World(work)
        client_jumps(world)
        server_jumps(world)
        server_starts(world)
        signed = timestamps(world.folder)
        check(signed == sorted(signed), "timestamps never went back")
        check(signed[0] >= NOW_MS - 1000 and signed[-1] <= time.time() * 1000 + 1000, "none is of a wrong time")
        accepted(world)
        check(timestamps(world.folder) == sorted(timestamps(world.folder)), "timestamps never went back")
        check("no damage" in server_verb("fsck", world.folder), "the log is sound")


main()
