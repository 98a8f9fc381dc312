#ifndef CASES_H
#define CASES_H

#include "wire.h"

/* Appends the answer to a request: one line, with its LF. */
void answer(const char *request, wire_buffer *line);

#endif
