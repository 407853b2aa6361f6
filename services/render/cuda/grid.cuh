// What a block of threads does together on a working grid: rows of cells, without padding. Every operation that all
// threads take part in ends with all of them in step, and begins so.
#pragma once
#include "card.cuh"

// Two and three grids that are summed at once, for the price of one.
struct Pair {
    float a, b;
};

struct Trio {
    float a, b, c;
};

__device__ inline float added(float x, float y) { return x + y; }
__device__ inline Pair added(Pair x, Pair y) { return {x.a + y.a, x.b + y.b}; }
__device__ inline Trio added(Trio x, Trio y) { return {x.a + y.a, x.b + y.b, x.c + y.c}; }
__device__ inline float scaled(float x, float by) { return x * by; }
__device__ inline Pair scaled(Pair x, float by) { return {x.a * by, x.b * by}; }
__device__ inline Trio scaled(Trio x, float by) { return {x.a * by, x.b * by, x.c * by}; }

struct Grid {
    int rows, columns;
};

// Where a cell beyond a border is taken from: mirrored at the outermost cell, which is not repeated.
__device__ inline int mirrored(int at, int count) {
    if (count == 1) return 0;
    while (at < 0 || at >= count) at = at < 0 ? -at : 2 * (count - 1) - at;
    return at;
}

// radius cells, rounded as Python does, at least `least`.
__device__ inline int cells_of(float radius, int least) { return max(least, (int)rintf(radius)); }

// 0 at and beyond `nothing`, 1 at and beyond `whole`, straight in between.
__device__ inline float ramp(float value, float nothing, float whole) {
    float slope = 1.0f / (whole - nothing);
    return held(value * slope - nothing * slope, 0.0f, 1.0f);
}

// The threads of a block in teams of a warp: a team takes a row, or an edge, and its lanes the cells along it.
struct Team {
    int lane, lanes, number, teams;
};

__device__ inline Team team() {
    int lanes = min(32, (int)blockDim.x);
    return {(int)threadIdx.x % lanes, lanes, (int)threadIdx.x / lanes, (int)blockDim.x / lanes};
}

// Every cell by row and column.
template <class Do> __device__ inline void each_place(Grid grid, Do act) {
    Team own = team();
    for (int row = own.number; row < grid.rows; row += own.teams)
        for (int column = own.lane; column < grid.columns; column += own.lanes) act(row, column);
    __syncthreads();
}

template <class Do> __device__ inline void each(int count, Do act) {
    for (int at = threadIdx.x; at < count; at += blockDim.x) act(at);
    __syncthreads();
}

// The mean of the window of `radius` cells around each cell of `from(at)`, given to `take(at, mean)`. `sums` has room
// for a value of every cell. `from` is read for the last time before the first is given: it may be overwritten.
template <class Value, class From, class Take>
__device__ inline void mean(Grid grid, Value *sums, int radius, From from, Take take) {
    int rows = grid.rows, columns = grid.columns;
    int parts = held((int)blockDim.x / columns, 1, rows), high = (rows + parts - 1) / parts;
    for (int task = threadIdx.x; task < parts * columns; task += blockDim.x) {
        int column = task % columns, row = task / columns * high, end = min(row + high, rows);
        if (row >= end) continue;
        Value sum = from(mirrored(row - radius, rows) * columns + column);
        for (int at = row - radius + 1; at <= row + radius; at++)
            sum = added(sum, from(mirrored(at, rows) * columns + column));
        sums[row * columns + column] = sum;
        for (row++; row < end; row++) {
            Value gone = from(mirrored(row - radius - 1, rows) * columns + column);
            sum = added(sum, added(from(mirrored(row + radius, rows) * columns + column), scaled(gone, -1.0f)));
            sums[row * columns + column] = sum;
        }
    }
    __syncthreads();
    float share = 1.0f / ((2 * radius + 1) * (2 * radius + 1));
    each_place(grid, [=](int row, int column) {
        const Value *line = sums + row * columns;
        bool inside = column >= radius && column + radius < columns;
        Value sum = line[inside ? column - radius : mirrored(column - radius, columns)];
        if (inside)
            for (int x = column - radius + 1; x <= column + radius; x++) sum = added(sum, line[x]);
        else
            for (int x = column - radius + 1; x <= column + radius; x++) sum = added(sum, line[mirrored(x, columns)]);
        take(row * columns + column, scaled(sum, share));
    });
}

// The most in the window of `radius` cells around each cell, as far as the grid goes.
template <class From, class Take>
__device__ inline void most(Grid grid, float *columns_most, int radius, From from, Take take) {
    int rows = grid.rows, columns = grid.columns;
    each_place(grid, [=](int row, int column) {
        float found = from(row * columns + column);
        for (int y = max(0, row - radius); y <= min(rows - 1, row + radius); y++)
            found = fmaxf(found, from(y * columns + column));
        columns_most[row * columns + column] = found;
    });
    each_place(grid, [=](int row, int column) {
        const float *line = columns_most + row * columns;
        float found = line[column];
        for (int x = max(0, column - radius); x <= min(columns - 1, column + radius); x++) found = fmaxf(found, line[x]);
        take(row * columns + column, found);
    });
}

// The sum of what the threads have, for all of them.
__device__ __noinline__ float summed(float own) {
    __shared__ float parts[1024];
    parts[threadIdx.x] = own;
    __syncthreads();
    if (threadIdx.x < 32)
        for (int at = threadIdx.x + 32; at < (int)blockDim.x; at += 32) parts[threadIdx.x] += parts[at];
    __syncthreads();
    float sum = 0;
    for (int at = 0; at < min(32, (int)blockDim.x); at++) sum += parts[at];
    __syncthreads();
    return sum;
}

// How often each level 0..255 is found, and how many levels there are in all.
struct Levels {
    int *count;
    int all;
};

// Counts `level(at)` of the cells for which `counts(at)`. `room`: 256 ints that the block shares.
template <class Counts, class Level>
__device__ inline Levels counted(int cells, int *room, Counts counts, Level level) {
    each(256, [=](int at) { room[at] = 0; });
    int own = 0;
    for (int at = threadIdx.x; at < cells; at += blockDim.x)
        if (counts(at)) {
            atomicAdd(room + held((int)level(at), 0, 255), 1);
            own++;
        }
    return {room, (int)summed((float)own)};  // exact below 2^24 cells
}

// The level that has `rank` levels below it or before it, of the distances from `middle` if that is not below 0.
__device__ __noinline__ float ranked(Levels levels, int rank, int middle = -1) {
    __shared__ int found;
    for (int level = threadIdx.x; level < 256; level += blockDim.x) {
        int below = 0, here = 0;
        for (int other = 0; other < 256; other++) {
            int far = middle < 0 ? other : other < middle ? middle - other : other - middle;
            if (far < level) below += levels.count[other];
            if (far == level) here += levels.count[other];
        }
        if (below <= rank && rank < below + here) found = level;
    }
    __syncthreads();
    float level = found;
    __syncthreads();
    return level;
}

// As np.percentile: between the two levels that it lies between.
__device__ __noinline__ float percentile(Levels levels, float percent) {
    float rank = percent / 100.0f * (levels.all - 1);
    int low = (int)floorf(rank);
    float least = ranked(levels, low), more = ranked(levels, min(low + 1, levels.all - 1));
    return least + (more - least) * (rank - low);
}
