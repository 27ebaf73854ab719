#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live comparisons between two people with the real programs: over the relay, over pipes, and against a relay that lies.
Whatever it does, the two never become verified contacts of each other with different keys: the people here say yes when
both see the same numbers, and no otherwise."""

import hashlib
import http.client
import http.server
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

from lib_people import another_key, forget, new_log, new_person
from lib_programs import VERIFY, Log, check, environment

ROOM = 10000000


def next_room():
    global ROOM
    ROOM += 1
    return str(ROOM)


# --- people ---------------------------------------------------------------------------------------------------------


class Side:
    """One running `code sas`; its person answers when asked."""

    def __init__(self, person, role, label, *args):
        self.process = subprocess.Popen([VERIFY, "code", "sas", role, label, *args, "--home", person.home],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment(0))
        self.lines = queue.Queue()
        self.output = ""
        self.errors = ""
        self.threads = [threading.Thread(target=self.read_output, daemon=True),
                        threading.Thread(target=self.read_errors, daemon=True)]
        for thread in self.threads:
            thread.start()

    def read_output(self):
        for line in self.process.stdout:
            self.output += line
            self.lines.put(line)
        self.lines.put(None)

    def read_errors(self):
        self.errors = self.process.stderr.read()

    def next_with(self, word):
        """What follows the word on the line that begins with it; None when the program ended without one."""
        while (line := self.lines.get(timeout=60)) is not None:
            if line.startswith(word):
                return line[len(word):].strip()
        return None

    def numbers(self):
        return self.next_with("or as numbers: ")

    def answer(self, word):
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended meanwhile

    def end(self):
        code = self.process.wait(timeout=60)
        for thread in self.threads:
            thread.join(timeout=10)
        return code


def converse(starter, joiner):
    """Both people look, then answer. The numbers each saw, and the exit codes."""
    seen = [starter.numbers(), joiner.numbers()]
    word = "yes" if seen[0] is not None and seen[0] == seen[1] else "no"
    for side, numbers in zip((starter, joiner), seen):
        if numbers is not None:
            side.answer(word)
    return seen, [starter.end(), joiner.end()]


def state(person, other):
    contact = person.json("contact", "show", other.label)["contact"]
    return contact["state"], contact.get("method")


# --- honest channels ------------------------------------------------------------------------------------------------


def over_the_relay(alice, bob):
    starter = Side(alice, "start", bob.label)
    room = starter.next_with("room ")
    check(room is not None and len(room) == 9 and room[4] == "-", "the starter's program names a room", room)
    joiner = Side(bob, "join", alice.label, *room.split("-"))
    seen, codes = converse(starter, joiner)
    check(seen[0] == seen[1] and seen[0] is not None and codes == [0, 0], "both see the same and are done", seen, codes,
          starter.errors, joiner.errors)
    emoji = [[line for line in side.output.splitlines() if line.startswith("  ")][:7] for side in (starter, joiner)]
    check(len(emoji[0]) == 7 and emoji[0] == emoji[1], "seven emoji with names", emoji)
    check(state(alice, bob) == state(bob, alice) == ("verified", "sas"), "both are verified contacts")


def refusals(alice, bob):
    forget(alice, bob)
    room = next_room()
    starter, joiner = Side(alice, "start", bob.label, room), Side(bob, "join", alice.label, room)
    check(starter.numbers() == joiner.numbers(), "both see the same")
    starter.answer("what?")
    starter.answer("no")
    codes = [starter.end(), joiner.end()]
    check(codes == [4, 3] and "another code" in joiner.errors, "one person's no ends both", codes, joiner.errors)
    check(alice.alert_kinds() == ["code-mismatch"] and state(alice, bob)[0] == "changed" and
          state(bob, alice)[0] == "unverified", "with an alert for who said it, and for the other nothing")
    room = next_room()
    starter, joiner = Side(alice, "start", bob.label, room), Side(bob, "join", alice.label, room)
    check(starter.numbers() == joiner.numbers(), "both see the same")
    joiner.process.stdin.close()
    codes = [starter.end(), joiner.end()]
    check(codes == [3, 3] and "stopped" in starter.errors, "without an answer nothing is verified", starter.errors)
    check(alice.json("code", "sas", "begin", bob.label, expect=2)["verdict"] == "usage", "start or join")
    check(alice.json("code", "sas", "join", bob.label, "1234", expect=2)["reason"]["code"] == "room", "no such room")
    check(alice.json("code", "sas", "start", bob.label, "--in", "x", expect=2)["verdict"] == "usage", "--in needs --out")
    check(alice.json("code", "sas", "start", bob.label, "--confirm", "y", expect=2)["verdict"] == "usage", "yes or no")


def over_files(work, alice, bob):
    forget(alice, bob)
    for kind in ("pipe", "file"):
        there, back = os.path.join(work, kind + "-there"), os.path.join(work, kind + "-back")
        if kind == "pipe":
            os.mkfifo(there)
            os.mkfifo(back)
        starter = Side(alice, "start", bob.label, "--in", back, "--out", there, "--confirm", "yes")
        joined = bob.json("code", "sas", "join", alice.label, "--in", there, "--out", back, "--confirm", "yes")
        check(starter.end() == 0 and joined["match"] and joined["contact"]["method"] == "sas", f"over a {kind}", joined)
        check(len(joined["emoji"]) == 7 and joined["decimals"] in starter.output, "both with the same code")


# --- a flood --------------------------------------------------------------------------------------------------------


def put_from(log, address, mailbox, body):
    host, port = log.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20, source_address=(address, 0))
    connection.request("PUT", f"/v1/relay/{mailbox}", body, {"Content-Type": "application/octet-stream"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def flood(log, alice, bob):
    """One address puts as much as it can: it is slowed down, and nobody else."""
    forget(alice, bob)
    took = [put_from(log, "127.0.0.3", f"flood-number-{n:08}", bytes(4096))[0] for n in range(300)]
    check(set(took) == {200, 429} and 32 <= took.count(200) <= 64, "a flood is slowed down", took.count(200))
    check(took[:32] == [200] * 32, "but not a comparison's messages")
    others = [put_from(log, f"127.0.1.{1 + n % 10}", f"other-number-{n:08}", b"x")[0] for n in range(100)]
    check(set(others) == {200}, "and others are not", others)
    over_the_relay(alice, bob)


# --- a hostile relay --------------------------------------------------------------------------------------------------


class Relay(http.server.ThreadingHTTPServer):
    """Keeps the mailboxes of one exchange as it likes and hands the rest on to the log. `attack.put(role, n, message)`
    gives the messages that are delivered instead of the n-th one of `role`."""

    def __init__(self, upstream, room, log_id, attack):
        super().__init__(("127.0.0.1", 0), RelayHandler)
        self.upstream = upstream
        self.attack = attack
        self.roles = {hashlib.sha256(b"kt-sas-relay/1" + log_id + role.encode() + room.encode()).hexdigest(): role
                      for role in ("starter", "joiner")}
        self.boxes = {role: [] for role in self.roles.values()}
        self.n = {role: 0 for role in self.boxes}
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def put(self, role, body):
        with self.lock:
            n = self.n[role]
            self.n[role] += 1
            for message in self.attack.put(self, role, n, body):
                self.boxes[role].append(message)
            return bytes([min(len(self.boxes[role]), 255)])

    def get(self, role, start):
        with self.lock:
            messages = self.boxes[role][start:]
            plain = bytes([len(messages)]) + b"".join(len(m).to_bytes(2, "big") + m for m in messages)
            return self.attack.answer(plain)


class RelayHandler(http.server.BaseHTTPRequestHandler):
    def reply(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def forward(self, body):
        request = urllib.request.Request(self.server.upstream + self.path, data=body,
                                         headers={"Content-Type": "application/octet-stream"} if body else {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.reply(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self.reply(error.code, error.read())

    def role(self):
        name = self.path.split("?")[0].removeprefix("/v1/relay/")
        return self.server.roles.get(name)

    def do_GET(self):
        if self.role() is None:
            self.forward(None)
        else:
            self.reply(200, self.server.get(self.role(), int(self.path.split("from=")[1])))

    def do_POST(self):
        self.forward(self.rfile.read(int(self.headers["Content-Length"])))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = self.server.attack.refuse()
        if refusal is None:
            self.reply(200, self.server.put(self.role(), body))
        else:
            self.reply(refusal, b"")

    def log_message(self, *args):
        pass


class Attack:
    """An honest relay; each attack changes one thing."""

    def put(self, relay, role, n, body):
        return [body]

    def answer(self, content):
        return content

    def refuse(self):
        """The status of a PUT that is not taken."""


class Busy(Attack):
    """Has no time at first."""

    def __init__(self):
        self.refusals = [503, 429, 503]

    def refuse(self):
        return self.refusals.pop() if self.refusals else None


def edit(message, **members):
    return json.dumps({**json.loads(message), **members}).encode()


def flip(text, at=0):
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]


class OnMessage(Attack):
    """Changes the n-th message of one side."""

    def __init__(self, role, n, change):
        self.role, self.n, self.change = role, n, change

    def put(self, relay, role, n, body):
        return self.change(body) if (role, n) == (self.role, self.n) else [body]


class Reflect(Attack):
    """Everybody hears themselves."""

    def put(self, relay, role, n, body):
        relay.boxes["joiner" if role == "starter" else "starter"].append(body)
        return []


class Swap(Attack):
    """The joiner's key goes ahead of its commitment."""

    def __init__(self):
        self.held = []

    def put(self, relay, role, n, body):
        if role == "joiner" and n == 0:
            self.held = [body]
            return [json.dumps({**{k: v for k, v in json.loads(body).items() if k != "commitment"}, "type": "key",
                                "key": "09" + "00" * 31}).encode()]
        return [body] + (self.held if role == "joiner" and n == 1 else [])


class Garbage(Attack):
    def __init__(self, content):
        self.content = content

    def answer(self, content):
        return self.content


class Replay(Attack):
    """The messages of an earlier exchange."""

    def __init__(self, earlier):
        self.earlier = earlier

    def put(self, relay, role, n, body):
        return [self.earlier[role][n]] if n < len(self.earlier[role]) else [body]


class Record(Attack):
    def __init__(self):
        self.messages = {"starter": [], "joiner": []}

    def put(self, relay, role, n, body):
        self.messages[role].append(body)
        return [body]


def attacks(earlier):
    def on(role, n, **members):
        return OnMessage(role, n, lambda body: [edit(body, **{name: value(json.loads(body).get(name, ""))
                                                              for name, value in members.items()})])

    def key(text):
        return "45" + flip(text[2:], 10)

    zero = lambda _: "00" * 32
    cancel = lambda body: [json.dumps({"protocol": "kt-sas/1", "type": "cancel", "reason": "mismatch",
                                       "transaction": json.loads(body)["transaction"]}).encode()]
    return {
        "another account key of the joiner in start": on("starter", 0, joiner_key=key),
        "another account key of the starter in start": on("starter", 0, starter_key=key),
        "another label in start": on("starter", 0, joiner_label=lambda text: text + "x"),
        "another log in start": on("starter", 0, log_id=flip),
        "another transaction in start": on("starter", 0, transaction=flip),
        "another version in start": on("starter", 0, protocol=lambda _: "kt-sas/2"),
        "an unknown member in start": on("starter", 0, extra=lambda _: "1"),
        "start twice": OnMessage("starter", 0, lambda body: [body, body]),
        "another commitment": on("joiner", 0, commitment=flip),
        "another transaction in accept": on("joiner", 0, transaction=flip),
        "accept twice": OnMessage("joiner", 0, lambda body: [body, body]),
        "another key of the starter": on("starter", 1, key=flip),
        "another key of the joiner": on("joiner", 1, key=flip),
        "a key of small order from the starter": on("starter", 1, key=zero),
        "a key of small order from the joiner": on("joiner", 1, key=zero),
        "the joiner's key before its commitment": Swap(),
        "another mac of the starter": on("starter", 2, mac=flip),
        "another mac of the joiner": on("joiner", 2, mac=flip),
        "mac twice": OnMessage("starter", 2, lambda body: [body, body]),
        "a cancel instead of the mac": OnMessage("joiner", 2, cancel),
        "a message that is not JSON": OnMessage("starter", 1, lambda body: [b"\xff\x00{"]),
        "an empty message": OnMessage("starter", 1, lambda body: [b""]),
        "a message of 5000 bytes": OnMessage("starter", 1, lambda body: [body + b" " * 5000]),
        "an object nested deeply": OnMessage("starter", 1, lambda body: [b"[" * 3000]),
        "a repeated member": OnMessage("starter", 1, lambda body: [body[:-1] + b',"type":"mac"}']),
        "everybody hears themselves": Reflect(),
        "garbage for a mailbox": Garbage(b"\x05\xff\xff"),
        "an empty answer": Garbage(b""),
        "an older exchange": Replay(earlier),
    }


def through(log, log_id, alice, bob, attack):
    room = next_room()
    relay = Relay(log.url, room, log_id, attack)
    starter = Side(alice, "start", bob.label, room, "--url", relay.url)
    joiner = Side(bob, "join", alice.label, room, "--url", relay.url)
    return starter, joiner, relay


def end_quickly(sides, timeout_s):
    """A side that waits for what never comes would wait ten minutes."""
    for side in sides:
        try:
            side.process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            side.process.kill()


def hostile(log, log_id, alice, bob):
    forget(alice, bob)
    record = Record()
    seen, codes = converse(*through(log, log_id, alice, bob, record)[:2])
    check(seen[0] == seen[1] and codes == [0, 0], "a relay that only listens changes nothing", seen, codes)
    check([len(m) for m in record.messages.values()] == [3, 3], "three messages each way")
    forget(alice, bob)
    seen, codes = converse(*through(log, log_id, alice, bob, Busy())[:2])
    check(seen[0] == seen[1] and codes == [0, 0], "a relay that is busy is asked again", seen, codes)
    forget(alice, bob)
    cases = attacks(record.messages)
    check(len(cases) >= 15, "enough attacks", len(cases))
    for name, attack in cases.items():
        starter, joiner, relay = through(log, log_id, alice, bob, attack)
        answering(starter, joiner)
        end_quickly((starter, joiner), 3)
        codes = [starter.end(), joiner.end()]
        states = [state(alice, bob)[0], state(bob, alice)[0]]
        # The last message of all may be lost: then one side knows that the other confirmed the same keys.
        late = name in ("a cancel instead of the mac", "another mac of the joiner", "another mac of the starter",
                        "mac twice")
        check(any(code != 0 for code in codes) or name == "mac twice", f"{name}: ended", codes, starter.errors,
              joiner.errors)
        check(states.count("verified") == codes.count(0) and (late or "verified" not in states),
              f"{name}: nobody is deceived", states, codes, starter.errors, joiner.errors)
        said = [side.errors for side, code in ((starter, codes[0]), (joiner, codes[1])) if code in (1, 3)]
        check(all("Nothing was changed" in text or "relay" in text for text in said), f"{name}: the reason is said",
              said)
        relay.shutdown()
        if states != ["unverified"] * 2:
            forget(alice, bob)


def answering(starter, joiner):
    """People who cannot hear of an end: each answers as soon as both have looked."""
    seen = {}

    def look(side):
        seen[side] = side.numbers()

    threads = [threading.Thread(target=look, args=(side,), daemon=True) for side in (starter, joiner)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=3)
    numbers = [seen.get(starter), seen.get(joiner)]
    for side, own in zip((starter, joiner), numbers):
        if own is not None:
            side.answer("yes" if numbers[0] == numbers[1] else "no")


# --- a man in the middle ------------------------------------------------------------------------------------------------


def man_in_the_middle(work, log, config, alice, bob):
    """He has the log: alice is shown his key for bob, bob his key for alice, and both exchanges go through him. He does
    everything right; only the two people's numbers tell."""
    log.stop()
    shutil.copytree(log.folder, log.folder + "-bob")
    for_alice, for_bob = Log(log.folder).start(), Log(log.folder + "-bob").start()
    as_bob = another_key(work, "as-bob", for_alice, config, bob.label)
    as_alice = another_key(work, "as-alice", for_bob, config, alice.label)
    rooms = next_room(), next_room()
    him = [Side(as_bob, "join", alice.label, rooms[0], "--url", for_alice.url, "--confirm", "yes"),
           Side(as_alice, "start", bob.label, rooms[1], "--url", for_bob.url, "--confirm", "yes")]
    seen, codes = converse(Side(alice, "start", bob.label, rooms[0], "--url", for_alice.url),
                           Side(bob, "join", alice.label, rooms[1], "--url", for_bob.url))
    check(None not in seen and seen[0] != seen[1], "a man in the middle gives them different numbers", seen)
    check(codes == [4, 4] and "code-mismatch" in alice.alert_kinds() and "code-mismatch" in bob.alert_kinds(),
          "which both see and say", codes)
    check("verified" not in (state(alice, bob)[0], state(bob, alice)[0]), "nobody is verified")
    for side in him:
        side.end()
    for_alice.stop()
    for_bob.stop()


def main():
    work = tempfile.mkdtemp(prefix="kt-sas-")
    try:
        log, config = new_log(work)
        alice, bob = (new_person(work, name, log, config) for name in ("alice", "bob"))
        over_the_relay(alice, bob)
        flood(log, alice, bob)
        refusals(alice, bob)
        over_files(work, alice, bob)
        hostile(log, bytes.fromhex(alice.json("log", "head")["log"]["id"]), alice, bob)
        man_in_the_middle(work, log, config, alice, bob)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
