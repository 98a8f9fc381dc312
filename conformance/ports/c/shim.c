/* The C port's shim: it speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs in wire.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "link.h"
#include "values.h"

/* The one member of a step, if it is one of the role. */
static bool step_of(const char *object, bool encode, json_item *step) {
    *step = (json_item){0};
    if (!json_next(object, step)) return false;
    json_item second = *step;
    if (json_next(object, &second)) return false;
    if (json_named(step, "reset")) return true;
    if (encode) return json_named(step, "encode");
    return json_named(step, "feed") || json_named(step, "feed_fill") || json_named(step, "eof");
}

static outcome decode_step(const json_item *step, wire_decoder *decoder, arena **arena, wire_buffer *line) {
    const bool told = decoder->error.class != NULL; /* an error is told once */
    const size_t begin = line->size;
    outcome result = {FINE, ""};
    if (json_named(step, "eof")) {
        if (wire_end(decoder)) put(line, "{\"event\":\"end\"}");
    } else { /* one feed is one read */
        wire_bytes chunk;
        result = load_chunk(step->value, arena, &chunk);
        if (result.kind == FINE) result = put_messages(line, decoder, chunk);
    }
    if (decoder->error.class != NULL && !told) {
        if (line->size > begin) put(line, ",");
        put_error_event(line, decoder->error, true);
    }
    return result;
}

static outcome run_case(const char *request, wire_decoder *decoder, arena **arena, wire_buffer *line) {
    if (!json_is(json_get(request, "op"), "case")) return (outcome){DECLINED, "operation"};
    outcome result = load_format(request, &decoder->format);
    const wire_format format = decoder->format;
    const char *role = json_get(request, "role"), *steps = json_get(request, "steps"), *comma = "";
    const bool encode = json_is(role, "encode");
    if (result.kind == FINE && !encode && !json_is(role, "decode")) return (outcome){DECLINED, "role"};
    for (json_item item = {0}, step; result.kind == FINE && json_next(steps, &item); comma = ",") {
        if (!step_of(item.value, encode, &step)) return (outcome){DECLINED, "step"};
        put(line, "%s[", comma);
        if (json_named(&step, "reset")) wire_free(decoder);
        else if (encode) result = put_encoded(line, &format, step.value, arena);
        else result = decode_step(&step, decoder, arena, line);
        put(line, "]");
    }
    return result;
}

static void answer(const char *request, wire_buffer *line) {
    wire_decoder decoder = {0};
    arena *arena = NULL;
    uint64_t seq = 0;
    json_u64(json_get(request, "seq"), &seq);
    put(line, "{\"op\":\"result\",\"seq\":%" PRIu64 ",\"steps\":[", seq);
    const outcome result = run_case(request, &decoder, &arena, line);
    const char *form = result.kind == DECLINED ? "{\"op\":\"declined\",\"seq\":%" PRIu64 ",\"reason\":\"%s\"}\n"
                                               : "{\"op\":\"errored\",\"seq\":%" PRIu64 ",\"text\":\"%s\"}\n";
    if (result.kind != FINE) line->size = 0;
    if (result.kind != FINE) put(line, form, seq, result.text);
    else put(line, "]}\n");
    wire_free(&decoder);
    arena_free(&arena);
}

int main(int count, char **words) {
    const bool stdio = count > 1 && strcmp(words[1], "--stdio") == 0;
    const int link = stdio ? -1 : link_dial(getenv("TENSORWIRE_ADDR"));
    FILE *in = stdio ? stdin : link < 0 ? NULL : fdopen(link, "r");
    FILE *out = stdio ? stdout : link < 0 ? NULL : fdopen(dup(link), "w");
    wire_buffer line = {0};
    char *request = NULL;
    size_t capacity = 0;
    if (in == NULL || out == NULL) return fprintf(stderr, "no connection to TENSORWIRE_ADDR\n"), EXIT_FAILURE;
    put_hello(&line, getenv("TENSORWIRE_TOKEN"));
    for (const char *op = NULL; !json_is(op, "bye");) {
        if (fwrite(line.data, 1, line.size, out) != line.size || fflush(out) != 0) return EXIT_FAILURE;
        line.size = 0;
        if (getline(&request, &capacity, in) <= 0 || json_skip(request) == NULL) break;
        op = json_get(request, "op");
        if (!json_is(op, "welcome") && !json_is(op, "bye")) answer(request, &line);
    }
    free(request);
    free(line.data);
    return EXIT_SUCCESS;
}
