// ... existing code ...

// Feeling puts a temperature into words.
func Feeling(c Celsius) string {
	switch {
	case c < Freezing:
		return "freezing"
	case c < 15:
		return "cool"
	case c < 25:
		return "pleasant"
	case c < 35:
		return "hot"
	default:
		return "sweltering"
	}
}
