// CUDA's words for a C++ compiler: the threads of a launch run one after the other, on the CPU.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __restrict__
#define __shared__ static
#define __constant__ static const
#define __launch_bounds__(...)

struct dim3 { unsigned x, y, z; };
static dim3 gridDim, blockDim, blockIdx, threadIdx;

inline void __syncthreads() {}
inline void __syncwarp(unsigned = 0) {}
inline void __threadfence() {}
template <class T> inline T __ldg(const T *at) { return *at; }
template <class T> inline T atomicAdd(T *at, T value) { T old = *at; *at += value; return old; }
template <class T> inline T atomicMax(T *at, T value) { T old = *at; *at = std::max(old, value); return old; }
template <class T> inline T atomicMin(T *at, T value) { T old = *at; *at = std::min(old, value); return old; }
using std::max;
using std::min;
inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
inline float __saturatef(float value) { return fminf(fmaxf(value, 0.0f), 1.0f); }
