// Grids over a region: what lies between their cells' centres, as OpenCV's INTER_LINEAR has it.
#pragma once
#include "card.cuh"

// Two cells along one axis, and how far a sample is from the first to the second.
struct Between {
    int low, high;
    float part;
};

// sample: counted from the region's corner; side: samples along a cell; count: cells along the axis.
__device__ inline Between between(int sample, int side, int count) {
    float at = held((sample + 0.5f) / side - 0.5f, 0.0f, (float)(count - 1));
    int low = (int)at;
    return {low, min(low + 1, count - 1), at - low};
}

__device__ inline float mixed(float one, float other, float part) { return one + (other - one) * part; }

// Between four bytes, rounded as OpenCV's INTER_LINEAR rounds bytes: weights have 11 bits, and lines lose four.
__device__ inline int mixed_bytes(int a, int b, int c, int d, float across, float down) {
    int right = (int)rintf(across * 2048), below = (int)rintf(down * 2048);
    int upper = (a * (2048 - right) + b * right) >> 4, lower = (c * (2048 - right) + d * right) >> 4;
    return (((2048 - below) * upper >> 16) + (below * lower >> 16) + 2) >> 2;
}
