// Faces of a picture upright in small grey pictures of their own, by which `quality` judges how well they are seen.
#include "card.cuh"

// One block of rows of one face: affines are [faces][6] float, from column and row to the picture's x and y.
SEPARATE void upright(const uint8 *__restrict__ luma, int width, int height, const float *__restrict__ affines,
                      uint8 *grey, int side) {
    int x = column_of_thread(), y = row_of_thread();
    if (x >= side || y >= side) return;
    const float *affine = affines + 6 * blockIdx.z;
    // Beyond this nothing changes any more, and integers hold it.
    float column = held(affine[0] * x + affine[1] * y + affine[2], -1.0f, (float)width);
    float row = held(affine[3] * x + affine[4] * y + affine[5], -1.0f, (float)height);
    int left = (int)floorf(column), top = (int)floorf(row);
    float along = column - left, down = row - top;
    int x0 = held(left, 0, width - 1), x1 = held(left + 1, 0, width - 1);
    const uint8 *upper = luma + (long long)held(top, 0, height - 1) * width;
    const uint8 *lower = luma + (long long)held(top + 1, 0, height - 1) * width;
    float above = upper[x0] + along * (upper[x1] - upper[x0]), below = lower[x0] + along * (lower[x1] - lower[x0]);
    grey[(blockIdx.z * side + y) * side + x] = sample_of(above + down * (below - above));
}
