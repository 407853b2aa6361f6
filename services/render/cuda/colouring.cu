// Changes the colours of a whole frame: by tables of luma and chroma and a light, or by a table in RGB.
#include "card.cuh"
#include "spread.cuh"

#define LEVELS 256
#define GREY 128

// What a recipe makes of stored samples, as colouring.py lays the numbers one after the other.
struct Tables {
    float luma[LEVELS];        // the stored luma that each becomes
    float grey[LEVELS];        // the same from black, in steps of chroma
    float gain[LEVELS];        // of chroma, by its mean luma
    float saturation[LEVELS];  // of chroma, by the larger distance of Cb and Cr from grey
    float first[9], second[9]; // matrices: the light; or to RGB and from there
};

struct Pair {
    float cb, cr;
};

// What was within a range stays within it, and what was beyond it comes no farther.
__device__ inline uint8 kept(int before, int after, int least, int most) {
    return (uint8)max(min(after, max(before, most)), min(before, least));
}

// The mean of the pixels of a chroma sample; the last row and column of odd sizes count twice.
__device__ inline int mean_luma(const uint8 *luma, int width, int height, int column, int row) {
    int left = 2 * column, right = min(left + 1, width - 1);
    const uint8 *upper = luma + 2 * row * width, *lower = luma + min(2 * row + 1, height - 1) * width;
    return (upper[left] + upper[right] + lower[left] + lower[right] + 2) >> 2;
}

// Chroma around 0 with the gains of curves and saturation, by the luma that it goes with.
__device__ inline Pair gained(const Tables &tables, int luma, int cb, int cr) {
    float gain = tables.gain[luma] * tables.saturation[max(abs(cb - GREY), abs(cr - GREY))];
    return {(cb - GREY) * gain, (cr - GREY) * gain};
}

// Development.draw, one thread for each Cb and Cr. Without a light their pixels' luma is changed, too; with one, what
// it adds to luma is left in `added`, for `lit`.
SEPARATE void developed(uint8 *luma, uint8 *chroma, uint8 *added, int width, int height, const uint8 *numbers,
                        int has_light, int least, int most) {
    const Tables &tables = *(const Tables *)numbers;
    int column = column_of_thread(), row = row_of_thread(), columns = (width + 1) / 2;
    if (column >= columns || row >= (height + 1) / 2) return;
    int at = row * columns + column, mean = mean_luma(luma, width, height, column, row);
    uint8 *own = chroma + 2 * at;
    Pair pair = gained(tables, mean, own[0], own[1]);
    const float *light = tables.first;
    float cb = pair.cb, cr = pair.cr;
    if (has_light) {
        added[at] = sample_of(light[1] * pair.cb + light[2] * pair.cr + GREY);
        cb = light[4] * pair.cb + light[5] * pair.cr + light[3] * tables.grey[mean];
        cr = light[7] * pair.cb + light[8] * pair.cr + light[6] * tables.grey[mean];
    } else {
        for (int y = 2 * row; y < min(2 * row + 2, height); y++)
            for (int x = 2 * column; x < min(2 * column + 2, width); x++)
                luma[y * width + x] = sample_of(tables.luma[luma[y * width + x]]);
    }
    own[0] = kept(own[0], sample_of(cb + GREY), least, most);
    own[1] = kept(own[1], sample_of(cr + GREY), least, most);
}

// The bent luma and what the light adds to it, one thread for each pixel.
SEPARATE void lit(uint8 *luma, const uint8 *added, int width, int height, const uint8 *numbers, int least, int most) {
    const Tables &tables = *(const Tables *)numbers;
    int x = column_of_thread(), y = row_of_thread();
    if (x >= width || y >= height) return;
    int columns = (width + 1) / 2;
    Between across = between(x, 2, columns), down = between(y, 2, (height + 1) / 2);
    const uint8 *upper = added + down.low * columns, *lower = added + down.high * columns;
    int wide = mixed_bytes(upper[across.low], upper[across.high], lower[across.low], lower[across.high], across.part,
                           down.part);
    uint8 *own = luma + y * width + x;
    *own = kept(*own, sample_of(tables.luma[*own] + wide - GREY), least, most);
}

struct alignas(16) Entry {
    float red, green, blue, none;
};

struct Cube {
    const Entry *entries;
    int size;
    const float *low, *steps;  // of its domain: R, G, B of the first entry, and entries for a whole unit
    float amount;
};

__device__ inline Entry mixed(const Entry &one, const Entry &other, float part) {
    return {mixed(one.red, other.red, part), mixed(one.green, other.green, part), mixed(one.blue, other.blue, part), 0};
}

// grade._looked_up of one colour.
__device__ Entry looked_up(const Cube &cube, const float *rgb) {
    int first = 0, stride = 1, strides[3];
    float part[3];
    for (int axis = 0; axis < 3; axis++) {
        float place = held((rgb[axis] - cube.low[axis]) * cube.steps[axis], 0.0f, (float)(cube.size - 1));
        int entry = min((int)place, cube.size - 2);
        part[axis] = place - entry;
        first += entry * stride;
        strides[axis] = stride;
        stride *= cube.size;
    }
    Entry planes[2];
    for (int blue = 0; blue < 2; blue++) {
        const Entry *dark = cube.entries + first + blue * strides[2], *light = dark + strides[1];
        planes[blue] = mixed(mixed(dark[0], dark[1], part[0]), mixed(light[0], light[1], part[0]), part[1]);
    }
    return mixed(planes[0], planes[1], part[2]);
}

// Recipe.developed of one stored colour: Y, Cb and Cr around black and grey.
__device__ void graded_colour(const Tables &tables, const Cube &cube, int luma, int cb, int cr, float *drawn) {
    Pair pair = gained(tables, luma, cb, cr);
    const float bent[3] = {tables.grey[luma], pair.cb, pair.cr};
    float rgb[3];
    for (int axis = 0; axis < 3; axis++) {
        const float *row = tables.first + 3 * axis;
        rgb[axis] = __saturatef(row[0] * bent[0] + row[1] * bent[1] + row[2] * bent[2]);
    }
    Entry found = looked_up(cube, rgb);
    rgb[0] = __saturatef(mixed(rgb[0], found.red, cube.amount));
    rgb[1] = __saturatef(mixed(rgb[1], found.green, cube.amount));
    rgb[2] = __saturatef(mixed(rgb[2], found.blue, cube.amount));
    for (int axis = 0; axis < 3; axis++) {
        const float *row = tables.second + 3 * axis;
        drawn[axis] = row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
    }
}

// Grading.draw, one thread for each Cb and Cr and their pixels. domain: low and steps of the cube, three each.
SEPARATE void graded(uint8 *luma, uint8 *chroma, int width, int height, const uint8 *numbers, int black,
                     const float *entries, const float *domain, int size, float amount) {
    const Tables &tables = *(const Tables *)numbers;
    int column = column_of_thread(), row = row_of_thread(), columns = (width + 1) / 2;
    if (column >= columns || row >= (height + 1) / 2) return;
    Cube cube = {(const Entry *)entries, size, domain, domain + 3, amount};
    uint8 *own = chroma + 2 * (row * columns + column);
    int mean = mean_luma(luma, width, height, column, row), cb = own[0], cr = own[1];
    float drawn[3];
    for (int y = 2 * row; y < min(2 * row + 2, height); y++)
        for (int x = 2 * column; x < min(2 * column + 2, width); x++) {
            graded_colour(tables, cube, luma[y * width + x], cb, cr, drawn);
            luma[y * width + x] = sample_of(drawn[0] + black);
        }
    graded_colour(tables, cube, mean, cb, cr, drawn);
    own[0] = sample_of(drawn[1] + GREY);
    own[1] = sample_of(drawn[2] + GREY);
}
