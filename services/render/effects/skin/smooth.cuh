// Smooth: luma by a guided filter that guides itself, chroma by means.
#pragma once
#include "evening.cuh"

__device__ inline void smooth(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA), *texture = canvas.kept(TEXTURE);
    float *kept = canvas.kept(ONE), *rest = canvas.kept(TWO), value = canvas.amount(EFFECT_SMOOTH);
    int radius = cells_of(SMOOTH_RADIUS * canvas.scale, 1);
    around(canvas, radius, [=](int at) { return Pair{luma[at], luma[at] * luma[at]}; },
           [=](int at, Pair middle) {
               float variance = fmaxf(middle.b - middle.a * middle.a, 0.0f);
               kept[at] = variance / (variance + SMOOTH_EDGE_LEVELS * SMOOTH_EDGE_LEVELS);
               rest[at] = middle.a - middle.a * kept[at];
           });
    around(canvas, radius, [=](int at) { return Pair{kept[at], rest[at]}; },
           [=](int at, Pair middle) { blend_luma(canvas, at, texture[at] * value, middle.a, middle.b); });
    even_chroma(canvas, value * SMOOTH_CHROMA_EVENED, 2 * radius);
}
