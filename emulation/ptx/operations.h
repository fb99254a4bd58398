/* PTX's operations in C++, one function for each, with exactly the results that the PTX
   ISA defines.  Registers have the width of their type; `ptx_get` and `ptx_put` read and
   write them as an instruction's type demands. */
#ifndef PTX_OPERATIONS_H
#define PTX_OPERATIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>

#define PTX_FN static inline __attribute__((always_inline, unused))

/* ---- registers ------------------------------------------------------------------- */

template <int N> struct ptx_bits_of;
template <> struct ptx_bits_of<1> { typedef uint8_t type; };
template <> struct ptx_bits_of<2> { typedef uint16_t type; };
template <> struct ptx_bits_of<4> { typedef uint32_t type; };
template <> struct ptx_bits_of<8> { typedef uint64_t type; };
template <typename T> using ptx_bits = typename ptx_bits_of<sizeof(T)>::type;

template <typename To, typename From> PTX_FN To ptx_cast(From value)
{
    static_assert(sizeof(To) == sizeof(From), "a cast changes no width");
    To result;
    memcpy(&result, &value, sizeof(To));
    return result;
}

/* A register as an operand of type T: the bits; of a wider register the lower ones. */
template <typename T, typename R> PTX_FN T ptx_get(R value)
{
    if constexpr (std::is_same<T, R>::value)
        return value;
    else
        return ptx_cast<T>((ptx_bits<T>)ptx_cast<ptx_bits<R>>(value));
}

/* A result in a register: a wider one gets the sign, or zeros. */
template <typename R, typename T> PTX_FN void ptx_put(R &place, T value)
{
    if constexpr (std::is_same<T, R>::value)
        place = value;
    else if constexpr (sizeof(R) == sizeof(T))
        place = ptx_cast<R>(value);
    else {
        static_assert(std::is_integral<T>::value && sizeof(R) > sizeof(T), "a register is too narrow");
        if constexpr (std::is_signed<T>::value)
            place = ptx_cast<R>((ptx_bits<R>)(int64_t)value);
        else
            place = ptx_cast<R>((ptx_bits<R>)value);
    }
}

/* ---- integers --------------------------------------------------------------------- */

template <typename T> PTX_FN T ptx_add(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value)
        return a + b;
    else
        return (T)(ptx_bits<T>)((ptx_bits<T>)a + (ptx_bits<T>)b);
}
template <typename T> PTX_FN T ptx_sub(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value)
        return a - b;
    else
        return (T)(ptx_bits<T>)((ptx_bits<T>)a - (ptx_bits<T>)b);
}

/* twice as wide, with the same sign */
template <typename T> struct ptx_wider;
template <> struct ptx_wider<uint16_t> { typedef uint32_t type; };
template <> struct ptx_wider<int16_t> { typedef int32_t type; };
template <> struct ptx_wider<uint32_t> { typedef uint64_t type; };
template <> struct ptx_wider<int32_t> { typedef int64_t type; };
template <> struct ptx_wider<uint64_t> { typedef unsigned __int128 type; };
template <> struct ptx_wider<int64_t> { typedef __int128 type; };

template <typename T> PTX_FN typename ptx_wider<T>::type ptx_mul_wide(T a, T b)
{
    typedef typename ptx_wider<T>::type W;
    return (W)a * (W)b;
}
template <typename T> PTX_FN T ptx_mul(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value)
        return a * b;
    else
        return (T)(ptx_bits<T>)((uint64_t)a * (uint64_t)b);
}
template <typename T> PTX_FN T ptx_mul_hi(T a, T b) { return (T)(ptx_mul_wide<T>(a, b) >> (8 * sizeof(T))); }
template <typename T> PTX_FN typename ptx_wider<T>::type ptx_mad_wide(T a, T b, typename ptx_wider<T>::type c)
{
    return ptx_add<typename ptx_wider<T>::type>(ptx_mul_wide<T>(a, b), c);
}

/* Division by zero has no defined result; this is what the hardware is known to give. */
template <typename T> PTX_FN T ptx_div(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value)
        return a / b;
    else {
        if (b == 0)
            return (T)-1;
        if (std::is_signed<T>::value && b == (T)-1)
            return ptx_sub<T>(0, a);
        return (T)(a / b);
    }
}
template <typename T> PTX_FN T ptx_rem(T a, T b)
{
    if (b == 0)
        return a;
    if (std::is_signed<T>::value && b == (T)-1)
        return 0;
    return (T)(a % b);
}
template <typename T> PTX_FN T ptx_neg(T a)
{
    if constexpr (std::is_floating_point<T>::value)
        return -a;
    else
        return ptx_sub<T>(0, a);
}
template <typename T> PTX_FN T ptx_abs(T a)
{
    if constexpr (std::is_same<T, double>::value)
        return __builtin_fabs(a);
    else if constexpr (std::is_same<T, float>::value)
        return __builtin_fabsf(a);
    else
        return a < 0 ? ptx_neg<T>(a) : a;
}
/* Of a number and NaN the number; -0 is less than +0. */
template <typename T> PTX_FN T ptx_min(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value) {
        if (a != a)
            return b;
        if (b != b)
            return a;
        if (a == b)
            return __builtin_signbit(a) ? a : b;
    }
    return a < b ? a : b;
}
template <typename T> PTX_FN T ptx_max(T a, T b)
{
    if constexpr (std::is_floating_point<T>::value) {
        if (a != a)
            return b;
        if (b != b)
            return a;
        if (a == b)
            return __builtin_signbit(a) ? b : a;
    }
    return a > b ? a : b;
}

/* With the carry: `cc` is the flag. */
PTX_FN uint32_t ptx_add_cc(uint32_t a, uint32_t b, uint32_t in, bool &cc)
{
    const uint64_t sum = (uint64_t)a + b + in;
    cc = sum >> 32;
    return (uint32_t)sum;
}
PTX_FN uint32_t ptx_sub_cc(uint32_t a, uint32_t b, uint32_t in, bool &cc)
{
    const uint64_t difference = (uint64_t)a - b - in;
    cc = difference >> 63;
    return (uint32_t)difference;
}

/* A shift by more than the width leaves nothing, or signs. */
template <typename T> PTX_FN T ptx_shl(T a, uint32_t n) { return n < 8 * sizeof(T) ? (T)(a << n) : (T)0; }
template <typename T> PTX_FN T ptx_shr(T a, uint32_t n)
{
    if (n >= 8 * sizeof(T)) {
        if (!std::is_signed<T>::value)
            return 0;
        n = 8 * sizeof(T) - 1;
    }
    return (T)(a >> n);
}
PTX_FN uint32_t ptx_shf_l(uint32_t a, uint32_t b, uint32_t c, bool wrap)
{
    const uint32_t n = wrap ? c & 31 : (c < 32 ? c : 32);
    return (uint32_t)((((uint64_t)b << 32 | a) << n) >> 32);
}
PTX_FN uint32_t ptx_shf_r(uint32_t a, uint32_t b, uint32_t c, bool wrap)
{
    const uint32_t n = wrap ? c & 31 : (c < 32 ? c : 32);
    return (uint32_t)(((uint64_t)b << 32 | a) >> n);
}
template <typename T> PTX_FN uint32_t ptx_popc(T a) { return (uint32_t)__builtin_popcountll(a); }
template <typename T> PTX_FN uint32_t ptx_clz(T a)
{
    return a == 0 ? 8 * sizeof(T) : (uint32_t)__builtin_clzll(a) - (64 - 8 * sizeof(T));
}
template <typename T> PTX_FN T ptx_brev(T a)
{
    T result = 0;
    for (unsigned k = 0; k < 8 * sizeof(T); k++)
        result = (T)(result << 1 | (a >> k & 1));
    return result;
}
template <typename T> PTX_FN T ptx_bfe(T a, uint32_t position, uint32_t length)
{
    const uint32_t msb = 8 * sizeof(T) - 1, pos = position & 0xFF, len = length & 0xFF;
    typedef ptx_bits<T> U;
    const uint32_t last = pos + len - 1 < msb ? pos + len - 1 : msb;
    const bool sign = std::is_signed<T>::value && len != 0 && ((U)a >> last & 1);
    const U kept = len >= msb + 1 ? (U)-1 : (U)(((U)1 << len) - 1);
    U result = pos <= msb ? (U)a >> pos & kept : 0;
    if (sign) {
        const uint32_t known = pos <= last ? last - pos + 1 : 0;
        result |= known > msb ? 0 : (U)((U)-1 << known);
    }
    return (T)result;
}
template <typename T> PTX_FN T ptx_bfi(T a, T b, uint32_t position, uint32_t length)
{
    const uint32_t width = 8 * sizeof(T), pos = position & 0xFF, len = length & 0xFF;
    if (len == 0 || pos >= width)
        return b;
    const T kept = (T)((len >= width ? (T)-1 : (T)(((T)1 << len) - 1)) << pos);
    return (T)((b & (T)~kept) | (a << pos & kept));
}
PTX_FN uint32_t ptx_lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table)
{
    uint32_t result = 0;
    for (uint32_t k = 0; k < 8; k++)
        if (table >> k & 1)
            result |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
    return result;
}
PTX_FN uint32_t ptx_prmt(uint32_t a, uint32_t b, uint32_t selector)
{
    const uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t result = 0;
    for (uint32_t k = 0; k < 4; k++) {
        const uint32_t which = selector >> (4 * k) & 15;
        uint32_t byte = (uint32_t)(bytes >> (8 * (which & 7))) & 0xFF;
        if (which & 8)
            byte = byte & 0x80 ? 0xFF : 0;
        result |= byte << (8 * k);
    }
    return result;
}

/* ---- floating point ---------------------------------------------------------------- */

template <typename T> PTX_FN T ptx_fma(T a, T b, T c)
{
    if constexpr (std::is_same<T, double>::value)
        return __builtin_fma(a, b, c);
    else
        return __builtin_fmaf(a, b, c);
}

/* Rounded towards minus infinity.  In double precision the product is exact, and so is the
   sum together with its error (Knuth's two-sum). */
PTX_FN float ptx_fma_down(float a, float b, float c)
{
    const double product = (double)a * b, sum = product + c;
    const double part = sum - product, error = (product - (sum - part)) + (c - part);
    const float result = (float)sum;
    if (sum == 0 && (signbit(product) || signbit(c)))
        return -0.0f;
    return result > sum || (result == sum && error < 0) ? nextafterf(result, -INFINITY) : result;
}
template <typename T> PTX_FN T ptx_sqrt(T a)
{
    if constexpr (std::is_same<T, double>::value)
        return __builtin_sqrt(a);
    else
        return __builtin_sqrtf(a);
}
template <typename T> PTX_FN T ptx_rcp(T a) { return (T)1 / a; }
/* the result has the sign of a and the size of b */
template <typename T> PTX_FN T ptx_copysign(T a, T b)
{
    if constexpr (std::is_same<T, double>::value)
        return __builtin_copysign(b, a);
    else
        return __builtin_copysignf(b, a);
}

/* Subnormal numbers become zero. */
template <typename T> PTX_FN T ptx_flush(T a) { return __builtin_fpclassify(0, 1, 2, 3, 4, a) == 3 ? ptx_copysign<T>(a, 0) : a; }

/* Approximations: the ISA bounds their errors; correctly rounded values are within. */
PTX_FN float ptx_ex2_approx(float a) { return exp2f(a); }
PTX_FN float ptx_lg2_approx(float a) { return log2f(a); }
PTX_FN float ptx_sin_approx(float a) { return sinf(a); }
PTX_FN float ptx_cos_approx(float a) { return cosf(a); }
PTX_FN float ptx_tanh_approx(float a) { return tanhf(a); }
PTX_FN float ptx_rsqrt_approx(float a) { return (float)(1.0 / sqrt((double)a)); }
/* 20 bits of the mantissa, from the upper half of the operand */
PTX_FN double ptx_upper_half(double a) { return ptx_cast<double>(ptx_cast<uint64_t>(a) & ~(uint64_t)0xFFFFFFFFu); }
PTX_FN double ptx_rcp_approx_ftz(double a) { return ptx_upper_half(ptx_flush(1.0 / ptx_flush(ptx_upper_half(a)))); }
PTX_FN double ptx_rsqrt_approx_ftz(double a) { return ptx_upper_half(1.0 / sqrt(ptx_flush(ptx_upper_half(a)))); }

template <typename T> PTX_FN bool ptx_unordered(T a, T b) { return a != a || b != b; }

/* ---- conversions ------------------------------------------------------------------- */

enum ptx_rounding { PTX_NEAREST_EVEN, PTX_TO_ZERO, PTX_DOWN, PTX_UP };

template <typename T> PTX_FN T ptx_round(T a, ptx_rounding how)
{
    switch (how) {
    case PTX_NEAREST_EVEN: return (T)__builtin_nearbyint(a);
    case PTX_TO_ZERO: return (T)__builtin_trunc(a);
    case PTX_DOWN: return (T)__builtin_floor(a);
    default: return (T)__builtin_ceil(a);
    }
}

template <typename I> struct ptx_limits {
    static constexpr I least = std::is_signed<I>::value ? (I)((ptx_bits<I>)1 << (8 * sizeof(I) - 1)) : (I)0;
    static constexpr I most = (I)~least;
};

/* What does not fit becomes the nearest integer that there is; NaN becomes 0 where both
   types are narrower than 64 bits, else the integer whose highest bit alone is set. */
template <typename I, typename F> PTX_FN I ptx_to_integer(F a, ptx_rounding how)
{
    if (a != a)
        return sizeof(F) < 8 && sizeof(I) < 8 ? (I)0 : (I)((ptx_bits<I>)1 << (8 * sizeof(I) - 1));
    const F whole = ptx_round<F>(a, how);
    if (whole < (F)ptx_limits<I>::least)
        return ptx_limits<I>::least;
    /* the power of two above the largest integer is exact in every floating point type */
    if (whole >= (F)2 * (F)((ptx_bits<I>)1 << (8 * sizeof(I) - 1 - std::is_signed<I>::value)))
        return ptx_limits<I>::most;
    return (I)whole;
}

/* Clamped to [0, 1]; what is not a number is 0. */
template <typename T> PTX_FN T ptx_to_unit_interval(T a) { return a > 0 ? (a < 1 ? a : T(1)) : T(0); }

/* Narrower with saturation. */
template <typename To, typename From> PTX_FN To ptx_saturate(From a)
{
    const __int128 value = (__int128)a;
    if (value < (__int128)ptx_limits<To>::least)
        return ptx_limits<To>::least;
    return value > (__int128)ptx_limits<To>::most ? ptx_limits<To>::most : (To)value;
}

/* ---- threads of a warp ------------------------------------------------------------- */

PTX_FN uint32_t ptx_lane(void) { return shim_current & 31u; }

enum ptx_shuffle { PTX_SHFL_IDX, PTX_SHFL_UP, PTX_SHFL_DOWN, PTX_SHFL_BFLY };

static uint32_t ptx_shfl(ptx_shuffle how, uint32_t value, uint32_t b, uint32_t c, uint32_t members, bool &valid)
{
    const uint32_t lane = ptx_lane(), clamp = c & 31, segment = c >> 8 & 31;
    const int32_t last = (int32_t)((lane & segment) | (clamp & ~segment));
    const int32_t first = (int32_t)(lane & segment);
    int32_t source = (int32_t)lane;
    b &= 31;
    switch (how) {
    case PTX_SHFL_UP: source -= (int32_t)b; valid = source >= last; break;
    case PTX_SHFL_DOWN: source += (int32_t)b; valid = source <= last; break;
    case PTX_SHFL_BFLY: source ^= (int32_t)b; valid = source <= last; break;
    default: source = first | (int32_t)(b & ~segment); valid = source <= last;
    }
    ptx_all_lanes(members);
    return (uint32_t)shim_warp(SHIM_SHFL, value, valid ? (uint64_t)source : lane);
}
static uint32_t ptx_ballot(bool value, uint32_t members)
{
    ptx_all_lanes(members);
    return (uint32_t)shim_warp(SHIM_BALLOT, value, 0);
}

/* ---- atomics ------------------------------------------------------------------------ */

/* Fibres change only where they wait, so nothing comes between reading and writing. */
template <typename T> PTX_FN T ptx_atom_add(T *p, T a) { const T old = *p; *p = ptx_add<T>(old, a); return old; }
template <typename T> PTX_FN T ptx_atom_min(T *p, T a) { const T old = *p; *p = ptx_min<T>(old, a); return old; }
template <typename T> PTX_FN T ptx_atom_max(T *p, T a) { const T old = *p; *p = ptx_max<T>(old, a); return old; }
template <typename T> PTX_FN T ptx_atom_and(T *p, T a) { const T old = *p; *p = old & a; return old; }
template <typename T> PTX_FN T ptx_atom_or(T *p, T a) { const T old = *p; *p = old | a; return old; }
template <typename T> PTX_FN T ptx_atom_xor(T *p, T a) { const T old = *p; *p = old ^ a; return old; }
template <typename T> PTX_FN T ptx_atom_exch(T *p, T a) { const T old = *p; *p = a; return old; }
template <typename T> PTX_FN T ptx_atom_inc(T *p, T a) { const T old = *p; *p = old >= a ? 0 : old + 1; return old; }
template <typename T> PTX_FN T ptx_atom_dec(T *p, T a) { const T old = *p; *p = old == 0 || old > a ? a : old - 1; return old; }
template <typename T> PTX_FN T ptx_atom_cas(T *p, T a, T b) { const T old = *p; if (old == a) *p = b; return old; }

#endif
