# SPDX-License-Identifier: Apache-2.0
"""Running the real programs: a log, homes of people, a proxy that changes answers, a clock that is set forward.
KT_SERVER and KT_VERIFY name the programs."""

import atexit
import base64
import ctypes
import glob
import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

SERVER = os.environ["KT_SERVER"]
VERIFY = os.environ["KT_VERIFY"]
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


def check(condition, text, *details):
    if not condition:
        print("not ok:", text, *details, file=sys.stderr)
        sys.exit(1)
    print("ok:", text)


def find_tool(name):
    """The path of a program that a test can do without, or None. scripts/check does not do without (KT_CHECK): it brings it along."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin")
    if found is None:
        check("KT_CHECK" not in os.environ, f"{name} is there")
        print(f"{name} is not installed: what it would show is left out")
    return found


def is_sanitized():
    """Whether the programs were built with a sanitizer, whose run-time library takes memory and makes calls of its own."""
    with open(SERVER, "rb") as file:
        program = file.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def fake_clock(**how):
    """What libfaketime is told: FAKETIME or FAKETIME_TIMESTAMP_FILE, and what holds for all. Monotonic clocks are left as
    they are, and waits by them as well: its "fix" would have them return at once, and the thread spin."""
    return dict(how, LD_PRELOAD=FAKETIME, DONT_FAKE_MONOTONIC="1", FAKETIME_FORCE_MONOTONIC_FIX="0",
                ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")


def environment(ahead_h):
    """The environment of a program whose clock is ahead_h hours ahead."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("KT_")}
    if ahead_h:
        env.update(fake_clock(FAKETIME=f"+{ahead_h}h"))
    return env


def die_with_us():
    """preexec_fn of a server: it ends with the thread that started it, even when that is killed and cleans nothing up."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def of_threads(pid, name):
    """What the system's file of this name says of each thread; one that ended while they were listed is none."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/{name}", encoding="ascii", errors="replace") as file:
                said = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield said


def random_key():
    return "raw:" + base64.b64encode(os.urandom(32)).decode()


def server_verb(*args, ahead_h=0):
    result = subprocess.run([SERVER, *args], capture_output=True, text=True, timeout=60, env=environment(ahead_h))
    if result.returncode != 0:
        sys.exit(f"kt-server {args}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def free_port(first=20000, end=32000):
    """Below those that the system picks from, so that nobody is given it while the log that uses it is down."""
    while True:
        port = random.randrange(first, end)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Log:
    """A folder of kt-server, running or not, always at the same address."""

    def __init__(self, folder, port=0):
        self.folder = folder
        self.ahead_h = 0
        self.process = None
        if port == 0:
            port = free_port()
        self.move(port)

    def move(self, port):
        """The address from the next start on."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def start(self, ahead_h=0, stderr=None):
        self.ahead_h = ahead_h
        self.process = subprocess.Popen([SERVER, "run", self.folder, "--listen", f"127.0.0.1:{self.port}"],
                                        stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment(ahead_h), preexec_fn=die_with_us)
        atexit.register(self.process.kill)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                return self
        return sys.exit(f"kt-server does not run {self.folder}")

    def stop(self):
        self.process.terminate()
        check(self.process.wait(timeout=30) == 0, "kt-server stops")

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)

    def insert(self, label, *names):
        """The operator's doing: a new version for the label."""
        self.insert_devices(label, {name: random_key()[4:] for name in names})

    def insert_devices(self, label, keys):
        devices = [{"name": name, "keys": [{"alg": "raw", "key": key}]} for name, key in keys.items()]
        path = self.folder + ".json"
        with open(path, "w") as file:
            json.dump({"label": label, "devices": devices}, file)
        server_verb("update-label", self.folder, label, path, ahead_h=self.ahead_h)


class Person:
    """One home of kt-verify."""

    def __init__(self, home, ahead_h=0):
        self.home = home
        self.ahead_h = ahead_h

    def run(self, *args, stdin=None, env=None):
        everything = environment(self.ahead_h)
        everything.update(env or {})
        return subprocess.run([VERIFY, *args, "--home", self.home], capture_output=True, text=True, timeout=120,
                              input=stdin, env=everything)

    def text(self, *args, expect=0, stdin=None):
        result = self.run(*args, stdin=stdin)
        if result.returncode != expect:
            sys.exit(f"kt-verify {args}: {result.returncode}, expected {expect}\n{result.stdout}{result.stderr}")
        return result.stdout

    def json(self, *args, expect=0, stdin=None):
        """The one object, whatever the outcome; the exit code has to be `expect`."""
        return json.loads(self.text(*args, "--json", expect=expect, stdin=stdin))

    def alert_kinds(self):
        return sorted({alert["kind"] for alert in self.json("alerts", "list")["alerts"]})


class Proxy(http.server.ThreadingHTTPServer):
    """Hands everything on to `upstream`; `change(path, status, body)` may replace the answer."""

    def __init__(self, upstream, change):
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.upstream = upstream
        self.change = change
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    def forward(self, body):
        request = urllib.request.Request(self.server.upstream + self.path, data=body,
                                         headers={"Content-Type": "application/octet-stream"} if body else {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        status, content = self.server.change(self.path, status, content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.forward(None)

    def do_POST(self):
        self.forward(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *args):
        pass
