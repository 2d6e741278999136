namespace shop {

class Cart {
public:
    explicit Cart(int size) : size_(size) {}
    int total(double rate) const {
        return size_;
    }

private:
    int size_;
};

std::string parse_line(const std::string& text, int most = 1) {
    return text;
}

}  // namespace shop
