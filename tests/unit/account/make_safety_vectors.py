#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print safety_vectors.h: safety numbers computed from docs/formats.md with nothing but the standard library.

    make_safety_vectors.py > safety_vectors.h
"""
import hashlib

from make_sas_vectors import c_string, literal

ITERATIONS = 5200


def side(key, label):
    """The thirty digits of one person."""
    digest = hashlib.sha512(b"\0\0" + key + label + key).digest()
    for _ in range(ITERATIONS - 1):
        digest = hashlib.sha512(digest + key).digest()
    return "".join("%05d" % (int.from_bytes(digest[i : i + 5], "big") % 100000) for i in range(0, 30, 5))


def safety_number(*people):
    return "".join(sorted(side(key, label) for key, label in people))


def check_signal():
    """The value that Signal's own test of its numeric fingerprint expects."""
    a = bytes.fromhex("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868")
    b = bytes.fromhex("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b")
    number = safety_number((a, b"+14152222222"), (b, b"+14153333333"))
    assert number == "300354477692869396892869876765458257569162576843440918079131"


def cases():
    """Labels of every kind and length; keys that are SHA-256 of a name, and the extremes."""
    labels = [b"alice@example.org", b"bob@example.org", b"+14152222222", b"a", b"x" * 255, "čáp".encode(),
              "日本".encode(), b"with space", b"UPPER@EXAMPLE.ORG", b"upper@example.org", b"\x01", b"0" * 64]
    for n in range(24):
        keys = [b"\x45" + hashlib.sha256(b"%s %d" % (name, n)).digest() for name in (b"key a", b"key b")]
        yield (keys[0], labels[n % len(labels)]), (keys[1], labels[(5 * n + 1) % len(labels)])
    low, high = b"\x45" + bytes(32), b"\x45" + b"\xff" * 32
    yield (low, b"a"), (high, b"a")
    yield (low, b"a"), (low, b"a")


def main():
    check_signal()
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by make_safety_vectors.py from docs/formats.md and Python's standard library. */")
    print("/* clang-format off */")
    print("static const struct safety_vector safety_vectors[] = {")
    for a, b in cases():
        print("  {")
        for name, (key, label) in (("a", a), ("b", b)):
            print("    .label_%s = { (const uint8_t *)%s, %d }," % (name, c_string(label), len(label)))
            print("    .key_%s = { %s }," % (name, literal(key)))
        print('    .digits = "%s",' % safety_number(a, b))
        print("  },")
    print("};")


if __name__ == "__main__":
    main()
