#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The signing process with the real programs (who holds its key: key_scan.py): a signer that is killed
stops the log with an explanation and nothing is lost; signals for the log leave its signer alone; a signer of its own, in its own
folder, signs for one log, not for an old copy of it and not for a forked one."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from lib_people import new_person
from lib_programs import SERVER, Log, Person, check, environment, server_verb


def children(log):
    with open(f"/proc/{log.process.pid}/task/{log.process.pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def signer_of(log):
    """The one child that is called so."""
    found = [pid for pid in children(log) if b"\0signer\0" in open(f"/proc/{pid}/cmdline", "rb").read()]
    check(len(found) == 1, "the log has one signer", children(log))
    return found[0]


def a_killed_signer(log, person):
    """It can happen between two commits; the log must not go on as if nothing were."""
    os.kill(signer_of(log), signal.SIGKILL)
    answer = person.run("device", "add", person.label, "--name", "tablet", "--key", "raw:AAAA", "--json")
    check(answer.returncode == 3, "an update without a signer is not acknowledged", answer)
    check(log.process.wait(timeout=30) == 3, "the log stops")
    said = open(log.said, encoding="utf-8").read()
    check("the signer does not answer" in said and "stopping, because the log can sign nothing" in said,
          "it says why", said)
    log.start(stderr=open(log.said, "w", encoding="utf-8"))
    person.json("device", "add", person.label, "--name", "watch", "--key", "raw:AAAA")
    names = {device["name"] for device in person.json("lookup", person.label)["devices"]}
    check("watch" in names, "after a restart everything goes on", names)


def signals_for_the_log(log):
    """A terminal or a service manager signals all processes."""
    signer = signer_of(log)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(signer, number)
    time.sleep(0.2)
    log.insert("carol@example.org", "phone")
    check(signer_of(log) == signer, "the signer does not end before its log")
    log.stop()
    check(not os.path.exists(f"/proc/{signer}"), "it ends with its log")


class Service:
    """kt-server signer, as a service in its own folder."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def start(self, *options):
        self.process = subprocess.Popen([SERVER, "signer", self.folder, "--listen", "unix:signer.sock", *options],
                                        stdout=subprocess.PIPE, text=True, env=environment(0))
        check(self.process.stdout.readline().startswith("listening on unix:"), "a signer listens")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def refused(log, words):
    """The log does not start, and says why."""
    result = subprocess.run([SERVER, "run", log.folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                            timeout=60, env=environment(0), check=False)
    check(result.returncode in (1, 2, 3) and words in result.stderr, f"the log does not start: {words}", result)


def a_service_of_its_own(work, log, person):
    vault = Service(os.path.join(work, "vault"))
    os.mkdir(vault.folder, 0o700)
    old = Log(os.path.join(work, "old"))
    shutil.copytree(log.folder, old.folder)
    for name in ("signing.key", "head-guard"):
        shutil.move(os.path.join(log.folder, name), vault.folder)
    shutil.copy(os.path.join(log.folder, "config.bin"), vault.folder)
    set_signer(log, vault)
    set_signer(old, vault)
    server_verb("check-config", log.folder)
    refused(log, "cannot be reached")
    vault.start()
    log.start()
    person.json("device", "add", person.label, "--name", "laptop", "--key", "raw:AAAA")
    log.stop()
    refused(old, "this is an old copy")
    log.start()
    person.json("lookup", person.label)
    log.kill()  # the service goes on
    log.start()
    log.insert("dora@example.org", "phone")
    log.stop()
    forked(work, log, vault)


def forked(work, log, vault):
    """Two copies take a different next entry: the signer signs one of them."""
    copy = Log(os.path.join(work, "copy"))
    shutil.copytree(log.folder, copy.folder)
    log.start()
    log.insert("erin@example.org", "phone")
    log.stop()
    refused(copy, "this is an old copy")
    vault.stop()


def set_signer(log, vault):
    path = os.path.join(log.folder, "kt-server.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("signer: internal", f"signer: unix:{vault.folder}/signer.sock"))


def a_failed_init_leaves_nothing(work):
    """Wherever the disk is full, with the signer running or not yet: the same command has to work on the next attempt."""
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    codes = set()
    for size_kib in range(80, 256, 8):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "none", disk]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            print("no small disk can be mounted here: a full disk at init was not tried")
            return
        try:
            code = subprocess.run([SERVER, "init", disk + "/log"], capture_output=True, env=environment(0),
                                  check=False).returncode
            codes.add(code)
            check_nothing_left(code, size_kib, os.listdir(disk))
        finally:
            subprocess.run(["umount", disk], check=True)
    check(codes == {0, 3}, "an init on a full disk leaves nothing, and one with room succeeds", codes)


def check_nothing_left(code, size_kib, left):
    if code != 0 and left:
        check(False, "an init that failed leaves nothing", size_kib, left)


def main():
    work = tempfile.mkdtemp(prefix="kt-signer-")
    try:
        a_failed_init_leaves_nothing(work)
        folder = os.path.join(work, "log")
        server_verb("init", folder)
        config = os.path.join(work, "config.bin")
        server_verb("config", folder, "-o", config)
        log = Log(folder)
        log.said = os.path.join(work, "said")
        log.start(stderr=open(log.said, "w", encoding="utf-8"))
        alice = new_person(work, "alice", log, config)
        a_killed_signer(log, alice)
        signals_for_the_log(log)
        a_service_of_its_own(work, log, alice)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
