"""Makes the fixtures beside this file: the two textbook networks in Keras, saved in its three forms.

    python3 -m venv venv && venv/bin/pip install keras jax h5py && KERAS_BACKEND=jax venv/bin/python make.py

Weights run through a short table (period 257), so that a file of megabytes is a few kilobytes after gzip; 257 is prime
to all sizes, so a transposed or reshaped layer does not look like itself. Inputs follow a formula (`wave`) that the Rust
test repeats; only the outputs are stored.
"""

import gzip
import json
import pathlib

import keras
import numpy as np
from keras import layers

HERE = pathlib.Path(__file__).parent


def wave(count, phase):
    """The inputs: the same numbers as in the Rust test."""
    index = np.arange(count, dtype=np.float64)
    return np.sin(0.37 * index + phase).astype(np.float32)


def fill(model):
    """Weights from the table, scaled by the number of inputs, each variable with another start."""
    filled = []
    for number, weight in enumerate(model.get_weights()):
        index = np.arange(weight.size, dtype=np.int64)
        table = ((index * 113 + 31 * number) % 257 - 128) / 128.0
        fan_in = weight.size // weight.shape[-1] if weight.ndim > 1 else 16
        filled.append((table * 1.7 / np.sqrt(fan_in)).astype(np.float32).reshape(weight.shape))
    model.set_weights(filled)


def cnn(padding):
    conv = {"activation": "relu", "padding": padding}
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, **conv), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, **conv), layers.MaxPooling2D(),
        layers.Conv2D(128, 3, **conv), layers.Flatten(),
        layers.Dense(128, activation="relu"), layers.Dense(2, activation="softmax"),
    ])


def lstm():
    return keras.Sequential([
        keras.Input((None, 110)),
        layers.LSTM(128, return_sequences=True), layers.LSTM(128, return_sequences=True), layers.LSTM(128),
        layers.Dense(2, activation="softmax"),
    ])


def store(model, name, save):
    path = HERE / name
    save(model, path)
    with open(path, "rb") as plain, gzip.GzipFile(HERE / (name + ".gz"), "wb", 9, mtime=0) as packed:
        packed.write(plain.read())
    path.unlink()


def outputs(model, shapes):
    found = []
    for phase, shape in enumerate(shapes):
        x = wave(int(np.prod(shape)), phase).reshape(shape)
        found.append({"shape": list(shape), "phase": phase, "output": np.asarray(model(x)).tolist()})
    return found


expected = {}
for padding in ["same", "valid"]:
    model = cnn(padding)
    fill(model)
    expected[f"cnn-{padding}"] = outputs(model, [(3, 28, 28, 1)])
    if padding == "same":
        store(model, "cnn-same.keras", lambda model, path: model.save(path))
    else:
        store(model, "cnn-valid.h5", lambda model, path: model.save(path))
model = lstm()
fill(model)
expected["lstm"] = outputs(model, [(2, 48, 110), (1, 7, 110)])
store(model, "lstm.keras", lambda model, path: model.save(path))
store(model, "lstm.h5", lambda model, path: model.save(path))
store(model, "lstm.weights.h5", lambda model, path: model.save_weights(path))
wrong = keras.Sequential([keras.Input((None, 110)), layers.GRU(128), layers.Dense(2, activation="softmax")])
fill(wrong)
store(wrong, "gru.keras", lambda model, path: model.save(path))
(HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
