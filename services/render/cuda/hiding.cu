// Hides heads: out of focus, behind squares, or behind one colour, each within a mask that fades.
#include "card.cuh"
#include "spread.cuh"

#define THREADS 64
#define BLUR 0
#define SQUARES 1

struct Squares {
    int first_across, across;  // edges in samples of the region, one more than squares
    int first_down, down;
    int first_mean;
};

// As hiding.py writes them.
struct Head {
    int x0, y0, x1, y1, step, rows, columns;
    int first_cell;  // of its weights, and of each of its blurred channels
    int first_tap, taps;
    Squares luma, chroma;
};

// A plane's samples of a region in the picture; channels take turns.
struct Plane {
    uint8 *first;
    int stride, columns, rows, channels;

    __device__ uint8 *at(int column, int row) const { return first + row * stride + column * channels; }
};

__device__ Plane luma_of(const Head &head, uint8 *luma, int width) {
    return {luma + head.y0 * width + head.x0, width, head.x1 - head.x0, head.y1 - head.y0, 1};
}

__device__ Plane chroma_of(const Head &head, uint8 *chroma, int width) {
    int wide = (width + 1) / 2;
    uint8 *first = chroma + 2 * (head.y0 / 2 * wide + head.x0 / 2);
    return {first, 2 * wide, (head.x1 - head.x0 + 1) / 2, (head.y1 - head.y0 + 1) / 2, 2};
}

// The mean of a cell of `side` samples, rounded as OpenCV's INTER_AREA; beyond the end the last sample counts on.
__device__ int mean_of(const Plane &plane, int column, int row, int side, int channel) {
    int sum = 0;
    for (int y = row * side; y < (row + 1) * side; y++)
        for (int x = column * side; x < (column + 1) * side; x++)
            sum += plane.at(min(x, plane.columns - 1), min(y, plane.rows - 1))[channel];
    return side == 2 ? (sum + 2) >> 2 : (int)rintf(sum / (float)(side * side));
}

// z: the head. cells: of each head three channels, one after the other.
SEPARATE void gathered(uint8 *luma, uint8 *chroma, int width, const Head *heads, float *cells) {
    Head head = heads[blockIdx.z];
    int column = column_of_thread(), row = row_of_thread(), count = head.rows * head.columns;
    if (column >= head.columns || row >= head.rows) return;
    float *own = cells + 3 * head.first_cell + row * head.columns + column;
    own[0] = mean_of(luma_of(head, luma, width), column, row, head.step, 0);
    for (int channel = 0; channel < 2; channel++)
        own[(channel + 1) * count] = mean_of(chroma_of(head, chroma, width), column, row, head.step / 2, channel);
}

// A Gaussian along one axis; z: the head and the channel. The second time (down) what comes out is rounded.
SEPARATE void blurred(const Head *heads, const float *taps, const float *cells, float *soft, int down) {
    Head head = heads[blockIdx.z / 3];
    int column = column_of_thread(), row = row_of_thread(), count = head.rows * head.columns;
    if (column >= head.columns || row >= head.rows) return;
    int first = 3 * head.first_cell + blockIdx.z % 3 * count, reach = head.taps / 2;
    int place = down ? row : column, end = (down ? head.rows : head.columns) - 1;
    const float *line = cells + first + (down ? column : row * head.columns);
    int stride = down ? head.columns : 1;
    float sum = 0;
    for (int at = 0; at < head.taps; at++)
        sum += taps[head.first_tap + at] * line[held(place + at - reach, 0, end) * stride];
    soft[first + row * head.columns + column] = down ? rintf(sum) : sum;
}

// The sum of what the threads of a block have.
__device__ long long sum_of_all(long long own) {
    __shared__ long long sums[THREADS];
    __syncthreads();
    sums[threadIdx.x] = own;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    return sums[0];
}

// The means of squares, a block each; z: the head, then luma or chroma.
TOGETHER void squared(uint8 *luma, uint8 *chroma, int width, const Head *heads, const int *edges, uint8 *means) {
    Head head = heads[blockIdx.z / 2];
    bool is_chroma = blockIdx.z % 2;
    Squares squares = is_chroma ? head.chroma : head.luma;
    Plane plane = is_chroma ? chroma_of(head, chroma, width) : luma_of(head, luma, width);
    int column = blockIdx.x, row = blockIdx.y;
    if (column >= squares.across || row >= squares.down) return;
    const int *across = edges + squares.first_across + column, *down = edges + squares.first_down + row;
    int wide = across[1] - across[0], area = wide * (down[1] - down[0]);
    for (int channel = 0; channel < plane.channels; channel++) {
        long long own = 0;
        for (int at = threadIdx.x; at < area; at += blockDim.x)
            own += plane.at(across[0] + at % wide, down[0] + at / wide)[channel];
        double sum = (double)sum_of_all(own);
        if (threadIdx.x == 0)
            means[2 * (squares.first_mean + row * squares.across + column) + channel] = (uint8)rint(sum / area);
    }
}

// Which of the squares a sample lies in; edges: where they begin, from 0 on.
__device__ int square_of(int sample, const int *edges, int squares) {
    int low = 0, high = squares;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (edges[middle] <= sample) low = middle;
        else high = middle;
    }
    return low;
}

__device__ int square_shown(const Squares &squares, const int *edges, const uint8 *means, int column, int row,
                            int channel) {
    int across = square_of(column, edges + squares.first_across, squares.across);
    int down = square_of(row, edges + squares.first_down, squares.down);
    return means[2 * (squares.first_mean + down * squares.across + across) + channel];
}

__device__ int blur_shown(const Head &head, const float *cells, int column, int row, int side) {
    Between across = between(column, side, head.columns), down = between(row, side, head.rows);
    const float *upper = cells + down.low * head.columns, *lower = cells + down.high * head.columns;
    return mixed_bytes((int)upper[across.low], (int)upper[across.high], (int)lower[across.low],
                       (int)lower[across.high], across.part, down.part);
}

__device__ float weight_of(const Head &head, const float *weights, int column, int row, int side) {
    Between across = between(column, side, head.columns), down = between(row, side, head.rows);
    const float *upper = weights + down.low * head.columns, *lower = weights + down.high * head.columns;
    float above = mixed(upper[across.low], upper[across.high], across.part);
    float below = mixed(lower[across.low], lower[across.high], across.part);
    return mixed(above, below, down.part);
}

// As OpenCV's blendLinear.
__device__ uint8 blended(int before, int instead, float weight) {
    float left = 1 - weight;
    return sample_of((before * left + instead * weight) / (left + weight + 1e-5f));
}

// Shows the blurred cells or the squares instead; one thread for each Cb and Cr and their pixels, z: the head.
SEPARATE void veiled(uint8 *luma, uint8 *chroma, int width, const Head *heads, const float *weights, int kind,
                     const float *soft, const int *edges, const uint8 *means) {
    Head head = heads[blockIdx.z];
    Plane y_plane = luma_of(head, luma, width), pairs = chroma_of(head, chroma, width);
    int column = column_of_thread(), row = row_of_thread(), count = head.rows * head.columns;
    if (column >= pairs.columns || row >= pairs.rows) return;
    const float *own_weights = weights + head.first_cell, *own = soft + 3 * head.first_cell;
    for (int y = 2 * row; y < min(2 * row + 2, y_plane.rows); y++)
        for (int x = 2 * column; x < min(2 * column + 2, y_plane.columns); x++) {
            int shown = kind == BLUR ? blur_shown(head, own, x, y, head.step)
                                     : square_shown(head.luma, edges, means, x, y, 0);
            uint8 *sample = y_plane.at(x, y);
            *sample = blended(*sample, shown, weight_of(head, own_weights, x, y, head.step));
        }
    float weight = weight_of(head, own_weights, column, row, head.step / 2);
    for (int channel = 0; channel < 2; channel++) {
        int shown = kind == BLUR ? blur_shown(head, own + (channel + 1) * count, column, row, head.step / 2)
                                 : square_shown(head.chroma, edges, means, column, row, channel);
        uint8 *sample = pairs.at(column, row) + channel;
        *sample = blended(*sample, shown, weight);
    }
}

__device__ uint8 covered_sample(int before, int colour, float share, float weight) {
    int shown = share == 1 ? colour : sample_of(before * (1 - share) + colour * share);
    return blended(before, shown, weight);
}

// One colour instead, of which `share` hides what is behind; threads as above.
SEPARATE void covered(uint8 *luma, uint8 *chroma, int width, const Head *heads, const float *weights, int y_level,
                      int cb_level, int cr_level, float share) {
    Head head = heads[blockIdx.z];
    Plane y_plane = luma_of(head, luma, width), pairs = chroma_of(head, chroma, width);
    int column = column_of_thread(), row = row_of_thread();
    if (column >= pairs.columns || row >= pairs.rows) return;
    const float *own = weights + head.first_cell;
    for (int y = 2 * row; y < min(2 * row + 2, y_plane.rows); y++)
        for (int x = 2 * column; x < min(2 * column + 2, y_plane.columns); x++) {
            uint8 *sample = y_plane.at(x, y);
            *sample = covered_sample(*sample, y_level, share, weight_of(head, own, x, y, head.step));
        }
    float weight = weight_of(head, own, column, row, head.step / 2);
    uint8 *pair = pairs.at(column, row);
    pair[0] = covered_sample(pair[0], cb_level, share, weight);
    pair[1] = covered_sample(pair[1], cr_level, share, weight);
}
