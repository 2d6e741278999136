// ... existing code ...

class Box : public Shape {
public:
    // ... existing code ...

    double area() const override
    {
        double area = width_ * height_;
        return area < 0 ? -area : area;
    }

    // ... existing code ...
};

// ... existing code ...
