/* The contract of WASI commands: JSON on standard input, JSON on standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "count.h"

int main(void) {
    size_t length = 0;
    size_t room = 1 << 16;
    char *input = malloc(room);
    char answer[COUNT_ANSWER];
    int refused;
    for (;;) {
        if (input == NULL) {
            return 1;
        }
        length += fread(input + length, 1, room - length, stdin);
        if (length < room) {
            break;
        }
        room *= 2;
        input = realloc(input, room);
    }
    /* A refusal is told by `"success":false` at its beginning. */
    length = count_answer(input, length, answer, &refused);
    fwrite(answer, 1, length, stdout);
    return 0;
}
