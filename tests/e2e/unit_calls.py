# SPDX-License-Identifier: Apache-2.0
"""The unit's SystemCallFilter lets through what the server needs: all that the program's own filter allows, and every call that
it makes from its start to its end, under strace. Where one is missing, systemctl start would kill the log, or cripple it.

Called with the build folder; KT_SERVER names the program."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from lib_programs import check, find_tool, is_sanitized, server_verb
from lib_server import RunningServer, search_body

BUILD = sys.argv[1]
SANDBOX = os.path.join(os.path.dirname(__file__), "..", "..", "kt-server", "sandbox.c")
# SQLite gives files away when it is root, which nobody is under the unit.
AS_ROOT = {"fchown"}


def call_sets():
    """systemd's groups of calls, by name."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, timeout=60)
    check(said.returncode == 0, "systemd-analyze knows groups of calls", said.stderr)
    sets, name = {}, None
    for line in said.stdout.splitlines():
        if line.startswith("@"):
            name = line
            sets[name] = set()
        elif name and re.fullmatch(r"\s+[@\w-]+", line):
            sets[name].add(line.strip())
    return sets


def expand(names, sets):
    calls = set()
    for name in names:
        calls |= expand(sets[name], sets) if name.startswith("@") else {name}
    return calls


def allowed_by_unit(sets):
    """systemd.exec(5): the first line makes it a list of what is allowed; those with ~ take away, the others add."""
    with open(os.path.join(BUILD, "kt-server.service"), encoding="ascii") as file:
        lines = re.findall(r"^SystemCallFilter=(~?)(.*)$", file.read(), re.MULTILINE)
    check(lines and lines[0][0] == "", "the unit allows calls by name", lines)
    allowed = expand(["@default"], sets)
    for minus, names in lines:
        calls = expand(names.split(), sets)
        allowed = allowed - calls if minus else allowed | calls
    return allowed


def check_refusals():
    """A call that nobody foresaw is refused; systemd's own choice is to kill."""
    for name in ("kt-server.service", "kt-verify-monitor.service", "kt-verify-monitor-daemon.service"):
        with open(os.path.join(BUILD, name), encoding="ascii") as file:
            check("\nSystemCallErrorNumber=EPERM\n" in file.read(), f"{name}: a call that is not allowed is refused")


def allowed_by_sandbox():
    with open(SANDBOX, encoding="utf-8") as file:
        lists = re.findall(r"^static const int (\w+)\[\] = \{(.*?)^\};", file.read(), re.MULTILINE | re.DOTALL)
    calls = {name: set(re.findall(r"CALL\((\w+)\)", text)) for name, text in lists}
    check(len(calls["basic"]) > 50 and len(calls["serving"]) > 40, "the program's own lists were read", calls.keys())
    return calls["basic"] | calls["serving"] | calls["connecting"]


class TracedServer(RunningServer):
    def __init__(self, folder, counts):
        self.counts = counts
        # Forked processes too. What strace does itself with signals is not to be in the way.
        super().__init__(folder, under=("strace", "-f", "-qq", "-c", "-o", counts))
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            self.server_pid = int(file.read().split()[0])

    def stop(self):
        os.kill(self.server_pid, signal.SIGTERM)
        check(self.process.wait(timeout=60) == 0, "kt-server stops", "".join(self.said[-5:]))
        with open(self.counts, encoding="ascii") as file:
            return {line.split()[-1] for line in file if re.match(r"\s*\d+\.\d+\s.*\s[a-z]\w+$", line)} - {"total"}


def calls_made(where):
    """A log's day: it starts with its warm-up, serves, is changed, copied and asked, and ends."""
    folder, one = os.path.join(where, "log"), os.path.join(where, "one.json")
    server_verb("init", folder)
    with open(one, "w", encoding="utf-8") as file:
        json.dump({"devices": [{"name": "phone", "keys": [{"alg": "raw", "key": "QUJD"}]}]}, file)
    server_verb("update-label", folder, "alice@example.org", one)
    server = TracedServer(folder, os.path.join(where, "counts"))
    server_verb("update-label", folder, "alice@example.org", one)
    for path, body in (("/v1/search", search_body(b"alice@example.org")), ("/v1/nothing", b"")):
        subprocess.run(["curl", "-s", "-o", os.devnull, "--data-binary", "@-", "-H", "Content-Type: application/octet-stream",
                        server.url + path], input=body, timeout=60, check=True)
    for address in (f"http://127.0.0.1:{server.health}/metrics", f"http://127.0.0.1:{server.health}/readyz",
                    server.url + "/v1/audit?start=0&limit=10"):
        subprocess.run(["curl", "-s", "-f", "-o", os.devnull, address], timeout=60, check=True)
    server_verb("backup", folder, os.path.join(where, "copy"))
    server_verb("erase", folder, "alice@example.org")
    server_verb("token", folder)
    os.kill(server.server_pid, signal.SIGHUP)
    server_verb("status", folder)
    return server.stop()


def main():
    check_refusals()
    if not find_tool("systemd-analyze"):
        return
    allowed = allowed_by_unit(call_sets()) | AS_ROOT
    missing = allowed_by_sandbox() - allowed
    check(not missing, "the unit allows what the program allows itself", sorted(missing))
    if not find_tool("strace"):
        return
    if is_sanitized():
        print("a build with sanitizers, which call more: what the server calls was not looked at")
        return
    with tempfile.TemporaryDirectory(prefix="kt-unit-calls-") as where:
        made = calls_made(where)
    check(len(made) > 40 and "setpriority" in made, "what the server called was counted", sorted(made))
    check(made <= allowed, "the unit allows every call that the server makes", sorted(made - allowed))


main()
