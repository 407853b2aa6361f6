// Where a face's skin lies.
#pragma once
#include "tone.cuh"

// Three numbers of each of up to BARE_POINTS samples: which of them has `rank` others before it, of one of the three.
// Samples that are not there are larger than any.
__device__ inline float ranked_sample(const float *samples, int count, int rank, float middle, bool far) {
    __shared__ float found;
    for (int at = threadIdx.x; at < count; at += blockDim.x) {
        float own = far ? fabsf(samples[at] - middle) : samples[at];
        int before = 0;
        for (int other = 0; other < count; other++) {
            float there = far ? fabsf(samples[other] - middle) : samples[other];
            before += there < own || (there == own && other < at);
        }
        if (before == rank) found = own;
    }
    __syncthreads();
    float value = found;
    __syncthreads();
    return value;
}

__device__ inline bool shown(const float *point_px, int width, int height) {
    float x = rintf(point_px[0]), y = rintf(point_px[1]);
    return x >= 0 && x < width && y >= 0 && y < height;
}

// What the points of bare skin of a face say that lie in the picture.
__device__ inline Bare bare_skin(const Job *job, const float *points_px) {
    __shared__ float samples[3][BARE_POINTS];
    int count = min(job->ring_count[PART_BARE_SKIN], BARE_POINTS), there = 0;
    const float *places = points_px + 2 * job->ring_start[PART_BARE_SKIN];
    int width = job->width, height = job->height, half = (width + 1) / 2, reach = job->sampled;
    for (int at = 0; at < count; at++)
        there += shown(places + 2 * at, width, height);
    for (int at = threadIdx.x; at < count; at += blockDim.x) {
        int x = (int)rintf(places[2 * at]), y = (int)rintf(places[2 * at + 1]), sums[3] = {0, 0, 0};
        bool inside = shown(places + 2 * at, width, height);
        for (int beside = 0; inside && beside < 5; beside++) {
            int column = held(x + (beside ? (beside & 1 ? -reach : reach) : 0), 0, width - 1);
            int row = held(y + (beside ? (beside < 3 ? -reach : reach) : 0), 0, height - 1);
            const uint8 *chroma = job->chroma + 2 * ((long long)(row / 2) * half + column / 2);
            sums[0] += job->luma[(long long)row * width + column];
            sums[1] += chroma[0];
            sums[2] += chroma[1];
        }
        for (int plane = 0; plane < 3; plane++) samples[plane][at] = inside ? (float)(sums[plane] / 5.0) : 1e30f;
    }
    __syncthreads();
    if (there == 0) return {0, 0, 128, 128, 0, 0};
    float middle[3], spread[3];
    for (int plane = 0; plane < 3; plane++) {
        middle[plane] = ranked_sample(samples[plane], count, there / 2, 0, false);
        if (plane) spread[plane] = 1.4826f * ranked_sample(samples[plane], count, there / 2, middle[plane], true);
    }
    return {(float)there, middle[0], middle[1], middle[2], spread[1], spread[2]};
}

// 0..1 into `hair`: what lies above the brows and is streaky.
__device__ inline void find_hair(const Canvas &canvas, float *hair, float brightness) {
    const float *luma = canvas.kept(LUMA);
    const int brows[2] = {PART_RIGHT_BROW, PART_LEFT_BROW};
    int columns = canvas.grid.columns, rows = 0, count = 0;
    float x = 0, y = 0;
    for (int side = 0; side < 2; side++) {
        int start = canvas.job->ring_start[brows[side]], points = canvas.job->ring_count[brows[side]];
        Place middle = canvas.middle(brows[side]);
        x += middle.x * points, y += middle.y * points, count += points;
        for (int at = start; at < start + points; at++)
            rows = max(rows, (int)on_grid(canvas.job, 0, canvas.points_px[2 * at + 1]).y);
    }
    x /= count, y /= count, rows = min(rows, canvas.grid.rows);
    Place lips = canvas.middle(PART_LIPS);
    float length = fmaxf(sqrtf((lips.x - x) * (lips.x - x) + (lips.y - y) * (lips.y - y)) * canvas.scale, 1e-3f);
    float right = (x - lips.x) / length, down = (y - lips.y) / length;
    each(canvas.cells, [=](int at) { hair[at] = 0; });
    if (rows < 2) return;
    float none = SKIN_STREAKS_0 * brightness * SKIN_STREAKS_0 * brightness;
    float sure = SKIN_STREAKS_1 * brightness * SKIN_STREAKS_1 * brightness;
    mean(Grid{rows, columns}, (Pair *)canvas.kept(SUMS), cells_of(SKIN_STREAK * canvas.scale, 1),
         [=](int at) { return Pair{luma[at], luma[at] * luma[at]}; },
         [=](int at, Pair middle) {
             float above = (at % columns - x) * right + (at / columns - y) * down;
             hair[at] = ramp(middle.b - middle.a * middle.a, none, sure) *
                        ramp(above, SKIN_ABOVE_BROWS_0, SKIN_ABOVE_BROWS_1);
         });
}

// Fills OVAL, TEXTURE and TINT.
__device__ inline void find_skin(const Canvas &canvas) {
    const int features[5] = {PART_RIGHT_EYE, PART_LEFT_EYE, PART_RIGHT_BROW, PART_LEFT_BROW, PART_LIPS};
    float *oval = canvas.kept(OVAL), *texture = canvas.kept(TEXTURE), *tinted = canvas.kept(TINT);
    ring(canvas, oval, PART_OVAL, SKIN_FEATHER);
    if (canvas.bare.count == 0) {
        each(canvas.cells, [=](int at) { texture[at] = 0, tinted[at] = 0; });
        return;
    }
    float *marked = canvas.kept(ONE), *hard = canvas.kept(TWO), *hair = canvas.kept(THREE);
    ring(canvas, marked, features, 5, 0);
    // Two cells at least: the way back to full size mixes a cell with its neighbours.
    most(canvas.grid, canvas.kept(SUMS), cells_of(SKIN_FEATURE_REACH * canvas.scale, 2),
         [=](int at) { return marked[at]; }, [=](int at, float found) { hard[at] = 1 - found * (1.0f / 255.0f); });
    feather(canvas.grid, marked, SKIN_FEATURE_FEATHER * canvas.scale, canvas.kept(SUMS));
    float black = canvas.black, brightness = fmaxf(1.0f, canvas.bare.y - black);
    find_hair(canvas, hair, brightness);
    const float *luma = canvas.kept(LUMA), *blue = canvas.kept(BLUE), *red = canvas.kept(RED);
    Bare bare = canvas.bare;
    each(canvas.cells, [=](int at) {
        float far = deviation(blue[at], bare.cb, bare.cb_spread, SKIN_CHROMA_SPREAD_0, SKIN_CHROMA_SPREAD_1) +
                    deviation(red[at], bare.cr, bare.cr_spread, SKIN_CHROMA_SPREAD_0, SKIN_CHROMA_SPREAD_1);
        float coloured = likeness(far) * oval[at] * (1 - hair[at]);
        texture[at] = coloured * ramp(luma[at], black + SKIN_TEXTURE_LUMA_0 * brightness, black + SKIN_TEXTURE_LUMA_1 * brightness);
        tinted[at] = coloured * ramp(luma[at], black + SKIN_TINT_LUMA_0 * brightness, black + SKIN_TINT_LUMA_1 * brightness);
    });
    // Cell by cell a colour follows the picture's noise; the mean of its neighbours does not flicker.
    around(canvas, 1, [=](int at) { return Pair{texture[at], tinted[at]}; },
           [=](int at, Pair middle) {
               texture[at] = middle.a * hard[at];
               tinted[at] = middle.b * (1 - marked[at]);
           });
}
