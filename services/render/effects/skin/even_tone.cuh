// Even tone: colour towards its mean around; brightness too, between two windows.
#pragma once
#include "evening.cuh"

__device__ inline void even_tone(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA), *texture = canvas.kept(TEXTURE);
    float *fine = canvas.kept(ONE), value = canvas.amount(EFFECT_EVEN_TONE);
    even_chroma(canvas, value * EVEN_TONE_EVENED, cells_of(EVEN_TONE_RADIUS * canvas.scale, 2));
    auto of_skin = [=](int at) {
        float weight = texture[at] + 1e-3f;
        return Pair{luma[at] * weight, weight};
    };
    around(canvas, cells_of(EVEN_TONE_FINE * canvas.scale, 1), of_skin,
           [=](int at, Pair middle) { fine[at] = middle.a / middle.b; });
    around(canvas, cells_of(EVEN_TONE_COARSE * canvas.scale, 1), of_skin,
           [=](int at, Pair middle) {
               add(canvas, at, 0, texture[at] * value * EVEN_TONE_LEVELLED * (middle.a / middle.b - fine[at]));
           });
}
