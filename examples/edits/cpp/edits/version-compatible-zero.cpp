/* ... existing code ... */

/** True when `b` can stand in for `a`; before 1.0 the minor part counts too. */
bool compatible(const Version& a, const Version& b)
{
    if (a.major_part == 0 && a.minor_part != b.minor_part)
        return false;
    return a.major_part == b.major_part && !less(b, a);
}

// ... rest of the file ...
