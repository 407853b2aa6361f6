// Whiten teeth: within the lips, what is light and not red.
#pragma once
#include "tone.cuh"

__device__ inline void whiten_teeth(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA), *red = canvas.kept(RED);
    float *mouth = canvas.kept(ONE), value = canvas.amount(EFFECT_WHITEN_TEETH);
    float black = canvas.black, range = canvas.white - canvas.black;
    ring(canvas, mouth, PART_MOUTH, WHITEN_TEETH_FEATHER);
    around(canvas, 1,
           [=](int at) {
               return ramp(luma[at], black + WHITEN_TEETH_LUMA_0 * range, black + WHITEN_TEETH_LUMA_1 * range) *
                      ramp(red[at], 128 + WHITEN_TEETH_RED_0, 128 + WHITEN_TEETH_RED_1);
           },
           [=](int at, float teeth) {
               float weight = mouth[at] * teeth * value;
               lift(canvas, at, weight, WHITEN_TEETH_LIFT);
               tint(canvas, at, weight * WHITEN_TEETH_CLEARED, 128, 128);
           });
}
