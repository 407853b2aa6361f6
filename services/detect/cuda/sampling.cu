#include "card.cuh"

// As services/detect/sampling.py does it: luma by one step, chroma at half the density and from there by a second,
// rounded to 8 bits after each.

struct Crop {
    const uint8 *luma, *cb, *cr;  // of RGB the first alone
    float to_picture[6];          // from column and row of the crop to column and row of the picture
    int rgb[12];                  // from Y, Cb, Cr and 1, in 1024ths, as OpenCV's transform counts
    int width, height;            // of the picture without its mirror
    int step;                     // bytes from one sample of a chroma plane to the next; 3: it is RGB
    int margin;                   // width of the mirror along each edge, even
    int turned;                   // 1: it is seen the other way up
    int black;                    // luma beyond the edge; -1: as the nearest sample of the edge
};

struct Spread {  // where samples of one plane lie
    int width, height, step, margin, turned, outside;  // outside: their value beyond the edge, or -1
};

__device__ inline float sample_at(const uint8 *plane, const Spread &s, int x, int y) {
    int width = s.width + 2 * s.margin, height = s.height + 2 * s.margin;
    if (s.outside >= 0 && (x < 0 || y < 0 || x >= width || y >= height)) return s.outside;
    x = held(x, 0, width - 1);
    y = held(y, 0, height - 1);
    if (s.turned) {
        x = width - 1 - x;
        y = height - 1 - y;
    }
    x -= s.margin;
    y -= s.margin;
    x = x < 0 ? -1 - x : x >= s.width ? 2 * s.width - 1 - x : x;
    y = y < 0 ? -1 - y : y >= s.height ? 2 * s.height - 1 - y : y;
    return plane[((long long)y * s.width + x) * s.step];
}

__device__ inline float between(const uint8 *plane, const Spread &s, float x, float y) {
    // Far beyond the edge all is alike; held so that numbers of any size become columns and rows.
    x = held(x, -4.0f, s.width + 2 * s.margin + 4.0f);
    y = held(y, -4.0f, s.height + 2 * s.margin + 4.0f);
    int left = (int)floorf(x), up = (int)floorf(y);
    float right = x - left, down = y - up;
    float above = sample_at(plane, s, left, up) * (1 - right) + sample_at(plane, s, left + 1, up) * right;
    float below = sample_at(plane, s, left, up + 1) * (1 - right) + sample_at(plane, s, left + 1, up + 1) * right;
    return rintf(above * (1 - down) + below * down);
}

struct Chroma {
    float cb, cr;
};

// At column and row of the crop at half its density.
__device__ inline Chroma chroma_at(const Crop &crop, const Spread &s, int column, int row) {
    const float *m = crop.to_picture;
    float across = 2 * column + 0.5f, down = 2 * row + 0.5f;
    // Chroma lies on every second column of luma and midway between two rows.
    float x = (m[0] * across + m[1] * down + m[2]) * 0.5f;
    float y = (m[3] * across + m[4] * down + m[5]) * 0.5f - 0.25f;
    return {between(crop.cb, s, x, y), between(crop.cr, s, x, y)};
}

// Three quarters of the nearer column and row and one of the farther, in whole numbers, as OpenCV's resize counts.
__device__ inline float doubled(float near, float far_x, float far_y, float far_xy) {
    int above = (int)near * 1536 + (int)far_x * 512, below = (int)far_y * 1536 + (int)far_xy * 512;
    return ((1536 * (above >> 4) >> 16) + (512 * (below >> 4) >> 16) + 2) >> 2;
}

__device__ inline Chroma chroma_of(const Crop &crop, int x, int y, int columns, int rows) {
    Spread s = {(crop.width + 1) / 2, (crop.height + 1) / 2, crop.step, crop.margin / 2, crop.turned, crop.black < 0 ? -1 : 128};
    int near_x = x / 2, near_y = y / 2;
    int far_x = held(near_x + (x % 2 ? 1 : -1), 0, columns / 2 - 1);
    int far_y = held(near_y + (y % 2 ? 1 : -1), 0, rows / 2 - 1);
    Chroma a = chroma_at(crop, s, near_x, near_y), b = chroma_at(crop, s, far_x, near_y);
    Chroma c = chroma_at(crop, s, near_x, far_y), d = chroma_at(crop, s, far_x, far_y);
    return {doubled(a.cb, b.cb, c.cb, d.cb), doubled(a.cr, b.cr, c.cr, d.cr)};
}

// crops [n] -> pixels [n, rows, columns, 3], RGB; a layer of the grid a crop, its sides even.
SEPARATE void sampled(const Crop *__restrict__ crops, uint8 *__restrict__ pixels, int columns, int rows) {
    int x = column_of_thread(), y = row_of_thread();
    if (x >= columns || y >= rows) return;
    const Crop &crop = crops[blockIdx.z];
    const float *m = crop.to_picture;
    float at_x = m[0] * x + m[1] * y + m[2], at_y = m[3] * x + m[4] * y + m[5];
    uint8 *pixel = pixels + (((long long)blockIdx.z * rows + y) * columns + x) * 3;
    int step = crop.step == 3 ? 3 : 1, black = crop.black;
    Spread s = {crop.width, crop.height, step, crop.margin, crop.turned, black};
    if (crop.step == 3) {
        for (int channel = 0; channel < 3; channel++) pixel[channel] = sample_of(between(crop.luma + channel, s, at_x, at_y));
        return;
    }
    float luma = between(crop.luma, s, at_x, at_y);
    Chroma chroma = chroma_of(crop, x, y, columns, rows);
    for (int channel = 0; channel < 3; channel++) {
        const int *of = crop.rgb + 4 * channel;
        int sum = of[0] * (int)luma + of[1] * (int)chroma.cb + of[2] * (int)chroma.cr + of[3];
        pixel[channel] = (uint8)held((sum + 512) >> 10, 0, 255);
    }
}
