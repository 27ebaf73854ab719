#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Public codes and in-person payloads between people with the real programs."""

import shutil
import tempfile

from lib_people import another_key, new_log, new_person
from lib_programs import check


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
    typo = alice.json("code", "check-public", bob.label, flip(code, 20), expect=2)
    check(typo["reason"]["code"] == "code-checksum", "a slip is not a mismatch", typo)
    typo = alice.json("code", "check-public", bob.label, code[:20] + "b" + code[21:], expect=2)
    check("look at character 21 again" in typo["reason"]["text"], "and the place is named where it is known", typo)
    check(alice.alert_kinds() == [], "no alert of a slip")
    other = alice.json("code", "check-public", bob.label, carol.json("code", "public", carol.label)["code"], expect=4)
    check(other["match"] is False and other["contact"]["state"] == "unverified" and
          [alert["kind"] for alert in other["alerts"]] == ["code-mismatch"], "another code is an alert", other)
    check(alice.json("code", "check-public", bob.label, "-", stdin=f"  {code.upper()}\n")["match"],
          "capitals from stdin match")
    check(alice.alert_kinds() == [], "which settles the alert")


def main():
    work = tempfile.mkdtemp(prefix="kt-codes-")
    try:
        log, config = new_log(work)
        alice, bob, carol = (new_person(work, name, log, config) for name in ("alice", "bob", "carol"))
        public_codes(alice, bob, carol)
        log.stop()
    finally:
        shutil.rmtree(work)


main()
