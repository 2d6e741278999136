/*
 * A bus that carries named events from publishers to subscribers. Events
 * are queued first and delivered by pump(), so that a handler may publish
 * new events without getting into deep recursion.
 */
#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#ifdef EVENT_BUS_LOG
#include <iostream>
#endif

namespace bus {

struct Event {
	std::string topic;
	std::string payload;
	int priority = 0;
};

using Handler = std::function<void(const Event &)>;

class EventBus {
public:
	/* Returns a number with which the handler can be taken off again. */
	int subscribe(const std::string &topic, Handler handler)
	{
		int id = next_id_++;
		subscribers_[topic].push_back({id, std::move(handler)});
		return id;
	}

	bool unsubscribe(int id)
	{
		for (auto &entry : subscribers_) {
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

	void publish(Event event)
	{
#ifdef EVENT_BUS_LOG
		std::clog << "publish " << event.topic << '\n';
#endif
		queue_.push_back(std::move(event));
	}

	void publish(const std::string &topic, const std::string &payload)
	{
		publish(Event{topic, payload, 0});
	}

	/* Delivers at most `limit` events and returns how many it delivered. */
	std::size_t pump(std::size_t limit)
	{
		std::size_t delivered = 0;

		while (delivered < limit && !queue_.empty()) {
			Event event = std::move(queue_.front());
			queue_.pop_front();
			deliver(event);
			++delivered;
		}
		return delivered;
	}

	std::size_t pending() const { return queue_.size(); }

private:
	struct Subscriber {
		int id;
		Handler handler;
	};

	void deliver(const Event &event)
	{
		auto found = subscribers_.find(event.topic);
		if (found == subscribers_.end())
			return;
		/* A copy, because handlers may subscribe or unsubscribe. */
		auto list = found->second;
		for (auto &subscriber : list)
			subscriber.handler(event);
	}

	std::map<std::string, std::vector<Subscriber>> subscribers_;
	std::deque<Event> queue_;
	int next_id_ = 1;
};

/* Takes a handler off when it goes out of scope. */
class Subscription {
public:
	Subscription(EventBus &bus, int id) : bus_(bus), id_(id) {}
	~Subscription() { bus_.unsubscribe(id_); }

	Subscription(const Subscription &) = delete;
	Subscription &operator=(const Subscription &) = delete;

private:
	EventBus &bus_;
	int id_;
};

} // namespace bus
