static double call(calc *c, const char *name, const double *args, int count) {
  // ... existing code ...
  if (strcmp(name, "abs") == 0 && count == 1) {
    return fabs(args[0]);
  }
  if (strcmp(name, "floor") == 0 && count == 1) {
    return floor(args[0]);
  }
  if (strcmp(name, "min") == 0 && count == 2) {
    return args[0] < args[1] ? args[0] : args[1];
  }
  // ... existing code ...
}
