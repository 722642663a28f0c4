//! Opening what was downloaded: zip, gzip or plain, told apart by their first bytes.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;

use super::{ReleaseError, Result};

/// One file of a release, as a stream. Look at its beginning with [`Member::head`]; it can be read once.
pub struct Member<'a> {
    /// Its name, for messages only: releases rename their files every year.
    pub name: &'a str,
    reader: Box<dyn BufRead + 'a>,
}

/// So many bytes at the beginning of a member can be looked at.
const HEAD: usize = 8192;

impl<'a> Member<'a> {
    fn new(name: &'a str, reader: impl Read + 'a) -> Self {
        Self { name, reader: Box::new(BufReader::with_capacity(1 << 16, reader)) }
    }

    /// The first bytes (at most 8 kB) as text, without consuming them; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn head(&mut self) -> Result<String> {
        let bytes = self.reader.fill_buf().map_err(|cause| unreadable(self.name, cause))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).into_owned())
    }

    /// The stream.
    pub fn reader(&mut self) -> &mut (dyn BufRead + 'a) {
        &mut *self.reader
    }

    /// Calls `each` with every line (from 1, without its end; a byte order mark is dropped), as UTF-8.
    ///
    /// # Errors
    /// The first error of `each`, a line that is no UTF-8, or a file that cannot be read.
    pub fn lines(&mut self, mut each: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = self.reader.read_until(b'\n', &mut line).map_err(|cause| unreadable(self.name, cause))?;
            if read == 0 {
                break;
            }
            let bytes = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            let text = std::str::from_utf8(bytes).map_err(|_| ReleaseError::Malformed {
                file: self.name.to_owned(),
                line: number,
                message: "is not UTF-8; unpack and import the file as the publisher made it".to_owned(),
            })?;
            each(number, text.trim_end_matches(['\n', '\r']))?;
        }
        Ok(())
    }
}

/// The files of one release.
#[derive(Debug, Clone)]
pub struct Release {
    paths: Vec<PathBuf>,
}

impl Release {
    /// The release in these files.
    #[must_use]
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec() }
    }

    /// Shows every member to `visit`: plain files, what a gzip holds, what stands in a zip (and gzips inside it). May be called again.
    ///
    /// # Errors
    /// The first error of `visit`, a file that cannot be read, or an HTML page in place of a release.
    pub fn each(&self, mut visit: impl FnMut(&mut Member<'_>) -> Result<()>) -> Result<()> {
        for path in &self.paths {
            let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let mut file = File::open(path).map_err(|cause| unreadable(&path.display().to_string(), cause))?;
            if is_zip(&mut file, path)? {
                let wrong = |error: zip::result::ZipError| unreadable(&name, std::io::Error::other(error));
                let mut archive = zip::ZipArchive::new(file).map_err(wrong)?;
                for index in 0..archive.len() {
                    let entry = archive.by_index(index).map_err(wrong)?;
                    if entry.is_dir() {
                        continue;
                    }
                    let name = format!("{name}/{}", entry.name().map_err(wrong)?);
                    shown(&name, entry, &mut visit)?;
                }
            } else {
                shown(&name, file, &mut visit)?;
            }
        }
        Ok(())
    }
}

fn is_zip(file: &mut File, path: &Path) -> Result<bool> {
    let mut start = [0; 4];
    let read = file.read(&mut start).and_then(|read| file.rewind().map(|()| read));
    let read = read.map_err(|cause| unreadable(&path.display().to_string(), cause))?;
    Ok(start[..read].starts_with(b"PK\x03\x04") || start[..read].starts_with(b"PK\x05\x06"))
}

fn shown(name: &str, reader: impl Read, visit: &mut impl FnMut(&mut Member<'_>) -> Result<()>) -> Result<()> {
    let mut buffered = BufReader::with_capacity(1 << 16, reader);
    let start = buffered.fill_buf().map_err(|cause| unreadable(name, cause))?;
    let mut member = if start.starts_with(&[0x1f, 0x8b]) {
        Member::new(name, MultiGzDecoder::new(buffered))
    } else {
        Member::new(name, buffered)
    };
    let head = member.head()?.trim_start().to_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Err(ReleaseError::LoginPage { file: name.to_owned() });
    }
    visit(&mut member)
}

pub(super) fn unreadable(file: &str, cause: std::io::Error) -> ReleaseError {
    ReleaseError::Unreadable { file: file.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all_lines(path: PathBuf) -> Result<Vec<(String, String)>> {
        let mut seen = Vec::new();
        Release::new(&[path]).each(|member| {
            let name = member.name.to_owned();
            member.lines(|_, line| {
                seen.push((name.clone(), line.to_owned()));
                Ok(())
            })
        })?;
        Ok(seen)
    }

    #[test]
    fn zip_gzip_and_plain_are_told_apart_by_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let plain = folder.path().join("release.zip");
        std::fs::write(&plain, "\u{feff}one\r\ntwo\n").expect("written");
        let packed = folder.path().join("release.txt");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"one\ntwo").expect("packed");
        std::fs::write(&packed, gzip.finish().expect("packed")).expect("written");
        let archive = folder.path().join("release");
        let mut zip = zip::ZipWriter::new(File::create(&archive).expect("a file"));
        zip.start_file("inner/a.txt", zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(b"one\ntwo\n").expect("written");
        zip.finish().expect("closed");
        for path in [plain, packed, archive] {
            let lines: Vec<String> = all_lines(path).expect("readable").into_iter().map(|(_, line)| line).collect();
            assert_eq!(lines, ["one", "two"]);
        }
    }

    #[test]
    fn a_login_page_is_refused_and_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("RxNorm_full.zip");
        std::fs::write(&path, "\n<!DOCTYPE html><html><body>Sign in</body></html>").expect("written");
        let error = all_lines(path).expect_err("refused").to_string();
        assert!(error.contains("RxNorm_full.zip") && error.contains("Sign in with a browser"), "{error}");
    }
}
