long apply_discount(long cents, int percent)
{
    if (percent < 0)
        percent = 0;
    if (percent > 100)
        percent = 100;
    return cents - cents * percent / 100;
}
