// Brighten eyes: lightens the eyes and takes redness out of their white.
#pragma once
#include "tone.cuh"

__device__ inline void brighten_eyes(const Canvas &canvas) {
    __shared__ int room[256];
    const float *luma = canvas.kept(LUMA);
    float *weight = canvas.kept(ONE), value = canvas.amount(EFFECT_BRIGHTEN_EYES);
    ring(canvas, weight, PART_EYE, BRIGHTEN_EYES_FEATHER);
    each(canvas.cells, [=](int at) {
        weight[at] *= value;
        lift(canvas, at, weight[at], BRIGHTEN_EYES_LIFT);
    });
    Levels inside = counted(
        canvas.cells, room, [=](int at) { return weight[at] > 0.5f * value; }, [=](int at) { return luma[at]; });
    if (inside.all == 0) return;
    float dark = percentile(inside, 30), light = fmaxf(percentile(inside, 80), dark + 8);
    each(canvas.cells, [=](int at) {
        tint(canvas, at, weight[at] * ramp(luma[at], dark, light) * BRIGHTEN_EYES_CLEARED, 128, 128);
    });
}
