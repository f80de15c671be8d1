//! MedMNIST's arrays: every `*.npz` of a folder that holds `{split}_images.npy` (films, rows, columns) and
//! `{split}_labels.npy` (films) or (films, 1).
//!
//! Contract: a `.npz` is a zip of `.npy` (NEP 1); 8-bit grey pictures, labels of 8 to 64 bits, 1 meaning pneumonia. The
//! split `tune` is every ninth film of what the data call training (patients are not named there, so films of one patient
//! may be on both sides); `val` and `test` are the data's own.

use crate::{
    domain::GreyImage,
    training::{Split, TrainingError, image::data::LabelledFilm},
};
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// One in so many training films is for tuning.
const TUNE: usize = 9;
/// Greatest size of one array, in bytes.
const ARRAY_MAX: u64 = 1 << 30;

/// The films of a split, in the order of the arrays.
///
/// # Errors
/// [`TrainingError`] when no archive holds the split or an array does not fit.
pub fn read(folder: &Path, split: Split) -> Result<Vec<LabelledFilm>, TrainingError> {
    let (images, labels) = arrays(folder, split)?;
    let &[count, height, width] = images.shape.as_slice() else {
        return Err(TrainingError::Data(format!("pictures of shape {:?} are not grey films", images.shape)));
    };
    let labels = labels.integers()?;
    if labels.len() != count || images.size != 1 {
        return Err(TrainingError::Data(format!(
            "{} labels for {count} films of {} bytes a pixel",
            labels.len(),
            images.size
        )));
    }
    let chosen = |index: &usize| match split {
        Split::Train => !index.is_multiple_of(TUNE),
        Split::Tune => index.is_multiple_of(TUNE),
        Split::Validation | Split::Test => true,
    };
    let indices: Vec<usize> = (0..count).filter(chosen).collect();
    let film = |(place, index): (usize, &usize)| {
        let pixels = images.bytes[index * height * width..(index + 1) * height * width].to_vec();
        let image = GreyImage::new(width, height, pixels).map_err(|error| TrainingError::Data(error.to_string()))?;
        let name = format!("{}/{index}", prefixes(split)[0]);
        Ok(LabelledFilm::of_part(image, labels[*index] == 1, name, split, (place, indices.len())))
    };
    indices.iter().enumerate().map(film).collect()
}

/// What the arrays of a split may be called.
const fn prefixes(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train | Split::Tune => &["train"],
        Split::Validation => &["val", "validation"],
        Split::Test => &["test"],
    }
}

/// Pictures and labels of the first archive that has them.
fn arrays(folder: &Path, split: Split) -> Result<(Array, Array), TrainingError> {
    let entries = fs::read_dir(folder).map_err(TrainingError::io(folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "npz"));
    paths.sort();
    for path in &paths {
        for prefix in prefixes(split) {
            let images = array(path, &format!("{prefix}_images.npy"))?;
            if let (Some(images), Some(labels)) = (images, array(path, &format!("{prefix}_labels.npy"))?) {
                return Ok((images, labels));
            }
        }
    }
    let names: Vec<String> = prefixes(split).iter().map(|prefix| format!("{prefix}_images")).collect();
    Err(TrainingError::Data(format!("no *.npz in {} holds {}", folder.display(), names.join(" or "))))
}

/// One array of an archive, if it is there.
fn array(path: &Path, name: &str) -> Result<Option<Array>, TrainingError> {
    let broken = |error: String| TrainingError::Data(format!("{}: {name}: {error}", path.display()));
    let file = File::open(path).map_err(TrainingError::io(path))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    let mut entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(broken(error.to_string())),
    };
    let mut bytes = Vec::new();
    entry.by_ref().take(ARRAY_MAX).read_to_end(&mut bytes).map_err(TrainingError::io(path))?;
    Array::parse(&bytes).map(Some).map_err(broken)
}

/// A little-endian array in C order.
#[derive(Debug, PartialEq, Eq)]
struct Array {
    shape: Vec<usize>,
    /// Bytes per element.
    size: usize,
    bytes: Vec<u8>,
}

impl Array {
    /// Reads an `.npy` file of integers.
    fn parse(file: &[u8]) -> Result<Self, String> {
        let magic = file.strip_prefix(b"\x93NUMPY").ok_or("it is no .npy file")?;
        let (length, rest) = match magic {
            [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
            [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
            _ => return Err("its version is not known".into()),
        };
        let (header, bytes) = rest.split_at_checked(length).ok_or("it breaks off")?;
        let header = String::from_utf8_lossy(header);
        if header.contains("'fortran_order': True") {
            return Err("it is not in C order".into());
        }
        let descr = between(&header, "'descr':", ",").map(|text| text.trim().trim_matches('\'').to_owned());
        let size = match descr.as_deref() {
            Some("|u1" | "|i1" | "|b1" | "<u1") => 1,
            Some("<i2" | "<u2") => 2,
            Some("<i4" | "<u4") => 4,
            Some("<i8" | "<u8") => 8,
            other => return Err(format!("numbers of kind {other:?} are not read")),
        };
        let shape = between(&header, "(", ")").ok_or("it has no shape")?;
        let shape: Result<Vec<usize>, _> =
            shape.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::parse).collect();
        let shape = shape.map_err(|error| format!("its shape: {error}"))?;
        let count = shape.iter().try_fold(size, |product: usize, side| product.checked_mul(*side));
        if count != Some(bytes.len()) {
            return Err(format!("{} bytes do not fill {shape:?} numbers of {size} bytes", bytes.len()));
        }
        Ok(Self { shape, size, bytes: bytes.to_vec() })
    }

    /// The numbers, for labels.
    fn integers(&self) -> Result<Vec<u64>, TrainingError> {
        if self.shape.iter().skip(1).any(|side| *side != 1) {
            return Err(TrainingError::Data(format!("labels of shape {:?} are not one per film", self.shape)));
        }
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Ok(self.bytes.chunks_exact(self.size).map(number).collect())
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

#[cfg(test)]
mod tests {
    use super::{Array, read};
    use crate::training::Split;
    use std::{fs::File, io::Write as _};

    fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(bytes);
        file
    }

    #[test]
    fn arrays_are_read_with_their_shape_and_wrong_ones_refused() {
        let array = Array::parse(&npy("<i8", "(2, 1)", &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])).unwrap();
        assert_eq!((array.shape.clone(), array.integers().unwrap()), (vec![2, 1], vec![1, 2]));
        assert!(Array::parse(&npy("|u1", "(3,)", &[1, 2])).unwrap_err().contains("do not fill"));
        assert!(Array::parse(&npy("<f4", "(1,)", &[0; 4])).unwrap_err().contains("are not read"));
        assert!(Array::parse(b"PK").is_err());
    }

    #[test]
    fn a_folder_gives_its_splits_and_says_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = zip::ZipWriter::new(File::create(folder.path().join("films.npz")).unwrap());
        let plain = zip::write::SimpleFileOptions::default();
        let pixels: Vec<u8> = (0..20 * 16u32).map(|i| i as u8).collect();
        for (name, bytes) in [
            ("train_images.npy", npy("|u1", "(20, 4, 4)", &pixels)),
            ("train_labels.npy", npy("|u1", "(20, 1)", &[1; 20])),
            ("test_images.npy", npy("|u1", "(1, 4, 4)", &pixels[..16])),
            ("test_labels.npy", npy("|u1", "(1,)", &[0])),
        ] {
            archive.start_file(name, plain).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        archive.finish().unwrap();
        let count = |split| read(folder.path(), split).unwrap().len();
        assert_eq!((count(Split::Train), count(Split::Tune), count(Split::Test)), (17, 3, 1));
        let test = read(folder.path(), Split::Test).unwrap().remove(0);
        assert!(!test.positive && test.image.pixels() == &pixels[..16]);
        let tune = read(folder.path(), Split::Tune).unwrap();
        assert!(tune.iter().all(|film| film.belongs(Split::Tune)) && tune[0].cluster() != tune[1].cluster());
        assert!(read(folder.path(), Split::Validation).is_err_and(|error| error.to_string().contains("val_images")));
    }
}
