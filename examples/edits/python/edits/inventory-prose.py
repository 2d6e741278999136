Please rename the method release to give_back so that its purpose is clearer.
It should also complain when more is given back than was reserved. All callers
in the other modules need the same change, and the tests as well.
