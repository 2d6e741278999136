@SuppressWarnings("unchecked")
public T pop() {
	if (size == 0) {
		throw new NoSuchElementException("the buffer is empty");
	}
	T element = (T) slots[head];
	slots[head] = null;
	head = (head + 1) % slots.length;
	size--;
	return element;
}
