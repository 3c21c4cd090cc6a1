//! Zip archives: which members they have and where their bytes lie.
//!
//! Nothing is ever unpacked to disk and no member's name is used as a path, so a name such as `../../etc/passwd` is
//! only a label. The members are read by [`crate::raw`], a few buffers at a time.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use pm25_file::{Fault, InputRef, Result, Sha256};
use zip::{CompressionMethod, ZipArchive};

use crate::head::decode;
use crate::raw::unreadable;
use crate::unpack::unpack_member;

/// How many members an archive may have; a year of one station per day is 365.
const MEMBERS_MAX: usize = 20_000;
/// Bytes that the archives within an archive may have together, since they are held in memory while their files are
/// read; UCI's is 8 MB.
const INNER_BYTES_MAX: usize = 64 << 20;
/// What a zip file begins with.
pub(crate) const MAGIC: &[u8; 4] = b"PK\x03\x04";

/// One packed file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// Its name within the archive, for people.
    pub(crate) name: String,
    /// Where its packed bytes begin.
    pub(crate) start: u64,
    /// How many packed bytes it has.
    pub(crate) packed_bytes: u64,
    /// How many bytes it must have when it is unpacked.
    pub(crate) bytes: u64,
    /// CRC-32 of the unpacked bytes.
    pub(crate) crc32: u32,
    /// How it is packed.
    pub(crate) packing: Packing,
    /// The archive within the archive that it lies in, unpacked.
    pub(crate) within: Option<Arc<[u8]>>,
}

/// How a member is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Packing {
    Stored,
    Deflated,
}

/// Whether a file is a zip archive, by its first bytes. One that cannot be read is not.
pub(crate) fn is_archive(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read =
        File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && start == *MAGIC
}

/// The files in an archive in the order of their names, and the archive itself by its hash.
pub(crate) fn members(name: &str, path: &Path) -> Result<(Vec<Member>, InputRef)> {
    let unopened = |e| Fault::unforeseen(format!("{name}: cannot be opened")).because(e);
    pm25_file::note_read(path);
    let mut file = File::open(path).map_err(unopened)?;
    let sha256 = Sha256::of_reader(&mut file).map_err(unopened)?;
    let damaged = |e| {
        Fault::bad_data(format!(
            "{name} is damaged: its zip directory cannot be read"
        ))
        .because(e)
        .hint("fetch the file again")
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    refuse(name, archive.len(), archive.file_names_raw())?;
    let mut members = Vec::with_capacity(archive.len());
    for idx in 0..archive.len() {
        let file = archive.by_index_raw(idx).map_err(damaged)?;
        if file.is_dir() {
            continue;
        }
        members.push(member(name, &file)?);
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let members = with_inner(name, path, members)?;
    let archive = InputRef {
        name: name.to_owned(),
        sha256,
    };
    Ok((members, archive))
}

/// The members with those of archives within the archive in their place, as UCI packs its Beijing set; what lies still
/// deeper stays packed.
fn with_inner(name: &str, path: &Path, members: Vec<Member>) -> Result<Vec<Member>> {
    let mut all = Vec::with_capacity(members.len());
    let mut n_bytes = 0;
    for member in members {
        let inner_name = format!("{name}/{}", member.name);
        let held = inner_bytes((&inner_name, path), &member, INNER_BYTES_MAX - n_bytes)?;
        let Some(held) = held else {
            all.push(member);
            continue;
        };
        n_bytes += held.len();
        let damaged = |e| {
            Fault::bad_data(format!(
                "{inner_name} is damaged: its zip directory cannot be read"
            ))
            .because(e)
            .hint("fetch the file again")
        };
        let mut archive = ZipArchive::new(Cursor::new(&*held)).map_err(damaged)?;
        refuse(
            &inner_name,
            all.len() + archive.len(),
            archive.file_names_raw(),
        )?;
        let first = all.len();
        for idx in 0..archive.len() {
            let file = archive.by_index_raw(idx).map_err(damaged)?;
            if !file.is_dir() {
                let mut inner = self::member(&inner_name, &file)?;
                inner.name = format!("{}/{}", member.name, inner.name);
                inner.within = Some(Arc::clone(&held));
                all.push(inner);
            }
        }
        all[first..].sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(all)
}

/// A member unpacked in memory, if it is an archive by its name and its first bytes.
fn inner_bytes(
    (name, path): (&str, &Path),
    member: &Member,
    bytes_max: usize,
) -> Result<Option<Arc<[u8]>>> {
    if !member.name.to_lowercase().ends_with(".zip") {
        return Ok(None);
    }
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(member.start))?;
        let mut text = unpack_member(Box::new(file), member).take(bytes_max as u64 + 1);
        let mut bytes = vec![0; MAGIC.len()];
        if text.read_exact(&mut bytes).is_err() || bytes != *MAGIC {
            return Ok(Vec::new());
        }
        text.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|e| unreadable(name, &e))?;
    if bytes_max < bytes.len() {
        return Err(Fault::bad_data(format!(
            "{name}: archives within an archive may have {} MiB together",
            INNER_BYTES_MAX >> 20
        ))
        .hint("unpack the outer archive first"));
    }
    Ok((!bytes.is_empty()).then(|| bytes.into()))
}

fn refuse<'a>(
    name: &str,
    n_members: usize,
    mut names: impl Iterator<Item = &'a [u8]>,
) -> Result<()> {
    if MEMBERS_MAX < n_members {
        return Err(Fault::bad_data(format!(
            "{name} holds {n_members} files, more than {MEMBERS_MAX}"
        )));
    }
    if names.any(|member| member == b"xl/workbook.xml" || member == b"[Content_Types].xml") {
        return Err(
            Fault::bad_data(format!("{name} is a spreadsheet (.xlsx), not a CSV file"))
                .hint("save its sheet as CSV"),
        );
    }
    Ok(())
}

fn member<R: std::io::Read>(archive: &str, file: &zip::read::ZipFile<'_, R>) -> Result<Member> {
    let refused = |why: &str| {
        Err(Fault::bad_data(format!(
            "{archive}: `{}` {why}",
            crate::count::shown(file.name_raw())
        ))
        .hint("pack it again as a plain zip file"))
    };
    if file.encrypted() {
        return refused("is encrypted");
    }
    let packing = match file.compression() {
        CompressionMethod::STORE => Packing::Stored,
        CompressionMethod::DEFLATE => Packing::Deflated,
        _ => return refused("is packed by another method than deflate"),
    };
    let Some(start) = file.data_start() else {
        return refused("has no data");
    };
    Ok(Member {
        name: decode(file.name_raw()),
        start,
        packed_bytes: file.compressed_size(),
        bytes: file.size(),
        crc32: file.crc32(),
        packing,
        within: None,
    })
}
