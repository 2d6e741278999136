func init() {
	for _, c := range builtin() {
		register(c)
	}
}
