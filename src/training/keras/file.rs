//! Finds the layers with their weights, and the network's configuration if there is one, in any of Keras's three forms.
//!
//! Contract: bounded by the file's size; a damaged file is an error, never a panic (a property test cuts and bends them).

use super::{Array, BYTES_MAX, KerasError, Layer};
use hdf5_reader::{Hdf5File, dataset::Dataset, group::Group};
use serde_json::Value;
use std::io::{Cursor, Read};

/// Deepest nesting of groups below a layer.
const DEPTH_MAX: usize = 6;

/// What a file holds.
pub(super) struct Found {
    pub(super) layers: Vec<Layer>,
    /// Keras's description of the model; weights alone come without.
    pub(super) config: Option<Value>,
}

fn layout(error: impl std::fmt::Display) -> KerasError {
    KerasError::Layout(error.to_string())
}

pub(super) fn read(bytes: Vec<u8>) -> Result<Found, KerasError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return archive(bytes);
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return hdf5(bytes);
    }
    Err(KerasError::Kind)
}

/// `.keras`: a zip archive with `config.json` and `model.weights.h5`.
fn archive(bytes: Vec<u8>) -> Result<Found, KerasError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(layout)?;
    let mut part = |name: &str| -> Result<Vec<u8>, KerasError> {
        let file = archive.by_name(name).map_err(|error| layout(format!("{name}: {error}")))?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX { Err(KerasError::Size) } else { Ok(bytes) }
    };
    let config = serde_json::from_slice(&part("config.json")?).map_err(layout)?;
    Ok(Found { config: Some(config), ..hdf5(part("model.weights.h5")?)? })
}

fn hdf5(bytes: Vec<u8>) -> Result<Found, KerasError> {
    let file = Hdf5File::from_vec(bytes).map_err(layout)?;
    let root = file.root_group().map_err(layout)?;
    if let Ok(layers) = root.group("layers") {
        return Ok(Found { layers: newer(&layers)?, config: None });
    }
    let config = root.attribute("model_config").ok().map(|attribute| attribute.read_string().map_err(layout));
    let config = config.transpose()?.map(|text| serde_json::from_str(&text).map_err(layout)).transpose()?;
    let weights = root.group("model_weights").or(Ok::<Group, KerasError>(root))?;
    Ok(Found { layers: older(&weights)?, config })
}

/// Keras 3: `layers/<class>_<number>/[cell/]vars/<number>`. The names count layers of a class in their order.
fn newer(layers: &Group) -> Result<Vec<Layer>, KerasError> {
    let mut found = Vec::new();
    for group in layers.groups().map_err(layout)? {
        let mut arrays = Vec::new();
        vars(&group, DEPTH_MAX, &mut arrays)?;
        if !arrays.is_empty() {
            found.push(Layer { name: group.name().to_owned(), arrays });
        }
    }
    found.sort_by_key(|layer| number(&layer.name));
    Ok(found)
}

/// The number at the end of a name: `lstm` comes before `lstm_1`, `lstm_2` before `lstm_10`.
fn number(name: &str) -> u64 {
    name.rsplit_once('_').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn vars(group: &Group, depth: usize, arrays: &mut Vec<Array>) -> Result<(), KerasError> {
    // Keras's random state is no weight.
    if depth == 0 || group.name().contains("seed_generator") {
        return Ok(());
    }
    let (groups, mut datasets) = group.members().map_err(layout)?;
    if group.name() == "vars" {
        datasets.sort_by_key(|dataset| dataset.name().parse::<u64>().unwrap_or(u64::MAX));
        for dataset in &datasets {
            arrays.push(array(dataset)?);
        }
    }
    groups.iter().try_for_each(|group| vars(group, depth - 1, arrays))
}

/// Keras 2 and the older form: the attribute `layer_names`, and in each layer's group `weight_names`, in order.
fn older(weights: &Group) -> Result<Vec<Layer>, KerasError> {
    let mut found = Vec::new();
    for name in names(weights, "layer_names")? {
        let group = weights.group(&name).map_err(layout)?;
        let mut arrays = Vec::new();
        for path in names(&group, "weight_names")? {
            arrays.push(array(&at(&group, &path)?)?);
        }
        if !arrays.is_empty() {
            found.push(Layer { name, arrays });
        }
    }
    Ok(found)
}

fn names(group: &Group, attribute: &str) -> Result<Vec<String>, KerasError> {
    let attribute = group.attribute(attribute).map_err(layout)?;
    if attribute.num_elements().map_err(layout)? == 0 {
        return Ok(Vec::new());
    }
    attribute.read_strings().map_err(layout)
}

fn at(group: &Group, path: &str) -> Result<Dataset, KerasError> {
    match path.split_once('/') {
        Some((first, rest)) => at(&group.group(first).map_err(layout)?, rest),
        None => group.dataset(path).map_err(layout),
    }
}

fn array(dataset: &Dataset) -> Result<Array, KerasError> {
    let shape: Vec<usize> = dataset.shape().iter().map(|size| *size as usize).collect();
    let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
    let count = count.filter(|count| (*count as u64) < BYTES_MAX / 4).ok_or(KerasError::Size)?;
    let mut values = vec![0.0_f32; count];
    dataset.read_into::<f32>(&mut values).map_err(|error| layout(format!("{}: {error}", dataset.name())))?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(layout(format!("{} holds a number that is not finite", dataset.name())));
    }
    Ok(Array { shape, values })
}
