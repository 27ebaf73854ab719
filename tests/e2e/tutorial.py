#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md: every command in it is played, every screen in it is real.

    tutorial.py BUILD            plays all of it and compares docs/tutorial.md with what was seen
    tutorial.py BUILD --write    writes docs/tutorial.md from what was seen"""

import os
import shutil
import tempfile

from lib_book import Book
from lib_chapters import ORDINARY_DAYS
from lib_chapters_more import MORE_DAYS, NIGHTS
from lib_stories import BAD_DAYS
from lib_transcript import compare_or_write

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "tutorial.md")
HEAD = """# Tutorial: keys you can check

Written by `tests/e2e/tutorial.py --write` from runs of the real programs; the test run compares it with what the programs
say now. Ids, keys, codes and times stand for themselves only. `alice$` is what Alice types on her computer, and
`lara-laptop$` what Lara types on that one. Screens have a hundred columns here; the programs fit their text to yours.

Five words are enough to read it. A **log** is a public list that cannot change its past unseen. A **device** has keys that
others encrypt to. Your **account key** signs the list of your devices. A **contact** is somebody you looked up. A **code**
is what two people compare to know that they see each other's keys. All of this checks keys, not who a person is: that part is yours.

"""


def contents(chapters):
    titles = [chapter.splitlines()[0].removeprefix("## ") for chapter in chapters]
    return "".join(f"- [{title}](#{title.lower().replace(' ', '-').replace(',', '').replace(chr(39), '')})\n" for title in titles) + "\n"


def main():
    work = tempfile.mkdtemp(prefix="kt-tutorial-")
    try:
        book = Book(work)
        for chapter in ORDINARY_DAYS + MORE_DAYS + BAD_DAYS + NIGHTS:
            chapter(book)
        book.end()
    finally:
        shutil.rmtree(work)
    compare_or_write(DOCUMENT, "docs/tutorial.md", HEAD + contents(book.chapters) + "\n".join(book.chapters))


main()
