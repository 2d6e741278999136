// ... rest of the file ...

public final class Shapes {
    private Shapes() {
    }

    public static double totalArea(List<? extends Shape> shapes) {
        double total = 0;
        for (Shape shape : shapes) {
            total += shape.area();
        }
        return total;
    }
}
