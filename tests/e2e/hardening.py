# SPDX-License-Identifier: Apache-2.0
"""What a running server gave up: core files, new privileges, being read by its own user; and the unit gives up the rest.

Called with the build folder; KT_SERVER names the program."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib_programs import SERVER, check, find_tool, is_sanitized, of_threads, server_verb
from lib_server import RunningServer

BUILD = sys.argv[1]
EXPOSURE_MAX = 1.5


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as file:
        return file.read()


def children(pid):
    return [int(child) for child in proc(pid, f"task/{pid}/children").split()]


def sandboxes(pid):
    """The seccomp mode of every thread: 2 is a filter."""
    return {int(re.search(r"^Seccomp:\s+(\d)$", status, re.MULTILINE)[1]) for status in of_threads(pid, "status")}


def locked_kib(pid):
    return int(re.search(r"^VmLck:\s+(\d+) kB$", proc(pid, "status"), re.MULTILINE)[1])


def check_process(pid, name):
    # Sanitizers make locking memory a no-op: they need too much of it.
    check(is_sanitized() or locked_kib(pid) > 0, f"{name}: its key's memory is locked")
    check(sandboxes(pid) == ({0} if is_sanitized() else {2}), f"{name}: every thread is limited to the calls it needs",
          sandboxes(pid))
    check(re.search(r"^Max core file size\s+0\s+0\s", proc(pid, "limits"), re.MULTILINE), f"{name}: no core file")
    check(re.search(r"^NoNewPrivs:\s+1$", proc(pid, "status"), re.MULTILINE), f"{name}: no new privileges")


def check_without_sandbox(folder):
    server = RunningServer(folder, args=("--listen", "127.0.0.1:0", "--no-sandbox"))
    found = [sandboxes(pid) for pid in (server.process.pid, *children(server.process.pid))]
    check(found == [{0}, {0}], "with --no-sandbox a debugger can be attached, to the signer as well", found)
    server.stop()
    check(any("--no-sandbox" in line for line in server.said), "and that is said")


def check_without_locked_memory(folder):
    """Nor the capability that root has instead."""
    if is_sanitized():
        return
    for limit, is_said in (("0", True), ("8388608", False)):
        args = ["prlimit", f"--memlock={limit}:{limit}", SERVER, "run", folder, "--listen", "127.0.0.1:0"]
        if os.geteuid() == 0:
            args = ["setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock", *args]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            process.terminate()
            said = process.stderr.read()
        check(("not kept from the swap" in said) == is_said,
              f"locked memory of {limit} bytes: {'it is said that keys are not locked' if is_said else 'keys are'}", said)


def check_credentials(where, folder):
    """Keys that the service manager hands over, group-readable as its access lists make them look."""
    given = os.path.join(where, "credentials")
    os.mkdir(given, 0o700)
    for name in ("signing.key", "vrf.key"):
        shutil.move(os.path.join(folder, name), given)
        os.chmod(os.path.join(given, name), 0o440)
    done = subprocess.run([SERVER, "status", folder], capture_output=True, text=True, timeout=30)
    check(done.returncode == 2 and "vrf.key" in done.stderr, "without its keys a log does not open", done)
    server = RunningServer(folder, env={**os.environ, "CREDENTIALS_DIRECTORY": given})
    server.stop()
    check(True, "with keys from the service manager it runs")


def check_unit():
    unit = os.path.join(BUILD, "kt-server.service")
    if not find_tool("systemd-analyze"):
        return
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True,
                          text=True, timeout=60)
    found = re.search(r"exposure level for kt-server.service: ([0-9.]+)", said.stdout)
    check(found and float(found[1]) <= EXPOSURE_MAX, f"the unit's exposure is at most {EXPOSURE_MAX}", said.stdout[-300:],
          said.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="kt-hardening-") as where:
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        server = RunningServer(folder)
        check_process(server.process.pid, "server")
        signers = children(server.process.pid)
        check(len(signers) == 1, "the signer is its child", signers)
        check_process(signers[0], "signer")
        server.stop()
        check_without_sandbox(folder)
        check_without_locked_memory(folder)
        check_credentials(where, folder)
    check_unit()


main()
