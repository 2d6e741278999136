sealed interface Shape permits Circle, Rectangle, Triangle {
    double area();

    default boolean largerThan(Shape other) {
        return Double.compare(area(), other.area()) > 0;
    }

    default boolean isEmpty() {
        return area() == 0.0;
    }
}
