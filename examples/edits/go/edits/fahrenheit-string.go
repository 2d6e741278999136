func (f Fahrenheit) String() string {
	return fmt.Sprintf("%.0f °F", float64(f))
}
