// Blush: on the apple of each cheek, rising to the ear.
#pragma once
#include "pigment.cuh"

__device__ inline void blush(const Canvas &canvas) {
    const float *skin = canvas.kept(TINT);
    float *right = canvas.kept(ONE), *left = canvas.kept(TWO), most = BLUSH_MOST * canvas.amount(EFFECT_BLUSH);
    ring(canvas, right, PART_RIGHT_CHEEK, BLUSH_FEATHER);
    ring(canvas, left, PART_LEFT_CHEEK, BLUSH_FEATHER);
    Pigment laid = pigment(canvas, EFFECT_BLUSH, BLUSH_COVER);
    each(canvas.cells, [=](int at) {
        float weight = right[at] * canvas.job->facing_right + left[at] * canvas.job->facing_left;
        stain(canvas, at, weight * skin[at] * most, laid);
    });
}
