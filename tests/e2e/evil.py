#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every attack of kt-evil-server on people with the real kt-verify, in every mode; and docs/attacks.md, which lists them with
who notices and what they see. evil_p256.py plays them in the other suite.

    evil.py BUILD              plays all of it and compares docs/attacks.md
    evil.py BUILD --write      writes docs/attacks.md from the tables
    evil.py BUILD NAME…        plays these attacks only, and says all that comes of them"""

import os
import sys

from lib_evil import listed, server_is_missing
from lib_evil_play import play_suite
from lib_evil_table import SIGHTINGS
from lib_programs import check

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "attacks.md")
HEAD = """# Attacks, and who notices

Written by `tests/e2e/evil.py --write`; the test run plays every row with the real `kt-verify` and compares this page.

`kt-evil-server` (`tests/evil`) is a log run by somebody who lies. It holds the log's signing key and VRF key, so whatever it
shows is signed as far as a log can sign it: where a changed answer leads to another root, it signs that root. In
third-party-auditing mode the auditor signs along as if it had been deceived, except in the attacks that are about it.
In third-party-management mode a Third-Party Manager has the log's keys and the Service Operator has one of its own: attacks
with values of the operator's making are those of both together, the last ones of the manager alone. Every play is done once
more without the attack, and then comes out well. All rows hold in both cipher suites, and in all modes unless some are named.

The reason is `reason.code` of `--json`; alerts are those of [alerts.md](alerts.md). A failure leaves what the
victim retained as it was. What a log shows only to people who never saw another history of it, nobody can notice alone:
there the row says who does, and that is why people compare heads, monitor, and audit.

| attack | what the log does | who notices | how | exit code | reason | alerts |
|---|---|---|---|---|---|---|
"""

WORDS = {"strike": "(attack)", "lookup": "lookup", "lookup-0": "lookup --version", "lookup-1": "lookup --version", "monitor": "monitor once",
         "heads": "log distinguished", "audit": "audit", "audit-all": "audit --from 0", "add": "device add", "takes": "account create",
         "compares": "log check", "joins": "init"}


def shown_how(sighting):
    """The verb that notices, and the person's earlier ones after which it can."""
    verbs = [WORDS[step.split()[1]] for step in sighting.steps if step != "strike"]
    return "`" + "`, then `".join(verbs) + "`"


def row(sighting, does):
    mode = "" if len(sighting.modes) == 3 else f" ({', '.join(sighting.modes)})"
    code = f"`{sighting.code}`" if sighting.code else ""
    alerts = ", ".join(f"`{kind}`" for kind in sighting.alerts)
    return (f"| {sighting.attack} | {does} | {sighting.who}{mode} | {shown_how(sighting)} | {sighting.exit} | {code} | "
            f"{alerts} |\n")


def document(attacks):
    return HEAD + "".join(row(sighting, attacks[sighting.attack]) for sighting in SIGHTINGS)


def main():
    build, arguments = sys.argv[1], sys.argv[2:]
    if server_is_missing(build):
        return
    attacks = listed(build)
    told = {sighting.attack for sighting in SIGHTINGS}
    check(told == set(attacks) and len(attacks) >= 60, f"{len(attacks)} attacks, each with who notices",
          sorted(told ^ set(attacks)))
    if "--write" in arguments:
        with open(DOCUMENT, "w") as file:
            file.write(document(attacks))
        return
    play_suite(build, "ed25519", arguments)
    with open(DOCUMENT) as file:
        check(file.read() == document(attacks), "docs/attacks.md lists them (evil.py --write)")


main()
