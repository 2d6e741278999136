	void publish(const std::string &topic, const std::string &payload)
	{
		if (!topic.empty())
			publish(Event{topic, payload, 0});
	}
