// ... existing code ...

record Rectangle(double width, double height) implements Shape {
    @Override
    public double area() {
        return width * height;
    }

    boolean isSquare() {
        return Math.abs(width - height) < 1e-9;
    }
}

// ... existing code ...
