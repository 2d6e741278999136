Please rename the function that reads a name so that its purpose is clearer.
It should also stop at the first digit, because names with digits in them are
confusing for the users. After that, update all the places where it is called,
and mention the change in the comment at the top of the file.
