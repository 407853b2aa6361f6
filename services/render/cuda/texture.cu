// Lays textures on faces: what of each face is bare skin and how it is lit, on its grid, and then every pixel.
#include "skin.cuh"
#include "laying.cuh"

// As texture.py writes them, behind the jobs, their points and the colours.
struct Sheet {
    const float *level;
    int level_rows, level_columns;
    int x0, y0, x1, y1, step, rows, columns;       // what is painted, and its grid
    int first_row, first_column;                   // of that on the face's grid
    int first_cell;                                // of u and v, of what faces the camera, of weights and lights
    int first_pair;                                // of the copy of its Cb and Cr
    int edge_cells, speck_cells, window_cells;
    int first_point, oval, holes[3];  // points of the oval in cells of the face, and all rings in pixels, in 16ths
};

// Everything that kernels are told, by where it begins, and how the template lies: what draping.cu leaves.
struct Told {
    const uint8 *first;
    int colours, sheets, points;
    const float *laid;
    int cells;

    __device__ const Sheet *sheet(int at) const { return (const Sheet *)(first + sheets) + at; }
    __device__ const int *corners(const Sheet &sheet) const { return (const int *)(first + points) + 2 * sheet.first_point; }
    __device__ const float *places(const Sheet &sheet) const { return laid + 2 * sheet.first_cell; }
    __device__ const float *facing(const Sheet &sheet) const { return laid + 2 * cells + sheet.first_cell; }
};

// A block of a thousand threads has 64 registers a thread; the compiler is told before it sees the kernel.
extern "C" __global__ void __launch_bounds__(1024) weighed(const uint8 *first, int colours, int sheets, int points,
                                                           const float *laid, int cells, float amount, float shading,
                                                           float *arena, float *weights);

// texture._bare into TWO.
__device__ inline void find_bare(const Canvas &canvas, const Sheet &sheet) {
    float *features = canvas.kept(ONE), *skin = canvas.kept(TINT), *bare = canvas.kept(TWO);
    if (canvas.bare.count == 0) {  // else they are there: `find_skin` leaves them
        const int which[5] = {PART_RIGHT_EYE, PART_LEFT_EYE, PART_RIGHT_BROW, PART_LEFT_BROW, PART_LIPS};
        ring(canvas, features, which, 5, SKIN_FEATURE_FEATHER);
    }
    around(canvas, sheet.speck_cells, [=](int at) { return fminf(skin[at] + features[at], 1.0f); },
           [=](int at, float middle) { bare[at] = ramp(middle, TEXTURE_COVERED, TEXTURE_BARE); });
}

// Lets TWO rise from the face's edge inwards: texture._edge.
__device__ inline void soften_edge(const Canvas &canvas, const Sheet &sheet, const int *corners) {
    if (sheet.edge_cells < 1) return;
    float *oval = canvas.kept(THREE), *bare = canvas.kept(TWO), *sums = canvas.kept(SUMS);
    Line outline = {corners, sheet.oval};
    fill(canvas.grid, oval, &outline, 1, (int *)sums, (unsigned *)(sums + canvas.cells), (unsigned *)(sums + 2 * canvas.cells));
    around(canvas, sheet.edge_cells, [=](int at) { return oval[at]; },
           [=](int at, float middle) { bare[at] *= ramp(middle, 127.5f, 255.0f); });
}

// texture._light into FOUR.
__device__ inline void find_light(const Canvas &canvas, const Sheet &sheet, float shading) {
    const float *luma = canvas.kept(LUMA), *skin = canvas.kept(TINT);
    float *light = canvas.kept(FOUR), black = canvas.black, own = fmaxf(1.0f, skin_tone(canvas).y - black);
    around(canvas, sheet.window_cells,
           [=](int at) {
               float weight = skin[at] + 1e-3f;
               return Pair{(luma[at] - black) * weight, weight};
           },
           [=](int at, Pair middle) {
               light[at] = 1 + shading * (held(middle.a / middle.b / own, TEXTURE_LIGHT_0, TEXTURE_LIGHT_1) - 1);
           });
}

// By how much the texture of a face counts in each cell of what is painted, and how it is lit there; a block each.
TOGETHER void weighed(const uint8 *first, int colours, int sheets, int points, const float *laid, int cells, float amount,
                      float shading, float *arena, float *weights) {
    Told told = {first, colours, sheets, points, laid, cells};
    const Job *job = (const Job *)first + blockIdx.x;
    const Sheet &sheet = *told.sheet(blockIdx.x);
    const float *points_px = (const float *)(first + job->points);
    __shared__ int places[2 * MOST_POINTS];
    to_grid(job, points_px, places);
    Grid grid = {job->rows, job->columns};
    Canvas canvas = {job, points_px, places, arena + job->arena, grid, grid.rows * grid.columns, job->scale, (float)job->black,
                     (float)job->white, bare_skin(job, points_px)};
    find_skin(canvas);
    find_bare(canvas, sheet);
    soften_edge(canvas, sheet, told.corners(sheet));
    find_light(canvas, sheet, shading);
    const float *bare = canvas.kept(TWO), *light = canvas.kept(FOUR), *facing = told.facing(sheet);
    float *own = weights + sheet.first_cell;
    each_place(Grid{sheet.rows, sheet.columns}, [=](int row, int column) {
        int at = row * sheet.columns + column;
        int there = (sheet.first_row + row) * grid.columns + sheet.first_column + column;
        own[at] = facing[at] * bare[there] * amount;
        own[cells + at] = light[there];
    });
}

__device__ inline int halved(int count) { return (count + 1) / 2; }

// Keeps Cb and Cr of what is painted, as modes by way of RGB look at neighbours; z: the face.
SEPARATE void copied(const uint8 *chroma, int width, const uint8 *first, int sheets, uint8 *pairs) {
    const Sheet &sheet = ((const Sheet *)(first + sheets))[blockIdx.z];
    int column = column_of_thread(), row = row_of_thread(), wide = halved(sheet.x1 - sheet.x0);
    if (column >= wide || row >= halved(sheet.y1 - sheet.y0)) return;
    const uint8 *pair = chroma + 2 * ((long long)(sheet.y0 / 2 + row) * halved(width) + sheet.x0 / 2 + column);
    uint8 *copy = pairs + 2 * (sheet.first_pair + (long long)row * wide + column);
    copy[0] = pair[0];
    copy[1] = pair[1];
}

struct Spread {
    Between x, y;
    int columns;

    __device__ float of(const float *grid, int channels = 1) const {
        const float *upper = grid + y.low * columns * channels, *lower = grid + y.high * columns * channels;
        return mixed(mixed(upper[x.low * channels], upper[x.high * channels], x.part),
                     mixed(lower[x.low * channels], lower[x.high * channels], x.part), y.part);
    }
};

// texture._outline, 0..1.
__device__ float outlined(const Sheet &sheet, const int *corners, int column, int row) {
    Cell face = {column, row, false, 0}, holes = {column, row, false, 0};
    const int *ring = corners + 2 * sheet.oval;  // behind those in cells
    tell(face, sheet.oval, [=](int at) { return Corner{ring[2 * at], ring[2 * at + 1]}; });
    if (!face.filled()) return 0;
    ring += 2 * sheet.oval;
    for (int hole = 0; hole < 3; hole++) {
        tell(holes, sheet.holes[hole], [=](int at) { return Corner{ring[2 * at], ring[2 * at + 1]}; });
        ring += 2 * sheet.holes[hole];
    }
    return max(face.filled() - holes.filled(), 0) * (1 / 255.0f);
}

// What of the texture a pixel shows; column and row are counted from the region's corner.
__device__ Above above_of(const Told &told, const Sheet &sheet, const float *weights, bool is_lit, int column, int row) {
    Above nothing = {0, 0, 0, 0, 0, 1};
    Spread spread = {between(column, sheet.step, sheet.columns), between(row, sheet.step, sheet.rows), sheet.columns};
    const float *own = weights + sheet.first_cell, *places = told.places(sheet);
    float weight = spread.of(own);
    if (weight > 0) weight *= outlined(sheet, told.corners(sheet), column, row);
    if (weight <= 0) return nothing;
    Level level = {sheet.level, sheet.level_rows, sheet.level_columns};
    float x = spread.of(places, 2) * level.columns - 0.5f, y = spread.of(places + 1, 2) * level.rows - 0.5f;
    Above above = sampled(level, x, y, false);
    above.weight = weight;
    if (is_lit) above.light = spread.of(own + told.cells);
    return above;
}

// The neighbours' mean, as OpenCV makes chroma as large as luma; channel 0: Cb, 1: Cr.
__device__ inline int chroma_at(const uint8 *pairs, const Between &x, const Between &y, int columns, int channel) {
    const uint8 *upper = pairs + 2 * y.low * columns + channel, *lower = pairs + 2 * y.high * columns + channel;
    return mixed_bytes(upper[2 * x.low], upper[2 * x.high], lower[2 * x.low], lower[2 * x.high], x.part, y.part);
}

// One thread for each Cb and Cr and their four pixels, z: the face. pairs: what `copied` made; unread in the first mode.
SEPARATE void textured(uint8 *luma, uint8 *chroma, int width, const uint8 *first, int colours, int sheets, int points,
                       const float *laid, int cells, const float *weights, int is_lit, int mode, const uint8 *pairs) {
    Told told = {first, colours, sheets, points, laid, cells};
    const Sheet &sheet = *told.sheet(blockIdx.z);
    Colours turns = *(const Colours *)(first + colours);
    int columns = sheet.x1 - sheet.x0, rows = sheet.y1 - sheet.y0, wide = halved(columns), high = halved(rows);
    int left = column_of_thread(), top = row_of_thread();
    if (left >= wide || top >= high) return;
    Sum sum = {0, 0, 0, 0};
    for (int row = 2 * top; row < min(2 * top + 2, rows); row++)
        for (int column = 2 * left; column < min(2 * left + 2, columns); column++) {
            Above above = above_of(told, sheet, weights, is_lit, column, row);
            uint8 *sample = luma + (long long)(sheet.y0 + row) * width + sheet.x0 + column;
            if (mode == NORMAL) {
                mix_pixel(turns, sample, above, sum);
                continue;
            }
            Between x = between(column, 2, wide), y = between(row, 2, high);
            const uint8 *own = pairs + 2 * sheet.first_pair;
            blend_pixel(turns, mode, sample, chroma_at(own, x, y, wide, 0), chroma_at(own, x, y, wide, 1), above, sum);
        }
    uint8 *pair = chroma + 2 * ((long long)(sheet.y0 / 2 + top) * halved(width) + sheet.x0 / 2 + left);
    if (mode == NORMAL)
        mix_pair(turns, pair, sum);
    else
        blend_pair(pair, sum);
}
