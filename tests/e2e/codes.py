#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Public codes and in-person payloads between people with the real programs."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import zlib

from lib_people import another_key, new_log, new_person
from lib_programs import Person, check


def flip(text, at):
    """Another character of the alphabet that the text is in, at this place."""
    return text[:at] + ("Q" if text[at] in "Pp" else "p" if text.islower() else "P") + text[at + 1:]


def public_codes(alice, bob, carol):
    code = bob.text("code", "public", bob.label).strip()
    check(len(code) == 62 and code.startswith("ktp1"), "bob prints his code", code)
    check(alice.json("code", "public", bob.label)["code"] == code, "the log shows alice the same")
    match = alice.json("code", "check-public", bob.label, code)
    check(match["match"] and match["contact"]["state"] == "verified" and match["contact"]["method"] == "public-code",
          "a posted code verifies the contact", match)
    other = "q" if code[20] != "q" else "p"  # another character of the alphabet
    typo = alice.json("code", "check-public", bob.label, code[:20] + other + code[21:], expect=2)
    check(typo["reason"]["code"] == "code-checksum", "a slip is not a mismatch", typo)
    typo = alice.json("code", "check-public", bob.label, code[:20] + "b" + code[21:], expect=2)
    check("look at character 21 again" in typo["reason"]["text"], "and the place is named where it is known", typo)
    check(alice.alert_kinds() == [], "no alert of a slip")
    other = alice.json("code", "check-public", bob.label, carol.json("code", "public", carol.label)["code"], expect=4)
    check(other["match"] is False and other["contact"]["state"] == "changed" and
          [alert["kind"] for alert in other["alerts"]] == ["code-mismatch"], "another code is an alert", other)
    check(alice.json("code", "check-public", bob.label, "-", stdin=f"  {code.upper()}\n")["match"],
          "capitals from stdin match")
    check(alice.alert_kinds() == [], "which settles the alert")


class Payload:
    """The text of docs/formats.md, taken apart and put together again."""

    def __init__(self, text):
        packed = text.removeprefix("KTQ1:")
        body = base64.b32decode(packed + "=" * (-len(packed) % 8))[:-8]
        at = 33 + body[32]
        self.sender = body[at:at + 32]
        at += 33 + body[at + 32]
        self.recipient = body[at:at + 32]
        self.start = body[:at + 32]
        self.heads = [(int.from_bytes(body[i:i + 8], "big"), body[i + 8:i + 40])
                      for i in range(at + 33, len(body), 40)]

    def text(self):
        body = self.start + bytes([len(self.heads)]) + b"".join(size.to_bytes(8, "big") + root
                                                                for size, root in self.heads)
        return "KTQ1:" + base64.b32encode(body + hashlib.sha256(body).digest()[:8]).decode().rstrip("=")


def changed(text, change):
    payload = Payload(text)
    change(payload)
    return payload.text()


def images(work, alice, bob):
    image = os.path.join(work, "bob.png")
    precious = os.path.join(work, "precious")
    with open(precious, "w") as file:
        file.write("of somebody else")
    os.symlink(precious, image + ".tmp")  # laid out where others may write
    shown = bob.json("code", "qr", alice.label, "--png", image)
    with open(precious) as file:
        check(file.read() == "of somebody else" and not os.path.islink(image), "no link is followed")
    check(shutil.which("zbarimg") is not None, "zbarimg is there (zbar-tools)")
    read = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", image], text=True,
                          capture_output=True)
    check(read.stdout.strip() == shown["payload"], "zbar reads the image", read)
    match = alice.json("code", "scan", image)
    check(match["match"] and match["log_match"] == "same" and match["common_size"] >= 1, "so does scan", match)
    without_zbar(work, alice, image)
    drawn = bob.text("code", "qr", alice.label, "--color", "always").splitlines()
    plain = bob.text("code", "qr", alice.label).splitlines()
    rows = [line for line in plain if not line.strip("█▀▄ ")]
    check(len({len(row) for row in rows}) == 1 and len(rows) == (len(rows[0]) + 1) // 2 <= 40,
          "the symbol fits a terminal", len(rows[0]))
    check(rows[0].strip() == rows[1].strip() == "" and all(row.startswith("    ") for row in rows), "with a quiet zone")
    check(drawn[0].startswith("\033[38;5;16;48;5;231m") and "\033" not in "".join(plain), "in both colours, or in none")
    check(shown["payload"] in plain, "the text is there as well")
    write_screen(os.path.join(work, "screen.png"), rows)
    check(alice.json("code", "scan", os.path.join(work, "screen.png"))["match"], "what the terminal shows is read")
    for name, content, code in (("text.png", b"KTQ", "image"), ("none.png", None, "image-empty")):
        path = os.path.join(work, name)
        if content is None:
            write_screen(path, [" " * 40] * 20)
        else:
            with open(path, "wb") as file:
                file.write(content)
        check(alice.json("code", "scan", path, expect=2)["reason"]["code"] == code, f"{name} is refused")
    check(alice.json("code", "scan", "nowhere.png", expect=2)["reason"]["code"] == "file", "so is no file")
    other = alice.json("code", "scan", "https://example.org/menu", expect=2)
    check("neither a code of kt-verify" in other["reason"]["text"], "so is another code, and the text says what it is not",
          other)


def without_zbar(work, alice, image):
    """An empty file in its place: the library is loaded when an image is read, and not found."""
    folder = os.path.join(work, "no-zbar")
    os.mkdir(folder)
    with open(os.path.join(folder, "libzbar.so.0"), "w"):
        pass
    os.environ["LD_LIBRARY_PATH"] = folder
    reason = alice.json("code", "scan", image, expect=3)["reason"]
    del os.environ["LD_LIBRARY_PATH"]
    check(reason["code"] == "image-reader" and "apt install libzbar0" in reason["text"], "without libzbar it says what to do",
          reason)


def write_screen(path, rows):
    """A picture of a terminal: each half block is 6 pixels high and wide."""
    dark = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    lines = [b"".join((b"\x00" if dark[cell][half] else b"\xff") * 6 for cell in row) for row in rows for half in (0, 1)]
    pixels = b"".join((b"\x00" + line) * 6 for line in lines)

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = len(lines[0]).to_bytes(4, "big") + (6 * len(lines)).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) +
                   chunk(b"IEND", b""))


def in_person(alice, bob, carol):
    text = bob.json("code", "qr", alice.label)["payload"]
    match = alice.json("code", "scan", text)
    check(match["verdict"] == "verified" and match["contact"]["method"] == "qr" and
          match["contact"]["state"] == "verified" and {"name": "same-log", "ok": True} in match["checks"],
          "one scan verifies the contact and the log", match)
    check(alice.json("code", "scan", "-", stdin=text + "\n")["match"], "from stdin as well")
    for payload, code, why in ((text.replace("KTQ1", "KTQ2"), "payload-version", "a newer version"),
                               (flip(text, 100), "payload-damaged", "a misread character"),
                               ("KTX:1", "file", "something else"),
                               (alice.json("code", "qr", bob.label)["payload"], "own-payload", "one's own screen"),
                               (carol.json("code", "qr", bob.label)["payload"], "other-people", "another's code"),
                               (changed(text, other_log), "other-log", "another log")):
        refused = alice.json("code", "scan", payload, expect=2)
        check(refused["reason"]["code"] == code and "match" not in refused, f"{why} is refused", refused)
    check(alice.alert_kinds() == [], "nothing of that is an alert")
    check("newer" in alice.json("code", "scan", text.replace("KTQ1", "KTQ9"), expect=2)["reason"]["text"],
          "with a clear text")


def other_log(payload):
    payload.start = bytes(32) + payload.start[32:]


def kept_answer(work, found, key, config):
    """What the log signed about the other person is kept; anybody can check it without the log, and what it is not worth."""
    exported = os.path.join(work, "answer.evidence")
    shutil.copy(found["evidence_file"], exported)
    check(os.stat(found["evidence_file"]).st_mode & 0o077 == 0, "kept for oneself only")
    third = Person(os.path.join(work, "nobody"))
    said = third.json("evidence", "verify", exported, "--config", config, expect=1)
    check(said["reason"]["code"] == "no-contradiction" and said["evidence"]["kind"] == "answer" and
          said["evidence"]["label"] == found["label"] and said["account_key"] == key and
          "only the person can say" in said["does_not_prove"], "the log's signed answer is evidence", said)
    with open(exported, "r+b") as file:
        file.seek(-100, os.SEEK_END)
        byte = file.read(1)
        file.seek(-100, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    third.json("evidence", "verify", exported, "--config", config, expect=1)
    check("proves nothing" in third.run("evidence", "verify", exported, "--config", config).stderr, "a changed one is none")


def acknowledged(work, alice, bob, alert):
    """Acknowledging says that somebody knows of it; the keys are as doubtful as before."""
    alice.json("alerts", "ack", alert)
    check(alice.alert_kinds() == [], "nothing is open")
    found = alice.json("lookup", bob.label, expect=4)
    check(found["verdict"] == "alert" and found["contact"]["state"] == "changed" and
          found["reason"]["code"] == "contact-changed", "still an alert", found)
    check("VERIFIED" not in alice.run("lookup", bob.label).stdout, "and not verified to people")
    group = os.path.join(work, "group.txt")
    with open(group, "w", encoding="utf-8") as file:
        file.write(bob.label + "\n")
    found = alice.json("lookup", "--group", group, expect=4)
    check(found["members"][0]["verdict"] == "alert", "nor in a group", found)
    alice.json("lookup", bob.label, "--version", "0", expect=4)


def mismatches(work, config, alice, bob):
    text = bob.json("code", "qr", alice.label)["payload"]
    for which, start in (("theirs", "The log shows you"), ("yours", "The log shows them")):
        def other_key(payload):
            old = payload.sender if which == "theirs" else payload.recipient
            payload.start = payload.start.replace(old, bytes(32))
        found = alice.json("code", "scan", changed(text, other_key), expect=4)
        check(found["match"] is False and found["contact"]["state"] == "changed" and
              found["reason"]["text"].split("MISMATCH. ")[1].startswith(start), f"{which} differs", found)
        check([alert["kind"] for alert in found["alerts"]] == ["code-mismatch"], "and is an alert")
        kept_answer(work, found, bob.json("account", "show", bob.label)["account_key"], config)
        alice.json("lookup", bob.label, expect=4)
        check(alice.json("contact", "show", bob.label)["contact"]["state"] == "changed", "looking again does not settle it")
        acknowledged(work, alice, bob, found["alerts"][0]["id"])
        check(alice.json("code", "scan", text)["contact"]["state"] == "verified", "a match settles it")
    alice.json("code", "compare", bob.label, "0" * 60, expect=4)
    key = bytes.fromhex(bob.json("account", "show", bob.label)["account_key"])
    alice.json("contact", "trust", bob.label, "--key", hashlib.sha256(key).hexdigest())
    check(alice.alert_kinds() == [] and alice.json("contact", "show", bob.label)["contact"]["state"] == "verified",
          "so does the fingerprint in full")


def heads(alice, bob, carol):
    text = bob.json("code", "qr", alice.label)["payload"]

    def larger(payload):
        payload.heads = [(size + 1000, root) for size, root in payload.heads]

    found = alice.json("code", "scan", changed(text, larger), expect=3)
    check(found["match"] and found["log_match"] == "undecided" and found["reason"]["code"] == "no-common-size",
          "heads that nobody here knows are undecided", found)
    size = alice.json("log", "head")["log"]["tree_size"]
    between = next(n for n in range(size - 1, 0, -1) if n not in [head[0] for head in Payload(text).heads])

    def made_up(payload):
        payload.heads = [(between, bytes(32))]

    found = carol.json("code", "scan", changed(bob.json("code", "qr", carol.label)["payload"], made_up), expect=1)
    check(found["log_match"] == "fork" and "match" not in found and "fork" in carol.alert_kinds(),
          "any size that the log can be asked about is compared", found)
    check(carol.json("contact", "show", bob.label)["contact"]["state"] == "unverified", "nobody is verified by it")

    def other_root(payload):
        payload.heads[0] = (payload.heads[0][0], bytes(32))

    found = alice.json("code", "scan", changed(text, other_root), expect=1)
    check(found["verdict"] == "failed" and found["log_match"] == "fork" and alice.alert_kinds() == ["fork"],
          "another root at a common size is a fork", found)


def taken_over(work, log, config, alice, bob):
    bob_sees_alice = bob.json("code", "qr", alice.label)["payload"]
    check(alice.json("code", "scan", bob_sees_alice)["contact"]["state"] == "verified", "all is well at first")
    another_key(work, "thief", log, config, bob.label)
    found = alice.json("code", "scan", bob.json("code", "qr", alice.label)["payload"], expect=4)
    kinds = {alert["kind"] for alert in found["alerts"]}
    check(found["match"] is False and {"account-key-changed", "code-mismatch"} <= kinds and
          found["contact"]["state"] == "changed", "a key that the operator put there is found out", found)
    thiefs = alice.json("contact", "show", bob.label)["account_key"]
    check(thiefs != bob.json("account", "show", bob.label)["account_key"], "it is not bob's")
    kept_answer(work, found, thiefs, config)
    gone = alice.json("code", "compare", bob.label, "0" * 60, "--url", "http://127.0.0.1:1", expect=4)
    check(gone["match"] is False and "evidence_file" not in gone, "a mismatch is told without the log as well", gone)


def with_open_alerts(log, eve, frank):
    """A match is about account keys: it says so when one's own account has alerts that are not settled."""
    digits = eve.json("code", "show", frank.label)["code"]
    check("own account" not in eve.run("code", "compare", frank.label, digits).stdout, "nothing to say")
    check(eve.json("code", "show", eve.label, expect=2)["reason"]["code"] == "own-account", "there is no code with oneself")
    log.insert(eve.label, "spy")
    eve.json("monitor", "once", expect=4)
    said = eve.run("code", "compare", frank.label, digits)
    check(said.returncode == 0 and "MATCH" in said.stdout and "your own account" in said.stdout and
          "kt-verify alerts list" in said.stdout, "the open alerts are named", said.stdout)
    found = eve.json("code", "compare", frank.label, digits)
    check(found["match"] and "unknown-device" in {alert["kind"] for alert in found["alerts"]}, "and listed", found)


def main():
    work = tempfile.mkdtemp(prefix="kt-codes-")
    try:
        log, config = new_log(work)
        alice, bob, carol = (new_person(work, name, log, config) for name in ("alice", "bob", "carol"))
        public_codes(alice, bob, carol)
        images(work, alice, bob)
        in_person(alice, bob, carol)
        mismatches(work, config, alice, bob)
        dora = new_person(work, "dora", log, config)
        taken_over(work, log, config, dora, bob)
        heads(alice, carol, dora)
        with_open_alerts(log, *(new_person(work, name, log, config) for name in ("eve", "frank")))
        log.stop()
    finally:
        shutil.rmtree(work)


main()
