# SPDX-License-Identifier: Apache-2.0
"""A log that root starts and another user serves: what it keeps of root (nothing), who may own its folder, keys that belong to
somebody else. Needs root; says so and stops where there is none."""

import os
import pwd
import re
import subprocess
import sys
import tempfile
import urllib.request

from lib_programs import SERVER, check, environment, free_port, server_verb
from lib_server import RunningServer, change_settings

USER = "nobody"


def identities(pid):
    """The four user ids, group ids, the groups, the capabilities."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        status = file.read()
    fields = dict(re.findall(r"^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb):\s*(.*)$", status, re.MULTILINE))
    return {name: set(value.split()) for name, value in fields.items()}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def give(folder, uid, gid):
    for where, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.lchown(os.path.join(where, name), uid, gid)


def check_identity(pid, user, name):
    found = identities(pid)
    groups = {str(gid) for gid in os.getgrouplist(user.pw_name, user.pw_gid)}
    check(found["Uid"] == {str(user.pw_uid)} and found["Gid"] == {str(user.pw_gid)} and found["Groups"] <= groups,
          f"{name}: real, effective and saved user and groups are {user.pw_name}'s", found)
    check(all(int(word, 16) == 0 for cap in ("CapPrm", "CapEff", "CapAmb") for word in found[cap]),
          f"{name}: no capability is left", found)


def serve_as(folder, user, *args):
    port = free_port(600, 1024)  # only root may open one of these, where the machine keeps to that
    server = RunningServer(folder, args=("--listen", f"127.0.0.1:{port}", *args))
    check(server.port == port, "a port of root's is open")
    signers = children(server.process.pid)
    check(len(signers) == 1, "the signer is its child", signers)
    check_identity(server.process.pid, user, "server")
    check_identity(signers[0], user, "signer")
    with urllib.request.urlopen(f"http://127.0.0.1:{server.health}/readyz", timeout=10) as answer:
        check(answer.status == 200, "it is ready")
    server_verb("token", folder)
    server.stop()
    check(not any("served by root" in line for line in server.said), "nothing is said about root")
    owners = {os.lstat(os.path.join(folder, name)).st_uid for name in os.listdir(folder)}
    check(owners == {user.pw_uid}, "no file of root's is left behind", owners)


def refused(folder, words, code, *args, prefix=()):
    done = subprocess.run([*prefix, SERVER, "run", folder, "--listen", "127.0.0.1:0", *args], capture_output=True,
                          text=True, timeout=30, env=environment(0), check=False)
    check(done.returncode == code and words in done.stderr, f"refused: {words}", done)


def served_through_a_socket(folder, user):
    server = RunningServer(folder, args=("--listen", "unix:http.sock", "--user", USER))
    check(os.lstat(os.path.join(folder, "http.sock")).st_uid == user.pw_uid, "the socket file is the user's")
    server.stop()
    check(not os.path.exists(os.path.join(folder, "http.sock")), "who can remove it")


def keys_of_others(folder, user):
    """A secret that somebody else may replace is none: even when everything else is in order."""
    as_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    refused(folder, "only a process that root started", 2, "--user", "daemon", prefix=as_user)
    os.lchown(os.path.join(folder, "vrf.key"), 1, 1)
    refused(folder, "who may replace it", 2, prefix=as_user)
    os.lchown(os.path.join(folder, "vrf.key"), user.pw_uid, user.pw_gid)
    os.lchown(os.path.join(folder, "signing.key"), 1, 1)
    refused(folder, "who may replace it", 2, prefix=as_user)
    os.lchown(os.path.join(folder, "signing.key"), user.pw_uid, user.pw_gid)
    for name in ("signing.key", "vrf.key"):
        path = os.path.join(folder, name)
        os.chmod(path, 0o640)
        refused(folder, "it must be a file of mode 0600", 2, prefix=as_user)
        os.chmod(path, 0o600)


def main():
    if os.geteuid() != 0:
        print("not root: giving up root's rights was not tried")
        sys.exit(0)
    user = pwd.getpwnam(USER)
    with tempfile.TemporaryDirectory(prefix="kt-privileges-") as where:
        os.chmod(where, 0o755)
        folder = os.path.join(where, "log")
        server_verb("init", folder)
        refused(folder, "cannot keep a log there", 2, "--user", USER)
        give(folder, user.pw_uid, user.pw_gid)
        refused(folder, "that is root", 2, "--user", "root")
        refused(folder, "no such user", 2, "--user", "kt-no-such-user")
        serve_as(folder, user, "--user", USER)
        served_through_a_socket(folder, user)
        change_settings(folder, f"user: {USER}\n")
        serve_as(folder, user)
        keys_of_others(folder, user)


main()
