# SPDX-License-Identifier: Apache-2.0
"""System calls that fail, one and from then on all, in server, signer, client and auditor: nobody crashes or hangs, a client
says no word against an honest log, nothing acknowledged is lost, and without the failure everything goes on.

Called with the build folder, a stride (1: every call; default: a few drawn by lot), a folder that keeps the counters, a seed
(lib_counters), a share K/N (every N-th of the points, from the K-th), and which calls (default: all); KT_SERVER and KT_VERIFY name the programs, kt-failing-calls.so in the build folder
makes calls fail (tests/failing_calls/shim.c). "alloc" is an allocation of the programs, of Jansson or of SQLite.

What each program calls is counted once, and the points drawn from it are kept in a file: the next run goes on behind the last
one that was done."""

import atexit
import errno
import http.client
import json
import os
import re
import select
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from lib_counters import LongRun, read_whole, write_whole
from lib_programs import (SERVER, VERIFY, Log, Person, check, die_with_us, environment, is_sanitized, random_key,
                          server_verb)
from lib_server import change_settings

BUILD = sys.argv[1]
STRIDE = int(sys.argv[2]) if len(sys.argv) > 2 else 0
FOLDER, SEED, SHARE = (sys.argv[3:6] + ["", "", ""])[:3]
SHIM = os.path.join(BUILD, "tests", "kt-failing-calls.so")
A_FEW = 1  # of each role, without a stride
PATIENCE_S = 150  # a client waits a minute for a server that accepts nobody
LABEL, BOB = "alice@example.org", "bob@example.org"
# What a disk, a full table or a peer does. A lock that another process holds is no failure but an answer.
CAUSES = {"open": errno.EMFILE, "read": errno.EIO, "pread": errno.EIO, "write": errno.EIO, "pwrite": errno.EIO,
          "fsync": errno.EIO, "fdatasync": errno.EIO, "ftruncate": errno.EIO, "rename": errno.EIO, "unlink": errno.EIO,
          "flock": errno.ENOLCK, "fcntl": errno.ENOLCK, "mmap": errno.ENOMEM, "socket": errno.EMFILE,
          "connect": errno.ECONNREFUSED, "accept": errno.EMFILE, "recv": errno.ECONNRESET, "send": errno.ECONNRESET,
          "poll": errno.ENOMEM, "epoll": errno.ENOSPC, "thread": errno.EAGAIN, "alloc": errno.ENOMEM}
GROUPS = ("init", "run", "signer", "lookup", "monitor", "device", "audit", "auditor")
CALLS = sys.argv[6:] or list(CAUSES)
ALLOCATIONS_PER_CALL = 1 if CALLS == ["alloc"] else 10  # there are many more of them: among others, one in so many
FIRST, SHARES = map(int, (SHARE or "1/1").split("/"))
ALSO_FULL = ("write", "pwrite", "ftruncate", "open")  # these fail for want of room as well


class Point:
    def __init__(self, role, call, nth, cause, goes_on):
        self.role, self.call, self.nth, self.cause, self.goes_on = role, call, nth, cause, goes_on

    def __str__(self):
        more = " and all that follow" if self.goes_on else ""
        return f"{self.role}: {self.call} {self.nth}{more}: {errno.errorcode[self.cause]}"

    def environment(self):
        env = environment(0)
        env.update(LD_PRELOAD=SHIM, KT_FAIL_VERB=self.role, KT_FAIL_CALL=self.call, KT_FAIL_NTH=str(self.nth),
                   KT_FAIL_ERRNO=str(self.cause))
        if self.goes_on:
            env["KT_FAIL_ON"] = "1"
        return env


def expect(condition, point, *details):
    if not condition:
        check(False, str(point), *details)


def counting(role, counts):
    env = environment(0)
    env.update(LD_PRELOAD=SHIM, KT_FAIL_VERB=role, KT_FAIL_COUNTS=counts)
    return env


def choose(counts, rng):
    """Of all that a role did when nothing failed, every so many-th: [call, n-th, cause, goes on]."""
    with open(counts, encoding="ascii") as file:
        numbers = {}
        for line in file:
            name, n = line.split()
            numbers[name] = max(numbers.get(name, 0), int(n))
    os.unlink(counts)
    points = []
    for call, n in ((call, numbers[call]) for call in CALLS):
        stride = max(STRIDE, 1) * (ALLOCATIONS_PER_CALL if call == "alloc" else 1)
        causes = [CAUSES[call]] + ([errno.ENOSPC] if call in ALSO_FULL else [])
        first = 1 + rng.randrange(stride)
        for cause in causes:
            for nth in range(first, n + 1, stride):
                # A process that can wait for nobody any more can be asked nothing: it has only to survive one failure.
                points += [[call, nth, cause, goes_on] for goes_on in (False, True) if call != "poll" or not goes_on]
    if STRIDE:
        return points
    quick = [point for point in points if point[0] != "accept" or not point[3]]
    return rng.sample(quick, min(len(quick), A_FEW))


def each_point(run, group, role, count):
    """What no run did yet; count() lets the role work with nothing failing, and says where its calls are counted."""
    path = run.path(f"points-{group}.json")
    points = read_whole(path, None)
    if points is None:
        points = choose(count(), run.choices(group))[FIRST - 1::SHARES]
        write_whole(path, points)
    for point in points[run[group]:]:
        yield Point(role, *point)
        run.add(**{group: 1})
    print(f"{group}: {len(points)} points", flush=True)


# --- the client -----------------------------------------------------------------------------------------------------------


def client(home, env, *args):
    try:
        return subprocess.run([VERIFY, *args, "--home", home, "--json"], capture_output=True, text=True, env=env,
                              timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as late:
        return check(False, "it hangs", args, env.get("KT_FAIL_CALL"), env.get("KT_FAIL_NTH"), late)


def check_client(point, done):
    """Done, a mistake, or undecided; never a crash, and never that the log failed or that there is something to fear."""
    expect(done.returncode in (0, 2, 3), point, "the client's verdict is its own trouble", done)
    if done.returncode == 0:
        expect(json.loads(done.stdout)["verdict"] in ("done", "verified"), point, "what it says is whole", done)
    return done.returncode == 0


class Clients:
    """One log that works; every point has a home of its own, as it was before."""

    def __init__(self, where, log, config):
        self.where, self.log, self.n = where, log, 0
        self.home = os.path.join(where, "base")
        person = Person(self.home)
        person.json("init", log.url, "--config", config)
        person.json("account", "create", LABEL)
        person.json("device", "add", LABEL, "--name", "phone", "--key", "raw:AAAA")
        bob = Person(os.path.join(where, "bob"))
        bob.json("init", log.url, "--config", config)
        bob.json("account", "create", BOB)
        bob.json("device", "add", BOB, "--name", "phone", "--key", "raw:AAAA")

    def copy(self):
        home = os.path.join(self.where, "home")
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.home, home)
        return home

    def lookup(self, env):
        home = self.copy()
        return home, client(home, env, "lookup", BOB)

    def monitor(self, env):
        home = self.copy()
        return home, client(home, env, "monitor", "once")

    def audit(self, env):
        home = self.copy()
        return home, client(home, env, "audit")

    def device(self, env):
        """A label of its own: the log cannot be put back."""
        home = self.copy()
        self.n += 1
        Person(home).json("account", "create", f"new{self.n}@example.org")
        return home, client(home, env, "device", "add", f"new{self.n}@example.org", "--name", "phone", "--key", "raw:AAAA")

    def run(self, point, do):
        home, done = do(point.environment())
        check_client(point, done)
        again = Person(home)
        expect(again.run("lookup", BOB).returncode == 0, point, "afterwards it looks up", done)
        expect(again.run("monitor", "once").returncode == 0, point, "and monitors", done)
        expect(not again.json("alerts", "list")["alerts"], point, "and nothing alarms it", done)
        if point.role == "device":
            added = again.run("device", "add", f"new{self.n}@example.org", "--name", "tablet", "--key", random_key())
            expect(added.returncode == 0, point, "and publishes", added)


def run_clients(run):
    where = run.place
    folder = os.path.join(where, "log")
    server_verb("init", folder)
    change_settings(folder, "cadence: 0ms\n")
    config = os.path.join(where, "config")
    server_verb("config", folder, "-o", config)
    log = Log(folder).start()
    clients = Clients(where, log, config)
    for role, do in (("lookup", clients.lookup), ("monitor", clients.monitor), ("device", clients.device), ("audit", clients.audit)):
        def count(role=role, do=do):
            counts = os.path.join(where, "counts")
            _, done = do(counting(role, counts))
            check(done.returncode == 0, f"{role}: without a failure", done.returncode, done.stderr)
            return counts

        for point in each_point(run, role, role, count):
            clients.run(point, do)
    log.stop()


# --- the auditor ----------------------------------------------------------------------------------------------------------


def run_auditor(run):
    """Under third-party auditing: what it says afterwards is about the same log, and it signs on."""
    where = run.place
    folder = os.path.join(where, "audited")
    base, now = os.path.join(where, "auditor-base"), os.path.join(where, "auditor")
    os.mkdir(base)
    subprocess.run([VERIFY, "auditor", "keygen", os.path.join(base, "key")], check=True, capture_output=True, env=environment(0))
    server_verb("init", folder, "--mode", "third-party-auditing", "--auditor-key", os.path.join(base, "key.pub"))
    config = os.path.join(where, "audited-config")
    server_verb("config", folder, "-o", config)
    log = Log(folder).start()
    Person(os.path.join(base, "home")).json("init", log.url, "--config", config)
    home, key = os.path.join(now, "home"), os.path.join(now, "key")

    def fresh():
        shutil.rmtree(now, ignore_errors=True)
        shutil.copytree(base, now)

    def count():
        counts = os.path.join(where, "counts")
        fresh()
        done = client(home, counting("audit", counts), "audit", "--sign", key)
        check(done.returncode == 0, "auditor: without a failure", done.returncode, done.stderr)
        return counts

    for point in each_point(run, "auditor", "audit", count):
        fresh()
        done = client(home, point.environment(), "audit", "--sign", key)
        expect(done.returncode in (0, 2, 3), point, "the auditor's verdict is its own trouble", done)
        again = client(home, environment(0), "audit", "--sign", key)
        expect(again.returncode == 0, point, "afterwards it signs", done, again)
    log.stop()


# --- the server and its signer --------------------------------------------------------------------------------------------


class Served:
    """A folder, started with calls that fail, or counted."""

    def __init__(self, folder, env, where):
        self.said = os.path.join(where, "said")
        with open(self.said, "w", encoding="utf-8") as messages:
            self.process = subprocess.Popen([SERVER, "run", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                            stderr=messages, text=True, env=env, preexec_fn=die_with_us)
        atexit.register(self.process.kill)
        ready = select.select([self.process.stdout], [], [], PATIENCE_S)[0]
        line = self.process.stdout.readline() if ready else ""
        found = re.match(r"listening on (\S+)", line)
        self.url = found[1] if found else None

    def stop(self, point):
        self.process.terminate()
        try:
            code = self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = None
        self.process.stdout.close()  # there are thousands of them
        atexit.unregister(self.process.kill)
        with open(self.said, encoding="utf-8", errors="replace") as file:
            said = file.read()
        allowed = (0, 3) if self.url else (2, 3)
        expect(code in allowed, point, "the server ends in order, and says why", code, self.url, said[-600:])
        expect(code == 0 or said.strip(), point, "it says why", code)
        return said


class Servers:
    def __init__(self, where):
        self.where = where
        self.base, self.folder = os.path.join(where, "server-base"), os.path.join(where, "server")
        self.home_base, self.home = os.path.join(where, "owner-base"), os.path.join(where, "owner")
        server_verb("init", self.base)
        change_settings(self.base, "cadence: 0ms\ndrain: 1s\n")
        self.config = os.path.join(where, "server-config")
        server_verb("config", self.base, "-o", self.config)
        log = Log(self.base).start()
        owner = Person(self.home_base)
        owner.json("init", log.url, "--config", self.config)
        owner.json("account", "create", LABEL)
        owner.json("device", "add", LABEL, "--name", "phone-0", "--key", "raw:AAAA")
        log.stop()

    def fresh(self):
        for base, copy in ((self.base, self.folder), (self.home_base, self.home)):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(base, copy, ignore=shutil.ignore_patterns("*.sock"))

    def use(self, server, point):
        """What an owner does, and the name that was acknowledged last."""
        acknowledged, n = "phone-0", 0
        for i in range(1, 4 if server.url else 1):
            done = client(self.home, environment(0), "device", "add", LABEL, "--name", f"phone-{i}", "--key", "raw:AAAA",
                          "--url", server.url)
            expect(done.returncode in (0, 3), point, "an update is done or undecided", done)
            n = i
            is_done = done.returncode == 0
            acknowledged = f"phone-{i}" if is_done else acknowledged
            done = client(self.home, environment(0), "lookup", LABEL, "--url", server.url)
            expect(done.returncode in (0, 3), point, "a lookup is answered or undecided", done)
            if not is_done or done.returncode != 0:
                break  # more of the same, and each time a client waits
            self.look_at_views(server, point)
        return acknowledged, n

    def look_at_views(self, server, point):
        """JSON, over HTTP and through the operator's socket: an object that is whole, or a refusal."""
        request = urllib.request.Request(server.url + "/v1/tree-head", headers={"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                expect(isinstance(json.loads(answer.read()), dict), point, "a view is whole")
        except urllib.error.HTTPError as error:
            expect(error.code in (500, 503), point, "a view is refused for the server's trouble", error)
        except (http.client.HTTPException, OSError):
            pass  # nobody answers any more, or nobody is let in: the rest is looked at after the restart
        try:
            done = subprocess.run([SERVER, "status", self.folder, "--json"], capture_output=True, text=True,
                                  env=environment(0), timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired as late:
            check(False, str(point), "the operator is answered", late)
        view = json.loads(done.stdout)
        expect(done.returncode in (0, 3) and view["schema"] == "kt.server.status/1", point, "the operator's view is whole", done)

    def check_after(self, point, acknowledged, n):
        server = Served(self.folder, environment(0), self.where)
        expect(server.url, point, "afterwards the log starts", open(server.said, encoding="utf-8").read())
        done = client(self.home, environment(0), "lookup", LABEL, "--url", server.url)
        expect(done.returncode == 0, point, "and is the same log", done)
        name = json.loads(done.stdout)["devices"][0]["name"]
        expect(int(acknowledged[6:]) <= int(name[6:]) <= n, point, "with all that was acknowledged", acknowledged, name)
        server.stop(point)
        fsck = subprocess.run([SERVER, "fsck", self.folder], capture_output=True, text=True, env=environment(0), check=False)
        expect(fsck.returncode == 0, point, "and undamaged", fsck)

    def count(self, role):
        counts = os.path.join(self.where, "counts")
        self.fresh()
        server = Served(self.folder, counting(role, counts), self.where)
        self.use(server, role)
        server.stop(role)
        return counts

    def run(self, point):
        self.fresh()
        server = Served(self.folder, point.environment(), self.where)
        acknowledged, n = self.use(server, point)
        server.stop(point)
        self.check_after(point, acknowledged, n)


def run_init(run):
    """A new log that fails leaves nothing, so that the same command can be tried again."""
    folder = os.path.join(run.place, "new")

    def init(env):
        return subprocess.run([SERVER, "init", folder], capture_output=True, text=True, env=env, timeout=PATIENCE_S, check=False)

    def count():
        counts = os.path.join(run.place, "counts")
        check(init(counting("init", counts)).returncode == 0, "init: without a failure")
        return counts

    for point in each_point(run, "init", "init", count):
        shutil.rmtree(folder, ignore_errors=True)
        done = init(point.environment())
        expect(done.returncode in (0, 2, 3), point, "a log is made, or not", done)
        if done.returncode != 0:
            left = os.listdir(folder) if os.path.isdir(folder) else []
            # What cannot be removed is said: by a call that goes on failing.
            expect(not left or point.call == "unlink" or "remain" in done.stderr, point, "nothing is left", left, done)
            shutil.rmtree(folder, ignore_errors=True)
            expect(init(environment(0)).returncode == 0, point, "and it can be tried again")
    shutil.rmtree(folder, ignore_errors=True)


def run_servers(run):
    servers = Servers(run.place)
    for role in ("run", "signer"):
        for point in each_point(run, role, role, lambda role=role: servers.count(role)):
            servers.run(point)


def main():
    if is_sanitized():
        print("a build with sanitizers: their run-time library wants to come first, so nothing was preloaded")
        return
    with LongRun("failing-calls", FOLDER, SEED or None, stride=STRIDE, calls=CALLS, share=SHARE) as run:
        print(f"failing-calls: stride {STRIDE}, seed {run.seed}, in {run.folder}", flush=True)
        for part in (run_init, run_servers, run_clients, run_auditor):
            run.work()
            part(run)
        n = sum(run[group] for group in GROUPS)
        print(f"{n} failing calls, 0 crashes, 0 wrong verdicts, 0 losses")


main()
