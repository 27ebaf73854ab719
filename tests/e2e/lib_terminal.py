# SPDX-License-Identifier: Apache-2.0
"""Programs at a terminal of their own: what their screen shows, and what is typed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from lib_programs import check

CTRL_C = "\x03"


class Terminal:
    """One program that runs in a window of so many columns."""

    def __init__(self, argv, env, columns=80, folder=None):
        self.screen = ""
        self.code = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.chdir(folder or ".")
            os.execve(argv[0], argv, env)
        os.set_inheritable(self.master, False)  # or the next one would keep it open

    def read(self, timeout_s):
        """More of the screen; False: nothing came, or nothing will."""
        ready, _, _ = select.select([self.master], [], [], timeout_s)
        try:
            text = os.read(self.master, 65536).decode(errors="surrogateescape") if ready else ""
        except OSError:  # the other end of the terminal is closed
            text = ""
        self.screen += text
        return text != ""

    def words(self):
        """What is said, wherever its lines were broken to fit the screen."""
        return " ".join(self.text().split())

    def text(self):
        """The screen with its lines as a file has them; a character may have come in two pieces."""
        whole = self.screen.encode(errors="surrogateescape").decode(errors="replace")
        whole = re.sub("\r+\n", "\n", whole)
        return re.sub("^[^\n]*\r(\033\\[K)?", "", whole, flags=re.M)  # what was written over

    def until(self, text):
        end_s = time.monotonic() + 30
        while text not in self.words() and time.monotonic() < end_s:
            self.read(0.2)
        check(text in self.words(), f"the screen shows {text!r}", repr(self.screen))

    def until_asked(self, question):
        """The same, and to the end of what is said: what is typed comes after it."""
        self.until(question)
        while self.read(0.2):
            pass

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, timeout_s=10):
        """The exit code; it has to come soon."""
        end_s = time.monotonic() + timeout_s
        while self.code is None and time.monotonic() < end_s:
            if self.master is not None:
                self.read(0.05)
            else:
                time.sleep(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.code = os.waitstatus_to_exitcode(status)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            check(False, "it ends", repr(self.screen))
        while self.master is not None and self.read(0):
            pass
        return self.code

    def hang_up(self):
        os.close(self.master)
        self.master = None
