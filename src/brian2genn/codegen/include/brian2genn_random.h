/* Counter-based random numbers for generated code: C99, C++ and CUDA.
 *
 * A number is a pure function of (seed, stream, element, step, block): nothing is stored between
 * calls, so a result depends neither on the number of threads nor on the order of evaluation, and a
 * rerun, a restored run and another device see the same bits.
 *
 *   seed     64 bits, the Philox key; one for each device or simulation
 *   stream   32 bits, one for each use of a random function in the model
 *   element  32 bits, the neuron or synapse, or a number that two or four neighbours share
 *   step     48 bits, the time step
 *   block    16 bits, successive draws of one element in one step
 *
 * The bits come from Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC'11, doi:10.1145/2063384.2063405.
 *
 * Everything down to b2g_randnf is free of branches, arrays and library calls (but for sqrt
 * and fma, which are single instructions), so that a loop over elements vectorises:
 *
 *     #pragma omp simd
 *     for (int i = 0; i < n; i++) {
 *         uint32_t w0, w1, w2, w3; double z0, z1;
 *         b2g_random_bits(seed, stream, (uint32_t)i, step, 0, &w0, &w1, &w2, &w3);
 *         b2g_normal_pair(w0, w1, w2, w3, &z0, &z1);
 *         x[i] += z0;
 *     }
 *
 * with -O3 -march=native -fopenmp-simd -fno-math-errno. The logarithm, sine and cosine are written
 * out with an explicit fma() at every multiply-add: a vector loop, its scalar remainder and a GPU
 * then round alike, which a vector math library (up to 4 ulp) does not promise. Only a CPU without
 * the FMA instruction differs, in the last bits of normal numbers. (gcc would also turn sin(t) and
 * cos(t) of one t into a call of sincos, which it cannot vectorise.)
 */
#ifndef BRIAN2GENN_RANDOM_H
#define BRIAN2GENN_RANDOM_H

#include "brian2genn_bits.h"

/* ---- bits ------------------------------------------------------------------------------------ */

/* One round with the key of round i, which is k + i * (the golden ratio, sqrt(3) - 1). The words
 * are kept in 64 bits, with only the low halves significant: a vector of 64-bit lanes then holds
 * the whole products, where one of 32-bit lanes has to be widened and packed again. `words` is the
 * type of a word or of a vector of words, `product` multiplies low halves. */
#define B2G_PHILOX_ROUND(words, product, i)                                             \
    B2G_PHILOX_KEYED_ROUND(words, product, B2G_PHILOX_KEY0(k0, i), B2G_PHILOX_KEY1(k1, i))
#define B2G_PHILOX_KEY0(k0, i) ((k0) + 0x9E3779B9u * (i))
#define B2G_PHILOX_KEY1(k1, i) ((k1) + 0xBB67AE85u * (i))
#define B2G_PHILOX_KEYED_ROUND(words, product, key0, key1)                              \
    do {                                                                                \
        const words p0 = product(x0, 0xD2511F53u);                                      \
        const words p1 = product(x2, 0xCD9E8D57u);                                      \
        x0 = (p1 >> 32) ^ x1 ^ (key0);                                                  \
        x2 = (p0 >> 32) ^ x3 ^ (key1);                                                  \
        x1 = p1;                                                                        \
        x3 = p0;                                                                        \
    } while (0)

#define B2G_PHILOX_ROUNDS(words, product)                                               \
    do {                                                                                \
        B2G_PHILOX_ROUND(words, product, 0u);                                           \
        B2G_PHILOX_ROUND(words, product, 1u);                                           \
        B2G_PHILOX_ROUND(words, product, 2u);                                           \
        B2G_PHILOX_ROUND(words, product, 3u);                                           \
        B2G_PHILOX_ROUND(words, product, 4u);                                           \
        B2G_PHILOX_ROUND(words, product, 5u);                                           \
        B2G_PHILOX_ROUND(words, product, 6u);                                           \
        B2G_PHILOX_ROUND(words, product, 7u);                                           \
        B2G_PHILOX_ROUND(words, product, 8u);                                           \
        B2G_PHILOX_ROUND(words, product, 9u);                                           \
    } while (0)

#define B2G_LOW_PRODUCT(x, factor) (((x) & 0xFFFFFFFFu) * (factor))

/* Philox4x32-10: four words of counter and two of key in, four random words out. */
B2G_FN void b2g_philox4x32_10(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0,
                              uint32_t k1, uint32_t *w0, uint32_t *w1, uint32_t *w2, uint32_t *w3)
{
    uint64_t x0 = c0, x1 = c1, x2 = c2, x3 = c3;
    B2G_PHILOX_ROUNDS(uint64_t, B2G_LOW_PRODUCT);
    *w0 = (uint32_t)x0;
    *w1 = (uint32_t)x1;
    *w2 = (uint32_t)x2;
    *w3 = (uint32_t)x3;
}

/* The third word of the counter. */
B2G_FN uint32_t b2g_counter_word(uint64_t step, uint32_t block)
{
    const uint32_t step_high = (uint32_t)(step >> 32) & 0xFFFFu;
    return (step_high << 16) | (block & 0xFFFFu);
}

/* The four random words of (seed, stream, element, step, block). */
B2G_FN void b2g_random_bits(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                            uint32_t block, uint32_t *w0, uint32_t *w1, uint32_t *w2, uint32_t *w3)
{
    b2g_philox4x32_10(element, (uint32_t)step, b2g_counter_word(step, block), stream,
                      (uint32_t)seed, (uint32_t)(seed >> 32), w0, w1, w2, w3);
}

/* ---- uniform numbers ------------------------------------------------------------------------- */

/* In [0, 1), a multiple of 2^-53. The low 5 bits of hi and 6 of lo are not used.
 * Signed 32-bit words convert to double in one instruction from SSE2 on; 64-bit words do not. */
B2G_FN double b2g_uniform(uint32_t hi, uint32_t lo)
{
    return ((double)(int32_t)(hi >> 5) * 67108864.0 + (double)(int32_t)(lo >> 6)) *
           (1.0 / 9007199254740992.0);
}

/* In [0, 1), a multiple of 2^-24. The low 8 bits of w are not used. */
B2G_FN float b2g_uniformf(uint32_t w)
{
    return (float)(int32_t)(w >> 8) * (1.0f / 16777216.0f);
}

/* ---- normal numbers -------------------------------------------------------------------------- */

/* Natural logarithm of a positive, normal, finite number, to about 1 ulp.
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)), and log m = 2 atanh(s), s = (m - 1) / (m + 1), as
 * 2 s + s^3 P(s^2) with a near-minimax P (mpmath.chebyfit; relative error of the sum 5e-18). */
B2G_FN double b2g_log(double x)
{
    const uint64_t half_root = 0x3FE6A09E00000000u; /* sqrt(1/2), rounded down */
    const uint64_t shifted = b2g_bits(x) + (0x3FF0000000000000u - half_root);
    const double m = b2g_from_bits((shifted & 0x000FFFFFFFFFFFFFu) + half_root);
    /* the exponent as a double without a 64-bit conversion: bits added to those of 2^52 */
    const double k = b2g_from_bits((shifted >> 52) | 0x4330000000000000u) - 4503599627371519.0;
    const double f = m - 1.0;
    const double s = f / (m + 1.0);
    const double z = s * s;
    double p = 0.14617807153417325;
    p = B2G_FMA(p, z, 0.15331611722055008);
    p = B2G_FMA(p, z, 0.1818289243253687);
    p = B2G_FMA(p, z, 0.22222211089379496);
    p = B2G_FMA(p, z, 0.28571428626253836);
    p = B2G_FMA(p, z, 0.3999999999989889);
    p = B2G_FMA(p, z, 0.666666666666667);
    p = p * z;
    /* ln 2 in two parts, the first with trailing zeros so that k times it is exact */
    return B2G_FMA(k, 0.6931471803691238,
                   B2G_FMA(s, p, B2G_FMA(k, 1.9082149292705877e-10, s + s)));
}

B2G_FN float b2g_logf(float x)
{
    const uint32_t half_root = 0x3F3504F3u;
    const uint32_t shifted = b2g_bitsf(x) + (0x3F800000u - half_root);
    const float m = b2g_from_bitsf((shifted & 0x007FFFFFu) + half_root);
    const float k = (float)((int32_t)(shifted >> 23) - 127);
    const float f = m - 1.0f;
    const float s = f / (m + 1.0f);
    const float z = s * s;
    float p = 0.23331614f;
    p = B2G_FMAF(p, z, 0.28550779f);
    p = B2G_FMAF(p, z, 0.40000122f);
    p = B2G_FMAF(p, z, 0.66666667f);
    p = p * z;
    return B2G_FMAF(k, 0.69313812f, B2G_FMAF(s, p, B2G_FMAF(k, 9.0580006e-6f, s + s)));
}

/* Two independent standard normal numbers from four random words: G. E. P. Box and M. E. Muller,
 * "A note on the generation of random normal deviates", Ann. Math. Stat. 29 (1958) 610-611.
 * The radius takes w0, w1; its uniform number is in (0, 1], so that |z| <= 8.6. The angle takes
 * w2, w3: 53 bits place it in [-pi/4, pi/4), and two of the bits left over choose the quarter of
 * the circle, so that sine and cosine need no range reduction. */
B2G_FN void b2g_normal_pair(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3, double *z0,
                            double *z1)
{
    const double radius = sqrt(-2.0 * b2g_log(1.0 - b2g_uniform(w0, w1)));
    const double t = b2g_uniform(w2, w3) - 0.5; /* quarter turns */
    const double z = t * t;
    double s = 5.633933781537854e-08; /* sin(pi/2 t) / t; near-minimax, error 5e-18 */
    double c = 4.6552961874867623e-07; /* cos(pi/2 t); error 5e-17 */
    double along, across;
    s = B2G_FMA(s, z, -3.59864335298231e-06);
    s = B2G_FMA(s, z, 0.0001604411507421909);
    s = B2G_FMA(s, z, -0.004681754132340976);
    s = B2G_FMA(s, z, 0.07969262624604301);
    s = B2G_FMA(s, z, -0.6459640975062443);
    s = B2G_FMA(s, z, 1.5707963267948966);
    c = B2G_FMA(c, z, -2.520013526428479e-05);
    c = B2G_FMA(c, z, 0.000919259950041661);
    c = B2G_FMA(c, z, -0.02086348073494657);
    c = B2G_FMA(c, z, 0.25366950789986475);
    c = B2G_FMA(c, z, -1.2337005501361513);
    c = B2G_FMA(c, z, 1.0);
    along = c * radius * (double)(1 - (int32_t)(w2 & 2u));
    across = s * t * radius;
    *z0 = b2g_select(w2 & 1u, across, along);
    *z1 = b2g_select(w2 & 1u, along, across);
}

/* The same in single precision from two words; |z| <= 6.7. */
B2G_FN void b2g_normal_pairf(uint32_t w0, uint32_t w1, float *z0, float *z1)
{
    /* 31 bits, centred: in (0, 1], with all of them kept where the logarithm is large */
    const float u = B2G_FMAF((float)(int32_t)(w0 >> 1), 4.6566128730773926e-10f,
                             2.3283064365386963e-10f);
    const float radius = sqrtf(-2.0f * b2g_logf(u));
    const float t = b2g_uniformf(w1) - 0.5f;
    const float z = t * t;
    float s = -0.004602149212814176f;
    float c = 0.0009036280663802505f;
    float along, across;
    s = B2G_FMAF(s, z, 0.07968021764775542f);
    s = B2G_FMAF(s, z, -0.6459634776648118f);
    s = B2G_FMAF(s, z, 1.5707963219532366f);
    c = B2G_FMAF(c, z, -0.02086006950026408f);
    c = B2G_FMAF(c, z, 0.2536692036551135f);
    c = B2G_FMAF(c, z, -1.2337005406331623f);
    c = B2G_FMAF(c, z, 1.0f);
    along = c * radius * (float)(1 - (int32_t)(w1 & 2u));
    across = s * t * radius;
    *z0 = b2g_selectf(w1 & 1u, across, along);
    *z1 = b2g_selectf(w1 & 1u, along, across);
}

/* ---- one number for every element ------------------------------------------------------------ */

/* The numbers that generated code draws by rand() and randn(). A block serves neighbouring
 * elements, so that none of it is wasted: two of them in double precision (element e takes half
 * e & 1 of the block e >> 1), four in single (e takes word e & 3 of e >> 2). These functions make
 * the number of one element; brian2genn_numbers.h makes those of many, the same ones. */

/* a where which is 1, b where it is 0. */
B2G_FN uint32_t b2g_select_word(uint32_t which, uint32_t a, uint32_t b)
{
    return (a & (0u - which)) | (b & (which - 1u));
}

B2G_FN double b2g_rand(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                       uint32_t block)
{
    const uint32_t odd = element & 1u;
    uint32_t w0, w1, w2, w3;
    b2g_random_bits(seed, stream, element >> 1, step, block, &w0, &w1, &w2, &w3);
    return b2g_uniform(b2g_select_word(odd, w2, w0), b2g_select_word(odd, w3, w1));
}

B2G_FN float b2g_randf(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                       uint32_t block)
{
    const uint32_t odd = element & 1u, high = element >> 1 & 1u;
    uint32_t w0, w1, w2, w3;
    b2g_random_bits(seed, stream, element >> 2, step, block, &w0, &w1, &w2, &w3);
    return b2g_uniformf(b2g_select_word(high, b2g_select_word(odd, w3, w2),
                                        b2g_select_word(odd, w1, w0)));
}

B2G_FN double b2g_randn(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                        uint32_t block)
{
    uint32_t w0, w1, w2, w3;
    double z0, z1;
    b2g_random_bits(seed, stream, element >> 1, step, block, &w0, &w1, &w2, &w3);
    b2g_normal_pair(w0, w1, w2, w3, &z0, &z1);
    return b2g_select(element & 1u, z1, z0);
}

B2G_FN float b2g_randnf(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                        uint32_t block)
{
    const uint32_t high = element >> 1 & 1u;
    uint32_t w0, w1, w2, w3;
    float z0, z1;
    b2g_random_bits(seed, stream, element >> 2, step, block, &w0, &w1, &w2, &w3);
    b2g_normal_pairf(b2g_select_word(high, w2, w0), b2g_select_word(high, w3, w1), &z0, &z1);
    return b2g_selectf(element & 1u, z1, z0);
}

/* ---- draws that need a varying number of uniform numbers ------------------------------------- */

/* A sequence of numbers of its own for (seed, stream, element, step). It runs through the blocks of
 * its stream, so a stream belongs either to one such sequence or to calls of b2g_random_bits. */
typedef struct {
    uint64_t seed, step;
    uint32_t stream, element;
    uint32_t block;     /* the next block */
    uint32_t hi, lo;    /* the second half of the last block */
    uint32_t have_half; /* whether it is still unused */
} b2g_rng;

B2G_FN b2g_rng b2g_rng_init(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step)
{
    b2g_rng rng;
    rng.seed = seed;
    rng.step = step;
    rng.stream = stream;
    rng.element = element;
    rng.block = 0;
    rng.hi = 0;
    rng.lo = 0;
    rng.have_half = 0;
    return rng;
}

/* The next number in [0, 1). The sequence repeats after 2^17 numbers. */
B2G_FN double b2g_next_uniform(b2g_rng *rng)
{
    uint32_t w0, w1;
    if (rng->have_half) {
        rng->have_half = 0;
        return b2g_uniform(rng->hi, rng->lo);
    }
    b2g_random_bits(rng->seed, rng->stream, rng->element, rng->step, rng->block, &w0, &w1,
                    &rng->hi, &rng->lo);
    rng->block += 1;
    rng->have_half = 1;
    return b2g_uniform(w0, w1);
}

/* log(k!) - [(k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2], from Stirling's series. Below k = 15
 * the series is taken further out and brought back by recursion. */
B2G_FN_LONG double b2g_stirling_tail(double k)
{
    double correction = 0.0, r, rr;
    while (k < 15.0) {
        /* f(k) - f(k + 1) = (k + 3/2) log((k + 2) / (k + 1)) - 1 */
        correction += (k + 1.5) * log1p(1.0 / (k + 1.0)) - 1.0;
        k += 1.0;
    }
    r = 1.0 / (k + 1.0);
    rr = r * r;
    return correction +
           r * (1.0 / 12.0 -
                rr * (1.0 / 360.0 - rr * (1.0 / 1260.0 - rr * (1.0 / 1680.0 - rr / 1188.0))));
}

/* A Poisson number. Exact: products of uniform numbers (D. E. Knuth, The Art of Computer
 * Programming 2, section 3.4.1) below a mean of 10; above it the transformed rejection with squeeze
 * PTRS: W. Hoermann, "The transformed rejection method for generating Poisson random variables",
 * Insurance: Mathematics and Economics 12 (1993) 39-45. A mean that is not positive (or NaN)
 * gives 0; results saturate at INT32_MAX. */
B2G_FN_APART int32_t b2g_poisson(double lambda, b2g_rng *rng)
{
    if (!(lambda > 0.0))
        return 0;
    if (lambda < 10.0) {
        const double limit = exp(-lambda);
        double product = b2g_next_uniform(rng);
        int32_t k = 0;
        while (product > limit) {
            product *= b2g_next_uniform(rng);
            k += 1;
        }
        return k;
    }
    if (lambda > 2147483647.0)
        return 2147483647;
    {
        const double log_lambda = log(lambda);
        const double b = 0.931 + 2.53 * sqrt(lambda);
        const double a = -0.059 + 0.02483 * b;
        const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        const double v_r = 0.9277 - 3.6224 / (b - 2.0);
        for (;;) {
            const double u = b2g_next_uniform(rng) - 0.5;
            const double v = 1.0 - b2g_next_uniform(rng);
            const double us = 0.5 - fabs(u);
            const double k = floor((2.0 * a / us + b) * u + lambda + 0.43);
            if (us >= 0.07 && v <= v_r)
                return k > 2147483647.0 ? 2147483647 : (int32_t)k;
            if (!(k >= 0.0) || (us < 0.013 && v > us))
                continue;
            /* k log(lambda) - lambda - log(k!), arranged so that large terms cancel early */
            if (log(v * inverse_alpha / (a / (us * us) + b)) <=
                (k + 0.5) * log(lambda / (k + 1.0)) + (k + 1.0 - lambda) -
                    0.5 * log_lambda - 0.9189385332046728 - b2g_stirling_tail(k))
                return k > 2147483647.0 ? 2147483647 : (int32_t)k;
        }
    }
}

/* A binomial number for p in (0, 1/2]. */
B2G_FN_APART int64_t b2g_binomial_half(int64_t n, double p, b2g_rng *rng)
{
    const double size = (double)n;
    const double odds = p / (1.0 - p);
    if (size * p < 10.0) {
        const double none = exp(size * log1p(-p)); /* the probability of 0; at least 9e-7 */
        for (;;) {
            double u = b2g_next_uniform(rng), pk = none;
            int64_t k = 0;
            while (u >= pk && k < n) {
                u -= pk;
                k += 1;
                pk *= (double)(n - k + 1) * odds / (double)k;
                if (pk == 0.0) /* past what is representable: rounding left a rest, draw again */
                    break;
            }
            if (u < pk)
                return k;
        }
    }
    {
        const double sd = sqrt(size * p * (1.0 - p));
        const double b = 1.15 + 2.53 * sd;
        const double a = -0.0873 + 0.0248 * b + 0.01 * p;
        const double centre = size * p + 0.5;
        const double alpha = (2.83 + 5.1 / b) * sd;
        const double v_r = 0.92 - 4.2 / b;
        const double m = floor((size + 1.0) * p); /* the mode */
        const double at_mode = (m + 0.5) * log((m + 1.0) / (odds * (size - m + 1.0))) +
                               b2g_stirling_tail(m) + b2g_stirling_tail(size - m);
        for (;;) {
            const double u = b2g_next_uniform(rng) - 0.5;
            const double v = 1.0 - b2g_next_uniform(rng);
            const double us = 0.5 - fabs(u);
            const double k = floor((2.0 * a / us + b) * u + centre);
            if (us >= 0.07 && v <= v_r)
                return (int64_t)k;
            if (!(k >= 0.0 && k <= size))
                continue;
            if (log(v * alpha / (a / (us * us) + b)) <=
                at_mode + (size + 1.0) * log((size - m + 1.0) / (size - k + 1.0)) +
                    (k + 0.5) * log(odds * (size - k + 1.0) / (k + 1.0)) -
                    b2g_stirling_tail(k) - b2g_stirling_tail(size - k))
                return (int64_t)k;
        }
    }
}

/* A binomial number: successes in n trials of probability p. Exact: sequential inversion where the
 * rarer outcome is expected fewer than 10 times; otherwise the transformed rejection BTRS:
 * W. Hoermann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46 (1993)
 * 101-110. n <= 0, p <= 0 or p NaN give 0; p >= 1 gives n. */
B2G_FN_LONG int64_t b2g_binomial(int64_t n, double p, b2g_rng *rng)
{
    if (n <= 0 || !(p > 0.0))
        return 0;
    if (p >= 1.0)
        return n;
    return p <= 0.5 ? b2g_binomial_half(n, p, rng) : n - b2g_binomial_half(n, 1.0 - p, rng);
}

#endif /* BRIAN2GENN_RANDOM_H */
