# SPDX-License-Identifier: Apache-2.0
"""What the shells offer: bash, zsh and fish run the script that the program writes for them."""

import os
import subprocess
import tempfile

from lib_programs import VERIFY, check

# What stands on the command line, and what has to be among the offers (or, after "-", must not be).
CASES = [
    (["dev"], ["device"], ["alerts"]),
    (["device", ""], ["add", "remove", "list"], ["device"]),
    (["--home", "x", "device", "a"], ["add"], ["remove"]),
    (["device", "add", "alice", "--"], ["--name", "--key", "--json"], ["--interval"]),
    (["contact", "policy", "bob", ""], ["normal", "strict"], []),
    (["lookup", "bob", "--color", "a"], ["auto", "always"], ["never"]),
    (["completion", ""], ["bash", "zsh", "fish"], []),
]
FILES = (["log", "check", "pay"], "payload.txt")

BASH = """eval "$(kt-verify completion bash)"
COMP_WORDS=(kt-verify "$@"); COMP_CWORD=$#
_kt_verify; printf '%s\\n' "${COMPREPLY[@]}" """
ZSH = """compdef() { :; }
eval "$(kt-verify completion zsh)"
_describe() { print -rl -- ${${(P)2}%%:*} }
_files() { print -rl -- pay* }
words=(kt-verify "$@"); CURRENT=$#words; _kt_verify"""
FISH = """kt-verify completion fish | source
complete -C (string join -- ' ' kt-verify $argv)"""


def offers(command, words, folder):
    env = dict(os.environ, PATH=os.path.dirname(VERIFY) + ":" + os.environ["PATH"], HOME=folder)
    done = subprocess.run(command + words, cwd=folder, env=env, capture_output=True, text=True, timeout=30)
    check(done.returncode == 0, "the shell runs the script", done)
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def main(work):
    open(os.path.join(work, FILES[1]), "w").close()
    shells = {
        "bash": ["bash", "--norc", "-c", BASH, "bash"],
        "zsh": ["zsh", "-f", "-c", ZSH, "zsh"],
        "fish": ["fish", "--no-config", "-c", FISH, "--"],
    }
    for name, command in shells.items():
        for words, wanted, unwanted in CASES:
            got = offers(command, words, work)
            check(all(word in got for word in wanted), f"{name} offers {wanted} after {words}", got)
            check(not set(unwanted) & set(got), f"{name} offers nothing else after {words}", got)
        got = offers(command, FILES[0], work)
        check(any(FILES[1] in word for word in got), f"{name} completes file names", got)


with tempfile.TemporaryDirectory() as folder:
    main(folder)
