#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many members of a group looked up at once: as each would be alone, in the file's order, while the log grows, when it
shows two histories, when it lies once, and when it refuses."""

import base64
import json
import os
import shutil
import tempfile
import threading
import time

from lib_programs import Log, Person, Proxy, ProxyHandler, check, server_verb

MEMBERS = 150  # more than are asked about in one wave


def label(number):
    return f"member{number:03}@example.org"


def make_log(work):
    folder = os.path.join(work, "log")
    config = os.path.join(work, "config.bin")
    lines = os.path.join(work, "import.jsonl")
    server_verb("init", folder)
    with open(lines, "w") as file:
        for number in range(MEMBERS):
            key = base64.b64encode(number.to_bytes(32, "big")).decode()
            devices = [{"name": "phone", "keys": [{"alg": "raw", "key": key}]}]
            file.write(json.dumps({"label": label(number), "devices": devices}) + "\n")
    server_verb("import", folder, lines)
    server_verb("config", folder, "-o", config)
    return folder, config


class Router(Proxy):
    """Hands on to the log that `choose(request body)` names."""

    def __init__(self, log, choose):
        super().__init__(log.url, lambda path, status, body: (status, body))
        self.choose = choose
        self.RequestHandlerClass = RouterHandler
        self.lock = threading.Lock()


class RouterHandler(ProxyHandler):
    def forward(self, body):
        with self.server.lock:
            self.server.upstream = self.server.choose(self.path, body or b"")
            super().forward(body)


def person(work, name, log, config):
    someone = Person(os.path.join(work, name))
    someone.json("init", log.url, "--config", config)
    return someone


def group_file(work, numbers, *more):
    path = os.path.join(work, "group")
    with open(path, "w") as file:
        file.write("\n".join([*[label(number) for number in numbers], *more]) + "\n")
    return path


def device_key(member):
    return member["devices"][0]["keys"][0]["key"]


def all_of_them(work, log, config):
    bob = person(work, "bob", log, config)
    order = [(7 * i) % MEMBERS for i in range(MEMBERS)]
    busy = threading.Event()

    def slow(path, status, body):
        time.sleep(0.02)
        asked.append(path.split("?")[0])
        return status, body

    asked = []

    def grow():
        while not busy.is_set():
            log.insert("busy@example.org", f"d{time.monotonic_ns() % 1000}")

    grower = threading.Thread(target=grow)
    grower.start()
    proxy = Proxy(log.url, slow)  # so that a wave sees several heads
    found = bob.json("lookup", "--allow-unsigned", "--url", proxy.url, "--group", group_file(work, order, "nobody@example.org"), expect=5)
    busy.set()
    grower.join()
    members = found["members"]
    check("/v1/log/consistency" in asked, "while the log grows")
    check(asked.count("/v1/search") < MEMBERS + 10, "each asked about once", len(asked))
    check([m["label"] for m in members] == [*[label(i) for i in order], "nobody@example.org"], "in the file's order")
    check([m["verdict"] for m in members] == ["verified"] * MEMBERS + ["absent"], "each with its verdict",
          [m for m in members[:-1] if m["verdict"] != "verified"][:2])
    check(all(device_key(m) == base64.b64encode(i.to_bytes(32, "big")).decode() for i, m in zip(order, members)),
          "and with its own keys")
    check({c["name"] for m in members for c in m["checks"]} >= {"vrf", "proof", "signature"}, "all of them checked")
    alone = person(work, "alone", log, config).json("lookup", label(3), "--allow-unsigned")
    together = members[order.index(3)]
    check(together["devices"] == alone["devices"] and together["contact"]["state"] == alone["contact"]["state"] and
          together["checks"] == alone["checks"], "as if looked up alone", together, alone)
    check(len(bob.json("contact", "list")["contacts"]) == MEMBERS, "and pinned")
    check(bob.json("monitor", "once")["verdict"] in ("verified", "done"), "what was retained can be gone on from")


def without_rights(work, log, config):
    """Unsigned sets without --allow-unsigned: an alert each, none hidden by another."""
    eve = person(work, "eve", log, config)
    found = eve.json("lookup", "--group", group_file(work, range(5)), expect=4)
    check([m["verdict"] for m in found["members"]] == ["alert"] * 5 and
          len(eve.json("alerts", "list")["alerts"]) == 5, "every member's alert is raised")


def two_histories(work, folder, config):
    copy = os.path.join(work, "copy")
    shutil.copytree(folder, copy)
    one, two = Log(folder).start(), Log(copy).start()
    people = {name: person(work, name, one, config) for name in ("even", "uneven", "late")}
    size = people["late"].json("log", "head")["log"]["tree_size"]
    one.insert("alice@example.org", "phone")
    two.insert("alice@example.org", "hidden")
    victim = label(4).encode()
    router = Router(one, lambda path, body: two.url if victim in body or path.startswith(("/v1/log", "/v1/dist"))
                    else one.url)
    for name in ("even", "uneven"):  # two heads of one size; then the larger of the two is no better for it
        someone = people[name]
        found = someone.json("lookup", "--allow-unsigned", "--url", router.url, "--group", group_file(work, range(10)),
                             expect=1)
        members = found["members"]
        check({m["verdict"] for m in members} == {"failed"} and not any("devices" in m for m in members) and
              {m["reason"]["code"] for m in members} == {"fork"}, f"{name}: two histories, and nothing is believed", found)
        check(someone.alert_kinds() == ["fork"] and found["log"]["tree_size"] == size and
              someone.json("contact", "list")["contacts"] == [], "the fork is told, and nothing kept", found)
        saved = someone.json("evidence", "list")["evidence"]
        check(len(saved) == 1, "the evidence is saved, once", saved)
        file = os.path.join(work, f"evidence-{name}")
        someone.json("evidence", "export", saved[0]["id"], file)
        proven = person(work, f"judge-{name}", one, config).json("evidence", "verify", file)
        check(proven["verdict"] == "verified" and proven["contradiction"], "and convinces others")
        two.insert("alice@example.org", "more")
    bob = people["late"]
    bob.json("log", "head", "--url", one.url)
    found = bob.json("lookup", "--allow-unsigned", "--url", router.url, "--group", group_file(work, range(10)), expect=1)
    verdicts = [m["verdict"] for m in found["members"]]
    check(verdicts == ["verified"] * 4 + ["failed"] + ["alert"] * 5 and "fork" in bob.alert_kinds() and
          ["devices" in m for m in found["members"]].count(True) == 9,
          "an answer that contradicts the retained head is refused; the others are told, with the alert once there is one",
          verdicts)
    one.stop()
    two.stop()


def main():
    with tempfile.TemporaryDirectory() as work:
        folder, config = make_log(work)
        log = Log(folder).start()
        all_of_them(work, log, config)
        without_rights(work, log, config)
        log.stop()
        two_histories(work, folder, config)
    print("groups: as told")


main()
