#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Third-party auditing with the real programs, in both suites: nothing before the auditor's first head; an auditor that
is killed at random moments; two auditors; a forked log, also shown to a copy of the auditor's home; a lost record of what the
key signed; an older head; an auditor that goes away and comes back; a forged head; a change of auditor, with a late start.
  auditing.py BUILD [KILLS]"""

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

from lib_audited import HEAD, Auditor, auditor_size, eventually, log_size, request
from lib_programs import (SERVER, VERIFY, Log, Person, Proxy, ProxyHandler, check, environment, random_key, server_verb)

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
LAG_S = 3


class Witness(Proxy):
    """Between an auditor and the log: every head that is submitted, and what became of it."""

    def __init__(self, upstream):
        super().__init__(upstream, lambda path, status, body: (status, body))
        self.RequestHandlerClass = WitnessHandler
        self.submitted = []  # [tree size, status], as they came; None: no answer yet


class WitnessHandler(ProxyHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        submitted = [int.from_bytes(body[8:16], "big"), None]
        self.server.submitted.append(submitted)  # an auditor that is killed and started again may be answered sooner
        status, content = request(self.server.upstream + self.path, "PUT", body, "application/octet-stream")
        submitted[1] = status
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)


def settled(person):
    """How the person's auditor-missing alerts stand, oldest first."""
    lines = [line.split() for line in person.text("alerts", "list").splitlines() if " auditor-missing" in line]
    return [words[1] for words in reversed(lines) if len(words[0]) == 32]


class Scene:
    def __init__(self, work, suite):
        self.work = work
        self.suite = suite
        self.key = self.path("auditor.key")
        self.folder = self.path("log")
        self.config = self.path("config.bin")

    def path(self, name):
        return os.path.join(self.work, name)

    def person(self, name, *args):
        person = Person(self.path(name))
        person.json("init", self.log.url, "--config", self.config, *args)
        return person

    def entry(self):
        """The operator adds one."""
        self.log.insert("filler@example.org", "phone")

    def vouched(self, size=None):
        """Until the auditor has vouched for `size` entries, or what there is now."""
        size = size or log_size(self.log)
        eventually(lambda: auditor_size(self.log) >= size, f"the auditor vouches for {size} entries")


def keys(scene):
    anyone = Person(scene.path("nobody"))
    made = anyone.json("auditor", "keygen", scene.key, "--suite", scene.suite)
    check(stat.S_IMODE(os.stat(scene.key).st_mode) == 0o600, "the auditor's key is private")
    with open(scene.key + ".pub") as file:
        check(file.read() == made["public_key"] + "\n" and made["public_key"].split()[2] == scene.suite,
              "the public key is beside it")
    anyone.json("auditor", "keygen", scene.key, expect=2)  # never over another
    anyone.json("auditor", "keygen", "-", expect=2)  # a secret key is not printed, and no file is called that by accident
    other = "p256" if scene.suite == "ed25519" else "ed25519"
    anyone.json("auditor", "keygen", scene.path("other.key"), "--suite", other)
    for options in (["--auditor-key", scene.path("other.key.pub")], ["--auditor-key", scene.key],
                    ["--auditor-key", scene.path("missing")], [],
                    ["--auditor-key", scene.key + ".pub", "--auditor-start-pos", "7"]):
        result = subprocess.run([SERVER, "init", scene.folder, "--mode", "third-party-auditing", "--suite", scene.suite,
                                 *options], capture_output=True, text=True, env=environment(0))
        check(result.returncode == 2 and not os.path.exists(scene.folder), f"init refuses {options}", result)


def make_log(scene):
    server_verb("init", scene.folder, "--mode", "third-party-auditing", "--suite", scene.suite, "--auditor-key",
                scene.key + ".pub", "--max-auditor-lag", f"{LAG_S}s")
    server_verb("config", scene.folder, "-o", scene.config)
    scene.log = Log(scene.folder).start()


def before_the_first_head(scene):
    """503 for clients, answers for the auditor."""
    status, body = request(scene.log.url + "/v1/tree-head")
    check(status == 503 and json.loads(body)["type"].endswith("auditor-missing"), "no head is shown before the auditor's")
    check(request(scene.log.url + "/v1/audit?start=0")[0] == 200, "the auditor is answered")
    check(request(scene.log.url + HEAD, "PUT", b"x")[0] == 400, "a malformed head is refused")
    forged = bytes(8) + (1).to_bytes(8, "big") + (64).to_bytes(2, "big") + bytes(64)
    check(request(scene.log.url + HEAD, "PUT", forged)[0] == 422, "a head that does not verify is refused")
    early = scene.person("early")
    for _ in range(2):
        answer = early.json("lookup", "bob@example.org", expect=3)
        check(answer["reason"]["code"] == "auditor-missing" and answer["alerts"][0]["kind"] == "auditor-missing",
              "a lookup says that the auditor is missing", answer)
    check(len(early.json("alerts", "list")["alerts"]) == 1, "it is one alert")
    early.json("account", "create", "early@example.org", expect=3)
    return early


def wrong_keys(scene, home):
    stranger = scene.path("stranger.key")
    home.json("auditor", "keygen", stranger, "--suite", scene.suite)
    check(home.json("audit", "--sign", stranger, expect=2)["reason"]["code"] == "auditor-key", "another key is refused")
    check(home.json("audit", "--sign", scene.path("other.key"), expect=2)["reason"]["code"] == "auditor-key",
          "a key of another suite is refused")
    os.chmod(scene.key, 0o640)
    check(home.json("audit", "--sign", scene.key, expect=2)["reason"]["code"] == "key-mode",
          "a key that others can read is refused")
    os.chmod(scene.key, 0o600)
    home.json("audit", "--sign", scene.key, "--from", "0", expect=2)


def killed_auditor(scene):
    """Ended at random moments, it goes on, and nothing it signed is ever refused."""
    witness = Witness(scene.log.url)
    auditor = Auditor(scene.path("auditor"), scene.key, witness.url).start()
    scene.vouched(1)
    for _ in range(KILLS):
        for _ in range(random.randrange(1, 4)):
            scene.entry()
        time.sleep(random.random() * 1.2)
        auditor.kill()
        auditor.start()
    scene.entry()
    scene.vouched()
    statuses = {status for _, status in witness.submitted if status is not None}
    check(statuses <= {204, 409} and 204 in statuses, "every head it signed is of the log", statuses)
    sizes = [size for size, status in witness.submitted if status == 204]
    check(sizes == sorted(sizes), "the heads grow", sizes)
    return auditor, witness


def people(scene, early):
    alice = scene.person("alice")
    alice.json("account", "create", "alice@example.org")
    alice.json("device", "add", "alice@example.org", "--name", "phone", "--key", random_key())
    bob = scene.person("bob")
    found = eventually(lambda: (answer := json.loads(bob.run("lookup", "alice@example.org", "--json").stdout))
                       ["verdict"] == "verified" and answer, "bob finds alice")
    check({"name": "auditor", "ok": True} in found["checks"], "the auditor's head was checked", found)
    answer = early.json("lookup", "nobody@example.org", expect=5)
    check("alerts" not in answer and settled(early) == ["ended"], "the alert of the first minute has ended", answer)
    return alice, bob


def move_key(scene, folder):
    """The key with its record in another folder, as on another machine."""
    os.makedirs(folder)
    for name in "auditor.key", "auditor.key.signed":
        shutil.copy2(scene.path(name), os.path.join(folder, name))
    return os.path.join(folder, "auditor.key")


def two_auditors(scene, auditor):
    home = Person(scene.path("auditor"))
    busy = home.json("audit", "--sign", scene.key, expect=3)
    check(busy["reason"]["code"] == "busy", "a second auditor on one state folder is refused", busy)
    second = scene.person("auditor-2")
    link = scene.path("link.key")
    os.symlink(scene.key, link)
    for key in scene.key, link:
        busy = second.json("audit", "--sign", key, expect=3)
        check(busy["reason"]["code"] == "busy" and "auditor.key" in busy["reason"]["text"],
              "so is one with another folder and the same key", busy)
    witness = Witness(scene.log.url)
    elsewhere = move_key(scene, scene.path("elsewhere"))
    for _ in range(3):
        scene.entry()
        answer = second.json("audit", "--sign", elsewhere, "--url", witness.url)
        check(answer["entries"] == answer["tree_size"], "one with a copy of the key audits the same log", answer)
    check(all(status in (204, 409) for _, status in witness.submitted), "and signs the same trees", witness.submitted)
    auditor.stop()
    scene.entry()
    alone = second.json("audit", "--sign", elsewhere)
    check(alone["submitted"] and auditor_size(scene.log) == alone["tree_size"], "it can take over", alone)
    stale = request(scene.log.url + HEAD, accept="application/octet-stream")[1]
    auditor.start()
    scene.entry()
    scene.vouched()
    # TreeHead, root, presence octet, AuditorTreeHead
    head = stale[8 + 2 + int.from_bytes(stale[8:10], "big") + 32 + 1:]
    status, body = request(scene.log.url + HEAD, "PUT", head)
    check(status == 409 and json.loads(body)["size"] > alone["tree_size"], "an older head is told the newer one's size",
          status, body)


def lost_record(scene, auditor):
    """Without what the key signed last nothing is signed; a line in the message goes on from what this home knows."""
    auditor.stop()
    scene.entry()
    home = Person(scene.path("auditor"))
    record = scene.key + ".signed"
    check(stat.S_IMODE(os.stat(record).st_mode) == 0o600, "the record is private")
    with open(record) as file:
        old = file.read()
    home.json("audit", "--sign", scene.key)
    before = auditor_size(scene.log)

    def refused(text, person=home):
        scene.entry()
        answer = person.json("audit", "--sign", scene.key, expect=2)
        check(answer["reason"]["code"] == "auditor-record" and auditor_size(scene.log) == before, text, answer)
        return answer["record"]

    os.rename(record, record + ".lost")
    refused("a key without its record signs nothing", scene.person("auditor-4"))
    line = refused("also in the home that signed")
    for content in old, "", old[:-4] + "0000", line.replace(str(before), str(before + 1)):
        with open(record, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content)
        refused("an old or a damaged record is refused")
    with open(record, "w") as file:
        file.write(line + "\n")
    os.chmod(record, 0o620)
    said = home.json("audit", "--sign", scene.key, expect=2)["reason"]["text"]
    check(record in said and "chmod 600" in said, "nor is one that others may change", said)
    os.chmod(record, 0o600)
    check(home.json("audit", "--sign", scene.key)["submitted"], "the line of the message goes on")
    os.mkfifo(scene.path("fifo"), 0o600)
    check(home.json("audit", "--sign", scene.path("fifo"), expect=2)["reason"]["code"] == "key-file",
          "a key that is no file is refused")
    auditor.start()
    scene.vouched()


def forked_log(scene, auditor):
    """Two copies of the log take different entries; the auditor that saw one refuses the other, and so does a copy of its
    home with the same key, which saw neither."""
    auditor.stop()
    scene.log.stop()
    fork = Log(scene.path("fork"))
    shutil.copytree(scene.folder, fork.folder)
    home = Person(scene.path("auditor"))
    copies = [Person(scene.path(f"auditor-copy-{i}")) for i in range(2)]
    for copy in copies:
        shutil.copytree(home.home, copy.home)
    scene.log.start()
    fork.start()
    scene.entry()
    honest = home.json("audit", "--sign", scene.key)

    def grow(size):
        while log_size(fork) < size:
            fork.insert("hidden@example.org", "phone", random_key()[4:12].replace("/", "-").replace("+", "-"))

    def refuse(person, who):
        before = auditor_size(fork)
        refused = person.json("audit", "--sign", scene.key, "--url", fork.url, expect=1)
        check(refused["reason"]["code"] == "fork" and auditor_size(fork) == before, f"{who} refuses a fork", refused)
        check(os.listdir(os.path.join(person.home, "evidence")) and "fork" in person.alert_kinds(), "and keeps the evidence")

    grow(honest["tree_size"])
    refuse(copies[0], "a copy of the auditor's home")
    grow(honest["tree_size"] + 1)
    refuse(home, "the auditor")
    refuse(copies[1], "a copy shown a longer fork")
    check(home.json("audit", "--sign", scene.key)["tree_size"] >= honest["tree_size"], "and stays with its log")
    fork.stop()
    auditor.start()
    scene.vouched()


def older_head(scene, auditor):
    """A head that was replaced, shown for a while: nothing is signed, and it goes on; shown on and on, it is a rollback."""
    auditor.stop()
    old = request(scene.log.url + HEAD, accept="application/octet-stream")[1]
    stale = [False]
    proxy = Witness(scene.log.url)
    proxy.change = lambda path, status, body: (status, old if path == HEAD and stale[0] else body)
    scene.entry()
    home = Person(scene.path("auditor"))
    home.json("audit", "--sign", scene.key)
    patient = Auditor(home.home, scene.key, proxy.url)
    patient.out += ".patient"
    patient.start()
    eventually(patient.lines, "the auditor is at work through a relay")

    def reasons():
        return [line.get("reason", {}).get("code") for line in patient.lines()]

    stale[0] = True
    eventually(lambda: "log-behind" in reasons(), "it is shown an old head")
    check(patient.process.poll() is None and "rollback" not in home.alert_kinds(), "and waits")
    stale[0] = False
    n = len(reasons())
    scene.entry()
    eventually(lambda: any(reason is None for reason in reasons()[n:]), "then goes on")
    stale[0] = True
    eventually(lambda: patient.process.poll() is not None, "an old head that stays ends it")
    check(patient.process.returncode == 1 and reasons()[-1] == "rollback" and reasons().count("log-behind") >= 3 and
          "rollback" in home.alert_kinds(), "as a rollback", reasons())
    proxy.shutdown()
    auditor.start()
    scene.vouched()


def tampered_feed(scene, auditor):
    """An entry that is changed on its way is refused, nothing of its page is kept, and the truth is accepted after it."""

    def change(path, status, body):
        if path.startswith("/v1/audit?"):  # the last bit of the first timestamp
            body = body[:11] + bytes([body[11] ^ 1]) + body[12:]
        return status, body

    auditor.stop()
    proxy = Proxy(scene.log.url, change)
    home = Person(scene.path("auditor"))
    scene.entry()
    before = auditor_size(scene.log)
    refused = home.json("audit", "--sign", scene.key, "--url", proxy.url, expect=1)
    check(refused["reason"]["code"].startswith("audit-") and auditor_size(scene.log) == before,
          "a tampered entry is refused and not signed", refused)
    check(home.json("audit", "--sign", scene.key)["submitted"], "the entry as the log has it is signed")
    auditor.start()


def follower(scene):
    """Anybody may follow the log; without the key nothing is signed."""
    person = scene.person("follower")
    process = subprocess.Popen([VERIFY, "audit", "--follow", "--json", "--interval", "1", "--home", person.home],
                               stdout=subprocess.PIPE, text=True, env=environment(0))
    first = json.loads(process.stdout.readline())
    check(first["verdict"] == "verified" and "submitted" not in first, "a follower verifies and signs nothing", first)
    scene.entry()
    more = json.loads(process.stdout.readline())
    check(more["tree_size"] > first["tree_size"] and more["new_entries"] >= 1, "new entries as they come", more)
    process.send_signal(signal.SIGTERM)
    check(json.loads(process.stdout.readline())["stopped"] and process.wait(timeout=30) == 0, "until it is told to end")


def auditor_away(scene, auditor, alice, bob):
    auditor.stop()

    def missing():
        answer = json.loads(bob.run("lookup", "alice@example.org", "--json").stdout)
        return answer if answer["verdict"] == "undecided" else None

    answer = eventually(missing, "without the auditor a lookup is undecided")
    check(answer["reason"]["code"] == "auditor-missing" and {"name": "auditor", "ok": False} in answer["checks"],
          "and says why", answer)
    check(alice.run("monitor", "once").returncode == 3 and "auditor-missing" in alice.alert_kinds(), "so is monitoring")
    bob.json("lookup", "alice@example.org", expect=3)
    alerts = bob.json("alerts", "list")["alerts"]
    times = len(settled(bob))
    check([a["kind"] for a in alerts] == ["auditor-missing"] and settled(bob)[-1] == "open", "one alert", alerts)
    check("TOO FEW" in server_verb("status", scene.folder), "the operator sees it")
    auditor.start()
    eventually(lambda: bob.run("lookup", "alice@example.org").returncode == 0, "the auditor is back")
    check(bob.alert_kinds() == [] and settled(bob) == ["ended"] * times, "the alert ends by itself", settled(bob))
    check(alice.run("monitor", "once").returncode == 0 and alice.alert_kinds() == [], "for alice too")


def forged_head(scene, bob):
    """One bit of the auditor's signature: behind the type, the log's size and signature, the auditor's time and size."""

    def change(path, status, body):
        if path == "/v1/search" and body[0] == 2:
            at = 1 + 8 + 2 + int.from_bytes(body[9:11], "big") + 8 + 8 + 2
            body = body[:at + 5] + bytes([body[at + 5] ^ 1]) + body[at + 6:]
        return status, body

    proxy = Proxy(scene.log.url, change)
    scene.entry()
    scene.vouched()
    forged = bob.json("lookup", "alice@example.org", "--url", proxy.url, expect=1)
    check(forged["reason"]["code"] == "auditor-signature" and "alerts" not in forged, "a forged head is a failure", forged)
    bob.json("lookup", "alice@example.org")


def change_auditor(scene, auditor, bob):
    carol = scene.person("carol")  # who sees the log now, and not again before the change
    seen = carol.json("log", "head")["log"]["tree_size"]
    for _ in range(3):
        scene.entry()
    scene.vouched()
    start = auditor_size(scene.log)
    check(start > seen, "the log has grown since", start, seen)
    eventually(lambda: bob.run("lookup", "alice@example.org").returncode == 0, "bob saw it grow")
    auditor.stop()
    new_key = scene.path("new.key")
    bob.json("auditor", "keygen", new_key, "--suite", scene.suite)

    def change(*options):
        return subprocess.run([SERVER, "change-auditor", scene.folder, *options], capture_output=True, text=True,
                              env=environment(0)).returncode

    check(change("--auditor-key", new_key + ".pub") == 3, "the auditor of a running log is not changed")
    scene.log.stop()
    check(change() == 2 and change("--auditor-key", scene.path("other.key.pub")) == 2 and
          change("--auditor-key", new_key + ".pub", "--auditor-start-pos", str(start + 20)) == 2,
          "a change that no client could accept is refused")
    server_verb("change-auditor", scene.folder, "--auditor-key", new_key + ".pub", "--auditor-start-pos", str(start))
    scene.config = scene.path("config-2.bin")
    server_verb("config", scene.folder, "-o", scene.config)
    scene.log.start()
    check(auditor_size(scene.log) == 0, "the old auditor's head is not shown any more")

    old = Person(scene.path("auditor"))
    check(old.json("audit", "--sign", scene.key, expect=1)["reason"]["code"] == "head-signature",
          "the old auditor does not know the log's new configuration")
    old.json("config", "update", scene.config)
    check(old.json("audit", "--sign", scene.key, expect=2)["reason"]["code"] == "auditor-key",
          "nor is its key the log's any more")
    newcomer = scene.person("auditor-3")
    scene.entry()
    answer = newcomer.json("audit", "--sign", new_key)
    check(answer["from"] == start and answer["submitted"] and answer["entries"] < start, "a late start", answer)

    check(bob.json("lookup", "alice@example.org", expect=1)["reason"]["code"] == "head-signature",
          "clients refuse heads under a configuration they were not given")
    bob.json("config", "update", scene.config)
    successor = Auditor(newcomer.home, new_key).start()
    scene.vouched()
    eventually(lambda: bob.run("lookup", "alice@example.org").returncode == 0, "bob goes on with the new auditor")
    check(carol.json("config", "update", scene.config, expect=1)["reason"]["code"] == "auditor-start",
          "an auditor that began after what one has seen vouched for is refused")
    successor.stop()


def play(work, suite):
    scene = Scene(work, suite)
    keys(scene)
    make_log(scene)
    early = before_the_first_head(scene)
    wrong_keys(scene, scene.person("auditor"))
    auditor, _ = killed_auditor(scene)
    alice, bob = people(scene, early)
    two_auditors(scene, auditor)
    lost_record(scene, auditor)
    forked_log(scene, auditor)
    older_head(scene, auditor)
    tampered_feed(scene, auditor)
    follower(scene)
    auditor_away(scene, auditor, alice, bob)
    forged_head(scene, bob)
    change_auditor(scene, auditor, bob)
    scene.log.stop()
    check("no damage" in server_verb("fsck", scene.folder), "the log's data is sound")


def main():
    seed = random.randrange(1 << 32)
    print("seed", seed)
    random.seed(seed)
    for suite in ("ed25519", "p256"):
        print(f"--- {suite}")
        with tempfile.TemporaryDirectory() as work:
            play(work, suite)


main()
