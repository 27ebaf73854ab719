#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print sas_vectors.h: SAS exchanges computed from docs/formats.md with nothing but the standard library.

    make_sas_vectors.py > sas_vectors.h
"""
import hashlib
import hmac

P = 2**255 - 19


def x25519(scalar, u_bytes):
    """RFC 7748 section 5, the Montgomery ladder over Python's integers."""
    k = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | 1 << 254
    u = (int.from_bytes(u_bytes, "little") & (1 << 255) - 1) % P
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def check_x25519():
    """RFC 7748 section 5.2: one iteration, and a thousand."""
    k = u = bytes([9]) + bytes(31)
    for i in range(1000):
        k, u = x25519(k, u), k
        if i == 0:
            assert k.hex() == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    assert k.hex() == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"


def hmac256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(prk, info, length):
    """HKDF-Expand for one block."""
    return hmac256(prk, info + b"\x01")[:length]


def field(data):
    return bytes([len(data)]) + data


def exchange(case):
    protocol, base = b"kt-sas/1", bytes([9]) + bytes(31)
    public_a, public_b = x25519(case["secret_a"], base), x25519(case["secret_b"], base)
    head = field(protocol) + field(case["log_id"]) + field(case["transaction"])
    a, b = (field(case["label_" + x]) + field(case["key_" + x]) for x in "ab")
    commitment = hashlib.sha256(protocol + public_b + hashlib.sha256(head + a + b).digest()).digest()
    shared = x25519(case["secret_a"], public_b)
    assert shared == x25519(case["secret_b"], public_a)
    prk = hmac256(bytes(32), shared)
    info = head + a + field(public_a) + b + field(public_b)
    sas = expand(prk, info + field(b"sas"), 6)
    keys = case["key_a"] + case["key_b"], case["key_b"] + case["key_a"]
    bits = bin(1 << 48 | int.from_bytes(sas, "big"))[3:]
    return {
        "public_a": public_a,
        "public_b": public_b,
        "commitment": commitment,
        "mac_a": hmac256(expand(prk, info + field(b"mac-starter"), 32), keys[0]),
        "mac_b": hmac256(expand(prk, info + field(b"mac-joiner"), 32), keys[1]),
        "sas": sas,
        "emoji": [int(bits[6 * i : 6 * i + 6], 2) for i in range(7)],
        "decimals": [int(bits[13 * i : 13 * i + 13], 2) + 1000 for i in range(3)],
    }


def make_case(n, label_a, label_b):
    """Inputs that a test can make as well: every byte string is SHA-256 of a name and the case's number."""

    def named(name):
        return hashlib.sha256(b"%s %d" % (name, n)).digest()

    return {
        "log_id": named(b"log"),
        "transaction": named(b"transaction")[:16],
        "label_a": label_a,
        "label_b": label_b,
        "key_a": b"\x45" + named(b"key a"),
        "key_b": b"\x45" + named(b"key b"),
        "secret_a": named(b"secret a"),
        "secret_b": named(b"secret b"),
    }


def literal(data):
    return "{ " + ", ".join("0x%02x" % byte for byte in data) + " }"


def numbers(values):
    return "{ " + ", ".join(str(value) for value in values) + " }"


def main():
    check_x25519()
    cases = [
        make_case(0, b"alice@example.org", b"bob@example.org"),
        make_case(1, b"+14152222222", b"x" * 255),
        make_case(2, "čáp".encode(), b"b"),
        make_case(3, b"q", b"r"),
    ]
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by make_sas_vectors.py from docs/formats.md and Python's standard library; a is the starter. */")
    print("/* clang-format off */")
    print("static const struct sas_vector sas_vectors[] = {")
    for case in cases:
        print("  {")
        for name in ("label_a", "label_b"):
            print("    .%s = { (const uint8_t *)%s, %d }," % (name, c_string(case[name]), len(case[name])))
        for name in ("log_id", "transaction", "key_a", "key_b", "secret_a", "secret_b"):
            print("    .%s = %s," % (name, literal(case[name])))
        for name, value in exchange(case).items():
            print("    .%s = %s," % (name, literal(value) if isinstance(value, bytes) else numbers(value)))
        print("  },")
    print("};")


def c_string(data):
    return '"' + "".join(chr(b) if 32 <= b < 127 else "\\%03o" % b for b in data) + '"'


if __name__ == "__main__":
    main()
