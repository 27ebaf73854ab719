#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Texts in windows of 80, 60 and 40 columns, of every verb that has something to say: no line is longer than the window
unless it is one word, nothing is missing, a QR code that does not fit is not drawn and the person is told what to do
instead. Colours are there in a terminal that has them, and nowhere else."""

import re
import shutil
import tempfile
import unicodedata

import lib_programs
from lib_people import new_log, new_person
from lib_programs import VERIFY, check
from lib_terminal import Terminal

WIDE = 4000
COLOR = re.compile("\033\\[[0-9;]*m")


def screen(person, columns, *args, expect=None, **env):
    terminal = Terminal([VERIFY, *args, "--home", person.home], dict(lib_programs.environment(0), **env), columns)
    code = terminal.end(30)
    check(code == expect, f"{' '.join(args)[:50]}: {code}", terminal.text()) if code != expect else None
    return terminal.text()


def columns_of(line):
    """Wide characters take two, marks that change the one before none."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    return wide - sum(unicodedata.category(c) in ("Mn", "Cf") for c in line)


def words(text):
    """What is said, without what differs from run to run."""
    text = COLOR.sub("", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+ min \d+ s", "then", " ".join(text.split()))


def in_windows(person, *args, expect=0):
    person.run(*args)  # what is new is told once, and the second time in short
    whole = words(screen(person, WIDE, *args, expect=expect, TERM="dumb"))
    check(len(whole) > 10, f"{' '.join(args)[:50]}: there is something to read", whole)
    for columns in (80, 60, 40):
        text = screen(person, columns, *args, expect=expect, TERM="dumb")
        long = [line for line in text.splitlines() if columns_of(line) > columns and len(line.split()) > 1 and
                not re.match(" +kt-verify ", line)]  # a command is there to be copied whole
        check(not long, f"{' '.join(args)[:50]}: fits {columns} columns", long)
        check(words(text) == whole, "  and nothing is missing", words(text), whole)


def qr_code(alice, bob):
    drawn = re.compile("^[█▀▄ ]*[█▀▄]{3}[█▀▄ ]*$", re.M)
    whole = screen(alice, 100, "code", "qr", bob.label, expect=4, TERM="dumb")
    check(drawn.search(whole) and "is not drawn" not in whole, "a QR code that fits is drawn")
    narrow = words(screen(alice, 40, "code", "qr", bob.label, expect=4, TERM="dumb"))
    wide = int(re.search(r"needs a window of (\d+) columns", narrow)[1])
    check(drawn.search(screen(alice, wide, "code", "qr", bob.label, expect=4, TERM="dumb")), f"in {wide} columns as well")
    for columns in (40, wide - 1):
        text = screen(alice, columns, "code", "qr", bob.label, expect=4, TERM="dumb")
        check(not drawn.search(text), f"{columns} columns: it is not drawn")
        check(f"and this one has {columns}" in words(text) and f"kt-verify code qr {bob.label} --png FILE" in words(text),
              "  and the person is told what to do", text)
        check("KTQ1:" in text, "  the text is there all the same")


def colors(alice, bob):
    for env, expect in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                        ({"TERM": "xterm", "NO_COLOR": ""}, True)):
        for args in (("lookup", bob.label), ("code", "qr", bob.label), ("alerts", "list"), ("audit", "--from", "0")):
            text = screen(alice, 100, *args, expect=0 if args[0] in ("alerts", "audit") else 4, **env)
            found = "\033" in text
            check(found == expect, f"{args[0]} {env}: colours {found}", repr(text))
    check("\033" not in alice.run("lookup", bob.label, env={"TERM": "xterm"}).stdout, "none in a pipe")
    check("\033" in alice.run("lookup", bob.label, "--color", "always").stdout, "unless asked for")
    check("\033" not in screen(alice, 100, "lookup", bob.label, "--color", "never", expect=4, TERM="xterm"), "none if not wanted")


def main():
    work = tempfile.mkdtemp(prefix="kt-windows-")
    try:
        log, config = new_log(work)
        alice, bob = (new_person(work, name, log, config) for name in ("alice", "bob"))
        for args, code in ((("lookup", bob.label), 0), (("code", "show", bob.label), 0), (("code", "public", alice.label), 0),
                           (("monitor", "once"), 0), (("monitor", "status"), 0), (("contact", "show", bob.label), 0),
                           (("device", "list", alice.label), 0), (("audit", "--from", "0"), 0), (("log", "head"), 0),
                           (("config", "show"), 0), (("evidence", "list"), 0), (("help",), 0), (("help", "lookup"), 0),
                           (("device", "add", "--help"), 0), (("lookup", "nobody@example.org"), 5),
                           (("account", "create", alice.label), 2), (("code", "scan", "https://example.org"), 2)):
            in_windows(alice, *args, expect=code)
        log.insert(alice.label, "日本語の名前 cloud backup")
        bob.run("lookup", alice.label)
        alice.json("code", "compare", bob.label, "0" * 60, expect=4)
        for args, code in ((("monitor", "once"), 4), (("device", "list", alice.label), 4), (("alerts", "list"), 0),
                           (("device", "remove", alice.label, "0000"), 2)):
            in_windows(alice, *args, expect=code)
        in_windows(bob, "lookup", alice.label, expect=4)
        qr_code(alice, bob)
        colors(alice, bob)
        log.stop()
    finally:
        shutil.rmtree(work)


main()
