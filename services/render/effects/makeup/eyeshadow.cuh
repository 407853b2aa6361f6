// Eyeshadow: strong along the lashes, fading to the brow.
#pragma once
#include "pigment.cuh"

__device__ inline void eyeshadow(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA);
    float *lid = canvas.kept(ONE), *eye = canvas.kept(TWO), *brow = canvas.kept(THREE);
    ring(canvas, lid, PART_LID_SKIN, EYESHADOW_FEATHER);
    ring(canvas, eye, PART_EYE, EYESHADOW_EYE_FEATHER);
    ring(canvas, brow, PART_BROW, EYESHADOW_BROW_FEATHER);
    Pigment laid = pigment(canvas, EFFECT_EYESHADOW, EYESHADOW_COVER);
    Place lashes = canvas.middle(PART_UPPER_LID), hairs = canvas.middle(PART_BROW);
    float most = EYESHADOW_MOST * canvas.amount(EFFECT_EYESHADOW), black = canvas.black;
    float bright = fmaxf(1.0f, skin_tone(canvas).y - black), x = lashes.x, y = lashes.y;
    float right = hairs.x - x, down = hairs.y - y, way = fmaxf(right * right + down * down, 1.0f);
    int columns = canvas.grid.columns;
    each(canvas.cells, [=](int at) {
        float gone = ((at % columns - x) * right + (at / columns - y) * down) / way;
        float fading = 1 - (1 - EYESHADOW_AT_BROW) * held(gone, 0.0f, 1.0f);
        float skin = ramp(luma[at], black + EYESHADOW_HAIR_0 * bright, black + EYESHADOW_HAIR_1 * bright);
        stain(canvas, at, lid[at] * (1 - eye[at]) * (1 - brow[at]) * fading * skin * most, laid);
    });
}
