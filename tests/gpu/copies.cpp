// What of NVIDIA's CUPTI (its activity API) tests.gpu.recorder needs: every copy that this process has the card make,
// whoever asks for it, counted by kind, memories and size.
//
// CUPTI calls back in the middle of other CUDA calls, where it may hold locks of its own. Nothing here may wait for
// Python's lock: who holds that may be waiting for CUPTI's. So the records are read here, and Python asks for the sums.

#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

namespace {

// As cupti_activity.h of CUDA 13 has them; the first 32 bytes of a copy's record are the same from CUDA 11 on, and the same
// for copies between two cards.
constexpr int SUCCESS = 0;
constexpr uint32_t MEMCPY = 1, MEMCPY_BETWEEN_CARDS = 22;
constexpr uint32_t EVEN_IF_INCOMPLETE = 1;
constexpr uint8_t ASYNCHRONOUS = 1;

struct Record {
    uint32_t activity;
    uint8_t kind, source, target, flags;
    uint64_t bytes, start_ns, end_ns;
};
static_assert(sizeof(Record) == 32, "as packed as CUPTI's");

constexpr size_t BUFFER_BYTES = 1 << 20, ALIGNED = 8;

using Request = void (*)(uint8_t **, size_t *, size_t *);
using Complete = void (*)(void *, uint32_t, uint8_t *, size_t, size_t);

int (*next_record)(uint8_t *, size_t, Record **);
int (*dropped_records)(void *, uint32_t, size_t *);
int (*flush_all)(uint32_t);

using Key = std::tuple<uint8_t, uint8_t, uint8_t, bool, uint64_t>;
// Never destroyed: CUPTI may call back while the process ends.
std::mutex &guard = *new std::mutex;
std::map<Key, uint64_t> &counts = *new std::map<Key, uint64_t>;
uint64_t dropped = 0;

void request(uint8_t **buffer, size_t *size, size_t *most_records) {
    *buffer = static_cast<uint8_t *>(std::aligned_alloc(ALIGNED, BUFFER_BYTES));
    *size = *buffer ? BUFFER_BYTES : 0;
    *most_records = 0;  // as many as there is room for
}

// The records are read before anything here is locked: CUPTI may have locks of its own.
void complete(void *, uint32_t, uint8_t *buffer, size_t, size_t valid) {
    std::map<Key, uint64_t> found;
    Record *record = nullptr;
    while (valid && next_record(buffer, valid, &record) == SUCCESS)
        if (record->activity == MEMCPY || record->activity == MEMCPY_BETWEEN_CARDS)
            found[{record->kind, record->source, record->target, record->flags & ASYNCHRONOUS, record->bytes}]++;
    size_t lost = 0;
    if (dropped_records(nullptr, 0, &lost) != SUCCESS) lost = 0;
    std::free(buffer);
    std::lock_guard<std::mutex> held(guard);
    for (auto &[key, count] : found) counts[key] += count;
    dropped += lost;
}

}  // namespace

extern "C" {

// One line of the sums, as recorder.py reads it.
struct Line {
    uint8_t kind, source, target, is_async;
    uint32_t unused;
    uint64_t bytes, count;
};

// Record from now on. The answer is empty, or what went wrong.
const char *begin_recording(const char *path) {
    static std::string said;
    void *library = dlopen(path, RTLD_NOW);
    if (!library) return (said = dlerror()).c_str();
    auto found = [&](const char *name) {
        void *function = dlsym(library, name);
        if (!function) said = std::string("it has no ") + name;
        return function;
    };
    auto register_callbacks = reinterpret_cast<int (*)(Request, Complete)>(found("cuptiActivityRegisterCallbacks"));
    auto enable = reinterpret_cast<int (*)(uint32_t)>(found("cuptiActivityEnable"));
    auto in_words = reinterpret_cast<int (*)(int, const char **)>(found("cuptiGetResultString"));
    next_record = reinterpret_cast<decltype(next_record)>(found("cuptiActivityGetNextRecord"));
    dropped_records = reinterpret_cast<decltype(dropped_records)>(found("cuptiActivityGetNumDroppedRecords"));
    flush_all = reinterpret_cast<decltype(flush_all)>(found("cuptiActivityFlushAll"));
    if (!said.empty()) return said.c_str();
    auto went_well = [&](const char *what, int result) {
        const char *words = nullptr;
        if (result == SUCCESS) return true;
        bool has_words = in_words(result, &words) == SUCCESS && words;
        said = std::string(what) + " says " + (has_words ? words : std::to_string(result));
        return false;
    };
    if (went_well("cuptiActivityRegisterCallbacks", register_callbacks(request, complete)) &&
        went_well("cuptiActivityEnable", enable(MEMCPY)))
        went_well("cuptiActivityEnable (between cards)", enable(MEMCPY_BETWEEN_CARDS));
    return said.c_str();
}

// Have CUPTI give what it has; what the card was told must be done. 0, or its error.
int flush() { return flush_all(EVEN_IF_INCOMPLETE); }

// The sums since the last call, `most` lines at most (the others are lost: `most` is to be more than there can be), and
// how many records CUPTI had no room for.
uint64_t take(Line *lines, uint64_t most, uint64_t *lost) {
    std::lock_guard<std::mutex> held(guard);
    uint64_t at = 0;
    for (auto &[key, count] : counts) {
        if (at == most) break;
        auto &[kind, source, target, is_async, bytes] = key;
        lines[at++] = {kind, source, target, is_async, 0, bytes, count};
    }
    *lost = dropped + (counts.size() - at);
    counts.clear();
    dropped = 0;
    return at;
}

}
