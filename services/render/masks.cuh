// Filled rings and strokes on a working grid, as OpenCV draws them with smooth edges. Points come in 16ths of a cell.
#pragma once
#include "cuda/constants.cuh"
#include "cuda/grid.cuh"

// A smooth line, a cell wide, covers a cell by its distance along the axis that the line is steeper against; steeper
// lines more, as their cells lie farther apart. It is blended twice. Of lines that meet, what is left free is multiplied:
// added up as logarithms in whole numbers, in whichever order threads come.
#define FALLS 1.8f
#define FREE_STEPS 4096.0f

__device__ inline int steps_of(float covered) {
    return (int)rintf(-2.0f * FREE_STEPS * log2f(1.0f - fminf(covered, 0.995f)));
}

__device__ inline void cover(int *free, float covered) { atomicAdd(free, steps_of(covered)); }

__device__ inline float left_free(int free) { return exp2f(-free / FREE_STEPS); }

struct Line {
    const int *points;
    int count;
};

// A smooth line along the axis that it is flatter against.
struct Edge {
    bool flat;
    float begin, end, beside, slope, whole;
};

__device__ inline Edge edge_of(float x1, float y1, float x2, float y2) {
    bool flat = fabsf(x2 - x1) > fabsf(y2 - y1);
    float begin = flat ? x1 : y1, end = flat ? x2 : y2, beside = flat ? y1 : x1, last = flat ? y2 : x2;
    if (begin > end) {
        float other = begin;
        begin = end, end = other;
        other = beside, beside = last, last = other;
    }
    float slope = end > begin ? (last - beside) / (end - begin) : 0.0f;
    return {flat, begin, end, beside, slope, sqrtf((1.0f + slope * slope) / 2.0f)};
}

// How much of a cell it covers, `at` cells along and `far` cells from its middle there.
__device__ inline float covered_of(const Edge &edge, int at, float far) {
    float there = held((at + 1 - edge.begin) / 2, 0.0f, 1.0f) * held((edge.end + 1 - at) / 2, 0.0f, 1.0f) * edge.whole;
    return 0.99f * there * expf(-FALLS * far * far);
}

// Covers the cells along one line; `lane` of `lanes` threads.
__device__ __noinline__ void cover_line(Grid grid, int *free, float x1, float y1, float x2, float y2, int lane, int lanes) {
    Edge edge = edge_of(x1, y1, x2, y2);
    int along = edge.flat ? grid.columns : grid.rows, across = edge.flat ? grid.rows : grid.columns;
    int stop = min((int)floorf(edge.end) + 1, along - 1);
    for (int at = max((int)floorf(edge.begin), 0) + lane; at <= stop; at += lanes) {
        float middle = edge.beside + (at - edge.begin) * edge.slope;
        int nearest = (int)floorf(middle + 0.5f);
        for (int cell = max(nearest - 1, 0); cell <= min(nearest + 1, across - 1); cell++)
            cover(free + (edge.flat ? cell * grid.columns + at : at * grid.columns + cell),
                  covered_of(edge, at, cell - middle));
    }
}

// The row of a ring's point: OpenCV fills rings whose points lie on whole rows, and between columns.
__device__ inline int row_of(int y) { return (y + 8) >> 4; }

// The inside of a ring in one row, by bits of words: every edge that the row crosses turns all cells behind it over.
__device__ inline void turn_row(Line ring, int row, int columns, unsigned *bits, int words) {
    for (int at = 0; at < ring.count; at++) {
        const int *from = ring.points + 2 * at, *to = ring.points + 2 * (at + 1 < ring.count ? at + 1 : 0);
        int begin = row_of(from[1]), end = row_of(to[1]);
        if ((begin <= row) == (end <= row)) continue;
        float x = from[0] + (row - begin) * ((float)(to[0] - from[0]) / (end - begin));
        int first = held((int)ceilf(fminf(fmaxf(x / 16, -1.0f), (float)columns)), 0, columns);
        if (first == columns) continue;
        bits[first / 32] ^= ~0u << (first % 32);
        for (int word = first / 32 + 1; word < words; word++) bits[word] ^= ~0u;
    }
}

// 0..255 within any of the rings, smooth along their edges. `free`, `ring_bits` and `bits`: a word for every cell each.
__device__ __noinline__ void fill(
    Grid grid, float *mask, const Line *rings, int count, int *free, unsigned *ring_bits, unsigned *bits
) {
    int words = (grid.columns + 31) / 32, cells = grid.rows * grid.columns;
    for (int at = threadIdx.x; at < cells; at += blockDim.x) free[at] = 0;
    for (int row = threadIdx.x; row < grid.rows; row += blockDim.x) {
        unsigned *own = ring_bits + row * words, *all = bits + row * words;
        for (int word = 0; word < words; word++) all[word] = 0;
        for (int ring = 0; ring < count; ring++) {
            for (int word = 0; word < words; word++) own[word] = 0;
            turn_row(rings[ring], row, grid.columns, own, words);
            for (int word = 0; word < words; word++) all[word] |= own[word];
        }
    }
    __syncthreads();
    Team own = team();
    for (int ring = 0; ring < count; ring++)
        for (int at = own.number; at < rings[ring].count; at += own.teams) {
            const int *from = rings[ring].points + 2 * at;
            const int *to = rings[ring].points + 2 * (at + 1 < rings[ring].count ? at + 1 : 0);
            cover_line(grid, free, from[0] / 16.0f, row_of(from[1]), to[0] / 16.0f, row_of(to[1]), own.lane, own.lanes);
        }
    __syncthreads();
    each_place(grid, [=](int row, int column) {
        int at = row * grid.columns + column;
        bool inside = bits[row * words + column / 32] >> (column % 32) & 1;
        mask[at] = inside ? 255.0f : rintf(255.0f * (1.0f - left_free(free[at])));
    });
}

struct Corner {
    int x, y;
};

// `fill` of one cell, for a thread that has it alone: whether any ring has it inside, and what edges leave free.
struct Cell {
    int column, row;
    bool inside;
    int free;

    // 0..255 within the rings that were told of.
    __device__ int filled() const { return inside ? 255 : (int)rintf(255.0f * (1.0f - left_free(free))); }
};

// Tells a cell of a ring; `point(at)`: x and y of its corners, in 16ths of a cell.
template <class Point> __device__ inline void tell(Cell &cell, int count, Point point) {
    bool within = false;
    for (int at = 0; at < count; at++) {
        Corner from = point(at), to = point(at + 1 < count ? at + 1 : 0);
        int begin = row_of(from.y), end = row_of(to.y);
        if ((begin <= cell.row) != (end <= cell.row)) {
            float x = from.x + (cell.row - begin) * ((float)(to.x - from.x) / (end - begin));
            within ^= cell.column >= x / 16;
        }
        Edge edge = edge_of(from.x / 16.0f, begin, to.x / 16.0f, end);
        int along = edge.flat ? cell.column : cell.row, across = edge.flat ? cell.row : cell.column;
        if (along < (int)floorf(edge.begin) || along > (int)floorf(edge.end) + 1) continue;
        float middle = edge.beside + (along - edge.begin) * edge.slope;
        int beside = across - (int)floorf(middle + 0.5f);
        if (beside >= -1 && beside <= 1) cell.free += steps_of(covered_of(edge, along, across - middle));
    }
    cell.inside |= within;
}

// How much of a cell a thick stroke covers that ends `beyond` cells before the cell's middle: as above, from any side.
__device__ inline float beside_stroke(float beyond) {
    float free = 1.0f - 0.81f * expf(-2.3f * beyond * beyond);
    return beyond <= 0 ? 1.0f : 1.0f - free * free;
}

// How far a place lies beyond the end of a stroke, cells: OpenCV rounds it by a square on its tip where it is narrow, and
// by a ring of twelve corners.
__device__ inline float beyond_end(float x, float y, int thick) {
    if (thick < 5) return (fabsf(x) + fabsf(y) - thick / 2.0f) * 0.70711f;
    return sqrtf(x * x + y * y) - 0.98f * thick / 2.0f;
}

// Covers the cells around one piece of a stroke of a thickness in cells, 2 or more: odd ones are a cell wider.
__device__ inline void cover_piece(Grid grid, int *mask, const int *from, const int *to, int thick, int lane, int lanes) {
    float x1 = from[0] / 16.0f, y1 = from[1] / 16.0f, x2 = to[0] / 16.0f, y2 = to[1] / 16.0f;
    float side = (thick + 1) / 2, reach = side + 2;
    int left = held((int)floorf(fminf(x1, x2) - reach), 0, grid.columns), top = held((int)floorf(fminf(y1, y2) - reach), 0, grid.rows);
    int right = held((int)ceilf(fmaxf(x1, x2) + reach), 0, grid.columns), down = held((int)ceilf(fmaxf(y1, y2) + reach), 0, grid.rows);
    float length = fmaxf(sqrtf((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1)), 1e-3f);
    float along_x = (x2 - x1) / length, along_y = (y2 - y1) / length;
    for (int at = lane; at < (right - left) * (down - top); at += lanes) {
        float column = left + at % (right - left), row = top + at / (right - left);
        float along = (column - x1) * along_x + (row - y1) * along_y;
        float across = fabsf((row - y1) * along_x - (column - x1) * along_y);
        float past = fmaxf(fmaxf(-along, along - length), 0.0f), aside = fmaxf(across - side, 0.0f);
        float beyond = fminf(beyond_end(column - x1, row - y1, thick), beyond_end(column - x2, row - y2, thick));
        float covered = beside_stroke(fminf(sqrtf(past * past + aside * aside), beyond));
        atomicMax(mask + (int)row * grid.columns + (int)column, (int)rintf(255.0f * covered));
    }
}

// 0..255 along a line; one of a width below a cell is fainter. `covered`: a word for every cell.
__device__ __noinline__ void stroke(Grid grid, float *mask, Line line, float width, int *covered) {
    int cells = grid.rows * grid.columns, thick = cells_of(width, 1);
    float level = rintf(255.0f * fminf(1.0f, width));
    each(cells, [=](int at) { covered[at] = 0; });
    Team own = team();
    for (int at = own.number; at < line.count - 1; at += own.teams) {
        const int *from = line.points + 2 * at;
        if (thick == 1)
            cover_line(grid, covered, from[0] / 16.0f, from[1] / 16.0f, from[2] / 16.0f, from[3] / 16.0f, own.lane, own.lanes);
        else
            cover_piece(grid, covered, from, from + 2, thick, own.lane, own.lanes);
    }
    __syncthreads();
    each(cells, [=](int at) {
        float share = thick == 1 ? 1.0f - left_free(covered[at]) : covered[at] / 255.0f;
        mask[at] = rintf(level * share);
    });
}

// The mask as 0..1, its edges `radius` cells wide on both sides, one at least. `sums`: as `mean` has it.
__device__ __noinline__ void feather(Grid grid, float *mask, float radius, float *sums) {
    mean(grid, sums, cells_of(radius, 1), [=](int at) { return mask[at]; },
         [=](int at, float middle) { mask[at] = rintf(middle) * (1.0f / 255.0f); });
}

// How far a level is from the middle of samples, squared, in standard deviations; `own` is theirs.
__device__ inline float deviation(float level, float middle, float own, float least, float most) {
    float far = (level - middle) * (1.0f / fminf(fmaxf(own, least), most));
    return far * far;
}

// 0..1: how much a colour is like another; `far` from it in squared standard deviations, of all planes together.
__device__ inline float likeness(float far) { return ramp(far, MASKS_GONE * MASKS_GONE, MASKS_SURE * MASKS_SURE); }
