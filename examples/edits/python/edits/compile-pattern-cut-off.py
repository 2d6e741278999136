def compile_pattern(pattern):
    """Compile '/user/<id:int>' to a regex and its converters."""
    converters = {}
    regex = ""
    end = 0
    for match in PARAM.finditer(pattern):
        name, kind = match.group(1), match.group(2) or "str"
        if name in converters:
            raise ValueError(f"parameter {name} twice")
        regex += re.escape(pattern[end:
