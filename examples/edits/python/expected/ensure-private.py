"""Where the program keeps its files on each platform."""

import os
import sys

APP = "fieldnotes"

if sys.platform == "win32":

    def data_dir():
        return os.path.join(os.environ["APPDATA"], APP)

else:

    def data_dir():
        return os.path.join(os.environ["HOME"], APP)


def ensure(path, mode=0o700):
    """Create a directory that only its owner may read, and return it."""
    os.makedirs(path, mode=mode, exist_ok=True)
    return path


def log_file(name="app.log"):
    """Path of a log file, its folder created on the way."""
    folder = ensure(os.path.join(data_dir(), "logs"))
    return os.path.join(folder, name)


def cache_file(key):
    folder = ensure(os.path.join(data_dir(), "cache"))
    safe = "".join(ch if ch.isalnum() else "_" for ch in key)
    return os.path.join(folder, safe)
