// What becomes of the samples of a region, cell by cell: Y' = gain * Y + offset, Cb' = Cb + offset, Cr' likewise.
#pragma once
#include "canvas.cuh"

__device__ inline void begin_tone(const Canvas &canvas) {
    float *gain = canvas.kept(GAIN), *offset = canvas.kept(OFFSET), *blue = canvas.kept(BLUE_OFFSET);
    float *red = canvas.kept(RED_OFFSET), *sharp = canvas.kept(SHARP);
    each(canvas.cells, [=](int at) { gain[at] = 1, offset[at] = 0, blue[at] = 0, red[at] = 0, sharp[at] = 0; });
}

// Append `sample + levels` of plane 0 (Y), 1 (Cb) or 2 (Cr).
__device__ inline void add(const Canvas &canvas, int at, int plane, float levels) { canvas.kept(OFFSET + plane)[at] += levels; }

// Bring the cell's mean to `level` at `weight`; what is finer than a cell stays.
__device__ inline void towards(const Canvas &canvas, int at, int plane, float weight, float level) {
    float now = canvas.kept(LUMA + plane)[at], *offset = canvas.kept(OFFSET + plane);
    if (plane == 0) now *= canvas.kept(GAIN)[at];
    offset[at] += weight * (level - (now + offset[at]));
}

__device__ inline void tint(const Canvas &canvas, int at, float weight, float cb, float cr) {
    towards(canvas, at, 1, weight, cb);
    towards(canvas, at, 2, weight, cr);
}

// Lighten Y by a parabola that leaves black and white where they are.
__device__ inline void lift(const Canvas &canvas, int at, float weight, float height) {
    float luma = canvas.kept(LUMA)[at], black = canvas.black, white = canvas.white;
    add(canvas, at, 0, weight * (height / (white - black)) * (luma - black) * (white - luma));
}

// Append `gain * sample + offset` of Y at `weight` over what the samples were.
__device__ inline void blend_luma(const Canvas &canvas, int at, float weight, float gain, float offset) {
    float *gains = canvas.kept(GAIN), *offsets = canvas.kept(OFFSET);
    gain = weight * (gain - 1) + 1;
    offsets[at] = offsets[at] * gain + weight * offset;
    gains[at] *= gain;
}
