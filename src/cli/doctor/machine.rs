//! What the doctor asks of the machine: room on the disk, memory, processor, open files, and whether addresses are free. Nothing is written.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
};

use abstractor_encoder::{Instructions, Precision};
use jiff::Timestamp;

use self::system::free_bytes;
pub(super) use self::system::{is_writable, mode, open_file_limit, other_owner};
use super::{CLOCKS_DISAGREE, Findings, Level};
use crate::{cli::health, config::Configuration};

const GIGABYTE: u64 = 1_000_000_000;
/// Memory that a service needs with the model and the vocabularies of the program, as `abstractor bench` measures it, rounded up.
const MEMORY: u64 = 600_000_000;

/// Free space where a folder is or will be, against a database of so many bytes.
pub(super) fn space(findings: &mut Findings, folder: &Path, database: u64) {
    let mut around = folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let Some(free) = around.find(|path| path.exists()).and_then(free_bytes) else { return };
    let found = format!("{} are free for {}", gigabytes(free), folder.display());
    match space_level(free, database) {
        Level::Ok => findings.ok("disk", found),
        Level::Warning => {
            let remedy = "make room before it runs out: a backup and a new version want room for copies of the database";
            findings.warning("disk", found, remedy);
        }
        Level::Error => findings.error("disk", found, "make room now: on a full disk no note is taken"),
    }
}

const fn space_level(free: u64, database: u64) -> Level {
    if free < GIGABYTE {
        Level::Error
    } else if free < 10 * GIGABYTE || free < database.saturating_mul(3) {
        Level::Warning
    } else {
        Level::Ok
    }
}

pub(super) fn gigabytes(bytes: u64) -> String {
    format!("{}.{} GB", bytes / GIGABYTE, bytes % GIGABYTE / (GIGABYTE / 10))
}

/// Whether there is enough to load what a service loads.
pub(super) fn memory(findings: &mut Findings, available: Option<u64>) -> bool {
    let Some(available) = available else { return true };
    let found = format!("{} are available; a service takes about {}", gigabytes(available), gigabytes(MEMORY));
    if available < MEMORY {
        findings.warning("memory", found, "give the machine or the container more, unless a service runs already");
    } else {
        findings.ok("memory", found);
    }
    available >= MEMORY
}

pub(super) fn processor(findings: &mut Findings, instructions: Instructions) {
    if instructions.precision_used(Precision::Int8) == Precision::Int8 {
        let bf16 = if instructions.precision_used(Precision::Bf16) == Precision::Bf16 { ", and has bf16" } else { "" };
        return findings.ok("processor", format!("{instructions:?}: is fast in int8{bf16}"));
    }
    let found = "it has no instructions that the encoder has kernels for: f32 in plain code is used, which is slow";
    findings.warning("processor", found, "run the service on x86-64 with AVX2 or newer, if many notes come");
}

pub(super) fn open_files(findings: &mut Findings, need: u64, limit: Option<u64>) {
    let Some(limit) = limit else { return };
    let found = format!("{limit} may be open; a service wants {need}");
    if limit < need {
        findings.warning("open files", found, "raise the limit: LimitNOFILE of the systemd unit, or `ulimit -n`");
    } else {
        findings.ok("open files", found);
    }
}

/// Whether the address is served by us already.
pub(super) fn address(findings: &mut Findings, listen: SocketAddr, configuration: &Configuration) -> bool {
    const CHECK: &str = "address";
    let error = match TcpListener::bind(listen) {
        Ok(_) if listen.ip().to_canonical().is_loopback() => {
            findings.ok(CHECK, format!("{listen} is free"));
            return false;
        }
        Ok(_) => {
            let whose = if configuration.tls.files.is_some() { "the program's own" } else { "a reverse proxy's" };
            findings.ok(CHECK, format!("{listen} is free, and open to other machines: TLS is {whose}"));
            return false;
        }
        Err(error) => error,
    };
    let answer =
        health::ask(&health::address_of(listen, configuration), "/health/live").ok().filter(|(status, _)| *status == 200);
    let answer = answer.and_then(|(_, text)| serde_json::from_str::<serde_json::Value>(&text).ok());
    let version = answer.as_ref().filter(|answer| answer["status"] == "ok").and_then(|answer| answer["version"].as_str());
    match version {
        None => not_free(findings, CHECK, (listen, &error)),
        Some(env!("CARGO_PKG_VERSION")) => {
            findings.ok(CHECK, format!("a service of this version answers on {listen}"));
        }
        Some(version) => {
            let found =
                format!("a service of version {version} answers on {listen}, and this is {}", env!("CARGO_PKG_VERSION"));
            findings.warning(CHECK, found, "start the service anew with this version, if it is meant to be updated");
        }
    }
    version.is_some()
}

pub(super) fn not_free(findings: &mut Findings, check: &'static str, (listen, error): (SocketAddr, &std::io::Error)) {
    use std::io::ErrorKind;
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "stop the program that listens there (`ss -ltnp` names it), or choose another address",
        ErrorKind::PermissionDenied => "choose a port above 1023",
        _ => "choose an address of this machine",
    };
    findings.error(check, format!("cannot listen on {listen}: {}", error.kind()), remedy);
}

/// Whether a file was changed later than now, by more than clocks differ.
pub(super) fn is_after(at: std::time::SystemTime, now: Timestamp) -> bool {
    Timestamp::try_from(at).is_ok_and(|at| at.duration_since(now) > CLOCKS_DISAGREE)
}

/// What the system still gives, in the container's limits where there are some; none where it does not tell.
pub(super) fn available_memory() -> Option<u64> {
    let number = |file: &str| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let machine = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = machine.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024;
    let container = number("/sys/fs/cgroup/memory.max").zip(number("/sys/fs/cgroup/memory.current"));
    Some(container.map_or(machine, |(most, used)| machine.min(most.saturating_sub(used))))
}

/// What the system is asked for.
#[cfg(unix)]
mod system {
    use std::{
        os::unix::fs::{MetadataExt as _, PermissionsExt as _},
        path::Path,
    };

    /// Who may do what with a file, as numbers of Unix; none where there is no file.
    pub(in crate::cli::doctor) fn mode(path: &Path) -> Option<u32> {
        path.metadata().ok().map(|file| file.permissions().mode() & 0o777)
    }

    /// The owner of a file, where that is another user than this one.
    pub(in crate::cli::doctor) fn other_owner(path: &Path) -> Option<u32> {
        path.metadata().ok().map(|file| file.uid()).filter(|owner| *owner != rustix::process::geteuid().as_raw())
    }

    /// Whether this user may read and write it, asked without writing.
    pub(in crate::cli::doctor) fn is_writable(path: &Path) -> bool {
        rustix::fs::access(path, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK).is_ok()
    }

    pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
        rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    pub(in crate::cli::doctor) fn open_file_limit() -> Option<u64> {
        rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    }
}

/// What a system that is not of Unix's kin tells.
#[cfg(not(unix))]
mod system {
    use std::path::Path;

    pub(in crate::cli::doctor) fn mode(_: &Path) -> Option<u32> {
        None
    }

    pub(in crate::cli::doctor) fn other_owner(_: &Path) -> Option<u32> {
        None
    }

    pub(in crate::cli::doctor) fn is_writable(path: &Path) -> bool {
        path.metadata().is_ok_and(|file| !file.permissions().readonly())
    }

    pub(super) fn free_bytes(_: &Path) -> Option<u64> {
        None
    }

    pub(in crate::cli::doctor) fn open_file_limit() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_told() {
        assert_eq!(space_level(GIGABYTE - 1, 0), Level::Error);
        assert_eq!(space_level(GIGABYTE, 0), Level::Warning);
        assert_eq!(space_level(10 * GIGABYTE, 3 * GIGABYTE), Level::Ok);
        assert_eq!(space_level(10 * GIGABYTE, 4 * GIGABYTE), Level::Warning);
        assert_eq!(gigabytes(12_345_000_000), "12.3 GB");
    }

    #[test]
    fn what_the_machine_lacks_is_told() {
        let levels = |look: &dyn Fn(&mut Findings)| {
            let mut findings = Findings::default();
            look(&mut findings);
            findings.0.iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(&|findings| _ = memory(findings, Some(MEMORY - 1))), [Level::Warning]);
        assert_eq!(levels(&|findings| _ = memory(findings, Some(MEMORY))), [Level::Ok]);
        assert_eq!(levels(&|findings| open_files(findings, 600, Some(599))), [Level::Warning]);
        assert_eq!(levels(&|findings| open_files(findings, 600, Some(600))), [Level::Ok]);
        assert!(levels(&|findings| open_files(findings, 600, None)).is_empty());
        assert_eq!(levels(&|findings| processor(findings, Instructions::Portable)), [Level::Warning]);
        assert_eq!(levels(&|findings| processor(findings, Instructions::Avx2)), [Level::Ok]);
    }

    #[test]
    fn a_file_of_a_time_to_come_is_told() {
        let now = Timestamp::UNIX_EPOCH;
        let after = |seconds| std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert!(!is_after(after(0), now) && !is_after(after(60), now) && is_after(after(61), now));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_answers() {
        assert!(available_memory().is_some_and(|bytes| bytes > 0));
        assert!(free_bytes(Path::new("/")).is_some());
        assert!(open_file_limit().is_none_or(|files| files > 0));
    }
}
