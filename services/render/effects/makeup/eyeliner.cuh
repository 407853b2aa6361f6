// Eyeliner: a line along the lashes that grows thicker outwards, with a short wing.
#pragma once
#include "tone.cuh"

__device__ inline void eyeliner(const Canvas &canvas) {
    float *thick = canvas.kept(ONE), *thin = canvas.kept(TWO), most = EYELINER_MOST * canvas.amount(EFFECT_EYELINER);
    Line line = canvas.line(PART_LASHES), outer = {line.points, canvas.job->outer_lashes};
    drawn_line(canvas, thick, outer, EYELINER_WIDTH, 0);
    drawn_line(canvas, thin, line, EYELINER_THINNER * EYELINER_WIDTH, 0);
    each(canvas.cells, [=](int at) { thick[at] = fmaxf(thick[at], thin[at]); });
    feather(canvas.grid, thick, EYELINER_FEATHER * canvas.scale, canvas.kept(SUMS));
    Sample colour = paint(canvas, EFFECT_EYELINER);
    each(canvas.cells, [=](int at) {
        float weight = thick[at] * most;
        towards(canvas, at, 0, weight, colour.y);
        tint(canvas, at, weight, colour.cb, colour.cr);
    });
}
