fn cmp(&self, other: &Self) -> Ordering {
    let mine = (self.major, self.minor, self.patch);
    let theirs = (other.major, other.minor, other.patch);
    mine.cmp(&theirs)
}
