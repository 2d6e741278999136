/* ... existing code ... */

static long next_random(struct basic *b, long limit)
{
    b->seed = b->seed * 1103515245u + 12345u;
    if (limit <= 0)
        return 0;
    return (long)((b->seed >> 16) & 0x7fff) % limit + 1;
}

/* ... unchanged ... */

static void do_for(struct basic *b)
{
    struct for_frame frame;

    frame.variable = expect_variable(b);
    expect_punct(b, "=");
    b->variables[frame.variable] = expression(b);
    if (!accept_keyword(b, K_TO)) {
        error(b, "TO expected");
        return;
    }
    frame.limit = expression(b);
    frame.step = 1;
    if (accept_keyword(b, K_STEP))
        frame.step = expression(b);
    if (frame.step == 0) {
        error(b, "STEP must not be zero");
        return;
    }
    frame.line_index = b->current;
    if (b->for_depth == MAX_FOR) {
        error(b, "FOR too deep");
        return;
    }
    b->for_stack[b->for_depth++] = frame;
}

// ... rest of the file ...
