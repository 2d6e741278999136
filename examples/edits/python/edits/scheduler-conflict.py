    def pause(self):
<<<<<<< HEAD
        self._paused = True
        log.info("paused")
=======
        self._paused = True
        self._paused_at = self._clock()
>>>>>>> feature/pause-times
