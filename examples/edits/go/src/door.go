package door

import "fmt"

// State of a sliding door.
type State int

const (
	Closed State = iota
	Opening
	Open
	Closing
)

// Signal comes from a sensor or a button.
type Signal string

// transitions lists where a signal leads; anything else is ignored.
var transitions = map[State]map[Signal]State{
	Closed:  {"button": Opening},
	Opening: {"end-stop": Open},
	Open:    {"timeout": Closing, "button": Closing},
	Closing: {"end-stop": Closed, "obstacle": Opening},
}

// Door remembers its state and how often it was opened.
type Door struct {
	state State
	opens int
}

// Handle moves the door to its next state.
func (d *Door) Handle(s Signal) bool {
	next, ok := transitions[d.state][s]
	if !ok {
		return false
	}
	if next == Open {
		d.opens++
	}
	d.state = next
	return true
}

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
	}
	return fmt.Sprintf("State(%d)", int(s))
}
