# SPDX-License-Identifier: Apache-2.0
"""What people saw on their screens, the same in every run: for documents that are written from real runs and compared
with what the programs say now."""

import base64
import hashlib
import re
import sys
import textwrap

from lib_programs import check

COLUMNS = 100
TIME = "2026-01-02 03:04:05 UTC"
EMOJI = "🐶 Dog|🐱 Cat|🦁 Lion|🐎 Horse|🦄 Unicorn|🐷 Pig|🐘 Elephant|🐰 Rabbit|🐼 Panda|🐓 Rooster|🐧 Penguin|🐢 Turtle".split("|")
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def digest(seed, number, size):
    return b"".join(hashlib.sha256(b"%s %d %d" % (seed.encode(), number, i)).digest() for i in range(size // 32 + 1))[:size]


def hex_text(data, length):
    return data.hex()[:length]


def digits(data, length):
    return "".join(str(byte % 10) for byte in data)[:length]


def decimals(data, _):
    return " ".join(digits(data[i:], 4) for i in (0, 4, 8))


def room(data, _):
    return digits(data, 4) + "-" + digits(data[4:], 4)


def letters(data, length):
    return "".join(LETTERS[byte % 32] for byte in data)[:length]


def capitals(data, length):
    return base64.b32encode(data).decode()[:length]


def base64_key(data, length):
    return base64.b64encode(data[:length * 3 // 4 - 1]).decode()


def replace_values(text, seed):
    """Each id, key and code by one that depends on the order in which they appear, of the same form."""
    kinds = (
        (r"(?<=ktp1)[a-z0-9]{58}\b", letters),
        (r"(?<=KTQ1:)[A-Z2-7]{50,}", capitals),
        (r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])", base64_key),
        (r"(?<=\b45)[0-9a-f]{64}\b|\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", hex_text),
        (r"(?<=\b\d{5} )\d{5}\b|(?<!\S)\d{5}(?= \d{5}\b)", digits),
        (r"(?<=or as numbers: )\d{4} \d{4} \d{4}", decimals),
        (r"(?<![\d-])\d{4}-\d{4}(?![\d-])", room),
    )
    for pattern, make in kinds:
        seen = {}

        def replace(match, make=make, seen=seen):
            length = len(match[0])
            return make(digest(make.__name__ + seed, seen.setdefault(match[0], len(seen)), length + 32), length)

        text = re.sub(pattern, replace, text)
    return text


def replace_emoji(text, seed):
    """The seven emoji of a comparison; the same for both people when they were the same."""
    seen = {}

    def replace(match):
        made = digest("emoji " + seed, seen.setdefault(match[0], len(seen)), 7)
        return "".join("  {}  {}\n".format(*EMOJI[byte % len(EMOJI)].split(" ")) for byte in made)

    return re.sub(r"(?:^  [^\w\s]\S*  [A-Z][A-Za-z ]+\n){7}", replace, text, flags=re.M)


def replace_times(text):
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", TIME, text)
    text = re.sub(r"\b0 min \d+ s\b", "moments", text)
    return re.sub(r"\b\d+ (d|h|min|s) \d+ (h|min|s)\b", r"30 h 0 min", text)


def plain(text, seed, columns=COLUMNS):
    text = replace_times(replace_emoji(replace_values(text, seed), seed))
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://log.example.org", text)
    return "\n".join(as_on_a_terminal(line, columns) for line in text.splitlines())


def as_on_a_terminal(line, columns=COLUMNS):
    if re.match(r" +kt-verify |\$ ", line):  # a command is there to be copied
        return line
    hang = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, columns, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False,
                         drop_whitespace=True, replace_whitespace=False)


def compare_or_write(path, name, text):
    """With --write the document becomes `text`; otherwise it has to be that already."""
    if "--write" in sys.argv:
        with open(path, "w") as file:
            file.write(text)
        return
    with open(path) as file:
        kept = file.read()
    for ours, theirs in zip(text.splitlines(), kept.splitlines()):
        check(ours == theirs, f"{name} says what people see", f"\n{ours}\n{theirs}") if ours != theirs else None
    check(text == kept, f"{name} is what people see")
