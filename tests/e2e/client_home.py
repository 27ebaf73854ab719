# SPDX-License-Identifier: Apache-2.0
"""What kt-verify says when its home cannot be written: which file, why, that nothing is lost, and what helps; and everything goes
on afterwards.

Called with the build folder, whose kt-failing-calls.so leaves no room; KT_SERVER and KT_VERIFY name the programs."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile

from lib_programs import VERIFY, Log, Person, check, environment, server_verb

SHIM = os.path.join(sys.argv[1], "tests", "kt-failing-calls.so")
NOBODY = 65534


def refused(home, *args, **how):
    done = subprocess.run([VERIFY, *args, "--home", home], capture_output=True, text=True, timeout=60, check=False,
                          **({"env": environment(0)} | how))
    check(done.returncode == 2, "a home that cannot be written is exit code 2", done)
    return done.stderr


def told(text, home, *parts):
    check(all(part in text for part in (f"{home}/state.db", "Nothing that was kept before is lost", *parts)),
          "which file, why, what is left and what helps", text)


def without_room(bob):
    for call in ("pwrite", "write"):
        full = environment(0) | {"LD_PRELOAD": SHIM, "KT_FAIL_VERB": "monitor", "KT_FAIL_CALL": call, "KT_FAIL_NTH": "1",
                                 "KT_FAIL_ERRNO": str(errno.ENOSPC), "KT_FAIL_ON": "1"}
        tried = subprocess.run([VERIFY, "monitor", "add", "alice", "--home", bob.home], capture_output=True, text=True, timeout=60,
                               check=False, env=full)
        if tried.returncode != 0:
            break
    check(tried.returncode == 2, "no room is exit code 2", tried)
    told(tried.stderr, bob.home, "no room is left on its filesystem", "Make room")


def read_only(bob):
    how = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if how:
        for path in (bob.home, *(os.path.join(bob.home, name) for name in os.listdir(bob.home))):
            os.chown(path, NOBODY, NOBODY)
    os.chmod(os.path.join(bob.home, "state.db"), 0o400)
    os.chmod(bob.home, 0o500)
    told(refused(bob.home, "monitor", "add", "alice", **how), bob.home, "cannot be written", "Make both writable")
    os.chmod(os.path.join(bob.home, "state.db"), 0o600)
    told(refused(bob.home, "monitor", "add", "alice", **how), bob.home, "cannot be written", "Make both writable")
    os.chmod(bob.home, 0o700)


def main():
    work = tempfile.mkdtemp(prefix="kt-client-home-")
    try:
        folder = os.path.join(work, "log")
        server_verb("init", folder)
        log = Log(folder).start()
        log.insert("alice", "phone")
        os.chmod(work, 0o711)
        bob = Person(os.path.join(work, "bob"))
        bob.json("init", log.url, "--first-use")
        without_room(bob)
        read_only(bob)
        bob.json("monitor", "add", "alice")
        log.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
