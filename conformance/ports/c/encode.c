#include <stdlib.h>

#include "wire.h"

#define TYPED (UINT64_C(1) << 63)

static void put(wire_buffer *out, const void *data, size_t size) {
    if (!wire_append(out, data, size)) abort();
}

static void put_big_endian(wire_buffer *out, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    put(out, bytes, size);
}

static void put_little_endian_i64(wire_buffer *out, int64_t value) {
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)value >> 8 * i);
    put(out, bytes, 8);
}

static const char *encode_frame(const wire_format *format, const wire_message *message, wire_buffer *out) {
    const struct wire_prefix prefix = wire_prefixes[format->profile];
    const uint64_t most = UINT64_MAX >> (64 - 8 * prefix.length), length = message->payload.size;
    const char *class = wire_check_lead(format->profile, message->lead);
    if (class != NULL) return class;
    if (length > format->limit || length > most) return "oversize.declared";
    if (prefix.lead > 0) put_big_endian(out, message->lead, 1);
    put_big_endian(out, length, prefix.length);
    put(out, message->payload.data, message->payload.size);
    return NULL;
}

/* What encode_records will write behind the prefix; every refusal is made here. */
static const char *size_records(const wire_format *format, const wire_message *message, uint64_t *size) {
    *size = 0;
    for (size_t i = 0; i < message->count; i++) {
        const wire_record *record = &message->records[i];
        if (record->typed && format->profile != WIRE_MULTIPART_TYPED) return "header.field";
        *size += (record->typed ? 16U : 8U) + (uint64_t)record->data.size;
    }
    return *size > format->limit ? "oversize.declared" : NULL;
}

static void encode_records(const wire_message *message, uint64_t size, wire_buffer *out) {
    put_big_endian(out, size, 8);
    for (size_t i = 0; i < message->count; i++) {
        const wire_record *record = &message->records[i];
        put_big_endian(out, record->data.size | (record->typed ? TYPED : 0), 8);
        if (record->typed) put_big_endian(out, record->typehash, 8);
        put(out, record->data.data, record->data.size);
    }
}

static const char *encode_tp(const wire_format *format, const wire_message *message, wire_buffer *out) {
    const wire_header *h = &message->header;
    const bool infer = h->action == WIRE_INFER;
    uint64_t size = 0;
    if (h->action < WIRE_NOOP || h->action > WIRE_SHUTDOWN || infer != (message->count > 0)) return "header.field";
    const char *class = infer ? size_records(format, message, &size) : NULL;
    if (class != NULL) return class; /* before the first byte of the header */
    const int64_t fields[] = {h->call_id, h->chunk_index, h->control_epoch, h->cache_epoch, h->action};
    for (size_t i = 0; i < 5; i++) put_little_endian_i64(out, fields[i]);
    if (infer) encode_records(message, size, out);
    return NULL;
}

const char *wire_encode(const wire_format *format, const wire_message *message, wire_buffer *out) {
    uint64_t size = 0;
    switch (format->profile) {
    case WIRE_TP:
        return encode_tp(format, message, out);
    case WIRE_MULTIPART:
    case WIRE_MULTIPART_TYPED: {
        const char *class = size_records(format, message, &size);
        if (class == NULL) encode_records(message, size, out);
        return class;
    }
    default:
        return encode_frame(format, message, out);
    }
}
