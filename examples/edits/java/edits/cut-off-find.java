public class TextBuffer {
    // ... existing code ...

    public Range find(Search search, Position from) {
        String text = text();
        Matcher matcher = search.matcher(text);
        int start = Math.min(offsetOf(from), text.length());
        if (matcher.find(start)) {
            return new Range(positionAt(matcher.start()),
