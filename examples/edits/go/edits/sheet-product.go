// ... existing code ...

var functions = map[string]function{
	"SUM":     sum,
	// ... existing functions ...
	"CONCAT":  concat,
	"PRODUCT": product,
}

// ... existing code ...

func concat(values []Value) (Value, error) {
	var out strings.Builder
	for _, v := range values {
		out.WriteString(toText(v))
	}
	return out.String(), nil
}

func product(values []Value) (Value, error) {
	total := 1.0
	for _, n := range numbers(values) {
		total *= n
	}
	return total, nil
}

// ... existing code ...
