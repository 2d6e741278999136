    public static List<String> split(String line, char separator) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        // ... existing code ...
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
