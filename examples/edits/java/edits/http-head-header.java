public class HttpRequestParser {
    // ... existing code ...

    public record Head(
            String method, String path, Map<String, String> query, Map<String, String> headers) {
        // ... existing code ...

        public boolean keepAlive() {
            return !"close".equalsIgnoreCase(headers.get("connection"));
        }

        public String header(String name) {
            return headers.get(name.toLowerCase(Locale.ROOT));
        }
    }

    // ... existing code ...
}
