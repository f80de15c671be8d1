//! Holds Keras's description of a model against the textbook's, layer by layer.
//!
//! Contract: whatever would change an answer is compared; layers that do nothing once trained (input, dropout) are passed
//! over.

use super::{Architecture, KerasError};
use serde_json::{Value, json};

/// Layers without effect on a trained network's answers.
const IDLE: [&str; 3] = ["InputLayer", "Dropout", "SpatialDropout1D"];

/// Compares.
pub(super) fn check(config: &Value, architecture: Architecture) -> Result<(), KerasError> {
    let layers = config.pointer("/config/layers").and_then(Value::as_array);
    let layers = layers.ok_or_else(|| KerasError::Layout("the configuration lists no layers".into()))?;
    let class = |layer: &Value| layer.get("class_name").and_then(Value::as_str).unwrap_or("?").to_owned();
    let layers: Vec<(String, &Value)> = layers
        .iter()
        .map(|layer| (class(layer), layer.get("config").unwrap_or(&Value::Null)))
        .filter(|(class, _)| !IDLE.contains(&class.as_str()))
        .collect();
    let expected = expected(architecture);
    let (found, wanted): (Vec<&str>, Vec<&str>) =
        (layers.iter().map(|one| one.0.as_str()).collect(), expected.iter().map(|one| one.0).collect());
    if found != wanted {
        return Err(KerasError::Network(format!("its layers are {}, not {}", found.join(", "), wanted.join(", "))));
    }
    for ((class, config), (_, wanted)) in layers.iter().zip(&expected) {
        let Some(wanted) = wanted.as_object() else { continue };
        for (key, value) in wanted {
            // A key that an older version does not write has its default, which is the textbook's.
            if let Some(found) = config.get(key).filter(|found| *found != value) {
                let name = config.get("name").and_then(Value::as_str).unwrap_or(class);
                return Err(KerasError::Network(format!("{key} of {name} is {found}, not {value}")));
            }
        }
    }
    Ok(())
}

fn expected(architecture: Architecture) -> Vec<(&'static str, Value)> {
    match architecture {
        Architecture::Lstm => {
            let layer = |sequences: bool| {
                let config = json!({"units": 128, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": true,
                    "go_backwards": false, "return_sequences": sequences, "return_state": false, "time_major": false});
                ("LSTM", config)
            };
            vec![layer(true), layer(true), layer(false), dense("softmax")]
        }
        Architecture::Cnn => {
            let conv = |filters: usize| {
                let config = json!({"filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1],
                    "groups": 1, "activation": "relu", "use_bias": true, "data_format": "channels_last"});
                ("Conv2D", config)
            };
            let pool = || {
                let config = json!({"pool_size": [2, 2], "strides": [2, 2], "padding": "valid",
                    "data_format": "channels_last"});
                ("MaxPooling2D", config)
            };
            vec![conv(32), pool(), conv(64), pool(), conv(128), ("Flatten", json!({})), dense("relu"), dense("softmax")]
        }
    }
}

fn dense(activation: &str) -> (&'static str, Value) {
    ("Dense", json!({"activation": activation, "use_bias": true}))
}
