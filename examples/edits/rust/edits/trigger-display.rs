    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::At(time) => write!(f, "at {time} ms"),
            Trigger::Every { first: 0, period } => write!(f, "every {period} ms"),
            Trigger::Every { first, period } => {
                write!(f, "every {period} ms from {first} ms")
            }
            Trigger::Now => f.write_str("as soon as possible"),
        }
    }
