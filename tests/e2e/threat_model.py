# SPDX-License-Identifier: Apache-2.0
"""docs/threat-model.md names tests: every promise has one, and numbers of must-reject checks are in the list. That they exist:
named_tests.py."""

import os
import re

from lib_programs import check

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def main():
    with open(os.path.join(ROOT, "docs", "threat-model.md"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(ROOT, "tests", "reject", "list.txt"), encoding="utf-8") as file:
        rejects = file.read()
    rows = [line for line in text.splitlines() if line.startswith("|") and not re.match(r"\| (must hold|-)|\|-", line)]
    bare = [row for row in rows if "`tests/" not in row.split("|")[2]]
    check(len(rows) >= 30 and not bare, "every promise has one", bare)
    numbers = sorted(set(re.findall(r"\(([RS][0-9]+)\)", text)))
    unknown = [number for number in numbers if not re.search(rf"\b{number}\b", rejects)]
    check(numbers and not unknown, "must-reject numbers are in the list", unknown)
    links = [path for path in re.findall(r"\]\(([^)#:]+)\)", text) if not os.path.exists(os.path.join(ROOT, "docs", path))]
    check(not links, "links lead somewhere", links)


main()
