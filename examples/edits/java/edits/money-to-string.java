    public String toString() {
        String sign = minor < 0 ? "-" : "";
        long abs = Math.abs(minor);
        return String.format("%s%d.%02d %s", sign, abs / 100, abs % 100, currency);
    }
