//! Files under the configured roots, and nothing else.
//!
//! Every path is resolved beneath the open handle of its root (`cap-std`, `openat2` on Linux), and a file is read
//! and replaced through the handle of its directory. So neither `..` nor a symlink leads out of a root, and neither
//! does a directory that is swapped for a symlink between two steps.

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::fchown;
use std::path::{Path, PathBuf};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, PermissionsExt};
use cap_tempfile::TempFile;

use super::answer::Failure;
use crate::error::ClientError;

/// Largest file that is edited, bytes; the edit engine takes no larger one.
const MAX_BYTES: u64 = booster_apply::MAX_BYTES as u64;

/// Directories whose files may be edited.
#[derive(Debug)]
pub(crate) struct Roots {
    roots: Vec<Root>,
}

#[derive(Debug)]
struct Root {
    dir: Dir,
    /// The path as it was given, made absolute, and the same without symlinks: callers may use either.
    names: [PathBuf; 2],
}

impl Roots {
    /// Opens the directories; they stay the same ones even when they are renamed.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when one is no directory, or none is named.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, ClientError> {
        if paths.is_empty() {
            return Err(ClientError::usage("--root", "expected at least one directory"));
        }
        let open = |path: &PathBuf| -> io::Result<Root> {
            let names = [std::path::absolute(path)?, path.canonicalize()?];
            Ok(Root { dir: Dir::open_ambient_dir(path, ambient_authority())?, names })
        };
        let named = |path: &PathBuf| {
            open(path).map_err(|error| {
                let detail = format!("{error}; expected a directory whose files may be edited");
                ClientError::usage(format!("--root {}", path.display()), detail)
            })
        };
        Ok(Self { roots: paths.iter().map(named).collect::<Result<_, _>>()? })
    }

    /// Finds a file. A relative path is taken from the first root, an absolute one has to begin with a root's.
    pub(crate) fn find(&self, path: &str) -> Result<Place, Failure> {
        let (dir, inside) = self.beneath(Path::new(path)).ok_or_else(|| self.outside(path))?;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::new("file_not_found", format!("`{path}` does not exist")),
            // What leads out is refused by the resolution itself, not by the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => self.outside(path),
            _ => Failure::new("file_unreadable", format!("`{path}`: {error}")),
        };
        // Without symlinks, so that it is the file itself that is replaced and not a link to it.
        let inside = dir.canonicalize(inside).map_err(failed)?;
        let name = inside.file_name().ok_or_else(|| not_a_file(path))?.to_owned();
        let parent = inside.parent().filter(|parent| !parent.as_os_str().is_empty());
        let dir = dir.open_dir(parent.unwrap_or(Path::new("."))).map_err(failed)?;
        Ok(Place { path: path.to_owned(), dir, name })
    }

    /// The root of a path, and the path from there on.
    fn beneath<'a>(&'a self, path: &'a Path) -> Option<(&'a Dir, &'a Path)> {
        if path.is_relative() {
            return self.roots.first().map(|root| (&root.dir, path));
        }
        let inside = |root: &'a Root| {
            let rest = root.names.iter().find_map(|name| path.strip_prefix(name).ok())?;
            Some((&root.dir, if rest.as_os_str().is_empty() { Path::new(".") } else { rest }))
        };
        self.roots.iter().find_map(inside)
    }

    fn outside(&self, path: &str) -> Failure {
        let roots: Vec<String> = self.roots.iter().map(|root| root.names[0].display().to_string()).collect();
        let message = format!("`{path}` is not under a root; the roots are {}", roots.join(", "));
        Failure::new("path_outside", message)
    }
}

/// Where a file is: the handle of its directory, and its name there.
#[derive(Debug)]
pub(crate) struct Place {
    path: String,
    dir: Dir,
    name: OsString,
}

impl Place {
    /// A number that all callers who mean this file get, and others rarely.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let dir = self.dir.dir_metadata().map(|dir| (dir.dev(), dir.ino())).unwrap_or_default();
        (dir, &self.name).hash(&mut hasher);
        hasher.finish()
    }

    /// Reads the file's text. With `writable`, only if this process could write it too.
    pub(crate) fn read(self, writable: bool) -> Result<TextFile, Failure> {
        let (text, owner) = self.content(writable)?;
        Ok(TextFile { place: self, text, owner })
    }

    fn content(&self, writable: bool) -> Result<(String, Owner), Failure> {
        let path = &self.path;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Failure::new("file_not_found", format!("`{path}` does not exist")),
            io::ErrorKind::PermissionDenied => {
                Failure::new("file_not_permitted", format!("`{path}`: {error}"))
            }
            _ => Failure::new("file_unreadable", format!("`{path}`: {error}")),
        };
        // A device or pipe is not even opened; one that takes the file's place now cannot hold us up.
        if !self.dir.symlink_metadata(&self.name).map_err(failed)?.is_file() {
            return Err(not_a_file(path));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(writable).follow(FollowSymlinks::No).nonblock(true);
        let mut file = self.dir.open_with(&self.name, &options).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(not_a_file(path));
        }
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("`{path}` has {} bytes, at most {MAX_BYTES} are edited", metadata.len());
            return Err(Failure::new("file_too_large", message));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            Failure::new("file_not_text", format!("`{path}` is not UTF-8: byte {place} is wrong"))
        })?;
        let owner = Owner { user: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & 0o7777 };
        Ok((text, owner))
    }
}

/// Whose a file is, and what they may do with it.
#[derive(Debug)]
struct Owner {
    user: u32,
    group: u32,
    mode: u32,
}

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct TextFile {
    place: Place,
    /// Its content.
    pub(crate) text: String,
    owner: Owner,
}

impl TextFile {
    /// Replaces the file whole or not at all, with the owner and permissions that it had, unless it has changed
    /// since it was read.
    pub(crate) fn replace(&self, text: &str) -> Result<(), Failure> {
        let Place { path, dir, name } = &self.place;
        let failed =
            |error: io::Error| Failure::new("file_not_written", format!("`{path}` was not written: {error}"));
        let mut new = TempFile::new(dir).map_err(failed)?;
        self.owner.give(new.as_file()).map_err(failed)?;
        new.write_all(text.as_bytes()).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        if self.place.content(true)?.0 != self.text {
            let message =
                format!("`{path}` was changed by somebody else meanwhile; read it again and repeat the edit");
            return Err(Failure::new("file_changed", message));
        }
        new.replace(name).map_err(failed)
    }
}

impl Owner {
    /// Gives a new file to this owner. It is empty still, so nobody reads what they should not.
    fn give(&self, file: &cap_std::fs::File) -> io::Result<()> {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (self.user, self.group) {
            fchown(file, Some(self.user), Some(self.group)).map_err(|error| {
                io::Error::new(error.kind(), format!("its owner cannot be kept: {error}"))
            })?;
        }
        file.set_permissions(cap_std::fs::Permissions::from_mode(self.mode))
    }
}

fn not_a_file(path: &str) -> Failure {
    Failure::new("file_not_regular", format!("`{path}` is not a file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn site() -> (tempfile::TempDir, PathBuf, Roots) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(root.join("sub/a.txt"), "inside").unwrap();
        std::fs::write(dir.path().join("secret.txt"), "outside").unwrap();
        let roots = Roots::open(std::slice::from_ref(&root)).unwrap();
        (dir, root, roots)
    }

    fn reason<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().reason
    }

    #[test]
    fn relative_and_absolute_paths_find_what_is_inside() {
        let (_dir, root, roots) = site();
        let absolute = root.join("sub/a.txt").display().to_string();
        for path in ["sub/a.txt", "./sub/../sub/a.txt", &absolute] {
            assert_eq!(roots.find(path).unwrap().read(true).unwrap().text, "inside", "{path}");
        }
        assert_eq!(roots.find("sub/a.txt").unwrap().key(), roots.find(&absolute).unwrap().key());
    }

    #[test]
    fn nothing_outside_is_found() {
        let (dir, root, roots) = site();
        symlink("../secret.txt", root.join("link.txt")).unwrap();
        symlink(dir.path(), root.join("up")).unwrap();
        symlink("..", root.join("sub/up")).unwrap();
        let secret = dir.path().join("secret.txt").display().to_string();
        let climbing = root.join("../secret.txt").display().to_string();
        let ways =
            ["../secret.txt", "sub/../../secret.txt", "link.txt", "up/secret.txt", "sub/up/../secret.txt"];
        for path in ways.into_iter().chain([secret.as_str(), &climbing, "/proc/self/cwd"]) {
            assert_eq!(reason(roots.find(path)), "path_outside", "{path}");
        }
        assert_eq!(reason(roots.find("sub/none.txt")), "file_not_found");
        assert_eq!(reason(roots.find("")), "file_not_found");
    }

    #[test]
    fn a_link_that_stays_inside_leads_to_its_file() {
        let (_dir, root, roots) = site();
        symlink("sub/a.txt", root.join("link.txt")).unwrap();
        roots.find("link.txt").unwrap().read(true).unwrap().replace("new").unwrap();
        assert_eq!(std::fs::read_to_string(root.join("sub/a.txt")).unwrap(), "new");
        assert!(root.join("link.txt").is_symlink());
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let (_dir, root, roots) = site();
        std::fs::write(root.join("bytes"), [0xff, 0]).unwrap();
        std::fs::File::create(root.join("large")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        for (path, expected) in [
            ("bytes", "file_not_text"),
            ("large", "file_too_large"),
            ("socket", "file_not_regular"),
            ("sub", "file_not_regular"),
        ] {
            assert_eq!(reason(roots.find(path).unwrap().read(false)), expected, "{path}");
        }
        assert_eq!(reason(roots.find(".")), "file_not_regular");
    }

    #[test]
    fn permissions_stay_and_nothing_is_left_behind() {
        let (_dir, root, roots) = site();
        let path = root.join("sub/a.txt");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o751)).unwrap();
        roots.find("sub/a.txt").unwrap().read(true).unwrap().replace("new").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o751);
        assert_eq!(std::fs::read_dir(root.join("sub")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_has_changed_meanwhile_is_left_alone() {
        let (_dir, root, roots) = site();
        let file = roots.find("sub/a.txt").unwrap().read(true).unwrap();
        std::fs::write(root.join("sub/a.txt"), "theirs").unwrap();
        assert_eq!(reason(file.replace("ours")), "file_changed");
        assert_eq!(std::fs::read_to_string(root.join("sub/a.txt")).unwrap(), "theirs");
        assert_eq!(std::fs::read_dir(root.join("sub")).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_file_swapped_for_a_link_meanwhile_is_not_followed() {
        let (dir, root, roots) = site();
        let place = roots.find("sub/a.txt").unwrap();
        std::fs::remove_file(root.join("sub/a.txt")).unwrap();
        symlink("../../secret.txt", root.join("sub/a.txt")).unwrap();
        assert_eq!(reason(place.read(true)), "file_not_regular");
        // The same with the directory: its handle stays the directory that was found.
        std::fs::create_dir(root.join("deep")).unwrap();
        std::fs::write(root.join("deep/secret.txt"), "inside").unwrap();
        let file = roots.find("deep/secret.txt").unwrap().read(true).unwrap();
        std::fs::rename(root.join("deep"), root.join("moved")).unwrap();
        symlink(dir.path(), root.join("deep")).unwrap();
        file.replace("new").unwrap();
        assert_eq!(std::fs::read_to_string(root.join("moved/secret.txt")).unwrap(), "new");
        assert_eq!(std::fs::read_to_string(dir.path().join("secret.txt")).unwrap(), "outside");
    }
}
