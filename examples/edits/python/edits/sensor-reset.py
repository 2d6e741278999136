    def reset(self):
        self.samples = []
        self.port.flush()
