const usage = `Settings are read in this order, later ones win:

  1. built-in defaults
  2. the file named by {config}
  3. environment variables that start with "{prefix}_"
  4. flags of the form --section.key=value

A setting such as "${HOME}/{data" may have an open brace in it.
`
