// Lays stickers over faces: a launch for all stickers of all faces that share no pixel, each thread in their order.
#include "masks.cuh"
#include "laying.cuh"

// As stickers.py writes them, one kind after the other behind the colours.
struct Wearer {
    const float *times;  // how many times as strongly as told the face was bent; null: as told
    int x0, y0, x1, y1;
    int first, count;          // of its stickers
    int first_point, points;   // of the ring around it
};
struct Sticker {
    const float *level;
    int rows, columns, x0, y0, x1, y1, behind;
    float middle[2], moved[2], texels[4], amount;
};
struct RingPoint {
    float x, y, moved_x, moved_y;
};

// Where people are, over the whole frame.
struct People {
    const uint8 *mask;
    int columns, rows;
    float across, down;  // pixels of a cell

    // 0..1 of a pixel, rounded as OpenCV rounds bytes.
    __device__ float at(int x, int y) const {
        float column = held((x + 0.5f) / across - 0.5f, 0.0f, (float)(columns - 1));
        float row = held((y + 0.5f) / down - 0.5f, 0.0f, (float)(rows - 1));
        int left = (int)column, top = (int)row, right = min(left + 1, columns - 1);
        const uint8 *upper = mask + top * columns, *lower = mask + min(top + 1, rows - 1) * columns;
        float above = mixed(upper[left], upper[right], column - left), below = mixed(lower[left], lower[right], column - left);
        return rintf(mixed(above, below, row - top)) * (1 / 255.0f);
    }
};

// 0..1 of a pixel: within the ring, as it is bent.
__device__ float within_ring(const RingPoint *points, int count, float times, int x, int y) {
    Cell cell = {0, 0, false, 0};
    tell(cell, count, [=](int at) {
        RingPoint point = points[at];
        float right = point.x + times * point.moved_x - x, down = point.y + times * point.moved_y - y;
        return Corner{(int)rintf(held(right, -MASKS_FARTHEST, MASKS_FARTHEST) * 16),
                      (int)rintf(held(down, -MASKS_FARTHEST, MASKS_FARTHEST) * 16)};
    });
    return cell.filled() * (1 / 255.0f);
}

// One thread for each Cb and Cr and their four pixels, z: the face. mask: of people; null: the face's ring is.
SEPARATE void stuck(uint8 *luma, uint8 *chroma, int width, int height, const uint8 *told, int wearers, int stickers,
                    const uint8 *mask, int mask_columns, int mask_rows) {
    Colours colours = *(const Colours *)told;
    const Wearer *all = (const Wearer *)(told + sizeof(Colours));
    const Sticker *every = (const Sticker *)(all + wearers);
    Wearer wearer = all[blockIdx.z];
    const RingPoint *ring = (const RingPoint *)(every + stickers) + wearer.first_point;
    int left = wearer.x0 + 2 * column_of_thread(), top = wearer.y0 + 2 * row_of_thread();
    if (left >= wearer.x1 || top >= wearer.y1) return;
    float times = wearer.times ? *wearer.times : 1.0f;
    People people = {mask, mask_columns, mask_rows, (float)width / mask_columns, (float)height / mask_rows};
    uint8 *pair = chroma + 2 * ((long long)(top / 2) * ((width + 1) / 2) + left / 2);
    for (int at = wearer.first; at < wearer.first + wearer.count; at++) {
        const Sticker &sticker = every[at];
        if (left < sticker.x0 || left >= sticker.x1 || top < sticker.y0 || top >= sticker.y1) continue;
        Level level = {sticker.level, sticker.rows, sticker.columns};
        float x0 = sticker.middle[0] + times * sticker.moved[0], y0 = sticker.middle[1] + times * sticker.moved[1];
        Sum sum = {0, 0, 0, 0};
        for (int y = top; y < min(top + 2, height); y++)
            for (int x = left; x < min(left + 2, width); x++) {
                float right = x - x0, down = y - y0;
                float column = sticker.texels[0] * right + sticker.texels[1] * down + (level.columns - 1) * 0.5f;
                float row = sticker.texels[2] * right + sticker.texels[3] * down + (level.rows - 1) * 0.5f;
                Above above = sampled(level, column, row, true);
                above.weight = sticker.amount;
                if (sticker.behind && above.alpha > 0)
                    above.weight *= 1 - (mask_rows ? people.at(x, y) : within_ring(ring, wearer.points, times, x, y));
                mix_pixel(colours, luma + (long long)y * width + x, above, sum);
            }
        mix_pair(colours, pair, sum);
    }
}
