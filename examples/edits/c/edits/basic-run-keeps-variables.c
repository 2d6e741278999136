static void run_program(struct basic *b)
{
    b->gosub_depth = 0;
    // ... existing code ...
    b->running = true;
    while (b->running && b->current < b->line_count) {
        // ... existing code ...
    }
    b->running = false;
}
