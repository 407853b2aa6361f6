// Contour: shades the face below the cheekbones, along jaw and nose, and lights what stands out.
#pragma once
#include "tone.cuh"

// Adds a ring at a share of its own to `to`.
__device__ inline void add_ring(const Canvas &canvas, float *to, int part, float radius, float share) {
    float *mask = canvas.kept(THREE);
    ring(canvas, mask, part, radius);
    each(canvas.cells, [=](int at) { to[at] += mask[at] * share; });
}

// Adds the more of two lines at a share; both may be the same.
__device__ inline void add_lines(const Canvas &canvas, float *to, int one, int other, float width, float radius, float share) {
    float *first = canvas.kept(THREE), *second = canvas.kept(FOUR);
    drawn_line(canvas, first, canvas.line(one), width, radius);
    if (other != one) drawn_line(canvas, second, canvas.line(other), width, radius);
    each(canvas.cells, [=](int at) { to[at] += share * (other == one ? first[at] : fmaxf(first[at], second[at])); });
}

__device__ inline void contour(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA), *skin = canvas.kept(TINT);
    float *shades = canvas.kept(ONE), *lights = canvas.kept(TWO);
    float right = canvas.job->facing_right, left = canvas.job->facing_left;
    each(canvas.cells, [=](int at) { shades[at] = 0, lights[at] = 0; });
    add_ring(canvas, shades, PART_RIGHT_HOLLOW, CONTOUR_HOLLOW_FEATHER, CONTOUR_HOLLOWS * right);
    add_ring(canvas, shades, PART_LEFT_HOLLOW, CONTOUR_HOLLOW_FEATHER, CONTOUR_HOLLOWS * left);
    add_lines(canvas, shades, PART_RIGHT_JAW, PART_LEFT_JAW, CONTOUR_JAW_WIDTH, CONTOUR_JAW_FEATHER, CONTOUR_JAWS);
    add_lines(canvas, shades, PART_RIGHT_NOSE_SIDE, PART_LEFT_NOSE_SIDE, CONTOUR_NOSE_WIDTH, CONTOUR_NOSE_FEATHER, CONTOUR_FLANKS);
    add_ring(canvas, lights, PART_RIGHT_CHEEK_TOP, CONTOUR_CHEEK_FEATHER, right);
    add_ring(canvas, lights, PART_LEFT_CHEEK_TOP, CONTOUR_CHEEK_FEATHER, left);
    add_ring(canvas, lights, PART_BROW_MIDDLE, CONTOUR_BROW_FEATHER, CONTOUR_FOREHEAD);
    add_lines(canvas, lights, PART_NOSE_RIDGE, PART_NOSE_RIDGE, CONTOUR_NOSE_WIDTH, CONTOUR_NOSE_FEATHER, CONTOUR_RIDGE);
    float amount = canvas.amount(EFFECT_CONTOUR), highlight = canvas.job->highlight, black = canvas.black;
    around(canvas, cells_of(CONTOUR_WINDOW * canvas.scale, 1), [=](int at) { return luma[at]; },
           [=](int at, float middle) {
               float dark = fminf(shades[at], 1.0f) * skin[at] * amount;
               float bright = fminf(lights[at], 1.0f) * skin[at] * highlight;
               add(canvas, at, 0, (middle - black) * (CONTOUR_LIGHT * bright - CONTOUR_SHADE * dark));
               add(canvas, at, 2, dark * CONTOUR_WARM);
           });
}
