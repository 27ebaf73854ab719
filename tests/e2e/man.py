#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages are well-formed, and have every verb, option, setting and exit code that the programs have."""

import glob
import os
import re
import subprocess
import tempfile

from lib_programs import SERVER, VERIFY, check, server_verb

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


def page(source):
    """The page as it is installed."""
    with open(source) as file:
        made = subprocess.run(["scdoc"], stdin=file, capture_output=True, check=True)
    filtered = subprocess.run(["awk", "-f", os.path.join(ROOT, "cmake", "man.awk")], input=made.stdout,
                              capture_output=True, check=True)
    return filtered.stdout


def lint(name, text):
    found = subprocess.run(["mandoc", "-Tlint"], input=text, capture_output=True)
    check(found.returncode == 0 and found.stdout == b"", f"mandoc finds nothing in {name}", found.stdout.decode())
    shown = subprocess.run(["mandoc", "-Tutf8", "-Owidth=200"], input=text, capture_output=True, check=True).stdout.decode()
    return re.sub(r".\x08", "", shown)


def verify_help(*words):
    return subprocess.run([VERIFY, "help", *words], capture_output=True, text=True).stdout


def verify_words(text):
    overview = verify_help()
    lines = re.findall(r"^  ([a-z]\S*) *(\S*)", overview, re.MULTILINE)
    verbs = [" ".join(words) if verify_help(*words).startswith(f"usage: kt-verify {words[0]} {words[1]} ") and
             words[1].islower() and "|" not in words[1] else words[0] for words in lines]
    check(len(verbs) >= 40, "the overview lists the verbs", len(verbs))
    missing = [verb for verb in verbs if verb not in text]
    check(not missing, "kt-verify(1) has every verb", missing)
    options = set()
    for verb in verbs:
        options |= set(re.findall(r"--[a-z-]+", verify_help(*verb.split())))
    missing = [option for option in sorted(options) if not re.search(re.escape(option) + r"(?![a-z-])", text)]
    check(not missing, "kt-verify(1) has every option", missing)


def alert_kinds(text):
    with open(os.path.join(ROOT, "docs", "alerts.md")) as file:
        kinds = set(re.findall(r"^## ([a-z-]+):", file.read(), re.MULTILINE))
    missing = [kind for kind in kinds if kind not in text]
    check(len(kinds) >= 10 and not missing, "kt-verify(1) has every kind of alert", missing)


def second_words(text):
    """Of verbs whose first argument says what to do."""
    for verb, words in (("account recovery-key", "create check use remove"), ("code sas", "start join")):
        missing = [word for word in words.split() if not re.search(rf"{verb} (\S+\|)?{word}", text)]
        check(not missing, f"kt-verify(1) has all of {verb}", missing)


def server_words(text, settings):
    overview = subprocess.run([SERVER, "help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z][a-z-]*)", overview, re.MULTILINE)
    check("init" in verbs and "run" in verbs, "the overview lists the verbs", verbs)
    missing = [verb for verb in verbs if not re.search(rf"^       {verb}( |$)", text, re.MULTILINE)]
    check(not missing, "kt-server(1) has every verb", missing)
    options = set(re.findall(r"--[a-z-]+", overview))
    refused = subprocess.run([SERVER, "init"], capture_output=True, text=True).stderr
    options |= set(re.findall(r"--[a-z-]+", refused))
    missing = [option for option in sorted(options) if option not in text]
    check(not missing, "kt-server(1) has every option", missing)
    with tempfile.TemporaryDirectory() as folder:
        server_verb("init", os.path.join(folder, "log"))
        with open(os.path.join(folder, "log", "kt-server.yaml")) as file:
            keys = re.findall(r"^ *([a-z-]+):", file.read(), re.MULTILINE)
    missing = [key for key in keys if not re.search(rf"\b{key}\b", settings)]
    check(len(keys) > 10 and not missing, "kt-server.yaml(5) has every setting", missing)


def main():
    texts = {}
    for source in sorted(glob.glob(os.path.join(ROOT, "docs", "man", "*.scd"))):
        name = os.path.basename(source)[:-len(".scd")]
        texts[name] = lint(name, page(source))
    check(set(texts) >= {"kt-verify.1", "kt-server.1", "kt-server.yaml.5", "kt-formats.5"}, "all pages are there", texts.keys())
    verify_words(texts["kt-verify.1"])
    alert_kinds(texts["kt-verify.1"])
    second_words(texts["kt-verify.1"])
    server_words(texts["kt-server.1"], texts["kt-server.yaml.5"])


main()
