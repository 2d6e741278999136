class Circle : public Shape {
public:
    explicit Circle(double radius) : radius_(radius) {}

    double area() const override
    {
        return kPi * radius_ * radius_;
    }

    double perimeter() const override
    {
        return kPi * diameter();
    }

    double diameter() const
    {
        return 2 * radius_;
    }

private:
    double radius_;
};
