# SPDX-License-Identifier: Apache-2.0
"""A log under third-party auditing: what it shows of its auditor's heads, and the auditor's process."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from lib_programs import VERIFY, check, environment

HEAD = "/v1/auditor/head"
PATIENCE_S = 60


def eventually(question, text):
    """The first true answer."""
    until = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        if time.monotonic() > until:
            check(False, text)
        time.sleep(0.1)
    print("ok:", text)
    return answer


def request(url, method="GET", body=None, accept="application/json"):
    """Status and body, whatever the status."""
    headers = {"Accept": accept, "Content-Type": "application/octet-stream"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def auditor_size(log):
    head = json.loads(request(log.url + HEAD)[1])["auditor_tree_head"]
    return head["tree_size"] if head else 0


def log_size(log):
    return json.loads(request(log.url + HEAD)[1])["tree_head"]["tree_size"]


class Auditor:
    """kt-verify audit --follow --sign; its lines are in a file."""

    def __init__(self, home, key, url=None):
        self.args = ["audit", "--follow", "--sign", key, "--interval", "1", "--json", "--home", home]
        self.args += ["--url", url] if url else []
        self.out = home + ".jsonl"

    def start(self):
        with open(self.out, "a") as out:
            self.before = out.tell()
            self.process = subprocess.Popen([VERIFY, *self.args], stdout=out, stderr=subprocess.DEVNULL,
                                            env=environment(0))
        return self

    def stop(self):
        eventually(lambda: os.path.getsize(self.out) > self.before, "the auditor is at work")
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(timeout=30) == 0 and self.lines()[-1].get("stopped"), "the auditor ends when told to")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def lines(self):
        with open(self.out) as file:
            return [json.loads(line) for line in file if line.endswith("}\n")]
