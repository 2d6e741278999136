/* Traffic light with a pedestrian button. */
#include <stdbool.h>

enum light {
    LIGHT_RED,
    LIGHT_RED_AMBER,
    LIGHT_GREEN,
    LIGHT_AMBER
};

struct crossing {
    enum light light;
    int seconds_left;
    bool button;
};

/* How long each phase lasts, in seconds. */
static int phase_length(enum light light)
{
    switch (light) {
    case LIGHT_RED:       return 20;
    case LIGHT_RED_AMBER: return 2;
    case LIGHT_GREEN:     return 30;
    case LIGHT_AMBER:     return 3;
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
    }
    return LIGHT_RED;
}

void crossing_press(struct crossing *c)
{
    if (c->light == LIGHT_GREEN || c->light == LIGHT_AMBER)
        c->button = true;
}

/* Called once per second. */
void crossing_tick(struct crossing *c)
{
    if (c->button && c->light == LIGHT_GREEN && c->seconds_left > 5)
        c->seconds_left = 5;
    if (--c->seconds_left > 0)
        return;
    c->light = next_light(c->light);
    c->seconds_left = phase_length(c->light);
    if (c->light == LIGHT_RED)
        c->button = false;
}
