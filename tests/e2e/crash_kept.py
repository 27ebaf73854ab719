# SPDX-License-Identifier: Apache-2.0
"""What scripts/crash-test keeps in a folder: no damage of it makes a log look better than it was. Whatever is damaged or gone ends the
run with a reason; only a line that was being written when a run ended is cut off; a failure is kept the moment it is found."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

from lib_programs import check

BUILD = sys.argv[1]
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "crash-test")


def crash_test(folder, rounds=1, load_ms=1000):
    return subprocess.run([SCRIPT, str(rounds), "--folder", folder, "--build", BUILD, "--seed", "3", "--writers", "2", "--load-ms",
                           str(load_ms), "--fsck-every", "0"], capture_output=True, text=True, timeout=120, check=False)


def read(*names):
    with open(os.path.join(*names), "rb") as file:
        return file.read()


def write(content, *names):
    with open(os.path.join(*names), "wb") as file:
        file.write(content)


def count(folder, outcome):
    lines = [line.split("\t") for line in read(folder, "counters").decode().splitlines()]
    return sum(int(n) for _, name, n in lines if name == outcome)


def begin(folder):
    """A run in which something was acknowledged."""
    rounds = 1
    while b"\nack " not in (read(folder, "truth") if os.path.exists(folder) else b""):
        begun = crash_test(folder, rounds)
        check(begun.returncode == 0 or "NOTHING TESTED" in begun.stdout, "rounds of a crash test", begun)
        rounds += 1
    truth = read(folder, "truth")
    check(count(folder, "acks") == truth.count(b"\nack ") and count(folder, "heads") == truth.count(b"head "), "what is kept is counted")


class Copies:
    """Copies of the folder of that run."""

    def __init__(self, folder):
        self.folder = folder

    def copy(self, name):
        return shutil.copytree(self.folder, os.path.join(TEMPORARY, name))

    def refused(self, name, kept, damage, *words):
        """damage: makes of a file's content what is there instead; None: nothing is."""
        folder = self.copy(name)
        content = damage(read(folder, kept))
        os.remove(os.path.join(folder, kept)) if content is None else write(content, folder, kept)
        counters = os.path.exists(os.path.join(folder, "counters")) and read(folder, "counters")
        ended = crash_test(folder, 2)
        check(ended.returncode == 2 and all(word in ended.stderr for word in words), f"refused: {name}", ended)
        if content:
            check(read(folder, kept) == content, "and left for inspection")
        if counters:
            check(read(folder, "counters") == counters, "and nothing is counted")
        shutil.rmtree(folder)


def check_damage(copies):
    def without_last(word):
        def damage(content):
            lines = content.splitlines(keepends=True)
            del lines[max(i for i, line in enumerate(lines) if line.startswith(word))]
            return b"".join(lines)
        return damage

    copies.refused("a damaged line", "truth", lambda content: content.replace(b"\nack ", b"\nakc ", 1), "line ", "is damaged")
    copies.refused("a line with more", "truth", lambda content: content.replace(b"\n", b" more\n", 1), "line 1 of", "is damaged")
    copies.refused("zeros in a line", "truth", lambda content: b"\0\0" + content, "line 1 of", "is damaged")
    copies.refused("two roots kept", "truth", lambda content: content + b" ".join((*content.split()[:2], b"00" * 32)) + b"\n",
                   "TWO ROOTS", "is damaged")
    copies.refused("an update less", "truth", without_last(b"ack "), "acknowledged updates", "it had")
    copies.refused("a head less", "truth", without_last(b"head "), "heads", "it had")
    copies.refused("no truth", "truth", lambda content: None, "it had")
    copies.refused("no view", "view", lambda content: None, "view is missing or damaged")
    copies.refused("no counters", "counters", lambda content: None, "counters is missing")
    copies.refused("empty counters", "counters", lambda content: b"", "it is empty")
    copies.refused("half of the counters", "counters", lambda content: content[:-1], "a line is damaged")
    copies.refused("a counter that is no number", "counters", lambda content: content[:-1] + b"x\n", "a line is damaged")


def check_unfinished(copies):
    for i, end in enumerate((b"ack 0 00ff", b"\0" * 5000)):
        folder = copies.copy(f"unfinished{i}")
        truth = read(folder, "truth")
        write(truth + end, folder, "truth")
        ended = crash_test(folder)
        check(ended.returncode == 0 and read(folder, "truth").startswith(truth) and end not in read(folder, "truth"),
              "an unfinished line is cut off", ended)


def check_failure(copies):
    """An update that the log did not acknowledge so; the run is killed as soon as that is found."""
    folder = copies.copy("failed")
    truth = read(folder, "truth")
    at = truth.index(b"\nack 0 ") + len(b"\nack 0 ")
    write(truth[:at] + b"00" * 32 + truth[at + 64:], folder, "truth")
    lock = os.path.join(folder, "lock")  # the server, which is killed with that run, has it open, too
    program = ["flock", "--no-fork", lock, os.path.join(BUILD, "tests", "kt-crash"), os.environ["KT_SERVER"], folder,
               "100", "1", "60000", "0", "3"]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        said = next((line for line in process.stderr if "another value than was acknowledged" in line), None)
        process.send_signal(signal.SIGKILL)
    subprocess.run(["flock", lock, "true"], timeout=60, check=True)
    check(said is not None and count(folder, "failures") == 0, "the run ended before its failure was counted", said)
    kept = read(folder, "truth")
    check(b"\nfailed " in kept, "but it is kept", kept[-1000:])
    write(truth + kept[len(truth):], folder, "truth")
    after = crash_test(folder)
    check(after.returncode == 1 and after.stdout.splitlines()[-1].startswith("FAILED"), "a run that goes on has failed", after)
    check(count(folder, "failures") == kept.count(b"\nfailed "), "and counts it once", after, kept)
    write(b"".join(line for line in kept.splitlines(keepends=True) if not line.startswith(b"failed ")), folder, "truth")
    check(crash_test(folder).returncode == 2, "a failure that is gone from the file is missed")


def check_nothing(folder):
    """A run that is too short to test anything has not succeeded, and does not spoil a longer one."""
    short = crash_test(folder, 1, 1)
    if " 0 updates acknowledged" in short.stdout:
        check(short.returncode == 1 and short.stdout.splitlines()[-1].startswith("NOTHING TESTED"), "nothing was tested", short)
    rounds = 2
    longer = crash_test(folder, rounds)
    while "NOTHING TESTED" in longer.stdout:
        rounds += 1
        longer = crash_test(folder, rounds)
    check(longer.returncode == 0 and longer.stdout.splitlines()[-1].startswith("ok "), "a longer run is judged by itself", longer)


with tempfile.TemporaryDirectory() as TEMPORARY:
    begin(os.path.join(TEMPORARY, "first"))
    FIRST = Copies(os.path.join(TEMPORARY, "first"))
    check_damage(FIRST)
    check_unfinished(FIRST)
    check_failure(FIRST)
    check_nothing(os.path.join(TEMPORARY, "short"))
