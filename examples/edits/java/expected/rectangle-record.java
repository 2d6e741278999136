package geometry;

import java.util.List;

/** A closed figure in the plane. */
sealed interface Shape permits Circle, Rectangle, Triangle {
    double area();

    default boolean largerThan(Shape other) {
        return area() > other.area();
    }
}

record Circle(double radius) implements Shape {
    @Override
    public double area() {
        return Math.PI * radius * radius;
    }
}

record Rectangle(double width, double height) implements Shape {
    @Override
    public double area() {
        return width * height;
    }

    boolean isSquare() {
        return Math.abs(width - height) < 1e-9;
    }
}

/** A triangle given by the lengths of its sides. */
record Triangle(double a, double b, double c) implements Shape {
    @Override
    public double area() {
        // Heron's formula
        double s = (a + b + c) / 2;
        return Math.sqrt(s * (s - a) * (s - b) * (s - c));
    }
}

public final class Shapes {
    private Shapes() {
    }

    public static double totalArea(List<? extends Shape> shapes) {
        return shapes.stream().mapToDouble(Shape::area).sum();
    }
}
