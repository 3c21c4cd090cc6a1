//! The rows of a block behind those of the blocks before it.
//!
//! Not where a file is cut; see [`crate::blocks`].

use super::{GROUPS_MAX, Group, Reader, new_station};
use crate::layout::Offsets;
use crate::rows::Rows;

impl Reader<'_> {
    /// Takes over the rows of a block that begins `n_lines` lines later, read with the same layout; false if what
    /// stands before might change them, and then nothing of this reader may be used.
    pub(crate) fn append(&mut self, block: Reader, n_lines: u64) -> bool {
        if !block.titles.is_empty() || !block.done.is_empty() || !block.twice.is_empty() {
            return false;
        }
        let Some(codes) = self.codes_of(&block) else {
            return false;
        };
        if !self.join_offsets(&block, &codes) {
            return false;
        }
        for group in block.groups {
            let known = self.groups.iter().position(|other| other.key == group.key);
            let group_idx = known.unwrap_or_else(|| {
                self.groups.push(Group {
                    key: group.key.clone(),
                    quantity: group.quantity,
                    rows: Rows {
                        values: vec![Vec::new(); group.rows.values.len()],
                        ..Rows::default()
                    },
                });
                self.groups.len() - 1
            });
            self.groups[group_idx]
                .rows
                .append(group.rows, &codes, n_lines);
        }
        self.groups.len() <= GROUPS_MAX
    }

    /// Takes over the offsets that stamps state; false if they differ where they must not.
    fn join_offsets(&mut self, block: &Reader, codes: &[u32]) -> bool {
        let extras = &self.layout.extras;
        let by_station = extras.offsets == Offsets::ByStation
            || extras.offset_at.is_some()
            || extras.local.is_some();
        for (of, offsets_min) in (0_u32..).zip(&block.offsets_min) {
            if let &Some((smallest, largest)) = offsets_min {
                let of = if by_station { codes[of as usize] } else { of };
                self.remember_offset(of, smallest);
                self.remember_offset(of, largest);
            }
        }
        let differ = |offsets: &Option<(i16, i16)>| offsets.is_some_and(|(a, b)| a != b);
        by_station || self.layout.zone_is_known || !self.offsets_min.iter().any(differ)
    }

    /// What a block's stations are called here; nothing if one can have no number.
    fn codes_of(&mut self, block: &Reader) -> Option<Vec<u32>> {
        let mut raw: Vec<(&Vec<u8>, u32)> =
            block.codes.iter().map(|(raw, &code)| (raw, code)).collect();
        raw.sort_unstable_by_key(|(_, code)| *code);
        if raw.is_empty() {
            return Some(vec![0]);
        }
        raw.into_iter()
            .map(|(raw, _)| match self.codes.get(raw) {
                Some(&code) => Some(code),
                None => {
                    let code = new_station(raw, &mut self.names)?;
                    self.codes.insert(raw.clone(), code);
                    Some(code)
                }
            })
            .collect()
    }
}
