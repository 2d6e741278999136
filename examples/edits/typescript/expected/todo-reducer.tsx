import React, { useMemo, useReducer, useState } from "react";

export interface Todo {
  id: number;
  text: string;
  done: boolean;
}

type Action =
  | { type: "add"; text: string }
  | { type: "toggle"; id: number }
  | { type: "remove"; id: number };

let nextId = 1;

/** All changes of the list go through here. */
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

interface TodoItemProps {
  todo: Todo;
  onToggle: (id: number) => void;
  onRemove: (id: number) => void;
}

function TodoItem({ todo, onToggle, onRemove }: TodoItemProps) {
  return (
    <li className={todo.done ? "todo todo--done" : "todo"}>
      <label>
        <input type="checkbox" checked={todo.done} onChange={() => onToggle(todo.id)} />
        {todo.text}
      </label>
      <button onClick={() => onRemove(todo.id)}>Don't keep</button>
    </li>
  );
}

function EmptyHint() {
  return <p className="hint">Nothing to do. That's great {":-)"}</p>;
}

/** The input line above the list. */
function NewTodo({ onAdd }: { onAdd: (text: string) => void }) {
  const [text, setText] = useState("");

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") {
      onAdd(text.trim());
      setText("");
    }
  };

  return (
    <form onSubmit={submit}>
      <input
        value={text}
        placeholder="What's next?"
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit">Add</button>
    </form>
  );
}

export function TodoList({ initial = [] }: { initial?: Todo[] }) {
  const [todos, dispatch] = useReducer(todoReducer, initial);
  const open = useMemo(() => todos.filter((todo) => !todo.done).length, [todos]);

  return (
    <section>
      <h2>Todos ({open} open)</h2>
      <NewTodo onAdd={(text) => dispatch({ type: "add", text })} />
      {todos.length === 0 ? (
        <EmptyHint />
      ) : (
        <ul>
          {todos.map((todo) => (
            <TodoItem
              key={todo.id}
              todo={todo}
              onToggle={(id) => dispatch({ type: "toggle", id })}
              onRemove={(id) => dispatch({ type: "remove", id })}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
