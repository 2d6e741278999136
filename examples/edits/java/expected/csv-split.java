package text.csv;

import java.util.ArrayList;
import java.util.List;

/** Reads and writes single lines of CSV text. */
public final class CsvLine {
    private static final char QUOTE = '"';

    private CsvLine() {
    }

    public static List<String> split(String line, char separator) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == QUOTE) {
                // A doubled quote inside of quotes stands for itself.
                if (quoted && i + 1 < line.length() && line.charAt(i + 1) == QUOTE) {
                    cell.append(QUOTE);
                    i++;
                } else {
                    quoted = !quoted;
                }
            } else if (c == separator && !quoted) {
                cells.add(cell.toString());
                cell.setLength(0);
            } else {
                cell.append(c);
            }
        }
        if (quoted) {
            throw new IllegalArgumentException("quote is not closed: " + line);
        }
        cells.add(cell.toString());
        return cells;
    }

    /** Quotes a cell if it has to be. */
    public static String quote(String cell, char separator) {
        boolean needed = cell.indexOf(separator) >= 0 || cell.indexOf(QUOTE) >= 0;
        return needed ? QUOTE + cell.replace("\"", "\"\"") + QUOTE : cell;
    }
}
