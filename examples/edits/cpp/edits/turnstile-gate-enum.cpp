// ... existing code ...

enum class Gate { Locked, Open, Broken, Serviced };

// ... existing code ...

void Turnstile::service()
{
	coins_ = 0;
	gate_ = Gate::Serviced;
}
