#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define TYPED (UINT64_C(1) << 63)
enum { HEADER = 40 };

const struct wire_prefix wire_prefixes[] = {
    [WIRE_LEN32] = {0, 4},
    [WIRE_LEN64] = {0, 8},
    [WIRE_LEN56_TAGGED] = {1, 7},
    [WIRE_GRPC_LPM] = {1, 4},
};

/* What the parsers below work on: the bytes that are there, and how many they took. */
typedef struct {
    const uint8_t *data;
    size_t size, taken;
    wire_decoder *decoder;
} cursor;

static wire_status more(cursor *c, const char *eof) {
    c->decoder->eof = eof;
    return WIRE_MORE;
}

static wire_status refuse(cursor *c, const char *class, size_t at) {
    wire_decoder *d = c->decoder;
    d->error = (wire_error){class, d->base + d->start + at};
    return WIRE_ERROR;
}

static uint64_t big_endian(const uint8_t *data, size_t size) {
    uint64_t value = 0;
    while (size-- > 0) value = value << 8 | *data++;
    return value;
}

static int64_t little_endian_i64(const uint8_t *data) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | data[i];
    int64_t result;
    memcpy(&result, &value, sizeof result); /* two's complement */
    return result;
}

const char *wire_check_lead(wire_profile profile, unsigned lead) {
    if (profile == WIRE_GRPC_LPM && lead != 0) return lead == 1 ? "codec.unsupported" : "flags.reserved";
    return lead > (wire_prefixes[profile].lead > 0 ? 255U : 0U) ? "header.field" : NULL;
}

static wire_status parse_frame(cursor *c, wire_profile profile, wire_message *message) {
    const struct wire_prefix prefix = wire_prefixes[profile];
    const size_t start = c->taken, size = prefix.lead + prefix.length;
    const uint8_t *data = c->data + start;
    const size_t there = c->size - start;
    message->lead = prefix.lead > 0 && there > 0 ? data[0] : 0;
    const char *class = wire_check_lead(profile, message->lead);
    if (class != NULL) return refuse(c, class, start + 1); /* before the length: its own byte is enough */
    if (there < size) return more(c, "eof.in-prefix");
    const uint64_t length = big_endian(data + prefix.lead, prefix.length);
    if (length > c->decoder->format.limit) return refuse(c, "oversize.declared", start + size);
    if (length > there - size) return more(c, "eof.in-body");
    message->payload = (wire_bytes){data + size, (size_t)length};
    c->taken = start + size + (size_t)length;
    return WIRE_MESSAGE;
}

/* Judged when the frame is whole: every error is at its end. */
static wire_status parse_records(cursor *c, bool typed, wire_message *message) {
    const wire_status status = parse_frame(c, WIRE_LEN64, message);
    if (status != WIRE_MESSAGE) return status;
    wire_decoder *d = c->decoder;
    wire_bytes rest = message->payload;
    message->payload = (wire_bytes){NULL, 0};
    d->records.size = 0;
    for (uint64_t count = 0; rest.size > 0 || count == 0; count++) {
        if (count > d->format.max_parts) return refuse(c, "oversize.declared", c->taken);
        if (rest.size < 8) return refuse(c, "eof.in-prefix", c->taken);
        uint64_t length = big_endian(rest.data, 8);
        rest = (wire_bytes){rest.data + 8, rest.size - 8};
        wire_record record = {.typed = typed && (length & TYPED) != 0};
        if (record.typed) {
            if (rest.size < 8) return refuse(c, "eof.in-header", c->taken);
            length ^= TYPED;
            record.typehash = big_endian(rest.data, 8);
            rest = (wire_bytes){rest.data + 8, rest.size - 8};
        }
        if (length > rest.size) return refuse(c, "eof.in-body", c->taken);
        record.data = (wire_bytes){rest.data, (size_t)length};
        rest = (wire_bytes){rest.data + length, rest.size - (size_t)length};
        if (!wire_append(&d->records, &record, sizeof record)) abort();
    }
    message->records = (wire_record *)(void *)d->records.data;
    message->count = d->records.size / sizeof(wire_record);
    return WIRE_MESSAGE;
}

static wire_status parse_tp(cursor *c, wire_message *message) {
    if (c->size < HEADER) return more(c, "eof.in-header");
    wire_header *h = &message->header;
    int64_t *fields[] = {&h->call_id, &h->chunk_index, &h->control_epoch, &h->cache_epoch, &h->action};
    for (size_t i = 0; i < 5; i++) *fields[i] = little_endian_i64(c->data + 8 * i);
    if (h->action < WIRE_NOOP || h->action > WIRE_SHUTDOWN) return refuse(c, "header.field", HEADER);
    c->taken = HEADER;
    return h->action == WIRE_INFER ? parse_records(c, false, message) : WIRE_MESSAGE;
}

bool wire_feed(wire_decoder *d, const void *data, size_t size) {
    if (d->error.class != NULL) return true;
    if (d->start > 0) { /* once for each read, not for each message: linear in the bytes */
        memmove(d->buffer.data, d->buffer.data + d->start, d->buffer.size - d->start);
        d->buffer.size -= d->start;
        d->base += d->start;
        d->start = 0;
    }
    return wire_append(&d->buffer, data, size);
}

wire_status wire_next(wire_decoder *d, wire_message *message) {
    *message = (wire_message){0};
    if (d->error.class != NULL) return WIRE_ERROR;
    if (d->start == d->buffer.size) return WIRE_MORE;
    cursor c = {d->buffer.data + d->start, d->buffer.size - d->start, 0, d};
    const wire_profile profile = d->format.profile;
    wire_status status;
    if (profile == WIRE_TP) status = parse_tp(&c, message);
    else if (profile == WIRE_MULTIPART || profile == WIRE_MULTIPART_TYPED)
        status = parse_records(&c, profile == WIRE_MULTIPART_TYPED, message);
    else status = parse_frame(&c, profile, message);
    if (status == WIRE_MESSAGE) d->start += c.taken;
    return status;
}

bool wire_end(wire_decoder *d) {
    if (d->error.class == NULL && d->start < d->buffer.size) d->error = (wire_error){d->eof, d->base + d->buffer.size};
    return d->error.class == NULL;
}

void wire_free(wire_decoder *d) {
    free(d->buffer.data);
    free(d->records.data);
    *d = (wire_decoder){.format = d->format};
}

bool wire_append(wire_buffer *buffer, const void *data, size_t size) {
    if (size > SIZE_MAX / 2 - buffer->size) return false;
    if (buffer->size + size > buffer->capacity) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
        while (capacity < buffer->size + size) capacity += capacity / 2;
        uint8_t *grown = realloc(buffer->data, capacity);
        if (grown == NULL) return false;
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    if (size > 0) memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}
