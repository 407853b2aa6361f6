// Lenses: a ring around the pupil within the lids; lights on the eye stay.
#pragma once
#include "tone.cuh"

// The middle of what is dark in the open eye, not far from its centre.
__device__ inline void find_iris(const Canvas &canvas, const float *open_eye, float radius, float &x, float &y) {
    __shared__ int room[256];
    const float *luma = canvas.kept(LUMA);
    Levels inside = counted(
        canvas.cells, room, [=](int at) { return open_eye[at] > 0.5f; }, [=](int at) { return luma[at]; });
    if (inside.all < 8) return;
    float low = percentile(inside, 10), high = fmaxf(percentile(inside, 60), low + 1), whole = 0, right = 0, down = 0;
    int columns = canvas.grid.columns;
    for (int at = threadIdx.x; at < canvas.cells; at += blockDim.x) {
        int column = at % columns, row = at / columns;
        float far = sqrtf((column - x) * (column - x) + (row - y) * (row - y));
        float dark = ramp(luma[at], high, low) * open_eye[at] * ramp(far, LENSES_SOUGHT_0 * radius, LENSES_SOUGHT_1 * radius);
        whole += dark, right += column * dark, down += row * dark;
    }
    whole = summed(whole), right = summed(right), down = summed(down);
    if (whole >= 1) x = right / whole, y = down / whole;
}

__device__ inline void lenses(const Canvas &canvas) {
    const float *luma = canvas.kept(LUMA);
    float *open_eye = canvas.kept(ONE), black = canvas.black, range = canvas.white - canvas.black;
    Place centre = canvas.middle(PART_CENTRE);
    const float *corners = canvas.points_px + 2 * canvas.job->ring_start[PART_CORNERS];
    float width = hypotf(corners[2] - corners[0], corners[3] - corners[1]) / canvas.job->step;
    float radius = LENSES_RADIUS * fmaxf(width, 1.0f), x = centre.x, y = centre.y;
    ring(canvas, open_eye, PART_EYE, LENSES_FEATHER);
    find_iris(canvas, open_eye, radius, x, y);
    float seen = held((radius * canvas.job->step - LENSES_SEEN_PX_0) / (LENSES_SEEN_PX_1 - LENSES_SEEN_PX_0), 0.0f, 1.0f);
    float pupil = LENSES_PUPIL * seen, amount = seen * canvas.amount(EFFECT_LENSES);
    Sample colour = paint(canvas, EFFECT_LENSES);
    int columns = canvas.grid.columns;
    around(canvas, cells_of(radius / 2, 1), [=](int at) { return luma[at]; },
           [=](int at, float middle) {
               int column = at % columns, row = at / columns;
               float away = sqrtf((column - x) * (column - x) + (row - y) * (row - y)) / radius;
               float disc = ramp(away, LENSES_DISC_0, LENSES_DISC_1) *
                            ramp(away, pupil - LENSES_PUPIL_EDGE, pupil + LENSES_PUPIL_EDGE);
               float no_light = ramp(luma[at], black + LENSES_LIGHTS_0 * range, black + LENSES_LIGHTS_1 * range);
               float weight = disc * open_eye[at] * no_light * amount;
               add(canvas, at, 0, weight * LENSES_COVER * (colour.y - middle));
               tint(canvas, at, weight * LENSES_TINT, colour.cb, colour.cr);
           });
}
