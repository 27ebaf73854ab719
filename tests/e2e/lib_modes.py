# SPDX-License-Identifier: Apache-2.0
"""A log in each of the three modes, seen alike: all its processes start, stop and die together, its operator inserts, and
a stopped one can be copied. `url` and `config` are what people get."""

import os
import shutil

from lib_audited import Auditor, auditor_size, eventually, log_size
from lib_managed import ManagedLog
from lib_programs import Log, Person, server_verb

SUITES = ("ed25519", "p256")


class ContactMonitoring:
    """One process."""

    mode = "contact-monitoring"

    def __init__(self, work, suite):
        self.work = work
        self.suite = suite
        os.makedirs(work, exist_ok=True)
        self.log = self.make()
        self.config = os.path.join(work, "config.bin")
        server_verb("config", self.log.folder, "-o", self.config)

    def make(self):
        folder = os.path.join(self.work, "log")
        if not os.path.exists(folder):  # otherwise copied from elsewhere
            server_verb("init", folder, "--mode", self.mode, "--suite", self.suite)
        return Log(folder)

    @property
    def url(self):
        return self.log.url

    def start(self, ahead_h=0):
        self.log.start(ahead_h)
        return self

    def stop(self):
        self.log.stop()

    def kill(self):
        self.log.kill()

    def settled(self):
        """Until everything in the log is as sure as it becomes in this mode."""

    def copied(self, name):
        """All folders of a log that is stopped, another address: the same keys, from here on another history."""
        work = os.path.join(os.path.dirname(self.work), name)
        shutil.copytree(self.work, work)
        return type(self)(work, self.suite)


class Management(ContactMonitoring):
    """The Manager's process and the Service Operator's; people see only the latter."""

    mode = "third-party-management"

    def make(self):
        return ManagedLog(self.work, self.suite)

    def start(self, ahead_h=0):
        self.log.manager.start(ahead_h)
        return super().start(ahead_h)

    def stop(self):
        super().stop()
        self.log.manager.stop()

    def kill(self):
        super().kill()
        self.log.manager.kill()


class Auditing(ContactMonitoring):
    """The log's process and the auditor's."""

    mode = "third-party-auditing"
    auditor_works = True

    def make(self):
        folder = os.path.join(self.work, "log")
        self.home = Person(os.path.join(self.work, "auditor"))
        self.key = os.path.join(self.work, "auditor.key")
        if not os.path.exists(self.key):
            self.home.json("auditor", "keygen", self.key, "--suite", self.suite)
            server_verb("init", folder, "--mode", self.mode, "--suite", self.suite, "--auditor-key", self.key + ".pub")
        return Log(folder)

    def start(self, ahead_h=0):
        super().start(ahead_h)
        if not os.path.exists(self.home.home):
            self.home.json("init", self.url, "--config", self.config)
        if self.auditor_works:
            self.auditor = Auditor(self.home.home, self.key, self.url).start()
            eventually(lambda: auditor_size(self.log) > 0, "the auditor has vouched for the log")
        return self

    def stop(self):
        if self.auditor_works:
            self.auditor.stop()
        super().stop()

    def kill(self):
        self.auditor.kill()
        super().kill()

    def settled(self):
        size = log_size(self.log)
        eventually(lambda: auditor_size(self.log) >= size, f"the auditor vouches for {size} entries")


MODES = (ContactMonitoring, Auditing, Management)
