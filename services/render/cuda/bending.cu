// Bends faces: the bumps' displacement field on each face's grid, held open, and one resampling that follows it.
#include "card.cuh"
#include "spread.cuh"

#define THREADS 512

// As bending.py writes them, one kind after the other in one array of bytes.
struct Face {
    int x0, y0, x1, y1, step, rows, columns;
    int first_bump, bumps, first_part, parts;
    int first_cell;                // of its displacements
    int first_sample, first_pair;  // of the copies of its luma, and of its Cb and Cr
};
struct Part {
    int x0, y0, x1, y1;
    float zoom;
};
struct Bump {
    float x, y, radius, right, down, zoom;
};

__device__ inline int columns_of(const Face &face) { return face.x1 - face.x0; }

__device__ inline int rows_of(const Face &face) { return face.y1 - face.y0; }

__device__ inline int halved(int count) { return (count + 1) / 2; }

// The least of what the threads of a block have.
__device__ float least_of_all(float own) {
    __shared__ float least[THREADS];
    __syncthreads();
    least[threadIdx.x] = own;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) least[threadIdx.x] = fminf(least[threadIdx.x], least[threadIdx.x + half]);
        __syncthreads();
    }
    return least[0];
}

// Bumps.field_of_grid: pixels by which each cell's centre is displaced, right and down in turn.
__device__ void displace(const Face &face, const Bump *bumps, float *field) {
    for (int cell = threadIdx.x; cell < face.rows * face.columns; cell += blockDim.x) {
        float x = face.x0 + (face.step - 1) * 0.5f + cell % face.columns * face.step;
        float y = face.y0 + (face.step - 1) * 0.5f + cell / face.columns * face.step;
        float right = 0, down = 0;
        for (int at = 0; at < face.bumps; at++) {
            Bump bump = bumps[at];
            float across = (x - bump.x) / bump.radius, along = (y - bump.y) / bump.radius;
            float nearness = 1 - across * across - along * along;
            if (nearness <= 0) continue;
            float weight = nearness * nearness;
            right += weight * (bump.right + bump.zoom * (x - bump.x));
            down += weight * (bump.down + bump.zoom * (y - bump.y));
        }
        field[2 * cell] = right;
        field[2 * cell + 1] = down;
    }
    __syncthreads();
}

// warp._is_open.
__device__ bool is_open(const Face &face, const float *field, float times, float least_area) {
    float trace_least = 0, change_least = 1e30f;
    int across = face.columns - 1;
    for (int at = threadIdx.x; at < (face.rows - 1) * across; at += blockDim.x) {
        const float *here = field + 2 * (at / across * face.columns + at % across);
        const float *right = here + 2, *below = here + 2 * face.columns;
        float right_x = (right[0] - here[0]) / face.step, right_y = (right[1] - here[1]) / face.step;
        float down_x = (below[0] - here[0]) / face.step, down_y = (below[1] - here[1]) / face.step;
        float trace = right_x + down_y, determinant = right_x * down_y - right_y * down_x;
        trace_least = fminf(trace_least, trace);
        change_least = fminf(change_least, times * trace + times * times * determinant);
    }
    bool upright = 2 + times * least_of_all(trace_least) > 0;
    return 1 + least_of_all(change_least) >= least_area && upright;
}

// warp.most_open.
__device__ float most_open(const Face &face, const float *field, float least_area) {
    if (is_open(face, field, 1, least_area)) return 1;
    float low = 0, high = 1;
    for (int halving = 0; halving < 10; halving++) {
        float middle = (low + high) / 2;
        if (is_open(face, field, middle, least_area)) low = middle;
        else high = middle;
    }
    return low;
}

// The least and the most luma of a part.
__device__ void find_extremes(const Part &part, const uint8 *luma, int width, float *extremes) {
    float least = 255, most = 0;
    int columns = part.x1 - part.x0;
    for (int at = threadIdx.x; at < (part.y1 - part.y0) * columns; at += blockDim.x) {
        float sample = luma[(part.y0 + at / columns) * width + part.x0 + at % columns];
        least = fminf(least, sample);
        most = fmaxf(most, sample);
    }
    least = least_of_all(least);
    most = -least_of_all(-most);
    if (threadIdx.x == 0) {
        extremes[0] = least;
        extremes[1] = most;
    }
}

// Every `stripes`th row of a region from `stripe` on; row and `columns` of bytes.
__device__ void copy_rows(const uint8 *from, int width, uint8 *to, int rows, int columns, int stripe, int stripes) {
    for (int row = stripe; row < rows; row += stripes)
        for (int at = threadIdx.x; at < columns; at += blockDim.x) to[row * columns + at] = from[row * width + at];
}

// What the first kernel leaves for the second, one after the other: the displacements of all cells, and what the luma
// and the chroma of all regions were.
struct Prepared {
    float *field;
    uint8 *samples, *pairs;
};

__device__ inline Prepared prepared_in(uint8 *memory, int cells, int samples) {
    return {(float *)memory, memory + 8 * cells, memory + 8 * cells + samples};
}

// All that a resampling needs: a block a face for its displacements, one a part for its extremes, the others copy.
// found: by face the number that its displacements are to be multiplied by, then by part its extremes.
TOGETHER void prepared(const uint8 *luma, const uint8 *chroma, int width, const uint8 *records, int faces, int parts,
                       float least_area, uint8 *memory, int cells, int samples, float *found) {
    const Face *all = (const Face *)records;
    const Part *magnified = (const Part *)(all + faces);
    const Bump *bumps = (const Bump *)(magnified + parts);
    Prepared into = prepared_in(memory, cells, samples);
    int block = blockIdx.x;
    if (block < faces) {
        Face face = all[block];
        float *own = into.field + 2 * face.first_cell;
        displace(face, bumps + face.first_bump, own);
        float times = most_open(face, own, least_area);
        if (threadIdx.x == 0) found[block] = times;
    } else if (block < faces + parts) {
        find_extremes(magnified[block - faces], luma, width, found + faces + 2 * (block - faces));
    } else {
        int copy = block - faces - parts, stripes = (gridDim.x - faces - parts) / faces;
        Face face = all[copy / stripes];
        int left = face.x0 / 2, top = face.y0 / 2, wide = halved(width);
        copy_rows(luma + face.y0 * width + face.x0, width, into.samples + face.first_sample, rows_of(face),
                  columns_of(face), copy % stripes, stripes);
        copy_rows(chroma + 2 * (top * wide + left), 2 * wide, into.pairs + 2 * face.first_pair,
                  halved(rows_of(face)), 2 * halved(columns_of(face)), copy % stripes, stripes);
    }
}

struct Displacement {
    float right, down;
};

// Region.whence without the sample's own place: pixels between the cells' centres.
__device__ Displacement displacement(const Face &face, const float *field, float times, int column, int row, int side) {
    Between x = between(column, side, face.columns), y = between(row, side, face.rows);
    const float *upper = field + 2 * y.low * face.columns, *lower = field + 2 * y.high * face.columns;
    float found[2];
    for (int axis = 0; axis < 2; axis++) {
        float above = mixed(upper[2 * x.low + axis], upper[2 * x.high + axis], x.part);
        float below = mixed(lower[2 * x.low + axis], lower[2 * x.high + axis], x.part);
        found[axis] = times * mixed(above, below, y.part);
    }
    return {found[0], found[1]};
}

// A plane's samples of a region, packed, one channel of those that take turns.
struct Samples {
    const uint8 *first;
    int rows, columns, channels;

    // That of the border where it lies outside.
    __device__ float at(int column, int row) const {
        return first[(held(row, 0, rows - 1) * columns + held(column, 0, columns - 1)) * channels];
    }
};

__device__ float linear(const Samples &samples, float x, float y) {
    int left = (int)floorf(x), top = (int)floorf(y);
    float across = x - left, down = y - top;
    float above = mixed(samples.at(left, top), samples.at(left + 1, top), across);
    float below = mixed(samples.at(left, top + 1), samples.at(left + 1, top + 1), across);
    return mixed(above, below, down);
}

// Keys' kernel with a slope of -0.75, as OpenCV's INTER_CUBIC.
__device__ void cubic_weights(float part, float *weights) {
    const float slope = -0.75f;
    float before = part + 1, other = 1 - part;
    weights[0] = ((slope * before - 5 * slope) * before + 8 * slope) * before - 4 * slope;
    weights[1] = ((slope + 2) * part - (slope + 3)) * part * part + 1;
    weights[2] = ((slope + 2) * other - (slope + 3)) * other * other + 1;
    weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

__device__ float cubic(const Samples &samples, float x, float y) {
    int left = (int)floorf(x), top = (int)floorf(y);
    float across[4], down[4], sum = 0;
    cubic_weights(x - left, across);
    cubic_weights(y - top, down);
    for (int row = 0; row < 4; row++) {
        float line = 0;
        for (int column = 0; column < 4; column++)
            line += across[column] * samples.at(left + column - 1, top + row - 1);
        sum += down[row] * line;
    }
    return sum;
}

// The last of a face's parts in which a pixel is magnified noticeably; -1 where none is.
__device__ int magnifier(const Face &face, const Part *parts, float times, float noticed, int x, int y) {
    for (int at = face.first_part + face.parts - 1; at >= face.first_part; at--) {
        Part part = parts[at];
        if (x >= part.x0 && x < part.x1 && y >= part.y0 && y < part.y1 && part.zoom * times < -noticed) return at;
    }
    return -1;
}

// One thread for each Cb and Cr and their four pixels, z: the face.
SEPARATE void resampled(uint8 *luma, uint8 *chroma, int width, const uint8 *records, int faces, int parts,
                        float noticed, uint8 *memory, int cells, int samples, const float *found) {
    int column = column_of_thread(), row = row_of_thread();
    Face face = ((const Face *)records)[blockIdx.z];
    const Part *magnified = (const Part *)((const Face *)records + faces);
    int columns = columns_of(face), rows = rows_of(face), wide = halved(columns), high = halved(rows);
    if (column >= wide || row >= high) return;
    float times = found[blockIdx.z];
    Prepared from = prepared_in(memory, cells, samples);
    const float *own = from.field + 2 * face.first_cell;
    Samples before = {from.samples + face.first_sample, rows, columns, 1};
    for (int y = 2 * row; y < min(2 * row + 2, rows); y++)
        for (int x = 2 * column; x < min(2 * column + 2, columns); x++) {
            Displacement moved = displacement(face, own, times, x, y, face.step);
            if (moved.right == 0 && moved.down == 0) continue;
            float from_x = x + moved.right, from_y = y + moved.down, shown;
            int part = magnifier(face, magnified, times, noticed, face.x0 + x, face.y0 + y);
            if (part < 0) {
                shown = linear(before, from_x, from_y);
            } else {
                const float *extremes = found + faces + 2 * part;
                shown = held(cubic(before, from_x, from_y), extremes[0], extremes[1]);
            }
            luma[(face.y0 + y) * width + face.x0 + x] = sample_of(shown);
        }
    Displacement moved = displacement(face, own, times, column, row, face.step / 2);
    if (moved.right == 0 && moved.down == 0) return;
    for (int channel = 0; channel < 2; channel++) {
        Samples half = {from.pairs + 2 * face.first_pair + channel, high, wide, 2};
        chroma[2 * ((face.y0 / 2 + row) * halved(width) + face.x0 / 2 + column) + channel] =
            sample_of(linear(half, column + moved.right / 2, row + moved.down / 2));
    }
}
