# SPDX-License-Identifier: Apache-2.0
"""After all that a log does, its private signing key is in one file and one process: not in the database, its write-ahead log,
backups, messages, core files, or the memory of the process that talks to the network. In both suites.

Called with the build folder; KT_SERVER and KT_VERIFY name the programs. Reading memory needs root: without it the files are
scanned."""

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from lib_people import new_person
from lib_programs import SERVER, Log, check, environment, server_verb
from lib_server import change_settings
from lib_secrets import files_with, forms_of, holds, memory

SIGNAL_THAT_DUMPS = signal.SIGSEGV


def signer_of(log):
    with open(f"/proc/{log.process.pid}/task/{log.process.pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()][0]


def core_files(where):
    return [name for name in os.listdir(where) if name.startswith("core")]


def dumps_work(where):
    """Whether a program that does nothing about it leaves a core file here: otherwise its absence says nothing."""
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        if file.read(1) in ("|", "/"):
            return False
    victim = subprocess.Popen(["sleep", "60"], cwd=where)
    time.sleep(0.1)
    victim.send_signal(SIGNAL_THAT_DUMPS)
    victim.wait()
    found = core_files(where)
    for name in found:
        os.unlink(os.path.join(where, name))
    return bool(found)


def import_some(work, log):
    path = os.path.join(work, "import.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for i in range(300):
            device = {"name": "phone", "keys": [{"alg": "raw", "key": "QUJD"}]}
            file.write(json.dumps({"label": f"import{i}@example.org", "devices": [device]}) + "\n")
    server_verb("import", log.folder, path)


def back_up(work, log):
    """As SQLite does it, by copying the files, and with the program's own verb."""
    source = sqlite3.connect(f"file:{log.folder}/log.db?mode=ro", uri=True)
    target = sqlite3.connect(os.path.join(work, "backup.db"))
    source.backup(target)
    source.close()
    target.close()
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        shutil.copy(os.path.join(log.folder, name), os.path.join(work, "copied-" + name))
    server_verb("backup", log.folder, os.path.join(work, "own-backup"))


def live(work, log, config):
    """Everything that could leave a trace of a key."""
    people = [new_person(work, name, log, config) for name in ("alice", "bob")]
    people[0].json("lookup", people[1].label, expect=0)
    people[0].run("monitor", "once")
    import_some(work, log)
    log.insert("carol@example.org", "phone")
    for verb in ("token", "status", "trail", "check-config"):
        server_verb(verb, log.folder)
    log.process.send_signal(signal.SIGHUP)
    people[1].json("lookup", "carol@example.org", expect=4)


def scan_memory(log, signing, vrf):
    if os.geteuid() != 0:
        print("not root: memory was not read")
        return
    check(holds(memory(signer_of(log)), signing), "the scan finds the signing key where it is: in the signer")
    check(holds(memory(log.process.pid), vrf), "and the VRF key in the process that talks to the network")
    n = 0
    for part in memory(log.process.pid):
        n += len(part)
        if holds([part], signing):
            check(False, "the signing key is not in the network process's memory")
    check(n > 1 << 20, f"the signing key is nowhere in the network process's {n >> 20} MiB of memory")
    for name in ("environ", "cmdline"):
        with open(f"/proc/{log.process.pid}/{name}", "rb") as file:
            check(not holds([file.read()], signing), f"nor in its {name}")


def die(log, where):
    """Both processes, by a signal that leaves a core file of others."""
    would_dump = dumps_work(where)
    os.kill(signer_of(log), SIGNAL_THAT_DUMPS)
    log.process.send_signal(SIGNAL_THAT_DUMPS)
    code = log.process.wait(timeout=30)
    check(code in (-SIGNAL_THAT_DUMPS, 3, 1), "they die", code)
    if would_dump:
        check(not core_files(where), "and leave no core file, where another program leaves one", core_files(where))
    else:
        print("core files do not go into the working folder here: their absence says nothing")


def run_suite(suite):
    work = tempfile.mkdtemp(prefix="kt-key-scan-")
    os.chdir(work)
    try:
        folder = os.path.join(work, "log")
        server_verb("init", folder, "--suite", suite)
        config = os.path.join(work, "config.bin")
        server_verb("config", folder, "-o", config)
        signing = forms_of(os.path.join(folder, "signing.key"), suite)
        vrf = forms_of(os.path.join(folder, "vrf.key"), suite)
        change_settings(folder, "cache: 8MiB\ncadence: 0ms\n")  # less to read, less to wait for
        log = Log(folder)
        with open(os.path.join(work, "messages"), "w", encoding="utf-8") as messages:
            log.start(stderr=messages)
        live(work, log, config)
        back_up(work, log)
        scan_memory(log, signing, vrf)
        die(log, work)
        fsck = subprocess.run([SERVER, "fsck", folder], capture_output=True, text=True, env=environment(0), check=False)
        check(fsck.returncode == 0, "nothing is damaged", fsck)
        found, n = files_with(work, signing, but=("signing.key",))
        check(not found, f"{suite}: the signing key is in no other of {n >> 10} KiB of files", found)
        found, _ = files_with(folder, signing)
        check(found == [os.path.join(folder, "signing.key")], "and the scan finds it in its own file", found)
        return n
    finally:
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)


def main():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    n = sum(run_suite(suite) for suite in ("ed25519", "p256"))
    print(f"2 suites, {n >> 10} KiB of files and 2 processes scanned, 0 keys found where none must be")


main()
