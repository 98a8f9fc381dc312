#include "values.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sha256.h"

#define MAX_BUILT (UINT64_C(1) << 30) /* what a case may have us build */
enum { MAX_HEX = 4096 };

static const outcome fine = {FINE, ""};
static const char *const actions[] = {"NOOP", "INFER", "SHUTDOWN"};
static const char *const ids[] = {"call_id", "chunk_index", "control_epoch", "cache_epoch"};
static const char *const lead_names[] = {[WIRE_LEN56_TAGGED] = "tag", [WIRE_GRPC_LPM] = "flag"};

static const char *const profile_names[] = {
    [WIRE_LEN32] = "len32",
    [WIRE_LEN64] = "len64",
    [WIRE_LEN56_TAGGED] = "len56-tagged",
    [WIRE_GRPC_LPM] = "grpc-lpm",
    [WIRE_MULTIPART] = "multipart",
    [WIRE_MULTIPART_TYPED] = "multipart-typed",
    [WIRE_TP] = "tp",
    NULL,
};

static int hex_digit(char digit) {
    const char *digits = "0123456789abcdef", *found = memchr(digits, digit, 16);
    return found == NULL ? -1 : (int)(found - digits);
}

static outcome load_hex(const char *text, size_t length, arena **arena, wire_bytes *bytes) {
    uint8_t *data = arena_take(arena, length / 2);
    for (size_t i = 0; i < length / 2; i++) {
        const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return (outcome){ERRORED, "not hex"};
        data[i] = (uint8_t)(high << 4 | low);
    }
    *bytes = (wire_bytes){data, length / 2};
    return length % 2 == 0 ? fine : (outcome){ERRORED, "half a byte"};
}

static outcome load_fill(const char *fill, uint64_t limit, arena **arena, wire_bytes *bytes) {
    uint64_t byte, count;
    if (!json_u64(json_get(fill, "byte"), &byte) || byte > 255 || !json_u64(json_get(fill, "count"), &count))
        return (outcome){ERRORED, "neither hex nor a fill"};
    if (count > limit) return (outcome){REFUSED, "oversize.declared"};
    if (count > MAX_BUILT) return (outcome){DECLINED, "limit"};
    uint8_t *data = arena_take(arena, (size_t)count);
    memset(data, (int)byte, (size_t)count);
    *bytes = (wire_bytes){data, (size_t)count};
    return fine;
}

outcome load_format(const char *request, wire_format *format) {
    *format = (wire_format){WIRE_LEN32, UINT64_MAX, UINT64_MAX};
    const char *profile = json_get(request, "profile"), *const *name = profile_names;
    while (*name != NULL && !json_is(profile, *name)) name++;
    if (*name == NULL) return (outcome){DECLINED, "profile"};
    format->profile = (wire_profile)(name - profile_names);
    for (json_item limit = {0}; json_next(json_get(request, "limits"), &limit);) {
        uint64_t *known = json_named(&limit, "max_frame_length") ? &format->limit : NULL;
        if (json_named(&limit, "max_parts")) known = &format->max_parts;
        if (known == NULL || !json_u64(limit.value, known)) return (outcome){DECLINED, "limit"};
    }
    return fine;
}

outcome load_chunk(const char *value, arena **arena, wire_bytes *chunk) {
    const char *text;
    size_t length;
    if (json_string(value, &text, &length)) return load_hex(text, length, arena, chunk);
    return load_fill(value, UINT64_MAX, arena, chunk);
}

static outcome load_bytes(const char *value, uint64_t limit, arena **arena, wire_bytes *bytes) {
    const char *fill = json_get(value, "fill");
    return fill == NULL ? load_chunk(value, arena, bytes) : load_fill(fill, limit, arena, bytes);
}

static outcome load_record(const char *part, uint64_t limit, arena **arena, wire_record *record) {
    const char *hash = json_get(part, "typehash");
    record->typed = hash != NULL;
    if (record->typed && !json_u64(hash, &record->typehash)) return (outcome){REFUSED, "header.field"};
    return load_bytes(record->typed ? json_get(part, "bytes") : part, limit, arena, &record->data);
}

static outcome load_records(const char *value, uint64_t limit, arena **arena, wire_message *message) {
    const char *parts = json_get(value, "parts");
    json_item item = {0};
    for (message->count = 1; json_next(parts, &item);) message->count++;
    message->records = (wire_record *)(void *)arena_take(arena, message->count * sizeof *message->records);
    outcome result = load_record(json_get(value, "body"), limit, arena, &message->records[0]);
    item = (json_item){0};
    for (size_t i = 1; result.kind == FINE && json_next(parts, &item); i++)
        result = load_record(item.value, limit, arena, &message->records[i]);
    return result;
}

static outcome load_tp(const char *value, wire_message *message) {
    static wire_record manifest; /* stands for the one that this port does not write */
    const char *header = json_get(value, "header"), *action = json_get(header, "action");
    wire_header *h = &message->header;
    int64_t *fields[] = {&h->call_id, &h->chunk_index, &h->control_epoch, &h->cache_epoch};
    for (size_t i = 0; i < 4; i++) {
        if (!json_i64(json_get(header, ids[i]), fields[i])) return (outcome){REFUSED, "header.field"};
    }
    for (h->action = WIRE_SHUTDOWN; h->action >= 0 && !json_is(action, actions[h->action]);) h->action--;
    message->records = &manifest;
    message->count = json_get(value, "manifest") != NULL || json_get(value, "tensors") != NULL;
    return fine;
}

static outcome load_message(const wire_format *format, const char *value, arena **arena, wire_message *message) {
    *message = (wire_message){0};
    switch (format->profile) {
    case WIRE_TP:
        return load_tp(value, message);
    case WIRE_MULTIPART:
    case WIRE_MULTIPART_TYPED:
        return load_records(value, format->limit, arena, message);
    default: {
        const char *name = lead_names[format->profile];
        uint64_t lead = 0;
        if (name != NULL && (!json_u64(json_get(value, name), &lead) || lead > UINT_MAX)) lead = UINT_MAX;
        message->lead = (unsigned)lead;
        return load_bytes(json_get(value, "payload"), format->limit, arena, &message->payload);
    }
    }
}

void put(wire_buffer *line, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text || !wire_append(line, text, (size_t)length)) abort();
}

static void put_hex(wire_buffer *line, wire_bytes bytes) {
    put(line, "\"");
    for (size_t i = 0; i < bytes.size; i++) put(line, "%02x", bytes.data[i]);
    put(line, "\"");
}

static void put_digest(wire_buffer *line, wire_bytes bytes) {
    uint8_t digest[32];
    sha256(bytes.data, bytes.size, digest);
    put(line, "\"length\":%zu,\"sha256\":", bytes.size);
    put_hex(line, (wire_bytes){digest, sizeof digest});
}

static void put_bytes(wire_buffer *line, wire_bytes bytes) {
    if (bytes.size <= MAX_HEX) {
        put_hex(line, bytes);
        return;
    }
    put(line, "{");
    put_digest(line, bytes);
    put(line, "}");
}

static void put_bytes_event(wire_buffer *line, wire_bytes bytes) {
    put(line, "{\"event\":\"bytes\",");
    if (bytes.size <= MAX_HEX) {
        put(line, "\"hex\":");
        put_hex(line, bytes);
    } else {
        put_digest(line, bytes);
    }
    put(line, "}");
}

static void put_record(wire_buffer *line, const wire_record *record) {
    if (record->typed) put(line, "{\"typehash\":\"%" PRIu64 "\",\"bytes\":", record->typehash);
    put_bytes(line, record->data);
    if (record->typed) put(line, "}");
}

static void put_records(wire_buffer *line, const wire_message *message) {
    put(line, "{\"body\":");
    put_record(line, &message->records[0]);
    put(line, ",\"parts\":[");
    for (size_t i = 1; i < message->count; i++) {
        if (i > 1) put(line, ",");
        put_record(line, &message->records[i]);
    }
    put(line, "]}");
}

static outcome put_message(wire_buffer *line, wire_profile profile, const wire_message *message) {
    const wire_header *h = &message->header;
    const int64_t fields[] = {h->call_id, h->chunk_index, h->control_epoch, h->cache_epoch};
    switch (profile) {
    case WIRE_TP:
        if (message->count > 0) return (outcome){DECLINED, "operation"}; /* this port reads no manifests */
        put(line, "{\"header\":{");
        for (size_t i = 0; i < 4; i++) put(line, "\"%s\":\"%" PRId64 "\",", ids[i], fields[i]);
        put(line, "\"action\":\"%s\"}}", actions[h->action]);
        return fine;
    case WIRE_MULTIPART:
    case WIRE_MULTIPART_TYPED:
        put_records(line, message);
        return fine;
    default:
        put(line, "{");
        if (lead_names[profile] != NULL) put(line, "\"%s\":%u,", lead_names[profile], message->lead);
        put(line, "\"payload\":");
        put_bytes(line, message->payload);
        put(line, "}");
        return fine;
    }
}

void put_hello(wire_buffer *line, const char *token) {
    const char *comma = "";
    put(line, "{\"op\":\"hello\",\"protocol\":1,\"token\":\"%s\",", token == NULL ? "" : token);
    put(line, "\"iut\":{\"name\":\"tensorwire-c\",\"version\":\"1\",\"language\":\"c\"},\"profiles\":{");
    for (const char *const *name = profile_names; *name != NULL; name++, comma = ",") {
        put(line, "%s\"%s\":{\"roles\":[\"decode\",\"encode\"],", comma, *name);
        put(line, "\"max_frame_length\":\"18446744073709551615\"}");
    }
    put(line, "},\"capabilities\":[],\"error_granularity\":\"class\"}\n");
}

outcome put_messages(wire_buffer *line, wire_decoder *decoder, wire_bytes chunk) {
    wire_message message;
    outcome result = fine;
    if (!wire_feed(decoder, chunk.data, chunk.size)) abort();
    for (const char *comma = ""; result.kind == FINE && wire_next(decoder, &message) == WIRE_MESSAGE; comma = ",") {
        put(line, "%s{\"event\":\"message\",\"value\":", comma);
        result = put_message(line, decoder->format.profile, &message);
        put(line, "}");
    }
    return result;
}

void put_error_event(wire_buffer *line, wire_error error, bool fatal) {
    const char *form = "{\"event\":\"error\",\"class\":\"%s\",\"at\":\"%" PRIu64 "\",\"fatal\":%s}";
    put(line, form, error.class, error.at, fatal ? "true" : "false");
}

outcome put_encoded(wire_buffer *line, const wire_format *format, const char *value, arena **arena) {
    wire_message message;
    wire_buffer out = {0};
    outcome result = load_message(format, value, arena, &message);
    const char *class = result.kind == FINE ? wire_encode(format, &message, &out) : result.text;
    if (result.kind > REFUSED) return result;
    if (class != NULL) {
        put_error_event(line, (wire_error){class, 0}, false);
    } else if (format->profile == WIRE_TP && message.count > 0) {
        result = (outcome){DECLINED, "operation"}; /* this port writes no manifests */
    } else {
        put_bytes_event(line, (wire_bytes){out.data, out.size});
    }
    free(out.data);
    return result.kind == REFUSED ? fine : result;
}

uint8_t *arena_take(arena **arena, size_t size) {
    struct arena *block = calloc(1, sizeof *block + size);
    if (block == NULL) abort();
    block->next = *arena;
    *arena = block;
    return block->data;
}

void arena_free(arena **arena) {
    while (*arena != NULL) {
        struct arena *next = (*arena)->next;
        free(*arena);
        *arena = next;
    }
}
