//! Opening what was downloaded: zip, gzip or plain, told apart by their first bytes.
//!
//! A file may be damaged or made to harm. [`Member::lines`] refuses lines longer than [`LONGEST_LINE`], a packed file may not unpack to
//! more than [`MOST_TIMES`] its size, by itself and with all that lies in it, and readers that need a whole text take at most
//! [`LARGEST_WHOLE`] of it. Nothing is ever written under a name that an archive gives.

use std::{
    cell::Cell,
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::{Path, PathBuf},
    rc::Rc,
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

/// So many bytes a line has at most; the longest of the official releases has some thousands.
pub const LONGEST_LINE: u64 = 1 << 20;

/// So many bytes of a file that must be read at once, such as a table with quoted cells.
pub const LARGEST_WHOLE: u64 = 64 << 20;

/// So many times its packed size a file may unpack to; text packs to a twentieth at best.
pub const MOST_TIMES: u64 = 200;

/// Files that unpack to less are not looked at: a short one may be all blanks.
const UNSUSPECTED: u64 = 16 << 20;

/// So many files a zip holds at most.
const MOST_ENTRIES: usize = 10_000;

impl<'a> Member<'a> {
    fn new(name: &'a str, reader: impl Read + 'a) -> Self {
        Self { name, reader: Box::new(BufReader::with_capacity(1 << 16, reader)) }
    }

    /// The first bytes (at most 8 kB) as text, without consuming them; bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn head(&mut self) -> Result<String> {
        let bytes = self.reader.fill_buf().map_err(|cause| ReleaseError::unreadable(self.name, cause))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]).into_owned())
    }

    /// The stream.
    pub fn reader(&mut self) -> &mut (dyn BufRead + 'a) {
        &mut *self.reader
    }

    /// The stream, which ends with an error behind 64 MB.
    pub fn whole(&mut self) -> impl Read + '_ {
        let refusal = format!(
            "is larger than {} MB, which no official table of this kind is; is a quote not closed? Import the file as published",
            LARGEST_WHOLE >> 20
        );
        Limited { inner: &mut *self.reader, left: LARGEST_WHOLE, refusal }
    }

    /// Calls `each` with every line (from 1, without its end; a byte order mark is dropped), as UTF-8.
    ///
    /// # Errors
    /// The first error of `each`, a line that is no UTF-8 or too long, or a file that cannot be read.
    pub fn lines(&mut self, mut each: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let wrong = |message: String| ReleaseError::malformed(self.name, number, message);
            let read = (&mut *self.reader).take(LONGEST_LINE + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|cause| wrong(format!("cannot be read ({cause}); download the file again")))?;
            if read == 0 {
                break;
            }
            if read as u64 > LONGEST_LINE {
                let most = LONGEST_LINE >> 10;
                return Err(wrong(format!(
                    "is longer than {most} kB, which no line of a release is; the file is damaged: download it again"
                )));
            }
            let bytes = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            let text = std::str::from_utf8(bytes)
                .map_err(|_| wrong("is not UTF-8; unpack and import the file as the publisher made it".to_owned()))?;
            each(number, text.trim_end_matches(['\n', '\r']))?;
        }
        Ok(())
    }
}

/// Ends with an error behind so many bytes.
struct Limited<R> {
    inner: R,
    left: u64,
    refusal: String,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| std::io::Error::other(self.refusal.clone()))?;
        Ok(read)
    }
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    passed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.passed.set(self.passed.get() + read as u64);
        Ok(read)
    }
}

/// A file as it lies on the disk, and what was unpacked of it so far: entries that lie over each other, and a gzip in a zip, make more of the same
/// bytes than any of them alone.
#[derive(Debug)]
struct Packed {
    size: u64,
    unpacked: Cell<u64>,
}

impl Packed {
    fn new(file: &File) -> Self {
        // what is no plain file has no size; a gzip is bounded by what was read of it
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map_or(u64::MAX, |metadata| metadata.len());
        Self { size, unpacked: Cell::new(0) }
    }
}

/// What is unpacked, beside how much of the packed file was used.
struct Unpacked<R> {
    inner: R,
    whole: Rc<Packed>,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let whole = &self.whole.unpacked;
        whole.set(whole.get() + read as u64);
        let too_many = |unpacked: u64, packed: u64| unpacked > UNSUSPECTED && unpacked / MOST_TIMES > packed;
        if too_many(self.unpacked, self.packed.get()) || too_many(whole.get(), self.whole.size) {
            return Err(std::io::Error::other(format!(
                "unpacks to more than {MOST_TIMES} times its size, which no release does; it is damaged or made to harm: download it again from \
                 its publisher"
            )));
        }
        Ok(read)
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

    /// Shows every member to `visit`: plain files, what a gzip holds, what stands in a zip (and gzips inside it). Pages of documentation in a
    /// zip (`readme.html`) are passed over. May be called again.
    ///
    /// # Errors
    /// The first error of `visit`, a file that cannot be read or is made to harm, or an HTML page in place of a release.
    pub fn each(&self, mut visit: impl FnMut(&mut Member<'_>) -> Result<()>) -> Result<()> {
        for path in &self.paths {
            let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
            let mut file = File::open(path).map_err(|cause| ReleaseError::unreadable(&path.display().to_string(), cause))?;
            let whole = Rc::new(Packed::new(&file));
            if !is_zip(&mut file, path)? {
                shown((&name, Page::InPlaceOfTheRelease), (file, whole), &mut visit)?;
                continue;
            }
            let wrong = |error: zip::result::ZipError| ReleaseError::unreadable(&name, std::io::Error::other(error));
            let mut archive = zip::ZipArchive::new(file).map_err(wrong)?;
            if archive.len() > MOST_ENTRIES {
                let message = format!(
                    "holds more than {MOST_ENTRIES} files, which no release does; unpack it and name the files that are needed"
                );
                return Err(ReleaseError::unreadable(&name, std::io::Error::other(message)));
            }
            for index in 0..archive.len() {
                let entry = archive.by_index(index).map_err(wrong)?;
                if entry.is_dir() {
                    continue;
                }
                let inside = entry.name().map_err(wrong)?.into_owned();
                let lower = inside.to_lowercase();
                let page = if lower.ends_with(".html") || lower.ends_with(".htm") {
                    Page::Documentation
                } else {
                    Page::InPlaceOfTheRelease
                };
                // the directory may say anything; an entry is no larger than the archive
                let packed = Rc::new(Cell::new(entry.compressed_size().min(whole.size)));
                let entry = Unpacked { inner: entry, whole: Rc::clone(&whole), packed, unpacked: 0 };
                shown((&format!("{name}/{inside}"), page), (entry, Rc::clone(&whole)), &mut visit)?;
            }
        }
        Ok(())
    }
}

/// What an HTML page is, where one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// A file of a release is expected here, so somebody was asked to sign in.
    InPlaceOfTheRelease,
    /// It is called a page and stands beside other files.
    Documentation,
}

fn is_zip(file: &mut File, path: &Path) -> Result<bool> {
    let mut start = [0; 4];
    let read = file.read(&mut start).and_then(|read| file.rewind().map(|()| read));
    let read = read.map_err(|cause| ReleaseError::unreadable(&path.display().to_string(), cause))?;
    Ok(start[..read].starts_with(b"PK\x03\x04") || start[..read].starts_with(b"PK\x05\x06"))
}

fn shown(
    (name, page): (&str, Page),
    (reader, whole): (impl Read, Rc<Packed>),
    visit: &mut impl FnMut(&mut Member<'_>) -> Result<()>,
) -> Result<()> {
    let packed = Rc::new(Cell::new(0));
    let mut buffered = BufReader::with_capacity(1 << 16, Counted { inner: reader, passed: Rc::clone(&packed) });
    let start = buffered.fill_buf().map_err(|cause| ReleaseError::unreadable(name, cause))?;
    let mut member = if start.starts_with(&[0x1f, 0x8b]) {
        Member::new(name, Unpacked { inner: MultiGzDecoder::new(buffered), whole, packed, unpacked: 0 })
    } else {
        Member::new(name, buffered)
    };
    if !is_html(&member.head()?) {
        return visit(&mut member);
    }
    match page {
        Page::InPlaceOfTheRelease => Err(ReleaseError::LoginPage { file: name.to_owned() }),
        Page::Documentation => Ok(()),
    }
}

/// Whether a file begins as a page does, behind declarations and comments.
fn is_html(head: &str) -> bool {
    let mut rest = head.trim_start();
    loop {
        let skipped = if rest.starts_with("<!--") {
            rest.split_once("-->")
        } else if rest.starts_with("<?xml") {
            rest.split_once("?>")
        } else {
            break;
        };
        let Some((_, behind)) = skipped else { return false };
        rest = behind.trim_start();
    }
    let begins = |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    ["<!doctype html", "<html", "<head", "<body", "<title>sign in"].iter().any(|word| begins(word))
}

#[cfg(test)]
mod hostile;

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

    /// A zip of these files.
    fn zip_of(path: &Path, files: &[(&str, &[u8])]) {
        let mut zip = zip::ZipWriter::new(File::create(path).expect("a file"));
        for (name, content) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("an entry");
            zip.write_all(content).expect("written");
        }
        zip.finish().expect("closed");
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
        zip_of(&archive, &[("inner/a.txt", b"one\ntwo\n"), ("inner/readme.html", b"<html>how to read it</html>")]);
        for path in [plain, packed, archive] {
            let lines: Vec<String> = all_lines(path).expect("readable").into_iter().map(|(_, line)| line).collect();
            assert_eq!(lines, ["one", "two"]);
        }
    }

    #[test]
    fn a_login_page_is_refused_and_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("RxNorm_full.zip");
        let pages = [
            "\n<!DOCTYPE html><html><body>Sign in</body></html>",
            "<?xml version=\"1.0\"?>\n<!-- UTS -->\n<!DOCTYPE HTML PUBLIC \"-//W3C//DTD XHTML 1.0\">",
            "<!-- a --><!-- b --><HEAD><title>Sign in</title>",
        ];
        for page in pages {
            std::fs::write(&path, page).expect("written");
            let error = all_lines(path.clone()).expect_err("refused").to_string();
            assert!(error.contains("RxNorm_full.zip") && error.contains("Sign in with a browser"), "{error}");
            zip_of(&path, &[("rrf/RXNREL.RRF", b"a|b|\n"), ("rrf/RXNCONSO.RRF", page.as_bytes())]);
            let error = all_lines(path.clone()).expect_err("refused").to_string();
            assert!(error.contains("RXNCONSO.RRF") && error.contains("Sign in with a browser"), "{error}");
        }
    }

    #[test]
    fn what_unpacks_to_far_too_much_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bomb");
        let blank = [b"\n".repeat(1 << 10), vec![b'\n'; 24 << 20]].concat();
        zip_of(&path, &[("a.txt", &blank)]);
        let error = all_lines(path.clone()).expect_err("refused").to_string();
        assert!(error.contains("bomb/a.txt, line ") && error.contains("200 times") && error.contains("download"), "{error}");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&blank).expect("packed");
        std::fs::write(&path, gzip.finish().expect("packed")).expect("written");
        let error = all_lines(path).expect_err("refused").to_string();
        assert!(error.contains("200 times"), "{error}");
    }

    #[test]
    fn a_line_without_end_is_refused_with_its_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("MRCONSO.RRF");
        let longest = usize::try_from(LONGEST_LINE).expect("small");
        std::fs::write(&path, format!("one\n{}\n", "a".repeat(longest - 1))).expect("written");
        assert_eq!(all_lines(path.clone()).expect("just short enough").len(), 2);
        std::fs::write(&path, format!("one\n{}", "a".repeat(longest + 5))).expect("written");
        let error = all_lines(path.clone()).expect_err("refused").to_string();
        assert!(
            error.starts_with("MRCONSO.RRF, line 2: is longer than 1024 kB") && error.contains("download it again"),
            "{error}"
        );
        std::fs::write(&path, vec![b'x'; usize::try_from(LARGEST_WHOLE).expect("small") + 1]).expect("written");
        let whole = Release::new(&[path]).each(|member| {
            let mut text = Vec::new();
            let read = member.whole().read_to_end(&mut text);
            read.map(|_| ()).map_err(|cause| ReleaseError::unreadable("a", cause))
        });
        assert!(whole.expect_err("refused").to_string().contains("larger than 64 MB"));
    }
}
