void Value::set(const std::string& key, Value value)
{
    expect(Type::Object);
    if (key.empty())
        throw std::invalid_argument("empty key");
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i] == key) {
            items_[i] = std::move(value);
            return;
        }
    }
    keys_.push_back(key);
    items_.push_back(std::move(value));
}
