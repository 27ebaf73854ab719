# SPDX-License-Identifier: Apache-2.0
"""Counters of a run that takes hours, kept in a folder: the same call after an interruption does what is missing.

    with LongRun("full-disk", folder, seed=seed) as run:
        while run["points"] < 100:
            work(run.work(), run.choices(run["points"]))
            run.add(points=1, refused=3)

Counters are kept as a whole, after the work that they count and before more of it: what was being done when a run ended is
done again, never counted twice. A failure is counted, too, and stays: a run that goes on after one has failed. Without a
folder there is one for the time of the run; it is left where something failed. A folder is taken only when it is new or empty,
or when its file kt-long-run names this run: a run removes and replaces files there."""

import glob
import json
import os
import random
import shutil
import signal
import sys
import tempfile


def write_whole(path, value):
    """JSON in place of what was there: the old or the new, also after a power cut."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def read_whole(path, otherwise):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return otherwise
    except ValueError as error:
        print(f"{path} is damaged ({error}): what was kept is lost; begin in a new folder", file=sys.stderr)
        sys.exit(2)


def take_folder(name, folder):
    """As scripts/long-run.sh does: no folder that has files of anybody else, or of another run."""
    marker = os.path.join(folder, "kt-long-run")
    try:
        os.makedirs(folder, exist_ok=True)
        there = os.listdir(folder)
        # A marker without a name: the machine died while it was written, before anything else was.
        if not there or there == ["kt-long-run"] and os.path.getsize(marker) == 0:
            with open(marker, "w", encoding="utf-8") as file:
                file.write(name + "\n")
        with open(marker, encoding="utf-8") as file:
            owner = file.readline().strip()
    except FileNotFoundError:
        owner = ""
    except OSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
    if owner != name:
        print(f"{name}: {folder} is left alone: it is not empty, and no file kt-long-run in it names {name}{owner and f', but {owner}'}. "
              f"A run removes and replaces files in its folder: give it a new or an empty one, or one that {name} began", file=sys.stderr)
        sys.exit(2)


class LongRun:
    def __init__(self, name, folder=None, seed=None, **settings):
        """settings: what has to be the same in every call with this folder. seed None: the folder's, or a new one."""
        self.name, self.is_kept = name, bool(folder)
        self.folder = os.path.abspath(folder) if folder else tempfile.mkdtemp(prefix=f"kt-{name}-")
        take_folder(name, self.folder)
        kept = read_whole(self.path("counters.json"), {"settings": None, "counters": {}})
        if seed is None:
            seed = (kept["settings"] or {}).get("seed", random.randrange(1 << 32))
        settings = {"seed": int(seed), **settings}
        if kept["settings"] not in (None, settings):
            print(f"{name}: {self.folder} belongs to a run with {kept['settings']}, not {settings}", file=sys.stderr)
            sys.exit(2)
        self.seed, self.settings, self.counters = settings["seed"], settings, kept["counters"]
        self.place = None  # the folder of work()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def work(self):
        """An empty folder for what need not be kept; another one in each run, for a client that outlived a run that was killed."""
        self.remove_work()
        os.mkdir(self.place)
        return self.place

    def remove_work(self):
        for path in glob.glob(os.path.join(glob.escape(self.folder), "work-*")):
            shutil.rmtree(path, ignore_errors=True)

    def choices(self, *where):
        """Random choices that are the same whenever this part of the run is done."""
        return random.Random(f"{self.seed} {where}")

    def __getitem__(self, counter):
        return self.counters.get(counter, 0)

    def add(self, **counters):
        for name, n in counters.items():
            self.counters[name] = self[name] + n
        write_whole(self.path("counters.json"), {"settings": self.settings, "counters": self.counters})

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)  # what stands in `finally` is done
        self.add(runs=1)
        self.place = self.path(f"work-{self['runs']}")
        return self

    def __exit__(self, kind, error, trace):
        is_interrupted = kind is KeyboardInterrupt
        is_failure = kind is not None and not is_interrupted and not (kind is SystemExit and not error.code)
        if is_failure:
            self.add(failures=1)
            print(f"{self.name}: FAILED, look into {self.folder}", file=sys.stderr, flush=True)
            return
        if is_interrupted:
            print(f"{self.name}: interrupted{', call again to go on' if self.is_kept else ''}", file=sys.stderr, flush=True)
            sys.stdout.flush()
            # What threads say now, whose programs are interrupted and files taken away, means nothing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        self.remove_work()
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        if is_interrupted:
            os._exit(130)
        if self["failures"]:
            print(f"{self.name}: FAILED {self['failures']} times in earlier runs in {self.folder}", file=sys.stderr, flush=True)
            sys.exit(1)
