#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alice and Bob with the real programs: accounts, look-ups, codes, a hidden device, lies, outages, a fork, and days that
pass. Every step says which exit code and which alerts it must give."""

import base64
import concurrent.futures
import hashlib
import os
import shutil
import stat
import sys
import tempfile

from lib_programs import FAKETIME, Log, Person, Proxy, check, random_key, server_verb


def new_log(work, *options):
    folder = os.path.join(work, "log")
    server_verb("init", folder, *options)
    config = os.path.join(work, "config.bin")
    server_verb("config", folder, "-o", config)
    return Log(folder).start(), config


def new_person(work, name, log, config, ahead_h=0):
    person = Person(os.path.join(work, name), ahead_h)
    pinned = person.json("init", log.url, "--config", config)
    check(pinned["verdict"] == "done" and pinned["log"]["tree_size"] >= 1, f"{name} pins the log")
    return person


def pinning(work, log, config):
    person = Person(os.path.join(work, "pin"))
    check(person.json("lookup", "x", expect=2)["reason"]["code"] == "not-initialised", "nothing works before init")
    person.json("init", log.url, expect=2)
    with open(config, "rb") as file:
        changed = bytearray(file.read())
    changed[-2] ^= 1  # the last byte of a window
    other = os.path.join(work, "other.bin")
    with open(other, "wb") as file:
        file.write(changed)
    refused = person.json("init", log.url, "--config", other, expect=1)
    check(refused["verdict"] == "failed" and not os.path.exists(person.home), "another configuration is not pinned")
    person.json("init", log.url, "--first-use")
    person.json("init", log.url, "--config", config, expect=2)
    check(stat.S_IMODE(os.stat(person.home).st_mode) == 0o700, "the home is private")
    person.json("frobnicate", expect=2)
    person.json("qr", expect=2)


def registering(alice, bob):
    created = alice.json("account", "create", "alice@example.org")
    check(created["verdict"] == "done" and len(created["account_key"]) == 66, "alice makes an account")
    key_file = os.path.join(alice.home, "keys", os.listdir(os.path.join(alice.home, "keys"))[0])
    check(stat.S_IMODE(os.stat(key_file).st_mode) == 0o600, "the account key is private")
    alice.json("device", "add", "alice@example.org", "--name", "phone", "--key", random_key())
    added = alice.json("device", "add", "alice@example.org", "--name", "laptop", "--key", random_key())
    check(added["version"] == 1 and len(added["devices"]) == 2, "alice has two devices")
    found = bob.json("lookup", "alice@example.org")
    check({"format", "view", "proof", "signature", "clock", "vrf"} == {c["name"] for c in found["checks"] if c["ok"]},
          "every check is named", found["checks"])
    check(found["verdict"] == "verified" and found["signed"] and all(d["endorsed"] for d in found["devices"]) and
          len(found["devices"]) == 2 and found["contact"]["state"] == "unverified" and
          found["account_key"] == created["account_key"], "bob finds both", found)
    old = bob.json("lookup", "alice@example.org", "--version", "0")
    check(len(old["devices"]) == 1 and old["devices"][0]["endorsed"], "bob finds the version before")
    check(bob.json("lookup", "nobody", expect=5)["verdict"] == "absent", "absence is proven")
    check(bob.json("lookup", "alice@example.org", "--version", "7", expect=5)["verdict"] == "absent",
          "so is the absence of a version")
    bob.json("account", "create", "bob@example.org")
    bob.json("device", "add", "bob@example.org", "--name", "telephone", "--key", random_key())
    alice.json("device", "add", "alice@example.org", "--name", "x", "--key", "ed25519:AAAA", expect=2)
    os.chmod(key_file, 0o644)
    refused = alice.json("device", "add", "alice@example.org", "--name", "x", "--key", random_key(), expect=2)
    check(refused["reason"]["code"] == "key-mode", "a key that others can read is refused")
    os.chmod(key_file, 0o600)


def comparing(alice, bob):
    refused = bob.json("lookup", "alice@example.org", "--require-verified", expect=4)
    check("devices" not in refused, "no keys of an unverified contact")
    alice.json("lookup", "bob@example.org")
    code = alice.json("code", "show", "bob@example.org")["code"]
    check(code == bob.json("code", "show", "alice@example.org")["code"] and len(code) == 60, "both see one code")
    wrong = code[:10] + ("1" if code[10] == "0" else "0") + code[11:]
    mismatch = bob.json("code", "compare", "alice@example.org", wrong, expect=4)
    check(mismatch["match"] is False and "differ: 3" in mismatch["alerts"][0]["detail"], "the wrong group is named")
    check(bob.alert_kinds() == ["code-mismatch"], "and stays an alert")
    bob.json("lookup", "alice@example.org", expect=4)
    match = bob.json("code", "compare", "alice@example.org", *[code[i:i + 5] for i in range(0, 60, 5)])
    check(match["match"] and match["contact"]["state"] == "verified", "digits in groups match")
    check(alice.json("code", "compare", "bob@example.org", "-", stdin=code + "\n")["match"], "digits from stdin match")
    check(bob.alert_kinds() == [], "which settles the alert")
    bob.json("lookup", "alice@example.org", "--require-verified")
    bob.json("code", "compare", "alice@example.org", "123", expect=2)


def hidden_device(log, alice, bob):
    log.insert("alice@example.org", "alice's new phone")
    found = alice.json("monitor", "once", expect=4)
    kinds = {alert["kind"] for alert in found["alerts"]}
    check(kinds == {"unknown-device", "version-not-mine", "device-removed", "unsigned-set"}, "alice is told", kinds)
    unknown = next(alert for alert in found["alerts"] if alert["kind"] == "unknown-device")
    check("Key fingerprints: " in unknown["detail"], "with the fingerprint")
    again = alice.json("monitor", "once", expect=4)
    check(again["alerts"] == found["alerts"], "once per cause, as long as it is open")
    seen = bob.json("lookup", "alice@example.org", expect=4)
    check([a["kind"] for a in seen["alerts"]] == ["unsigned-set"] and not seen["devices"][0]["endorsed"],
          "bob is told, and the device is not endorsed")
    removed = alice.json("device", "remove", "alice@example.org", unknown["device"][:8])
    check(len(removed["devices"]) == 2, "alice publishes her own list again")
    alice.json("monitor", "once")
    check(bob.json("lookup", "alice@example.org")["contact"]["state"] == "verified", "both sides are settled")


def approving(log, work, config):
    log.insert("carol@example.org", "desk", "pocket")
    carol = new_person(work, "carol", log, config)
    bob = Person(os.path.join(work, "bob"))
    bob.json("lookup", "carol@example.org", expect=4)
    bob.json("lookup", "carol@example.org", "--allow-unsigned")
    created = carol.json("account", "create", "carol@example.org", expect=4)
    check(not any(device["endorsed"] for device in created["devices"]), "nothing is approved silently")
    for device in created["devices"]:
        carol.text("monitor", "approve", "carol@example.org", device["id"][:6])
    listed = carol.json("device", "list", "carol@example.org")
    check(len(listed["devices"]) == 2 and all(d["endorsed"] for d in listed["devices"]) and listed["signed"],
          "carol approves what the operator set up")
    check(carol.alert_kinds() == [], "which settles the alerts")
    check(bob.json("lookup", "carol@example.org")["devices"][0]["endorsed"], "for bob as well")
    passphrase = os.path.join(work, "passphrase")
    with open(passphrase, "w") as file:
        file.write("correct horse battery staple\n")
    sealed = carol.text("account", "export", "carol@example.org", "--passphrase-file", passphrase)
    second = new_person(work, "carol2", log, config)
    with open(passphrase + "2", "w") as file:
        file.write("another passphrase\n")
    second.json("account", "import", "carol@example.org", "--passphrase-file", passphrase + "2", stdin=sealed, expect=2)
    taken = second.json("account", "import", "carol@example.org", "--passphrase-file", passphrase, stdin=sealed,
                        expect=4)
    check(taken["account_key"] == created["account_key"] and
          {a["kind"] for a in taken["alerts"]} == {"unknown-device"}, "the second computer asks about each device")
    for device in taken["devices"]:
        last = device is taken["devices"][-1]
        second.json("monitor", "approve", "carol@example.org", device["id"], expect=0 if last else 4)
    third = random_key()
    second.json("device", "add", "carol@example.org", "--name", "tablet", "--key", third)
    found = carol.json("monitor", "once", expect=4)
    check({a["kind"] for a in found["alerts"]} == {"unknown-device", "version-not-mine"},
          "the first computer asks about the tablet")
    version = carol.json("device", "list", "carol@example.org", expect=4)["version"]
    tablet = next(a["device"] for a in found["alerts"] if a["kind"] == "unknown-device")
    carol.json("monitor", "approve", "carol@example.org", tablet)
    check(carol.json("device", "list", "carol@example.org")["version"] == version, "a signed list needs no new version")
    bob.json("contact", "policy", "carol@example.org", "strict")
    strict = bob.json("lookup", "carol@example.org", expect=4)
    check([a["kind"] for a in strict["alerts"]] == ["contact-device-added"], "strict: a new device is an alert")
    bob.json("alerts", "ack", strict["alerts"][0]["id"][:10])
    bob.json("lookup", "carol@example.org")


def removals(work, log, config):
    """A device known by its key alone, one that vanishes rightly, and an account nobody has a key for."""
    dave = new_person(work, "dave", log, config)
    dave.json("account", "create", "dave")
    desk = dave.json("device", "add", "dave", "--name", "desk", "--key", random_key())["devices"][0]
    key = random_key()
    raw = base64.b64decode(key[4:])
    dave.json("monitor", "approve", "dave", "ab", expect=2)  # in advance: only a full fingerprint
    dave.json("monitor", "approve", "dave", hashlib.sha256(b"\0\x09" + raw).hexdigest())
    log.insert_devices("dave", {"phone": key[4:]})
    told = dave.json("monitor", "once", expect=4)
    check({a["kind"] for a in told["alerts"]} == {"device-removed", "version-not-mine", "unsigned-set"},
          "a device approved in advance is known", told)
    gone = next(a for a in told["alerts"] if a["kind"] == "device-removed")
    check(gone["device"] == desk["id"], "the one that vanished is named")
    dave.json("alerts", "ack", gone["id"])
    dave.json("alerts", "ack", gone["id"], expect=2)
    known = dave.json("device", "list", "dave", expect=4)["devices"][0]
    left = dave.json("device", "remove", "dave", known["id"])
    check(left["devices"] == [], "neither comes back")
    check(dave.alert_kinds() == [], "and everything is settled")
    watcher = new_person(work, "watcher", log, config)
    watcher.json("monitor", "add", "eve")
    watcher.json("monitor", "once", expect=5)
    log.insert("eve", "e")
    watcher.json("monitor", "once", expect=4)
    watcher.json("code", "show", "eve", expect=2)  # whose account?
    watcher.json("contact", "trust", "eve", "--key", "00" * 32, expect=2)
    watched_no_longer(watcher)


def watched_no_longer(watcher):
    """A slip is taken back without a trace; of what was looked up, only the watching ends."""
    before = watcher.json("contact", "list")["contacts"]
    watcher.json("monitor", "add", "typo")
    said = watcher.run("monitor", "once").stderr
    check("kt-verify monitor remove typo" in said, "a label that does not exist: how to watch it no longer is said", said)
    said = watcher.text("monitor", "remove", "typo")
    check("typo is no longer watched; alerts" in said, "and it is watched no longer", said)
    check(watcher.json("contact", "list")["contacts"] == before, "nothing of it is left")
    check(watcher.json("monitor", "remove", "typo", expect=2)["reason"]["code"] == "not-watched", "which is once")
    alerts = watcher.json("alerts", "list")["alerts"]
    watcher.json("monitor", "remove", "eve")
    eve = watcher.json("contact", "list")["contacts"][0]
    check(eve["label"] == "eve" and not eve["watched"], "a contact that was looked up stays one", eve)
    check(alerts and watcher.json("alerts", "list")["alerts"] == alerts, "and so do its alerts", alerts)


def lies(work, log, alice, bob):
    """Every answer with one bit changed is refused, and nothing of it is kept."""
    state = os.path.join(bob.home, "state.db")
    before = bob.json("contact", "show", "alice@example.org")
    for where in (0.1, 0.3, 0.5, 0.7, 0.9):
        def change(path, status, body):
            if path == "/v1/search":
                at = int(len(body) * where)
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
            return status, body
        with open(state, "rb") as file:
            kept = file.read()
        proxy = Proxy(log.url, change)
        lie = bob.json("lookup", "alice@example.org", "--url", proxy.url, expect=1)
        check(lie["verdict"] == "failed" and "devices" not in lie and lie["reason"]["code"], lie["reason"]["code"])
        with open(state, "rb") as file:
            check(file.read() == kept, "a failed query changes nothing (R59)")
    for status, code in ((503, "busy"), (429, "rate-limit"), (500, "server-error"), (302, "server-error")):
        proxy = Proxy(log.url, lambda path, _status, body, wanted=status: (wanted, b"{}"))
        refused = bob.json("monitor", "once", "--url", proxy.url, expect=3)
        check(refused["verdict"] == "undecided" and refused["reason"]["code"] == code, f"status {status} is undecided")
    proxy = Proxy(log.url, lambda path, status, body: (200, b"\0" * (17 << 20)))
    check(bob.json("lookup", "x", "--url", proxy.url, expect=3)["reason"]["code"] == "network", "a flood is cut off")
    check(bob.json("contact", "show", "alice@example.org")["contact"] == before["contact"], "bob's contact is as it was")
    hidden = Proxy(log.url, lambda path, status, body: (403, b"{}") if path == "/v1/owner/monitor" else (status, body))
    check(alice.json("monitor", "once", "--url", hidden.url, expect=3)["reason"]["code"] == "monitoring-refused",
          "a log that refuses monitoring is not verified")


def at_once(bob, alice):
    """Several processes share a home; each either verifies or is undecided, and none is lost."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(bob.run, "lookup", "alice@example.org") for _ in range(6)]
        runs += [pool.submit(alice.run, "monitor", "once") for _ in range(3)]
        codes = [run.result().returncode for run in runs]
    check(codes == [0] * 9, "nine processes at once", codes)


def fork(work, log, alice, bob, config):
    log.stop()
    check(bob.json("lookup", "alice@example.org", expect=3)["reason"]["code"] == "network", "an outage is undecided")
    copy = Log(os.path.join(work, "fork"), log.port)
    shutil.copytree(log.folder, copy.folder)
    log.start()
    alice.json("device", "add", "alice@example.org", "--name", "tablet", "--key", random_key())
    bob.json("lookup", "alice@example.org")
    log.stop()
    copy.start()
    shorter = bob.json("lookup", "alice@example.org", expect=1)
    check(shorter["reason"]["code"] == "rollback" and [a["kind"] for a in shorter["alerts"]] == ["rollback"],
          "a log that shows less is a rollback", shorter)
    copy.insert("mallory", "m")
    forked = bob.json("lookup", "alice@example.org", expect=1)
    check(forked["reason"]["code"] == "fork" and [a["kind"] for a in forked["alerts"]] == ["fork"] and
          {"name": "fork", "ok": False} in forked["checks"], "two roots at one size", forked)
    copy.insert("mallory", "m2")
    check(bob.json("monitor", "once", expect=1)["verdict"] == "failed", "a larger log that does not extend ours")
    check(bob.alert_kinds() == ["fork", "rollback"], "the alerts stay")
    third = Person(os.path.join(work, "third"))
    copy.stop()
    log.start()
    third.json("init", log.url, "--config", config)
    verdicts = sorted(third.run("evidence", "verify", os.path.join(bob.home, "evidence", name)).returncode
                      for name in os.listdir(os.path.join(bob.home, "evidence")))
    check(verdicts.count(0) >= 2, "a third person verifies the evidence", verdicts)
    back = bob.json("lookup", "alice@example.org", expect=4)
    check(len(back["devices"]) == 3, "the log bob knew still verifies, with the alert open")


def days_pass(log, alice, bob):
    """Monitoring across distinguished entries, and a monitor that saw nothing for too long."""
    if FAKETIME is None:
        print("libfaketime is missing: days do not pass", file=sys.stderr)
        return
    for day in (1, 2, 3):
        log.stop()
        log.start(ahead_h=26 * day)
        alice.ahead_h = bob.ahead_h = 26 * day
        blind = alice.json("monitor", "status", expect=3)
        check(blind["reason"]["code"] == "monitor-blind", f"day {day}: alice was blind")
        check(alice.json("monitor", "once")["verdict"] == "verified", f"day {day}: alice's account verifies")
        alice.json("monitor", "status")
        alice.json("device", "add", "alice@example.org", "--name", f"day {day}", "--key", random_key())
        bob.json("monitor", "once", expect=4)  # the fork of earlier is open
        check(len(bob.json("lookup", "alice@example.org", expect=4)["devices"]) == 3 + day, f"day {day}: bob looks up")
    alice.ahead_h = 26 * 5
    for person, verb in ((alice, ["lookup", "bob@example.org"]), (alice, ["monitor", "once"])):
        found = person.json(*verb, expect=3)
        check(found["reason"]["code"] == "stale-or-clock" and {"name": "clock", "ok": False} in found["checks"],
              "a wrong clock is undecided, not an attack")


def main():
    work = tempfile.mkdtemp(prefix="kt-story-")
    try:
        log, config = new_log(work)
        pinning(work, log, config)
        alice = new_person(work, "alice", log, config)
        bob = new_person(work, "bob", log, config)
        registering(alice, bob)
        comparing(alice, bob)
        hidden_device(log, alice, bob)
        approving(log, work, config)
        removals(work, log, config)
        lies(work, log, alice, bob)
        at_once(bob, alice)
        fork(work, log, alice, bob, config)
        days_pass(log, alice, bob)
        log.stop()
    finally:
        shutil.rmtree(work)


main()
