// ... existing code ...

const (
	Closed State = iota
	Opening
	Open
	Closing
	Locked
)

// ... existing code ...

// transitions lists where a signal leads; anything else is ignored.
var transitions = map[State]map[Signal]State{
	Closed:  {"button": Opening, "key": Locked},
	Opening: {"end-stop": Open},
	Open:    {"timeout": Closing, "button": Closing},
	Closing: {"end-stop": Closed, "obstacle": Opening},
	Locked:  {"key": Closed},
}

// ... existing code ...

func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Opening:
		return "opening"
	case Open:
		return "open"
	case Closing:
		return "closing"
	case Locked:
		return "locked"
	}
	return fmt.Sprintf("State(%d)", int(s))
}
