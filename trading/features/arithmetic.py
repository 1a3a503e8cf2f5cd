"""Arithmetic with the same bits on every machine: only + - * /, square root, comparisons and frexp.

`np.log` differs between CPUs with and without AVX-512, and `math.log` between C libraries; `ln` does not.
"""

import math

NAN = math.nan
LN2_HIGH = 0.6931471803691238
"""ln 2 cut to 33 bits, so that its product with an exponent is exact."""
LN2_LOW = 1.9082149292705877e-10
"""ln 2 - LN2_HIGH."""
SQRT_HALF = math.sqrt(0.5)
MIN_SHARE = 5.0 / 6.0
"""A window counts when at least this share of its values is known."""


def ln(x: float) -> float:
    """Natural logarithm of a positive float within 1 ulp; NaN for anything else.

    The reduction of fdlibm: x = 2**k (1 + f) with |f| <= sqrt(2) - 1, s = f / (2 + f), ln(1 + f) = 2
    atanh(s), here with the Taylor coefficients of atanh, whose first omitted term is below 1e-18.
    """
    if not 0.0 < x < math.inf:
        return NAN
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        m, k = m + m, k - 1
    f = m - 1.0
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
    """Sample variance from a count, a sum and a sum of squares; 0 where rounding is all that is left.
    Needs n > 1.
    """
    spread = squares - total * total / n
    if spread > 1e-12 * squares:
        return spread / (n - 1.0)
    return 0.0
