public void home() {
    String line = line(cursor.line());
    int first = line.length() - line.stripLeading().length();
    moveTo(new Position(cursor.line(), cursor.column() == first ? 0 : first));
}
