# SPDX-License-Identifier: Apache-2.0
"""A disk of 16 MiB that fills up under a running log, at different moments of its work: updates are refused, searches go on,
readiness and metrics tell within seconds, and when there is room again the log goes on by itself, with everything that was
acknowledged and undamaged.

Called with the build folder, the number of points (default: a short run), a folder that keeps the counters, and a seed
(lib_counters). Needs root, for a disk of its own; says so and stops where none can be mounted. Counted is a log with all its
points, when everything acknowledged was found in it."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

from lib_counters import LongRun
from lib_programs import SERVER, Person, check, environment, server_verb
from lib_server import RunningServer, search_body
from lib_writers import Writer, check_quietly

POINTS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
FOLDER, SEED = (sys.argv[3:5] + ["", ""])[:2]
WRITERS = 4
POINTS_OF_LOG = 10  # what is done again after an interruption, at most
DISK_MIB = 16
FREE_MAX = 3 << 20  # what is left at the most remote point
TELLS_WITHIN_S = 5
BINARY = {"Content-Type": "application/octet-stream"}
SETTINGS = "cadence: 0ms\nlimits:\n  disk: 64KiB\n"


def is_full(said):
    return "full" in said or "No space" in said


class Disk:
    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", folder]
        self.is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        self.ballast = os.path.join(folder, "ballast")

    def free(self):
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_frsize

    def fill(self, rest):
        """The log writes at the same time: until so much is left at this moment, or nothing."""
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while self.free() > rest:
                    file.write(bytes(min(self.free() - rest, 1 << 16)))
            except OSError:
                pass

    def make_room(self):
        os.unlink(self.ballast)

    def unmount(self):
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def search(server, label):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/v1/search", body=search_body(label.encode()), headers=BINARY)
    status = connection.getresponse().status
    connection.close()
    return status


def is_told_full(server):
    return json.loads(server_verb("status", server.folder, "--json"))["disk_full"]


def check_journal(server):
    """A line when updates begin to be refused and one when they go on, however many there were."""
    lines = [line for line in server.said if is_line_of_disk(line)]
    check_quietly(lines and all(("the disk is full" in line) == (i % 2 == 0) for i, line in enumerate(lines)),
                  "full and room again are told in turn", lines)


def is_line_of_disk(line):
    return "the disk is full" in line or "room on the disk again" in line


def wait_until(what, *details, within_s=TELLS_WITHIN_S):
    end = time.monotonic() + within_s
    while not what():
        if time.monotonic() > end:
            check(False, f"within {within_s} s", *(detail() if callable(detail) else detail for detail in details))
        time.sleep(0.02)


def is_ready(server):
    status, text = get(server.health, "/readyz")
    check_quietly(status == 200 or json.loads(text)["type"].endswith(":disk-full"), "the reason is the disk", text)
    metrics = get(server.health, "/metrics")[1]
    return status == 200 and "\nkt_ready 1\n" in metrics


def is_not_ready(server):
    status, text = get(server.health, "/readyz")
    metrics = get(server.health, "/metrics")[1]
    return status == 503 and "disk-full" in text and "\nkt_ready 0\n" in metrics


def fill_at(disk, server, writers, free):
    """One point: so much is free, and the writers use it up."""
    refused = sum(writer.n_refused for writer in writers)
    disk.fill(free)
    # A log that needs no page more than it has writes over its own: then nothing but what is left is filled as well.
    end = time.monotonic() + 3
    while sum(writer.n_refused for writer in writers) == refused:
        check_quietly(server.process.poll() is None, "the server goes on", "".join(server.said[-5:]))
        check_quietly(all(writer.is_alive() for writer in writers), "every writer goes on")
        if time.monotonic() > end:
            disk.fill(0)
        check_quietly(time.monotonic() < end + 20, "updates are refused at last")
        time.sleep(0.02)
    # A log may find room in its own write-ahead log by a checkpoint: what it frees is filled again.
    wait_until(lambda: disk.fill(0) or is_not_ready(server), "readiness and metrics tell", free, disk.free())
    check_quietly(search(server, writers[0].accounts[0].label) == 200, "searches go on")
    wait_until(lambda: disk.fill(0) or is_told_full(server), "status tells")
    wait_until(lambda: disk.fill(0) or "updates are refused" in get(server.health, "/readyz")[1],
               "readiness tells that they are refused now")
    disk.make_room()
    done = [writer.n_done for writer in writers]
    wait_until(lambda: is_ready(server), "readiness comes back")
    wait_until(lambda: all(writer.n_done > n for writer, n in zip(writers, done)), "updates go on without a restart",
               lambda: ([writer.said for writer in writers], server.said[-5:], done, [writer.n_done for writer in writers]),
               within_s=20)
    check_quietly(not is_told_full(server), "status tells that there is room")
    check_journal(server)


def in_own_mounts():
    """Again in a namespace of mounts that ends with this program, however it ends. False: there cannot be one."""
    if "KT_OWN_MOUNTS" in os.environ:
        return True
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return False
    again = ["unshare", "--mount", sys.executable, "-B", *sys.argv]
    return os.execvpe(again[0], again, os.environ | {"KT_OWN_MOUNTS": "yes"})


def run_log(where, disk, points, rng):
    """One log, for as many points as its disk has room for; its counters."""
    folder = os.path.join(disk.folder, "log")
    server_verb("init", folder)
    config = os.path.join(where, "config")
    server_verb("config", folder, "-o", config)
    server = RunningServer(folder, SETTINGS)
    writers = [Writer(os.path.join(where, f"home{i}"), f"owner{i}-", server.url, config, is_full) for i in range(WRITERS)]
    for writer in writers:
        writer.start()
    n = 0
    while n < points and disk.free() > 6 << 20:
        time.sleep(rng.random() * 0.2)
        fill_at(disk, server, writers, rng.choice((0, 4096, rng.randrange(1 << 16), rng.randrange(FREE_MAX))))
        n += 1
    for writer in writers:
        writer.is_over = True
    for writer in writers:
        writer.join()
    person = Person(os.path.join(where, "reader"))
    person.json("init", server.url, "--config", config)
    for account in (account for writer in writers for account in writer.accounts):
        account.check(person)
    server.stop()
    fsck = subprocess.run([SERVER, "fsck", folder], capture_output=True, text=True, env=environment(0), check=False)
    check_quietly(fsck.returncode == 0, "fsck finds nothing", fsck)
    return {"logs": 1, "points": n, "acknowledged": sum(writer.n_done for writer in writers),
            "refused": sum(writer.n_refused for writer in writers)}


def next_log(run):
    """False: no disk."""
    where = run.work()
    disk = Disk(os.path.join(where, "disk"))
    if not disk.is_mounted:
        return False
    try:
        done = run_log(where, disk, min(POINTS - run["points"], POINTS_OF_LOG), run.choices(run["logs"]))
    finally:
        disk.unmount()
    run.add(**done)
    print(f"{run['points']} points: {run.counters}", flush=True)
    return True


def main():
    has_disk = in_own_mounts()
    with LongRun("full-disk", FOLDER, SEED or None) as run:
        print(f"full-disk: {POINTS} points, seed {run.seed}", flush=True)
        while has_disk and run["points"] < POINTS:
            has_disk = next_log(run)
        if not has_disk:
            print("no small disk can be mounted here (that needs root): a full disk was not tried")
            return
        print(f"{run['points']} full disks, {run['refused']} updates refused, {run['acknowledged']} acknowledged, 0 lost")


main()
