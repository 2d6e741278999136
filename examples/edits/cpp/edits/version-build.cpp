struct Version {
    int major_part = 0;
    int minor_part = 0;
    int patch = 0;
    std::string pre;
    std::string build;
};
