# SPDX-License-Identifier: Apache-2.0
"""The scripts that run for hours (scripts/long-run.sh): a folder that is not theirs is left as it is, and a size that is none is refused
before anything is done."""

import os
import subprocess
import sys
import tempfile

from lib_programs import check

BUILD = sys.argv[1]
SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")
WITH_FOLDER = ("allocation-failures", "commit-race", "crash-images", "crash-test", "failing-calls", "flips", "full-disk",
               "mutate-responses", "old-backups", "soak", "tsan")


def script(name, *args):
    return subprocess.run([os.path.join(SCRIPTS, name), *args, "--build", BUILD], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"TMPDIR": TEMPORARY}, check=False)


def contents(folder):
    """Every path below it, with what a file says."""
    found = {}
    for where, folders, files in os.walk(folder):
        found.update(dict.fromkeys(os.path.join(where, name) for name in folders))
        for name in files:
            with open(os.path.join(where, name), encoding="utf-8") as file:
                found[os.path.join(where, name)] = file.read()
    return found


def fill(folder, marker):
    """What some script or other removes or replaces in its own folder."""
    for name in ("log", "work-1"):
        os.makedirs(os.path.join(folder, name))
    texts = {"lock": "mine", "log/letter": "mine", "work-1/letter": "mine", "letter": "mine", **({"kt-long-run": marker} if marker else {})}
    for name, text in texts.items():
        with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
            file.write(text)


def check_owner(name, folder, owner):
    before = contents(folder)
    refused = script(name, "--folder", folder)
    check(refused.returncode == 2 and f"names {name}{owner}." in refused.stderr, f"{name} refuses {os.path.basename(folder)}", refused)
    check(contents(folder) == before, "and leaves it as it was", contents(folder))


def check_sizes(name):
    for sizes in (("0",), ("00",), ("3", "4"), ("-1",), ("1x",), ("9" * 19,), ("",)):
        refused = script(name, *sizes)
        check(refused.returncode == 2 and f"usage: {name}" in refused.stderr, f"{name} refuses the size {sizes}", refused)


with tempfile.TemporaryDirectory() as TEMPORARY:
    FOREIGN, OF_ANOTHER = os.path.join(TEMPORARY, "foreign[1]"), os.path.join(TEMPORARY, "of-another")
    fill(FOREIGN, None)
    fill(OF_ANOTHER, "key-scan\n")
    for long_run in WITH_FOLDER:
        check_owner(long_run, FOREIGN, "")
        check_owner(long_run, OF_ANOTHER, ", but key-scan")
    for long_run in ("allocation-failures", "crash-test", "flips", "old-backups"):
        check_sizes(long_run)
    decimal = script("flips", "08")
    check(decimal.returncode == 0 and "flips: 8," in decimal.stdout, "08 is eight", decimal)
    spaces = script("tsan", "--folder", os.path.join(TEMPORARY, "two words"))
    check(spaces.returncode == 2 and "without spaces" in spaces.stderr, "reports need a path without spaces", spaces)
    check(not os.path.exists(os.path.join(TEMPORARY, "two words")), "which is not made")
