use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

/// What keeps a hub between runs. It belongs to one hub at a time, and nobody but its owner reads the keys in it.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The system gives the lock back when the hub ends, however it ends.
    _lock: File,
}

/// Why a directory cannot keep a hub.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Two hubs would send every mail twice.
    #[error("{} is in use by another hub: stop that one, or name another --data-dir", .0.display())]
    InUse(PathBuf),
    /// Something else has that name.
    #[error("{} is a file: --data-dir needs a directory, which may be new", .0.display())]
    File(PathBuf),
    /// It was cut off, or somebody wrote to it.
    #[error(
        "{} is damaged, and without it what the directory keeps cannot be read: put it back, \
         or begin with another --data-dir", .0.display()
    )]
    Keys(PathBuf),
    /// The system says no.
    #[error("{} cannot be used as --data-dir: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DataDir {
    /// Takes the directory, which is made if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io { path: path.into(), source };
        if path.exists() && !path.is_dir() {
            return Err(DataDirError::File(path.into()));
        }
        fs::create_dir_all(path).map_err(failed)?;
        let lock = private().create(true).write(true).truncate(false).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.into())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The keys of this hub: those of its first run, which `make` made.
    pub(crate) fn keys<const N: usize>(
        &self,
        make: impl FnOnce() -> [u8; N],
    ) -> Result<[u8; N], DataDirError> {
        let path = self.path.join("keys");
        let failed = |source| DataDirError::Io { path: path.clone(), source };
        match fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| DataDirError::Keys(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let keys = make();
                let file = private().create_new(true).write(true).open(&path);
                file.and_then(|mut file| file.write_all(&keys)).map_err(failed)?;
                Ok(keys)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// A file that its owner alone may read.
fn private() -> fs::OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
