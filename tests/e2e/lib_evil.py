# SPDX-License-Identifier: Apache-2.0
"""kt-evil-server and its worlds: copies of one honest log, each with an attack of its own."""

import atexit
import os
import shutil
import subprocess
import sys
import urllib.request

from lib_programs import Person, check, environment, random_key

VICTIM = "alice@example.org"
OTHER = "mallory@example.org"


def program(build):
    return os.path.join(build, "tests", "kt-evil-server")


def listed(build):
    """name: what it does"""
    lines = subprocess.run([program(build), "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split("\t") for line in lines)


def post(url, body=b""):
    with urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=30) as answer:
        return answer.read().decode()


class World:
    """One process: honest until it is told to strike."""

    def __init__(self, stage, attack):
        self.url = post(stage.url + "/evil/world", attack.encode())

    def strike(self):
        post(self.url + "/evil/strike")

    def end(self):
        post(self.url + "/evil/end")


class Stage:
    """The honest log with its people, as every attack finds them: alice owns an account with two versions, bob looked her
    up and has to monitor her, an auditor audited, a newcomer pinned the log."""

    def __init__(self, build, work, mode, suite):
        self.work, self.mode = work, mode
        os.mkdir(work)
        process = subprocess.Popen([program(build), "--mode", mode, "--suite", suite], stdout=subprocess.PIPE, text=True,
                                   env=environment(0))
        atexit.register(process.kill)
        self.url = process.stdout.readline().split()[-1]
        config = self.config = os.path.join(work, "config.bin")
        with urllib.request.urlopen(self.url + "/v1/config", timeout=30) as answer, open(config, "wb") as file:
            file.write(answer.read())
        people = {name: self.home(name) for name in ("alice", "bob", "auditor", "newcomer", "mallory")}
        for person in people.values():
            person.json("init", self.url, "--config", config)
        people["alice"].json("account", "create", VICTIM)
        for device in ("phone", "laptop"):
            people["alice"].json("device", "add", VICTIM, "--name", device, "--key", random_key())
        post(self.url + "/evil/strike")
        people["alice"].json("monitor", "once")
        people["bob"].json("lookup", VICTIM)
        people["auditor"].json("audit")
        check(os.listdir(work), f"{mode}, {suite}: the stage is set")

    def home(self, name):
        return Person(os.path.join(self.work, name))

    def copy(self, name, to):
        """The person at the beginning, for one attack. A stranger has not even pinned the log."""
        home = os.path.join(to, name)
        if name != "stranger":
            shutil.copytree(os.path.join(self.work, name), home)
        return Person(home)


def server_is_missing(build):
    if os.path.exists(program(build)):
        return False
    print("kt-evil-server was not built", file=sys.stderr)
    return True
