public class TextBuffer {
    // ... existing code ...

    public void down() {
        vertical(1);
    }

    public void pageDown(int rows) {
        vertical(Math.max(1, rows - 1));
    }

    // ... existing code ...
}
