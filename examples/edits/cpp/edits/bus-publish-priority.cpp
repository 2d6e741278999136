void publish(Event event)
{
#ifdef EVENT_BUS_LOG
	std::clog << "publish " << event.topic << '\n';
#endif
	if (event.priority > 0)
		queue_.push_front(std::move(event));
	else
		queue_.push_back(std::move(event));
}
