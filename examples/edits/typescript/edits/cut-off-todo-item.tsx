// ... existing code ...

function TodoItem({ todo, onToggle, onRemove }: TodoItemProps) {
  const id = `todo-${todo.id}`;
  return (
    <li className={todo.done ? "todo todo--done" : "todo"}>
      <input id={id} type="checkbox" checked={todo.done} onChange={() => onToggle(todo.id)} />
      <label htmlFor={id}>
