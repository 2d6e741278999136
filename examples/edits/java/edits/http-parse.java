    public Head parse() throws IOException {
        String line = reader.readLine();
        // ... existing code ...
        String target = parts[1];
        if (!target.startsWith("/")) {
            throw new BadRequestException("malformed target: " + target);
        }
        int mark = target.indexOf('?');
        // ... existing code ...
        String query = mark < 0 ? "" : target.substring(mark + 1);
        String method = parts[0].toUpperCase(Locale.ROOT);
        return new Head(method, decode(path), parseQuery(query), parseHeaders());
    }
