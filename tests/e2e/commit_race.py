# SPDX-License-Identifier: Apache-2.0
"""Commits that race checkpoints and backups, of other processes too: the write-ahead log is taken away under the log's feet in
every way SQLite knows, backups are made in the middle of everything, and each of them is a whole log; afterwards nothing is
damaged and nothing acknowledged is lost.

Called with the build folder, the seconds (default: a short run), and a folder that keeps the log, what was acknowledged, a
reader's view of the log and the counters (lib_counters). The log is stopped and checked every five minutes; then the time
counts, and the race goes on with the same log. One line every minute."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from lib_counters import LongRun, read_whole, write_whole
from lib_programs import SERVER, Person, environment, server_verb
from lib_server import RunningServer
from lib_writers import Account, Writer, check_quietly

SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 2
FOLDER = sys.argv[3] if len(sys.argv) > 3 else ""
AT_ONCE_S, AT_LEAST_S = 300, 2
WRITERS = 4
SETTINGS = "cadence: 0ms\n"
FSCK_EVERY = 20  # one backup in so many is checked hash by hash


class Racer(threading.Thread):
    """Does one thing again and again; what goes wrong is kept for the main thread."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.n, self.failure, self.is_over = step, 0, None, False

    def run(self):
        try:
            while not self.is_over:
                self.step(self.n)
                self.n += 1
                time.sleep(random.random() * 0.05)
        except (Exception, SystemExit) as failure:  # pylint: disable=broad-exception-caught
            self.failure = failure


def checkpoint(database):
    """From another process's connection: SQLite lets one at a time, so a busy answer is no failure."""
    connection = sqlite3.connect(database, timeout=0.1, isolation_level=None, check_same_thread=False)

    def step(n):
        mode = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")[n % 4]
        try:
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.OperationalError as error:
            check_quietly("locked" in str(error) or "busy" in str(error), "a checkpoint", error)

    return step


def entries(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    check_quietly(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the backup is whole", path)
    n = connection.execute("SELECT max(pos) + 1 FROM entries").fetchone()[0]
    connection.close()
    return n


class Backups:
    """Each is whole, and no smaller than the one before it."""

    def __init__(self, where, folder):
        self.where, self.folder, self.size, self.n_checked = where, folder, 0, 0

    def keep(self, path, n):
        size = entries(path)
        check_quietly(size >= self.size, "a later backup has more entries", size, self.size)
        self.size = size
        if n % FSCK_EVERY == 0:
            self.fsck(path)

    def fsck(self, path):
        """Hash by hash, as a folder of its own, whose guard begins with this backup."""
        folder = os.path.join(self.where, "restored")
        os.mkdir(folder, 0o700)
        for name in ("config.bin", "kt-server.yaml", "signing.key", "vrf.key"):
            shutil.copy(os.path.join(self.folder, name), folder)
        shutil.copy(path, os.path.join(folder, "log.db"))
        RunningServer(folder, args=("--listen", "127.0.0.1:0", "--accept-missing-guard")).stop()
        check_fsck(folder)
        shutil.rmtree(folder)
        self.n_checked += 1

    def by_sqlite(self, n):
        path = os.path.join(self.where, "sqlite.db")
        source = sqlite3.connect(f"file:{self.folder}/log.db?mode=ro", uri=True, timeout=30)
        target = sqlite3.connect(path)
        source.backup(target, pages=64, sleep=0.001)
        target.close()
        source.close()
        self.keep(path, n)
        os.unlink(path)

    def by_verb(self, n):
        """Our own, through the running log, which checks what it wrote."""
        path = os.path.join(self.where, "own.backup")
        server_verb("backup", self.folder, path)
        os.unlink(path)


def check_fsck(folder):
    done = subprocess.run([SERVER, "fsck", folder], capture_output=True, text=True, env=environment(0), check=False)
    check_quietly(done.returncode == 0, "fsck finds nothing", done)


class Reader(Person):
    """Somebody who saw the log at every check before, wherever it listens now."""

    def __init__(self, run, url):
        super().__init__(run.path("reader"))
        if not os.path.exists(self.home):
            new = Person(os.path.join(run.place, "reader"))
            new.json("init", url, "--config", run.path("config"))
            os.rename(new.home, self.home)
        self.url = url

    def run(self, *args, **options):
        return super().run(*args, "--url", self.url, **options)


def watch(server, racers, writers, seconds):
    end = time.monotonic() + seconds
    tell = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.05)
        check_quietly(server.process.poll() is None, "the server goes on", "".join(server.said[-5:]))
        check_quietly(all(writer.is_alive() for writer in writers), "every writer goes on")
        for racer in racers.values():
            check_quietly(racer.failure is None, racer.failure)
        if time.monotonic() > tell:
            tell += 60
            print(counts(racers, writers), flush=True)


def counts(racers, writers):
    n = {name: racer.n for name, racer in racers.items()}
    return f"{sum(writer.n_done for writer in writers)} updates, {n}"


def stop(threads):
    for thread in threads:
        thread.is_over = True
    for thread in threads:
        thread.join(timeout=120)


def prepare(run):
    """A log that was not ready is begun again."""
    if os.path.exists(run.path("config")):
        return
    shutil.rmtree(run.path("log"), ignore_errors=True)
    server_verb("init", run.path("log"))
    server_verb("config", run.path("log"), "-o", run.path("config.new"))
    os.rename(run.path("config.new"), run.path("config"))


def check_accounts(run, url, accounts):
    """Of this time and of all times before; what was acknowledged after the last check of a run that was interrupted is not known."""
    reader, before = Reader(run, url), read_whole(run.path("acknowledged.json"), [])
    for label, version, name in before:
        account = Account(label)
        account.version, account.name = version, name
        account.check(reader)
    for account in accounts:
        account.check(reader)
    write_whole(run.path("acknowledged.json"), before + [(account.label, account.version, account.name) for account in accounts])


def race(run, seconds):
    """The log runs, is raced, stopped and checked; what is counted for it."""
    where, folder = run.work(), run.path("log")
    server = RunningServer(folder, SETTINGS)
    # No two times use the same labels, whether they were counted or not.
    names = [f"owner{run['runs']}-{run['checks']}-{i}-" for i in range(WRITERS)]
    writers = [Writer(os.path.join(where, name), name, server.url, run.path("config"), lambda said: False) for name in names]
    backups = Backups(where, folder)
    racers = {"checkpoints": Racer(checkpoint(os.path.join(folder, "log.db"))), "backups": Racer(backups.by_sqlite),
              "own backups": Racer(backups.by_verb)}
    for thread in [*writers, *racers.values()]:
        thread.start()
    watch(server, racers, writers, seconds)
    stop([*writers, *racers.values()])
    check_accounts(run, server.url, [account for writer in writers for account in writer.accounts])
    server.stop()
    check_fsck(folder)
    entries(os.path.join(folder, "log.db"))
    check_quietly(all(racer.n > 0 for racer in racers.values()) and backups.n_checked > 0, "something raced", counts(racers, writers))
    return {"seconds": seconds, "updates": sum(writer.n_done for writer in writers), "backups_checked": backups.n_checked,
            **{name.replace(" ", "_"): racer.n for name, racer in racers.items()}}


def main():
    with LongRun("commit-race", FOLDER) as run:
        prepare(run)
        while run["seconds"] < SECONDS:
            run.add(checks=1, **race(run, max(AT_LEAST_S, min(AT_ONCE_S, SECONDS - run["seconds"]))))
        print(f"{run['seconds']:.0f} s, {run['updates']} updates, {run['checkpoints']} checkpoints, {run['backups']} backups, "
              f"{run['own_backups']} own backups, {run['backups_checked']} of them checked hash by hash, 0 lost, 0 damaged")


main()
