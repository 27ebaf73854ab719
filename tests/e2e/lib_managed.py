# SPDX-License-Identifier: Apache-2.0
"""A log under third-party management: a Manager process, a Service Operator process, and between them a gate that sees
every request, loses answers, or holds requests back."""

import http.server
import os
import re
import shutil
import sqlite3
import struct
import threading
import time
import urllib.error
import urllib.request

from lib_programs import Log, check, server_verb

MODE = ("--mode", "third-party-management")
REFUSAL = b'{"type":"urn:kt:problem:body-too-large","status":413,"detail":"a body has at most 1024 bytes"}'


class Gate(http.server.ThreadingHTTPServer):
    """Hands requests on to `upstream`, headers included. `mode`: "open"; "down" (closes connections), "lose" (updates reach
    the Manager, their answers are lost), "hold" (updates are kept in `held` and go nowhere), "refuse" (updates from
    version `refuse_from` on are too large for the Manager). What goes to `slow_path` is handed on `slow_s` seconds late."""

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), GateHandler)
        self.upstream = upstream
        self.mode = "open"
        self.held = []
        self.arrived = threading.Event()  # something is held, or slow
        self.refuse_from = 0
        self.slow_path = None
        self.slow_s = 0
        self.paths = []  # of every request
        self.last_update = None  # with values
        self.signed = {}  # (label, version) → values that were sent for it
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def see(self, body):
        label, version, values = read_manager_update(body)
        for i, value in enumerate(values):
            self.signed.setdefault((label, version + i), set()).add(value)

    def send(self, method, path, headers, body):
        """To the Manager, whatever the mode."""
        request = urllib.request.Request(self.upstream + path, data=body, method=method, headers={
            name: headers[name] for name in ("Authorization", "Content-Type", "Accept") if headers.get(name)})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


class GateHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one write: the second would wait for the first one's acknowledgement

    def handle_request(self):
        gate = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])) if self.headers["Content-Length"] else None
        is_update = self.path == "/v1/manager/update" and read_manager_update(body)[2] != []
        gate.paths.append(self.path)
        if is_update:
            gate.see(body)
            gate.last_update = body
        if self.path == gate.slow_path:
            gate.arrived.set()
            time.sleep(gate.slow_s)
        if gate.mode == "down":
            return self.drop()
        if gate.mode == "hold" and is_update:
            gate.held.append((dict(self.headers), body))
            gate.arrived.set()
            return self.drop()
        if gate.mode == "refuse" and is_update and read_manager_update(body)[1] >= gate.refuse_from:
            return self.answer(413, {"Content-Type": "application/problem+json"}, REFUSAL)
        try:
            status, headers, content = gate.send(self.command, self.path, self.headers, body)
        except urllib.error.URLError:
            return self.drop()
        if gate.mode == "lose" and is_update:
            return self.drop()
        return self.answer(status, headers, content)

    def answer(self, status, headers, content):
        self.send_response(status)
        for name in ("Content-Type", "Retry-After"):
            if headers.get(name):
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return self.wfile.write(content)

    def drop(self):
        self.close_connection = True

    do_GET = do_POST = handle_request

    def log_message(self, *args):
        pass


def read_manager_update(body):
    """ManagerUpdateRequest, from the draft's text: label, signed_version, values."""
    at = 9 if body[0] else 1  # optional<uint64> last
    label = body[at + 1:at + 1 + body[at]]
    at += 1 + body[at]
    at += 5 if body[at] else 1  # optional<uint32> greatest_version
    values = []
    n, at = body[at], at + 1
    for _ in range(n):
        length = struct.unpack_from(">I", body, at)[0]
        values.append(body[at + 4:at + 4 + length])
        at += 4 + length
        at += 2 + struct.unpack_from(">H", body, at)[0]
    version = struct.unpack_from(">I", body, at)[0]
    assert at + 4 == len(body)
    return label, version, values


class ManagedLog(Log):
    """The operator's process; `manager` and `gate` are the rest."""

    def __init__(self, work, suite, *options):
        super().__init__(os.path.join(work, "operator"))
        self.manager = Log(os.path.join(work, "manager"))
        self.gate = Gate(self.manager.url)
        self.config = os.path.join(self.folder, "config.bin")
        if os.path.exists(self.folder):
            self.move_in()
        else:
            self.make(suite, options)

    def make(self, suite, options):
        server_verb("init", self.folder, *MODE, "--role", "operator", "--suite", suite, "--upstream", self.gate.url,
                    *options)
        server_verb("init", self.manager.folder, *MODE, "--role", "manager", "--suite", suite,
                    "--leaf-key", os.path.join(self.folder, "leaf.pub"))
        server_verb("config", self.manager.folder, "-o", self.config)
        shutil.copy(os.path.join(self.manager.folder, "operator.token"), self.folder)

    def move_in(self):
        """Both folders were copied from elsewhere: their operator still asks the other Manager."""
        path = os.path.join(self.folder, "kt-server.yaml")
        with open(path) as file:
            settings = file.read()
        with open(path, "w") as file:
            file.write(re.sub(r"(?m)^upstream:.*$", f"upstream: {self.gate.url}", settings))

    def start_both(self):
        self.manager.start()
        self.start()
        return self

    def restart(self):
        self.stop()
        self.manager.stop()
        self.start_both()

    def recorded(self, label):
        """What the operator's database says it signed: version → value."""
        with sqlite3.connect(os.path.join(self.folder, "operator.db")) as db:
            return dict(db.execute("SELECT version, value FROM signed WHERE label = ?", (label.encode(),)))

    def check_signed_once(self):
        """No two values for one version were ever sent, and what was sent is what was recorded."""
        twice = [key for key, values in self.gate.signed.items() if len(values) != 1]
        check(twice == [], "no version was signed with two values", twice)
        other = [key for key, values in self.gate.signed.items()
                 if self.recorded(key[0].decode()).get(key[1]) not in values]
        check(other == [], f"{len(self.gate.signed)} versions are recorded as they were sent", other)
