function debounce(fn, wait) {
  let timer = null;

  // ... existing code ...

  debounced.cancel = () => {
    clearTimeout(timer);
    timer = null;
  };

  debounced.isPending = () => timer !== null;

  return debounced;
}
