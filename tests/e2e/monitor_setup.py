#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What people copy: the mail and the desktop hook, called by test-alert and by a real alert with stand-ins for sendmail
and notify-send; and the systemd units, as systemd-analyze sees them."""

import email
import email.policy
import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib_people import new_log
from lib_programs import VERIFY, Person, check, find_tool

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.abspath(sys.argv[1])
HOSTILE = 'evil\nBcc: everybody@example.org\n\n<b>"$(touch pwned)"</b> & `x`'
# The analyser takes every unit for a service of the system that runs as root; a user's manager has no capabilities to
# drop, so the directives that it misses most would only keep the unit from starting.
EXPOSURE_MAX = 55


def stand_in(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o700)


class Desk:
    """A person whose PATH has stand-ins only."""

    def __init__(self, work, log, config):
        self.work = work
        self.bin = os.path.join(work, "bin")
        os.mkdir(self.bin)
        for tool in ("cat", "id", "sed", "sh"):
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))
        self.person = Person(os.path.join(work, "alice"))
        self.person.json("init", log.url, "--config", config)
        self.hooks = os.path.join(self.person.home, "hooks")

    def install(self, name):
        """As the hook's own comment says."""
        subprocess.run(["install", "-D", "-m", "0700", os.path.join(SOURCE, "scripts", "hooks", name),
                        os.path.join(self.hooks, name)], check=True)

    def run(self, *args, **env):
        result = self.person.run(*args, "--json", env={"PATH": self.bin, **env})
        return result, json.loads(result.stdout)

    def written(self, name):
        with open(os.path.join(self.work, name), "rb") as file:
            return file.read()


def by_mail(desk, log):
    desk.install("mail")
    result, found = desk.run("monitor", "test-alert")
    check(result.returncode == 2 and found["reason"]["code"] == "hook-failed" and
          "neither sendmail nor mail is installed" in result.stderr, "mail: nothing to send it with is said", result)
    stand_in(desk.bin, "sendmail", f"echo \"$@\" >'{desk.work}/arguments'; exec cat >'{desk.work}/message'\n")
    desk.run("monitor", "test-alert")
    message = email.message_from_bytes(desk.written("message"), policy=email.policy.default)
    check(desk.written("arguments") == b"-i -t\n" and message["To"] == getpass.getuser() and
          message["Subject"] == "kt-verify: test" and "Nothing is wrong" in message.get_content(), "mail: a test arrives",
          message)
    log.insert(HOSTILE, "device")
    desk.person.json("monitor", "add", HOSTILE)
    result, found = desk.run("monitor", "once", KT_MAIL_TO="me@example.org")
    check(result.returncode == 4 and all(entry["ok"] for entry in found["hooks"]), "mail: a real alert", found)
    message = email.message_from_bytes(desk.written("message"), policy=email.policy.default)
    check(message["To"] == "me@example.org" and message["Subject"] == "kt-verify: unsigned-set" and message["Bcc"] is None
          and sorted(message.keys()) == sorted(["To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
                                                "Content-Transfer-Encoding"]), "mail: a label is no header",
          message.items())
    body = message.get_content()
    check("kt-verify alerts list" in body and json.loads(body[body.index("{"):])["label"] == HOSTILE,
          "mail: what happened and what to do is in it", body)
    stand_in(desk.bin, "sendmail", "exit 75\n")
    result, found = desk.run("monitor", "test-alert")
    check(found["hooks"][0]["ok"] is False and "exit status 75" in found["hooks"][0]["error"], "mail: a failure counts")
    os.remove(os.path.join(desk.hooks, "mail"))


def on_the_desktop(desk):
    desk.install("desktop")
    result, _ = desk.run("monitor", "test-alert")
    check(result.returncode == 2, "desktop: without notify-send it fails", result)
    stand_in(desk.bin, "notify-send", f"printf '%s\\0' \"$@\" >'{desk.work}/notification'\n")
    result, found = desk.run("monitor", "test-alert")
    check(result.returncode == 0 and found["hooks"][0]["ok"], "desktop: a test arrives", found)
    check(desk.written("notification").split(b"\0")[:3] == [b"--app-name=kt-verify", b"--urgency=normal", b"--"],
          "desktop: without alarm")
    script = os.path.join(desk.hooks, "desktop")
    subprocess.run([script], check=True, env={"PATH": desk.bin, "KT_EVENT": "unknown-device",
                                              "KT_SUMMARY": "unknown-device <b>x</b> & y: A device", "KT_JSON_FILE": "/"})
    words = desk.written("notification").decode().split("\0")
    check(words[1] == "--urgency=critical" and words[3] == "kt-verify: unknown-device" and
          words[4].startswith("unknown-device &lt;b&gt;x&lt;/b&gt; &amp; y: A device\n"), "desktop: nothing is markup", words)


def units():
    """They are what they should be, and as closed as a user's manager can make them."""
    if not find_tool("systemd-analyze"):
        return
    work = tempfile.mkdtemp(prefix="kt-units-")
    env = dict(os.environ, XDG_RUNTIME_DIR=work, SYSTEMD_PAGER="cat", SYSTEMD_COLORS="0")
    try:
        names = ["kt-verify-monitor.service", "kt-verify-monitor-daemon.service", "kt-verify-monitor.timer"]
        for name in names:
            folder = os.path.join(SOURCE, "scripts", "systemd") if name.endswith(".timer") else BUILD
            with open(os.path.join(folder, name)) as file:
                text = file.read()
            check("@" not in re.sub(r"@[a-z-]+", "", text), f"{name} is filled in")
            with open(os.path.join(work, name), "w") as file:
                file.write(re.sub(r"(?m)^ExecStart=\S+/kt-verify ", f"ExecStart={VERIFY} ", text))
        for name in names:
            result = subprocess.run(["systemd-analyze", "verify", "--user", "--man=no", os.path.join(work, name)],
                                    capture_output=True, text=True, env=env)
            check(result.returncode == 0 and name not in result.stderr, f"{name} verifies", result)
            if name.endswith(".service"):
                result = subprocess.run(["systemd-analyze", "security", "--user", "--offline=true",
                                         f"--threshold={EXPOSURE_MAX}", os.path.join(work, name)],
                                        capture_output=True, text=True, env=env)
                check(result.returncode == 0, f"{name} is closed", result.stdout[-400:], result.stderr)
                for closed in ("NoNewPrivileges=", "ProtectSystem=", "MemoryDenyWriteExecute=", "RestrictSUIDSGID=",
                               "SystemCallArchitectures=", "LockPersonality=", "PrivateUsers=", "UMask=",
                               "RestrictNamespaces=~user", "SystemCallFilter=~@privileged", "KeyringMode="):
                    check(f"✓ {closed}" in result.stdout, f"{name}: {closed}", result.stdout)
    finally:
        shutil.rmtree(work)


def main():
    work = tempfile.mkdtemp(prefix="kt-setup-")
    try:
        log, config = new_log(work)
        desk = Desk(work, log, config)
        by_mail(desk, log)
        on_the_desktop(desk)
        check(not os.path.exists(os.path.join(work, "pwned")) and not os.path.exists("pwned"), "a label is no command")
        log.stop()
        units()
    finally:
        shutil.rmtree(work)


main()
