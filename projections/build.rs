//! Names the folds: a digest of all code that a read model depends on.
//!
//! A read model remembers by which folds it was filled, so that a changed fold rebuilds it. A
//! number that somebody has to raise would be forgotten one day; the price is a rebuild, without
//! downtime, when only a comment has changed.

use std::{
    collections::hash_map::DefaultHasher,
    env, fs,
    hash::{Hash, Hasher},
    io,
    path::Path,
};

fn main() -> io::Result<()> {
    let mut digest = DefaultHasher::new();
    for folder in ["src", "migrations", "../domain/src"] {
        println!("cargo::rerun-if-changed={folder}");
        hash_folder(Path::new(folder), &mut digest)?;
    }
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&out).join("folds"), format!("{:016x}", digest.finish()))
}

fn hash_folder(folder: &Path, digest: &mut impl Hasher) -> io::Result<()> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_folder(&path, digest)?;
        } else {
            path.hash(digest);
            fs::read(&path)?.hash(digest);
        }
    }
    Ok(())
}
