/* ... existing code ... */

enum light {
    LIGHT_RED,
    LIGHT_RED_AMBER,
    LIGHT_GREEN,
    LIGHT_AMBER,
    LIGHT_FLASHING
};

/* ... existing code ... */

static int phase_length(enum light light)
{
    switch (light) {
    case LIGHT_RED:       return 20;
    case LIGHT_RED_AMBER: return 2;
    case LIGHT_GREEN:     return 30;
    case LIGHT_AMBER:     return 3;
    case LIGHT_FLASHING:  return 1;
    }
    return 0;
}

static enum light next_light(enum light light)
{
    switch (light) {
    case LIGHT_RED:       return LIGHT_RED_AMBER;
    case LIGHT_RED_AMBER: return LIGHT_GREEN;
    case LIGHT_GREEN:     return LIGHT_AMBER;
    case LIGHT_AMBER:     return LIGHT_RED;
    case LIGHT_FLASHING:  return LIGHT_FLASHING;
    }
    return LIGHT_RED;
}

/* ... existing code ... */
