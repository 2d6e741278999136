#include <cstdlib>
#include <string>
#include <tuple>

namespace semver {

struct Version {
    int major_part = 0;
    int minor_part = 0;
    int patch = 0;
    std::string pre;
};

/** Reads "1.2.3" or "1.2.3-rc1"; false when the text is something else. */
bool parse(const std::string& text, Version& out)
{
    const char* p = text.c_str();
    if (*p == 'v')
        ++p;
    int* parts[] = {&out.major_part, &out.minor_part, &out.patch};
    for (int i = 0; i < 3; ++i) {
        char* end = nullptr;
        *parts[i] = static_cast<int>(std::strtol(p, &end, 10));
        if (end == p)
            return false;
        p = end;
        if (i < 2 && *p++ != '.')
            return false;
    }
    out.pre = *p == '-' ? p + 1 : "";
    return *p == '-' || *p == '\0';
}

/** Orders versions; a pre-release comes before its release. */
bool less(const Version& a, const Version& b)
{
    auto left = std::tie(a.major_part, a.minor_part, a.patch);
    auto right = std::tie(b.major_part, b.minor_part, b.patch);
    if (left != right)
        return left < right;
    if (a.pre.empty() || b.pre.empty())
        return !a.pre.empty() && b.pre.empty();
    return a.pre < b.pre;
}

/** True when `b` can stand in for `a`. */
bool compatible(const Version& a, const Version& b)
{
    return a.major_part == b.major_part && !less(b, a);
}

} // namespace semver
