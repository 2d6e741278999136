package temperature

import "fmt"

// Celsius and Fahrenheit are kept apart by the type checker.
type Celsius float64
type Fahrenheit float64

const (
	AbsoluteZero Celsius = -273.15
	Freezing     Celsius = 0
	Boiling      Celsius = 100
)

func (c Celsius) String() string {
	return fmt.Sprintf("%.1f °C", float64(c))
}

func (f Fahrenheit) String() string {
	return fmt.Sprintf("%.1f °F", float64(f))
}

// ToF converts to Fahrenheit.
func ToF(c Celsius) Fahrenheit {
	return Fahrenheit(c*9/5 + 32)
}

// ToC converts to Celsius.
func ToC(f Fahrenheit) Celsius {
	return Celsius((f - 32) * 5 / 9)
}

// Feeling puts a temperature into words.
func Feeling(c Celsius) string {
	switch {
	case c < 0:
		return "freezing"
	case c < 15:
		return "cool"
	case c < 25:
		return "pleasant"
	default:
		return "hot"
	}
}
