class EventBus {
public:
	// ... existing code ...

	std::size_t pump(std::size_t limit)
	{
		std::size_t delivered = 0;

		while (delivered < limit && !queue_.empty()) {
			Event event = std::move(queue_.front());
			queue_.pop_front();
			if (deliver(event))
				++delivered;
		}
		return delivered;
	}

	// ... existing code ...

	bool deliver(const Event &event)
	{
		auto found = subscribers_.find(event.topic);
		if (found == subscribers_.end())
			return false;
		/* A copy, because handlers may subscribe or unsubscribe. */
		auto list = found->second;
		for (auto &subscriber : list)
			subscriber.handler(event);
		return true;
	}

	// ... existing code ...
};
