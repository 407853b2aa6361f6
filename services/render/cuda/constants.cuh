// Written by `python -m tests.derived.tone_constants`; what it says stands in Python.
#pragma once
#include "card.cuh"

#define CANVAS_WELL_LIT 0.62f
#define CANVAS_DIMMED 0.6f
#define CANVAS_DIMMEST 0.55f
#define MASKS_SURE 1.7f
#define MASKS_GONE 3.7f
#define MASKS_FARTHEST 16384.0f
#define SKIN_FEATURE_REACH 0.028f
#define SKIN_FEATHER 0.05f
#define SKIN_FEATURE_FEATHER 0.035f
#define SKIN_CHROMA_SPREAD_0 3.0f
#define SKIN_CHROMA_SPREAD_1 7.0f
#define SKIN_TEXTURE_LUMA_0 0.35f
#define SKIN_TEXTURE_LUMA_1 0.7f
#define SKIN_TINT_LUMA_0 0.15f
#define SKIN_TINT_LUMA_1 0.45f
#define SKIN_STREAK 0.025f
#define SKIN_STREAKS_0 0.04f
#define SKIN_STREAKS_1 0.085f
#define SKIN_ABOVE_BROWS_0 0.06f
#define SKIN_ABOVE_BROWS_1 0.14f
#define SKIN_SAMPLED 0.008f
#define TEXTURE_FEATURE_FEATHER 0.035f
#define TEXTURE_CELLS 128.0f
#define TEXTURE_FEATHER 0.2f
#define TEXTURE_WINDOW 0.045f
#define TEXTURE_LIGHT_0 0.3f
#define TEXTURE_LIGHT_1 1.5f
#define TEXTURE_SPECK 0.035f
#define TEXTURE_COVERED 0.35f
#define TEXTURE_BARE 0.65f
#define UV_AWAY 0.12f
#define UV_TOWARDS 0.5f
#define UV_SPOT 0.13f
#define UV_LEAST_SHARE 0.2f
#define UV_FLAT 0.001f
#define SMOOTH_RADIUS 0.03f
#define SMOOTH_EDGE_LEVELS 11.0f
#define SMOOTH_CHROMA_EVENED 0.6f
#define EVEN_TONE_RADIUS 0.11f
#define EVEN_TONE_EVENED 0.85f
#define EVEN_TONE_FINE 0.035f
#define EVEN_TONE_COARSE 0.1f
#define EVEN_TONE_LEVELLED 0.5f
#define DARK_CIRCLES_FEATHER 0.03f
#define DARK_CIRCLES_LIFTED 0.8f
#define DARK_CIRCLES_COLOURED 0.6f
#define DARK_CIRCLES_MOST_LEVELS 34.0f
#define DARK_CIRCLES_WINDOW 0.03f
#define NASOLABIAL_FEATHER 0.03f
#define NASOLABIAL_FINE 0.012f
#define NASOLABIAL_COARSE 0.075f
#define NASOLABIAL_FILLED 0.85f
#define NASOLABIAL_MOST_LEVELS 45.0f
#define WHITEN_LIFT 0.45f
#define WHITEN_PALE 0.12f
#define WHITEN_WINDOW 0.06f
#define ROSY_BLUE -2.0f
#define ROSY_RED 5.5f
#define ROSY_LIGHT 2.0f
#define SHARPEN_RADIUS 0.006f
#define SHARPEN_AMOUNT 1.1f
#define SHARPEN_ON_SKIN 0.2f
#define CONTOUR_SHADE 0.26f
#define CONTOUR_LIGHT 0.13f
#define CONTOUR_WARM 4.0f
#define CONTOUR_JAW_WIDTH 0.07f
#define CONTOUR_NOSE_WIDTH 0.03f
#define CONTOUR_HOLLOW_FEATHER 0.1f
#define CONTOUR_JAW_FEATHER 0.05f
#define CONTOUR_NOSE_FEATHER 0.018f
#define CONTOUR_CHEEK_FEATHER 0.07f
#define CONTOUR_BROW_FEATHER 0.06f
#define CONTOUR_HOLLOWS 0.8f
#define CONTOUR_JAWS 0.7f
#define CONTOUR_FLANKS 0.3f
#define CONTOUR_FOREHEAD 0.6f
#define CONTOUR_RIDGE 0.8f
#define CONTOUR_WINDOW 0.04f
#define BLUSH_FEATHER 0.15f
#define BLUSH_MOST 0.6f
#define BLUSH_COVER 0.35f
#define BRIGHTEN_EYES_FEATHER 0.012f
#define BRIGHTEN_EYES_LIFT 0.6f
#define BRIGHTEN_EYES_CLEARED 0.5f
#define EYESHADOW_FEATHER 0.03f
#define EYESHADOW_EYE_FEATHER 0.006f
#define EYESHADOW_BROW_FEATHER 0.02f
#define EYESHADOW_MOST 1.0f
#define EYESHADOW_COVER 0.75f
#define EYESHADOW_AT_BROW 0.25f
#define EYESHADOW_HAIR_0 0.2f
#define EYESHADOW_HAIR_1 0.45f
#define EYELINER_WIDTH 0.012f
#define EYELINER_WING 0.2f
#define EYELINER_RISE 0.45f
#define EYELINER_FEATHER 0.004f
#define EYELINER_THINNER 0.6f
#define EYELINER_MOST 0.9f
#define BROWS_FEATHER 0.03f
#define BROWS_BETWEEN 0.2f
#define BROWS_LEVELS_0 3.0f
#define BROWS_LEVELS_1 16.0f
#define BROWS_WINDOW 0.06f
#define BROWS_COVER 0.75f
#define LENSES_RADIUS 0.205f
#define LENSES_PUPIL 0.38f
#define LENSES_SEEN_PX_0 2.0f
#define LENSES_SEEN_PX_1 4.5f
#define LENSES_SOUGHT_0 2.2f
#define LENSES_SOUGHT_1 1.6f
#define LENSES_DISC_0 1.08f
#define LENSES_DISC_1 0.86f
#define LENSES_PUPIL_EDGE 0.12f
#define LENSES_LIGHTS_0 0.75f
#define LENSES_LIGHTS_1 0.5f
#define LENSES_FEATHER 0.006f
#define LENSES_TINT 0.75f
#define LENSES_COVER 0.5f
#define WHITEN_TEETH_FEATHER 0.01f
#define WHITEN_TEETH_LIFT 0.5f
#define WHITEN_TEETH_CLEARED 0.7f
#define WHITEN_TEETH_LUMA_0 0.3f
#define WHITEN_TEETH_LUMA_1 0.5f
#define WHITEN_TEETH_RED_0 14.0f
#define WHITEN_TEETH_RED_1 5.0f
#define LIPSTICK_FEATHER 0.008f
#define LIPSTICK_SPREAD_0 7.0f
#define LIPSTICK_SPREAD_1 14.0f
#define LIPSTICK_COVER 0.75f
#define LIPSTICK_TINT 0.8f
#define LIPSTICK_LINES 0.25f
#define LIPSTICK_SURELY 200.0f
#define LIPSTICK_LIGHTS 0.25f
#define LIPSTICK_GLOSS 1.3f
#define LIPSTICK_MATTE -0.35f
#define BARE_POINTS 64
#define MOST_POINTS 512
#define MOST_TRIANGLES 1024

enum Effect {
    EFFECT_SMOOTH,
    EFFECT_EVEN_TONE,
    EFFECT_DARK_CIRCLES,
    EFFECT_NASOLABIAL,
    EFFECT_WHITEN,
    EFFECT_ROSY,
    EFFECT_SHARPEN,
    EFFECT_CONTOUR,
    EFFECT_BLUSH,
    EFFECT_BRIGHTEN_EYES,
    EFFECT_EYESHADOW,
    EFFECT_EYELINER,
    EFFECT_BROWS,
    EFFECT_LENSES,
    EFFECT_WHITEN_TEETH,
    EFFECT_LIPSTICK,
};

enum Part {
    PART_OVAL,
    PART_RIGHT_EYE,
    PART_LEFT_EYE,
    PART_RIGHT_BROW,
    PART_LEFT_BROW,
    PART_LIPS,
    PART_RIGHT_UNDER_EYE,
    PART_LEFT_UNDER_EYE,
    PART_RIGHT_FOLD,
    PART_LEFT_FOLD,
    PART_RIGHT_HOLLOW,
    PART_LEFT_HOLLOW,
    PART_RIGHT_CHEEK_TOP,
    PART_LEFT_CHEEK_TOP,
    PART_BROW_MIDDLE,
    PART_RIGHT_JAW,
    PART_LEFT_JAW,
    PART_RIGHT_NOSE_SIDE,
    PART_LEFT_NOSE_SIDE,
    PART_NOSE_RIDGE,
    PART_RIGHT_CHEEK,
    PART_LEFT_CHEEK,
    PART_MOUTH,
    PART_BARE_SKIN,
    PART_EYE,
    PART_BROW,
    PART_UPPER_LID,
    PART_LID_SKIN,
    PART_CENTRE,
    PART_CORNERS,
    PART_LASHES,
};

enum Kept {
    LUMA,
    BLUE,
    RED,
    OVAL,
    TEXTURE,
    TINT,
    GAIN,
    OFFSET,
    BLUE_OFFSET,
    RED_OFFSET,
    SHARP,
    ONE,
    TWO,
    THREE,
    FOUR,
    SUMS,
};

struct Job {
    uint8 *luma;
    uint8 *chroma;
    long long arena;
    long long copy;
    long long points;
    int width;
    int height;
    int x0;
    int y0;
    int x1;
    int y1;
    int step;
    int rows;
    int columns;
    int black;
    int white;
    int face;
    int is_first;
    int draws_face;
    int effects;
    int sharp_radius;
    int sampled;
    int outer_lashes;
    int gloss;
    int point_count;
    int ring_start[31];
    int ring_count[31];
    float scale;
    float facing_right;
    float facing_left;
    float highlight;
    float yuv_of_rgb[12];
    float amount[16];
    float colour[48];
};
