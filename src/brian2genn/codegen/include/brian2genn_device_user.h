/* What users' C++ functions expect, on a GPU.  There, functions need no
   __device__: the compiler is told that all code is the device's. */
#ifndef BRIAN2GENN_DEVICE_USER_H
#define BRIAN2GENN_DEVICE_USER_H

#if defined(__CUDACC_RTC__)
/* NVRTC has the functions of <cmath>, but no namespace std */
namespace std {
template <typename T> static inline T min(T a, T b) { return b < a ? b : a; }
template <typename T> static inline T max(T a, T b) { return a < b ? b : a; }
}
#else
#include <algorithm>
#include <cmath>
#include <cstdlib>
#endif
using namespace std;

#include "brian2genn_user.h"

#endif
