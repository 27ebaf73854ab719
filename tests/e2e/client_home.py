# SPDX-License-Identifier: Apache-2.0
"""What kt-verify says when its home cannot be written: which file, why, that nothing is lost, and what helps; and everything goes
on afterwards.

KT_SERVER and KT_VERIFY name the programs."""

import errno
import os
import shutil
import subprocess
import tempfile

from lib_programs import VERIFY, Log, Person, check, environment, server_verb

NOBODY = 65534


def refused(home, *args, program=VERIFY, **how):
    done = subprocess.run([program, *args, "--home", home], capture_output=True, text=True, timeout=60, check=False,
                          **({"env": environment(0)} | how))
    check(done.returncode == 2, "a home that cannot be written is exit code 2", done)
    return done.stderr


def told(text, home, *parts):
    check(all(part in text for part in (f"{home}/state.db", "Nothing that was kept before is lost", *parts)),
          "which file, why, what is left and what helps", text)


def fill(path):
    with open(path, "wb", buffering=0) as out:
        try:
            while out.write(bytes(4096)) > 0:
                pass
        except OSError as error:
            check(error.errno == errno.ENOSPC, "the disk is full", error)


def without_room(work, log):
    """On a disk of its own, which only root can mount."""
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False).returncode != 0:
        print("no disk can be mounted here: a full one is not tried")
        return
    try:
        carl = Person(os.path.join(disk, "carl"))
        carl.json("init", log.url, "--first-use")
        fill(os.path.join(disk, "filler"))
        told(refused(carl.home, "monitor", "add", "alice"), carl.home, "no room is left on its filesystem", "Make room")
        os.remove(os.path.join(disk, "filler"))
        carl.json("monitor", "add", "alice")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def read_only(work, bob):
    how = {}
    if os.geteuid() == 0:
        # A copy, for the program may have been built in a folder that only root enters.
        program = shutil.copy(VERIFY, os.path.join(work, "kt-verify"))
        how = {"program": program, "user": NOBODY, "group": NOBODY, "extra_groups": []}
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
        without_room(work, log)
        read_only(work, bob)
        bob.json("monitor", "add", "alice")
        log.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
