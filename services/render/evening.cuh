// Evens the colour of skin.
#pragma once
#include "tone.cuh"

// Blend the skin's colour, at `weight` of its texture, with its mean over a window.
__device__ inline void even_chroma(const Canvas &canvas, float weight, int radius) {
    const float *texture = canvas.kept(TEXTURE), *blue = canvas.kept(BLUE), *red = canvas.kept(RED);
    around(canvas, radius,
           [=](int at) { return Trio{texture[at], blue[at] * texture[at], red[at] * texture[at]}; },
           [=](int at, Trio middle) {
               float share = middle.a + 1e-3f;
               tint(canvas, at, texture[at] * weight, middle.b / share, middle.c / share);
           });
}
