#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attacks of evil.py in suite KT_128_SHA256_P256.
  evil_p256.py BUILD [NAME…]"""

import sys

from lib_evil import server_is_missing
from lib_evil_play import play_suite

if not server_is_missing(sys.argv[1]):
    play_suite(sys.argv[1], "p256", sys.argv[2:])
