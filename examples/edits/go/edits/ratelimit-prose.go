The bucket should also be able to hand out several tokens at once. Please add
a method for that next to the one that takes a single token, and let the old
one call the new one. Do not forget to hold the lock while the tokens are
counted, and say in the comment what happens when more tokens are asked for
than the bucket can ever hold.
