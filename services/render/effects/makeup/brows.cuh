// Brows: hairs, and a little what lies between them.
#pragma once
#include "tone.cuh"

__device__ inline void brows(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA);
    float *brow = canvas.kept(ONE), *eye = canvas.kept(TWO), *hairs = canvas.kept(THREE);
    float amount = canvas.amount(EFFECT_BROWS);
    ring(canvas, brow, PART_BROW, BROWS_FEATHER);
    ring(canvas, eye, PART_EYE, BROWS_FEATHER);
    around(canvas, cells_of(BROWS_WINDOW * canvas.scale, 2), [=](int at) { return luma[at]; },
           [=](int at, float middle) { hairs[at] = ramp(middle - luma[at], BROWS_LEVELS_0, BROWS_LEVELS_1); });
    Sample colour = paint(canvas, EFFECT_BROWS);
    around(canvas, 1, [=](int at) { return hairs[at]; },
           [=](int at, float hair) {
               float weight = brow[at] * (BROWS_BETWEEN + (1 - BROWS_BETWEEN) * hair) * (1 - eye[at]) * amount;
               add(canvas, at, 0, weight * BROWS_COVER * fminf(colour.y - luma[at], 0.0f));
               tint(canvas, at, weight, colour.cb, colour.cr);
           });
}
