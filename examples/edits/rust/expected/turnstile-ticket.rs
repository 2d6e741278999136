/// States of the gate at the station entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Locked,
    Unlocked { credits: u8 },
    Fault,
}

/// What the hardware reports.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    Coin,
    Ticket { rides: u8 },
    Push,
    Timeout,
    Repair,
}

impl Gate {
    pub fn next(self, event: Event) -> Gate {
        match (self, event) {
            (Gate::Locked, Event::Coin) => Gate::Unlocked { credits: 1 },
            (Gate::Locked, Event::Ticket { rides: 0 }) => Gate::Locked,
            (Gate::Locked, Event::Ticket { rides }) => Gate::Unlocked { credits: rides },
            (Gate::Locked, Event::Push) => Gate::Locked,
            (Gate::Unlocked { credits }, Event::Coin) => Gate::Unlocked {
                credits: credits.saturating_add(1),
            },
            (Gate::Unlocked { credits: 1 }, Event::Push) => Gate::Locked,
            (Gate::Unlocked { credits }, Event::Push) => Gate::Unlocked {
                credits: credits - 1,
            },
            (Gate::Fault, Event::Repair) => Gate::Locked,
            (state, _) => state,
        }
    }

    /// Lamp colour above the gate.
    pub fn lamp(self) -> &'static str {
        match self {
            Gate::Locked => "red",
            Gate::Unlocked { .. } => "green",
            Gate::Fault => "amber",
        }
    }
}
