#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Garbage to every verb: from the network, on the command line, in files and in the home. A clear word, the right exit
code, one object with --json, and never a changed mind."""

import hashlib
import os
import shutil
import socketserver
import sqlite3
import stat
import tempfile
import threading

from lib_programs import Log, Person, Proxy, check, random_key, server_verb

HOSTILE_NAME = "--help\x1b[31m\n\u009b2J\u202e'; DROP TABLE alerts;--"


# --- servers that are no log --------------------------------------------------------------------------------------------


def answer(status, headers, body):
    """A raw HTTP answer, whatever it is worth."""
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Raw(socketserver.ThreadingTCPServer):
    """Sends the same bytes to everybody; with `endless` for ever."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, content, endless=False):
        super().__init__(("127.0.0.1", 0), RawHandler)
        self.content = content
        self.endless = endless
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class RawHandler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.request.recv(1 << 16)
            self.request.sendall(self.server.content)
            while self.server.endless:
                self.request.sendall(b"\0" * (1 << 20))
        except OSError:
            pass


PROBLEM = b'{"detail":"evil \\u001b[31m \\u009b \\n \\u202e"}'
ANSWERS = (  # name, bytes, exit code, reason
    ("nothing at all", b"", 3, "network"),
    ("no HTTP", b"SSH-2.0-OpenSSH\r\n", 3, "network"),
    ("HTML", answer("200 OK", ["Content-Type: text/html"], b"<html>"), 1, "malformed-response"),
    ("an empty body", answer("200 OK", ["Content-Length: 0"], b""), 1, "malformed-response"),
    ("half an answer", answer("200 OK", ["Content-Length: 99"], b"abc"), 3, "network"),
    ("more announced than comes", answer("200 OK", ["Content-Length: 16777216"], b"abc"), 3, "network"),
    ("more announced than there is", answer("200 OK", ["Content-Length: 9223372036854775807"], b"abc"), 3, "network"),
    ("more than announced", answer("200 OK", ["Content-Length: 1"], b"abc" * 9999), 1, "malformed-response"),
    ("chunks", answer("200 OK", ["Transfer-Encoding: chunked"], b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), 1, "malformed-response"),
    ("a redirect", answer("302 Found", ["Location: http://127.0.0.1:1/"], b""), 3, "server-error"),
    ("no content", answer("204 No Content", [], b""), 3, "server-error"),
    ("not found", answer("404 Not Found", [], b""), 3, "not-a-log"),
    ("a refusal", answer("403 Forbidden", [], PROBLEM), 3, "forbidden"),
    ("conflicts for ever", answer("409 Conflict", [], b"{}"), 3, "conflict"),
)


def clean(text):
    return all(char == "\n" or char.isprintable() for char in text)


def answers(alice, bob):
    before = bob.json("contact", "show", "alice")["contact"]
    for name, content, code, reason in ANSWERS:
        server = Raw(content)
        found = bob.json("lookup", "alice", "--url", server.url, expect=code)
        check(found["reason"]["code"] == reason and "devices" not in found, f"{name}: {code}", found)
        alice.json("monitor", "once", "--url", server.url, expect=code)
        check(clean(bob.run("lookup", "alice", "--url", server.url).stderr), f"{name}: no escape reaches the terminal")
        server.shutdown()
    flood = Raw(answer("200 OK", [], b""), endless=True)
    check(bob.json("audit", "--url", flood.url, expect=3)["reason"]["code"] == "network", "a flood is cut off")
    nobody = Person(bob.home + "-none")
    check(nobody.json("init", flood.url, "--first-use", expect=3)["verdict"] == "undecided", "nor is it pinned")
    check(not os.path.exists(nobody.home), "and leaves nothing behind")
    check(bob.json("contact", "show", "alice")["contact"] == before, "bob thinks of alice as before")


def refusing_last(log, bob):
    """A log that calls `last` too large and shows garbage to those who remember nothing has failed, not paused."""

    def change(path, status, body):
        return (409, b"{}") if path == "/v1/search" else (status, body[:-1])

    found = bob.json("lookup", "alice", "--url", Proxy(log.url, change).url, expect=1)
    check(found["verdict"] == "failed" and found["checks"] == [{"name": "format", "ok": False}], "it failed", found)


def kept_answers(log, bob):
    """What does not verify is kept, once."""

    def change(path, status, body):
        return (status, body + b"x") if path == "/v1/search" else (status, body)

    before = len(bob.json("evidence", "list")["evidence"])
    proxy = Proxy(log.url, change)
    found = bob.json("lookup", "nobody", "--url", proxy.url, expect=1)
    check({"name": "format", "ok": False} in found["checks"], "the failed check is named", found["checks"])
    bob.json("lookup", "nobody", "--url", proxy.url, expect=1)
    saved = bob.json("evidence", "list")["evidence"]
    check(len(saved) == before + 1 and any(e["kind"] == "failed" and e["code"] == "malformed-response" for e in saved),
          "the answer is kept once", saved)
    kept = next(e for e in saved if e["kind"] == "failed" and e["code"] == "malformed-response")
    bob.json("evidence", "show", kept["id"])
    proxy.shutdown()


# --- substitution ---------------------------------------------------------------------------------------------------------


class Swap(Proxy):
    """Asks the log for another label of the same length than it was asked for."""

    def __init__(self, upstream, wanted, given):
        super().__init__(upstream, lambda path, status, body: (status, body))
        self.RequestHandlerClass = type("Handler", (self.RequestHandlerClass,), {
            "forward": lambda handler, body: super(type(handler), handler).forward(
                body.replace(wanted, given) if body else body)})


def substitution(log, bob):
    proxy = Swap(log.url, b"alice", b"clara")
    found = bob.json("lookup", "alice", "--url", proxy.url, expect=1)
    check(found["verdict"] == "failed" and "devices" not in found, "clara's entry is not alice's", found["reason"])
    found = Person(bob.home + "-new")
    found.json("init", log.url, "--first-use")
    found = found.json("lookup", "alice", "--url", proxy.url, expect=1)
    check(found["reason"]["code"] == "vrf", "not even at first sight", found["reason"])


# --- words ------------------------------------------------------------------------------------------------------------------


def words(log, alice, bob):
    for args in (["frobnicate"], ["a\x1b[31m"], ["lookup"], ["lookup", ""], ["lookup", "x" * 256], ["lookup", "a", "b"],
                 ["lookup", "x", "--version", "-1"], ["lookup", "x", "--version", "4294967295"],
                 ["lookup", "x", "--frob"], ["lookup", "x", "--url", "ftp://x"], ["lookup", "x", "--token", "t"],
                 ["device", "add", "alice", "--name", "x"], ["device", "add", "alice", "--name", "x", "--key", "raw:"],
                 ["device", "add", "alice", "--name", "x" * 256, "--key", "raw:AAAA"],
                 ["device", "add", "alice", "--name", "x", "--key", "raw:@/dev/null"],
                 ["device", "add", "alice", "--name", "x", "--key", "raw:AAAA", "--token", "a\nb"],
                 ["device", "remove", "alice", "phone"], ["device", "remove", "alice", ""],
                 ["contact", "trust", "clara", "--key", "00"], ["contact", "policy", "clara", "odd"],
                 ["alerts", "ack", ""], ["alerts", "ack", "%"], ["evidence", "show", "../../x"],
                 ["audit", "--from", "x"], ["log", "check", "/dev/null"], ["config", "update", "/dev/null"]):
        found = alice.json(*args, expect=2)
        check(found["verdict"] == "usage" and found["reason"]["text"], f"usage: {args}")
    check(b'"usage"' in raw_run(alice, [b"lookup", b"\xff\xfe", b"--json"]), "a label is UTF-8")
    check(b'"text":"unknown verb' in raw_run(alice, [b"\xff", b"--json"]), "one object, whatever the words")
    check("lookup LABEL" in alice.text("help", "lookup") and "device add" in alice.text("help"), "help is a word too")
    for label in ("../../etc/passwd", "a/b", "'; DROP TABLE alerts;--", "%s%n", "\u202eecila", "x" * 255):
        bob.json("lookup", label, expect=5)
        check(bob.json("lookup", label, expect=5)["label"] == label, "a label is only a label")
    log.insert("alice", HOSTILE_NAME)
    refusing = Proxy(log.url, lambda path, status, body: (503, b"{}") if "monitor" in path else (status, body))
    found = alice.json("monitor", "once", "--url", refusing.url, expect=4)
    check(found["alerts"][0]["kind"] == "unknown-device", "refusing the rest does not hide what was found, worst first")
    found = alice.json("monitor", "once", expect=4)
    check(any(a["kind"] == "unknown-device" for a in found["alerts"]), "a device with a hostile name is found")
    shown = alice.run("alerts", "list")
    check(clean(shown.stdout) and "--help" in shown.stdout, "its name drives no terminal")
    check(clean(alice.run("device", "list", "alice", "--json").stdout), "nor as JSON")
    unknown = next(a for a in found["alerts"] if a["kind"] == "unknown-device")
    alice.json("device", "remove", "alice", unknown["device"])


def raw_run(person, args):
    return person.run(*[os.fsdecode(arg) for arg in args]).stdout.encode(errors="surrogateescape")


# --- files ---------------------------------------------------------------------------------------------------------------------


def files(work, log, bob):
    garbage = {"empty": b"", "text": b"hello", "zeros": b"\0" * 500, "large": b"\0" * (2 << 20), "head": b"kt-heads/1\n"}
    for name, content in garbage.items():
        path = os.path.join(work, name)
        with open(path, "wb") as file:
            file.write(content)
        bob.json("log", "check", path, expect=2)
        bob.json("config", "update", path, expect=2)
        check(bob.json("evidence", "verify", path, expect=1)["verdict"] == "failed", f"{name}: evidence of nothing")
        Person(os.path.join(work, "never")).json("init", log.url, "--config", path, expect=2)
        Person(os.path.join(work, "never")).json("account", "import", "x", "--passphrase-file", path, expect=2)
    for verb in (["log", "check"], ["config", "update"], ["evidence", "verify"]):
        bob.json(*verb, os.path.join(work, "missing"), expect=2)
    other = os.path.join(work, "other-log")
    server_verb("init", other)
    config = os.path.join(work, "other.bin")
    server_verb("config", other, "-o", config)
    check(bob.json("config", "update", config, expect=1)["reason"]["code"] == "log-identity", "another log's file")
    other = Log(other).start()
    check(bob.json("lookup", "alice", "--url", other.url, expect=1)["verdict"] == "failed", "another log's answers")
    other.stop()


def seal(state):
    """The checksum of every page (docs/formats.md, Client state), for what was changed on purpose."""
    with open(state, "r+b") as file:
        content = bytearray(file.read())
        for at in range(0, len(content), 4096):
            page = content[at:at + 4088]
            content[at + 4088:at + 4096] = hashlib.sha256(at.to_bytes(8, "big") + page).digest()[:8]
        file.seek(0)
        file.write(content)


def homes(work, bob):
    def copy(name):
        person = Person(os.path.join(work, name))
        shutil.copytree(bob.home, person.home)
        return person, os.path.join(person.home, "state.db")

    def says(person, reason):
        found = person.json("lookup", "alice", expect=2)
        check(found["reason"]["code"] == reason, f"{os.path.basename(person.home)}: {reason}", found)

    person, state = copy("newer")
    with sqlite3.connect(state) as db:
        db.execute("PRAGMA user_version = 99")
    seal(state)
    says(person, "state-version")
    person, state = copy("corrupt")
    with open(state, "r+b") as file:
        file.write(b"\xff" * 4096)
    says(person, "state")
    person, state = copy("truncated")
    os.truncate(state, 5000)
    says(person, "state")
    person, state = copy("emptied")
    os.truncate(state, 0)
    says(person, "not-initialised")
    person, state = copy("mixed-up")
    with sqlite3.connect(state) as db:
        db.execute("UPDATE log SET state = x'00'")
    seal(state)
    says(person, "state")
    person, state = copy("flipped")
    with open(state, "r+b") as file:
        file.seek(3 * 4096 // 2)
        file.write(b"\x01")
    found = person.json("lookup", "alice", expect=2)
    check(found["reason"]["code"] == "state" and "damaged" in found["reason"]["text"], "one byte of the state", found)
    person, state = copy("folder")
    os.remove(state)
    os.mkdir(state)
    says(person, "state")
    if os.geteuid() != 0:
        person, state = copy("read-only")
        os.chmod(state, stat.S_IRUSR)
        os.chmod(person.home, stat.S_IRUSR | stat.S_IXUSR)
        says(person, "state")
        os.chmod(person.home, stat.S_IRWXU)


def keys(alice):
    folder = os.path.join(alice.home, "keys")
    path = os.path.join(folder, os.listdir(folder)[0])
    with open(path, "rb") as file:
        good = file.read()
    for content in (b"", good[:20], good + b"00", b"zz" * 32, b"\0" * 64):
        with open(path, "wb") as file:
            file.write(content)
        found = alice.json("device", "add", "alice", "--name", "x", "--key", random_key(), expect=2)
        check(found["reason"]["code"] == "key-file", "a key file of garbage")
    os.chmod(path, 0o640)
    check(alice.json("device", "add", "alice", "--name", "x", "--key", random_key(), expect=2)["reason"]["code"] ==
          "key-mode", "a key file others can read")
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(good)


def main():
    work = tempfile.mkdtemp(prefix="kt-hostile-")
    try:
        folder = os.path.join(work, "log")
        server_verb("init", folder)
        log = Log(folder).start()
        alice, bob = (Person(os.path.join(work, name)) for name in ("alice", "bob"))
        for person in (alice, bob):
            person.json("init", log.url, "--first-use")
        alice.json("account", "create", "alice")
        alice.json("device", "add", "alice", "--name", "phone", "--key", random_key())
        log.insert("clara", "c")
        bob.json("lookup", "alice")
        answers(alice, bob)
        refusing_last(log, bob)
        kept_answers(log, bob)
        substitution(log, bob)
        words(log, alice, bob)
        files(work, log, bob)
        homes(work, bob)
        keys(alice)
        check(bob.json("lookup", "alice")["verdict"] == "verified", "and all is well")
        log.stop()
    finally:
        shutil.rmtree(work)


main()
