#include "cases.h"

#include <inttypes.h>
#include <stdlib.h>

#include "json.h"
#include "values.h"

static void put_error(wire_buffer *line, const char *comma, const char *class, uint64_t at, const char *fatal) {
    const char *form = "%s{\"event\":\"error\",\"class\":\"%s\",\"at\":\"%" PRIu64 "\",\"fatal\":%s}";
    put(line, form, comma, class, at, fatal);
}

static outcome decode_step(const json_item *step, wire_decoder *decoder, arena **arena, wire_buffer *line) {
    const bool told = decoder->error.class != NULL; /* an error is told once */
    const char *comma = "";
    if (json_named(step, "eof")) {
        if (wire_end(decoder)) put(line, "{\"event\":\"end\"}");
    } else { /* one feed is one read */
        wire_bytes chunk;
        wire_message message;
        outcome result = load_chunk(step->value, arena, &chunk);
        if (result.kind != FINE) return result;
        if (!wire_feed(decoder, chunk.data, chunk.size)) abort();
        for (; wire_next(decoder, &message) == WIRE_MESSAGE; comma = ",") {
            put(line, "%s{\"event\":\"message\",\"value\":", comma);
            result = put_message(line, decoder->format.profile, &message);
            if (result.kind != FINE) return result;
            put(line, "}");
        }
    }
    if (decoder->error.class != NULL && !told) put_error(line, comma, decoder->error.class, decoder->error.at, "true");
    return (outcome){FINE, ""};
}

static outcome encode_step(const json_item *step, const wire_format *format, arena **arena, wire_buffer *line) {
    wire_message message;
    wire_buffer out = {0};
    outcome result = load_message(format, step->value, arena, &message);
    const char *class = result.kind == FINE ? wire_encode(format, &message, &out) : result.text;
    if (result.kind == FINE && class == NULL && format->profile == WIRE_TP && message.count > 0)
        result = (outcome){DECLINED, "operation"}; /* this port writes no manifests */
    else if (result.kind == FINE && class == NULL) put_bytes_event(line, (wire_bytes){out.data, out.size});
    else if (result.kind <= REFUSED) put_error(line, "", class, 0, "false");
    free(out.data);
    return result.kind == REFUSED ? (outcome){FINE, ""} : result;
}

static bool only_member(const char *object, json_item *member) {
    *member = (json_item){0};
    if (!json_next(object, member)) return false;
    json_item second = *member;
    return !json_next(object, &second);
}

static bool step_of(const json_item *step, bool encode) {
    if (json_named(step, "reset")) return true;
    if (encode) return json_named(step, "encode");
    return json_named(step, "feed") || json_named(step, "feed_fill") || json_named(step, "eof");
}

static outcome run_case(const char *request, wire_decoder *decoder, arena **arena, wire_buffer *line) {
    wire_format format = {WIRE_LEN32, UINT64_MAX, UINT64_MAX};
    const char *profile = json_get(request, "profile");
    while (profile_names[format.profile] != NULL && !json_is(profile, profile_names[format.profile])) format.profile++;
    if (profile_names[format.profile] == NULL) return (outcome){DECLINED, "profile"};
    const bool encode = json_is(json_get(request, "role"), "encode");
    if (!encode && !json_is(json_get(request, "role"), "decode")) return (outcome){DECLINED, "role"};
    for (json_item limit = {0}; json_next(json_get(request, "limits"), &limit);) {
        uint64_t *known = json_named(&limit, "max_frame_length") ? &format.limit : NULL;
        if (json_named(&limit, "max_parts")) known = &format.max_parts;
        if (known == NULL || !json_u64(limit.value, known)) return (outcome){DECLINED, "limit"};
    }
    decoder->format = format;
    const char *steps = json_get(request, "steps"), *comma = "";
    for (json_item item = {0}; json_next(steps, &item); comma = ",") {
        json_item step;
        if (!only_member(item.value, &step) || !step_of(&step, encode)) return (outcome){DECLINED, "step"};
        outcome result = {FINE, ""};
        put(line, "%s[", comma);
        if (json_named(&step, "reset")) wire_free(decoder);
        else result = encode ? encode_step(&step, &format, arena, line) : decode_step(&step, decoder, arena, line);
        if (result.kind != FINE) return result;
        put(line, "]");
    }
    return (outcome){FINE, ""};
}

void answer(const char *request, wire_buffer *line) {
    wire_decoder decoder = {0};
    arena *arena = NULL;
    uint64_t seq = 0;
    json_u64(json_get(request, "seq"), &seq);
    put(line, "{\"op\":\"result\",\"seq\":%" PRIu64 ",\"steps\":[", seq);
    const bool known = json_is(json_get(request, "op"), "case");
    const outcome result = known ? run_case(request, &decoder, &arena, line) : (outcome){DECLINED, "operation"};
    if (result.kind != FINE) line->size = 0;
    const char *form = result.kind == DECLINED ? "{\"op\":\"declined\",\"seq\":%" PRIu64 ",\"reason\":\"%s\"}\n"
                                               : "{\"op\":\"errored\",\"seq\":%" PRIu64 ",\"text\":\"%s\"}\n";
    if (result.kind == FINE) put(line, "]}\n");
    else put(line, form, seq, result.text);
    wire_free(&decoder);
    arena_free(&arena);
}
