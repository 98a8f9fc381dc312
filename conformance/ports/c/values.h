/* The JSON form of each profile's messages: the table "Values" of spec/iut-protocol.md. */
#ifndef VALUES_H
#define VALUES_H

#include "wire.h"

/* How a step or case came out; text is an error class, the reason of a decline, or words. */
typedef struct {
    enum { FINE, REFUSED, DECLINED, ERRORED } kind;
    const char *text;
} outcome;

/* Memory that lives as long as a case. */
typedef struct arena {
    struct arena *next;
    uint8_t data[];
} arena;

uint8_t *arena_take(arena **arena, size_t size);
void arena_free(arena **arena);

/* Reads the profile and the limits of a request. */
outcome load_format(const char *request, wire_format *format);

/* Reads what a feed or a feed_fill carries. */
outcome load_chunk(const char *value, arena **arena, wire_bytes *chunk);

/* Appends to a line. It ends the program when there is no memory, as all of these do. */
void put(wire_buffer *line, const char *format, ...);
void put_hello(wire_buffer *line, const char *token);

/* Feeds the decoder one read, and appends the messages that it completed, as events. */
outcome put_messages(wire_buffer *line, wire_decoder *decoder, wire_bytes chunk);

/* Encodes the value of a step, and appends the event: bytes, or a refusal. */
outcome put_encoded(wire_buffer *line, const wire_format *format, const char *value, arena **arena);
void put_error_event(wire_buffer *line, wire_error error, bool fatal);

#endif
