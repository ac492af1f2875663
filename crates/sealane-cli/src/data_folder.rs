//! Where the user's data is kept: the folder that holds the local authority.
//!
//! Finding its name only; nothing is read or made here.

use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};

#[cfg(test)]
mod tests;

/// The data folder: the one that was given, or the environment's, or the system's.
///
/// # Errors
/// When the system does not say where the user's data is kept.
pub fn find(given: Option<&Path>) -> Result<PathBuf> {
    // Set but empty means unset, as for the environment's other folders.
    let named = || std::env::var_os(DATA_DIR).filter(|folder| !folder.is_empty());
    let given = given.map(Path::to_owned);
    if let Some(folder) = given.or_else(|| named().map(PathBuf::from)) {
        return std::path::absolute(&folder)
            .map_err(|error| Failure::io("find the data folder", &folder, &error));
    }
    // The local one: a key shall not wander from machine to machine with a profile.
    let project = directories::ProjectDirs::from("", "", "sealane");
    project
        .map(|project| project.data_local_dir().to_owned())
        .ok_or_else(|| {
            Failure::new("this system does not say where your data is kept (is HOME set?)")
                .hint("name a folder with --data-dir")
        })
}

/// The environment's word for `--data-dir`.
const DATA_DIR: &str = "SEALANE_DATA_DIR";
