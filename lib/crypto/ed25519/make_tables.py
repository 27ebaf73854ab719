#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tables.c, the constants of tables.h, to standard output: python3 make_tables.py > tables.c"""

P = 2**255 - 19
A = 486662
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def sqrt(a):
    """The even square root of a, None without one."""
    a %= P
    for root in (pow(a, (P + 3) // 8, P), pow(a, (P + 3) // 8, P) * SQRT_MINUS_1 % P):
        if root * root % P == a:
            return root if root % 2 == 0 else P - root
    return None


def add(p, q):
    """RFC 8032 section 5.1.4, affine."""
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def double(p, n):
    for _ in range(n):
        p = add(p, p)
    return p


def slope():
    """The slope of the tangent at the point of order 4 of Y^2 = X (X - (A + 2)) (X - (A - 2)) whose function of
    docs/vrf-backend.md is a fourth power at (0, 0)."""
    root = sqrt(A + 2)
    for x in (A + 2 + 2 * root, A + 2 - 2 * root):
        y = sqrt(x * (x - (A + 2)) * (x - (A - 2)))
        if y is not None:
            found = y * pow(x - (A + 2), -1, P) % P
            if pow(-found * found * (A + 2), (P - 1) // 4, P) == 1:
                return found
    raise AssertionError("there is one")


def limbs(value):
    value %= P
    return "{ { " + ", ".join(f"UINT64_C({value >> 51 * i & 2**51 - 1:#x})" for i in range(5)) + " } }"


def affine(p):
    x, y = p
    return "{ " + ",\n      ".join((limbs(y + x), limbs(y - x), limbs(2 * D * x * y))) + " }"


def addend(p):
    return "{ " + affine(p) + ",\n      " + limbs(2) + " }"


def point(p):
    x, y = p
    return "{ " + ",\n  ".join(map(limbs, (x, y, 1, x * y))) + " }"


def multiples(p, step, n):
    for _ in range(n):
        yield p
        p = add(p, step)


def table(declaration, rows, entry):
    print(f"\nconst struct {declaration} = {{")
    for row in rows:
        print("  {\n    " + ",\n    ".join(entry(p) for p in row) + ",\n  },")
    print("};")


def main():
    base_y = 4 * pow(5, -1, P) % P
    base = sqrt((base_y**2 - 1) * pow(D * base_y**2 + 1, -1, P)), base_y
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by make_tables.py. */")
    print('#include "crypto/ed25519/tables.h"\n')
    print("/* clang-format off */")
    for name, value in (
        ("kt_fe_sqrt_minus_1", SQRT_MINUS_1),
        ("kt_ge_d", D),
        ("kt_ge_2d", 2 * D),
        ("kt_ge_a_plus_2", A + 2),
        ("kt_ge_a_minus_2", A - 2),
        ("kt_ge_k", sqrt(-(A + 2))),
        ("kt_ge_lambda", slope()),
    ):
        print(f"const struct kt_fe {name} = {limbs(value)};")
    print(f"const struct kt_ge kt_ge_base = {point(base)};")
    rows = [double(base, 8 * i) for i in range(32)]
    table("kt_ge_affine kt_ge_base_rows[KT_GE_BASE_ROWS][KT_GE_BASE_MULTIPLES]", [multiples(p, p, 8) for p in rows], affine)
    rows = [base, double(base, 128)]
    table("kt_ge_addend kt_ge_base_odd[KT_GE_BASE_HALVES][KT_GE_BASE_ODD]",
          [multiples(p, add(p, p), 16) for p in rows], addend)


main()
