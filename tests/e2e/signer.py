#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The signing process with the real programs: no process but the signer ever holds the signing key; a signer that is killed
stops the log with an explanation and nothing is lost; signals for the log leave its signer alone; a signer of its own, in its own
folder, signs for one log, not for an old copy of it and not for a forked one."""

import hashlib
import os
import re
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


def memory(pid):
    """Everything readable in the process's memory."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if rights[0] != "r" or "[v" in line:
                continue
            try:
                mem.seek(int(start, 16))
                parts.append(mem.read(min(int(end, 16) - int(start, 16), 1 << 30)))
            except (OSError, OverflowError, ValueError):
                continue
    return parts


def forms_of(key_path):
    """The secret seed as bytes and as hex, as in the file, and what is made of it (RFC 8032, 5.1.5): scalar and prefix."""
    with open(key_path, encoding="ascii") as file:
        text = file.read().split()[2]
    scalar, prefix = hashlib.sha512(bytes.fromhex(text)).digest()[:32], hashlib.sha512(bytes.fromhex(text)).digest()[32:]
    clamped = bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])
    return bytes.fromhex(text), text.encode(), scalar, clamped, prefix


def holds(parts, forms):
    return any(form in part for part in parts for form in forms)


def nobody_else_holds_the_key(log, work, person):
    signing = forms_of(os.path.join(log.folder, "signing.key"))
    vrf = forms_of(os.path.join(log.folder, "vrf.key"))
    person.json("lookup", person.label)
    network = memory(log.process.pid)
    check(sum(map(len, network)) > 1 << 20 and holds(network, vrf),
          "the network process's memory is read: the VRF key is found in it")
    check(not holds(network, signing), "the signing key is not in the network process's memory")
    for folder, _, names in os.walk(work):
        for name in names:
            path = os.path.join(folder, name)
            if name != "signing.key" and os.path.isfile(path):
                with open(path, "rb") as file:
                    check_file(file.read(), signing, path)
    print("ok: the signing key is in no other file")


def check_file(data, forms, path):
    if any(form in data for form in forms):
        check(False, "the signing key is in no other file", path)


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
        nobody_else_holds_the_key(log, work, alice)
        a_killed_signer(log, alice)
        signals_for_the_log(log)
        a_service_of_its_own(work, log, alice)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
