I would make the search for loops report the whole loop and not only one task.
To do this, keep a list of the tasks on the way and add the current task at the
start of the visit. When a grey task is met, join the names in the list with
arrows and put the result into the message of the error. Remove the task from
the list at the end of the visit.
