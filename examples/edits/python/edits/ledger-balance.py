    def balance(self, name):
        if not name:
            raise ValueError("which account?")
        return self.account(name).total()
