  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      // ... existing code ...
      await found.route.handler(req, res, found.params);
    } catch (error) {
      if (res.headersSent) {
        res.destroy();
        return;
      }
      this.fail(res, error);
    }
  }
