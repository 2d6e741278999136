def load(self, name):
    if ".." in name.split("/") or name.startswith("/"):
        raise TemplateError(f"bad template name {name!r}")
    path = f"{self.folder}/{name}"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read().replace("\r\n", "\n")
    except FileNotFoundError:
        raise TemplateError(f"no template {name!r} in {self.folder}") from None
