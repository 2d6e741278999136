/* The bin with the least room that still takes the whole quantity, or -1. */
int inv_suggest_bin(const struct inventory *inv, int item, int quantity)
{
    int best = -1;
    int best_room = 0;

    for (int i = 0; i < inv->bin_count; i++) {
        int room = room_for(inv, i, item);

        if (room < quantity)
            continue;
        if (best < 0 || room < best_room) {
            best = i;
            best_room = room;
        }
    }
    return best;
}
