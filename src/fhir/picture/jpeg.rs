//! The frame header of a JPEG stream (ITU T.81 Annex B), read before any decoder sees it.

/// What a JPEG stream declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Samples per line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// The coding process: the second byte of the frame's marker, 0xC0 for baseline.
    pub process: u8,
    /// Bits per sample.
    pub precision: u8,
    /// Components per pixel.
    pub components: u8,
    /// Offset just after the header of the first scan.
    pub data: usize,
}

/// Walks the marker segments up to the first scan. Nothing when the stream is malformed, has no frame, or declares more
/// than one.
#[must_use]
pub fn frame_header(bytes: &[u8]) -> Option<FrameHeader> {
    let mut at = 2;
    let mut frame = None;
    if !bytes.starts_with(b"\xff\xd8") {
        return None;
    }
    loop {
        // Any number of fill bytes may stand before a marker.
        while *bytes.get(at)? == 0xff && *bytes.get(at + 1)? == 0xff {
            at += 1;
        }
        let (mark, code) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if mark != 0xff || matches!(code, 0 | 0xd8 | 0xd9) {
            return None;
        }
        at += 2;
        if matches!(code, 0x01 | 0xd0..=0xd7) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let body = bytes.get(at + 2..at + length.max(2))?;
        at += length.max(2);
        match code {
            // DHT, JPG and DAC share the range of the frame markers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf if frame.is_some() => return None,
            0xc0..=0xcf => frame = Some(FrameHeader { process: code, ..start_of_frame(body)? }),
            0xda => return frame.map(|frame| FrameHeader { data: at, ..frame }),
            _ => {}
        }
    }
}

fn start_of_frame(body: &[u8]) -> Option<FrameHeader> {
    let [precision, y1, y0, x1, x0, components, ..] = *body else { return None };
    let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
    Some(FrameHeader { width: side(x1, x0), height: side(y1, y0), process: 0, precision, components, data: 0 })
}

/// Whether the end of the image is there: decoders fill what is missing with grey and say nothing.
#[must_use]
pub fn is_complete(bytes: &[u8], header: &FrameHeader) -> bool {
    bytes.get(header.data..).is_some_and(|data| data.windows(2).rev().any(|pair| pair == b"\xff\xd9"))
}

#[cfg(test)]
mod tests {
    use super::{frame_header, is_complete};
    use proptest::prelude::*;

    const TINY: &[u8] = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01\x01\x11\x00\xff\xda\x00\x02data\xff\xd9";

    #[test]
    fn the_declared_size_is_read_without_decoding() {
        let header = frame_header(TINY).unwrap();
        assert_eq!((header.width, header.height, header.precision, header.components), (32, 16, 8, 1));
        assert!(is_complete(TINY, &header) && !is_complete(&TINY[..TINY.len() - 1], &header));
    }

    #[test]
    fn a_stream_cut_before_its_scan_has_no_header() {
        for length in 0..TINY.len() - 8 {
            assert_eq!(frame_header(&TINY[..length]), None);
        }
    }

    proptest! {
        #[test]
        fn no_stream_makes_the_walk_panic(tail in prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0xc0), Just(0), any::<u8>()], 0..200)) {
            let stream = [b"\xff\xd8", &tail[..]].concat();
            prop_assert!(frame_header(&stream).is_none_or(|header| header.data <= stream.len()));
        }
    }
}
