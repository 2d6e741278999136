func (s State) String() string {
	names := [...]string{"waiting", "running", "done", "failed"}
	if s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return "unknown state"
}
