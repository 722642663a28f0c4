//! Archives that are made to harm: each is refused with a sentence, in bounded time and memory, and none writes a file.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use zip::write::SimpleFileOptions;

use super::*;

/// Lines and bytes of all that a file shows, or why it is refused.
fn read(path: &Path) -> Result<(u64, u64), String> {
    let mut seen = (0, 0);
    let outcome = Release::new(&[path.to_owned()]).each(|member| {
        member.lines(|_, line| {
            seen = (seen.0 + 1, seen.1 + line.len() as u64 + 1);
            Ok(())
        })
    });
    outcome.map(|()| seen).map_err(|error| error.to_string())
}

fn zip_of<'n>(files: impl IntoIterator<Item = (&'n str, Vec<u8>)>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(&content).expect("written");
    }
    zip.finish().expect("closed").into_inner()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(content).expect("packed");
    gzip.finish().expect("packed")
}

/// A file of its own in a folder of its own.
struct Download {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Download {
    fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("download");
        File::create(&path).expect("a file").write_all(bytes).expect("written");
        Self { folder, path }
    }

    fn refusal(&self) -> String {
        read(&self.path).expect_err("refused")
    }
}

/// Lines that pack to about a twentieth, as an official release does.
fn lines(megabytes: usize) -> Vec<u8> {
    let line = [b"a".repeat(150), b"\n".to_vec()].concat();
    let mut out = Vec::with_capacity(megabytes << 20);
    let mut state = 7_u64;
    while out.len() < megabytes << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        out.extend_from_slice(&line);
        out.extend(state.to_be_bytes().map(|byte| b'a' + byte % 26));
    }
    out
}

/// Small gzips behind each other, which a zip packs again: neither layer alone is suspect, together they are 35,000 times the file.
#[test]
fn a_gzip_in_a_zip_is_bounded_by_the_file_that_lies_on_the_disk() {
    let mut state = 7_u64;
    let letters = (0..200).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'a' + u8::try_from(state >> 59).expect("five bits") % 26
    });
    let content: Vec<u8> = letters.chain(std::iter::repeat_n(b'\n', 30_000)).collect();
    let one = gzip_of(&content);
    assert!((100..195).contains(&(content.len() / one.len())), "a layer that is suspect by itself: {} bytes", one.len());
    let bomb = zip_of([("a.txt.gz", one.repeat(20_000))]);
    assert!(bomb.len() < 1 << 20);
    let message = Download::of(&bomb).refusal();
    assert!(message.contains("download/a.txt.gz") && message.contains("200 times"), "{message}");
}

/// The directory names one packed stream many times, as the "better zip bomb" does: every entry by itself is harmless.
#[test]
fn entries_that_lie_over_each_other_are_bounded_together() {
    let content = lines(17);
    let one = zip_of([("a.txt", content)]);
    let end = one.len() - 22;
    let directory =
        usize::try_from(u32::from_le_bytes(one[end + 16..end + 20].try_into().expect("four bytes"))).expect("small");
    let entry = one[directory..end].to_vec();
    let count = 2_000_u16;
    let mut bomb = one[..directory].to_vec();
    for number in 0..count {
        let name = bomb.len() + 46;
        bomb.extend_from_slice(&entry);
        bomb[name..name + 5].copy_from_slice(format!("{number:05}").as_bytes());
    }
    let length = u32::try_from(bomb.len() - directory).expect("small");
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&length.to_le_bytes());
    bomb.extend_from_slice(&tail);
    let download = Download::of(&bomb);
    let message = download.refusal();
    assert!(message.contains("200 times"), "{message}");
}

#[test]
fn a_directory_that_lies_about_sizes_does_not_raise_the_bound() {
    let honest = zip_of([("a.txt", vec![b'\n'; 40 << 20])]);
    let end = honest.len() - 22;
    let directory =
        usize::try_from(u32::from_le_bytes(honest[end + 16..end + 20].try_into().expect("four bytes"))).expect("small");
    for lie in [u32::MAX - 1, 1 << 30, 1, 0] {
        let mut bytes = honest.clone();
        bytes[directory + 20..directory + 24].copy_from_slice(&lie.to_le_bytes());
        let message = Download::of(&bytes).refusal();
        assert!(message.starts_with("download"), "{lie}: {message}");
    }
}

#[test]
fn too_many_entries_are_refused_before_any_is_read() {
    let names: Vec<String> = (0..=MOST_ENTRIES).map(|number| format!("{number}.txt")).collect();
    let download = Download::of(&zip_of(names.iter().map(|name| (name.as_str(), Vec::new()))));
    let message = download.refusal();
    assert!(message.contains("holds more than 10000 files"), "{message}");
}

/// Names are for messages only: whatever they say, an entry is a stream, and no file comes to be.
#[test]
fn names_that_lead_elsewhere_lead_nowhere() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["../../up.txt", "/etc/abstractor-up.txt", "C:\\up.txt", "a/../../b.txt", "\u{202e}txt.exe"] {
        zip.start_file(name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(b"one\n").expect("written");
    }
    zip.add_symlink("link.txt", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
    let download = Download::of(&zip.finish().expect("closed").into_inner());
    // the link is its own text
    assert_eq!(read(&download.path), Ok((6, 5 * 4 + "/etc/passwd".len() as u64 + 1)));
    assert_eq!(std::fs::read_dir(download.folder.path()).expect("a folder").count(), 1);
    assert!(!Path::new("/etc/abstractor-up.txt").exists());
    assert!(!download.folder.path().parent().expect("above").join("up.txt").exists());
}
