//! Files: gzip that depends on nothing but its text, checksums, and the output that keeps release tables.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{BuildError, Result};
use crate::releases::{self, Output, ReleaseError, Table, clean};

/// A gzip file that is being written.
pub(super) type Gzip = GzEncoder<BufWriter<File>>;

/// A gzip file without name and time in its head, so that the same text gives the same bytes.
pub(super) fn gzip(path: &Path) -> std::io::Result<Gzip> {
    let file = BufWriter::with_capacity(1 << 16, File::create(path)?);
    Ok(GzBuilder::new().mtime(0).write(file, Compression::default()))
}

/// Finishes a gzip file and waits until the disk has it.
pub(super) fn finish(gzip: Gzip) -> std::io::Result<()> {
    let file = gzip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Waits until the disk has what was written into a folder, moved or removed in it. Only Unix opens folders.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BuildError::unreadable(folder))?;
    }
    Ok(())
}

/// Size and SHA-256 of a file.
pub(super) fn size_and_sha256(path: &Path) -> Result<(u64, String)> {
    let wrong = || BuildError::unreadable(path);
    let mut reader = BufReader::new(File::open(path).map_err(wrong())?);
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = reader.read(&mut block).map_err(wrong())?;
        if read == 0 {
            break;
        }
        hash.update(&block[..read]);
        size += read as u64;
    }
    Ok((size, hash.finalize().iter().fold(String::new(), |out, byte| format!("{out}{byte:02x}"))))
}

/// Writes each release table to a gzip file in one folder as its rows come.
pub(super) struct FolderOutput<'a> {
    folder: &'a Path,
    tables: BTreeMap<&'static str, Writing>,
}

struct Writing {
    path: PathBuf,
    gzip: Gzip,
    rows: u64,
}

impl<'a> FolderOutput<'a> {
    /// Into this folder, which is there.
    pub(super) const fn new(folder: &'a Path) -> Self {
        Self { folder, tables: BTreeMap::new() }
    }

    /// Closes the files; gives the number of rows of each table.
    pub(super) fn finish(self) -> Result<BTreeMap<String, u64>> {
        let mut rows = BTreeMap::new();
        for (name, writing) in self.tables {
            finish(writing.gzip).map_err(BuildError::unreadable(&writing.path))?;
            rows.insert(name.to_owned(), writing.rows);
        }
        Ok(rows)
    }

    fn writing(&mut self, table: Table) -> std::io::Result<&mut Writing> {
        if !self.tables.contains_key(table.name) {
            let path = self.folder.join(format!("{}.gz", table.name));
            let mut gzip = gzip(&path)?;
            writeln!(gzip, "{}", table.columns.join("\t"))?;
            self.tables.insert(table.name, Writing { path, gzip, rows: 0 });
        }
        self.tables.get_mut(table.name).ok_or_else(|| std::io::Error::other("the table was not opened"))
    }
}

impl Output for FolderOutput<'_> {
    fn row(&mut self, table: Table, cells: &[&str]) -> releases::Result<()> {
        debug_assert_eq!(cells.len(), table.columns.len(), "{}", table.name);
        let line = cells.iter().map(|cell| clean(cell)).collect::<Vec<_>>().join("\t");
        let written = self.writing(table).and_then(|writing| {
            writing.rows += 1;
            writing.gzip.write_all(line.as_bytes())?;
            writing.gzip.write_all(b"\n")
        });
        written.map_err(|cause| ReleaseError::unreadable(&format!("{}.gz", table.name), cause))
    }
}
