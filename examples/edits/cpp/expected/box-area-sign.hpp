#ifndef SHAPES_HPP
#define SHAPES_HPP

#include <memory>
#include <vector>

namespace geo {

constexpr double kPi = 3.14159265358979;

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
    virtual double perimeter() const = 0;
};

class Circle : public Shape {
public:
    explicit Circle(double radius) : radius_(radius) {}

    double area() const override
    {
        return kPi * radius_ * radius_;
    }

    double perimeter() const override
    {
        return 2 * kPi * radius_;
    }

private:
    double radius_;
};

class Box : public Shape {
public:
    Box(double width, double height) : width_(width), height_(height) {}

    double area() const override
    {
        double area = width_ * height_;
        return area < 0 ? -area : area;
    }

    double perimeter() const override
    {
        return 2 * (width_ + height_);
    }

private:
    double width_;
    double height_;
};

/// Sum of the areas; overlaps are counted twice.
inline double total_area(const std::vector<std::unique_ptr<Shape>>& shapes)
{
    double sum = 0;
    for (const auto& shape : shapes)
        sum += shape->area();
    return sum;
}

} // namespace geo

#endif
