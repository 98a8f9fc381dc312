/* Reads a line of JSON in place: a value is a pointer to its first character in a text that ends with NUL. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Past the value; NULL if there is none. */
const char *json_skip(const char *value);

/* A member of an object, or an element of an array (without a name). */
typedef struct {
    const char *name;
    size_t name_length;
    const char *value;
} json_item;

/* Steps through a container, from an item that is all zero; false at its end, or if it is no container. */
bool json_next(const char *container, json_item *item);
bool json_named(const json_item *item, const char *name);

/* The member of that name; NULL if there is none, or if `object` is NULL or no object. */
const char *json_get(const char *object, const char *name);

/* The characters between the quotes of a string. Escapes are not undone: no text of the protocol needs one. */
bool json_string(const char *value, const char **text, size_t *length);
bool json_is(const char *value, const char *text);

/* A whole number in range, bare or as a decimal string. */
bool json_u64(const char *value, uint64_t *number);
bool json_i64(const char *value, int64_t *number);

#endif
