The door should stop when the button is pressed twice within a second. Please
add a state for that and make sure that the listeners are told about it. I think
the best place is the table at the top of the file, but use your own judgement.
