// Sharpen: how much of the detail of luma is brought out in each cell.
#pragma once
#include "tone.cuh"

__device__ inline void sharpen(const Canvas &canvas) {
    const float *oval = canvas.kept(OVAL), *texture = canvas.kept(TEXTURE);
    float *sharp = canvas.kept(SHARP), amount = SHARPEN_AMOUNT * canvas.amount(EFFECT_SHARPEN);
    each(canvas.cells, [=](int at) { sharp[at] = oval[at] * (1 - texture[at] * (1 - SHARPEN_ON_SKIN)) * amount; });
}
