# SPDX-License-Identifier: Apache-2.0
"""What check-list and scripts/mutants know of the conditions that have to be refused and of the tests that show it."""
import pathlib
import re

NUMBER = re.compile(r"[RAS][1-9][0-9]*")
TEST_FUNCTION = re.compile(r"^static void (\w+)\(void \*\*\w+\)", re.MULTILINE)
SUITES = {"ed25519", "p256"}


class Rule:
    """A line of numbers.txt."""

    def __init__(self, line):
        self.number, suites, modes, self.text = line.split(maxsplit=3)
        self.suites = {"-": set(), "both": SUITES}[suites]
        self.modes = set() if modes == "-" else set(modes.split(","))


class Entry:
    """A line of list.txt."""

    def __init__(self, line):
        self.number, self.file, self.function, self.section = line.split(maxsplit=3)


def _lines(path):
    text = path.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_rules(tests):
    return [Rule(line) for line in _lines(tests / "reject" / "numbers.txt")]


def read_list(tests):
    return [Entry(line) for line in _lines(tests / "reject" / "list.txt")]


def order(number):
    return "RAS".index(number[0]), int(number[1:])


def numbers_of(name):
    return [word.upper() for word in name.split("_") if NUMBER.fullmatch(word.upper())]


def sources_of(tests, file):
    """The programs that a file of list.txt is in: itself, or those that include it."""
    if not file.endswith(".h"):
        return [file]
    name = pathlib.PurePath(file).name
    found = []
    for path in sorted((tests / file).parent.iterdir()):
        text = path.read_text(encoding="utf-8") if path.suffix in (".c", ".h") else ""
        if f'#include "{name}"' in text:
            found += sources_of(tests, path.relative_to(tests).as_posix())
    return sorted(set(found))


def target_of(source):
    """unit/wire/test_leaf.c is the program unit-wire-leaf, e2e/story.py the test e2e-story."""
    path = pathlib.PurePath(source)
    return str(path.parent).replace("/", "-") + "-" + path.stem.removeprefix("test_")


def _registered_again(tests):
    """Programs that tests/CMakeLists.txt runs in another suite or mode, by its name."""
    text = (tests / "CMakeLists.txt").read_text(encoding="utf-8")
    again = {}
    for names, targets in re.findall(r'^kt_add_mode_tests\("?([\w;]+)"?\s+([^)]*)\)', text, re.MULTILINE):
        for name in names.split(";"):
            again.setdefault(name, set()).update(targets.split())
    for targets in re.findall(r"^kt_add_p256_tests\(([^)]*)\)", text, re.MULTILINE):
        again.setdefault("p256", set()).update(targets.split())
    return again


class Coverage:
    """In which suites and modes a test runs."""

    def __init__(self, tests):
        self.tests = tests
        self.again = _registered_again(tests)

    def of(self, file):
        suites, modes = set(), set()
        for source in sources_of(self.tests, file):
            target = target_of(source)
            suites.add("p256" if "p256" in source else "ed25519")
            modes.add("auditing" if "audit" in source else "management" if "manage" in source else "contact")
            for name, targets in self.again.items():
                if target in targets:
                    (suites if name in SUITES else modes).add(name)
        return suites, modes
