//! Compiled modules on disk, shared by the processes of one user.
//!
//! wasmtime maps a compiled module as it is and runs it: whoever writes such a file decides what this process
//! does. So the directory is private to the user, every file ends in a digest under a key that lies beside it, and
//! what does not match is thrown away and compiled anew. Files are written under another name and renamed, so no
//! reader sees half of one.
//!
//! A file is the compiled code, then the text that says why the module starts cold (if it does), the text's length
//! in four bytes, and the digest of all that and of the module's name in the cache (HMAC-SHA-256).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::compile::Compiled;
use crate::error::EngineError;

/// Bytes of the key and of a digest.
const DIGEST: usize = 32;
/// Most characters of the text that says why a module starts cold.
const MAX_REASON: usize = 1000;
/// A file of a writer that died is removed after this time.
const STALE: Duration = Duration::from_secs(3600);
const KEY_FILE: &str = "key";
const LOCK_FILE: &str = "lock";
const SUFFIX: &str = "cwasm";

/// A directory of compiled modules.
pub struct ModuleCache {
    dir: PathBuf,
    key: [u8; DIGEST],
    max_bytes: u64,
}

impl std::fmt::Debug for ModuleCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleCache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// A file whose digest was right, open, so that what is mapped is what was checked.
pub(crate) struct CachedFile {
    file: File,
    /// Why instances start cold, when they do.
    pub(crate) cold: Option<String>,
}

impl CachedFile {
    /// A path that leads to the open file, whatever has become of its name.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }
}

/// Held while one process compiles, so that another that wants the same module waits and finds it.
pub(crate) struct CompileLock {
    _file: File,
}

impl ModuleCache {
    /// Opens the cache in `dir`, which is made when it is missing, and keeps it below `max_bytes` of compiled code
    /// by removing what was not used for longest.
    ///
    /// # Errors
    /// [`EngineError::File`] when the directory cannot be used, or when others than its owner may enter it.
    pub fn open(dir: &Path, max_bytes: u64) -> Result<Self, EngineError> {
        let refused = |detail: String| EngineError::File {
            path: dir.to_path_buf(),
            detail: format!("module cache: {detail}"),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| refused(error.to_string()))?;
        let about = fs::symlink_metadata(dir).map_err(|error| refused(error.to_string()))?;
        if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() || about.mode() & 0o077 != 0
        {
            return Err(refused(
                "it has to be a directory of this user that nobody else may enter (mode 0700)".into(),
            ));
        }
        let key = read_or_make_key(dir).map_err(|error| refused(error.to_string()))?;
        Ok(Self { dir: dir.to_path_buf(), key, max_bytes })
    }

    /// The compiled module of this name, when it is there and its digest is right. A file that is not right is
    /// removed.
    pub(crate) fn get(&self, name: &str) -> Option<CachedFile> {
        let path = self.path(name);
        let file = File::open(&path).ok()?;
        match self.check(name, &file) {
            Ok(cold) => {
                // When it was last used decides what is removed first.
                let _ = file.set_modified(SystemTime::now());
                Some(CachedFile { file, cold })
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a compiled module is not what was written; it is compiled anew");
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Keeps a compiled module under a name.
    ///
    /// # Errors
    /// When it cannot be written; nothing depends on it.
    pub(crate) fn put(&self, name: &str, compiled: &Compiled) -> io::Result<()> {
        let reason: String = compiled.cold.clone().unwrap_or_default().chars().take(MAX_REASON).collect();
        let length = u32::try_from(reason.len()).unwrap_or_default().to_le_bytes();
        let mut mac = self.mac(name);
        let temporary = self.dir.join(format!("{name}.{}.tmp", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        for part in [&compiled.code[..], reason.as_bytes(), &length] {
            mac.update(part);
            file.write_all(part)?;
        }
        file.write_all(&mac.finalize().into_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, self.path(name))?;
        self.sweep(name)
    }

    /// Waits until no other process of this user compiles.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub(crate) fn lock(&self) -> io::Result<CompileLock> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.dir.join(LOCK_FILE))?;
        file.lock()?;
        Ok(CompileLock { _file: file })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.{SUFFIX}"))
    }

    /// A digest under the cache's key. The name goes in first, so that a file cannot stand in for another.
    fn mac(&self, name: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length will do");
        mac.update(name.as_bytes());
        mac
    }

    /// Reads all of the file and compares digests; answers why the module starts cold.
    fn check(&self, name: &str, file: &File) -> io::Result<Option<String>> {
        let size = file.metadata()?.len();
        let signed = size.checked_sub(DIGEST as u64).ok_or_else(|| broken("it is too short"))?;
        let mut mac = self.mac(name);
        let mut buffer = vec![0; 1 << 18];
        let mut place = 0;
        while place < signed {
            let most = usize::try_from(signed - place).unwrap_or(usize::MAX).min(buffer.len());
            file.read_exact_at(&mut buffer[..most], place)?;
            mac.update(&buffer[..most]);
            place += most as u64;
        }
        let mut digest = [0; DIGEST];
        file.read_exact_at(&mut digest, signed)?;
        mac.verify_slice(&digest).map_err(|_| broken("its digest is wrong"))?;
        read_reason(file, signed)
    }

    /// Removes leftovers of dead writers, and the modules that were not used for longest while there are too many.
    fn sweep(&self, keep: &str) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.dir)?.flatten() {
            let (path, about) = (entry.path(), entry.metadata()?);
            let age = about.modified()?;
            match path.extension().and_then(|suffix| suffix.to_str()) {
                Some(SUFFIX) => files.push((age, about.len(), path)),
                Some("tmp") if age.elapsed().is_ok_and(|age| age > STALE) => fs::remove_file(&path)?,
                _ => {}
            }
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        let kept = self.path(keep);
        for (_, size, path) in files {
            if total <= self.max_bytes {
                break;
            }
            if path != kept {
                fs::remove_file(&path)?;
                total -= size;
            }
        }
        Ok(())
    }
}

/// Reads the text before its own length, which ends at `end`; `None` when it is empty.
fn read_reason(file: &File, end: u64) -> io::Result<Option<String>> {
    let mut length = [0; 4];
    let start = end.checked_sub(4).ok_or_else(|| broken("it is too short"))?;
    file.read_exact_at(&mut length, start)?;
    let length = u32::from_le_bytes(length);
    let start = start.checked_sub(u64::from(length)).ok_or_else(|| broken("its reason is too long"))?;
    let mut text = vec![0; length as usize];
    file.read_exact_at(&mut text, start)?;
    Ok((length > 0).then(|| String::from_utf8_lossy(&text).into_owned()))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The key of the cache; the first process makes it. A hard link fails when the name is taken, so all processes
/// end up with the same key.
fn read_or_make_key(dir: &Path) -> io::Result<[u8; DIGEST]> {
    let path = dir.join(KEY_FILE);
    for _ in 0..2 {
        match fs::read(&path) {
            Ok(bytes) => {
                return bytes
                    .try_into()
                    .map_err(|_| broken("the file `key` has not 32 bytes; remove the directory"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let temporary = dir.join(format!("{KEY_FILE}.{}.tmp", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&rand::random::<[u8; DIGEST]>())?;
        file.sync_all()?;
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Err(io::Error::other("the file `key` cannot be made"))
}

/// Where compiled modules are kept unless the configuration says otherwise: `booster-fleet/modules` in the user's
/// cache directory; `None` when the environment names none.
pub fn default_cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("booster-fleet/modules"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn compiled(text: &str, cold: Option<&str>) -> Compiled {
        Compiled { code: text.as_bytes().to_vec(), cold: cold.map(str::to_owned) }
    }

    fn cache(dir: &Path, max_bytes: u64) -> ModuleCache {
        ModuleCache::open(&dir.join("cache"), max_bytes).unwrap()
    }

    #[test]
    fn what_was_put_is_found_by_every_process_that_has_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let first = cache(dir.path(), 1 << 20);
        assert!(first.get("a").is_none());
        first.put("a", &compiled("code", None)).unwrap();
        first.put("b", &compiled(&"x".repeat(300_000), Some("it has nested modules"))).unwrap();
        let second = cache(dir.path(), 1 << 20);
        let found = second.get("a").unwrap();
        assert_eq!(found.cold, None);
        assert!(fs::read(found.path()).unwrap().starts_with(b"code"));
        assert_eq!(second.get("b").unwrap().cold.as_deref(), Some("it has nested modules"));
        for entry in fs::read_dir(dir.path().join("cache")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
    }

    #[test]
    fn one_changed_bit_anywhere_and_the_file_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 1 << 20);
        cache.put("a", &compiled("some code", Some("why"))).unwrap();
        let path = cache.path("a");
        let good = fs::read(&path).unwrap();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(cache.get("a").is_none(), "byte {place}");
            assert!(!path.exists(), "byte {place}");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert!(cache.get("a").is_none(), "{length} bytes");
        }
        // A file that belongs to another module is no better.
        fs::write(cache.path("b"), &good).unwrap();
        assert!(cache.get("b").is_none());
        fs::write(&path, &good).unwrap();
        assert!(cache.get("a").is_some());
    }

    #[test]
    fn a_file_signed_with_another_key_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = ModuleCache::open(&dir.path().join("theirs"), 1 << 20).unwrap();
        theirs.put("a", &compiled("code", None)).unwrap();
        let ours = cache(dir.path(), 1 << 20);
        fs::copy(theirs.path("a"), ours.path("a")).unwrap();
        assert!(ours.get("a").is_none());
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 2500);
        let hour = |n: u64| SystemTime::now() - Duration::from_secs(3600 * n);
        for (name, age) in [("a", 3), ("b", 2)] {
            cache.put(name, &compiled(&"x".repeat(1000), None)).unwrap();
            File::open(cache.path(name)).unwrap().set_modified(hour(age)).unwrap();
        }
        // A use makes it young again.
        assert!(cache.get("a").is_some());
        cache.put("c", &compiled(&"x".repeat(1000), None)).unwrap();
        assert!(cache.get("b").is_none());
        assert!(cache.get("a").is_some() && cache.get("c").is_some());
        // What was just compiled stays, even when it alone is too large.
        cache.put("d", &compiled(&"x".repeat(9000), None)).unwrap();
        assert!(cache.get("d").is_some() && cache.get("a").is_none() && cache.get("c").is_none());
    }

    #[test]
    fn leftovers_of_dead_writers_are_removed_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(dir.path(), 1 << 20);
        let (old, young) = (cache.dir.join("x.1.tmp"), cache.dir.join("x.2.tmp"));
        for path in [&old, &young] {
            fs::write(path, "half").unwrap();
        }
        File::open(&old).unwrap().set_modified(SystemTime::now() - 2 * STALE).unwrap();
        cache.put("a", &compiled("code", None)).unwrap();
        assert!(!old.exists() && young.exists());
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let error = ModuleCache::open(&open, 1).unwrap_err();
        assert!(error.to_string().contains("0700"), "{error}");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(ModuleCache::open(&link, 1).is_err());
    }
}
