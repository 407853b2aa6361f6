// Puts something else behind the people of a frame: a mask led by the picture, and what stands behind it.
#include "card.cuh"
#include "spread.cuh"

#define THREADS 256
#define CHANNELS 3       // Y, Cb, Cr
#define OF_ALPHA 3       // the grid after theirs
#define KINDS 4          // of means beside an edge: those of the channels, and their weight

// As OpenCV's BORDER_REFLECT_101.
__device__ inline int reflected(int at, int count) {
    if (count == 1) return 0;
    while (at < 0 || at >= count) at = at < 0 ? -at : 2 * count - 2 - at;
    return at;
}

// A grid of other cells at the centre of cell (column, row) of `columns` x `rows`, as OpenCV's INTER_LINEAR.
__device__ float resized(const float *grid, int grid_columns, int grid_rows, int column, int row, int columns,
                         int rows) {
    float x = held((column + 0.5f) * grid_columns / columns - 0.5f, 0.0f, (float)(grid_columns - 1));
    float y = held((row + 0.5f) * grid_rows / rows - 0.5f, 0.0f, (float)(grid_rows - 1));
    int left = (int)x, top = (int)y;
    const float *upper = grid + top * grid_columns, *lower = grid + min(top + 1, grid_rows - 1) * grid_columns;
    int right = min(left + 1, grid_columns - 1);
    float above = mixed(upper[left], upper[right], x - left), below = mixed(lower[left], lower[right], x - left);
    return mixed(above, below, y - top);
}

// The mean of a cell of `side` samples, rounded as OpenCV's INTER_AREA; beyond the end the last sample counts on.
__device__ float cell_mean(const uint8 *plane, int columns, int rows, int channels, int column, int row, int side) {
    int sum = 0;
    for (int y = row * side; y < (row + 1) * side; y++)
        for (int x = column * side; x < (column + 1) * side; x++)
            sum += plane[(min(y, rows - 1) * columns + min(x, columns - 1)) * channels];
    return side == 2 ? (sum + 2) >> 2 : rintf(sum / (float)(side * side));
}

// Y, Cb, Cr and the mask on the grid. decided: the small mask; sure: 255 where somebody's face is.
SEPARATE void gathered(const uint8 *luma, const uint8 *chroma, int width, int height, int step, int columns, int rows,
                       const float *decided, int mask_columns, int mask_rows, const uint8 *sure, float *cells) {
    int column = column_of_thread(), row = row_of_thread(), count = rows * columns;
    if (column >= columns || row >= rows) return;
    float *own = cells + row * columns + column;
    int wide = (width + 1) / 2, high = (height + 1) / 2;
    own[0] = cell_mean(luma, width, height, 1, column, row, step);
    own[count] = cell_mean(chroma, wide, high, 2, column, row, step / 2);
    own[2 * count] = cell_mean(chroma + 1, wide, high, 2, column, row, step / 2);
    float alpha = resized(decided, mask_columns, mask_rows, column, row, columns, rows);
    own[OF_ALPHA * count] = fmaxf(alpha, sure[row * columns + column] * (1 / 255.0f));
}

// The guided filter's line for each window: how the mask goes with luma. lines: slopes, then offsets.
SEPARATE void guided(const float *cells, int columns, int rows, int radius, float least_variance, float *lines) {
    int column = column_of_thread(), row = row_of_thread(), count = rows * columns;
    if (column >= columns || row >= rows) return;
    float luma = 0, alpha = 0, squares = 0, products = 0;
    for (int y = row - radius; y <= row + radius; y++)
        for (int x = column - radius; x <= column + radius; x++) {
            int at = reflected(y, rows) * columns + reflected(x, columns);
            float own = cells[at], share = cells[OF_ALPHA * count + at];
            luma += own;
            alpha += share;
            squares += own * own;
            products += own * share;
        }
    float each = 1.0f / ((2 * radius + 1) * (2 * radius + 1));
    luma *= each;
    alpha *= each;
    float variance = fmaxf(squares * each - luma * luma, 0.0f);
    float slope = (products * each - luma * alpha) / (variance + least_variance);
    lines[row * columns + column] = slope;
    lines[count + row * columns + column] = alpha - slope * luma;
}

__device__ float window_mean(const float *grid, int columns, int rows, int column, int row, int radius) {
    float sum = 0;
    for (int y = row - radius; y <= row + radius; y++)
        for (int x = column - radius; x <= column + radius; x++)
            sum += grid[reflected(y, rows) * columns + reflected(x, columns)];
    return sum / ((2 * radius + 1) * (2 * radius + 1));
}

// The means of the windows of several grids; z: the grid.
SEPARATE void averaged(const float *grids, int columns, int rows, int radius, float *means) {
    int column = column_of_thread(), row = row_of_thread();
    if (column >= columns || row >= rows) return;
    int first = blockIdx.z * rows * columns;
    means[first + row * columns + column] = window_mean(grids + first, columns, rows, column, row, radius);
}

// How much of a coarser cell, from `low` on and `scale` long, is the finer cell `at`.
__device__ inline float overlap(int at, float low, float scale) {
    return fmaxf(fminf(at + 1.0f, low + scale) - fmaxf((float)at, low), 0.0f);
}

__device__ float dilated(const float *alpha, int columns, int rows, int column, int row) {
    float most = 0;
    for (int y = max(row - 1, 0); y <= min(row + 1, rows - 1); y++)
        for (int x = max(column - 1, 0); x <= min(column + 1, columns - 1); x++)
            most = fmaxf(most, alpha[y * columns + x]);
    return most;
}

// The channels on a coarser grid, and what counts there. Without `beside` (a share of people up to which a cell tells
// of the background) two grids of weights, of cells that are surely people and surely not; with it one of what is
// background.
SEPARATE void coarsened(const float *cells, int columns, int rows, int coarse_columns, int coarse_rows, float surely,
                        float beside, float *coarse, float *weights) {
    int column = column_of_thread(), row = row_of_thread();
    int count = rows * columns, total = coarse_rows * coarse_columns;
    if (column >= coarse_columns || row >= coarse_rows) return;
    float across = columns / (float)coarse_columns, down = rows / (float)coarse_rows, area = 0;
    float sums[CHANNELS + 1] = {0, 0, 0, 0};
    for (int y = (int)(row * down); y < min((int)ceilf((row + 1) * down), rows); y++)
        for (int x = (int)(column * across); x < min((int)ceilf((column + 1) * across), columns); x++) {
            float part = overlap(x, column * across, across) * overlap(y, row * down, down);
            for (int channel = 0; channel < CHANNELS; channel++)
                sums[channel] += part * cells[channel * count + y * columns + x];
            const float *alpha = cells + OF_ALPHA * count;
            float counts = alpha[y * columns + x];
            if (beside > 0) counts = dilated(alpha, columns, rows, x, y) < beside ? 1.0f : 0.0f;
            sums[CHANNELS] += part * counts;
            area += part;
        }
    int own = row * coarse_columns + column;
    for (int channel = 0; channel < CHANNELS; channel++) coarse[channel * total + own] = sums[channel] / area;
    float share = sums[CHANNELS] / area;
    weights[own] = beside > 0 ? share : share > surely ? 1.0f : 0.0f;
    if (beside <= 0) weights[total + own] = share < 1 - surely ? 1.0f : 0.0f;
}

// The channels by each weight, and the weight; z: the weight.
SEPARATE void counted(const float *coarse, const float *weights, int count, float *products) {
    int at = column_of_thread();
    if (at >= count) return;
    float weight = weights[blockIdx.z * count + at];
    float *own = products + KINDS * blockIdx.z * count + at;
    for (int channel = 0; channel < CHANNELS; channel++) own[channel * count] = coarse[channel * count + at] * weight;
    own[CHANNELS * count] = weight;
}

// The mean of each of several grids, a block each.
TOGETHER void totalled(const float *grids, int count, float *means) {
    __shared__ double sums[THREADS];
    double own = 0;
    for (int at = threadIdx.x; at < count; at += blockDim.x) own += grids[blockIdx.x * count + at];
    sums[threadIdx.x] = own;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) means[blockIdx.x] = (float)(sums[0] / count);
}

// backdrop.beside: the mean of those around that count, of all that do where none does.
__device__ float beside_of(const float *around, const float *totals, int count, int at, int channel, float least) {
    float weight = around[CHANNELS * count + at] + totals[CHANNELS] * least + least * least;
    return (around[channel * count + at] + totals[channel] * least) / weight;
}

// What people's colours are beyond the background's; z: the channel.
SEPARATE void differing(const float *around, const float *totals, int count, float least, float *differences) {
    int at = column_of_thread(), channel = blockIdx.z;
    if (at >= count) return;
    float people = beside_of(around, totals, count, at, channel, least);
    float behind = beside_of(around + KINDS * count, totals + KINDS, count, at, channel, least);
    differences[channel * count + at] = people - behind;
}

// Coarse grids at the centres of finer cells; z: the grid.
SEPARATE void widened(const float *coarse, int coarse_columns, int coarse_rows, int columns, int rows, float *grids) {
    int column = column_of_thread(), row = row_of_thread();
    if (column >= columns || row >= rows) return;
    const float *own = coarse + blockIdx.z * coarse_rows * coarse_columns;
    grids[(blockIdx.z * rows + row) * columns + column] =
        resized(own, coarse_columns, coarse_rows, column, row, columns, rows);
}

// The background with what is beside people in their place, and lights that count more: weighted channels, then the
// weights.
SEPARATE void weighted(const float *coarse, const float *seen, const float *around, const float *totals, int count,
                       float least, float bright, float *lights) {
    int at = column_of_thread();
    if (at >= count) return;
    float behind[CHANNELS], hidden = 1 - seen[at];
    for (int channel = 0; channel < CHANNELS; channel++) {
        float plane = coarse[channel * count + at];
        behind[channel] = hidden * (beside_of(around, totals, count, at, channel, least) - plane) + plane;
    }
    float light = behind[0] * (1 / 255.0f), weight = 1 + bright * light * light;
    for (int channel = 0; channel < CHANNELS; channel++) lights[channel * count + at] = behind[channel] * weight;
    lights[CHANNELS * count + at] = weight;
}

// Every point a disc [2 * reach + 1, 2 * reach + 1]: bytes of Y, Cb and Cr.
SEPARATE void defocused(const float *lights, int columns, int rows, const float *disc, int reach, uint8 *soft) {
    int column = column_of_thread(), row = row_of_thread(), count = rows * columns;
    if (column >= columns || row >= rows) return;
    float sums[KINDS] = {0, 0, 0, 0};
    for (int y = -reach; y <= reach; y++)
        for (int x = -reach; x <= reach; x++) {
            float part = *disc++;
            int at = held(row + y, 0, rows - 1) * columns + held(column + x, 0, columns - 1);
            for (int kind = 0; kind < KINDS; kind++) sums[kind] += part * lights[kind * count + at];
        }
    for (int channel = 0; channel < CHANNELS; channel++)
        soft[channel * count + row * columns + column] = sample_of(sums[channel] / sums[CHANNELS]);
}

__device__ float spread(const float *grid, int columns, const Between &x, const Between &y) {
    const float *upper = grid + y.low * columns, *lower = grid + y.high * columns;
    return mixed(mixed(upper[x.low], upper[x.high], x.part), mixed(lower[x.low], lower[x.high], x.part), y.part);
}

// A frame's grid, and its people: slopes and offsets of their shares.
struct Matte {
    const float *lines;
    int columns, rows, step;
    float gain, low;

    // 0..255 of a pixel.
    __device__ int share(int luma, int x, int y) const {
        Between across = between(x, step, columns), down = between(y, step, rows);
        float slope = spread(lines, columns, across, down);
        float offset = spread(lines + rows * columns, columns, across, down);
        return sample_of((luma * slope + offset) * gain - low);
    }
};

// Mixes old and new by the people's share; difference: how much of the old background is in people's part of an edge.
__device__ uint8 behind_share(int before, int instead, int alpha, float difference) {
    float share = alpha * (1 / 255.0f);
    return sample_of((before - instead) * share + (share - share * share) * difference + instead);
}

__device__ float edge_of(const float *edges, int channel, const Matte &matte, int column, int row, int side) {
    const float *own = edges + channel * matte.rows * matte.columns;
    return spread(own, matte.columns, between(column, side, matte.columns), between(row, side, matte.rows));
}

// Of the four pixels of a sample of chroma how much each is background; answers their mean, rounded.
__device__ inline int shares_of(const Matte &matte, const uint8 *luma, int width, int height, int column, int row,
                                int *shares) {
    int sum = 2;
    for (int at = 0; at < 4; at++) {
        int x = min(2 * column + at % 2, width - 1), y = min(2 * row + at / 2, height - 1);
        shares[at] = matte.share(luma[y * width + x], x, y);
        sum += shares[at];
    }
    return sum >> 2;
}

// Shows another picture of the same size; one thread for each Cb and Cr and their pixels.
SEPARATE void put_behind(uint8 *luma, uint8 *chroma, int width, int height, const float *lines, int columns, int rows,
                         int step, float gain, float low, const float *edges, const uint8 *new_luma,
                         const uint8 *new_chroma) {
    int column = column_of_thread(), row = row_of_thread(), wide = (width + 1) / 2;
    if (column >= wide || row >= (height + 1) / 2) return;
    Matte matte = {lines, columns, rows, step, gain, low};
    int shares[4], mean = shares_of(matte, luma, width, height, column, row, shares);
    for (int at = 0; at < 4; at++) {
        int x = 2 * column + at % 2, y = 2 * row + at / 2, place = y * width + x;
        if (x >= width || y >= height) continue;
        luma[place] = behind_share(luma[place], new_luma[place], shares[at], edge_of(edges, 0, matte, x, y, step));
    }
    for (int channel = 0; channel < 2; channel++) {
        int place = 2 * (row * wide + column) + channel;
        float difference = edge_of(edges, channel + 1, matte, column, row, step / 2);
        chroma[place] = behind_share(chroma[place], new_chroma[place], mean, difference);
    }
}

// A sample of the background out of focus, mixed with the sharp one.
__device__ int soft_sample(const uint8 *soft, int columns, int rows, int column, int row, int side, int before,
                           float sharp) {
    Between x = between(column, side, columns), y = between(row, side, rows);
    const uint8 *upper = soft + y.low * columns, *lower = soft + y.high * columns;
    int found = mixed_bytes(upper[x.low], upper[x.high], lower[x.low], lower[x.high], x.part, y.part);
    return sharp > 0 ? sample_of(before * sharp + found * (1 - sharp)) : found;
}

// Shows what `defocused` made, on cells of `soft_step` pixels; threads as above.
SEPARATE void put_out_of_focus(uint8 *luma, uint8 *chroma, int width, int height, const float *lines, int columns,
                               int rows, int step, float gain, float low, const uint8 *soft, int soft_columns,
                               int soft_rows, int soft_step, float sharp) {
    int column = column_of_thread(), row = row_of_thread(), wide = (width + 1) / 2;
    if (column >= wide || row >= (height + 1) / 2) return;
    Matte matte = {lines, columns, rows, step, gain, low};
    int shares[4], mean = shares_of(matte, luma, width, height, column, row, shares), count = soft_rows * soft_columns;
    for (int at = 0; at < 4; at++) {
        int x = 2 * column + at % 2, y = 2 * row + at / 2, place = y * width + x;
        if (x >= width || y >= height) continue;
        int fresh = soft_sample(soft, soft_columns, soft_rows, x, y, soft_step, luma[place], sharp);
        luma[place] = behind_share(luma[place], fresh, shares[at], 0);
    }
    for (int channel = 0; channel < 2; channel++) {
        int place = 2 * (row * wide + column) + channel;
        const uint8 *own = soft + (channel + 1) * count;
        int fresh = soft_sample(own, soft_columns, soft_rows, column, row, soft_step / 2, chroma[place], sharp);
        chroma[place] = behind_share(chroma[place], fresh, mean, 0);
    }
}
