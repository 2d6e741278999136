	bool unsubscribe(int id)
	{
<<<<<<< HEAD
		for (auto &entry : subscribers_) {
=======
		for (auto &[topic, list] : subscribers_) {
>>>>>>> structured-bindings
			auto &list = entry.second;
			auto found = std::find_if(list.begin(), list.end(),
				[id](const Subscriber &s) { return s.id == id; });
			if (found != list.end()) {
				list.erase(found);
				return true;
			}
		}
		return false;
	}
