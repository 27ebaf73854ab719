#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print code_vectors.h: public codes, recovery keys and in-person payloads computed from docs/formats.md and BIP 350 with nothing but
the standard library.

    make_code_vectors.py > code_vectors.h
"""
import base64
import hashlib

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def polymod(values):
    """The remainder of the division that BIP 350 defines."""
    generator = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate(generator):
            remainder ^= term * (top >> i & 1)
    return remainder


def bech32m(prefix, data):
    bits = "".join("{:08b}".format(byte) for byte in data)
    bits += "0" * (-len(bits) % 5)
    groups = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod(head + groups + [0] * 6) ^ 0x2BC830A3
    groups += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(LETTERS[group] for group in groups)


def public_code(log_id, label, key):
    return bech32m("ktp", hashlib.sha256(log_id + bytes([len(label)]) + label + key).digest())


def recovery_key(seed):
    text = bech32m("ktr", seed)
    groups = [text[i : i + 4] for i in range(0, len(text), 4)]
    return "\\n".join(" ".join(groups[i : i + 4]) for i in range(0, len(groups), 4))


def payload(log_id, parties, heads):
    body = log_id
    for label, key in parties:
        body += bytes([len(label)]) + label + hashlib.sha256(key).digest()
    body += bytes([len(heads)])
    for size, root in heads:
        body += size.to_bytes(8, "big") + root
    body += hashlib.sha256(body).digest()[:8]
    return "KTQ1:" + base64.b32encode(body).decode().rstrip("=")


def main():
    # BIP 350: what its valid strings are made of.
    assert bech32m("a", b"") == "a1lqfn3a" and bech32m("?", b"") == "?1v759aa"
    log_id = bytes(range(32))
    alice, bob = b"\x45" + b"\x0a" * 32, b"\x45" + b"\x0b" * 32
    people = [(b"alice@example.org", alice), ("bøb".encode(), bob)]
    heads = [(7, b"\x11" * 32), (4096, b"\x22" * 32)]
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by make_code_vectors.py from docs/formats.md, BIP 350 and Python's standard library. */")
    print("/* clang-format off */")
    print('#define VECTOR_CODE_ALICE "%s"' % public_code(log_id, *people[0]))
    print('#define VECTOR_CODE_BOB "%s"' % public_code(log_id, *people[1]))
    print('#define VECTOR_CODE_LONG "%s"' % public_code(log_id, b"x" * 255, alice))
    print('#define VECTOR_RECOVERY_KEY "%s"' % recovery_key(bytes(range(32))))
    print('#define VECTOR_PAYLOAD "%s"' % payload(log_id, people, heads))
    print('#define VECTOR_PAYLOAD_NO_HEADS "%s"' % payload(log_id, people, []))


if __name__ == "__main__":
    main()
