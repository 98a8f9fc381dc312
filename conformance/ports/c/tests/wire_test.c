/* Cases derived by hand from spec/framing.md and spec/tp-control.md. Run: make test */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static int failures;

static void check(bool fine, const char *what, size_t at) {
    if (fine) return;
    fprintf(stderr, "%s (%zu)\n", what, at);
    failures++;
}

static wire_bytes text(const char *text) { return (wire_bytes){(const uint8_t *)text, strlen(text)}; }

/* A read in memory of its own size, so that the sanitizer sees a byte too far. */
static void feed(wire_decoder *decoder, const uint8_t *data, size_t size) {
    uint8_t *read = malloc(size > 0 ? size : 1);
    memcpy(read, data, size);
    check(wire_feed(decoder, read, size), "no memory", size);
    free(read);
}

static bool refused(const wire_decoder *decoder, const char *class, uint64_t at) {
    return decoder->error.class != NULL && strcmp(decoder->error.class, class) == 0 && decoder->error.at == at;
}

static void every_cut(wire_profile profile) {
    const wire_format format = {profile, 1024, UINT64_MAX};
    const char *payloads[] = {"hello", "", "!"};
    wire_buffer stream = {0};
    for (size_t i = 0; i < 3; i++) {
        const wire_message message = {.lead = profile == WIRE_LEN56_TAGGED ? 255 : 0, .payload = text(payloads[i])};
        check(wire_encode(&format, &message, &stream) == NULL, "encode", i);
    }
    const size_t prefix = wire_prefixes[profile].lead + wire_prefixes[profile].length;
    for (size_t cut = 0; cut <= stream.size; cut++) {
        wire_decoder decoder = {.format = format};
        wire_message message;
        size_t count = 0;
        for (int part = 0; part < 2; part++) {
            feed(&decoder, stream.data + (part ? cut : 0), part ? stream.size - cut : cut);
            for (; wire_next(&decoder, &message) == WIRE_MESSAGE; count++) {
                const wire_bytes want = text(payloads[count % 3]), got = message.payload;
                check(got.size == want.size && memcmp(got.data, want.data, want.size) == 0, "a cut payload", cut);
            }
        }
        check(count == 3 && wire_end(&decoder), "messages of a cut stream", cut);
        wire_free(&decoder);
    }
    for (size_t cut = 1; cut < prefix + 5; cut++) {
        wire_decoder decoder = {.format = format};
        wire_message message;
        feed(&decoder, stream.data, cut);
        check(wire_next(&decoder, &message) == WIRE_MORE && !wire_end(&decoder), "a cut message", cut);
        check(refused(&decoder, cut < prefix ? "eof.in-prefix" : "eof.in-body", cut), "the place of a cut", cut);
        wire_free(&decoder);
    }
    free(stream.data);
}

static void limits(void) {
    const uint8_t lengths[][8] = {{[7] = 6}, {[3] = 1}, {[1] = 32, [7] = 1}, {255, 255, 255, 255, 255, 255, 255, 255}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        wire_decoder decoder = {.format = {WIRE_LEN64, 5, UINT64_MAX}};
        wire_message message;
        feed(&decoder, lengths[i], 8);
        check(wire_next(&decoder, &message) == WIRE_ERROR && refused(&decoder, "oversize.declared", 8), "length", i);
        feed(&decoder, (const uint8_t[8]){0}, 8);
        check(wire_next(&decoder, &message) != WIRE_MESSAGE, "an error is sticky", i);
        wire_free(&decoder);
    }
}

static void multipart(void) {
    const wire_format format = {WIRE_MULTIPART_TYPED, 1024, 1};
    wire_record records[] = {{.data = text("b")}, {.data = text("xy"), .typed = true, .typehash = UINT64_MAX}};
    const wire_message message = {.records = records, .count = 2};
    wire_buffer stream = {0};
    wire_message got;
    check(wire_encode(&format, &message, &stream) == NULL, "typed records", 0);
    wire_decoder decoder = {.format = format}, fewer = {.format = {WIRE_MULTIPART_TYPED, 1024, 0}};
    feed(&decoder, stream.data, stream.size);
    check(wire_next(&decoder, &got) == WIRE_MESSAGE && got.count == 2, "typed records", got.count);
    check(got.records[1].typehash == UINT64_MAX && !got.records[0].typed, "a type hash", 1);
    feed(&fewer, stream.data, stream.size);
    check(wire_next(&fewer, &got) == WIRE_ERROR, "too many parts", 0);
    check(refused(&fewer, "oversize.declared", stream.size), "too many parts", 1);
    const wire_format untyped = {WIRE_MULTIPART, 1024, 1};
    const size_t before = stream.size;
    const char *class = wire_encode(&untyped, &message, &stream);
    check(class != NULL && strcmp(class, "header.field") == 0 && stream.size == before, "a refused encode", before);
    wire_free(&decoder);
    wire_free(&fewer);
    free(stream.data);
}

static void tp_header(void) {
    const wire_format format = {WIRE_TP, 1024, UINT64_MAX};
    const wire_header header = {INT64_C(9007199254740993), INT64_MIN, 7, -1, WIRE_NOOP};
    const wire_message message = {.header = header};
    wire_buffer stream = {0};
    wire_message got;
    check(wire_encode(&format, &message, &stream) == NULL && stream.size == 40, "a header", stream.size);
    wire_decoder decoder = {.format = format}, wide = {.format = format};
    feed(&decoder, stream.data, stream.size);
    check(wire_next(&decoder, &got) == WIRE_MESSAGE && memcmp(&got.header, &header, sizeof header) == 0, "64 bits", 0);
    stream.data[36] = 1; /* 2^32 is not NOOP */
    feed(&wide, stream.data, stream.size);
    check(wire_next(&wide, &got) == WIRE_ERROR && refused(&wide, "header.field", 40), "an unknown action", 0);
    wire_free(&decoder);
    wire_free(&wide);
    free(stream.data);
}

int main(void) {
    for (wire_profile profile = WIRE_LEN32; profile <= WIRE_GRPC_LPM; profile++) every_cut(profile);
    limits();
    multipart();
    tp_header();
    if (failures == 0) printf("all cases passed\n");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
