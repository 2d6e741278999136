class NegateNode : public Node {
public:
    // ... existing code ...

    Value eval(Context& context) const override
    {
        Value value = inner_->eval(context);
        if (value.is_error())
            return value;
        if (value.kind() == Value::Kind::Text)
            return Value::error(ErrorCode::Type);
        return Value::number(-value.as_number());
    }

    // ... existing code ...
};
