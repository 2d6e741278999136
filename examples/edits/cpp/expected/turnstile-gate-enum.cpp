#include <stdexcept>

enum class Gate { Locked, Open, Broken, Serviced };

/* A turnstile that takes coins and counts the people who go through. */
class Turnstile {
public:
	void coin();
	void push();
	void service();

	Gate gate() const { return gate_; }
	int passed() const { return passed_; }

private:
	Gate gate_ = Gate::Locked;
	int coins_ = 0;
	int passed_ = 0;
};

void Turnstile::coin()
{
	if (gate_ == Gate::Broken)
		throw std::logic_error("turnstile is broken");
	++coins_;
	gate_ = Gate::Open;
}

/* A push against the locked arms breaks the turnstile when it is full. */
void Turnstile::push()
{
	if (gate_ == Gate::Open) {
		++passed_;
		gate_ = Gate::Locked;
	} else if (coins_ > 1000) {
		gate_ = Gate::Broken;
	}
}

void Turnstile::service()
{
	coins_ = 0;
	gate_ = Gate::Serviced;
}
