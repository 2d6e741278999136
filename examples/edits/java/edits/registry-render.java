public class MetricsRegistry {
    // ... existing code ...

    public String render() {
        StringBuilder out = new StringBuilder();
        for (Map.Entry<String, Double> entry : snapshot().entrySet()) {
            out.append(entry.getKey().replace('.', '_')).append(' ');
            out.append(entry.getValue()).append('\n');
        }
        return out.toString();
    }
}
