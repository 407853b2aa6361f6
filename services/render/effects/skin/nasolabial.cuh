// Nasolabial: what is darker than its surroundings, along the folds, is lightened.
#pragma once
#include "tone.cuh"

__device__ inline void nasolabial(const Canvas &canvas) {
    const int folds[2] = {PART_RIGHT_FOLD, PART_LEFT_FOLD};
    const float *luma = canvas.kept(LUMA), *skin = canvas.kept(TINT);
    float *rings = canvas.kept(ONE), *coarse = canvas.kept(TWO);
    float filled = NASOLABIAL_FILLED * canvas.amount(EFFECT_NASOLABIAL);
    ring(canvas, rings, folds, 2, NASOLABIAL_FEATHER);
    around(canvas, cells_of(NASOLABIAL_COARSE * canvas.scale, 2),
           [=](int at) {
               float weight = skin[at] + 1e-3f;
               return Pair{luma[at] * weight, weight};
           },
           [=](int at, Pair middle) { coarse[at] = middle.a / middle.b; });
    around(canvas, cells_of(NASOLABIAL_FINE * canvas.scale, 1), [=](int at) { return luma[at]; },
           [=](int at, float fine) {
               float lacking = held(coarse[at] - fine, 0.0f, NASOLABIAL_MOST_LEVELS);
               add(canvas, at, 0, rings[at] * skin[at] * filled * lacking);
           });
}
