// Pigment on skin.
#pragma once
#include "tone.cuh"

struct Pigment {
    Sample colour;
    float shift, cover;
};

// The colour of an effect; its brightness at `cover` of what is laid on.
__device__ inline Pigment pigment(const Canvas &canvas, int effect, float cover) {
    Sample colour = paint(canvas, effect);
    return {colour, colour.y - skin_tone(canvas).y, cover};
}

// Lay it on a cell at `weight`.
__device__ inline void stain(const Canvas &canvas, int at, float weight, Pigment laid) {
    float room = laid.colour.y - canvas.kept(LUMA)[at];
    float bounded = laid.shift < 0 ? held(room, laid.shift, 0.0f) : held(room, 0.0f, laid.shift);
    add(canvas, at, 0, weight * laid.cover * bounded);
    tint(canvas, at, weight, laid.colour.cb, laid.colour.cr);
}
