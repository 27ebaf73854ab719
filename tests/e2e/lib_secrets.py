# SPDX-License-Identifier: Apache-2.0
"""Looking for a secret key where it must not be: in what every form of it looks like, in files and in processes' memory."""

import base64
import hashlib
import os
import re

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ZEROS = bytes(1 << 14)
FRAGMENT = 16  # bytes: half of a key is as bad


def expanded(seed, suite):
    """What a suite makes of a seed: RFC 8032, 5.1.5, or lib/crypto/suite_p256.h, in both byte orders."""
    if suite == "p256":
        for counter in range(256):
            digest = hashlib.sha256(seed + bytes([counter])).digest()
            if 0 < int.from_bytes(digest, "big") < P256_ORDER:
                return [digest, digest[::-1]]
    digest = hashlib.sha512(seed).digest()
    scalar, prefix = digest[:32], digest[32:]
    return [scalar, bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64]), prefix]


def as_text(raw):
    """Hex in both cases, and base64 wherever in a longer text the key begins."""
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for ahead in range(3):
        whole = base64.b64encode(bytes(ahead) + raw)[4 if ahead else 0:-4]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def forms_of(key_path, suite="ed25519"):
    """Every fragment whose presence would betray the key in this file."""
    with open(key_path, encoding="ascii") as file:
        seed = bytes.fromhex(file.read().split()[2])
    forms = set()
    for raw in [seed, *expanded(seed, suite)]:
        halves = {raw[:FRAGMENT], raw[-FRAGMENT:]}
        forms |= halves | {text for half in halves for text in as_text(half)}
    return forms


def memory(pid):
    """Everything readable in the process's memory, part by part."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if rights[0] != "r" or "[v" in line:
                continue
            try:
                mem.seek(int(start, 16))
                yield mem.read(min(int(end, 16) - int(start, 16), 1 << 30))
            except (OSError, OverflowError, ValueError):
                continue


def written(part):
    """The pieces of it that are not all zeros: most of a process's memory was never written."""
    piece = []
    for at in range(0, len(part), len(ZEROS)):
        chunk = part[at:at + len(ZEROS)]
        if chunk != ZEROS[:len(chunk)]:
            piece.append(chunk)
        elif piece:
            yield b"".join(piece)
            piece = []
    yield b"".join(piece)


def holds(parts, forms):
    return any(form in piece for part in parts for piece in written(part) for form in forms)


def files_with(folder, forms, but=()):
    """Paths below folder of files that hold the secret, and how many bytes were looked at."""
    found, n = [], 0
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if name in but or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            n += len(data)
            if holds([data], forms):
                found.append(path)
    return found, n
