// What a tone effect draws on: a face, or a part of one, as its working grid shows it.
#pragma once
#include "masks.cuh"

// What the points of bare skin say: how many there are in the picture, medians of Y, Cb and Cr, and standard deviations
// of Cb and Cr by their median deviations.
struct Bare {
    float count, y, cb, cr, cb_spread, cr_spread;
};

// A place on a grid, in cells, whose own are their centres'.
struct Place {
    float x, y;
};

struct Canvas {
    const Job *job;
    const float *points_px;
    const int *points;
    float *grids;
    Grid grid;
    int cells;
    float scale, black, white;
    Bare bare;

    __device__ float *kept(int which) const { return grids + (long long)which * cells; }
    __device__ Line line(int ring) const { return {points + 2 * job->ring_start[ring], job->ring_count[ring]}; }
    __device__ Place middle(int ring) const;
    __device__ bool draws(int effect) const { return job->effects >> effect & 1; }
    __device__ float amount(int effect) const { return job->amount[effect]; }
};

__device__ inline Place on_grid(const Job *job, float x_px, float y_px) {
    return {(x_px - (job->x0 - 0.5f)) / job->step - 0.5f, (y_px - (job->y0 - 0.5f)) / job->step - 0.5f};
}

// Points of the picture in 16ths of a cell, as rings and lines are drawn by; those of far landmarks are nearer.
__device__ inline void to_grid(const Job *job, const float *points_px, int *points) {
    each(job->point_count, [=](int at) {
        Place place = on_grid(job, points_px[2 * at], points_px[2 * at + 1]);
        points[2 * at] = (int)rintf(held(place.x, -MASKS_FARTHEST, MASKS_FARTHEST) * 16.0f);
        points[2 * at + 1] = (int)rintf(held(place.y, -MASKS_FARTHEST, MASKS_FARTHEST) * 16.0f);
    });
}

// The mean of the points of a part.
__device__ inline Place Canvas::middle(int ring) const {
    float x = 0, y = 0;
    int start = job->ring_start[ring], count = job->ring_count[ring];
    for (int at = start; at < start + count; at++) x += points_px[2 * at], y += points_px[2 * at + 1];
    return on_grid(job, x / count, y / count);
}

struct Sample {
    float y, cb, cr;
};

// The inside of rings, 0..1; `radius`: half width of the edge, in face scales.
__device__ __noinline__ void ring(const Canvas &canvas, float *to, const int *which, int count, float radius) {
    Line rings[8];
    for (int at = 0; at < count; at++) rings[at] = canvas.line(which[at]);
    float *sums = canvas.kept(SUMS);
    fill(canvas.grid, to, rings, count, (int *)sums, (unsigned *)(sums + canvas.cells), (unsigned *)(sums + 2 * canvas.cells));
    if (radius > 0) feather(canvas.grid, to, radius * canvas.scale, sums);
}

__device__ inline void ring(const Canvas &canvas, float *to, int which, float radius) { ring(canvas, to, &which, 1, radius); }

// Along a line, 0..1; width and radius in face scales.
__device__ __noinline__ void drawn_line(const Canvas &canvas, float *to, Line line, float width, float radius) {
    stroke(canvas.grid, to, line, width * canvas.scale, (int *)canvas.kept(SUMS));
    if (radius > 0) feather(canvas.grid, to, radius * canvas.scale, canvas.kept(SUMS));
}

// The mean of the window of `radius` cells around each cell, as in grid.cuh; radius at least `least`.
template <class From, class Take>
__device__ inline void around(const Canvas &canvas, int radius, From from, Take take) {
    mean(canvas.grid, (decltype(from(0)) *)canvas.kept(SUMS), radius, from, take);
}

// How bright a white sheet would be beside this skin, 0..1.
__device__ inline float light_of(const Canvas &canvas) {
    float skin = canvas.bare.count > 0 ? (canvas.bare.y - canvas.black) / (canvas.white - canvas.black) : 1.0f;
    return held(powf(fmaxf(skin, 0.0f) / CANVAS_WELL_LIT, CANVAS_DIMMED), CANVAS_DIMMEST, 1.0f);
}

// Paint of the colour of an effect in the light that falls on the face.
__device__ __noinline__ Sample paint(const Canvas &canvas, int effect) {
    float light = light_of(canvas), level[3];
    const float *rgb = canvas.job->colour + 3 * effect, *of_rgb = canvas.job->yuv_of_rgb;
    for (int row = 0; row < 3; row++) {
        level[row] = of_rgb[4 * row + 3];
        for (int at = 0; at < 3; at++) level[row] += of_rgb[4 * row + at] * light * rgb[at];
    }
    return {level[0], level[1], level[2]};
}

// The skin's own colour; of no meaning where there is no bare skin.
__device__ inline Sample skin_tone(const Canvas &canvas) {
    if (canvas.bare.count > 0) return {canvas.bare.y, canvas.bare.cb, canvas.bare.cr};
    return {0.0f, 128.0f, 128.0f};
}
