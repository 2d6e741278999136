bool parse(const std::string& text, Version& out)
{
    const char* p = text.c_str();
    if (*p == 'v')
        ++p;
    int* parts[] = {&out.major_part, &out.minor_part, &out.patch};
    // ... existing code ...
}
