#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""monitor run through days of simulated time against a log that comes and goes: no alert twice, no alert missed,
monitor-blind exactly when due, failed hooks called again and visible, memory flat, a clean end.

    monitor_run.py BUILD [DAYS]

All programs read their clock from a file that the test sets forward; SIGUSR1 makes the monitor look at it. The first day
has a plan; what follows, up to DAYS (2), is at random, and the same each time."""

import collections
import glob
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import lib_programs
from lib_clock import Clock
from lib_programs import VERIFY, Log, Person, Proxy, ProxyHandler, check, is_sanitized, random_key, server_verb
from lib_server import change_settings

MINUTE = 60 * 1000
HOUR = 60 * MINUTE
WINDOW = 6 * HOUR
INTERVAL = HOUR // 2
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 2
HOSTILE = 'x$(touch pwned)`touch pwned`;touch pwned\n"\''
# What alice is told when the operator replaces her device by a hidden one, and by another one later.
EACH_TIME = ["unknown-device", "unsigned-set", "version-not-mine"]
HIDDEN_KINDS = ["device-removed", *EACH_TIME]


class Flapping(ProxyHandler):
    """`refusal` of the server: None, "down", or a status that asks for patience."""

    def forward(self, body):
        refusal = self.server.refusal
        self.server.n_requests += 1
        if refusal is None:
            super().forward(body)
        elif refusal == "down":
            self.close_connection = True
        else:
            self.send_response(refusal)
            self.send_header("Retry-After", "5400")
            self.send_header("Content-Length", "0")
            self.end_headers()


class Monitor:
    """kt-verify monitor run --json of one person."""

    def __init__(self, person, *args):
        self.lines = queue.Queue()
        self.seen = []
        self.process = subprocess.Popen([VERIFY, "monitor", "run", "--json", "--home", person.home, *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=lib_programs.environment(0), cwd=os.path.dirname(person.home))
        self.errors = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def line(self):
        """The next line, which has to come."""
        try:
            found = self.lines.get(timeout=20)
        except queue.Empty:
            self.process.kill()
            sys.exit("the monitor says nothing; " + "".join(self.errors))
        self.seen.append(found)
        return found

    def look(self):
        self.process.send_signal(signal.SIGUSR1)

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(timeout=20) == 0, "SIGTERM ends the monitor cleanly")
        time.sleep(0.1)
        last = self.line()
        check(last["verdict"] == "done" and last["stopped"], "and it says so", last)


def kinds(line):
    return sorted(alert["kind"] for alert in line.get("alerts", []))


class Day:
    """The clock goes from one thing to do to the next; what the monitor says is collected."""

    def __init__(self, clock, proxy, monitor):
        self.clock, self.proxy, self.monitor = clock, proxy, monitor
        self.start_ms = clock.now_ms()
        self.last = monitor.line()
        self.memory_kib = []
        self.gaps_ms = []

    def until(self, hour):
        """Let the monitor do what it plans up to this hour; the lines it says."""
        said = []
        end_ms = self.start_ms + int(hour * HOUR)
        while self.last["next_ms"] <= end_ms:
            self.clock.set_ms(self.last["next_ms"])
            self.monitor.look()
            self.last = self.monitor.line()
            said.append(self.last | {"at_ms": self.clock.now_ms()})
            self.memory_kib.append(self.monitor.memory_kib())
        self.clock.set_ms(end_ms)
        asked_ms = [line["at_ms"] for line in said if line.get("checked")]
        self.gaps_ms += [b - a for a, b in zip(asked_ms, asked_ms[1:])]
        return said

    def checks_until(self, hour):
        """Only where the log was asked, not where a hook was called again."""
        return [line for line in self.until(hour) if line.get("checked")]


def hook(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o700)


def told(path):
    """What a hook wrote: (event, summary, alert id)."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [tuple(line.rstrip("\n").split("|")) for line in file]


TELL = """printf '%s|%s|%s\\n' "$KT_EVENT" "$KT_SUMMARY" "$(tr -d '\\n' <"$KT_JSON_FILE" | sed 's/.*"id": "\\([0-9a-f]*\\)".*/\\1/')"
"""


def no_alert_twice(records):
    counts = collections.Counter(identity for _, _, identity in records)
    check(all(n == 1 for n in counts.values()), "no alert twice", records)


def flapping(day, log):
    checks = day.checks_until(2)
    check(3 <= len(checks) <= 5 and all(line["verdict"] == "alert" for line in checks), "a check every half hour or so",
          [line["verdict"] for line in checks])
    check(not any(kinds(line) for line in checks), "what was said is not said again")
    for number, refusal in enumerate((503, 429)):
        hour = 2 + 3 * number
        day.proxy.refusal = refusal
        asked = day.proxy.n_requests
        refused = day.checks_until(hour + 1)
        check([line["verdict"] for line in refused] == ["undecided"], f"{refusal}: one check, then patience", refused)
        check(day.proxy.n_requests == asked + 1, f"{refusal}: the other labels are not asked for")
        day.proxy.refusal = None
        if number == 0:
            log.insert("alice", "hidden")
        again = day.checks_until(hour + 3)
        pause_ms = again[0]["at_ms"] - refused[0]["at_ms"]
        check(5400 * 1000 - 1000 <= pause_ms <= 6000 * 1000, f"{refusal}: Retry-After is honoured", pause_ms)
        check(again[0]["verdict"] == "alert", f"{refusal}: and then it goes on")
        if number == 0:
            check(kinds(again[0]) == HIDDEN_KINDS, "what happened meanwhile is found", again[0])
            check(not any(kinds(line) for line in again[1:]), "once")


def back_off(day):
    """Down: again soon, then less and less often; nobody is alarmed by an hour of it."""
    day.proxy.refusal = "down"
    checks = day.checks_until(10)
    check(len(checks) >= 4 and all(line["reason"]["code"] == "network" for line in checks), "down: tried again",
          len(checks))
    gaps = [b["at_ms"] - a["at_ms"] for a, b in zip(checks, checks[1:])]
    check(gaps[0] <= MINUTE < gaps[-1] <= INTERVAL, "down: with longer and longer pauses", gaps)
    check(not any("monitor-blind" in kinds(line) for line in checks), "down for an hour or two: not blind yet")
    day.proxy.refusal = None


def blind(day, alice, hour):
    """From now on nothing answers."""
    day.until(hour)
    checked_ms = alice.json("monitor", "status")["labels"][0]["checked_ms"]
    due_ms = checked_ms + WINDOW + 1
    day.proxy.refusal = "down"
    before = day.until((due_ms - 3000 - day.start_ms) / HOUR)
    check(not any("monitor-blind" in kinds(line) for line in before), "not blind before the window is over")
    check(day.last["next_ms"] <= due_ms, "it plans to look when the window is over")
    while day.clock.now_ms() < due_ms:
        time.sleep(0.1)
    day.monitor.look()
    day.last = day.monitor.line()
    check("monitor-blind" in kinds(day.last), "blind when the window is over", day.last)
    after = day.until((due_ms - day.start_ms) / HOUR + 2)
    check(after and not any("monitor-blind" in kinds(line) for line in after), "and not said again")
    status = alice.json("monitor", "status", expect=3)
    overdue = [label for label in status["labels"] if label["overdue"]]
    check(overdue and all(WINDOW < label["age_ms"] <= WINDOW + 3 * HOUR and label["due_ms"] == label["checked_ms"] + WINDOW + 1
                          for label in overdue), "status: overdue, with the age of the last good check", status)
    text = alice.run("monitor", "status").stdout
    check("OVERDUE    alice" in text and "last good check 8 h " in text and "answers to follow up: " in text, "and in words", text)
    day.proxy.refusal = None
    day.until((day.clock.now_ms() - day.start_ms + INTERVAL + HOUR) / HOUR)
    ledger = alice.text("alerts", "list")
    check("ended        monitor-blind" in ledger and "open         monitor-blind" not in ledger, "ended by a success")


def restart(day, alice, args):
    """A failing hook is visible, waits through a restart, and is called when it works."""
    status = alice.json("monitor", "status")
    waiting = {entry["hook"]: entry for entry in status["hooks"]}
    check(waiting["file:flaky"]["failures"] > 1 and "exit status 7" in waiting["file:flaky"]["error"],
          "status shows the failing hook", status["hooks"])
    check("file:record" not in waiting, "and not the one that works")
    check("FAILING" in alice.text("monitor", "status"), "in words, too")
    check(any("file:flaky failed" in line for line in day.monitor.errors), "its failure was said")
    day.monitor.stop()
    day.monitor = Monitor(alice, *args)
    day.last = day.monitor.line()


def at_random(day, log, until_hour):
    """The log comes and goes, and devices appear behind its back; the phone of each one that was inserted."""
    pick = random.Random(20261121)
    inserted = []
    hour = int((day.clock.now_ms() - day.start_ms) / HOUR) + 1
    lines = []
    dark = 0  # hours without an answer: after two of them the log stays until it was asked
    while hour < until_hour - 2:
        day.proxy.refusal = pick.choice((None, None, "down", 503, 429)) if dark < 2 else None
        if pick.random() < 0.3:
            inserted.append(f"hidden {hour}")
            log.insert("alice", inserted[-1])
        found = day.until(hour)
        dark = 0 if any(line.get("checked") and line["verdict"] == "alert" for line in found) else dark + 1
        lines += found
        hour += 1
    day.proxy.refusal = None
    lines += day.until(until_hour)
    checks = [line for line in lines if line.get("checked")]
    check({line["verdict"] for line in checks} == {"alert", "undecided"}, "at random: some checks had an answer, some not",
          collections.Counter(line["verdict"] for line in checks), len(checks))
    check(not any("monitor-blind" in kinds(line) for line in lines), "at random: never for a whole window")
    return inserted


def quiet_memory(day):
    """After the first looks, which fill the caches of the libraries, the hours make no difference."""
    settled = day.memory_kib[5:]
    grown = max(settled) - settled[0]
    check(len(settled) > 30 and (is_sanitized() or grown < 2048),
          f"memory is flat: {settled[0]} KiB, at most {grown} KiB more in {len(settled)} looks")


def test_alert(alice, folder):
    found = alice.json("monitor", "test-alert", "--hook", f"test \"$KT_EVENT\" = test && echo >'{folder}/tested'")
    check(kinds(found) == ["test"] and all(entry["ok"] for entry in found["hooks"]), "a test alert", found)
    check(os.path.exists(os.path.join(folder, "tested")), "the hook was really called")
    failed = alice.json("monitor", "test-alert", "--hook", "exit 9", expect=2)
    check(failed["reason"]["code"] == "hook-failed", "a test alert tells of a hook that fails", failed)
    check("acknowledged test" in alice.text("alerts", "list"), "it is settled at once")


def refused_hooks(alice, folder):
    hook(folder, "writable", "exit 0\n")
    os.chmod(os.path.join(folder, "writable"), 0o777)
    result = alice.run("monitor", "test-alert", "--json")
    names = [entry["hook"] for entry in json.loads(result.stdout)["hooks"]]
    check("file:writable" not in names and "can be written by others" in result.stderr, "a hook others can write")
    os.remove(os.path.join(folder, "writable"))


def by_itself(alice):
    """Nobody signals: the monitor wakes up when it planned to."""
    monitor = Monitor(alice, "--interval", "1")
    lines = [monitor.line() for _ in range(3)]
    check(all(line["checked"] for line in lines), "it wakes up by itself")
    monitor.stop()


def from_a_timer(log, alice, record):
    """monitor once tells the hooks as well, and once."""
    before = len(told(record))
    log.insert("alice", "another")
    found = alice.json("monitor", "once", expect=4)
    new = told(record)[before:]
    check({identity for _, _, identity in new} <= {alert["id"] for alert in found["alerts"]} and
          "unknown-device" in [event for event, _, _ in new], "monitor once calls hooks", new)
    alice.json("monitor", "once", expect=4)
    check(len(told(record)) == before + len(new), "and not again the next time")
    no_alert_twice(told(record))


def usage(alice):
    for interval in ("0", "x", "999999999", str(WINDOW // 1000)):
        found = alice.json("monitor", "run", "--interval", interval, expect=2)
        check(found["reason"]["code"] == "interval", f"--interval {interval}")


def main():
    work = tempfile.mkdtemp(prefix="kt-monitor-")
    clock = Clock(work)
    lib_programs.environment = clock.environment
    try:
        folder = os.path.join(work, "log")
        server_verb("init", folder, "--reasonable-monitoring-window", "6h", "--max-behind", "72h")
        change_settings(folder, "clock-jump: 0")  # days pass at once here
        log = Log(folder).start()
        proxy = Proxy(log.url, lambda path, status, body: (status, body))
        proxy.RequestHandlerClass, proxy.refusal, proxy.n_requests = Flapping, None, 0
        alice = Person(os.path.join(work, "alice"))
        alice.json("init", proxy.url, "--first-use")
        alice.json("account", "create", "alice")
        alice.json("device", "add", "alice", "--name", "phone", "--key", random_key())
        log.insert(HOSTILE, "device")
        alice.json("monitor", "add", HOSTILE)
        usage(alice)

        hooks = os.path.join(alice.home, "hooks")
        os.mkdir(hooks, 0o700)
        record, flaky, command = (os.path.join(work, name) for name in ("record", "flaky", "command"))
        hook(hooks, "record", TELL.replace("printf", f"exec >>'{record}'; printf"))
        hook(hooks, "flaky", f"test ! -e '{work}/broken' || exit 7\n" + TELL.replace("printf", f"exec >>'{flaky}'; printf"))
        open(os.path.join(work, "broken"), "w").close()
        args = ("--interval", str(INTERVAL // 1000), "--hook", TELL.replace("printf", f"exec >>'{command}'; printf"))

        day = Day(clock, proxy, Monitor(alice, *args))
        check("unsigned-set" in kinds(day.last), "the first check finds what there is", day.last)
        flapping(day, log)
        back_off(day)
        blind(day, alice, 12)
        restart(day, alice, args)
        os.remove(os.path.join(work, "broken"))
        inserted = at_random(day, log, 24 * DAYS)
        quiet_memory(day)
        usual = [gap for gap in day.gaps_ms if INTERVAL * 7 // 8 <= gap <= INTERVAL * 9 // 8 + 1000]
        check(len(usual) > 10 and max(usual) - min(usual) > INTERVAL // 16, "the pauses between checks vary", usual)
        check("hooks" not in alice.json("monitor", "status"), "the hook was called again, nothing waits")
        day.monitor.stop()

        # What was inserted while nobody could look was found later, each device by itself.
        times = len(inserted)
        expected = sorted(["monitor-blind", "unsigned-set", *HIDDEN_KINDS, *EACH_TIME * times])
        for path in (record, flaky, command):
            records = told(path)
            no_alert_twice(records)
            check(sorted(event for event, _, _ in records) == expected, f"every alert was told: {os.path.basename(path)}", records)
        check(not glob.glob(os.path.join(work, "**", "pwned"), recursive=True), "a label is no command")
        check(not glob.glob(os.path.join(alice.home, "hook-event-*")), "no file is left behind")
        by_itself(alice)
        from_a_timer(log, alice, record)
        test_alert(alice, work)
        refused_hooks(alice, hooks)
        log.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
