/*
 * A reader and writer for JSON values.
 *
 * Numbers are doubles, objects keep the order of their keys, and the text
 * is taken as UTF-8 without being checked.
 */
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace json {

enum class Type { Null, Bool, Number, String, Array, Object };

/** Any JSON value. The accessors throw when the type is another one. */
class Value {
public:
    Value() = default;
    explicit Value(bool flag) : type_(Type::Bool), flag_(flag) {}
    explicit Value(double number) : type_(Type::Number), number_(number) {}
    explicit Value(std::string text) : type_(Type::String), text_(std::move(text)) {}

    static Value array() { return Value(Type::Array); }
    static Value object() { return Value(Type::Object); }

    Type type() const { return type_; }
    bool is_null() const { return type_ == Type::Null; }

    bool as_bool() const
    {
        expect(Type::Bool);
        return flag_;
    }

    double as_number() const
    {
        expect(Type::Number);
        return number_;
    }

    const std::string& as_string() const
    {
        expect(Type::String);
        return text_;
    }

    void push(Value value)
    {
        expect(Type::Array);
        items_.push_back(std::move(value));
    }

    void set(const std::string& key, Value value);
    const Value* find(const std::string& key) const;

    std::size_t size() const { return type_ == Type::Object ? keys_.size() : items_.size(); }
    const Value& at(std::size_t index) const { return items_.at(index); }
    const std::string& key_at(std::size_t index) const { return keys_.at(index); }

private:
    explicit Value(Type type) : type_(type) {}

    void expect(Type type) const
    {
        if (type_ != type)
            throw std::logic_error("value has another type");
    }

    Type type_ = Type::Null;
    bool flag_ = false;
    double number_ = 0.0;
    std::string text_;
    std::vector<std::string> keys_;
    std::vector<Value> items_;
};

void Value::set(const std::string& key, Value value)
{
    expect(Type::Object);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i] == key) {
            items_[i] = std::move(value);
            return;
        }
    }
    keys_.push_back(key);
    items_.push_back(std::move(value));
}

const Value* Value::find(const std::string& key) const
{
    expect(Type::Object);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i] == key)
            return &items_[i];
    }
    return nullptr;
}

/** Reads a text. Errors are thrown with the offset in the message. */
class Reader {
public:
    explicit Reader(const std::string& text) : text_(text) {}

    Value read()
    {
        Value value = read_value();
        skip();
        if (pos_ != text_.size())
            fail("text after the value");
        return value;
    }

private:
    [[noreturn]] void fail(const std::string& message) const
    {
        throw std::runtime_error(message + " at " + std::to_string(pos_));
    }

    void skip()
    {
        while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_])))
            ++pos_;
    }

    char peek()
    {
        skip();
        if (pos_ == text_.size())
            fail("unexpected end");
        return text_[pos_];
    }

    bool accept(char c)
    {
        if (peek() != c)
            return false;
        ++pos_;
        return true;
    }

    void expect(char c)
    {
        if (!accept(c))
            fail(std::string("expected '") + c + "'");
    }

    Value read_value()
    {
        switch (peek()) {
        case '{':
            return read_object();
        case '[':
            return read_array();
        case '"':
            return Value(read_string());
        case 't':
            read_word("true");
            return Value(true);
        case 'f':
            read_word("false");
            return Value(false);
        case 'n':
            read_word("null");
            return Value();
        default:
            return read_number();
        }
    }

    void read_word(const std::string& word)
    {
        if (text_.compare(pos_, word.size(), word) != 0)
            fail("unknown word");
        pos_ += word.size();
    }

    Value read_number()
    {
        const char* start = text_.c_str() + pos_;
        char* end = nullptr;
        double number = std::strtod(start, &end);
        if (end == start)
            fail("value expected");
        pos_ += static_cast<std::size_t>(end - start);
        return Value(number);
    }

    std::string read_string()
    {
        std::string out;
        expect('"');
        while (pos_ < text_.size() && text_[pos_] != '"') {
            char c = text_[pos_++];
            if (c == '\\')
                c = read_escape();
            out.push_back(c);
        }
        if (pos_ == text_.size())
            fail("string without end");
        ++pos_;
        return out;
    }

    char read_escape()
    {
        if (pos_ == text_.size())
            fail("string without end");
        char c = text_[pos_++];
        switch (c) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case '"':
        case '\\':
        case '/':
            return c;
        default:
            fail("unknown escape");
        }
    }

    Value read_array()
    {
        Value array = Value::array();
        expect('[');
        if (accept(']'))
            return array;
        do {
            array.push(read_value());
        } while (accept(','));
        expect(']');
        return array;
    }

    Value read_object()
    {
        Value object = Value::object();
        expect('{');
        if (accept('}'))
            return object;
        do {
            skip();
            std::string key = read_string();
            expect(':');
            object.set(key, read_value());
        } while (accept(','));
        expect('}');
        return object;
    }

    const std::string& text_;
    std::size_t pos_ = 0;
};

/** Writes values in one line. */
class Writer {
public:
    std::string write(const Value& value)
    {
        out_.clear();
        put(value);
        return out_;
    }

private:
    void put(const Value& value)
    {
        switch (value.type()) {
        case Type::Null:
            out_ += "null";
            break;
        case Type::Bool:
            out_ += value.as_bool() ? "true" : "false";
            break;
        case Type::Number:
            put_number(value.as_number());
            break;
        case Type::String:
            put_string(value.as_string());
            break;
        case Type::Array:
        case Type::Object:
            put_items(value);
            break;
        }
    }

    void put_number(double number)
    {
        char buffer[32];
        std::snprintf(buffer, sizeof buffer, "%.17g", number);
        out_ += buffer;
    }

    void put_string(const std::string& text)
    {
        out_ += '"';
        for (char c : text) {
            if (c == '"' || c == '\\')
                out_ += '\\';
            out_ += c;
        }
        out_ += '"';
    }

    void put_items(const Value& value)
    {
        bool object = value.type() == Type::Object;
        out_ += object ? '{' : '[';
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i > 0)
                out_ += ',';
            if (object) {
                put_string(value.key_at(i));
                out_ += ':';
            }
            put(value.at(i));
        }
        out_ += object ? '}' : ']';
    }

    std::string out_;
};

Value parse(const std::string& text)
{
    return Reader(text).read();
}

std::string dump(const Value& value)
{
    return Writer().write(value);
}

} // namespace json
