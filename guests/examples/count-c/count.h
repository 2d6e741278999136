/* The example booster `count` in C: bytes, lines and words of a text. */
#ifndef COUNT_H
#define COUNT_H

#include <stddef.h>

/* Most bytes of an answer. */
enum { COUNT_ANSWER = 128 };

/* Reads `{"text": "..."}` and writes the answer, which is JSON. Returns its length; *refused says whether it is a
 * refusal. */
size_t count_answer(const char *input, size_t length, char answer[COUNT_ANSWER], int *refused);

#endif
