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

/* By wire_profile; NULL behind the last. */
extern const char *const profile_names[];

/* Reads a message to encode. A run of bytes is judged by its count before it is built. */
outcome load_message(const wire_format *format, const char *value, arena **arena, wire_message *message);

/* Reads what a feed or a feed_fill carries. */
outcome load_chunk(const char *value, arena **arena, wire_bytes *chunk);

/* Appends to a line. They end the program when there is no memory. */
void put(wire_buffer *line, const char *format, ...);
outcome put_message(wire_buffer *line, wire_profile profile, const wire_message *message);
void put_bytes_event(wire_buffer *line, wire_bytes bytes);

#endif
