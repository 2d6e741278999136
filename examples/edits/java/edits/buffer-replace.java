    public void replace(Range range, String text) {
        String removed = text(range);
        Edit edit = new Edit(range.from(), removed, text, cursor);
        // ... existing code ...
        anchor = null;
        cursor = endOf(range.from(), text);
        setMark('.');
        wantedColumn = -1;
    }
