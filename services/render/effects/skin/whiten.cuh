// Whiten: luma by a curve that is taken at the brightness around, colour paler.
#pragma once
#include "tone.cuh"

__device__ inline void whiten(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA), *skin = canvas.kept(TINT);
    float value = canvas.amount(EFFECT_WHITEN), black = canvas.black, white = canvas.white;
    float reach = WHITEN_LIFT / (white - black);
    around(canvas, cells_of(WHITEN_WINDOW * canvas.scale, 1), [=](int at) { return luma[at]; },
           [=](int at, float middle) {
               float weight = skin[at] * value;
               float lifted = reach * (middle - black) * (white - middle);
               float slope = reach * (white + black - 2 * middle);
               blend_luma(canvas, at, weight, 1 + slope, lifted - slope * middle);
               tint(canvas, at, weight * WHITEN_PALE, 128, 128);
           });
}
