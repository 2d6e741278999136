inline double total_area(const std::vector<std::unique_ptr<Shape>>& shapes)
{
    double sum = 0;
    for (const auto& shape : shapes) {
        if (shape)
            sum += shape->area();
    }
    return sum;
}
