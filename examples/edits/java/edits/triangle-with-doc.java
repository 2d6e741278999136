/**
 * A triangle given by the lengths of its sides.
 * The longest side must be shorter than the other two together.
 */
record Triangle(double a, double b, double c) implements Shape {
    Triangle {
        if (a + b <= c || b + c <= a || c + a <= b) {
            throw new IllegalArgumentException("not a triangle");
        }
    }

    @Override
    public double area() {
        // Heron's formula
        double s = (a + b + c) / 2;
        return Math.sqrt(s * (s - a) * (s - b) * (s - c));
    }
}
