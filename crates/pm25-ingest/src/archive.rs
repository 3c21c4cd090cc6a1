//! Zip archives: which members they have and where their bytes lie.
//!
//! Nothing is ever unpacked to disk and no member's name is used as a path, so a name such as `../../etc/passwd` is
//! only a label. The members are read by [`crate::raw`], a few buffers at a time.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pm25_file::{Fault, InputRef, Result, Sha256};
use zip::{CompressionMethod, ZipArchive};

use crate::head::decode;

/// How many members an archive may have; a year of one station per day is 365.
const MEMBERS_MAX: usize = 20_000;
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
    let archive = InputRef {
        name: name.to_owned(),
        sha256,
    };
    Ok((members, archive))
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
    })
}
