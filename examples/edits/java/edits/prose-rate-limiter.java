The limiter should also be able to take several tokens at once.
Please add a second method for this, next to the one that takes a single token.
It should leave the bucket alone when there are not enough tokens in it.
