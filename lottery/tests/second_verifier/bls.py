"""BLS12-381 signatures on G1 (drand's scheme bls-unchained-g1-rfc9380), with Python's standard library.

Written to be read, not to be fast: a verification takes about a second. Field elements are integers, elements of
Fp2 = Fp[u]/(u^2 + 1) pairs, elements of Fp12 = Fp2[w]/(w^6 - (1 + u)) lists of six pairs.
"""

import hashlib

from isogeny import X_DENOMINATOR, X_NUMERATOR, Y_DENOMINATOR, Y_NUMERATOR

P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
R = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
X = 0xD201000000010000  # The parameter of the curve is -X; the sign does not change whether a product of pairings is 1.
HALF = (P - 1) // 2
DOMAIN = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"

G2 = (
    (
        0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
        0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
    ),
    (
        0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
        0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
    ),
)


# --- Fp2 ----------------------------------------------------------------------------------------------------------


def add2(a, b):
    return ((a[0] + b[0]) % P, (a[1] + b[1]) % P)


def sub2(a, b):
    return ((a[0] - b[0]) % P, (a[1] - b[1]) % P)


def mul2(a, b):
    return ((a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P)


def inverse2(a):
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return (a[0] * norm % P, -a[1] * norm % P)


def power2(a, exponent):
    product = (1, 0)
    while exponent:
        if exponent & 1:
            product = mul2(product, a)
        a = mul2(a, a)
        exponent >>= 1
    return product


def root2(a):
    """A square root, or None (Adj and Rodriguez-Henriquez 2012, algorithm 9)."""
    first = power2(a, (P - 3) // 4)
    alpha, candidate = mul2(mul2(first, first), a), mul2(first, a)
    if alpha == (P - 1, 0):
        candidate = mul2((0, 1), candidate)
    else:
        candidate = mul2(power2(add2((1, 0), alpha), HALF), candidate)
    return candidate if mul2(candidate, candidate) == a else None


# --- points: (x, y) over Fp2, in which Fp is the pairs with a second part of 0; None is the point at infinity -----------


def slope(one, other):
    """The slope of the line through two points, or None if it is vertical."""
    if one[0] != other[0]:
        return mul2(sub2(other[1], one[1]), inverse2(sub2(other[0], one[0])))
    if one[1] != other[1] or one[1] == (0, 0):
        return None
    square = mul2(one[0], one[0])
    return mul2(add2(square, add2(square, square)), inverse2(add2(one[1], one[1])))


def add(one, other):
    if one is None or other is None:
        return one or other
    incline = slope(one, other)
    if incline is None:
        return None
    x = sub2(mul2(incline, incline), add2(one[0], other[0]))
    return (x, sub2(mul2(incline, sub2(one[0], x)), one[1]))


def multiply(scalar, point):
    product = None
    while scalar:
        if scalar & 1:
            product = add(product, point)
        point = add(point, point)
        scalar >>= 1
    return product


def decode(data, b):
    """The point of y^2 = x^3 + b in the right subgroup that these bytes are, compressed; None if they are none."""
    flags, numbers = data[0] >> 5, bytes([data[0] & 31]) + data[1:]
    parts = [int.from_bytes(numbers[at : at + 48], "big") for at in range(0, len(data), 48)]
    if flags & 6 != 4 or any(part >= P for part in parts):
        return None  # Not compressed, or the point at infinity, or a number with a second spelling.
    x = (parts[-1], parts[0] if len(parts) == 2 else 0)
    y = root2(add2(mul2(x, mul2(x, x)), b))
    if y is None or len(parts) == 1 and y[1] != 0:
        return None
    is_larger = (y[1] or y[0]) > HALF
    point = (x, y if is_larger == bool(flags & 1) else sub2((0, 0), y))
    return point if multiply(R, point) is None else None


# --- hashing to G1: RFC 9380, the suite BLS12381G1_XMD:SHA-256_SSWU_RO_ --------------------------------------------------

A_PRIME = 0x144698A3B8E9433D693A02C96D4982B0EA985383EE66A8D8E8981AEFD881AC98936F8DA0E0F97F5CF428082D584C1D
B_PRIME = 0x12E2908D11688030018B12E8753EEE3B2016C1F0F24F4070A0B9C14FCEF35EF55A23215A316CEAA5D1CC48E98E172BE0
Z = 11
EFFECTIVE_COFACTOR = 0xD201000000010001


def expand_message(message, length):
    """Section 5.3.1, expand_message_xmd."""
    domain = DOMAIN + bytes([len(DOMAIN)])
    start = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\x00" + domain).digest()
    blocks = [hashlib.sha256(start + b"\x01" + domain).digest()]
    for number in range(2, length // 32 + 1):
        mixed = bytes(one ^ other for one, other in zip(start, blocks[-1]))
        blocks.append(hashlib.sha256(mixed + bytes([number]) + domain).digest())
    return b"".join(blocks)


def polynomial(coefficients, x):
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % P
    return value


def map_to_curve(u):
    """Section 6.6.2, the simplified SWU method on the isogenous curve, and section 6.6.3, the isogeny."""
    zu = Z * u * u % P
    denominator = (zu * zu + zu) % P
    if denominator:
        x = -B_PRIME * pow(A_PRIME, -1, P) * (1 + pow(denominator, -1, P)) % P
    else:
        x = B_PRIME * pow(Z * A_PRIME, -1, P) % P
    square = (x * x * x + A_PRIME * x + B_PRIME) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        x = zu * x % P
        y = pow((x * x * x + A_PRIME * x + B_PRIME) % P, (P + 1) // 4, P)
    if y & 1 != u & 1:
        y = P - y
    on_curve = polynomial(X_NUMERATOR, x) * pow(polynomial(X_DENOMINATOR, x), -1, P) % P
    y = y * polynomial(Y_NUMERATOR, x) * pow(polynomial(Y_DENOMINATOR, x), -1, P) % P
    return ((on_curve, 0), (y, 0))


def hash_to_g1(message):
    uniform = expand_message(message, 128)
    one, other = (map_to_curve(int.from_bytes(uniform[at : at + 64], "big") % P) for at in (0, 64))
    return multiply(EFFECTIVE_COFACTOR, add(one, other))


# --- pairings -------------------------------------------------------------------------------------------------------


def multiply12(a, b):
    product = [(0, 0)] * 11
    for i, one in enumerate(a):
        if one != (0, 0):
            for j, other in enumerate(b):
                product[i + j] = add2(product[i + j], mul2(one, other))
    for i in range(10, 5, -1):
        product[i - 6] = add2(product[i - 6], mul2(product[i], (1, 1)))
    return product[:6]


def line(incline, through, at):
    """The line on the twist with this slope through a point of G2, at a point of G1, times a factor that vanishes."""
    zero, (x, y) = (0, 0), at
    constant = sub2(mul2(incline, through[0]), through[1])
    return [mul2((1, 1), y), zero, zero, constant, zero, sub2(zero, mul2(incline, x))]


def pairings_cancel(pairs):
    """Whether the product of e(P, Q) over these (P of G1, Q of G2) is 1."""
    product, points = [(1, 0)] + [(0, 0)] * 5, [q for _, q in pairs]
    for bit in bin(X)[3:]:
        product = multiply12(product, product)
        for i, (p, q) in enumerate(pairs):
            product = multiply12(line(slope(points[i], points[i]), points[i], p), product)
            points[i] = add(points[i], points[i])
            if bit == "1":
                product = multiply12(line(slope(points[i], q), q, p), product)
                points[i] = add(points[i], q)
    # The final exponent is this one times p^6 - 1, and raising to p^6 changes the sign of w: what is left must have no w.
    power = [(1, 0)] + [(0, 0)] * 5
    for bit in bin((P**6 + 1) // R)[2:]:
        power = multiply12(power, power)
        if bit == "1":
            power = multiply12(power, product)
    return all(power[i] == (0, 0) for i in (1, 3, 5))


def is_signed(public_key, round_number, signature):
    """Whether the key, 96 bytes, signed the round with these 48 bytes."""
    key, point = decode(public_key, (4, 4)), decode(signature, (4, 0))
    if key is None or point is None:
        return False
    message = hash_to_g1(hashlib.sha256(round_number.to_bytes(8, "big")).digest())
    negated = (point[0], sub2((0, 0), point[1]))
    return pairings_cancel([(message, key), (negated, G2)])
