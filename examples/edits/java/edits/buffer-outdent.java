public class TextBuffer {
    /* ... existing methods ... */

    public void outdent() {
        eachSelectedLine(line -> {
            if (line.startsWith("\t")) {
                return line.substring(1);
            }
            int spaces = 0;
            while (spaces < TAB_WIDTH && spaces < line.length() && line.charAt(spaces) == ' ') {
                spaces++;
            }
            return line.substring(spaces);
        });
    }

    /* ... existing methods ... */
}
