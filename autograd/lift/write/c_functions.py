"""Functions in C that texts of programs use beside those of math.h.

They have no branches, so that a compiler can take several members at a time. The exponential is 2ᵏ eʳ with
|r| ≤ ½ log 2, log 2 in two parts (Cody and Waite 1980, chapter 6) and the Taylor polynomial of degree 13; hyperbolic
tangent and sigmoid are made of it. They are off by two units of the last place at most.
"""

from __future__ import annotations

import re

__all__ = ["functions_in"]


_REDUCED = """/* Return k and r with x = k log 2 + r; k as an integer and as a double. */
static inline double reduced(double x, double *k, int64_t *integer)
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: what is added to it is rounded to an integer */
    double shifted = x * 1.4426950408889634 + shift;
    int64_t bits, zero;
    *k = shifted - shift;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&zero, &shift, sizeof zero);
    *integer = bits - zero;
    return (x - *k * 6.93147180369123816490e-01) - *k * 1.90821492927058770002e-10;
}"""

_EXPM1_NEAR_0 = """/* Return exp(r) - 1 for |r| <= 0.35. */
static inline double expm1_near_0(double r)
{
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return r + r * r * p;
}"""

_POWER_OF_2 = """/* Return 2^k for -1022 <= k <= 1023. */
static inline double power_of_2(int64_t k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}"""

_FAST_EXP = """/* Return exp(x); 2^k is multiplied in two parts, as it may be beyond the doubles. */
static inline double fast_exp(double x)
{
    double k;
    int64_t integer, half;
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double r = reduced(x, &k, &integer);
    half = (int64_t)((uint64_t)(integer + 2048) >> 1) - 1024;
    return (1.0 + expm1_near_0(r)) * power_of_2(half) * power_of_2(integer - half);
}"""

_FAST_TANH = """static inline double fast_tanh(double x)
{
    double k, twice = 2.0 * fabs(x);
    int64_t integer;
    twice = twice > 44.0 ? 44.0 : twice;
    double r = reduced(twice, &k, &integer);
    double power = power_of_2(integer);
    double e = power * expm1_near_0(r) + (power - 1.0); /* exp(2|x|) - 1, of whose error a part arrives at the result */
    return copysign(e / (2.0 + e), x);
}"""

_FAST_SIGMOID = """static inline double fast_sigmoid(double x)
{
    double small = fast_exp(-fabs(x));
    double tail = small / (1.0 + small);
    return x >= 0.0 ? 1.0 - tail : tail;
}"""

_SQUARE = """static inline double square(double x)
{
    return x * x;
}"""

_FLOORED_MOD = """static inline double floored_mod(double x, double y)
{
    double rest = fmod(x, y);
    return rest != 0.0 && (rest < 0.0) != (y < 0.0) ? rest + y : rest;
}"""

_PRODUCT = """/* Put sums of left[r, k] right[k] over k into out[r], for 32 rows side by side and four r at a time. */
static void product(double *restrict out, long out_step, const double *restrict left, long row_step, long term_step,
                    const double *restrict right, long right_step, long count, long terms)
{
    long r = 0;
    for (; r + 4 <= count; r += 4) {
        double a[32] = {0.0}, b[32] = {0.0}, c[32] = {0.0}, d[32] = {0.0};
        const double *own = left + r * row_step;
        double *to = out + r * out_step;
        for (long k = 0; k < terms; k++) {
            const double *x = right + k * right_step, *factor = own + k * term_step;
            const double p = factor[0], q = factor[row_step], s = factor[2 * row_step], t = factor[3 * row_step];
            for (int n = 0; n < 32; n++) {
                a[n] += p * x[n];
                b[n] += q * x[n];
                c[n] += s * x[n];
                d[n] += t * x[n];
            }
        }
        for (int n = 0; n < 32; n++) {
            to[n] = a[n];
            to[out_step + n] = b[n];
            to[2 * out_step + n] = c[n];
            to[3 * out_step + n] = d[n];
        }
    }
    for (; r < count; r++) {
        double a[32] = {0.0};
        for (long k = 0; k < terms; k++)
            for (int n = 0; n < 32; n++) a[n] += left[r * row_step + k * term_step] * right[k * right_step + n];
        for (int n = 0; n < 32; n++) out[r * out_step + n] = a[n];
    }
}"""

_SUMMED = """/* Add the sums of left[r] right[c] over some of 32 rows to out[r, c], 32 columns and four r at a time. */
static void summed(double *restrict out, const double *restrict left, const double *restrict right, long count,
                   long width, long rows)
{
    for (long k = 0; k < width; k += 32) {
        const long columns = width - k < 32 ? width - k : 32;
        double turned[32 * 32];
        for (long c = 0; c < 32; c++)
            for (long n = 0; n < 32; n++) turned[n * 32 + c] = c < columns ? right[(k + c) * 32 + n] : 0.0;
        long r = 0;
        for (; r + 4 <= count; r += 4) {
            double a[32] = {0.0}, b[32] = {0.0}, c[32] = {0.0}, d[32] = {0.0};
            const double *own = left + r * 32;
            double *to = out + r * width + k;
            for (long n = 0; n < rows; n++) {
                const double *x = turned + n * 32;
                const double p = own[n], q = own[32 + n], s = own[64 + n], t = own[96 + n];
                for (int i = 0; i < 32; i++) {
                    a[i] += p * x[i];
                    b[i] += q * x[i];
                    c[i] += s * x[i];
                    d[i] += t * x[i];
                }
            }
            for (long i = 0; i < columns; i++) {
                to[i] += a[i];
                to[width + i] += b[i];
                to[2 * width + i] += c[i];
                to[3 * width + i] += d[i];
            }
        }
        for (; r < count; r++) {
            double a[32] = {0.0};
            for (long n = 0; n < rows; n++)
                for (int i = 0; i < 32; i++) a[i] += left[r * 32 + n] * turned[n * 32 + i];
            for (long i = 0; i < columns; i++) out[r * width + k + i] += a[i];
        }
    }
}"""

_ALL_FINITE = """/* Whether numbers are all finite; zero times any other is NaN. */
static int all_finite(const double *numbers, long count)
{
    double zeros[32] = {0.0}, total = 0.0;
    long m = 0;
    for (; m + 32 <= count; m += 32)
        for (int i = 0; i < 32; i++) zeros[i] += 0.0 * numbers[m + i];
    for (; m < count; m++) total += 0.0 * numbers[m];
    for (int i = 0; i < 32; i++) total += zeros[i];
    return total == 0.0;
}"""

_LOAD = """/* Put some rows side by side; the last one stands for those that are missing to 32. */
static void load(double *restrict to, const double *restrict from, long width, long rows)
{
    for (long k = 0; k < width; k += 16) {
        const long end = width - k < 16 ? width : k + 16;
        for (long n = 0; n < 32; n++) {
            const double *row = from + (n < rows ? n : rows - 1) * width;
            for (long m = k; m < end; m++) to[m * 32 + n] = row[m];
        }
    }
}"""

_SUM_OF_ROWS = """/* Return the sum of some numbers side by side. */
static double sum_of_rows(const double *numbers, long rows)
{
    double sums[8] = {0.0}, rest = 0.0;
    long n = 0;
    for (; n + 8 <= rows; n += 8)
        for (int i = 0; i < 8; i++) sums[i] += numbers[n + i];
    for (; n < rows; n++) rest += numbers[n];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])) + rest;
}"""

_TEXTS = {
    "reduced": _REDUCED,
    "expm1_near_0": _EXPM1_NEAR_0,
    "power_of_2": _POWER_OF_2,
    "fast_exp": _FAST_EXP,
    "fast_tanh": _FAST_TANH,
    "fast_sigmoid": _FAST_SIGMOID,
    "square": _SQUARE,
    "product": _PRODUCT,
    "load": _LOAD,
    "all_finite": _ALL_FINITE,
    "sum_of_rows": _SUM_OF_ROWS,
    "summed": _SUMMED,
    "floored_mod": _FLOORED_MOD,
}


def functions_in(text: str) -> list[str]:
    """Return the definitions of the functions that a text calls, each behind those that it calls itself."""
    needed: set[str] = set()
    waiting = [text]
    while waiting:
        called = set(re.findall(r"\w+(?=\()", waiting.pop())) & _TEXTS.keys() - needed
        needed |= called
        waiting += [_TEXTS[name] for name in called]
    return [definition for name, definition in _TEXTS.items() if name in needed]
