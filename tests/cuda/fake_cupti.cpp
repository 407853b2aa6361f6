// A CUPTI without a card, for tests: it records the copies that it is told of, as the real one does those of the card.
// Records are as long as CUPTI 13's, in buffers that it asks for, and are given when it is asked to flush.

#include <cstdint>
#include <cstring>
#include <mutex>

namespace {

struct Record {
    uint32_t activity;
    uint8_t kind, source, target, flags;
    uint64_t bytes, start_ns, end_ns;
    uint8_t more[64];
};
static_assert(sizeof(Record) == 96, "CUpti_ActivityMemcpy6");

constexpr int SUCCESS = 0, INVALID_OPERATION = 7, NO_MORE = 12;

void (*request)(uint8_t **, size_t *, size_t *);
void (*complete)(void *, uint32_t, uint8_t *, size_t, size_t);
bool enabled[64];
uint8_t *buffer;
size_t size, used;
std::mutex guard;

void give() {
    if (buffer) complete(nullptr, 0, buffer, size, used);
    buffer = nullptr;
}

}  // namespace

extern "C" {

int cuptiActivityRegisterCallbacks(decltype(request) asking, decltype(complete) giving) {
    request = asking, complete = giving;
    return SUCCESS;
}

int cuptiActivityEnable(uint32_t activity) {
    enabled[activity] = true;
    return SUCCESS;
}

int cuptiActivityFlushAll(uint32_t) {
    std::lock_guard<std::mutex> held(guard);
    if (!complete) return INVALID_OPERATION;
    give();
    return SUCCESS;
}

int cuptiActivityGetNextRecord(uint8_t *from, size_t valid, Record **record) {
    uint8_t *next = *record ? reinterpret_cast<uint8_t *>(*record + 1) : from;
    if (next + sizeof(Record) > from + valid) return NO_MORE;
    *record = reinterpret_cast<Record *>(next);
    return SUCCESS;
}

int cuptiActivityGetNumDroppedRecords(void *, uint32_t, size_t *count) {
    *count = 0;
    return SUCCESS;
}

int cuptiGetVersion(uint32_t *version) {
    *version = 130001;
    return SUCCESS;
}

int cuptiGetResultString(int, const char **words) {
    *words = "a fake's error";
    return SUCCESS;
}

// Not CUPTI's: a card would have made this copy now.
void fake_copy(uint32_t activity, uint8_t kind, uint8_t source, uint8_t target, uint8_t flags, uint64_t bytes) {
    std::lock_guard<std::mutex> held(guard);
    if (!enabled[activity]) return;
    size_t most;
    if (buffer && used + sizeof(Record) > size) give();
    if (!buffer) {
        request(&buffer, &size, &most);
        used = 0;
    }
    Record record = {activity, kind, source, target, flags, bytes, 1, 2, {}};
    std::memcpy(buffer + used, &record, sizeof record);
    used += sizeof record;
}

}
