#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Third-party management with the real programs: a Manager, a Service Operator in front of it, Alice and Bob; lost answers,
a kill at the worst moment, a Manager that adds, goes back, or forks. In both suites."""

import base64
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from lib_managed import MODE, ManagedLog
from lib_programs import SERVER, Log, Person, check, random_key, server_verb

EVIL = os.path.join(sys.argv[1], "tests", "kt-evil-manager")
ALICE = "alice@example.org"


def person(work, name, log):
    someone = Person(os.path.join(work, name))
    someone.json("init", log.url, "--config", log.config)
    return someone


def post(url, path, body, token=None):
    headers = {"Content-Type": "application/octet-stream"}
    if token:
        headers["Authorization"] = "Bearer " + token
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data=body, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def folders(work, suite):
    """What init refuses."""
    for args, words in (((*MODE, "--role", "operator"), "--upstream"), ((*MODE, "--role", "manager"), "--leaf-key"),
                        (("--role", "manager"), "--mode"), (("--upstream", "http://x"), "--upstream")):
        result = subprocess.run([SERVER, "init", os.path.join(work, "none"), *args], capture_output=True, text=True,
                                timeout=60)
        check(result.returncode == 2 and words in result.stderr and not os.path.exists(os.path.join(work, "none")),
              f"init refuses {args}", result.stderr)
    empty = os.path.join(work, "empty")
    made = subprocess.run([SERVER, "init", empty, *MODE, "--role", "operator", "--upstream", "http://127.0.0.1:1"],
                          capture_output=True, text=True, timeout=60)
    check(made.returncode == 0 and "another disk" in made.stderr, "init says where the guard should be", made)
    result = subprocess.run([SERVER, "run", empty], capture_output=True, text=True, timeout=60)
    check(result.returncode != 0 and "put the Manager's config.bin" in result.stderr, "the next step is said", result)
    log = ManagedLog(work, suite)
    other = os.path.join(work, "other")
    server_verb("init", other, *MODE, "--role", "operator", "--suite", suite, "--upstream", log.gate.url)
    for name in ("config.bin", "operator.token"):
        shutil.copy(os.path.join(log.folder, name), other)
    result = subprocess.run([SERVER, "check-config", other], capture_output=True, text=True, timeout=60)
    check(result.returncode != 0 and "another operator" in result.stderr, "another operator's log is refused")
    for name in ("operator.db", "leaf.key", "operator.token"):
        check(os.stat(os.path.join(log.folder, name)).st_mode & 0o77 == 0, f"{name} is private")
    return log


def story(log, alice, bob):
    alice.json("account", "create", ALICE)
    for name in ("phone", "laptop"):
        added = alice.json("device", "add", ALICE, "--name", name, "--key", random_key())
    check(added["version"] == 1, "alice has two devices")
    log.restart()
    found = bob.json("lookup", ALICE)
    check(found["verdict"] == "verified" and found["version"] == 1 and len(found["devices"]) == 2, "bob sees both")
    bob.json("lookup", "nobody@example.org", expect=5)
    bob.json("lookup", ALICE, "--version", "9", expect=5)
    alice.json("monitor", "once")
    request = urllib.request.Request(log.url + "/v1/search", data=json.dumps({"label": ALICE}).encode(),
                                     headers={"Content-Type": "application/json", "Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        decoded = json.load(answer)
    raw = post(log.url, "/v1/search", b"\0" + bytes([len(ALICE)]) + ALICE.encode() + b"\0")[2]
    check(base64.b64decode(decoded["raw"]) == raw, "JSON searches are the same searches")
    with urllib.request.urlopen(log.url + "/v1/tree-head", timeout=30) as answer:
        check(len(answer.read()) > 0, "the newest head is handed on")
    audited = bob.json("audit")
    check(audited["verdict"] == "verified", "the whole log is audited through the operator", audited)
    again = bob.json("lookup", ALICE, "--version", "0")
    check(len(again["devices"]) == 1, "and the first version is still there")


def crowd(log, work):
    """Many at once, two of them with one account on two machines."""
    def register(i):
        someone = person(work, f"crowd-{i}", log)
        someone.json("account", "create", f"crowd-{i}@x")
        return [someone.run("device", "add", f"crowd-{i}@x", "--name", f"d{k}", "--key", random_key()).returncode
                for k in range(2)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(register, range(12)))
    check(codes == [[0, 0]] * 12, "twelve people register at once", codes)
    shutil.copytree(os.path.join(work, "crowd-0"), os.path.join(work, "crowd-0-copy"))
    twins = [Person(os.path.join(work, name)) for name in ("crowd-0", "crowd-0-copy")]

    def add(twin):
        return twin.run("device", "add", "crowd-0@x", "--name", "twin", "--key", random_key()).returncode

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(add, twins))
    check(0 in codes, "of two updates at once, one is first", codes)
    bob = person(work, "crowd-bob", log)
    found = bob.json("lookup", "crowd-0@x")
    check(found["version"] >= 2 and all(device["endorsed"] for device in found["devices"]), "and the chain holds", found)
    log.check_signed_once()


def only_the_operator(log, alice):
    with open(os.path.join(log.folder, "operator.token")) as file:
        token = file.read().strip()
    body = b"\0" + b"\5alice" + b"\0" + b"\0" + b"\0\0\0\0"
    check(post(log.manager.url, "/v1/manager/update", body)[0] == 403, "the Manager knows its operator")
    check(post(log.manager.url, "/v1/manager/update", body, "0" * 64)[0] == 403, "by its token")
    check(post(log.manager.url, "/v1/manager/update", body, token)[0] == 422, "which the operator has")
    check(post(log.url, "/v1/manager/update", body, token)[0] == 404, "nobody else manages")
    direct = Person(alice.home + "-direct")
    shutil.copytree(alice.home, direct.home)
    refused = direct.run("device", "add", ALICE, "--name", "x", "--key", random_key(), "--url", log.manager.url)
    check(refused.returncode == 2 and "Service Operator" in refused.stderr, "users do not update past the operator", refused)
    path = log.folder + ".json"
    with open(path, "w") as file:
        file.write('{"label":"x","devices":[]}')
    inserted = subprocess.run([SERVER, "update-label", log.manager.folder, "x", path], capture_output=True, text=True,
                              timeout=60)
    check(inserted.returncode != 0 and "Service Operator signed" in inserted.stderr, "the Manager inserts nothing",
          inserted)


def outage(log, alice, bob):
    """The Manager is away: 503, no change. What was signed meanwhile stays signed; the owner sees the gap."""
    versions = set(log.recorded(ALICE))
    log.gate.mode = "down"
    status, headers, _ = post(log.url, "/v1/search", b"\0\5alice\0")
    check(status == 503 and int(headers["Retry-After"]) > 0, "503 with Retry-After")
    bob.json("lookup", ALICE, expect=3)
    alice.json("device", "add", ALICE, "--name", "lost", "--key", random_key(), expect=3)
    check(set(log.recorded(ALICE)) == versions | {2}, "one version was recorded")
    alice.json("device", "add", ALICE, "--name", "lost too", "--key", random_key(), expect=3)
    check(set(log.recorded(ALICE)) == versions | {2}, "the next one waits for an answer about it")
    log.restart()
    log.gate.mode = "open"
    added = alice.run("device", "add", ALICE, "--name", "tablet", "--key", random_key())
    check(added.returncode == 0 and "version 3" in added.stdout and "skipped" in added.stderr,
          "version 2 is skipped, and alice is told", added)
    found = bob.json("lookup", ALICE)
    check(found["version"] == 3 and len(found["devices"]) == 3 and all(d["endorsed"] for d in found["devices"]),
          "bob sees version 3", found)
    check(bob.json("lookup", ALICE, "--version", "2", expect=5)["verdict"] == "absent",
          "version 2 is proven to hold nothing")
    alice.json("monitor", "once")
    log.check_signed_once()


def lost_answer(log, alice, bob):
    """The Manager has the version, nobody heard so."""
    log.gate.mode = "lose"
    alice.json("device", "add", ALICE, "--name", "watch", "--key", random_key(), expect=3)
    log.gate.mode = "open"
    log.restart()
    check(4 in log.recorded(ALICE), "the version is recorded")
    check(bob.json("lookup", ALICE)["version"] == 4, "and in the log")
    alice.json("monitor", "once")
    added = alice.json("device", "add", ALICE, "--name", "watch 2", "--key", random_key())
    check(added["version"] == 5, "alice goes on from there", added)
    log.check_signed_once()


def killed(log, alice, bob):
    """kill -9 when the value is signed and under way."""
    log.gate.mode = "hold"
    pending = subprocess.Popen([os.environ["KT_VERIFY"], "device", "add", ALICE, "--name", "held", "--key", random_key(),
                                "--home", alice.home], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check(log.gate.arrived.wait(30), "a signed value is under way")
    log.kill()
    check(pending.wait(60) == 3, "alice does not know what became of it")
    log.gate.mode = "open"
    log.start()
    headers, held = log.gate.held[-1]
    check(6 in log.recorded(ALICE), "it was recorded before")
    added = alice.json("device", "add", ALICE, "--name", "after", "--key", random_key())
    check(added["version"] == 7, "another value gets another version", added)
    log.gate.see(held)
    status, _, body = log.gate.send("POST", "/v1/manager/update", headers, held)
    check(status == 422 and b"signed-version" in body, "what arrives late is refused (S13)", body)
    check(bob.json("lookup", ALICE)["version"] == 7, "bob sees version 7")
    for version in range(8):
        bob.json("lookup", ALICE, "--version", str(version), expect=5 if version in (2, 6) else 0)
    alice.json("monitor", "once")
    log.check_signed_once()


def restored_backup(log, alice):
    """An old copy of the operator's database must not sign again."""
    log.stop()
    copy = os.path.join(log.folder, "operator.db")
    shutil.copy(copy, copy + ".old")
    log.start()
    alice.json("device", "add", ALICE, "--name", "newer", "--key", random_key())
    log.stop()
    os.replace(copy, copy + ".new")
    os.replace(copy + ".old", copy)
    refused = subprocess.run([SERVER, "run", log.folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                             timeout=60)
    check(refused.returncode == 1 and "old copy" in refused.stderr, "an old copy is refused", refused)
    os.replace(copy + ".new", copy)
    log.start()


def inserted_by_the_operator(log, alice, bob):
    log.insert(ALICE, "hidden")
    alerts = alice.json("monitor", "once", expect=4)["alerts"]
    check("unknown-device" in {alert["kind"] for alert in alerts}, "the operator's insertion is alice's alert", alerts)
    bob.json("lookup", ALICE, expect=4)


def unsigned_by_the_manager(log, work, bob):
    """A version that the operator did not sign: nobody believes it."""
    carol = person(work, "carol", log)
    label = "carol@example.org"
    carol.json("account", "create", label)
    carol.json("device", "add", label, "--name", "phone", "--key", random_key())
    bob.json("lookup", label)
    log.stop()
    log.manager.stop()
    server_verb("fsck", log.manager.folder)
    server_verb("fsck", log.folder)
    evil = subprocess.run([EVIL, log.manager.folder, label, "a device of the Manager's", "1"], capture_output=True,
                          text=True, timeout=60)
    check(evil.returncode == 0, "the Manager adds what it likes", evil)
    log.start_both()
    check(bob.json("lookup", label, expect=1)["reason"]["code"] == "leaf-signature", "bob refuses it")
    check(carol.json("monitor", "once", expect=1)["reason"]["code"] == "leaf-signature", "carol too")
    bob.json("lookup", label, "--version", "0")


def run_from(log, bob, copy, kind):
    """The Manager runs from another folder: the operator sees it, keeps evidence and refuses to go on."""
    log.manager.stop()
    good = log.manager.folder
    log.manager.folder = copy
    log.manager.start()
    refused = bob.run("lookup", ALICE, "--json")
    words = {"rollback": "older state of the log", "fork": "two logs that contradict"}[kind]
    check(refused.returncode == 3 and words in refused.stdout, f"bob is not served the {kind}", refused)
    problem = post(log.url, "/v1/search", b"\0\5alice\0")
    check(problem[0] == 503 and f"manager-{kind}".encode() in problem[2], "nor is anybody else", problem)
    evidence = os.listdir(os.path.join(log.folder, "evidence"))
    check(len(evidence) == 1, "the operator has evidence")
    path = os.path.join(log.folder, "evidence", evidence[0])
    judged = bob.run("evidence", "verify", path, "--json")
    proof = {"rollback": '"kind":"rollback"', "fork": '"contradiction":true'}[kind]
    # a rollback proves by itself only that both heads were signed
    check(judged.returncode == (0 if kind == "fork" else 1) and proof in judged.stdout, "which anybody verifies", judged)
    log.stop()
    again = subprocess.run([SERVER, "run", log.folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                           timeout=60)
    check(again.returncode == 1 and "evidence" in again.stderr, "not after a restart either", again)
    os.remove(path)
    log.manager.stop()
    log.manager.folder = good
    log.start_both()
    check(bob.json("lookup", ALICE)["version"] == 10, "with the old Manager all is well")


def another_log(log, alice, bob, work):
    log.manager.stop()
    old = os.path.join(work, "old")
    fork = os.path.join(work, "fork")
    shutil.copytree(log.manager.folder, old)
    shutil.copytree(log.manager.folder, fork)
    for i in range(2):
        evil = subprocess.run([EVIL, fork, f"x{i}", "another content", "0"], capture_output=True, text=True, timeout=60)
        check(evil.returncode == 0, "the Manager prepares another log")
    log.manager.start()
    alice.json("device", "add", ALICE, "--name", "last", "--key", random_key())
    run_from(log, bob, old, "rollback")
    run_from(log, bob, fork, "fork")


def registration(work, suite):
    """Tokens are the operator's: used up by the label that claims, and good again for it when the Manager was away."""
    log = ManagedLog(work, suite, "--registration", "token").start_both()
    token = server_verb("token", log.folder).strip()
    dave = person(work, "dave", log)
    erin = person(work, "erin", log)
    for someone, label in ((dave, "dave@x"), (erin, "erin@x")):
        someone.json("account", "create", label)
    dave.json("device", "add", "dave@x", "--name", "p", "--key", random_key(), expect=2)
    log.gate.mode = "down"
    dave.json("device", "add", "dave@x", "--name", "p", "--key", random_key(), "--token", token, expect=3)
    log.gate.mode = "open"
    added = dave.json("device", "add", "dave@x", "--name", "p", "--key", random_key(), "--token", token)
    check(added["version"] == 1, "a token outlives an outage")
    erin.json("device", "add", "erin@x", "--name", "p", "--key", random_key(), "--token", token, expect=2)
    erasure(log, "dave@x", erin)
    log.stop()
    log.manager.stop()


def erasure(log, label, somebody):
    """The operator's record is one chain; the Manager's log can erase, and the operator hands on what it says of it."""
    refused = subprocess.run([SERVER, "erase", log.folder, label], capture_output=True, text=True, timeout=60)
    check(refused.returncode == 2 and "only the Manager's folder" in refused.stderr, "the operator cannot erase", refused)
    check(somebody.json("lookup", label)["version"] == 1, "so it is there")
    server_verb("erase", log.manager.folder, label)
    check(somebody.json("lookup", label, expect=3)["reason"]["code"] == "erased", "the Manager can")


def privacy(log, work, alice, bob):
    """No label in any message, whatever goes wrong."""
    texts = []
    for part in (log.manager, log):
        path = os.path.join(part.folder, "kt-server.yaml")
        with open(path) as file:
            settings = file.read()
        with open(path, "w") as file:
            file.write(settings.replace("access-log: off", "access-log: all"))
        texts.append(os.path.join(work, f"messages-{len(texts)}"))
        with open(texts[-1], "w") as file:
            part.start(stderr=file)
    bob.json("lookup", ALICE)
    alice.json("device", "add", ALICE, "--name", "x", "--key", random_key())
    log.gate.mode = "lose"
    alice.json("device", "add", ALICE, "--name", "y", "--key", random_key(), expect=3)
    log.gate.mode = "down"
    bob.json("lookup", ALICE, expect=3)
    log.gate.mode = "open"
    log.stop()
    log.manager.stop()
    for path in texts:
        with open(path) as file:
            text = file.read()
        check("/v1/" in text and "alice" not in text, "no label in the messages", text)


def run(suite):
    with tempfile.TemporaryDirectory() as work:
        log = folders(work, suite).start_both()
        alice, bob = person(work, "alice", log), person(work, "bob", log)
        story(log, alice, bob)
        crowd(log, work)
        only_the_operator(log, alice)
        outage(log, alice, bob)
        lost_answer(log, alice, bob)
        killed(log, alice, bob)
        restored_backup(log, alice)
        unsigned_by_the_manager(log, work, bob)
        inserted_by_the_operator(log, alice, bob)
        another_log(log, alice, bob, work)
        log.stop()
        log.manager.stop()
        privacy(log, work, alice, bob)
        log.check_signed_once()
    with tempfile.TemporaryDirectory() as work:
        registration(work, suite)


for word in ("ed25519", "p256"):
    run(word)
