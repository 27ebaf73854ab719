# SPDX-License-Identifier: Apache-2.0
"""Owners who publish without pause while something happens to their log, and what was acknowledged to them."""

import json
import random
import threading
import time

from lib_programs import Person, check

VERSIONS = 150  # of one label


def check_quietly(condition, *details):
    if not condition:
        check(False, *details)


class Account:
    """A label, what was acknowledged for it last, and what may or may not have become its version since."""

    def __init__(self, label):
        self.label = label
        self.version, self.name, self.unknown = -1, None, set()

    def check(self, person):
        """Nothing acknowledged is lost: as somebody else sees it, with proofs."""
        seen = person.json("lookup", self.label)
        name = seen["devices"][0]["name"]
        same = seen["version"] == self.version and name == self.name
        later = seen["version"] > self.version and name in self.unknown
        check_quietly(same or later, "what was acknowledged is there", self.label, self.version, self.name, seen)


class Writer(threading.Thread):
    """An owner who publishes one version after the other. may_refuse(text) is whether the log may say so to an update."""

    def __init__(self, home, name, log_url, config, may_refuse):
        super().__init__(daemon=True)
        self.person, self.name = Person(home), name
        self.may_refuse = may_refuse
        self.accounts = []
        self.n_done = self.n_refused = 0
        self.said = ""
        self.is_over = False
        self.person.json("init", log_url, "--config", config)
        self.publish()

    def account(self):
        """A client wants to monitor a label after some hundred versions: then it is the next label's turn."""
        if not self.accounts or self.accounts[-1].version >= VERSIONS:
            self.accounts.append(Account(f"{self.name}{len(self.accounts)}@example.org"))
            self.person.json("account", "create", self.accounts[-1].label)
        return self.accounts[-1]

    def publish(self):
        account = self.account()
        name = f"phone-{random.randrange(1 << 60):x}"
        result = self.person.run("device", "add", account.label, "--name", name, "--key", "raw:AAAA", "--json")
        check_quietly(result.returncode in (0, 3), "an update is done or undecided", result)
        answer = json.loads(result.stdout)
        if result.returncode == 3:
            said = answer["reason"]["text"]
            check_quietly(self.may_refuse(said), "an update is done, or refused for a good reason", result)
            self.n_refused += 1
            account.unknown.add(name)
            self.said = result.stderr
            return False
        account.version, account.name, account.unknown = answer["version"], name, set()
        self.n_done += 1
        return True

    def run(self):
        while not self.is_over:
            if not self.publish():
                time.sleep(0.05)
