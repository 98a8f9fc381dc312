/* Cuts byte streams into messages and back, as in spec/framing.md and spec/tp-control.md. It does no I/O. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    WIRE_LEN32,
    WIRE_LEN64,
    WIRE_LEN56_TAGGED,
    WIRE_GRPC_LPM,
    WIRE_MULTIPART,
    WIRE_MULTIPART_TYPED,
    WIRE_TP
} wire_profile;

/* A profile under the receiver's limits: bytes of one payload, and parts of one message. */
typedef struct {
    wire_profile profile;
    uint64_t limit;
    uint64_t max_parts;
} wire_format;

typedef struct {
    const uint8_t *data;
    size_t size;
} wire_bytes;

typedef struct {
    wire_bytes data;
    bool typed;
    uint64_t typehash; /* of a typed record */
} wire_record;

enum { WIRE_NOOP = 0, WIRE_INFER = 1, WIRE_SHUTDOWN = 2 };

/* The header of TP: five int64, little-endian. */
typedef struct {
    int64_t call_id, chunk_index, control_epoch, cache_epoch, action;
} wire_header;

/* What a profile carries is set, the rest is zero. */
typedef struct {
    unsigned lead;        /* the tag of len56-tagged, the flag of grpc-lpm */
    wire_bytes payload;   /* of a prefix profile */
    wire_header header;   /* of tp */
    wire_record *records; /* body and parts of multipart; of INFER the serialised manifest and the tensors */
    size_t count;         /* of records */
} wire_message;

/* class is one of spec/iut-protocol.md, NULL for none; at counts the bytes of the stream that decided it. */
typedef struct {
    const char *class;
    uint64_t at;
} wire_error;

typedef struct {
    uint8_t *data;
    size_t size, capacity;
} wire_buffer;

/* Appends; false when there is no memory, and then nothing has changed. */
bool wire_append(wire_buffer *buffer, const void *data, size_t size);

/* The stream of one connection. Begin with {.format = ...}; the first error ends it for good. */
typedef struct {
    wire_format format;
    wire_buffer buffer; /* what arrived of messages that were not taken yet: it never grows with a declared length */
    size_t start;       /* how much of the buffer was taken */
    uint64_t base;      /* the offset of the buffer in the stream */
    const char *eof;    /* the error if the stream ends inside the message that is not whole yet */
    wire_error error;
    wire_buffer records;
} wire_decoder;

typedef enum { WIRE_MORE, WIRE_MESSAGE, WIRE_ERROR } wire_status;

/* Takes one read. Call wire_next until it returns something else than WIRE_MESSAGE. False when there is no memory. */
bool wire_feed(wire_decoder *decoder, const void *data, size_t size);

/* The next whole message. It is borrowed: its bytes are the decoder's until the next call. */
wire_status wire_next(wire_decoder *decoder, wire_message *message);

/* After the last wire_next: true if the stream ended cleanly, between two messages; else see decoder->error. */
bool wire_end(wire_decoder *decoder);

void wire_free(wire_decoder *decoder);

/* Appends a message to out. Returns NULL, or the class of the refusal, with out as it was. */
const char *wire_encode(const wire_format *format, const wire_message *message, wire_buffer *out);

/* Bytes before the length, and bytes of length, in each prefix profile. */
extern const struct wire_prefix {
    size_t lead, length;
} wire_prefixes[];

/* NULL, or the class of the refusal. */
const char *wire_check_lead(wire_profile profile, unsigned lead);

#endif
