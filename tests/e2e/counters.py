# SPDX-License-Identifier: Apache-2.0
"""Long runs that are interrupted: what was counted is counted once, whatever ended the run, and a failure stays one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

PROGRAM = """
import os, signal, sys
from lib_counters import LongRun
folder, seed, n, end_at, how = sys.argv[1], sys.argv[2] or None, *map(int, sys.argv[3:6])
with LongRun("toy", folder, seed=seed, stride=3) as run:
    while run["points"] < n:
        place = run["points"]
        open(os.path.join(run.work(), "file"), "x").close()
        drawn = run.choices(place).randrange(1000)
        if place == end_at:
            assert how != 0, "a failure"
            os.kill(os.getpid(), how)
        run.add(points=1, drawn=drawn)
    print(run["points"], run["drawn"], run.seed)
"""


def check(condition, text, *details):
    if not condition:
        print("not ok:", text, *details, file=sys.stderr)
        sys.exit(1)
    print("ok:", text)


def play(folder, n, end_at=-1, how=0, seed=""):
    here = os.path.dirname(os.path.abspath(__file__))
    return subprocess.run([sys.executable, "-B", "-c", PROGRAM, folder, seed, str(n), str(end_at), str(int(how))],
                          capture_output=True, text=True, env=os.environ | {"PYTHONPATH": here, "TMPDIR": TEMPORARY}, check=False)


def counters(folder):
    with open(os.path.join(folder, "counters.json"), encoding="utf-8") as file:
        return json.load(file)["counters"]


def check_interruptions(whole, folder):
    """whole: what one run says that nobody interrupts."""
    seed = whole.stdout.split()[2]
    ends = ((2, signal.SIGKILL, -signal.SIGKILL), (3, signal.SIGTERM, 130), (5, signal.SIGINT, 130))
    for place, how, code in ends:
        ended = play(folder, 8, place, how, seed if place == 2 else "")
        check(ended.returncode == code and counters(folder)["points"] == place, f"ended by {how.name} at {place}", ended)
    again = play(folder, 8)
    check(again.returncode == 0 and again.stdout == whole.stdout, "the same as without interruptions", again, whole)
    check(counters(folder)["runs"] == 4, "in four runs", counters(folder))
    more = play(folder, 10)
    check(more.returncode == 0 and more.stdout.split()[0] == "10", "and more of the same", more)
    check(sorted(os.listdir(folder)) == ["counters.json", "kt-long-run"], "nothing else is left", os.listdir(folder))


def check_failures(folder):
    failed = play(folder, 4, 1)
    check(failed.returncode == 1 and "FAILED" in failed.stderr, "a failure is said", failed)
    after = play(folder, 4)
    check(after.returncode == 1 and "1 times in earlier runs" in after.stderr, "and stays one", after)
    check(counters(folder)["points"] == 4, "though the rest is done", counters(folder))
    other = play(folder, 4, seed="12")
    check(other.returncode == 2 and "belongs to a run with" in other.stderr, "another seed is another run", other)


def check_owner(folder):
    """A run takes no folder that is not its own, and leaves what is there."""
    for marker, owner in ((None, ""), ("", ""), ("soak\n", ", but soak")):
        os.makedirs(os.path.join(folder, "work-1"))
        if marker is not None:
            with open(os.path.join(folder, "kt-long-run"), "x", encoding="utf-8") as file:
                file.write(marker)
        before = sorted(os.listdir(folder))
        refused = play(folder, 1)
        check(refused.returncode == 2 and f"names toy{owner}." in refused.stderr, f"a folder with the marker {marker!r} is refused", refused)
        check(sorted(os.listdir(folder)) == before, "and left as it was", os.listdir(folder))
        shutil.rmtree(folder)
    os.mkdir(folder)
    with open(os.path.join(folder, "kt-long-run"), "x", encoding="utf-8"):
        pass
    check(play(folder, 1).returncode == 0, "a marker that was never written is no obstacle")
    with open(os.path.join(folder, "counters.json"), "w", encoding="utf-8"):
        pass
    emptied = play(folder, 1)
    check(emptied.returncode == 2 and "counters.json is damaged" in emptied.stderr, "empty counters are no beginning", emptied)
    check(play(os.path.join(folder, "counters.json"), 1).returncode == 2, "a file is no folder")


with tempfile.TemporaryDirectory() as TEMPORARY:
    check_interruptions(play(os.path.join(TEMPORARY, "whole"), 8), os.path.join(TEMPORARY, "ended"))
    check_failures(os.path.join(TEMPORARY, "failed"))
    check_owner(os.path.join(TEMPORARY, "of another"))
    for how, code, left in ((0, 1, 1), (signal.SIGINT, 130, 1)):
        done = play("", 3, 1, how)
        left_now = [name for name in os.listdir(TEMPORARY) if name.startswith("kt-toy-")]
        check(done.returncode == code and len(left_now) == left, "without a folder only a failure leaves one", done, left_now)
