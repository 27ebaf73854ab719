# SPDX-License-Identifier: Apache-2.0
"""What a running server gave up: core files, new privileges, being read by its own user; and the unit gives up the rest.

Called with the build folder; KT_SERVER names the program."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib_programs import SERVER, check, server_verb
from lib_server import RunningServer

BUILD = sys.argv[1]
EXPOSURE_MAX = 1.5


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as file:
        return file.read()


def children(pid):
    return [int(child) for child in proc(pid, f"task/{pid}/children").split()]


def check_process(pid, name):
    check(re.search(r"^Max core file size\s+0\s+0\s", proc(pid, "limits"), re.MULTILINE), f"{name}: no core file")
    check(re.search(r"^NoNewPrivs:\s+1$", proc(pid, "status"), re.MULTILINE), f"{name}: no new privileges")


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
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not installed: the unit was not judged")
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
        check_credentials(where, folder)
    check_unit()


main()
