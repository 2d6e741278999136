package editor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The text of an editor window: lines, a cursor, a selection, marks, undo and
 * search. Lines never contain a line end; an empty buffer has one empty line.
 *
 * <p>Positions are counted from zero. All methods must be called from one
 * thread.
 */
public class TextBuffer {

    // ==================================================================
    // Small types
    // ==================================================================

    /** A place between two characters. */
    public record Position(int line, int column) implements Comparable<Position> {
        public static final Position START = new Position(0, 0);

        @Override
        public int compareTo(Position other) {
            if (line != other.line) {
                return Integer.compare(line, other.line);
            }
            return Integer.compare(column, other.column);
        }

        public boolean before(Position other) {
            return compareTo(other) < 0;
        }

        @Override
        public String toString() {
            return (line + 1) + ":" + (column + 1);
        }
    }

    /** A stretch of text; {@code from} is never behind {@code to}. */
    public record Range(Position from, Position to) {
        public Range {
            if (to.before(from)) {
                Position swap = from;
                from = to;
                to = swap;
            }
        }

        public boolean isEmpty() {
            return from.equals(to);
        }

        public boolean contains(Position position) {
            return !position.before(from) && position.before(to);
        }
    }

    /** Is told about every change of the text. */
    @FunctionalInterface
    public interface ChangeListener {
        void changed(Range before, String removed, String inserted);
    }

    /** A change that can be taken back. */
    private static final class Edit {
        private final Position at;
        private final String removed;
        private String inserted;
        private final Position cursorBefore;
        private boolean open = true;

        Edit(Position at, String removed, String inserted, Position cursorBefore) {
            this.at = at;
            this.removed = removed;
            this.inserted = inserted;
            this.cursorBefore = cursorBefore;
        }

        /** Typing a word counts as one change. */
        boolean absorb(Edit next) {
            boolean typed = removed.isEmpty() && next.removed.isEmpty() && next.inserted.length() == 1;
            if (!open || !typed || Character.isWhitespace(next.inserted.charAt(0))) {
                return false;
            }
            Position end = endOf(at, inserted);
            if (!end.equals(next.at)) {
                return false;
            }
            inserted += next.inserted;
            return true;
        }

        void close() {
            open = false;
        }
    }

    // ==================================================================
    // State
    // ==================================================================

    private static final int TAB_WIDTH = 4;
    private static final int UNDO_LIMIT = 500;
    private static final String BRACKETS = "()[]{}";

    private final List<StringBuilder> lines = new ArrayList<>();
    private final Deque<Edit> undoStack = new ArrayDeque<>();
    private final Deque<Edit> redoStack = new ArrayDeque<>();
    private final Map<Character, Position> marks = new HashMap<>();
    private final List<ChangeListener> listeners = new ArrayList<>();

    private Position cursor = Position.START;
    private Position anchor;
    private int wantedColumn = -1;
    private int savedDepth;

    public TextBuffer() {
        lines.add(new StringBuilder());
    }

    public TextBuffer(String text) {
        for (String line : text.split("\r\n|\r|\n", -1)) {
            lines.add(new StringBuilder(line));
        }
    }

    // ==================================================================
    // Reading
    // ==================================================================

    public int lineCount() {
        return lines.size();
    }

    public String line(int index) {
        return lines.get(index).toString();
    }

    /** The whole text, with "\n" between the lines. */
    public String text() {
        return String.join("\n", lines);
    }

    public String text(Range range) {
        int first = range.from().line();
        int last = range.to().line();
        if (first == last) {
            return lines.get(first).substring(range.from().column(), range.to().column());
        }
        StringBuilder out = new StringBuilder();
        out.append(lines.get(first), range.from().column(), lines.get(first).length());
        for (int i = first + 1; i < last; i++) {
            out.append('\n').append(lines.get(i));
        }
        return out.append('\n').append(lines.get(last), 0, range.to().column()).toString();
    }

    public Position cursor() {
        return cursor;
    }

    public Position end() {
        int last = lines.size() - 1;
        return new Position(last, lines.get(last).length());
    }

    public boolean isModified() {
        return undoStack.size() != savedDepth;
    }

    public void markSaved() {
        savedDepth = undoStack.size();
        closeEdit();
    }

    /** Characters before the position, as if the text were one string. */
    public int offsetOf(Position position) {
        int offset = 0;
        for (int i = 0; i < position.line(); i++) {
            offset += lines.get(i).length() + 1;
        }
        return offset + position.column();
    }

    /** The opposite of {@link #offsetOf}. */
    public Position positionAt(int offset) {
        int rest = offset;
        for (int i = 0; i < lines.size(); i++) {
            int length = lines.get(i).length();
            if (rest <= length) {
                return new Position(i, rest);
            }
            rest -= length + 1;
        }
        return end();
    }

    /** The nearest valid position. */
    private Position clamp(int line, int column) {
        int l = Math.max(0, Math.min(line, lines.size() - 1));
        int c = Math.max(0, Math.min(column, lines.get(l).length()));
        return new Position(l, c);
    }

    // ==================================================================
    // Changing
    // ==================================================================

    /** Types a text at the cursor. A selection is replaced by it. */
    public void insert(String text) {
        Range selection = selection();
        if (selection != null && !selection.isEmpty()) {
            replace(selection, text);
        } else {
            replace(new Range(cursor, cursor), text);
        }
    }

    /** Starts a new line with the same indentation as this one. */
    public void insertNewLine() {
        String current = line(cursor.line());
        int indent = 0;
        while (indent < cursor.column() && Character.isWhitespace(current.charAt(indent))) {
            indent++;
        }
        insert("\n" + current.substring(0, indent));
    }

    public void backspace() {
        if (deleteSelection()) {
            return;
        }
        if (cursor.column() > 0) {
            replace(new Range(new Position(cursor.line(), cursor.column() - 1), cursor), "");
        } else if (cursor.line() > 0) {
            int above = cursor.line() - 1;
            replace(new Range(new Position(above, lines.get(above).length()), cursor), "");
        }
    }

    public boolean deleteSelection() {
        Range selection = selection();
        if (selection == null || selection.isEmpty()) {
            return false;
        }
        replace(selection, "");
        return true;
    }

    public void deleteLine() {
        int line = cursor.line();
        Position from = new Position(line, 0);
        Position to = line + 1 < lines.size() ? new Position(line + 1, 0) : clamp(line, Integer.MAX_VALUE);
        replace(new Range(from, to), "");
    }

    /** Every change of the text goes through here. */
    public void replace(Range range, String text) {
        String removed = text(range);
        Edit edit = new Edit(range.from(), removed, text, cursor);
        apply(range, text);
        redoStack.clear();
        if (undoStack.isEmpty() || !undoStack.peek().absorb(edit)) {
            undoStack.push(edit);
            if (undoStack.size() > UNDO_LIMIT) {
                undoStack.removeLast();
            }
        }
        anchor = null;
        cursor = endOf(range.from(), text);
        wantedColumn = -1;
    }

    private void apply(Range range, String text) {
        String removed = text(range);
        int first = range.from().line();
        int last = range.to().line();
        String head = lines.get(first).substring(0, range.from().column());
        String tail = lines.get(last).substring(range.to().column());

        for (int i = last; i > first; i--) {
            lines.remove(i);
        }
        String[] parts = (head + text + tail).split("\n", -1);
        lines.set(first, new StringBuilder(parts[0]));
        for (int i = 1; i < parts.length; i++) {
            lines.add(first + i, new StringBuilder(parts[i]));
        }

        moveMarks(range, text);
        for (ChangeListener listener : listeners) {
            listener.changed(range, removed, text);
        }
    }

    /** Where a text ends that starts at the given position. */
    private static Position endOf(Position start, String text) {
        int lastBreak = text.lastIndexOf('\n');
        if (lastBreak < 0) {
            return new Position(start.line(), start.column() + text.length());
        }
        int breaks = (int) text.chars().filter(c -> c == '\n').count();
        return new Position(start.line() + breaks, text.length() - lastBreak - 1);
    }

    public void addListener(ChangeListener listener) {
        listeners.add(Objects.requireNonNull(listener));
    }

    // ==================================================================
    // Undo
    // ==================================================================

    public boolean undo() {
        if (undoStack.isEmpty()) {
            return false;
        }
        Edit edit = undoStack.pop();
        apply(new Range(edit.at, endOf(edit.at, edit.inserted)), edit.removed);
        redoStack.push(edit);
        anchor = null;
        cursor = edit.cursorBefore;
        return true;
    }

    public boolean redo() {
        if (redoStack.isEmpty()) {
            return false;
        }
        Edit edit = redoStack.pop();
        apply(new Range(edit.at, endOf(edit.at, edit.removed)), edit.inserted);
        undoStack.push(edit);
        anchor = null;
        cursor = endOf(edit.at, edit.inserted);
        return true;
    }

    private void closeEdit() {
        if (!undoStack.isEmpty()) {
            undoStack.peek().close();
        }
    }

    // ==================================================================
    // Cursor
    // ==================================================================

    public void moveTo(Position position) {
        cursor = clamp(position.line(), position.column());
        wantedColumn = -1;
        closeEdit();
    }

    public void left() {
        if (cursor.column() > 0) {
            moveTo(new Position(cursor.line(), cursor.column() - 1));
        } else if (cursor.line() > 0) {
            moveTo(clamp(cursor.line() - 1, Integer.MAX_VALUE));
        }
    }

    public void right() {
        if (cursor.column() < lines.get(cursor.line()).length()) {
            moveTo(new Position(cursor.line(), cursor.column() + 1));
        } else if (cursor.line() + 1 < lines.size()) {
            moveTo(new Position(cursor.line() + 1, 0));
        }
    }

    public void up() {
        vertical(-1);
    }

    public void down() {
        vertical(1);
    }

    /** Short lines do not make the cursor forget its column. */
    private void vertical(int step) {
        int column = wantedColumn >= 0 ? wantedColumn : cursor.column();
        moveTo(clamp(cursor.line() + step, column));
        wantedColumn = column;
    }

    /** To the first character that is not a space; from there to column zero. */
    public void home() {
        String line = line(cursor.line());
        int first = line.length() - line.stripLeading().length();
        moveTo(new Position(cursor.line(), cursor.column() == first ? 0 : first));
    }

    public void nextWord() {
        String line = line(cursor.line());
        int column = cursor.column();
        if (column >= line.length()) {
            right();
            return;
        }
        boolean word = isWordChar(line.charAt(column));
        while (column < line.length() && isWordChar(line.charAt(column)) == word) {
            column++;
        }
        while (column < line.length() && line.charAt(column) == ' ') {
            column++;
        }
        moveTo(new Position(cursor.line(), column));
    }

    private static boolean isWordChar(char c) {
        return Character.isLetterOrDigit(c) || c == '_';
    }

    // ==================================================================
    // Selection
    // ==================================================================

    public void startSelection() {
        anchor = cursor;
    }

    public void clearSelection() {
        anchor = null;
    }

    /** The selected range, or null if nothing was selected. */
    public Range selection() {
        return anchor == null ? null : new Range(anchor, cursor);
    }

    public void selectAll() {
        anchor = Position.START;
        cursor = end();
    }

    /** Selects the word under the cursor. */
    public void selectWord() {
        String line = line(cursor.line());
        int from = cursor.column();
        int to = from;
        while (from > 0 && isWordChar(line.charAt(from - 1))) {
            from--;
        }
        while (to < line.length() && isWordChar(line.charAt(to))) {
            to++;
        }
        anchor = new Position(cursor.line(), from);
        cursor = new Position(cursor.line(), to);
    }

    /** Changes the selected text, e.g. to capital letters, and keeps it selected. */
    public void transformSelection(UnaryOperator<String> change) {
        Range selection = selection();
        if (selection == null) {
            return;
        }
        String text = change.apply(text(selection));
        replace(selection, text);
        anchor = selection.from();
    }

    public void upperCase() {
        transformSelection(text -> text.toUpperCase(Locale.ROOT));
    }

    public void lowerCase() {
        transformSelection(text -> text.toLowerCase(Locale.ROOT));
    }

    // ==================================================================
    // Marks
    // ==================================================================

    public void setMark(char name) {
        marks.put(name, cursor);
    }

    public boolean gotoMark(char name) {
        Position position = marks.get(name);
        if (position == null) {
            return false;
        }
        moveTo(position);
        return true;
    }

    /** Marks behind a change move along with the text. */
    private void moveMarks(Range range, String text) {
        Position newEnd = endOf(range.from(), text);
        marks.replaceAll((name, mark) -> {
            if (mark.before(range.from())) {
                return mark;
            }
            if (mark.before(range.to())) {
                return range.from();
            }
            int line = mark.line() + newEnd.line() - range.to().line();
            int column = mark.column();
            if (mark.line() == range.to().line()) {
                column += newEnd.column() - range.to().column();
            }
            return new Position(line, column);
        });
    }

    // ==================================================================
    // Lines
    // ==================================================================

    /** Indents the lines of the selection, or the line of the cursor. */
    public void indent() {
        eachSelectedLine(line -> line.isBlank() ? line : " ".repeat(TAB_WIDTH) + line);
    }

    public void outdent() {
        eachSelectedLine(line -> {
            int spaces = 0;
            while (spaces < TAB_WIDTH && spaces < line.length() && line.charAt(spaces) == ' ') {
                spaces++;
            }
            return line.substring(spaces);
        });
    }

    /** Adds the comment mark to each line, or removes it if all lines have it. */
    public void toggleComment(String mark) {
        Range selection = selection() != null ? selection() : new Range(cursor, cursor);
        boolean all = true;
        for (int i = selection.from().line(); i <= selection.to().line(); i++) {
            all &= line(i).stripLeading().startsWith(mark);
        }
        boolean remove = all;
        eachSelectedLine(line -> {
            int start = line.length() - line.stripLeading().length();
            String head = line.substring(0, start);
            String body = line.substring(start);
            return remove ? head + body.substring(mark.length()).stripLeading() : head + mark + " " + body;
        });
    }

    public void sortLines() {
        Range selection = selection();
        if (selection == null) {
            return;
        }
        List<String> sorted = new ArrayList<>();
        for (int i = selection.from().line(); i <= selection.to().line(); i++) {
            sorted.add(line(i));
        }
        Collections.sort(sorted);
        replace(wholeLines(selection), String.join("\n", sorted));
    }

    private void eachSelectedLine(UnaryOperator<String> change) {
        Range selection = selection() != null ? selection() : new Range(cursor, cursor);
        List<String> changed = new ArrayList<>();
        for (int i = selection.from().line(); i <= selection.to().line(); i++) {
            changed.add(change.apply(line(i)));
        }
        replace(wholeLines(selection), String.join("\n", changed));
    }

    private Range wholeLines(Range range) {
        int last = range.to().line();
        return new Range(new Position(range.from().line(), 0), new Position(last, lines.get(last).length()));
    }

    /** Removes spaces at the ends of all lines; returns how many lines had some. */
    public int trimTrailingSpace() {
        int count = 0;
        for (int i = 0; i < lines.size(); i++) {
            String line = line(i);
            String trimmed = line.stripTrailing();
            if (trimmed.length() < line.length()) {
                replace(new Range(new Position(i, trimmed.length()), new Position(i, line.length())), "");
                count++;
            }
        }
        return count;
    }

    // ==================================================================
    // Brackets
    // ==================================================================

    /** Finds the partner of the bracket at the position, or null. */
    public Position matchingBracket(Position position) {
        String line = line(position.line());
        if (position.column() >= line.length()) {
            return null;
        }
        int kind = BRACKETS.indexOf(line.charAt(position.column()));
        if (kind < 0) {
            return null;
        }
        boolean forward = kind % 2 == 0;
        char open = BRACKETS.charAt(kind);
        char close = BRACKETS.charAt(forward ? kind + 1 : kind - 1);
        String text = text();
        int depth = 0;
        int step = forward ? 1 : -1;
        for (int i = offsetOf(position); i >= 0 && i < text.length(); i += step) {
            char c = text.charAt(i);
            if (c == open) {
                depth++;
            } else if (c == close) {
                depth--;
            }
            if (depth == 0) {
                return positionAt(i);
            }
        }
        return null;
    }

    // ==================================================================
    // Search
    // ==================================================================

    /** What to look for. */
    public static final class Search {
        private final Pattern pattern;

        private Search(Pattern pattern) {
            this.pattern = pattern;
        }

        public static Search literal(String text, boolean matchCase) {
            int flags = Pattern.LITERAL | (matchCase ? 0 : Pattern.CASE_INSENSITIVE);
            return new Search(Pattern.compile(text, flags));
        }

        public static Search regex(String expression) {
            try {
                return new Search(Pattern.compile(expression, Pattern.MULTILINE));
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException("bad expression: " + e.getDescription(), e);
            }
        }

        Matcher matcher(String text) {
            return pattern.matcher(text);
        }
    }

    /** The next hit behind the position; starts again at the top if need be. */
    public Range find(Search search, Position from) {
        String text = text();
        Matcher matcher = search.matcher(text);
        int start = offsetOf(from);
        if (matcher.find(start) || (start > 0 && matcher.find(0))) {
            return new Range(positionAt(matcher.start()), positionAt(matcher.end()));
        }
        return null;
    }

    public List<Range> findAll(Search search) {
        List<Range> hits = new ArrayList<>();
        Matcher matcher = search.matcher(text());
        while (matcher.find()) {
            hits.add(new Range(positionAt(matcher.start()), positionAt(matcher.end())));
        }
        return hits;
    }

    /** Replaces all hits as one change; returns how many there were. */
    public int replaceAll(Search search, String replacement) {
        int count = findAll(search).size();
        if (count > 0) {
            Position before = cursor;
            String changed = search.matcher(text()).replaceAll(Matcher.quoteReplacement(replacement));
            replace(new Range(Position.START, end()), changed);
            moveTo(before);
        }
        return count;
    }

    // ==================================================================
    // Display
    // ==================================================================

    /** The column on the screen, where a tab fills up to the next stop. */
    public int visualColumn(Position position) {
        String line = line(position.line());
        int visual = 0;
        for (int i = 0; i < position.column(); i++) {
            visual += line.charAt(i) == '\t' ? TAB_WIDTH - visual % TAB_WIDTH : 1;
        }
        return visual;
    }

    /** Breaks a long line into pieces for the screen, between words if possible. */
    public List<String> wrapped(int index, int width) {
        List<String> pieces = new ArrayList<>();
        String rest = line(index);
        while (rest.length() > width) {
            int cut = rest.lastIndexOf(' ', width);
            if (cut <= 0) {
                cut = width;
            }
            pieces.add(rest.substring(0, cut));
            rest = rest.substring(cut).stripLeading();
        }
        pieces.add(rest);
        return pieces;
    }

    /** The line below the text, e.g. "12:5 (340 lines) *". */
    public String statusLine() {
        String modified = isModified() ? " *" : "";
        return cursor + " (" + lineCount() + " lines)" + modified;
    }

    @Override
    public String toString() {
        return "TextBuffer[" + lineCount() + " lines, cursor " + cursor + "]";
    }
}
