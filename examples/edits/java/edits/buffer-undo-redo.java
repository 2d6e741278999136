public class TextBuffer {
    // ... existing code ...

    public boolean undo() {
        if (undoStack.isEmpty()) {
            return false;
        }
        Edit edit = undoStack.pop();
        apply(new Range(edit.at, endOf(edit.at, edit.inserted)), edit.removed);
        redoStack.push(edit);
        anchor = null;
        moveTo(edit.cursorBefore);
        return true;
    }

    public boolean redo() {
        if (redoStack.isEmpty()) {
            return false;
        }
        Edit edit = redoStack.pop();
        apply(new Range(edit.at, endOf(edit.at, edit.removed)), edit.inserted);
        undoStack.push(edit);
        anchor = null;
        moveTo(endOf(edit.at, edit.inserted));
        return true;
    }

    // ... existing code ...
}
