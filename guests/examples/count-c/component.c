/* The contract of wit/booster.wit in plain C: `apply` takes a string and returns a result of two strings, as the
 * component model's canonical ABI lays them out. No libc is needed. */
#include "count.h"

typedef unsigned char byte;

/* Memory is taken from the front to the back and never given back: an instance does one job. */
extern byte __heap_base;
static byte *free_memory = &__heap_base;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    const size_t page = 65536;
    size_t start = ((size_t)free_memory + align - 1) & ~(align - 1);
    size_t end = start + size;
    size_t have = __builtin_wasm_memory_size(0) * page;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + page - 1) / page) == (size_t)-1) {
        __builtin_trap();
    }
    free_memory = (byte *)end;
    for (size_t at = 0; at < old_size && at < size; at++) {
        ((byte *)start)[at] = ((byte *)old)[at];
    }
    return (void *)start;
}

/* `result<string, string>`: which of the two, and the string. */
struct answer {
    int is_refusal;
    const char *text;
    size_t length;
};

__attribute__((export_name("apply"))) struct answer *apply(const char *input, size_t length) {
    static char text[COUNT_ANSWER];
    static struct answer answer;
    answer.length = count_answer(input, length, text, &answer.is_refusal);
    answer.text = text;
    return &answer;
}
