// What every kernel begins with. Kernels are compiled by NVRTC where they run, and by a C++ compiler where they are
// tested without a card (tests/cuda): there the threads of a block run one after the other.
#pragma once

// A kernel whose threads know nothing of each other.
#define SEPARATE extern "C" __global__

// A kernel whose threads wait for each other (__syncthreads). It takes steps of blockDim.x, from threadIdx.x on, so that
// one thread alone comes to the same result; that is how it is tested without a card.
#define TOGETHER extern "C" __global__

typedef unsigned char uint8;

__device__ inline int column_of_thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

__device__ inline int row_of_thread() { return blockIdx.y * blockDim.y + threadIdx.y; }

__device__ inline int held(int value, int least, int most) { return value < least ? least : value > most ? most : value; }

__device__ inline float held(float value, float least, float most) { return fminf(fmaxf(value, least), most); }

// As OpenCV's saturate_cast: to the nearest, halves to even, held within 0..255.
__device__ inline uint8 sample_of(float value) { return (uint8)held((int)rintf(value), 0, 255); }
