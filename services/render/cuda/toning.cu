// Tone effects of many faces at once. A job is one extent of one face: its cells are gathered from the picture, one block
// works out what becomes of them, and the samples of its region are changed. Which jobs may run together the host knows.
#include "card.cuh"
#include "cuda/constants.cuh"
#include "effects/makeup/blush.cuh"
#include "effects/makeup/brows.cuh"
#include "effects/makeup/contour.cuh"
#include "effects/makeup/eyeliner.cuh"
#include "effects/makeup/eyeshadow.cuh"
#include "effects/makeup/lenses.cuh"
#include "effects/makeup/lipstick.cuh"
#include "effects/skin/brighten_eyes.cuh"
#include "effects/skin/dark_circles.cuh"
#include "effects/skin/even_tone.cuh"
#include "effects/skin/nasolabial.cuh"
#include "effects/skin/rosy.cuh"
#include "effects/skin/sharpen.cuh"
#include "effects/skin/smooth.cuh"
#include "effects/skin/whiten.cuh"
#include "effects/skin/whiten_teeth.cuh"
#include "skin.cuh"

// A block of a thousand threads has 64 registers a thread; the compiler is told before it sees the kernel.
extern "C" __global__ void __launch_bounds__(1024) program(const uint8 *told, int first, float *arena, Bare *bares);

__device__ inline const Job *job_of(const uint8 *told, int first, int at) { return (const Job *)told + first + at; }

// The mean of the samples of a cell, rounded as OpenCV does when it makes pictures smaller: four of them half up. The
// last row and column of the picture go on beyond it.
__device__ inline float cell_mean(const uint8 *plane, int columns, int pixel, int rows_left, int columns_left, int side) {
    int sum = 0;
    for (int y = 0; y < side; y++) {
        const uint8 *line = plane + (long long)min(y, rows_left - 1) * columns * pixel;
        for (int x = 0; x < side; x++) sum += line[min(x, columns_left - 1) * pixel];
    }
    return side == 2 ? (float)((sum + 2) >> 2) : rintf(sum * (1.0f / (side * side)));
}

// Cell means of Y, Cb and Cr; and, where detail is to be brought out, a copy of the luma. One row of blocks a job.
SEPARATE void gather(const uint8 *told, int first, float *arena, uint8 *copies) {
    const Job *job = job_of(told, first, blockIdx.y);
    int at = column_of_thread(), cells = job->rows * job->columns;
    if (at >= cells) return;
    int step = job->step, x = job->x0 + at % job->columns * step, y = job->y0 + at / job->columns * step;
    float *grids = arena + job->arena;
    const uint8 *luma = job->luma + (long long)y * job->width + x;
    grids[LUMA * cells + at] = cell_mean(luma, job->width, 1, job->y1 - y, job->x1 - x, step);
    int half = (job->width + 1) / 2, down = (job->y1 + 1) / 2 - y / 2, right = (job->x1 + 1) / 2 - x / 2;
    const uint8 *chroma = job->chroma + 2 * ((long long)(y / 2) * half + x / 2);
    grids[BLUE * cells + at] = cell_mean(chroma, half, 2, down, right, step / 2);
    grids[RED * cells + at] = cell_mean(chroma + 1, half, 2, down, right, step / 2);
    if (job->sharp_radius == 0) return;
    int columns = job->x1 - job->x0;
    uint8 *copy = copies + job->copy + (long long)(y - job->y0) * columns + x - job->x0;
    for (int row = 0; row < min(step, job->y1 - y); row++)
        for (int column = 0; column < min(step, job->x1 - x); column++)
            copy[(long long)row * columns + column] = luma[(long long)row * job->width + column];
}

__device__ inline void draw_face(const Canvas &canvas) {
    find_skin(canvas);
    if (canvas.draws(EFFECT_SMOOTH)) smooth(canvas);
    if (canvas.draws(EFFECT_EVEN_TONE)) even_tone(canvas);
    if (canvas.draws(EFFECT_DARK_CIRCLES)) dark_circles(canvas);
    if (canvas.draws(EFFECT_NASOLABIAL)) nasolabial(canvas);
    if (canvas.draws(EFFECT_WHITEN)) whiten(canvas);
    if (canvas.draws(EFFECT_ROSY)) rosy(canvas);
    if (canvas.draws(EFFECT_SHARPEN)) sharpen(canvas);
    if (canvas.draws(EFFECT_CONTOUR)) contour(canvas);
    if (canvas.draws(EFFECT_BLUSH)) blush(canvas);
}

__device__ inline void draw_features(const Canvas &canvas) {
    if (canvas.draws(EFFECT_BRIGHTEN_EYES)) brighten_eyes(canvas);
    if (canvas.draws(EFFECT_EYESHADOW)) eyeshadow(canvas);
    if (canvas.draws(EFFECT_EYELINER)) eyeliner(canvas);
    if (canvas.draws(EFFECT_BROWS)) brows(canvas);
    if (canvas.draws(EFFECT_LENSES)) lenses(canvas);
    if (canvas.draws(EFFECT_WHITEN_TEETH)) whiten_teeth(canvas);
    if (canvas.draws(EFFECT_LIPSTICK)) lipstick(canvas);
}

// What becomes of the cells of a job, one block each. The skin is told of as the face came: by those jobs of a face that
// are drawn first, which leave it to those that are drawn later.
TOGETHER void program(const uint8 *told, int first, float *arena, Bare *bares) {
    const Job *job = job_of(told, first, blockIdx.x);
    const float *points_px = (const float *)(told + job->points);
    __shared__ int points[2 * MOST_POINTS];
    to_grid(job, points_px, points);
    Bare bare = bares[job->face];
    if (job->is_first) bare = bare_skin(job, points_px);
    if (job->is_first && threadIdx.x == 0) bares[job->face] = bare;
    Grid grid = {job->rows, job->columns};
    Canvas canvas = {job, points_px, points, arena + job->arena, grid, grid.rows * grid.columns, job->scale, (float)job->black,
                     (float)job->white, bare};
    begin_tone(canvas);
    if (job->draws_face)
        draw_face(canvas);
    else
        draw_features(canvas);
}

// Between which cells a sample lies, and how far from the first.
struct Between {
    int one, other;
    float share;
};

__device__ inline Between between(int at, float cells_a_sample, int cells) {
    float place = (at + 0.5f) * cells_a_sample - 0.5f;
    int one = (int)floorf(place);
    if (one < 0) return {0, 0, 0.0f};
    if (one >= cells - 1) return {cells - 1, cells - 1, 0.0f};
    return {one, one + 1, place - one};
}

__device__ inline float spread(const float *grid, int columns, Between x, Between y) {
    const float *above = grid + y.one * columns, *below = grid + y.other * columns;
    float top = above[x.one] * (1 - x.share) + above[x.other] * x.share;
    float bottom = below[x.one] * (1 - x.share) + below[x.other] * x.share;
    return top * (1 - y.share) + bottom * y.share;
}

// The mean of the luma around, as it was before.
__device__ inline float luma_around(const uint8 *copy, int rows, int columns, int row, int column, int radius) {
    int sum = 0;
    for (int y = row - radius; y <= row + radius; y++) {
        const uint8 *line = copy + (long long)mirrored(y, rows) * columns;
        for (int x = column - radius; x <= column + radius; x++) sum += line[mirrored(x, columns)];
    }
    return rintf(sum * (1.0f / ((2 * radius + 1) * (2 * radius + 1))));
}

// Within black and white, but for what was beyond them: that comes no farther.
__device__ inline uint8 within_range(uint8 sample, uint8 before, int black, int white) {
    int value = min((int)sample, max((int)before, white));
    return (uint8)max(value, min((int)before, black));
}

// Changes the samples of a job's region: a thread for each chroma sample and its four of luma. One row of blocks a job.
SEPARATE void apply(const uint8 *told, int first, const float *arena, const uint8 *copies) {
    const Job *job = job_of(told, first, blockIdx.y);
    int columns = job->x1 - job->x0, rows = job->y1 - job->y0, across = (columns + 1) / 2, down = (rows + 1) / 2;
    int at = column_of_thread(), cells = job->rows * job->columns;
    if (at >= across * down) return;
    const float *grids = arena + job->arena, *gain = grids + GAIN * cells, *offset = grids + OFFSET * cells;
    int x = at % across, y = at / across;
    for (int part = 0; part < 4; part++) {
        int column = 2 * x + (part & 1), row = 2 * y + (part >> 1);
        if (column >= columns || row >= rows) continue;
        Between right = between(column, 1.0f / job->step, job->columns), low = between(row, 1.0f / job->step, job->rows);
        uint8 *sample = job->luma + (long long)(job->y0 + row) * job->width + job->x0 + column, before = *sample;
        float added = spread(offset, job->columns, right, low);
        float sharp = job->sharp_radius ? spread(grids + SHARP * cells, job->columns, right, low) : 0.0f;
        if (sharp != 0)
            added += sharp * (before - luma_around(copies + job->copy, rows, columns, row, column, job->sharp_radius));
        uint8 drawn = sample_of(before * spread(gain, job->columns, right, low) + added);
        *sample = job->black == 0 ? drawn : within_range(drawn, before, job->black, job->white);
    }
    Between right = between(x, 2.0f / job->step, job->columns), low = between(y, 2.0f / job->step, job->rows);
    uint8 *chroma = job->chroma + 2 * ((long long)(job->y0 / 2 + y) * ((job->width + 1) / 2) + job->x0 / 2 + x);
    chroma[0] = sample_of(chroma[0] + spread(grids + BLUE_OFFSET * cells, job->columns, right, low));
    chroma[1] = sample_of(chroma[1] + spread(grids + RED_OFFSET * cells, job->columns, right, low));
}
