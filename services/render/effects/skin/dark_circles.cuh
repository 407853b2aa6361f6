// Dark circles: what is darker than the skin elsewhere comes nearer to it.
#pragma once
#include "tone.cuh"

__device__ inline void dark_circles(const Canvas &canvas) {
    const int below[2] = {PART_RIGHT_UNDER_EYE, PART_LEFT_UNDER_EYE};
    const float *luma = canvas.kept(LUMA), *skin = canvas.kept(TINT);
    float *rings = canvas.kept(ONE), value = canvas.amount(EFFECT_DARK_CIRCLES);
    Sample tone = skin_tone(canvas);
    ring(canvas, rings, below, 2, DARK_CIRCLES_FEATHER);
    around(canvas, cells_of(DARK_CIRCLES_WINDOW * canvas.scale, 1), [=](int at) { return luma[at]; },
           [=](int at, float middle) {
               float weight = rings[at] * skin[at] * value;
               float lacking = held(tone.y - middle, 0.0f, DARK_CIRCLES_MOST_LEVELS);
               add(canvas, at, 0, weight * DARK_CIRCLES_LIFTED * lacking);
               tint(canvas, at, weight * DARK_CIRCLES_COLOURED, tone.cb, tone.cr);
           });
}
