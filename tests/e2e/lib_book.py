# SPDX-License-Identifier: Apache-2.0
"""A document of prose and of what people typed and saw. Every command line runs in a shell, at a terminal of its own, on
the computer of the person who types it; what it shows goes into the document as it was on the screen."""

import json
import os
import re
import subprocess

from lib_people import new_log
from lib_programs import SERVER, VERIFY, check, environment
from lib_terminal import Terminal
from lib_transcript import LETTERS, digest, plain

WIDE = 4000  # columns while it runs: lines are broken when the values in them have their length
QR_ROW = re.compile(r"^ *[█▀▄][ █▀▄]*$|^ +$")
SYMBOL = "    [the QR code]"


class Book:
    """Chapters, in the order in which they are told."""

    def __init__(self, work):
        self.work = work
        self.title = ""
        self.parts = []      # of the chapter: ("prose", text) or ("screen", text)
        self.chapters = []
        self.log = None
        self.operator = None

    def begin(self, title, prose):
        """A new chapter, about a log of its own."""
        self.end()
        self.title = title
        folder = os.path.join(self.work, str(len(self.chapters)))
        os.mkdir(folder)
        self.folder = folder
        self.operator = Computer(self, "operator")
        self.log, self.config = new_log(self.operator.home)
        self.say(prose)

    def say(self, prose):
        self.parts.append(("prose", "\n".join(line.strip() for line in prose.strip().splitlines())))

    def screen(self, text):
        self.parts.append(("screen", text))

    def end(self):
        """The chapter's text; ids and keys count from its beginning, so that another chapter's change leaves it alone."""
        if self.log is not None and self.log.process.poll() is None:
            self.log.stop()
        if not self.parts:
            return
        shown = iter(self.normal([text for kind, text in self.parts if kind == "screen"]))
        text = f"## {self.title}\n\n"
        before = last = ""
        for kind, prose in self.parts:
            if kind == "prose":
                text += ("```\n\n" if before == "screen" else "") + prose + "\n\n"
            else:
                seen = next(shown) + "\n"
                whose = seen.split("$")[0]
                text += "```\n" if before != "screen" else "\n" if whose != last else ""
                text += seen
                last = whose
            before = kind
        self.chapters.append((text + ("```" if before == "screen" else "")).rstrip() + "\n")
        self.parts = []

    def normal(self, screens):
        mark = "\n%%%%\n"
        whole = mark.join(in_order(without_symbol(text)) for text in screens)
        whole = papers(whole, self.title).replace(self.folder, "/home")
        return [text.strip("\n") for text in plain(whole, self.title).split("%%%%")]


def without_symbol(text):
    """A QR code is too large, and another one in every run."""
    lines = []
    for line in text.splitlines():
        if not QR_ROW.match(line):
            lines.append(line)
        elif lines[-1] != SYMBOL:
            lines.append(SYMBOL)
    return "\n".join(lines)


def in_order(text):
    """Devices by their names: ids are drawn at random, and a list is in the order of its ids."""
    device = r'  [0-9a-f]{32}  [^"\n]*"[^\n]*\n(?:      [^\n]*\n)+'

    def by_name(match):
        return "".join(sorted(re.findall(device, match[0]), key=lambda one: one.split('"')[1]))

    return re.sub(rf"(?:{device}){{2,}}", by_name, text + "\n")[:-1]


def papers(text, seed):
    """The groups of recovery keys, wherever they stand in the chapter: on the screen, and as somebody types them back."""
    seen = {}
    return re.sub(r"^ *(?:[a-z0-9]{4} ){3}[a-z0-9]{2,4}$|^(?:[A-Z0-9]{4} ){3}[A-Z0-9]{2,4}$",
                  lambda line: paper_line(line[0], seen, seed), text, flags=re.M)


def paper_line(line, seen, seed):
    made = re.sub(r"\w+", lambda group: paper_group(group[0].lower(), seen, seed), line)
    return made.upper() if line.isupper() else made


def paper_group(group, seen, seed):
    """A slip of the pen in the last letter is one afterwards, too."""
    if group == "ktr1":  # the key's first word is always the same
        return group
    return paper_letters(group[:-1], seen, seed) + paper_letters(group, seen, seed)[-1:]


def paper_letters(text, seen, seed):
    number = seen.setdefault(text, len(seen))
    return "".join(LETTERS[byte % 32] for byte in digest("paper " + seed, number, 32))[:len(text)]


class Computer:
    """What somebody has before them: a home folder, a shell, a screen."""

    def __init__(self, book, name):
        self.book = book
        self.name = name
        self.home = os.path.join(book.folder, name)
        os.mkdir(self.home)
        path = ":".join([os.path.dirname(SERVER), os.path.dirname(VERIFY), os.environ["PATH"]])
        self.env = dict(environment(0), HOME=self.home, PATH=path, TZ="UTC", TERM="dumb", LC_ALL="C.UTF-8")
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "NO_COLOR"):
            self.env.pop(name, None)

    def file(self, name, content):
        with open(os.path.join(self.home, name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return name

    def device_key(self, name):
        """The public key of a device, as an app would hand it over: NAME.pub."""
        return self.file(f"{name}.pub", os.urandom(32))

    def read(self, name):
        with open(os.path.join(self.home, name)) as file:
            return file.read()

    def later(self, hours):
        """From now on this computer's clock is so far ahead."""
        self.env.update({name: value for name, value in environment(hours).items() if name not in os.environ})

    def begins(self, command, columns=WIDE):
        """The terminal, for somebody who has a conversation there; `shows` ends it."""
        return Terminal(["/bin/bash", "-c", command], self.env, columns, self.home)

    def shows(self, command, terminal, expect=0, says=(), show=None):
        """Once it has ended: what was said, and the document's part of it. show: what of the screen is printed."""
        code = terminal.end(60)
        text = terminal.text()
        check(code == expect, f"{self.name}: {command[:60]}: exit {expect}", code, text)
        for words in says:
            check(words in " ".join(text.split()), f"  … sees: {words}", text)
        lines = [f"{self.name}$ {command}"] + text.rstrip("\n").splitlines() if text.strip() else [f"{self.name}$ {command}"]
        if show is not None:
            lines = lines[:1] + show(lines[1:])
        if code != 0:
            lines.append(f"[exit code {code}]")
        self.book.screen("\n".join(lines))
        return text

    def types(self, command, expect=0, says=(), answers=(), show=None):
        """One command line; answers: pairs of what is asked and what is typed then."""
        terminal = self.begins(command)
        for question, answer in answers:
            terminal.until_asked(question)
            terminal.type(answer + "\n")
        return self.shows(command, terminal, expect, says, show)

    def quietly(self, command, expect=0, stdin=None):
        """What the document does not tell."""
        result = subprocess.run(["/bin/bash", "-c", command], cwd=self.home, env=self.env, input=stdin, text=True,
                                capture_output=True, timeout=120)
        check(result.returncode == expect, f"({self.name}: {command[:60]}: exit {expect})", result)
        return result.stdout

    def json(self, command, expect=0):
        return json.loads(self.quietly(command + " --json", expect))

    def pins(self):
        """The log, whose configuration is there already."""
        self.file_from(self.book.config)
        self.quietly(f"kt-verify init {self.book.log.url} --config log.config")

    def file_from(self, path, name="log.config"):
        with open(path, "rb") as source:
            self.file(name, source.read())

    def joins(self, label):
        """An account with a phone, of which the document says nothing more."""
        self.label = label
        self.pins()
        self.device_key("phone")
        self.quietly(f"kt-verify account create {label}")
        self.quietly(f"kt-verify device add {label} --name phone --key x25519:@phone.pub")
        return self
