private char parseEscape() {
    if (pos >= text.length()) {
        throw error("string is not closed");
    }
    char c = text.charAt(pos++);
    switch (c) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'u':
            if (pos + 4 > text.length()) {
                throw error("unfinished unicode escape");
            }
            String hex = text.substring(pos, pos + 4);
            pos += 4;
            return (char) Integer.parseInt(hex, 16);
        case '"':
        case '\\':
        case '/':
            return c;
        default:
            throw error("unknown escape \\" + c);
    }
}
