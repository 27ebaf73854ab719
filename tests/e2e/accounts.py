#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several clients of one owner who change the account at the same time, with the real programs: the loser is told, nothing is
lost, and nothing is vouched for unasked."""

import base64
import concurrent.futures
import hashlib
import os
import shutil
import tempfile

from lib_owners import World, add, kinds, settle
from lib_programs import Person, check, random_key


def the_loser_is_told(world):
    first = world.person("ada")
    second = world.second(first, "ada2")
    won = add(first, "tablet")
    key = random_key()
    lost = add(second, "desktop", key, expect=4)
    check(lost["verdict"] == "alert" and lost["reason"]["code"] == "not-first" and "same command again" in
          lost["reason"]["text"] and {"unknown-device", "version-not-mine"} == set(kinds(lost)), "the loser is told", lost)
    check([(d["name"], d["endorsed"]) for d in sorted(lost["devices"], key=lambda d: d["name"])] ==
          [("phone", True), ("tablet", False)] and lost["version"] == won["version"], "and sees the new list", lost)
    again = add(second, "desktop", key, expect=4)
    check(again["reason"]["code"] == "undecided" and again["version"] == won["version"],
          "trying again overwrites nothing: first decide", again)
    tablet = next(d["id"] for d in lost["devices"] if d["name"] == "tablet")
    human = second.run("device", "add", second.label, "--name", "desktop", "--key", key)
    check(f"kt-verify monitor approve {second.label} {tablet}" in human.stderr and
          f"kt-verify device remove {second.label} {tablet}" in human.stderr, "with both commands", human)
    second.json("monitor", "approve", second.label, tablet)
    done = add(second, "desktop", key)
    check({d["name"] for d in done["devices"]} == {"phone", "tablet", "desktop"}, "then both changes are there", done)
    return first, second


def removals_do_not_wait_for_each_other(world, first, second):
    """Two devices of a thief are removed at once; one alone would leave the other undecided."""
    settle(first)
    for name in ("x", "y"):
        settle(second)
        add(second, name)
    first.run("monitor", "once")
    ids = [d["id"] for d in first.json("device", "list", first.label, expect=4)["devices"] if d["name"] in "xy"]
    check(first.json("device", "remove", first.label, ids[0], expect=4)["reason"]["code"] == "undecided", "one is not enough")
    left = first.json("device", "remove", first.label, *ids, expect=4)
    check({d["name"] for d in left["devices"]} == {"phone", "tablet", "desktop"}, "both are gone at once", left)
    check(first.alert_kinds() == ["version-not-mine"], "which settles their alerts, but not who has the key")
    settle(first)


def a_removal_is_not_undone(world):
    """One client takes a device off while the other publishes: it stays off, and the other is asked about it."""
    first = world.person("dee")
    second = world.second(first, "dee2")
    phone = first.json("account", "show", first.label)["devices"][0]["id"]
    first.json("device", "remove", first.label, phone)
    key = random_key()
    lost = add(second, "tablet", key, expect=4)
    check("device-removed" in kinds(lost) and lost["reason"]["code"] == "not-first", "told", lost)
    done = second.json("device", "add", second.label, "--name", "tablet", "--key", key, expect=4)
    check([d["name"] for d in done["devices"]] == ["tablet"] and kinds(done) == ["device-removed", "version-not-mine"],
          "the phone stays off, and the questions stay open", done)
    for alert in done["alerts"]:
        second.json("alerts", "ack", alert["id"])
    check([d["name"] for d in add(second, "desk")["devices"]].count("phone") == 0, "it never comes back by itself")


def planned_changes_merge(world):
    """Each client approved the other's device beforehand: both changes are made, nobody is asked."""
    first = world.person("bea")
    second = world.second(first, "bea2")
    keys = [random_key(), random_key()]
    for client, key in ((first, keys[1]), (second, keys[0])):
        client.json("monitor", "approve", client.label,
                    hashlib.sha256(b"\0\x09" + base64.b64decode(key[4:])).hexdigest())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(add, client, name, key) for client, name, key in
                ((first, "one", keys[0]), (second, "two", keys[1]))]
        for run in runs:
            run.result()
    for client in (first, second):
        found = client.json("monitor", "once")
        check(found["verdict"] == "verified" and client.alert_kinds() == [], "no alert", found)
        check({d["name"] for d in client.json("device", "list", client.label)["devices"]} == {"phone", "one", "two"},
              "both devices are listed")


def a_crowd_loses_nothing(world):
    """Four clients add at once, none of them knowing the others' devices; each loser settles and tries again."""
    clients = [world.person("cleo")]
    clients += [world.second(clients[0], f"cleo{i}") for i in range(2, 5)]

    def insist(number):
        key = random_key()
        for _ in range(12):
            run = clients[number].run("device", "add", clients[number].label, "--name", f"d{number}", "--key", key)
            if run.returncode == 0:
                return
            check(run.returncode == 4, f"client {number} is told", run)
            settle(clients[number])
        check(False, f"client {number} never came through")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(insist, range(4)))
    settle(clients[0])  # whoever came last knows of all already
    listed = {d["name"] for d in clients[0].json("device", "list", clients[0].label)["devices"]}
    check(listed == {"phone", "d0", "d1", "d2", "d3"}, "nothing was lost", listed)


def what_a_thief_did_besides(world):
    """A thief with a copy of the home lists a recovery key or replaces the account key. Approving a device settles neither."""
    alice = world.person("lea")
    thief = Person(os.path.join(world.work, "lea-thief"))
    thief.label = alice.label
    shutil.copytree(alice.home, thief.home)
    thief.json("account", "recovery-key", "create", alice.label)
    thief_device = next(d for d in add(thief, "tablet")["devices"] if d["name"] == "tablet")
    alice.json("monitor", "once", expect=4)
    left = alice.json("monitor", "approve", alice.label, thief_device["id"], expect=4)
    check(kinds(left) == ["version-not-mine"] * 2, "the recovery key is still a question", left)
    key = alice.json("account", "show", alice.label)["recovery_keys"][0]["fingerprint"]
    approved = alice.text("monitor", "approve", alice.label, key)
    check("this recovery key is yours" in approved and "in advance" not in approved and alice.alert_kinds() == [],
          "with it nothing is left to decide", approved)
    thief.json("account", "rotate", alice.label)
    alice.json("monitor", "once", expect=4)
    add(thief, "watch")
    told = alice.text("monitor", "once", expect=4)
    check("ALERT version-not-mine" in told and "Your account key was replaced." in told and
          "with your account key" not in told, "what a thief signs is not said to be signed with Alice's key", told)
    listed = alice.json("alerts", "list")["alerts"]
    check([a["kind"] for a in listed[:2]] == ["version-not-mine"] * 2 and "unknown-device" in kinds({"alerts": listed[2:]}),
          "the takeover stands first", listed)
    alice.json("monitor", "approve", alice.label, next(a["device"] for a in listed if "device" in a), expect=4)
    left = alice.json("monitor", "approve", alice.label, thief_device["id"], expect=4)
    check(kinds(left) == ["version-not-mine"] * 2, "that somebody holds another account key is still a question", left)


def main():
    work = tempfile.mkdtemp(prefix="kt-accounts-")
    try:
        world = World(work)
        removals_do_not_wait_for_each_other(world, *the_loser_is_told(world))
        a_removal_is_not_undone(world)
        planned_changes_merge(world)
        a_crowd_loses_nothing(world)
        what_a_thief_did_besides(world)
        world.log.stop()
    finally:
        shutil.rmtree(work)


main()
