// Lays pictures with alpha over a sample of chroma and its pixels: laying.lay on nv12, with the modes of blending.py.
#pragma once
#include "card.cuh"
#include "spread.cuh"

// As laying.py writes them: [3, 4] each.
struct Colours {
    float yuv_of_rgb[12], rgb_of_yuv[12];
};

// What is laid on a pixel: premultiplied, 0..255; how much it counts, 0..1; and by what its colours are brighter.
struct Above {
    float red, green, blue, alpha, weight, light;
};

// What has been laid on the pixels of a sample of chroma.
struct Sum {
    float cb, cr, alpha;
    int pixels;
};

__device__ inline float turned(const float *row, float x, float y, float z) { return row[0] * x + row[1] * y + row[2] * z; }

// The mode "normal", of luma; what it does to chroma is added to the sum.
__device__ inline void mix_pixel(const Colours &colours, uint8 *luma, Above above, Sum &sum) {
    sum.pixels++;
    float alpha = above.alpha * above.weight * (1 / 255.0f);
    if (alpha == 0) return;
    float red = fminf(above.red * above.light, above.alpha), green = fminf(above.green * above.light, above.alpha);
    float blue = fminf(above.blue * above.light, above.alpha);
    const float *rows = colours.yuv_of_rgb;
    float added = turned(rows, red, green, blue) * above.weight;
    *luma = sample_of(*luma + (added - (*luma - rows[3]) * alpha));
    sum.cb += turned(rows + 4, red, green, blue) * above.weight;
    sum.cr += turned(rows + 8, red, green, blue) * above.weight;
    sum.alpha += alpha;
}

// The mode "normal", of Cb and Cr.
__device__ inline void mix_pair(const Colours &colours, uint8 *pair, const Sum &sum) {
    float each = 1.0f / sum.pixels, alpha = sum.alpha * each;
    if (alpha == 0) return;
    pair[0] = sample_of(pair[0] + (sum.cb * each - (pair[0] - colours.yuv_of_rgb[7]) * alpha));
    pair[1] = sample_of(pair[1] + (sum.cr * each - (pair[1] - colours.yuv_of_rgb[11]) * alpha));
}

// As blending.MODES without the first; laying.py has their numbers.
enum Mode { NORMAL, MULTIPLY, SCREEN, OVERLAY, SOFT_LIGHT };

// What a mode adds to a level of 0..255; colour and alpha are 0..1.
__device__ inline float change_of(int mode, float colour, float alpha, float below) {
    if (mode == MULTIPLY) return (colour - alpha) * below;
    if (mode == SCREEN) return (255 - below) * colour;
    if (mode == OVERLAY) return (2 * colour - alpha) * (127.5f - fabsf(below - 127.5f));
    return (2 * colour - alpha) * below * (below * (-1 / 255.0f) + 1);
}

// The other modes, of luma: by way of RGB. cb, cr: those of the pixel. How it changes these is added to the sum.
__device__ inline void blend_pixel(const Colours &colours, int mode, uint8 *luma, int cb, int cr, Above above, Sum &sum) {
    sum.pixels++;
    float alpha = above.alpha * above.weight * (1 / 255.0f);
    if (alpha == 0) return;
    float strength = above.weight * above.light * (1 / 255.0f), own[3] = {above.red, above.green, above.blue};
    float shown[3];
    bool changed = false;
    for (int channel = 0; channel < 3; channel++) {
        const float *row = colours.rgb_of_yuv + 4 * channel;
        float below = sample_of(turned(row, *luma, cb, cr) + row[3]);
        shown[channel] = sample_of(below + change_of(mode, own[channel] * strength, alpha, below));
        changed |= shown[channel] != below;
    }
    if (!changed) return;
    const float *rows = colours.yuv_of_rgb;
    *luma = sample_of(turned(rows, shown[0], shown[1], shown[2]) + rows[3]);
    sum.cb += sample_of(turned(rows + 4, shown[0], shown[1], shown[2]) + rows[7]) - cb;
    sum.cr += sample_of(turned(rows + 8, shown[0], shown[1], shown[2]) + rows[11]) - cr;
}

// The other modes, of Cb and Cr.
__device__ inline void blend_pair(uint8 *pair, const Sum &sum) {
    pair[0] = sample_of(pair[0] + sum.cb / sum.pixels);
    pair[1] = sample_of(pair[1] + sum.cr / sum.pixels);
}

// A level of a picture: red, green, blue and alpha in turn.
struct Level {
    const float *texels;
    int rows, columns;

    __device__ const float *at(int column, int row) const {
        return texels + 4 * ((long long)held(row, 0, rows - 1) * columns + held(column, 0, columns - 1));
    }
    __device__ bool has(int column, int row) const {
        return column >= 0 && row >= 0 && column < columns && row < rows;
    }
};

// Between four texels; what lies beyond the picture is its border, or, if `ends`, nothing.
__device__ inline Above sampled(const Level &level, float x, float y, bool ends) {
    int left = (int)floorf(x), top = (int)floorf(y);
    float sums[4] = {0, 0, 0, 0};
    for (int corner = 0; corner < 4; corner++) {
        int column = left + corner % 2, row = top + corner / 2;
        if (ends && !level.has(column, row)) continue;
        float share = (corner % 2 ? x - left : 1 - (x - left)) * (corner / 2 ? y - top : 1 - (y - top));
        const float *texel = level.at(column, row);
        for (int channel = 0; channel < 4; channel++) sums[channel] += share * texel[channel];
    }
    return {sums[0], sums[1], sums[2], sums[3], 0, 1};
}
