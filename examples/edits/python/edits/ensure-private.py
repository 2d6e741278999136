def ensure(path, mode=0o700):
    """Create a directory that only its owner may read, and return it."""
    os.makedirs(path, mode=mode, exist_ok=True)
    return path
