// Rosy: the same shift of colour all over the skin.
#pragma once
#include "tone.cuh"

__device__ inline void rosy(const Canvas &canvas) {
    const float *skin = canvas.kept(TINT);
    float value = canvas.amount(EFFECT_ROSY);
    each(canvas.cells, [=](int at) {
        add(canvas, at, 0, skin[at] * value * ROSY_LIGHT);
        add(canvas, at, 1, skin[at] * value * ROSY_BLUE);
        add(canvas, at, 2, skin[at] * value * ROSY_RED);
    });
}
