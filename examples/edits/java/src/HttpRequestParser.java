package web.http;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Reads the head of an HTTP/1.1 request. The body is left to the caller. */
public class HttpRequestParser {
    private static final int MAX_HEADERS = 100;

    /** What we know after the head has been read. */
    public record Head(
            String method, String path, Map<String, String> query, Map<String, String> headers) {

        /** The length of the body, or zero if there is none. */
        public long contentLength() {
            String value = headers.get("content-length");
            return value == null ? 0 : Long.parseLong(value);
        }

        public boolean keepAlive() {
            return !"close".equalsIgnoreCase(headers.get("connection"));
        }
    }

    public static class BadRequestException extends IOException {
        public BadRequestException(String message) {
            super(message);
        }
    }

    private final BufferedReader reader;

    public HttpRequestParser(BufferedReader reader) {
        this.reader = reader;
    }

    public Head parse() throws IOException {
        String line = reader.readLine();
        if (line == null) {
            throw new BadRequestException("empty request");
        }
        String[] parts = line.split(" ");
        if (parts.length != 3) {
            throw new BadRequestException("malformed request line: " + line);
        }
        String target = parts[1];
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        String query = mark < 0 ? "" : target.substring(mark + 1);
        return new Head(parts[0], decode(path), parseQuery(query), parseHeaders());
    }

    private Map<String, String> parseHeaders() throws IOException {
        Map<String, String> headers = new LinkedHashMap<>();
        String line;
        while ((line = reader.readLine()) != null && !line.isEmpty()) {
            int colon = line.indexOf(':');
            if (colon <= 0) {
                throw new BadRequestException("malformed header: " + line);
            }
            // Names are compared without regard to case.
            String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
            headers.put(name, line.substring(colon + 1).trim());
            if (headers.size() > MAX_HEADERS) {
                throw new BadRequestException("too many headers");
            }
        }
        return headers;
    }

    /** Splits "a=1&b=2" into its pairs; the last one of equal names wins. */
    static Map<String, String> parseQuery(String query) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String pair : query.split("&")) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = equals < 0 ? pair : pair.substring(0, equals);
            String value = equals < 0 ? "" : pair.substring(equals + 1);
            pairs.put(decode(name), decode(value));
        }
        return pairs;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
