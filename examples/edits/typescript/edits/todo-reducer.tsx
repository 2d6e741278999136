// ... existing code ...

export function todoReducer(state: Todo[], action: Action): Todo[] {
  switch (action.type) {
    case "add": {
      const text = action.text.trim();
      return text === "" ? state : [...state, { id: nextId++, text, done: false }];
    }
    case "toggle":
      return state.map((todo) =>
        todo.id === action.id ? { ...todo, done: !todo.done } : todo,
      );
    case "remove":
      return state.filter((todo) => todo.id !== action.id);
  }
}

// ... rest of the file ...
