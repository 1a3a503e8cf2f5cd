"""Arithmetic with the same bits on every machine: only + - * /, square root, comparisons and integers.

`np.log` differs between CPUs with and without AVX-512, and `math.log` between C libraries; `logs` does not.
"""

import math

import numpy as np

from trading.market import Floats

NAN = math.nan
LN2_HIGH = 0.6931471803691238
"""ln 2 cut to 33 bits, so that its product with an exponent is exact."""
LN2_LOW = 1.9082149292705877e-10
"""ln 2 - LN2_HIGH."""
SQRT_HALF = math.sqrt(0.5)
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
"""SQRT_HALF as the integer with the same bits."""
SHIFT = 6755399441055744.0
"""2**52 + 2**51: a small integer added to its bits gives the float that exceeds it by that integer."""
SHIFTED_ZERO = 0x4338000000000000
"""SHIFT as the integer with the same bits."""
SMALLEST_NORMAL = 2.2250738585072014e-308
MIN_SHARE = 5.0 / 6.0
"""A window counts when at least this share of its values is known."""

SMALLEST_SPREAD = 1e-12
"""A sum of squares about the mean below this share of the raw one is rounding."""


def ln(x: float) -> float:
    """Natural logarithm within 1 ulp, NaN unless 0 < x < inf; one element of `logs`, without arrays."""
    if not SMALLEST_NORMAL <= x < math.inf:
        return NAN
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        m, k = m + m, k - 1
    return scaled_log(m - 1.0, float(k))


def logs(x: Floats, out: Floats) -> None:
    """Natural logarithms within 1 ulp, NaN unless 0 < x < inf; subnormal numbers give NaN too.

    The reduction of fdlibm: x = 2**k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), s = f / (2 + f), ln(1 + f) =
    2 atanh(s), here with the Taylor coefficients of atanh, whose first omitted term is below 1e-18. k comes
    from the bits by integer arithmetic, so that both loops vectorise.
    """
    bits, fractions = x.view(np.int64), np.empty(x.shape[0], np.int64)
    exponents = np.empty(x.shape[0], np.int64)
    for i in range(x.shape[0]):
        k = (bits[i] - SQRT_HALF_BITS) >> 52
        fractions[i] = bits[i] - (k << 52)
        exponents[i] = SHIFTED_ZERO + k
    m, shifted = fractions.view(np.float64), exponents.view(np.float64)
    for i in range(x.shape[0]):
        y = scaled_log(m[i] - 1.0, shifted[i] - SHIFT)
        out[i] = y if SMALLEST_NORMAL <= x[i] < math.inf else NAN


def scaled_log(f: float, k: float) -> float:
    """ln(2**k (1 + f))."""
    s = f / (2.0 + f)
    z = s * s
    r = 2.0 / 15.0 + z * (2.0 / 17.0 + z * (2.0 / 19.0 + z * (2.0 / 21.0 + z * (2.0 / 23.0))))
    r = z * (
        2.0 / 3.0
        + z * (2.0 / 5.0 + z * (2.0 / 7.0 + z * (2.0 / 9.0 + z * (2.0 / 11.0 + z * (2.0 / 13.0 + z * r)))))
    )
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)


def clip(x: float, limit: float) -> float:
    """x within -limit..limit; NaN stays NaN."""
    if x > limit:
        return limit
    if x < -limit:
        return -limit
    return x


def ratio(numerator: float, denominator: float) -> float:
    """The quotient, NaN unless the denominator is positive."""
    if denominator > 0.0:
        return numerator / denominator
    return NAN


def variance(n: float, total: float, squares: float) -> float:
    """Sample variance from a count n > 1, a sum and a sum of squares; 0 where only rounding is left."""
    about = squares - total * total / n
    if about > SMALLEST_SPREAD * squares:
        return about / (n - 1.0)
    return 0.0
