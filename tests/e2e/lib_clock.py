# SPDX-License-Identifier: Apache-2.0
"""One clock for all programs of a test, set forward by it."""

import os
import time

from lib_programs import fake_clock


class Clock:
    """Time for every program that is started from now on, in ms since the test began."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        self.offset_ms = 0
        self.set_ms(self.now_ms())

    def now_ms(self):
        return int(time.time() * 1000) + self.offset_ms

    def set_ms(self, to_ms):
        self.force(self.offset_ms + max(0, to_ms - self.now_ms()))

    def force(self, offset_ms):
        """Backwards as well."""
        self.offset_ms = offset_ms
        with open(self.path + ".new", "w") as file:
            file.write(f"{self.offset_ms / 1000:+.3f}\n")
        os.rename(self.path + ".new", self.path)

    def environment(self, _ahead_h):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("KT_", "FAKETIME"))}
        env.update(fake_clock(FAKETIME_TIMESTAMP_FILE=self.path, FAKETIME_NO_CACHE="1"), TZ="UTC")
        return env
