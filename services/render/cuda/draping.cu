// Lays the face template on the grids of faces: uv.laid. First what of it is seen and which triangle is on top in each
// cell, a block a face; then what that triangle says there; then what lies around it.
#include "constants.cuh"
#include "grid.cuh"

// As draping.py writes them; behind them x, y (in cells) and z of each face's points: float [faces, 3, points].
struct Drape {
    int rows, columns, first_cell;
    float unit;  // the head's, in cells
};

// What of the template is the same for every face, as uv.Net has it; wanted: of each triangle of the face.
struct Net {
    const int *corners;
    const float *uv, *spots;  // spots: [triangles of the face, points]
    const uint8 *wanted;
    int triangles, face, points;
};

// A block of a thousand threads has 64 registers a thread; the compiler is told before it sees the kernel.
extern "C" __global__ void __launch_bounds__(1024) seen(const uint8 *first, int faces, const int *corners, const float *uv,
                                                        const float *spots, const uint8 *wanted, int triangles, int face, int points,
                                                        float *facing, unsigned long long *top);

struct Triangle {
    float x[3], y[3];

    // Twice its area; below 0 where it faces away.
    __device__ float doubled() const { return (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0]); }
};

// The share of the second and of the third corner in a point: uv._shares.
struct Shares {
    float a, b, c, d, second, third;

    __device__ explicit Shares(const Triangle &of) {
        float over = 1 / of.doubled();
        a = (of.y[2] - of.y[0]) * over, b = (of.x[0] - of.x[2]) * over;
        c = (of.y[0] - of.y[1]) * over, d = (of.x[1] - of.x[0]) * over;
        second = -a * of.x[0] - b * of.y[0], third = -c * of.x[0] - d * of.y[0];
    }
    __device__ float of_second(int column, int row) const { return a * column + b * row + second; }
    __device__ float of_third(int column, int row) const { return c * column + d * row + third; }
};

__device__ inline int corner(const Net &net, int triangle, int at) { return net.corners[at * net.triangles + triangle]; }

__device__ inline Triangle triangle_of(const Net &net, const float *points, int number) {
    Triangle found;
    for (int at = 0; at < 3; at++) {
        int point = corner(net, number, at);
        found.x[at] = points[point], found.y[at] = points[net.points + point];
    }
    return found;
}

// Larger for what is nearer, and of the same depth for the later one: what is on top. 0: nothing.
__device__ inline unsigned long long rank_of(const Net &net, const float *points, int number) {
    const float *z = points + 2 * net.points;
    union {
        float value;
        unsigned bits;
    } nearness = {-(z[corner(net, number, 0)] + z[corner(net, number, 1)] + z[corner(net, number, 2)])};
    unsigned ordered = nearness.bits ^ (nearness.bits >> 31 ? 0xffffffffu : 0x80000000u);
    return (unsigned long long)ordered << 32 | (unsigned)(number + 1);
}

// Leaves a triangle's rank in the cells within it, where nothing nearer is.
__device__ inline void cover(const Triangle &triangle, unsigned long long rank, const Drape &drape, unsigned long long *top) {
    Shares shares(triangle);
    const float *x = triangle.x, *y = triangle.y;
    int begin = (int)ceilf(held(fminf(x[0], fminf(x[1], x[2])), 0.0f, (float)drape.columns));
    int end = (int)floorf(held(fmaxf(x[0], fmaxf(x[1], x[2])), -1.0f, drape.columns - 1.0f));
    int first = (int)ceilf(held(fminf(y[0], fminf(y[1], y[2])), 0.0f, (float)drape.rows));
    int last = (int)floorf(held(fmaxf(y[0], fmaxf(y[1], y[2])), -1.0f, drape.rows - 1.0f));
    for (int row = first; row <= last; row++)
        for (int column = begin; column <= end; column++) {
            float second = shares.of_second(column, row), third = shares.of_third(column, row);
            if (second >= 0 && third >= 0 && 1 - second - third >= 0) atomicMax(top + row * drape.columns + column, rank);
        }
}

// facing: [faces, points]; top: of each cell.
TOGETHER void seen(const uint8 *first, int faces, const int *corners, const float *uv, const float *spots, const uint8 *wanted,
                   int triangles, int face, int points, float *facing, unsigned long long *top) {
    Net net = {corners, uv, spots, wanted, triangles, face, points};
    Drape drape = ((const Drape *)first)[blockIdx.x];
    const float *own = (const float *)(first + sizeof(Drape) * faces) + 3 * points * blockIdx.x;
    unsigned long long *there = top + drape.first_cell;
    __shared__ float areas[MOST_TRIANGLES];
    float *doubled = areas;
    each(triangles, [=](int at) { doubled[at] = triangle_of(net, own, at).doubled(); });
    each(drape.rows * drape.columns, [=](int at) { there[at] = 0; });
    float *shown = facing + points * blockIdx.x, over = 0.5f / (drape.unit * drape.unit);
    each(points, [=](int point) {
        float share = 0;
        for (int at = 0; at < face; at++) share += spots[at * points + point] * doubled[at];
        shown[point] = ramp(share * over, UV_AWAY, UV_TOWARDS);
    });
    each(triangles, [=](int at) {
        if (doubled[at] <= UV_FLAT || (at < face && !wanted[at])) return;
        cover(triangle_of(net, own, at), rank_of(net, own, at), drape, there);
    });
}

// sheet: u, v, facing and 1 of each cell in turn, 0 where there is no triangle; z: the face.
SEPARATE void covered(const uint8 *first, int faces, const int *corners, const float *uv, const float *spots, const uint8 *wanted,
                      int triangles, int face, int points, const float *facing, const unsigned long long *top, float *sheet) {
    Net net = {corners, uv, spots, wanted, triangles, face, points};
    Drape drape = ((const Drape *)first)[blockIdx.z];
    int column = column_of_thread(), row = row_of_thread();
    if (column >= drape.columns || row >= drape.rows) return;
    int at = drape.first_cell + row * drape.columns + column;
    int number = (int)(unsigned)top[at] - 1;
    float values[4] = {0, 0, 0, 0};
    if (number >= 0) {
        const float *own = (const float *)(first + sizeof(Drape) * faces) + 3 * points * blockIdx.z;
        Shares shares(triangle_of(net, own, number));
        float second = shares.of_second(column, row), third = shares.of_third(column, row);
        for (int channel = 0; channel < 3; channel++) {
            float corner_values[3];
            for (int which = 0; which < 3; which++)
                corner_values[which] = channel < 2 ? uv[(3 * channel + which) * triangles + number]
                                                   : facing[points * blockIdx.z + corner(net, number, which)];
            values[channel] = corner_values[0] + (corner_values[1] - corner_values[0]) * second +
                              (corner_values[2] - corner_values[0]) * third;
        }
        values[3] = 1;
    }
    for (int channel = 0; channel < 4; channel++) sheet[4 * (long long)at + channel] = values[channel];
}

// uv._continued. laid: u and v of all cells, and then what faces the camera.
SEPARATE void continued(const uint8 *first, const float *sheet, int cells, float *laid) {
    Drape drape = ((const Drape *)first)[blockIdx.z];
    int column = column_of_thread(), row = row_of_thread();
    if (column >= drape.columns || row >= drape.rows) return;
    float sums[4] = {0, 0, 0, 0};
    for (int y = max(row - 2, 0); y <= min(row + 2, drape.rows - 1); y++)
        for (int x = max(column - 2, 0); x <= min(column + 2, drape.columns - 1); x++)
            for (int channel = 0; channel < 4; channel++)
                sums[channel] += sheet[4 * (long long)(drape.first_cell + y * drape.columns + x) + channel];
    int at = drape.first_cell + row * drape.columns + column;
    const float *own = sheet + 4 * (long long)at;
    float near = sums[3] * (1 / 25.0f), over = 1 / fmaxf(sums[3], 25e-6f);
    bool is_covered = own[3] > 0;
    laid[2 * at] = is_covered ? own[0] : sums[0] * over;
    laid[2 * at + 1] = is_covered ? own[1] : sums[1] * over;
    laid[2 * cells + at] = (is_covered ? own[2] : sums[2] * over) * ramp(near, 0.2f, 0.6f);
}
