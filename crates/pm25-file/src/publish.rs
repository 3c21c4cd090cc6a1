//! The publish protocol: a file appears under its name whole, durable, or not at all.
//!
//! ```text
//! temp file in the target's folder (O_EXCL, random name) → write → fsync → rename or link → fsync folder
//! file without a name in that folder (O_TMPFILE, Linux)   → write → fsync → link, rename   → fsync folder
//! ```
//!
//! An error leaves the old file as it was and no litter. fsync is never tried twice: after a failure the
//! kernel may have marked the lost pages clean (PostgreSQL wiki, "Fsync Errors").

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

use crate::{Fault, Result};

/// Puts `bytes` at `path`, replacing what was there.
///
/// A symbolic link at `path` is replaced, not followed; a folder there is an error.
pub fn publish(path: &Path, bytes: &[u8]) -> Result<()> {
    publish_from(path, &mut &*bytes)
}

/// Puts what a reader gives at `path`, replacing what was there; nothing is held but a buffer.
pub fn publish_from(path: &Path, source: &mut dyn Read) -> Result<()> {
    let wet = copy_to_temp(path, source)?;
    wet.persist(path).map_err(|e| unwritable(path, e.error))?;
    done("rename");
    sync_folder(path)
}

/// Puts `bytes` at `path` if nothing is there; otherwise a conflict. Two writers cannot both succeed.
pub fn publish_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let wet = copy_to_temp(path, &mut &*bytes)?;
    match fs::hard_link(&wet, path) {
        Ok(()) => {
            done("link");
            sync_folder(path)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Fault::conflict(format!(
            "{}: somebody else made it first",
            path.display()
        ))),
        Err(e) => Err(unwritable(path, e)),
    }
}

/// A file without a name that [`publish_nameless`] can put at `path`; none where the system or the folder has no such.
pub(crate) fn nameless_for(path: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).ok()?;
        let mut options = File::options();
        // Narrowed by the umask, as any file that a program creates.
        options
            .read(true)
            .write(true)
            .custom_flags(flags)
            .mode(0o666);
        // Without the list of open files it could not be given a name.
        if Path::new(OPEN_FILES).is_dir() {
            return options.open(folder_of(path)).ok();
        }
    }
    let _ = path;
    None
}

/// Where Linux lists the open files of a process.
#[cfg(target_os = "linux")]
const OPEN_FILES: &str = "/proc/self/fd";

/// Puts a file of [`nameless_for`] at `path`, replacing what was there.
#[cfg(target_os = "linux")]
pub(crate) fn publish_nameless(path: &Path, file: File) -> Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    refuse_special(path)?;
    done("write");
    sync(&file).map_err(|e| unwritable(path, e))?;
    let open = Path::new(OPEN_FILES).join(file.as_raw_fd().to_string());
    let mut names = tempfile::Builder::new();
    names.prefix(".pm25-").suffix(".tmp");
    // Only a new name can be linked; only a rename replaces an old one.
    let named = names.make_in(folder_of(path), |name| {
        Ok(linkat(CWD, &open, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
    });
    let named = named.map_err(|e| unwritable(path, e))?;
    named.persist(path).map_err(|e| unwritable(path, e.error))?;
    done("rename");
    sync_folder(path)
}

/// There are none here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn publish_nameless(path: &Path, mut file: File) -> Result<()> {
    publish_from(path, &mut file)
}

fn copy_to_temp(path: &Path, source: &mut dyn Read) -> Result<TempPath> {
    refuse_special(path)?;
    let folder = folder_of(path);
    make_folders(folder).map_err(|e| unwritable(path, e))?;
    let mut temp = temp_in(folder).map_err(|e| unwritable(path, e))?;
    io::copy(source, temp.as_file_mut()).map_err(|e| unwritable(path, e))?;
    done("write");
    sync(temp.as_file()).map_err(|e| unwritable(path, e))?;
    Ok(temp.into_temp_path())
}

/// Makes a folder and those above it, each made durable before anything is put into it.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folders(above)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => sync(&File::open(above)?),
    }
}

/// Renaming onto a device or a pipe would destroy it (`/dev/null`, run as root).
fn refuse_special(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() && !there.is_symlink() => Err(Fault::usage(format!(
            "{} is not a regular file and will not be replaced",
            path.display()
        ))
        .hint("give a file name, or `-` for standard output")),
        _ => Ok(()),
    }
}

fn temp_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pm25-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Narrowed by the umask, as any file that a program creates.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(folder_of(path))
        .and_then(|folder| sync(&folder))
        .map_err(|e| unwritable(path, e))
}

fn sync(file: &File) -> io::Result<()> {
    file.sync_all()?;
    done("sync");
    Ok(())
}

/// Tells the tests the order of steps: what a crash leaves cannot be seen by looking at files.
fn done(step: &'static str) {
    #[cfg(test)]
    tests::STEPS.with_borrow_mut(|steps| steps.push(step));
    let _ = step;
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, cause: io::Error) -> Fault {
    Fault::unforeseen(format!("{}: cannot be written", path.display())).because(cause)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        pub(super) static STEPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn bytes_are_durable_before_the_name_and_the_name_before_success() {
        let folder = tempfile::tempdir().unwrap();
        publish(&folder.path().join("a"), b"a").unwrap();
        assert_eq!(STEPS.take(), ["write", "sync", "rename", "sync"]);
        publish_new(&folder.path().join("b"), b"b").unwrap();
        assert_eq!(STEPS.take(), ["write", "sync", "link", "sync"]);
        publish(&folder.path().join("new/c"), b"c").unwrap();
        assert_eq!(STEPS.take(), ["sync", "write", "sync", "rename", "sync"]);
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_published_file_replaces_the_old_one_and_leaves_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/x.json");
        publish(&path, b"old").unwrap();
        publish(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(path.parent().unwrap()), ["x.json"]);
    }

    #[test]
    fn create_once_lets_exactly_one_writer_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00000001.json");
        let wins: usize = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..16_u8)
                .map(|i| {
                    scope.spawn({
                        let path = &path;
                        move || publish_new(path, &[i]).is_ok()
                    })
                })
                .collect();
            runs.into_iter()
                .map(|run| usize::from(run.join().unwrap()))
                .sum()
        });
        assert_eq!(wins, 1);
        assert_eq!(names(folder.path()), ["00000001.json"]);
    }

    #[test]
    fn a_failure_leaves_the_old_state_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"kept").unwrap();
        let fault = publish(&path, b"new").unwrap_err();
        assert_eq!(fault.kind(), crate::Kind::Usage);
        assert_eq!(names(folder.path()), ["x"]);
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_at_the_target_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(publish(&path, b"new").is_err());
        assert!(publish_new(&path, b"new").is_err());
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_at_the_target_is_replaced_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, b"untouched").unwrap();
        let path = folder.path().join("x");
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        publish(&path, b"new").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"untouched");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
