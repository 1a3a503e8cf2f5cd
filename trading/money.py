"""Integer money: prices in ticks, quantities in lots, cash and fees in 1e-8 of the quote currency.

Every rounding has a name here. The functions run compiled and plain with the same result: no intermediate
value exceeds 64 bits while operands and result are below 2**62, so a wrapped product cannot happen silently.
"""

PPM = 1_000_000
SAFE_PRODUCT = 2.0**60
"""A product that is smaller as a float fits 61 bits; the float is off by less than one part in 2**51."""


def muldiv_floor(a: int, b: int, c: int) -> int:
    """floor(a*b/c) for 0 <= a, b and 0 < c, all of them and the result below 2**62, without forming a*b."""
    return _divided(a, b, c)[0]


def muldiv_ceil(a: int, b: int, c: int) -> int:
    """ceil(a*b/c) under the same conditions as `muldiv_floor`."""
    quotient, remainder = _divided(a, b, c)
    return quotient + (1 if remainder else 0)


def muldiv_half_up(a: int, b: int, c: int) -> int:
    """a*b/c to the nearest integer, halves up, under the same conditions as `muldiv_floor`."""
    quotient, remainder = _divided(a, b, c)
    return quotient + (1 if 2 * remainder >= c else 0)


def _divided(a: int, b: int, c: int) -> tuple[int, int]:
    """Quotient and remainder of a*b/c."""
    if float(a) * float(b) < SAFE_PRODUCT:
        return a * b // c, a * b % c
    return _muldiv(a, b, c)


def _muldiv(a: int, b: int, c: int) -> tuple[int, int]:
    """Quotient and remainder of a*b/c, one bit of `a` at a time (schoolbook, high bit first)."""
    whole, part = b // c, b % c
    quotient, remainder = 0, 0
    for shift in range(61, -1, -1):
        quotient *= 2
        remainder *= 2
        if remainder >= c:
            remainder -= c
            quotient += 1
        if (a >> shift) & 1:
            quotient += whole
            remainder += part
            if remainder >= c:
                remainder -= c
                quotient += 1
    return quotient, remainder


def share(amount: int, ppm: int) -> int:
    """floor(amount * ppm / 1e6): a fraction of an amount, rounded down."""
    return amount // PPM * ppm + amount % PPM * ppm // PPM


def half_up(numerator: int, denominator: int) -> int:
    """numerator/denominator to the nearest integer, halves up; numerator >= 0, denominator > 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def trade_value(ticks: int, lots: int, multiplier: int, divisor: int) -> int:
    """Value of `lots` at `ticks` in 1e-8 quote, half up; a tick times a lot is multiplier/divisor of 1e-8."""
    return muldiv_half_up(lots, ticks * multiplier, divisor)


def fee(value: int, fee_ppm: int) -> int:
    """The venue's fee on a trade value, half up, 1e-8 quote."""
    whole, part = value // PPM, value % PPM
    return whole * fee_ppm + half_up(part * fee_ppm, PPM)
