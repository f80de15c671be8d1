//! A walk over the structure of a DICOM file that allocates nothing (PS3.5 section 7, PS3.10 section 7).
//!
//! Contract: a file that passes has no element longer than what is left of the file or of the sequence around it, no
//! deeper nesting than [`DEPTH_MAX`], and a transfer syntax that is read. Where dicom-rs is lenient this walk is strict,
//! so that both see the same structure.

use crate::fhir::picture::PictureError;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// Deepest nesting of sequences and items; the standard's own objects need six.
pub const DEPTH_MAX: usize = 24;
/// Most elements and items of a file.
const ELEMENTS_MAX: usize = 200_000;
/// The length that means "until a delimiter".
const UNDEFINED: u32 = u32::MAX;
const BROKEN: PictureError = PictureError::Undecodable("its lengths do not fit together");

/// How pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// As they are.
    Native,
    /// JPEG baseline, extended or lossless, in fragments.
    Jpeg,
    /// RLE Lossless, in fragments.
    Rle,
}

/// A transfer syntax that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    uid: &'static str,
    explicit: bool,
    big_endian: bool,
    /// How pixels are stored.
    pub pixels: Pixels,
}

const fn syntax(uid: &'static str, explicit: bool, big_endian: bool, pixels: Pixels) -> Syntax {
    Syntax { uid, explicit, big_endian, pixels }
}

/// PS3.5 section 10 and annex A; the deflated syntax is left out because a kilobyte of it can become a gigabyte.
const SYNTAXES: [Syntax; 8] = [
    syntax("1.2.840.10008.1.2", false, false, Pixels::Native),
    syntax("1.2.840.10008.1.2.1", true, false, Pixels::Native),
    syntax("1.2.840.10008.1.2.2", true, true, Pixels::Native),
    syntax("1.2.840.10008.1.2.4.50", true, false, Pixels::Jpeg),
    syntax("1.2.840.10008.1.2.4.51", true, false, Pixels::Jpeg),
    syntax("1.2.840.10008.1.2.4.57", true, false, Pixels::Jpeg),
    syntax("1.2.840.10008.1.2.4.70", true, false, Pixels::Jpeg),
    syntax("1.2.840.10008.1.2.5", true, false, Pixels::Rle),
];

/// Walks a whole file.
///
/// # Errors
/// [`PictureError::TransferSyntax`] or [`PictureError::Undecodable`].
pub fn check(bytes: &[u8]) -> Result<Syntax, PictureError> {
    let meta = Syntax { uid: "", explicit: true, big_endian: false, pixels: Pixels::Native };
    let mut walk = Walk { bytes, at: 132, syntax: meta, scopes: Vec::new(), count: 0 };
    // The file meta group says its own length first.
    let (tag, _, length) = walk.element_header()?;
    if tag != Tag(2, 0) || length != 4 {
        return Err(BROKEN);
    }
    let group = walk.u32()? as usize;
    let end = walk.at.checked_add(group).filter(|end| *end <= bytes.len()).ok_or(BROKEN)?;
    let mut uid = None;
    while walk.at < end {
        let (tag, _, length) = walk.element_header()?;
        let value = walk.skip(length as usize, end)?;
        if tag == Tag(2, 0x10) {
            uid = Some(value);
        }
    }
    if walk.at != end {
        return Err(BROKEN);
    }
    let uid = std::str::from_utf8(uid.ok_or(PictureError::TransferSyntax)?).unwrap_or("");
    let uid = uid.trim_end_matches(['\0', ' ']);
    walk.syntax = SYNTAXES.into_iter().find(|one| one.uid == uid).ok_or(PictureError::TransferSyntax)?;
    walk.data_set()?;
    Ok(walk.syntax)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    Sequence,
    Item,
    /// Encapsulated pixel data.
    Fragments,
}

#[derive(Clone, Copy)]
struct Scope {
    kind: ScopeKind,
    /// Where it ends, unless a delimiter ends it.
    end: Option<usize>,
    /// Where the nearest scope around it that has an end ends.
    limit: usize,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    syntax: Syntax,
    scopes: Vec<Scope>,
    count: usize,
}

impl<'a> Walk<'a> {
    fn data_set(&mut self) -> Result<(), PictureError> {
        loop {
            self.close_finished();
            let scope = self.scopes.last().copied();
            if self.at == self.bytes.len() {
                // A file may end without the delimiter of its pixel data; nothing else may stay open.
                let last = matches!(scope, Some(Scope { kind: ScopeKind::Fragments, .. })) && self.scopes.len() == 1;
                return if scope.is_none() || last { Ok(()) } else { Err(BROKEN) };
            }
            self.count += 1;
            if self.count > ELEMENTS_MAX {
                return Err(PictureError::Undecodable("it has too many elements"));
            }
            match scope {
                Some(scope) if scope.kind != ScopeKind::Item => self.item(scope)?,
                _ => self.element(scope)?,
            }
        }
    }

    fn close_finished(&mut self) {
        while self.scopes.last().is_some_and(|scope| scope.end == Some(self.at)) {
            self.scopes.pop();
        }
    }

    fn limit(&self) -> usize {
        self.scopes.last().map_or(self.bytes.len(), |scope| scope.limit)
    }

    fn open(&mut self, kind: ScopeKind, length: u32) -> Result<(), PictureError> {
        if self.scopes.len() >= DEPTH_MAX {
            return Err(PictureError::Undecodable("it is nested too deeply"));
        }
        let around = self.limit();
        let end = match length {
            UNDEFINED => None,
            length => Some(self.at.checked_add(length as usize).filter(|end| *end <= around).ok_or(BROKEN)?),
        };
        self.scopes.push(Scope { kind, end, limit: end.unwrap_or(around) });
        Ok(())
    }

    /// An item of a sequence, a fragment of pixels, or the delimiter after the last.
    fn item(&mut self, scope: Scope) -> Result<(), PictureError> {
        let (tag, length) = (self.tag()?, self.u32()?);
        match tag {
            Tag(0xfffe, 0xe000) if scope.kind == ScopeKind::Sequence => self.open(ScopeKind::Item, length),
            Tag(0xfffe, 0xe000) if length != UNDEFINED => self.skip(length as usize, scope.limit).map(|_| ()),
            Tag(0xfffe, 0xe0dd) if scope.end.is_none() => {
                self.scopes.pop();
                Ok(())
            }
            _ => Err(BROKEN),
        }
    }

    /// An element of the data set or of an item, or the delimiter of an item.
    fn element(&mut self, scope: Option<Scope>) -> Result<(), PictureError> {
        let (tag, vr, length) = self.element_header()?;
        if tag.0 == 0xfffe {
            let ends = tag.1 == 0xe00d && scope.is_some_and(|scope| scope.end.is_none());
            self.scopes.pop();
            return if ends { Ok(()) } else { Err(BROKEN) };
        }
        match (vr, length) {
            (_, UNDEFINED) if tag == Tag(0x7fe0, 0x10) => self.open(ScopeKind::Fragments, UNDEFINED),
            (VR::SQ, _) => self.open(ScopeKind::Sequence, length),
            (_, UNDEFINED) if !self.syntax.explicit => self.open(ScopeKind::Sequence, length),
            // Of unknown content, in an encoding of its own (PS3.5 6.2.2): refused rather than misread.
            (_, UNDEFINED) => Err(BROKEN),
            _ => self.skip(length as usize, self.limit()).map(|_| ()),
        }
    }

    fn element_header(&mut self) -> Result<(Tag, VR, u32), PictureError> {
        let tag = self.tag()?;
        if tag.0 == 0xfffe {
            return Ok((tag, VR::UN, self.u32()?));
        }
        if !self.syntax.explicit {
            return Ok((tag, implicit_vr(tag), self.u32()?));
        }
        let code = self.take(2)?;
        let vr = VR::from_binary([code[0], code[1]]).ok_or(BROKEN)?;
        let long = !matches!(
            vr,
            VR::AE
                | VR::AS
                | VR::AT
                | VR::CS
                | VR::DA
                | VR::DS
                | VR::DT
                | VR::FL
                | VR::FD
                | VR::IS
                | VR::LO
                | VR::LT
                | VR::PN
                | VR::SH
                | VR::SL
                | VR::SS
                | VR::ST
                | VR::TM
                | VR::UI
                | VR::UL
                | VR::US
        );
        if long {
            self.take(2)?;
            return Ok((tag, vr, self.u32()?));
        }
        Ok((tag, vr, u32::from(self.u16()?)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], PictureError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.limit()).ok_or(BROKEN)?;
        let taken = self.bytes.get(self.at..end).ok_or(BROKEN)?;
        self.at = end;
        Ok(taken)
    }

    fn skip(&mut self, length: usize, limit: usize) -> Result<&'a [u8], PictureError> {
        if self.at.checked_add(length).is_none_or(|end| end > limit) {
            return Err(BROKEN);
        }
        self.take(length)
    }

    fn tag(&mut self) -> Result<Tag, PictureError> {
        Ok(Tag(self.u16()?, self.u16()?))
    }

    fn u16(&mut self) -> Result<u16, PictureError> {
        let bytes = self.take(2)?.try_into().map_err(|_| BROKEN)?;
        Ok(if self.syntax.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self) -> Result<u32, PictureError> {
        let bytes = self.take(4)?.try_into().map_err(|_| BROKEN)?;
        Ok(if self.syntax.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }
}

/// The representation dicom-rs assumes where none is written.
fn implicit_vr(tag: Tag) -> VR {
    if tag == Tag(0x7fe0, 0x10) {
        return VR::OW;
    }
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr().relaxed())
}
