void Turnstile::push()
{
	if (gate_ == Gate::Open) {
		++passed_;
		--coins_;
		gate_ = coins_ > 0 ? Gate::Open : Gate::Locked;
	} else if (coins_ > 1000) {
		gate_ = Gate::Broken;
	}
}
