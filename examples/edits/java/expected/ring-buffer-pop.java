package util;

import java.util.Iterator;
import java.util.NoSuchElementException;

/** A queue with a fixed size that forgets the oldest element when it is full. */
public class RingBuffer<T> implements Iterable<T> {
	private final Object[] slots;
	private int head;
	private int size;

	public RingBuffer(int capacity) {
		slots = new Object[capacity];
	}

	public int size() {
		return size;
	}

	public void push(T element) {
		slots[(head + size) % slots.length] = element;
		if (size < slots.length) {
			size++;
		} else {
			head = (head + 1) % slots.length;
		}
	}

	/** Removes the oldest element. */
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

	@Override
	public Iterator<T> iterator() {
		return new Iterator<T>() {
			private int index = 0;

			@Override
			public boolean hasNext() {
				return index < size;
			}

			@Override
			@SuppressWarnings("unchecked")
			public T next() {
				if (!hasNext()) {
					throw new NoSuchElementException();
				}
				return (T) slots[(head + index++) % slots.length];
			}
		};
	}
}
