public class OrderStateMachine {
    // ... existing code ...

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

    // ... existing code ...
}
