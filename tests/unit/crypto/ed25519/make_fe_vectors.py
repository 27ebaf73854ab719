#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write fe_vectors.h, field elements and what Python's integers make of them: python3 make_fe_vectors.py > fe_vectors.h"""
import random

P = 2**255 - 19
LOOSE = 2**54 - 1
TIGHT = 2**51 + 2**15 - 1


def value(limbs):
    return sum(limb << 51 * i for i, limb in enumerate(limbs))


def limbs_of(number):
    return [number >> 51 * i & 2**51 - 1 for i in range(5)]


def pairs():
    special = [
        [0] * 5, [1, 0, 0, 0, 0], [LOOSE] * 5, [TIGHT] * 5, [2**51] * 5, [2**51 - 1] * 5, [2**52 - 38] + [2**52 - 2] * 4,
        limbs_of(P), limbs_of(P - 1), limbs_of(P + 1), limbs_of(P + 18), limbs_of(2), limbs_of(pow(2, (P - 1) // 4, P)),
        [LOOSE, 0, 0, 0, 0], [0, 0, 0, 0, LOOSE], [LOOSE, 0, LOOSE, 0, LOOSE], [0, LOOSE, 0, LOOSE, 0],
    ]
    for i, a in enumerate(special):
        yield a, special[(i + 1) % len(special)]
        yield a, [LOOSE] * 5
    source = random.Random(25519)
    for bits in (51, 52, 53, 54):
        for _ in range(16):
            yield [source.getrandbits(bits) for _ in range(5)], [source.getrandbits(bits) for _ in range(5)]
    for _ in range(16):
        a = pow(source.randrange(P), source.choice((2, 4)), P)
        yield limbs_of(a), limbs_of(source.randrange(P))


def encoding(number):
    return '"' + (number % P).to_bytes(32, "little").hex() + '"'


def limbs_text(limbs):
    return "{ { " + ", ".join(f"UINT64_C({limb:#x})" for limb in limbs) + " } }"


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by make_fe_vectors.py. */")
    print("#ifndef KT_TESTS_FE_VECTORS_H\n#define KT_TESTS_FE_VECTORS_H\n")
    print('#include "crypto/ed25519/fe.h"\n')
    print("/* clang-format off */")
    print("struct fe_vector {\n  struct kt_fe a, b; /* loose */")
    print("  const char *encoded, *product, *square, *inverse; /* of a; a * b */")
    print("  bool ratio_is_square; /* b/a */\n  bool is_fourth_power; /* a */\n};\n")
    print("static const struct fe_vector fe_vectors[] = {")
    for a, b in pairs():
        x, y = value(a) % P, value(b) % P
        inverse = pow(x, -1, P) if x else 0
        ratio = y * inverse % P
        square = pow(ratio, (P - 1) // 2, P) == 1 or y == 0
        fourth = pow(x, (P - 1) // 4, P) == 1
        print("  { " + limbs_text(a) + ",\n    " + limbs_text(b) + ",")
        print("    " + ",\n    ".join(encoding(n) for n in (x, x * y, x * x, inverse)) + ",")
        print(f"    {str(square).lower()}, {str(fourth).lower()} }},")
    print("};\n\n#endif")


main()
