#include "card.cuh"

// As services/detect/models/suppression.py does it by nodes: of the best candidates, best first, each that no better one
// overlaps is a face, and is the mean by score of all that it is the first to overlap.

const int ROOM = 2048;       // anchors with the least score that is asked for; 64 faces light up some 640
const int CANDIDATES = 256;  // of which so many are looked at, the best
const int MOST_FACES = 64;
const float OVERLAP = 0.3f;
const int VALUES = 16;  // of a row: a box and six points

struct Layers {  // of anchors; the second has none where `more_per_cell` is 0
    int stride, per_cell, more_stride, more_per_cell;
};

// Values of a row as they lie in the image: x0, y0, x1, y1 and the points.
__device__ inline float decoded(const float *row, int value, float x, float y) {
    if (value < 2) return row[value] + (value ? y : x) - row[value + 2] * 0.5f;
    if (value < 4) return row[value - 2] + (value == 3 ? y : x) + row[value] * 0.5f;
    return row[value] + (value % 2 ? y : x);
}

__device__ inline void centre(const Layers &layers, int anchor, int columns, int height, float *x, float *y) {
    int stride = layers.stride, per_cell = layers.per_cell;
    int here = (columns / stride) * (height / stride) * per_cell;
    if (anchor >= here) {
        anchor -= here;
        stride = layers.more_stride;
        per_cell = layers.more_per_cell;
    }
    int cell = anchor / per_cell, across = columns / stride;
    *x = (cell % across + 0.5f) * stride;
    *y = (cell / across + 0.5f) * stride;
}

__device__ inline bool is_better(float score, int anchor, float than, int than_anchor) {
    return score > than || (score == than && anchor < than_anchor);
}

__device__ inline float area(float x0, float y0, float x1, float y1) { return fmaxf(x1 - x0, 0.0f) * fmaxf(y1 - y0, 0.0f); }

__device__ inline bool overlap(const float *a, const float *b) {
    float common = area(fmaxf(a[0], b[0]), fmaxf(a[1], b[1]), fminf(a[2], b[2]), fminf(a[3], b[3]));
    return common / (area(a[0], a[1], a[2], a[3]) + area(b[0], b[1], b[2], b[3]) - common) > OVERLAP;
}

// Best first; `count` numbers, and rubbish up to the next power of two, which is at most ROOM.
__device__ inline void sort(float *scores, int *anchors, int count) {
    int size = 1;
    while (size < count) size *= 2;
    for (int at = count + threadIdx.x; at < size; at += blockDim.x) {
        scores[at] = -1;
        anchors[at] = at;
    }
    __syncthreads();
    for (int run = 2; run <= size; run *= 2)
        for (int step = run / 2; step > 0; step /= 2) {
            for (int at = threadIdx.x; at < size; at += blockDim.x) {
                int other = at ^ step;
                if (other < at) continue;  // the thread of that one compares the two
                if (is_better(scores[other], anchors[other], scores[at], anchors[at]) == !(at & run)) {
                    float score = scores[at];
                    scores[at] = scores[other];
                    scores[other] = score;
                    int anchor = anchors[at];
                    anchors[at] = anchors[other];
                    anchors[other] = anchor;
                }
            }
            __syncthreads();
        }
}

// rows [n, anchors, 16] and logits [n, anchors] -> found [n, 1 + 64 * 17]: how many faces, and of each its 16 values and
// its score. One block an image.
TOGETHER void faces(const float *__restrict__ rows, const float *__restrict__ logits, float *found, int anchors, int columns,
                    int height, float least, int stride, int per_cell, int more_stride, int more_per_cell) {
    __shared__ float scores[ROOM];
    __shared__ int numbers[ROOM];
    __shared__ float boxes[CANDIDATES][4];
    __shared__ float places[CANDIDATES][2];
    __shared__ int owner[CANDIDATES];  // the face that it is the first to overlap; -1: none
    __shared__ int seen;
    const Layers layers = {stride, per_cell, more_stride, more_per_cell};
    rows += (long long)blockIdx.x * anchors * VALUES;
    logits += (long long)blockIdx.x * anchors;
    found += blockIdx.x * (1 + MOST_FACES * (VALUES + 1));
    if (threadIdx.x == 0) seen = 0;
    __syncthreads();
    for (int anchor = threadIdx.x; anchor < anchors; anchor += blockDim.x) {
        float score = 1 / (1 + expf(-logits[anchor]));
        if (score >= least) {
            int at = atomicAdd(&seen, 1);
            if (at < ROOM) {
                scores[at] = score;
                numbers[at] = anchor;
            }
        }
    }
    __syncthreads();
    sort(scores, numbers, min(seen, ROOM));
    int count = min(seen, CANDIDATES);
    for (int at = threadIdx.x; at < count; at += blockDim.x) {
        centre(layers, numbers[at], columns, height, &places[at][0], &places[at][1]);
        const float *row = rows + numbers[at] * VALUES;
        for (int value = 0; value < 4; value++) boxes[at][value] = decoded(row, value, places[at][0], places[at][1]);
        owner[at] = -1;
    }
    __syncthreads();
    int made = 0;
    for (int at = 0; at < count && made < MOST_FACES; at++) {
        bool is_face = owner[at] < 0 && scores[at] > least;
        __syncthreads();
        if (!is_face) continue;
        for (int other = at + threadIdx.x; other < count; other += blockDim.x)
            if (other == at || (owner[other] < 0 && overlap(boxes[at], boxes[other]))) owner[other] = made;
        if (threadIdx.x == 0) found[1 + made * (VALUES + 1) + VALUES] = scores[at];
        made++;
        __syncthreads();
    }
    if (threadIdx.x == 0) found[0] = made;
    for (int task = threadIdx.x; task < made * VALUES; task += blockDim.x) {
        int face = task / VALUES, value = task % VALUES;
        float sum = 0, weights = 0;
        for (int at = 0; at < count; at++)
            if (owner[at] == face) {
                sum += scores[at] * decoded(rows + numbers[at] * VALUES, value, places[at][0], places[at][1]);
                weights += scores[at];
            }
        found[1 + face * (VALUES + 1) + value] = sum / weights;
    }
}
