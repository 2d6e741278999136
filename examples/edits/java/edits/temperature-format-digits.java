public enum TemperatureUnit {
    // ... existing code ...

    /** For example "21.5 °C". */
    public String format(double value) {
        return String.format("%.1f %s", value, symbol);
    }

    /** The same with a chosen number of digits. */
    public String format(double value, int digits) {
        return String.format("%." + digits + "f %s", value, symbol);
    }
}
