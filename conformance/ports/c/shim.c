/* The C port's shim: it speaks the IUT protocol (spec/iut-protocol.md, level 1) for the codecs in wire.h. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cases.h"
#include "json.h"
#include "values.h"

static void send_line(FILE *out, wire_buffer *line) {
    if (fwrite(line->data, 1, line->size, out) != line->size || fflush(out) != 0) exit(EXIT_FAILURE);
    line->size = 0;
}

static void hello(wire_buffer *line) {
    const char *token = getenv("TENSORWIRE_TOKEN"), *comma = "";
    put(line, "{\"op\":\"hello\",\"protocol\":1,\"token\":\"%s\",", token == NULL ? "" : token);
    put(line, "\"iut\":{\"name\":\"tensorwire-c\",\"version\":\"1\",\"language\":\"c\"},\"profiles\":{");
    for (const char *const *name = profile_names; *name != NULL; name++, comma = ",") {
        put(line, "%s\"%s\":{\"roles\":[\"decode\",\"encode\"],", comma, *name);
        put(line, "\"max_frame_length\":\"18446744073709551615\"}");
    }
    put(line, "},\"capabilities\":[],\"error_granularity\":\"class\"}\n");
}

static void serve(FILE *in, FILE *out) {
    wire_buffer line = {0};
    char *request = NULL;
    size_t capacity = 0;
    hello(&line);
    send_line(out, &line);
    while (getline(&request, &capacity, in) > 0 && json_skip(request) != NULL) {
        const char *op = json_get(request, "op");
        if (json_is(op, "bye")) break;
        if (json_is(op, "welcome")) continue;
        answer(request, &line);
        send_line(out, &line);
    }
    free(request);
    free(line.data);
}

/* A socket to host:port, or -1. */
static int dial(const char *address) {
    char host[256];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) return -1;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return -1;
    int link = -1;
    for (struct addrinfo *at = found; at != NULL && link < 0; at = at->ai_next) {
        link = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (link >= 0 && connect(link, at->ai_addr, at->ai_addrlen) != 0) {
            close(link);
            link = -1;
        }
    }
    freeaddrinfo(found);
    return link;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "--stdio") == 0) {
        serve(stdin, stdout);
        return EXIT_SUCCESS;
    }
    const char *address = getenv("TENSORWIRE_ADDR");
    const int link = address == NULL ? -1 : dial(address);
    FILE *in = link < 0 ? NULL : fdopen(link, "r"), *out = link < 0 ? NULL : fdopen(dup(link), "w");
    if (in == NULL || out == NULL) {
        fprintf(stderr, "TENSORWIRE_ADDR=%s: no connection\n", address == NULL ? "" : address);
        return EXIT_FAILURE;
    }
    serve(in, out);
    return EXIT_SUCCESS;
}
