void crossing_press(struct crossing *c)
{
    if (c->light == LIGHT_GREEN || c->light == LIGHT_AMBER)
        c->button = true;
}
