    public List<Rate> loadRates(Path file) throws IOException {
        List<String> rows = Files.readAllLines(file);
        // ... existing code ...
        if (rates.isEmpty()) {
            throw new IOException("no rates in " + file);
        }
        return rates;
    }
