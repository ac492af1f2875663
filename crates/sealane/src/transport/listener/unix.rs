//! Binds paths of this machine, and takes the files away again.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use socket2::{Domain, SockAddr, SockRef, Socket as SystemSocket, Type};

use super::{Bound, BoundAddress, Buffers};

/// How a path is bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// Connections that may wait to be accepted.
    pub(crate) backlog: u32,
    /// Permissions beyond those that the process' umask leaves.
    pub(crate) mode: u32,
    pub(crate) buffers: Buffers,
}

/// The file of a Unix socket that we made, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number of the file: what else may stand there by then is not ours.
    identity: (u64, u64),
}

impl SocketFile {
    /// The file that was just made at `path`.
    fn at(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let identity = identity_of(&path)?;
        Ok(Self { path, identity })
    }
}

impl Drop for SocketFile {
    /// Removes the file, if it is still the one that was made.
    fn drop(&mut self) {
        match identity_of(&self.path) {
            Ok(found) if found == self.identity => {}
            _ => return,
        }
        if let Err(error) = fs::remove_file(&self.path) {
            let path = self.path.display();
            tracing::warn!(%path, %error, "the file of a socket could not be removed");
        }
    }
}

/// Binds a path and listens on it.
///
/// Permissions are only ever widened, and before anybody can connect: the file is made with what
/// the umask leaves. To change the umask for a moment would change it for every thread.
pub(crate) fn bind(path: &Path, binding: &Binding) -> io::Result<Bound> {
    let socket = SystemSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = match is_abstract(path) {
        true => None,
        false => Some(SocketFile::at(path)?),
    };
    if let (Some(file), true) = (&file, binding.mode != 0) {
        let mode = fs::symlink_metadata(&file.path)?.permissions().mode();
        fs::set_permissions(&file.path, Permissions::from_mode(mode | binding.mode))?;
    }
    binding.buffers.apply(&SockRef::from(&socket))?;
    socket.listen(i32::try_from(binding.backlog).unwrap_or(i32::MAX))?;
    Ok(Bound::Unix(socket.into(), file.map(Arc::new)))
}

/// Whether a path is a name of Linux' own name space, without a file.
pub(crate) fn is_abstract(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().first() == Some(&0)
}

/// What stands in the way at a path that is taken, and what to do about it.
pub(crate) fn obstacle(path: &Path) -> &'static str {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket());
    if is_file {
        return "; a file that is no socket stands there: choose another path";
    }
    match is_stale(path) {
        true => "; nobody listens on it, its server ended without removing it: remove the file",
        false => "; another server listens on it: choose another path, or end that server",
    }
}

/// Whether the file of a socket has no socket behind it any more.
///
/// Asked with a socket of a type that no server listens on: a server that lives refuses the type
/// and notices nothing, a file that was left refuses the connection.
fn is_stale(path: &Path) -> bool {
    let probe = || {
        let socket = SystemSocket::new(Domain::UNIX, Type::DGRAM, None)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    probe().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Where a listener listens.
pub(super) fn address_of(listener: &StdUnixListener) -> BoundAddress {
    let Ok(address) = listener.local_addr() else {
        return BoundAddress::Unnamed;
    };
    if let Some(path) = address.as_pathname() {
        return BoundAddress::Path(path.to_owned());
    }
    abstract_name(&address).map_or(BoundAddress::Unnamed, BoundAddress::Path)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(address: &std::os::unix::net::SocketAddr) -> Option<PathBuf> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt as _;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::ffi::OsStringExt as _;
    let name = address.as_abstract_name()?;
    let octets = [b"\0", name].concat();
    Some(PathBuf::from(std::ffi::OsString::from_vec(octets)))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &std::os::unix::net::SocketAddr) -> Option<PathBuf> {
    None
}

fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}
