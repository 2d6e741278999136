package text.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Reads and writes JSON. The entry points are {@link #parse} and {@link #write}. */
public final class JsonCodec {
    private JsonCodec() {
    }

    /** Parses a complete document. */
    public static JsonValue parse(String text) {
        Parser parser = new Parser(text);
        JsonValue value = parser.parseValue();
        parser.expectEnd();
        return value;
    }

    /** Writes without any white space. */
    public static String write(JsonValue value) {
        return new Writer(0).write(value);
    }

    public static String writePretty(JsonValue value) {
        return new Writer(2).write(value);
    }

    // ------------------------------------------------------------------
    // Values
    // ------------------------------------------------------------------

    public sealed interface JsonValue permits JsonNull, JsonBool, JsonNumber, JsonString, JsonArray, JsonObject {

        /** The name of the type, for messages. */
        String typeName();

        default String asString() {
            throw new JsonTypeException("string", this);
        }

        default double asNumber() {
            throw new JsonTypeException("number", this);
        }

        default boolean asBool() {
            throw new JsonTypeException("bool", this);
        }
    }

    public enum JsonNull implements JsonValue {
        INSTANCE;

        @Override
        public String typeName() {
            return "null";
        }
    }

    public record JsonBool(boolean value) implements JsonValue {
        @Override
        public String typeName() {
            return "bool";
        }

        @Override
        public boolean asBool() {
            return value;
        }
    }

    public record JsonNumber(double value) implements JsonValue {
        @Override
        public String typeName() {
            return "number";
        }

        @Override
        public double asNumber() {
            return value;
        }

        boolean isInteger() {
            return value == Math.rint(value) && Math.abs(value) < 1e15;
        }
    }

    public record JsonString(String value) implements JsonValue {
        @Override
        public String typeName() {
            return "string";
        }

        @Override
        public String asString() {
            return value;
        }
    }

    public static final class JsonArray implements JsonValue, Iterable<JsonValue> {
        private final List<JsonValue> items = new ArrayList<>();

        @Override
        public String typeName() {
            return "array";
        }

        public JsonArray add(JsonValue value) {
            items.add(Objects.requireNonNull(value));
            return this;
        }

        public JsonValue get(int index) {
            return items.get(index);
        }

        public int size() {
            return items.size();
        }

        @Override
        public Iterator<JsonValue> iterator() {
            return Collections.unmodifiableList(items).iterator();
        }
    }

    public static final class JsonObject implements JsonValue {
        private final Map<String, JsonValue> members = new LinkedHashMap<>();

        @Override
        public String typeName() {
            return "object";
        }

        public JsonObject put(String name, JsonValue value) {
            members.put(name, Objects.requireNonNull(value));
            return this;
        }

        /** The member, or null if there is none of that name. */
        public JsonValue get(String name) {
            return members.get(name);
        }

        /** Looks a string member up, with a default for missing ones. */
        public String getString(String name, String fallback) {
            JsonValue value = members.get(name);
            return value == null ? fallback : value.asString();
        }

        public Map<String, JsonValue> members() {
            return Collections.unmodifiableMap(members);
        }
    }

    public static class JsonTypeException extends RuntimeException {
        JsonTypeException(String wanted, JsonValue actual) {
            super("expected " + wanted + ", got " + actual.typeName());
        }
    }

    public static class JsonSyntaxException extends RuntimeException {
        private final int line;
        private final int column;

        JsonSyntaxException(String message, int line, int column) {
            super(message + " at " + line + ":" + column);
            this.line = line;
            this.column = column;
        }

        public int line() {
            return line;
        }

        public int column() {
            return column;
        }
    }

    // ------------------------------------------------------------------
    // Parser
    // ------------------------------------------------------------------

    /** A recursive descent parser over the characters of the text. */
    private static final class Parser {
        private final String text;
        private int pos;

        Parser(String text) {
            this.text = text;
        }

        JsonValue parseValue() {
            skipSpace();
            if (pos >= text.length()) {
                throw error("unexpected end");
            }
            char c = text.charAt(pos);
            switch (c) {
                case '{':
                    return parseObject();
                case '[':
                    return parseArray();
                case '"':
                    return new JsonString(parseString());
                case 't':
                    return keyword("true", new JsonBool(true));
                case 'f':
                    return keyword("false", new JsonBool(false));
                case 'n':
                    return keyword("null", JsonNull.INSTANCE);
                default:
                    if (c == '-' || Character.isDigit(c)) {
                        return parseNumber();
                    }
                    throw error("unexpected '" + c + "'");
            }
        }

        void expectEnd() {
            skipSpace();
            if (pos < text.length()) {
                throw error("text after the end of the document");
            }
        }

        private JsonObject parseObject() {
            JsonObject object = new JsonObject();
            expect('{');
            if (accept('}')) {
                return object;
            }
            do {
                skipSpace();
                String name = parseString();
                expect(':');
                object.put(name, parseValue());
            } while (accept(','));
            expect('}');
            return object;
        }

        private JsonArray parseArray() {
            JsonArray array = new JsonArray();
            expect('[');
            if (accept(']')) {
                return array;
            }
            do {
                array.add(parseValue());
            } while (accept(','));
            expect(']');
            return array;
        }

        private String parseString() {
            if (pos >= text.length() || text.charAt(pos) != '"') {
                throw error("expected a string");
            }
            StringBuilder out = new StringBuilder();
            pos++;
            while (true) {
                if (pos >= text.length()) {
                    throw error("string is not closed");
                }
                char c = text.charAt(pos++);
                if (c == '"') {
                    return out.toString();
                }
                out.append(c == '\\' ? parseEscape() : c);
            }
        }

        private char parseEscape() {
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

        private JsonNumber parseNumber() {
            int start = pos;
            while (pos < text.length() && "+-.eE0123456789".indexOf(text.charAt(pos)) >= 0) {
                pos++;
            }
            String digits = text.substring(start, pos);
            try {
                return new JsonNumber(Double.parseDouble(digits));
            } catch (NumberFormatException e) {
                throw error("malformed number " + digits);
            }
        }

        private JsonValue keyword(String word, JsonValue value) {
            if (!text.startsWith(word, pos)) {
                throw error("unexpected word");
            }
            pos += word.length();
            return value;
        }

        private void expect(char c) {
            if (!accept(c)) {
                throw error("expected '" + c + "'");
            }
        }

        private boolean accept(char c) {
            skipSpace();
            if (pos < text.length() && text.charAt(pos) == c) {
                pos++;
                return true;
            }
            return false;
        }

        private void skipSpace() {
            while (pos < text.length() && " \t\r\n".indexOf(text.charAt(pos)) >= 0) {
                pos++;
            }
        }

        private JsonSyntaxException error(String message) {
            int line = 1;
            int column = 1;
            for (int i = 0; i < Math.min(pos, text.length()); i++) {
                if (text.charAt(i) == '\n') {
                    line++;
                    column = 1;
                } else {
                    column++;
                }
            }
            return new JsonSyntaxException(message, line, column);
        }
    }

    // ------------------------------------------------------------------
    // Writer
    // ------------------------------------------------------------------

    /** Turns values into text; an indent of zero means everything in one line. */
    private static final class Writer {
        private final StringBuilder out = new StringBuilder();
        private final int indent;
        private int depth;

        Writer(int indent) {
            this.indent = indent;
        }

        String write(JsonValue value) {
            append(value);
            return out.toString();
        }

        private void append(JsonValue value) {
            if (value instanceof JsonObject object) {
                appendObject(object);
            } else if (value instanceof JsonArray array) {
                appendArray(array);
            } else if (value instanceof JsonString string) {
                appendString(string.value());
            } else if (value instanceof JsonNumber number) {
                appendNumber(number);
            } else if (value instanceof JsonBool bool) {
                out.append(bool.value());
            } else {
                out.append("null");
            }
        }

        private void appendObject(JsonObject object) {
            if (object.members().isEmpty()) {
                out.append("{}");
                return;
            }
            out.append('{');
            depth++;
            boolean first = true;
            for (Map.Entry<String, JsonValue> member : object.members().entrySet()) {
                if (!first) {
                    out.append(',');
                }
                first = false;
                newLine();
                appendString(member.getKey());
                out.append(indent > 0 ? ": " : ":");
                append(member.getValue());
            }
            depth--;
            newLine();
            out.append('}');
        }

        private void appendArray(JsonArray array) {
            if (array.size() == 0) {
                out.append("[]");
                return;
            }
            out.append('[');
            depth++;
            boolean first = true;
            for (JsonValue item : array) {
                if (!first) {
                    out.append(',');
                }
                first = false;
                newLine();
                append(item);
            }
            depth--;
            newLine();
            out.append(']');
        }

        private void appendString(String text) {
            out.append('"');
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                switch (c) {
                    case '"' -> out.append("\\\"");
                    case '\\' -> out.append("\\\\");
                    case '\n' -> out.append("\\n");
                    case '\r' -> out.append("\\r");
                    case '\t' -> out.append("\\t");
                    default -> {
                        if (c < 0x20) {
                            out.append(String.format("\\u%04x", (int) c));
                        } else {
                            out.append(c);
                        }
                    }
                }
            }
            out.append('"');
        }

        private void appendNumber(JsonNumber number) {
            double value = number.value();
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                out.append("null");
            } else if (number.isInteger()) {
                out.append((long) value);
            } else {
                out.append(value);
            }
        }

        private void newLine() {
            if (indent > 0) {
                out.append('\n').append(" ".repeat(indent * depth));
            }
        }
    }

    // ------------------------------------------------------------------
    // Paths
    // ------------------------------------------------------------------

    /** Follows a path such as "orders[2].customer.name"; null if a part is missing. */
    public static JsonValue at(JsonValue root, String path) {
        JsonValue current = root;
        for (String part : path.split("\\.|(?=\\[)")) {
            if (current == null || part.isEmpty()) {
                return current;
            }
            if (part.startsWith("[")) {
                int index = Integer.parseInt(part.substring(1, part.length() - 1));
                current = current instanceof JsonArray array && index < array.size() ? array.get(index) : null;
            } else {
                current = current instanceof JsonObject object ? object.get(part) : null;
            }
        }
        return current;
    }
}
