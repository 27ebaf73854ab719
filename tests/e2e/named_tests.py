# SPDX-License-Identifier: Apache-2.0
"""docs/threat-model.md and docs/conformance.md name files, tests and functions: each of them exists, and what is named as a test runs.

Called with the build folder."""

import fnmatch
import os
import re
import subprocess
import sys

from lib_programs import check

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FOLDERS = ("cmake", "docs", "kt-server", "kt-verify", "lib", "scripts", "tests")
DOCUMENTS = ("threat-model.md", "conformance.md")
SUITES = ("unit", "pair", "reject", "fault", "e2e", "conformance")
TOOLS = ("crash_images", "flips")  # one test for each folder
TEST_FILE = re.compile(r"tests/(.+/)?(?:test_)?(\w+)\.(?:c|py|sh)")


def all_files():
    found = []
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(where, name), ROOT) for name in names]
    return found


def all_tests(build):
    listed = subprocess.run(["ctest", "-N"], cwd=build, capture_output=True, text=True, timeout=60, check=True).stdout
    return set(re.findall(r"Test +#[0-9]+: (\S+)", listed))


def is_path(name):
    return re.fullmatch(r"[\w./*-]+", name) and (name.startswith(("scripts/", "tests/")) or re.search(r"\w\.(c|h|py|sh|txt)$", name))


def is_there(name, files):
    """As written from the top, or from a folder below it; a folder is one, too."""
    if os.path.isdir(os.path.join(ROOT, name)):
        return True
    return any(fnmatch.fnmatch(path, name) or fnmatch.fnmatch(path, "*/" + name) for path in files)


def test_of(path):
    """The name that a test's file has in CTest; None: it is run by other means."""
    match = TEST_FILE.fullmatch(path)
    parts = (match.group(1) or "").rstrip("/").split("/") if match else [""]
    if parts[0] in TOOLS:
        return f"fault-{parts[0]}"
    return "-".join([*parts, match.group(2)]) if parts[0] in SUITES and not match.group(2).startswith(("lib_", "naive")) else None


def main():
    files, tests = all_files(), all_tests(sys.argv[1])
    sources = ""
    for path in files:
        if path.endswith((".c", ".h")):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                sources += file.read()
    for document in DOCUMENTS:
        with open(os.path.join(ROOT, "docs", document), encoding="utf-8") as file:
            words = {quoted.split()[0] for quoted in re.findall(r"`([^`\n]+)`", file.read()) if quoted.strip()}
        paths = sorted(filter(is_path, words))
        missing = [path for path in paths if not is_there(path, files)]
        check(len(paths) >= 30 and not missing, f"{document}: the files that are named exist", missing)
        named = {test_of(path) for path in paths if path.startswith("tests/") and "*" not in path} - {None}
        named |= {word for word in words if re.fullmatch(rf"(?:{'|'.join(SUITES)})-[\w-]+", word)}
        idle = sorted(name for name in named if name not in tests)
        check(not idle, f"{document}: the tests that are named are run", idle)
        unknown = [word for word in sorted(words) if re.fullmatch(r"kt_\w+", word) and not re.search(rf"\b{word}\b", sources)]
        check(not unknown, f"{document}: the functions that are named exist", unknown)


main()
