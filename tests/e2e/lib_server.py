# SPDX-License-Identifier: Apache-2.0
"""A running kt-server with its two ports, and settings of its own."""

import os
import re
import signal
import subprocess
import threading

from lib_programs import SERVER, check, die_with_us


def change_settings(folder, text):
    """Replace options of kt-server.yaml: `text` has whole sections ("limits:" and indented lines) or single options."""
    path = os.path.join(folder, "kt-server.yaml")
    with open(path, encoding="utf-8") as file:
        content = file.read()
    for line in text.splitlines():
        name, value = line.split(":", 1)
        if not value.strip():
            continue
        changed, n = re.subn(rf"^{name}:.*$", lambda _, line=line: line, content, count=1, flags=re.MULTILINE)
        content = changed if n else content + line + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def search_body(label):
    return b"\0" + bytes([len(label)]) + label + b"\0"


class RunningServer:
    def __init__(self, folder, settings="", args=("--listen", "127.0.0.1:0"), env=None, under=()):
        """under: a program that starts it, and its arguments."""
        change_settings(folder, settings)
        self.folder = folder
        self.process = subprocess.Popen([*under, SERVER, "run", folder, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=env, preexec_fn=die_with_us)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            check(False, "the server starts", line, self.process.stderr.read())
        self.url = line.split()[2]
        self.port = int(self.url.rsplit(":", 1)[1]) if self.url.startswith("http") else 0
        self.said = []
        self.health = 0
        for line in self.process.stderr:
            self.said.append(line)
            if "health and metrics on" in line:
                self.health = int(re.search(r":(\d+)\b\D*$", line).group(1))
                break
        # A pipe that nobody reads would stop the server.
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        check(code == 0, "kt-server stops", code, "".join(self.said[-5:]))
