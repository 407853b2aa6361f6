// Lipstick: shifts the lips as a whole, so that their own light and lines stay.
#pragma once
#include "tone.cuh"

__device__ inline void lipstick(const Canvas &canvas) {
    __shared__ int rooms[3][256];
    const float *planes[3] = {canvas.kept(LUMA), canvas.kept(BLUE), canvas.kept(RED)};
    float *bare = canvas.kept(ONE), *inside = canvas.kept(TWO), middle[3], spread[3];
    ring(canvas, bare, PART_LIPS, 0);
    ring(canvas, inside, PART_MOUTH, 0);
    each(canvas.cells, [=](int at) { bare[at] = fmaxf(bare[at] - inside[at], 0.0f); });
    for (int plane = 0; plane < 3; plane++) {
        const float *samples = planes[plane];
        Levels levels = counted(
            canvas.cells, rooms[plane], [=](int at) { return bare[at] > LIPSTICK_SURELY; }, [=](int at) { return samples[at]; });
        if (levels.all == 0) return;
        middle[plane] = ranked(levels, levels.all / 2);
        spread[plane] = plane ? 1.4826f * ranked(levels, levels.all / 2, (int)middle[plane]) : 0;
    }
    feather(canvas.grid, bare, LIPSTICK_FEATHER * canvas.scale, canvas.kept(SUMS));
    Sample colour = paint(canvas, EFFECT_LIPSTICK), own = {middle[0], middle[1], middle[2]};
    float amount = canvas.amount(EFFECT_LIPSTICK), cb_spread = spread[1], cr_spread = spread[2];
    float lights = LIPSTICK_LIGHTS * (canvas.white - canvas.black), shine = canvas.job->gloss ? LIPSTICK_GLOSS : LIPSTICK_MATTE;
    const float *luma = planes[0], *blue = planes[1], *red = planes[2];
    each(canvas.cells, [=](int at) {
        float far = deviation(blue[at], own.cb, cb_spread, LIPSTICK_SPREAD_0, LIPSTICK_SPREAD_1) +
                    deviation(red[at], own.cr, cr_spread, LIPSTICK_SPREAD_0, LIPSTICK_SPREAD_1);
        float weight = bare[at] * likeness(far) * amount;
        float shone = ramp(luma[at], own.y, own.y + lights) * lights * shine;
        add(canvas, at, 0, weight * (LIPSTICK_COVER * (colour.y - own.y) + shone));
        tint(canvas, at, weight * LIPSTICK_TINT, LIPSTICK_LINES * (blue[at] - own.cb) + colour.cb,
             LIPSTICK_LINES * (red[at] - own.cr) + colour.cr);
    });
}
