#include "json.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *space(const char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
    return at;
}

static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++) {
        at += strcspn(at, "\"\\");
        if (*at == '"') break;
        if (*at == '\0' || *++at == '\0') return NULL;
    }
    return at + 1;
}

/* Containers are skipped by depth, without recursion: the depth of a line is the peer's. */
const char *json_skip(const char *at) {
    size_t depth = 0;
    do {
        at = space(at);
        if (*at == '"') at = skip_string(at);
        else if (*at == '{' || *at == '[') depth++, at++;
        else if (*at == '}' || *at == ']') at = depth-- > 0 ? at + 1 : NULL;
        else if (depth > 0 && (*at == ',' || *at == ':')) at++;
        else {
            const size_t length = strcspn(at, " \t\r\n,:\"{}[]");
            at = length > 0 ? at + length : NULL;
        }
    } while (at != NULL && depth > 0);
    return at;
}

bool json_next(const char *container, json_item *item) {
    if (container == NULL || (*container != '{' && *container != '[')) return false;
    const char *at = item->value == NULL ? container + 1 : json_skip(item->value);
    if (at == NULL) return false;
    at = space(at);
    if (item->value != NULL && *at == ',') at = space(at + 1);
    if (*at == '}' || *at == ']' || *at == '\0') return false;
    if (*container == '{') {
        if (!json_string(at, &item->name, &item->name_length)) return false;
        at = space(skip_string(at));
        if (*at != ':') return false;
        at = space(at + 1);
    }
    item->value = at;
    return true;
}

bool json_named(const json_item *item, const char *name) {
    return item->name_length == strlen(name) && memcmp(item->name, name, item->name_length) == 0;
}

const char *json_get(const char *object, const char *name) {
    json_item item = {0};
    if (object == NULL || *object != '{') return NULL;
    while (json_next(object, &item)) {
        if (json_named(&item, name)) return item.value;
    }
    return NULL;
}

bool json_string(const char *value, const char **text, size_t *length) {
    if (value == NULL || *value != '"') return false;
    const char *end = skip_string(value);
    if (end == NULL) return false;
    *text = value + 1;
    *length = (size_t)(end - value) - 2;
    return true;
}

bool json_is(const char *value, const char *text) {
    const char *found;
    size_t length;
    return json_string(value, &found, &length) && length == strlen(text) && memcmp(found, text, length) == 0;
}

/* The text of a number of at most 20 digits and a sign, ended by NUL. */
static bool number_text(const char *value, char text[24]) {
    if (value == NULL) return false;
    if (*value == '"') value++;
    const size_t length = strspn(value, "-0123456789");
    if (length == 0 || length >= 24 || strchr(".eE", value[length] == '\0' ? ' ' : value[length]) != NULL) return false;
    memcpy(text, value, length);
    text[length] = '\0';
    return strchr(text + 1, '-') == NULL && isdigit((unsigned char)text[length - 1]);
}

bool json_u64(const char *value, uint64_t *number) {
    char text[24];
    if (!number_text(value, text) || text[0] == '-') return false;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    return errno == 0;
}

bool json_i64(const char *value, int64_t *number) {
    char text[24];
    if (!number_text(value, text)) return false;
    errno = 0;
    *number = strtoll(text, NULL, 10);
    return errno == 0;
}
