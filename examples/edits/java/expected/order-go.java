package shop.orders;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Knows which steps an order may take and remembers those it has taken. */
public class OrderStateMachine {

    /** The states of an order, from the basket to the customer's door. */
    public enum State {
        OPEN,
        PAID,
        PACKED,
        SHIPPED,
        DELIVERED,
        CANCELLED;

        boolean isFinal() {
            return this == DELIVERED || this == CANCELLED;
        }
    }

    /** One line of the history. */
    public record Step(State from, State to, Instant at, String reason) {
    }

    public static class IllegalStepException extends RuntimeException {
        private final State from;
        private final State to;

        IllegalStepException(State from, State to) {
            super("cannot go from " + from + " to " + to);
            this.from = from;
            this.to = to;
        }

        public State from() {
            return from;
        }

        public State to() {
            return to;
        }
    }

    private static final Map<State, Set<State>> ALLOWED = new EnumMap<>(State.class);

    static {
        ALLOWED.put(State.OPEN, EnumSet.of(State.PAID, State.CANCELLED));
        ALLOWED.put(State.PAID, EnumSet.of(State.PACKED, State.CANCELLED));
        ALLOWED.put(State.PACKED, EnumSet.of(State.SHIPPED));
        ALLOWED.put(State.SHIPPED, EnumSet.of(State.DELIVERED));
        ALLOWED.put(State.DELIVERED, EnumSet.noneOf(State.class));
        ALLOWED.put(State.CANCELLED, EnumSet.noneOf(State.class));
    }

    private final Clock clock;
    private final List<Step> history = new ArrayList<>();
    private State state = State.OPEN;

    public OrderStateMachine(Clock clock) {
        this.clock = clock;
    }

    public State state() {
        return state;
    }

    public boolean canGo(State next) {
        return ALLOWED.get(state).contains(next);
    }

    /**
     * Takes one step.
     *
     * @throws IllegalStepException if the step is not allowed
     */
    public void go(State next, String reason) {
        if (state == next) {
            return;
        }
        if (!canGo(next)) {
            throw new IllegalStepException(state, next);
        }
        history.add(new Step(state, next, clock.instant(), reason));
        state = next;
    }

    public void cancel() {
        go(State.CANCELLED, "cancelled by customer");
    }

    public List<Step> history() {
        return List.copyOf(history);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(State.OPEN.name());
        for (Step step : history) {
            text.append(" -> ").append(step.to());
        }
        return text.toString();
    }
}
