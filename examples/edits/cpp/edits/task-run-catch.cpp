  bool run() {
    bool ok = true;
    try {
      ok = action_ ? action_() : true;
    } catch (...) {
      ok = false;
    }
    outcome_ = ok ? Outcome::Done : Outcome::Failed;
    return ok;
  }
